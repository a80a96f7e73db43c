import TestSupport
import Testing

/// How actions take what they are given: parameters in the body or in the query, in every format, and nothing at all.
@Suite(.enabled(if: programIsKnown, "needs BILLING_BINARY"))
struct AdjustmentParameterTests {
    /// Parameters as the query or a body of one format has them.
    private enum Way: CaseIterable {
        case query, json, xml, xurl

        /// The path and the body of a call with these parameters.
        func call(_ path: String, _ parameters: [(String, String)]) -> (
            path: String, body: String?, type: Media
        ) {
            let pairs = parameters.map { "\($0)=\($1.replacing(" ", with: "%20"))" }.joined(separator: "&")
            switch self {
            case .query: return (pairs.isEmpty ? path : "\(path)?\(pairs)", nil, .json)
            case .json:
                let members = parameters.map { name, value in
                    value.allSatisfy(\.isNumber) ? "\"\(name)\":\(value)" : "\"\(name)\":\"\(value)\""
                }
                return (path, "{\(members.joined(separator: ","))}", .json)
            case .xml:
                return (path, "<x \(parameters.map { "\($0)='\($1)'" }.joined(separator: " "))/>", .xml)
            case .xurl: return (path, pairs, .xurl)
            }
        }
    }

    @Test func parametersComeInTheBodyOrInTheQuery() throws {
        let merchant = try Merchant(clock: "2027-01-15")
        let customer = try merchant.createCustomer(amount: 4999)
        let item = "\(customer.path)/subscriptions/\(customer.subscription)"
        var last = item
        func send(_ way: Way, _ action: String, _ parameters: [(String, String)]) throws -> Answer {
            let (path, body, type) = way.call("\(last)/~\(action)", parameters)
            return try merchant.call(
                "POST", path, body, type: type.rawValue, accept: Media.json.rawValue)
        }
        for way in Way.allCases {
            let note = ("note", "by \(way)")
            let frozen = try send(
                way, "freeze", [("effectiveDate", "2027-02-28"), ("length", "2"), note])
            #expect(frozen.status == 200 && frozen["nextBillingDate"] == "2027-01-31", "\(way): \(frozen)")
            #expect(frozen["pendingAdjustmentType"] == "F", "\(way): \(frozen)")
            #expect(frozen.tree["adjustments"]?.items.last?["note"]?.scalar == "by \(way)", "\(way)")
            #expect(try send(way, "resume", [note]).status == 200, "\(way)")
            let paused = try send(way, "pause", [("effectiveDate", "2027-01-20"), note])
            #expect(paused.status == 200 && paused["pendingAdjustmentType"] == "P", "\(way): \(paused)")
            #expect(try send(way, "resume", []).status == 200, "\(way)")
            for (action, wrong, meant) in [
                ("freeze", "effectivDate", "effectiveDate"), ("freeze", "lenght", "length"),
                ("pause", "effectiveDat", "effectiveDate"), ("resume", "nte", "note"),
                ("cancel", "efectiveDate", "effectiveDate"),
            ] {
                let refused = try send(way, action, [(wrong, "1")])
                #expect(
                    refused.status == 400 && refused["failureCode"] == "F04", "\(way) \(wrong): \(refused)")
                #expect(refused["field"] == wrong, "\(way): \(refused)")
                #expect(
                    refused["failureMessage"]?.hasSuffix("did you mean \(meant)?") == true,
                    "\(way): \(refused)")
            }
            let before = try merchant.call("GET", last)
            #expect(before["status"] == "U" && before["pendingAdjustmentType"] == nil, "\(way): \(before)")
            let cancelled = try send(way, "cancel", [("effectiveDate", "2027-01-15"), note])
            #expect(cancelled.status == 200 && cancelled["status"] == "N", "\(way): \(cancelled)")
            let next = try merchant.call(
                "PUT", "\(customer.path)/subscriptions",
                #"{"billingCycleType":"M","amount":4999,"firstBillingDate":"2027-01-31"}"#)
            last = "\(customer.path)/subscriptions/\(next.id)"
        }
        let both = try merchant.call("POST", "\(last)/~pause?note=a", #"{"note":"b"}"#)
        #expect(both.status == 400 && both["failureCode"] == "F04", "\(both)")
        // A form without fields beside a query is nobody's contradiction.
        let one = try merchant.call("POST", "\(last)/~pause?note=a", "", type: Media.xurl.rawValue)
        #expect(one.status == 200 && one["status"] == "P", "\(one)")
        try merchant.expectSoundBooks()
    }

    @Test func anEmptyFormIsAFormWithoutFields() throws {
        let merchant = try Merchant(clock: "2027-01-15")
        let customer = try merchant.createCustomer(amount: 4999)
        let form = Media.xurl.rawValue
        let items = [
            customer.path, "\(customer.path)/payment-options/\(customer.option)",
            "\(customer.path)/subscriptions/\(customer.subscription)", "/accounts/\(merchant.account)",
        ]
        for item in items {
            let before = try merchant.call("GET", item, accept: form)
            let same = try merchant.call("POST", item, "", type: form)
            #expect(same.status == 200 && same.body == before.body, "\(item): \(same)")
        }
        for (path, missing) in [
            ("/customers", ["firstName", "lastName"]),
            ("\(customer.path)/payment-options", ["accountNumber", "holderName"]),
            ("/plans", ["name", "amount"]),
            (
                "\(customer.path)/subscriptions", ["billingCycleType", "amount", "firstBillingDate"]
            ), ("\(customer.path)/transactions", ["type", "amount"]),
        ] {
            let refused = try merchant.call("PUT", path, "", type: form, accept: Media.json.rawValue)
            #expect(refused.status == 422 && refused["failureCode"] == "V01", "\(path): \(refused)")
            #expect(
                refused.tree["errors"]?.items.map { $0["field"]?.scalar } == missing, "\(path): \(refused)")
            // Without a word about what it would be, there is no body.
            let none = try merchant.call("PUT", path)
            #expect(none["failureMessage"] == "the request needs a body", "\(path): \(none)")
        }
        let asked = try merchant.call(
            "POST", "\(customer.transactions)/~process", "", type: form, accept: Media.json.rawValue)
        #expect(asked.status == 422 && asked["field"] == "amount", "\(asked)")
        // The same nothing under the same key is the same request.
        let pause = "\(items[2])/~pause"
        let first = try merchant.call("POST", pause, "", type: form, headers: ["Idempotency-Key: empty"])
        let again = try merchant.call("POST", pause, headers: ["Idempotency-Key: empty"])
        #expect(first.status == 200 && again.status == 200, "\(first) \(again)")
        #expect(again.headers["idempotent-replay"] == "true", "\(again)")
    }

    @Test func aFilterWithoutAValueIsNotGiven() throws {
        let merchant = try Merchant()
        let customer = try merchant.createCustomer(amount: 4999)
        _ = try merchant.call("PUT", customer.transactions, #"{"type":"RI","amount":100}"#)
        let dates = ["createDateFrom", "createDateTo"]
        let lists: [(path: String, filters: [String])] = [
            (
                "/customers",
                dates + [
                    "accountId", "offset", "limit", "lastName", "code", "status", "balanceFrom", "balanceTo",
                ]
            ),
            ("\(customer.path)/payment-options", ["isActive", "type"]),
            ("/plans", dates + ["createDate", "amount", "billingCycleType", "isActive"]),
            (
                "/subscriptions",
                dates + [
                    "createDate", "nextBillingDate", "lastBillingDateTo", "planId", "customerId", "status",
                ]
            ), ("/transactions", dates + ["type", "subscriptionId", "dueDateTo", "isOpen"]),
        ]
        for (path, filters) in lists {
            let all = try merchant.call("GET", path)
            let same = try merchant.call(
                "GET", "\(path)?\(filters.map { "\($0)=" }.joined(separator: "&"))")
            #expect(same.status == 200 && same.body == all.body, "\(path): \(same)")
        }
    }
}
