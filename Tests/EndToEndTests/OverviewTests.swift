import Foundation
import TestSupport
import Testing

/// Lists across customers, and the filters of customers that the vendor's interface does not have (spec 1.1, 1.4, 1.5).
@Suite(.enabled(if: programIsKnown, "needs BILLING_BINARY"))
struct OverviewTests {
    /// The ids of a list, in any format.
    private static func ids(_ answer: Answer) -> [Int] {
        #expect(answer.status == 200, "\(answer)")
        if !answer.tree.items.isEmpty { return answer.tree.items.map { $0["id"]?.integer ?? -1 } }
        if case .list(let children)? = answer.tree["<children>"] {
            return children.map { $0["id"]?.integer ?? -1 }
        }
        return (0..<1000).lazy.map { answer.tree["\($0).id"]?.integer }.prefix { $0 != nil }.compactMap { $0 }
    }

    @Test func subscriptionsAndTransactionsOfAllCustomers() throws {
        let merchant = try Merchant()
        let one = try merchant.createCustomer(amount: 4999)
        let two = try merchant.createCustomer(amount: 100, first: "2027-02-10")
        try merchant.call(
            "PUT", "/customers", #"{"firstName":"Zoe","lastName":"Ray","code":"zoe","isActive":false}"#)
        let stranger = try Merchant()
        let foreign = try stranger.createCustomer(amount: 7)
        let invoice = try merchant.call(
            "PUT", one.transactions, #"{"type":"RI","amount":300,"dueDate":"2027-01-05"}"#
        ).id
        let other = try merchant.call("PUT", two.transactions, #"{"type":"RI","amount":50}"#).id
        let cash = try merchant.call(
            "PUT", two.transactions, #"{"type":"AP","accountType":"K","amount":50}"#
        ).id
        let both = [one.subscription, two.subscription]
        let reader = try merchant.anotherUser("reader", privilege: "management-api-read")
        let seer = try merchant.anotherUser("seer", also: [stranger.account])

        let cases: [(who: Merchant, path: String, found: [Int])] = [
            (merchant, "/subscriptions", both), (reader, "/subscriptions/~find", both),
            (merchant, "/subscriptions?accountId=\(merchant.account)", both),
            (merchant, "/subscriptions?accountId=\(stranger.account)", []),
            (merchant, "/subscriptions?customerId=\(two.id)", [two.subscription]),
            (merchant, "/subscriptions?customerId=*zoe", []),
            (merchant, "/subscriptions?customerId=*\(one.id)", [one.subscription]),
            (merchant, "/subscriptions?customerId=\(foreign.id)", []),
            (merchant, "/subscriptions?customerId=*nobody", []),
            (merchant, "/subscriptions?planId=*none", []),
            (merchant, "/subscriptions?nextBillingDateTo=2027-01-31", [one.subscription]),
            (merchant, "/subscriptions?nextBillingDate=2027-02-10&status=U", [two.subscription]),
            (merchant, "/subscriptions?amountFrom=101&createDateFrom=2027-01-01", [one.subscription]),
            (merchant, "/subscriptions?createDateTo=2026-12-31", []),
            (seer, "/subscriptions", both + [foreign.subscription]),
            (
                seer, "/subscriptions?createDateFrom=2027-01-01&createDateTo=2027-01-01",
                both + [foreign.subscription]
            ),
            (seer, "/subscriptions?accountId=\(stranger.account)", [foreign.subscription]),
            (merchant, "/transactions", [invoice, other, cash]),
            (merchant, "/transactions?type=RI", [invoice, other]),
            (merchant, "/transactions?isOpen=true", [invoice]),
            (merchant, "/transactions?isOpen=false", [other, cash]),
            (merchant, "/transactions?customerId=\(two.id)&type=AP", [cash]),
            (merchant, "/transactions?dueDateFrom=2027-01-02", [invoice]),
            (merchant, "/transactions?subscriptionId=\(one.subscription)", []),
            (seer, "/transactions?isOpen=true", [invoice]), (stranger, "/transactions", []),
            (merchant, "/customers?code=zoe&status=I", [Int]()),
            (merchant, "/customers?balanceFrom=1", [one.id]),
            (merchant, "/customers?balanceTo=-1", []), (merchant, "/customers?code=\(two.id)", [two.id]),
            (merchant, "/customers?balanceFrom=300&balanceTo=300&status=A", [one.id]),
            (merchant, "/customers?balanceFrom=301", []),
            (merchant, "/customers?createDateTo=2026-12-31", []),
            (merchant, "/customers?balanceFrom=-5&balanceTo=0&status=A", [two.id]),
            (merchant, "/customers?createDateFrom=2027-01-01%2000:00:00&status=A", [one.id, two.id]),
        ]
        for row in cases {
            var expected = row.found
            if row.path.contains("code=zoe") {
                expected = Self.ids(try row.who.call("GET", "/customers?lastName=ray"))
                #expect(expected.count == 1)
            }
            for media in Media.allCases {
                let answer = try row.who.call("GET", row.path, accept: media.rawValue)
                #expect(Self.ids(answer) == expected, "\(row.path) \(media): \(answer)")
            }
        }
        // Page after page by the next link.
        let first = try merchant.call("GET", "/transactions?limit=2&type=RI")
        #expect(first.headers["x-has-more"] == "false" && first.headers["link"] == nil)
        let page = try merchant.call("GET", "/transactions?limit=2")
        let link = try #require(page.headers["link"]?.firstMatch(of: /<([^>]*)>; rel="next"/)?.1)
        #expect(Self.ids(try merchant.call("GET", String(link))) == [cash])
        FailureTests.expect(
            try merchant.call("GET", "/subscriptions?status=X"), "V21", 422, field: "status")
        FailureTests.expect(
            try merchant.call("GET", "/transactions?customer=1"), "F04", 400, message: "customerId")
        let refused = try merchant.call("PUT", "/subscriptions", "{}")
        FailureTests.expect(refused, "U02", 405)
        #expect(refused.headers["allow"] == "GET, HEAD, OPTIONS")
    }

    @Test func merchantAccountsAndTheirPolicy() throws {
        let merchant = try Merchant()
        let path = "/accounts/\(merchant.account)"
        let stranger = try Merchant()
        #expect(Self.ids(try merchant.call("GET", "/accounts")) == [merchant.account])
        let seer = try merchant.anotherUser("seer", also: [stranger.account])
        for media in Media.allCases {
            let all = try seer.call("GET", "/accounts", accept: media.rawValue)
            #expect(Self.ids(all) == [merchant.account, stranger.account])
        }
        let loaded = try merchant.call("GET", path)
        #expect(loaded.tree["retryDays"] == .list([.number("3"), .number("5"), .number("7")]))

        // What was loaded can be sent back, in each format; lists as json lists and as texts.
        for media in Media.allCases {
            let shown = try merchant.call("GET", path, accept: media.rawValue)
            let same = try merchant.call("POST", path, shown.body, type: media.rawValue)
            #expect(same.status == 200 && same.body == shown.body, "\(same)")
        }
        let lists: [(body: String, media: Media, shown: [String])] = [
            (#"{"retryDays":[2,4]}"#, .json, ["2", "4"]), (#"{"retryDays":"1"}"#, .json, ["1"]),
            (#"<merchant-account retryDays="6,7"/>"#, .xml, ["6", "7"]),
            (#"{"retryDays":[]}"#, .json, []), ("retryDays=8,9,10", .xurl, ["8", "9", "10"]),
            (#"<merchant-account retryDays="none"/>"#, .xml, []),
            (#"{"retryDays":null}"#, .json, ["3", "5", "7"]),
        ]
        for row in lists {
            let answer = try merchant.call(
                "POST", path, row.body, type: row.media.rawValue, accept: Media.json.rawValue)
            #expect(answer.tree["retryDays"] == .list(row.shown.map { .number($0) }), "\(row.body) \(answer)")
        }
        let changed = try merchant.call(
            "POST", path,
            #"{"name":"Red","timeZone":"America/New_York","lateFeeAmount":500,"onRetriesExhausted":"pause","currency":"USD","mode":"sandbox","processor":"sandbox"}"#,
            headers: ["Idempotency-Key: policy-\(merchant.account)", "X-Request-Id: change-1"])
        #expect(changed.status == 200 && changed["timeZone"] == "America/New_York", "\(changed)")
        let again = try merchant.call("GET", path)
        #expect(again.body == changed.body)
        #expect(try merchant.call("GET", "\(path)/clock")["now"] == "2026-12-31 19:00:00")

        let refusals: [(body: String, code: String, field: String, message: String)] = [
            (#"{"mode":"live"}"#, "V31", "mode", ""), (#"{"currency":"EUR"}"#, "V31", "currency", ""),
            (#"{"id":7}"#, "V31", "id", ""), (#"{"processor":"other"}"#, "V21", "processor", "sandbox"),
            (#"{"timeZone":"America/New_Yrok"}"#, "V21", "timeZone", "did you mean America/New_York?"),
            (#"{"retryDays":[0]}"#, "V21", "retryDays", "from 1 to 365"),
            (#"{"lateFeAmount":0}"#, "F04", "lateFeAmount", "lateFeeAmount"),
            (#"{"name":""}"#, "V01", "name", ""), (#"{"invoiceLeadDays":61}"#, "V21", "invoiceLeadDays", ""),
        ]
        for row in refusals {
            let answer = try merchant.call("POST", path, row.body)
            let status = ["F04": 400][row.code] ?? 422
            FailureTests.expect(answer, row.code, status, field: row.field, message: row.message)
        }
        let two = try merchant.call("POST", path, #"{"mode":"live","lateFeeAmount":-1,"id":1}"#)
        #expect(
            two.tree["errors"]?.items.map { $0["failureCode"]?.scalar } == ["V31", "V21", "V31"], "\(two)")
        let both = try merchant.call("POST", path, #"{"processor":"x","timeZone":"Mars/Base"}"#)
        #expect(both.tree["errors"]?.items.count == 2, "\(both)")
        #expect(try merchant.call("GET", path).body == again.body)
        let reader = try merchant.anotherUser("reader", privilege: "management-api-read")
        #expect(try reader.call("GET", "/accounts").status == 200)
        FailureTests.expect(try reader.call("POST", path, #"{"name":"x"}"#), "L03", 403)
        FailureTests.expect(try stranger.call("POST", path, #"{"name":"x"}"#), "V24", 404)
        FailureTests.expect(try stranger.call("POST", "/accounts/*red", #"{"name":"x"}"#), "V24", 404)

        // The operator's command does the same, with the same refusals, and both are on record.
        let set = try merchant.stack.billing(["account", "set", "\(merchant.account)", "lateFeeAmount=700"])
        #expect(set.status == 0, "\(set.errors)")
        #expect(try merchant.call("GET", path)["lateFeeAmount"] == "700")
        let audit = try merchant.stack.billing(["audit", "--account", "\(merchant.account)", "--json"])
        let rows = try #require(Tree(json: audit.output)).items.filter {
            $0["objectType"]?.scalar == "merchant-account"
        }
        #expect(rows.first?["actor"]?.scalar == "operator" && rows.first?["action"]?.scalar == "modify")
        #expect(
            rows.contains { $0["requestId"]?.scalar == "change-1" && $0["actor"]?.scalar == merchant.user })
        let text = try merchant.stack.billing(["audit", "--account", "\(merchant.account)", "--limit", "1"])
        #expect(text.output.split(separator: "\n").count == 2 && text.output.contains("merchant-account"))
    }
}
