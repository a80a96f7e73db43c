import Foundation
import TestSupport
import Testing

/// Who may do what, and to whom (spec 4.1): credentials, privileges, merchant accounts out of reach.
@Suite(.enabled(if: programIsKnown, "needs BILLING_BINARY"))
struct ReachTests {
    @Test func credentials() throws {
        let merchant = try Merchant()
        for media in Media.allCases {
            let none = try merchant.call("GET", "/customers", accept: media.rawValue, credentials: false)
            FailureTests.expect(none, "L01", 401, media)
            #expect(none.headers["www-authenticate"]?.hasPrefix("Basic") == true)
        }
        let wrong = try merchant.with(password: "wrong").call(
            "GET", "/customers", headers: ["X-Request-Id: one"])
        FailureTests.expect(wrong, "L02", 401)
        // An unknown user is told the same as a wrong password.
        let header =
            "Authorization: Basic \(Data("api-nobody-\(merchant.account):wrong".utf8).base64EncodedString())"
        let unknown = try merchant.call(
            "GET", "/customers", headers: [header, "X-Request-Id: one"], credentials: false)
        #expect(unknown.status == 401 && unknown.body == wrong.body)
        let broken = try merchant.call(
            "GET", "/customers", headers: ["Authorization: Basic ???"], credentials: false)
        FailureTests.expect(broken, "L02", 401)
        #expect(try merchant.call("GET", "/customers").status == 200)
    }

    @Test func aNewPasswordEndsTheOldOneAtOnce() throws {
        let merchant = try Merchant()
        // Every worker has seen the old one.
        for _ in 1...6 { #expect(try merchant.call("GET", "/customers").status == 200) }
        let made = try merchant.stack.billing(["user", "password", merchant.user, "--json"])
        let password = try #require(Tree(json: made.output)?["password"]?.scalar)
        merchant.stack.secrets.keep(password)
        // Whatever is asked, and however wrong it is: the workers remember the old one, and ask for it with what the request does first.
        for (method, path, body) in [
            ("GET", "/customers", nil), ("PUT", "/customers", #"{"firstName":"Ann","lastName":"Lee"}"#),
            ("PUT", "/customers", #"{"firstName":"#), ("GET", "/customers/99999", nil),
            ("PUT", "/plans", #"{"amount":-1}"#),
        ] {
            FailureTests.expect(try merchant.call(method, path, body), "L02", 401)
        }
        #expect(try merchant.with(password: password).call("GET", "/customers").tree.items.isEmpty)
        #expect(try merchant.stack.billing(["user", "revoke", merchant.user]).status == 0)
        for _ in 1...4 {
            FailureTests.expect(try merchant.with(password: password).call("GET", "/customers"), "L02", 401)
        }
    }

    @Test func tooManyWrongPasswords() throws {
        let merchant = try Merchant()
        let other = try merchant.anotherUser("calm")
        let wrong = merchant.with(password: "wrong")
        var codes: [String?] = []
        for _ in 1...9 { codes.append(try wrong.call("GET", "/customers")["failureCode"]) }
        #expect(codes == Array(repeating: "L02", count: 9))
        for _ in 10...11 {
            let blocked = try wrong.call("GET", "/customers")
            FailureTests.expect(blocked, "L05", 429)
            #expect((blocked.headers["retry-after"].flatMap { Int($0) } ?? 0) > 0, "\(blocked.headers)")
        }
        #expect(try other.call("GET", "/customers").status == 200)
    }

    @Test func readOnly() throws {
        let merchant = try Merchant()
        let customer = try merchant.createCustomer()
        let reader = try merchant.anotherUser("reader", privilege: "management-api-read")
        #expect(try reader.call("GET", customer.path).status == 200)
        #expect(try reader.call("GET", "/customers").tree.items.count == 1)
        for (method, path, body) in [
            ("PUT", "/customers", #"{"firstName":"Ann","lastName":"Lee"}"#),
            ("POST", customer.path, #"{"note":"x"}"#),
            ("PUT", "/plans", #"{"name":"Gold","amount":1}"#),
            ("PUT", customer.transactions, #"{"type":"RI","amount":100}"#),
            ("POST", "\(customer.transactions)/~process", #"{"amount":500}"#),
            ("POST", "/accounts/\(merchant.account)/clock/~advance", #"{"to":"2027-02-01"}"#),
        ] {
            for media in Media.allCases {
                FailureTests.expect(
                    try reader.call(method, path, body, accept: media.rawValue), "L03", 403, media)
            }
        }
        #expect(try merchant.entries(of: customer).isEmpty)
    }

    /// A foreign object answers exactly like one that does not exist.
    @Test func foreignObjects() throws {
        let owner = try Merchant()
        let customer = try owner.createCustomer(amount: 4999)
        let invoice = try owner.call("PUT", customer.transactions, #"{"type":"RI","amount":100,"code":"f"}"#)
            .id
        let plan = try owner.call("PUT", "/plans", #"{"name":"Gold","amount":4999}"#).id
        let stranger = try Merchant()
        let own = try stranger.createCustomer()

        let requests: [(method: String, path: String, body: String?, id: Int)] = [
            ("GET", "/customers/{id}", nil, customer.id),
            ("POST", "/customers/{id}", #"{"note":"x"}"#, customer.id),
            ("GET", "/customers/{id}/transactions", nil, customer.id),
            ("GET", "/customers/{id}/subscriptions", nil, customer.id),
            ("GET", "/customers/{id}/payment-options", nil, customer.id),
            ("GET", "/customers/{id}/payment-options/\(customer.option)", nil, customer.id),
            ("PUT", "/customers/{id}/transactions", #"{"type":"RI","amount":100}"#, customer.id),
            ("POST", "/customers/{id}/transactions/~process", #"{"amount":500}"#, customer.id),
            ("GET", "\(own.transactions)/{id}", nil, invoice),
            ("GET", "\(own.transactions)/{id}/allocations", nil, invoice),
            ("GET", "\(own.path)/subscriptions/{id}", nil, customer.subscription),
            ("GET", "\(own.path)/payment-options/{id}", nil, customer.option),
            (
                "POST", "\(own.transactions)/~process", #"{"amount":500,"paymentOptionId":{id}}"#,
                customer.option
            ),
            ("POST", "\(own.transactions)/~process", #"{"amount":500,"invoiceList":"{id}"}"#, invoice),
            ("GET", "/plans/{id}", nil, plan),
            ("POST", "/plans/{id}", #"{"name":"Mine"}"#, plan),
            ("PUT", "\(own.path)/subscriptions", #"{"planId":{id},"firstBillingDate":"2027-01-31"}"#, plan),
            ("GET", "/accounts/{id}", nil, owner.account),
            ("GET", "/accounts/{id}/clock", nil, owner.account),
            ("POST", "/accounts/{id}/clock/~advance", #"{"to":"2027-02-01"}"#, owner.account),
            ("PUT", "/customers", #"{"firstName":"A","lastName":"B","accountId":{id}}"#, owner.account),
        ]
        let missing = 987_654_321
        for request in requests {
            let answers = try [request.id, missing].map { id in
                func put(_ text: String) -> String { text.replacingOccurrences(of: "{id}", with: String(id)) }
                let answer = try stranger.call(
                    request.method, put(request.path), request.body.map(put), headers: ["X-Request-Id: same"])
                FailureTests.expect(answer, "V24", 404)
                return answer.body.replacingOccurrences(of: String(id), with: "{id}")
            }
            #expect(answers[0] == answers[1], "\(request.method) \(request.path)")
        }
        #expect(try stranger.call("GET", "/customers").tree.items.count == 1)
        #expect(try stranger.call("GET", "/plans").tree.items.isEmpty)
        #expect(try stranger.call("GET", "/customers?accountId=\(owner.account)").tree.items.isEmpty)
    }
}
