import Foundation
import TestSupport
import Testing

/// `/users/{user-name}/~authenticate` (spec 4.1, 2.12).
@Suite(.enabled(if: programIsKnown, "needs BILLING_BINARY"))
struct TemporaryPasswordTests {
    /// Asks for a temporary password by POST, without credentials.
    private static func authenticate(
        _ merchant: Merchant, user: String? = nil, password: String? = nil, accept: Media = .json
    ) throws -> Answer {
        try merchant.call(
            "POST", "/users/\(user ?? merchant.user)/~authenticate",
            #"{"password":"\#(password ?? merchant.password)"}"#, accept: accept.rawValue,
            headers: ["X-Request-Id: same"], credentials: false)
    }

    /// The temporary password of an answer, kept as a secret from now on.
    private static func password(_ answer: Answer, in merchant: Merchant) throws -> String {
        #expect(answer.status == 200, "\(answer)")
        let password = try #require(answer["temporaryPassword"])
        merchant.stack.secrets.keep(password)
        return password
    }

    @Test func worksInPlaceOfThePasswordUntilItEnds() throws {
        let merchant = try Merchant()
        let path = "/users/\(merchant.user)/~authenticate"
        var passwords: [String] = []
        for media in Media.allCases {
            passwords.append(
                try Self.password(Self.authenticate(merchant, accept: media), in: merchant))
            passwords.append(
                try Self.password(merchant.call("GET", path, accept: media.rawValue), in: merchant))
        }
        #expect(Set(passwords).count == 6 && passwords.allSatisfy { $0.count == 43 })
        let shown = try merchant.call("GET", path)
        let kept = try Self.password(shown, in: merchant)
        #expect(shown["userName"] == merchant.user)
        #expect(shown.tree["privileges"] == .list([.text("management-api")]))
        #expect(shown.tree["accountIds"] == .list([.number("\(merchant.account)")]))
        let expires = try #require(shown["temporaryPasswordExpires"])
        let minutes = try merchant.stack.sql(
            "select round(extract(epoch from '\(expires)Z' - now()) / 60) between 58 and 60")
        #expect(minutes == "t", "\(expires)")

        // All hold at once, on every worker, for what the user may do.
        for password in passwords {
            for _ in 1...3 {
                #expect(try merchant.with(password: password).call("GET", "/customers").status == 200)
            }
        }
        #expect(try merchant.with(password: kept).createCustomer().id > 0)
        // It gives no other one.
        let byIt = try merchant.with(password: kept).call("GET", path)
        FailureTests.expect(byIt, "L03", 403, message: "temporary")
        FailureTests.expect(try Self.authenticate(merchant, password: kept), "L02", 401)
        #expect(try merchant.call("GET", "/customers").status == 200)

        // Ten hold; one more ends the oldest.
        for _ in 1...4 { _ = try Self.password(Self.authenticate(merchant), in: merchant) }
        FailureTests.expect(
            try merchant.with(password: passwords[0]).call("GET", "/customers"), "L02", 401)
        #expect(try merchant.with(password: passwords[1]).call("GET", "/customers").status == 200)

        // One that has expired is a wrong one at once.
        try merchant.stack.sql(
            """
            update billing.temporary_passwords set create_date = now() - interval '2 hours', expires_at = now()
             where user_name = '\(merchant.user)'
            """)
        for _ in 1...3 {
            FailureTests.expect(
                try merchant.with(password: kept).call("GET", "/customers"), "L02", 401)
        }
    }

    @Test func endsWithThePassword() throws {
        let merchant = try Merchant()
        let first = try Self.password(Self.authenticate(merchant), in: merchant)
        for _ in 1...4 { #expect(try merchant.with(password: first).call("GET", "/accounts").status == 200) }
        let made = try merchant.stack.billing(["user", "password", merchant.user, "--json"])
        let password = try #require(Tree(json: made.output)?["password"]?.scalar)
        merchant.stack.secrets.keep(password)
        for _ in 1...3 {
            FailureTests.expect(try merchant.with(password: first).call("GET", "/accounts"), "L02", 401)
        }
        let second = try Self.password(
            Self.authenticate(merchant, password: password), in: merchant)
        #expect(try merchant.with(password: second).call("GET", "/accounts").status == 200)
        #expect(try merchant.stack.billing(["user", "revoke", merchant.user]).status == 0)
        for _ in 1...2 {
            FailureTests.expect(try merchant.with(password: second).call("GET", "/accounts"), "L02", 401)
            FailureTests.expect(try Self.authenticate(merchant, password: password), "L02", 401)
        }
    }

    @Test func refusals() throws {
        let merchant = try Merchant()
        let reader = try merchant.anotherUser("reader", privilege: "management-api-read")
        let byReader = try Self.authenticate(reader)
        let temporary = try Self.password(byReader, in: merchant)
        #expect(byReader.tree["privileges"] == .list([.text("management-api-read")]))
        FailureTests.expect(
            try reader.with(password: temporary).call("PUT", "/plans", #"{"name":"x","amount":1}"#), "L03",
            403)

        // Wrong, foreign and unknown are told the same.
        let wrong = try Self.authenticate(merchant, password: "wrong")
        FailureTests.expect(wrong, "L02", 401)
        for (user, password) in [
            (reader.user, merchant.password), ("api-nobody-\(merchant.account)", "wrong"),
            (String(repeating: "x", count: 300), "wrong"),
        ] {
            let answer = try Self.authenticate(merchant, user: user, password: password)
            #expect(answer.status == 401 && answer.body == wrong.body, "\(user): \(answer)")
        }
        let foreign = try merchant.call("GET", "/users/\(reader.user)/~authenticate")
        FailureTests.expect(foreign, "L02", 401)

        let path = "/users/\(merchant.user)/~authenticate"
        let none = try merchant.call("POST", path, "{}", credentials: false)
        FailureTests.expect(none, "V01", 422, field: "password")
        FailureTests.expect(
            try merchant.call("POST", path, credentials: false), "V01", 422, field: "password")
        let query = try merchant.call("POST", "\(path)?password=wrong", credentials: false)
        FailureTests.expect(query, "F04", 400, field: "password")
        FailureTests.expect(try merchant.call("GET", "\(path)?password=wrong"), "F04", 400, field: "password")
        FailureTests.expect(try merchant.call("GET", path, credentials: false), "L01", 401)
        FailureTests.expect(try merchant.call("GET", "/users/\(merchant.user)"), "U01", 404)
        let many = try merchant.call(
            "POST", path, #"{"password":"a","pasword":"b"}"#, credentials: false)
        FailureTests.expect(many, "F04", 400, field: "pasword")

        // An Idempotency-Key keeps nothing: each answer has its own password.
        let key = ["Idempotency-Key: t-\(merchant.account)"]
        let body = #"{"password":"\#(merchant.password)"}"#
        let answers = try (1...2).map { _ in
            try Self.password(
                merchant.call("POST", path, body, headers: key, credentials: false), in: merchant)
        }
        #expect(answers[0] != answers[1])
        #expect(
            try merchant.stack.sql(
                "select count(*) from billing.idempotency_keys where user_name = '\(merchant.user)'") == "0")

        // Failures count, those with what looks like a temporary password as well.
        let guess = String(repeating: "A", count: 43)
        let other = try merchant.anotherUser("guessed")
        var codes: [String?] = []
        for round in 1...10 {
            codes.append(
                round.isMultiple(of: 2)
                    ? try Self.authenticate(other, password: guess)["failureCode"]
                    : try other.with(password: guess).call("GET", "/accounts")["failureCode"])
        }
        #expect(codes == Array(repeating: "L02", count: 9) + ["L05"])
        FailureTests.expect(try Self.authenticate(other), "L05", 429)
    }
}
