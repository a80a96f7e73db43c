import Testing

/// The part of the interface that is the same for every resource (spec 1, 4), through nginx.
@Suite struct InterfaceTests {
    /// Called after what was allowed there.
    @Test func methodsAreAnsweredOrAllowed() throws {
        let merchant = try Merchant()
        let customer = try merchant.call("PUT", "/customers", #"{"firstName":"A","lastName":"B"}"#)
        let path = "/customers/\(customer.id)"
        let allowed: [(String, String)] = [
            ("/customers", "GET, PUT, HEAD, OPTIONS"), (path, "GET, POST, HEAD, OPTIONS"),
            (path + "/~load", "GET, HEAD, OPTIONS"), (path + "/transactions/~process", "POST, OPTIONS"),
            ("/accounts/\(merchant.account)/clock/~advance", "POST, OPTIONS"),
        ]
        for (resource, allow) in allowed {
            let options = try merchant.call("OPTIONS", resource, credentials: false)
            #expect(
                options.status == 204 && options.headers["allow"] == allow, "\(resource): \(options.headers)")
            #expect(options.body.isEmpty)
            for method in ["PATCH", "TRACE", "PROPFIND", "DELETE"] {
                let refused = try merchant.call(method, resource, accept: Media.xml.rawValue)
                #expect(
                    refused.status == 405 && refused["failureCode"] == "U02",
                    "\(method) \(resource): \(refused)")
                #expect(refused.headers["allow"] == allow, "\(method) \(resource)")
            }
        }
        #expect(try merchant.call("OPTIONS", "/nothing").status == 404)
        #expect(
            try merchant.call("OPTIONS", "/customers", headers: ["Origin: https://x"]).headers["allow"] != nil
        )
        for resource in ["/customers", path, path + "/~load"] {
            let get = try merchant.call("GET", resource)
            let head = try merchant.call("HEAD", resource, headers: [], head: true)
            #expect(head.status == 200 && head.body.isEmpty, "\(head)")
            #expect(head.headers["content-length"] == "\(get.body.utf8.count)", "\(resource)")
            #expect(head.headers["etag"] == get.headers["etag"] && head.headers["content-type"] != nil)
        }
        #expect(try merchant.call("HEAD", path, credentials: false, head: true).status == 401)
        #expect(try merchant.call("HEAD", path + "/transactions/~process", head: true).status == 405)
    }

    @Test func changesCanBeTiedToAState() throws {
        let merchant = try Merchant()
        let made = try merchant.call("PUT", "/customers", #"{"firstName":"A","lastName":"B"}"#)
        let plan = try merchant.call("PUT", "/plans", #"{"name":"P","billingCycleType":"M","amount":100}"#)
        let option = try merchant.call(
            "PUT", "/customers/\(made.id)/payment-options",
            #"{"type":"BC","accountNumber":"123456789","accountAccessory":"021000021","holderName":"A B"}"#)
        #expect(option.status == 201, "\(option)")
        let bodies = [
            "/customers/\(made.id)": #"{"note":"x"}"#, "/plans/\(plan.id)": #"{"name":"Q"}"#,
            "/customers/\(made.id)/payment-options/\(option.id)": #"{"holderName":"C D"}"#,
        ]
        for (path, body) in bodies {
            let first = try tag(merchant, path)
            #expect(try tag(merchant, path) == first)
            let xml = try tag(merchant, path, .xml)
            #expect(xml != first)
            for stale in ["\"\"", "\"0\"", "W/\(first)", "x"] {
                let refused = try change(merchant, path, body, match: stale)
                #expect(
                    refused.status == 412 && refused["failureCode"] == "V37", "\(path) \(stale): \(refused)")
            }
            #expect(try tag(merchant, path) == first)
            // The tag of another format will do, and so will one of several.
            let changed = try change(merchant, path, body, match: "\"0\", \(xml)")
            #expect(changed.status == 200, "\(changed)")
            #expect(changed.headers["etag"] != first)
            #expect(try tag(merchant, path) == changed.headers["etag"])
            #expect(try change(merchant, path, body, match: first).status == 412)
            #expect(try change(merchant, path, body, match: "*").status == 200)
            // Answers are never kept by anybody, so there is nothing to compare with: If-None-Match is not looked at.
            let again = try merchant.call("GET", path, headers: ["If-None-Match: *"])
            #expect(again.status == 200)
        }
        // What happens to the customer elsewhere shows in its tag: a balance, a nested option.
        let before = try tag(merchant, "/customers/\(made.id)")
        _ = try merchant.call("PUT", "/customers/\(made.id)/transactions", #"{"type":"RI","amount":100}"#)
        let owing = try tag(merchant, "/customers/\(made.id)")
        #expect(owing != before)
        #expect(try merchant.call("GET", "/customers/\(made.id)/~load").headers["etag"] == owing)
        #expect(try merchant.call("GET", "/customers").headers["etag"] == nil)
        try merchant.expectSoundBooks()
    }

    private func tag(_ merchant: Merchant, _ path: String, _ media: Media = .json) throws -> String {
        let answer = try merchant.call("GET", path, accept: media.rawValue)
        return try #require(answer.headers["etag"], "\(path): \(answer)")
    }

    private func change(_ merchant: Merchant, _ path: String, _ body: String, match: String) throws -> Answer
    {
        let escaped = match.replacing("\"", with: "\\\"")
        return try merchant.call("POST", path, body, headers: ["If-Match: \(escaped)"])
    }

    @Test func theSameRequestMayBeWrittenOtherwise() throws {
        let merchant = try Merchant()
        let key = ["Idempotency-Key: k"]
        let first = try merchant.call(
            "PUT", "/customers", #"{"firstName":"A","lastName":"B","paymentOptions":[]}"#, headers: key)
        #expect(first.status == 201)
        let others: [(String, Media, String)] = [
            ("/customers/~create", .json, #" { "lastName" : "\u0042" , "firstName":"A","email":null} "#),
            ("/customers", .xml, "<customer lastName='B' firstName='A'><payment-options/></customer>"),
            ("/customers/", .xurl, "email=&lastName=B&firstName=%41"),
        ]
        for (path, media, body) in others {
            let again = try merchant.call(
                "PUT", path, body, type: media.rawValue, accept: Media.xurl.rawValue, headers: key)
            #expect(again.status == 201 && again.headers["idempotent-replay"] == "true", "\(body): \(again)")
            // The first answer, in its own format.
            #expect(again.body == first.body && again.headers["content-type"] == "application/json")
        }
        let other = try merchant.call("PUT", "/customers", #"{"firstName":"A","lastName":"C"}"#, headers: key)
        #expect(other["failureCode"] == "V35" && other.status == 409)
        let twice = try merchant.call(
            "PUT", "/customers", #"{"firstName":"A","lastName":"C"}"#,
            headers: ["Idempotency-Key: 1", "Idempotency-Key: 2"])
        #expect(twice.status == 400 && twice["failureCode"] == "F06", "\(twice)")

        let clock = "/accounts/\(merchant.account)/clock/~advance"
        let moved = try merchant.call("POST", clock, #"{"to":"2027-01-05"}"#, headers: ["Idempotency-Key: c"])
        #expect(moved.status == 200)
        let same = try merchant.call(
            "POST", clock, "to=2027-01-05", type: Media.xurl.rawValue, headers: ["Idempotency-Key: c"])
        #expect(same.body == moved.body && same.headers["idempotent-replay"] == "true", "\(same)")
        #expect(
            try merchant.call("POST", clock, #"{"to":"2027-01-06"}"#, headers: ["Idempotency-Key: c"]).status
                == 409)
        // A refusal leaves no trace: the key is free.
        let back = ["Idempotency-Key: back"]
        #expect(try merchant.call("POST", clock, #"{"to":"2026-01-01"}"#, headers: back).status == 422)
        #expect(try merchant.call("POST", clock, #"{"to":"2027-01-07"}"#, headers: back).status == 200)
    }

    @Test func aRepetitionDoesNotWaitForLong() throws {
        let merchant = try Merchant()
        // Somebody is at work under the key: a transaction of its own holds it.
        let answer = try merchant.stack.whileRunning(
            sql: """
                insert into billing.idempotency_keys (user_name, key, fingerprint)
                values ('\(merchant.user)', 'held', decode(repeat('00', 32), 'hex'));
                """
        ) {
            try merchant.call(
                "PUT", "/customers", #"{"firstName":"A","lastName":"B"}"#, headers: ["Idempotency-Key: held"])
        }
        #expect(answer.status == 409 && answer["failureCode"] == "V30", "\(answer)")
        #expect(answer.headers["retry-after"] == "1")
    }

    /// What nginx refuses itself looks like a refusal of ours, in the caller's format.
    @Test(arguments: Media.allCases) func nginxRefusesInTheCallersFormat(media: Media) throws {
        let merchant = try Merchant()
        let long = String(repeating: "x", count: 20_000)
        let large = String(repeating: " ", count: 1_100_000)
        func check(_ answer: Answer, _ status: Int, _ code: String, _ what: String) {
            #expect(answer.status == status && answer["failureCode"] == code, "\(what): \(answer)")
            #expect(answer["responseType"] == "exception", "\(what)")
            #expect(answer["requestId"] == answer.headers["x-request-id"], "\(what)")
            #expect(
                answer.headers["content-type"]?.hasPrefix(media.rawValue) == true,
                "\(what): \(answer.headers)")
        }
        let type = media.rawValue
        check(try merchant.call("PUT", "/customers", large, type: type), 413, "F09", "too large")
        check(try merchant.call("PUT", "/customers", large, accept: type), 413, "F09", "too large")
        check(try merchant.call("GET", "/api/v02", accept: type), 404, "U01", "elsewhere")
        check(
            try merchant.call("GET", "/api/v02", accept: "text/html, \(type);q=0.1"), 404, "U01", "elsewhere")
        check(
            try merchant.call("GET", "/customers", accept: type, headers: ["X-Long: \(long)"], http1: true),
            400, "F01", "header")
        check(try merchant.call("TRACE", "/customers", accept: type), 405, "U02", "TRACE")
    }
}
