import Foundation
import TestSupport
import Testing

/// The journal, as objects and as hledger reads it (spec 1.6, 5.3).
@Suite(.enabled(if: programIsKnown, "needs BILLING_BINARY"))
struct LedgerTests {
    /// What hledger makes of a journal: its balances by account, in minor units, without those that are zero.
    private static func balances(_ journal: String, exponent: Int) throws -> [String: Int] {
        let report = try Subprocess.run(
            "/usr/bin/hledger",
            ["-f", "-", "balance", "--flat", "--no-total", "--empty", "-O", "csv"], input: journal
        )
        guard report.status == 0 else { throw SetupFailure("hledger: \(report.errors)\n\(journal)") }
        var balances: [String: Int] = [:]
        for line in report.output.split(separator: "\n").dropFirst() {
            let cells = line.split(separator: "\"").filter { $0 != "," }.map(String.init)
            let digits = cells[1].filter { $0.isNumber || $0 == "-" || $0 == "." }
            let parts = digits.split(separator: ".", omittingEmptySubsequences: false)
            let decimals = parts.count > 1 ? String(parts[1]) : ""
            #expect(decimals.count <= exponent, "\(line)")
            let padded = decimals + String(repeating: "0", count: exponent - decimals.count)
            balances[cells[0]] = Int(parts[0] + padded)
        }
        return balances.filter { $0.value != 0 }
    }

    /// Our own balances by account, customers apart.
    private static func ours(_ merchant: Merchant) throws -> [String: Int] {
        let rows = try merchant.stack.sql(
            """
            select ledger_account || case ledger_account when 'receivable' then ':' || customer_id else '' end, sum(amount)
              from billing.ledger_postings where account_id = \(merchant.account) group by 1
            """)
        var balances: [String: Int] = [:]
        for row in rows.split(separator: "\n") {
            let parts = row.split(separator: "|")
            balances[String(parts[0])] = Int(parts[1])
        }
        return balances.filter { $0.value != 0 }
    }

    /// Two customers with invoices, taxes, cards, cash, fees, credits; and reversals as another version of the program could
    /// have written them.
    private static func busyMerchant(currency: String, also settings: [String] = []) throws -> (
        Merchant, [TestCustomer]
    ) {
        let merchant = try Merchant(settings: ["currency=\(currency)"] + settings)
        let one = try merchant.createCustomer(amount: 4999)
        let two = try merchant.createCustomer(card: Card.masterCard, amount: 1250, first: "2027-01-10")
        for (customer, body) in [
            (
                one,
                #"{"type":"RI","amount":1100,"taxAmount":90,"code":"date:2027-99-99","note":"; date:x [2020-01-01]"}"#
            ),
            (one, #"{"type":"AP","accountType":"K","amount":305,"code":"cash-1"}"#),
            (two, #"{"type":"RF","amount":7,"taxAmount":1}"#), (two, #"{"type":"AA","amount":3}"#),
            (two, #"{"type":"RC","amount":99}"#), (two, #"{"type":"AP","accountType":"L","amount":20}"#),
            (two, #"{"type":"AP","accountType":"E","amount":11}"#),
        ] {
            let made = try merchant.call("PUT", customer.transactions, body)
            #expect(made.status == 201, "\(made)")
        }
        #expect(try merchant.process(2000, of: one).status == 201)
        try merchant.advance(to: "2027-03-01")
        return (merchant, [one, two])
    }

    /// Every type of transaction that the contract names and that is made, by every means (spec 3.2, 5.3), for five customers.
    private static func everyKind(currency: String) throws -> (Merchant, [TestCustomer]) {
        let merchant = try Merchant(
            clock: "2027-01-14",
            settings: [
                "currency=\(currency)", "chargebackFee=300", "softDeclineFee=25", "lateFeeAmount=500",
                "lateFeeGraceDays=1",
            ])
        let desk = try merchant.createCustomer()
        func put(_ body: String) throws -> Int {
            let made = try merchant.call("PUT", desk.transactions, "{\(body)}")
            try #require(made.status == 201, "\(body): \(made)")
            return made.id
        }
        func undo(_ id: Int) throws -> Int {
            let made = try merchant.reverse(id, of: desk)
            try #require(made.status == 200, "\(made)")
            return made.id
        }
        for body in [
            #""type":"RI","amount":1100,"taxAmount":90"#, #""type":"RF","amount":70,"taxAmount":7"#,
            #""type":"RI","amount":60,"taxAmount":60"#, #""type":"RC","amount":99"#,
            #""type":"AP","accountType":"K","amount":305"#, #""type":"AP","accountType":"L","amount":20"#,
        ] { _ = try undo(put(body)) }
        for body in [
            #""type":"RI","amount":2000,"taxAmount":50"#, #""type":"RA","amount":33,"taxAmount":3"#,
            #""type":"RL","amount":21"#, #""type":"RF","amount":7,"feeAmount":7"#,
            #""type":"RC","amount":10"#,
            #""type":"AP","accountType":"H","amount":40"#, #""type":"AP","accountType":"E","amount":11"#,
            #""type":"AP","accountType":"L","amount":6"#, #""type":"AA","amount":4"#,
        ] { _ = try put(body) }
        for body in [#""type":"AP","accountType":"W","amount":15"#, #""type":"AA","amount":3"#] {
            _ = try undo(put(body))
        }
        let cash = try put(#""type":"AP","accountType":"K","amount":200"#)
        _ = try undo(put(#""type":"AR","accountType":"K","amount":50,"sourceId":\#(cash)"#))
        _ = try put(#""type":"AR","accountType":"E","amount":30,"sourceId":\#(cash)"#)
        // Voided at the processor before it settles; another given back after, in part and then the rest.
        _ = try undo(merchant.process(2000, of: desk).id)
        let paid = try merchant.process(3000, of: desk).id

        let member = try merchant.createCustomer()
        let agreed = try merchant.call(
            "PUT", "\(member.path)/subscriptions",
            #"{"billingCycleType":"M","amount":4999,"taxAmount":400,"firstBillingDate":"2027-01-14"}"#)
        try #require(agreed.status == 201, "\(agreed)")
        let returned = try merchant.createBankCustomer(amount: 7200, first: "2027-01-14")
        let bank = try merchant.createBankCustomer(amount: 1250, first: "2027-01-14")
        let disputed = try merchant.createCustomer(
            card: "4000000000000259", amount: 4999, first: "2027-01-14")
        try merchant.advance(to: "2027-01-18 18:00:00")

        let part = try merchant.call(
            "POST", "\(desk.transactions)/~process", #"{"type":"AR","amount":1000,"sourceId":\#(paid)}"#)
        try #require(part.status == 201, "\(part)")
        _ = try undo(paid)
        let claim = try merchant.entries(of: bank, "&type=AC")[0]
        try #require(merchant.reverse(claim.id, of: bank).status == 200)
        let chargeback = try merchant.entries(of: disputed, "&type=AG")[0]
        try #require(merchant.reverse(chargeback.id, of: disputed).status == 200)
        return (merchant, [desk, member, returned, bank, disputed])
    }

    /// The sums of what ~find of the journal answers, page by page.
    private static func answered(_ merchant: Merchant) throws -> [String: Int] {
        var balances: [String: Int] = [:]
        var next: String? = "/ledger?limit=40"
        while let path = next {
            let page = try merchant.call("GET", path)
            for line in page.tree.items {
                for (side, sign) in [("debitAccount", 1), ("creditAccount", -1)] {
                    var name = line[side]?.scalar ?? "?"
                    if name == "receivable" { name += ":\(line["customerId"]?.integer ?? -1)" }
                    balances[name, default: 0] += sign * (line["amount"]?.integer ?? 0)
                }
            }
            next = (page.headers["link"]?.firstMatch(of: /<([^>]*)>; rel="next"/)?.1).map(String.init)
        }
        return balances.filter { $0.value != 0 }
    }

    @Test(arguments: [("USD", 2), ("JPY", 0), ("KWD", 3)])
    func hledgerComesToTheSame(currency: String, exponent: Int) throws {
        let (merchant, customers) = try Self.everyKind(currency: currency)
        let types = try merchant.stack.sql(
            "select string_agg(distinct type, ' ' order by type) from billing.transactions where account_id = \(merchant.account)"
        )
        // RO and RN are reserved.
        #expect(types == "AA AC AD AG AP AR AS AV AX RA RC RF RI RL RR RX")
        let answer = try merchant.call("GET", "/ledger?format=journal")
        #expect(answer.status == 200 && answer.headers["content-type"] == "text/plain; charset=utf-8")
        let check = try Subprocess.run(
            "/usr/bin/hledger", ["-f", "-", "check", "commodities", "ordereddates"], input: answer.body)
        #expect(check.status == 0, "\(check.errors)")
        let ours = try Self.ours(merchant)
        #expect(try Self.balances(answer.body, exponent: exponent) == ours)
        #expect(try Self.answered(merchant) == ours)
        for customer in customers {
            #expect(
                try merchant.call("GET", customer.path)["balance"]
                    == "\(ours["receivable:\(customer.id)"] ?? 0)")
        }
        // By hand: taxes of what stands; cash in 200, out none (its refund went outside); checks, allowances and write-offs.
        let sums = [
            "tax-payable": -(50 + 3 + 400), "cash": 200, "checks": 40, "external": 11 - 30,
            "expense:allowance": 6,
            "expense:write-off": 4, "revenue:credits": 10, "revenue:other": -1950,
            "revenue:recurring": -(4599 + 7200 + 1250 + 4999), "clearing:chargebacks": nil,
            // The claim that came back was collected again with a late fee and the fee of its decline.
            "clearing:sandbox": 4999 + 4999 + 7200 + 500 + 25,
        ]
        for (name, sum) in sums { #expect(ours[name] == sum, "\(name)") }
        let unit = currency == "USD" ? "49.99 USD" : currency == "JPY" ? " 4999 JPY" : " 4.999 KWD"
        #expect(answer.body.contains(unit))

        // The command writes the same text; so does a caller get it who accepts nothing else.
        let export = try merchant.stack.billing(["ledger", "export", "--account", "\(merchant.account)"])
        #expect(export.status == 0 && export.output == answer.body, "\(export.errors)")
        #expect(try merchant.call("GET", "/ledger", accept: "text/plain").body == answer.body)

        // Months add up to the whole.
        var sum: [String: Int] = [:]
        for (from, to) in [("2026-01-01", "2027-01-14"), ("2027-01-15", "2027-03-31")] {
            let part = try merchant.call("GET", "/ledger?format=journal&dateFrom=\(from)&dateTo=\(to)")
            for (name, amount) in try Self.balances(part.body, exponent: exponent) {
                sum[name, default: 0] += amount
            }
            let same = try merchant.stack.billing([
                "ledger", "export", "--account", "\(merchant.account)", "--from", from, "--to", to,
            ])
            #expect(same.output == part.body)
        }
        #expect(sum.filter { $0.value != 0 } == ours)
        try merchant.expectSoundBooks()
    }

    @Test func entriesAsObjects() throws {
        let (merchant, customers) = try Self.busyMerchant(currency: "USD")
        #expect(try merchant.call("GET", "/ledger?format=journal").body.contains(", code:date:2027-99-99\n"))
        let all = try merchant.call("GET", "/ledger?limit=1000").tree.items
        let stored = try merchant.stack.sql(
            """
            select transaction_id || '-' || line from billing.ledger_entries where account_id = \(merchant.account)
             order by entry_date, transaction_id, line
            """
        ).split(separator: "\n").map(String.init)
        #expect(all.map { $0["id"]?.scalar ?? "" } == stored && all.count > 12)
        let first = try #require(all.first)
        #expect(first["date"]?.scalar == "2027-01-01" && first["accountId"]?.integer == merchant.account)
        #expect(first["customerId"]?.integer == customers[0].id && first["transactionType"]?.scalar == "RI")
        #expect(first["debitAccount"]?.scalar == "receivable" && first["amount"]?.integer == 1010)
        #expect(first["creditAccount"]?.scalar == "revenue:other", "\(first)")
        #expect(all[1]["creditAccount"]?.scalar == "tax-payable" && all[1]["amount"]?.integer == 90)

        for media in Media.allCases {
            // By next links, and by offsets.
            var seen = 0
            var next: String? = "/ledger?limit=5"
            while let path = next {
                let page = try merchant.call("GET", path, accept: media.rawValue)
                #expect(page.status == 200, "\(page)")
                next = (page.headers["link"]?.firstMatch(of: /<([^>]*)>; rel="next"/)?.1).map(String.init)
                seen += next == nil ? all.count - seen : 5
                #expect((page.headers["x-has-more"] == "true") == (next != nil))
            }
            #expect(seen == all.count)
        }
        let third = try merchant.call("GET", "/ledger?offset=2&limit=1").tree.items
        #expect(third == [all[2]])
        let january = try merchant.call("GET", "/ledger?dateTo=2027-01-10&limit=1000").tree.items
        #expect(
            january == all.filter { ($0["date"]?.scalar ?? "") <= "2027-01-10" } && january.count < all.count)
        let later = try merchant.call("GET", "/ledger?dateFrom=2027-01-11&limit=1000").tree.items
        #expect(january + later == all)

        let reader = try merchant.anotherUser("reader", privilege: "management-api-read")
        #expect(try reader.call("GET", "/ledger/~find?limit=1").tree.items == [all[0]])
        let stranger = try Merchant()
        #expect(try stranger.call("GET", "/ledger").tree.items.isEmpty)
        let foreign = try stranger.call("GET", "/ledger?accountId=\(merchant.account)")
        FailureTests.expect(foreign, "V24", 404, field: "accountId")
        let seer = try merchant.anotherUser("seer", also: [stranger.account])
        FailureTests.expect(try seer.call("GET", "/ledger"), "V01", 422, field: "accountId")
        #expect(
            try seer.call("GET", "/ledger?limit=1000&accountId=\(merchant.account)").tree.items == all)
        for (query, code, status, field) in [
            ("format=csv", "V21", 422, "format"), ("dateFrom=2027-02-30", "F05", 400, "dateFrom"),
            ("after=1.2.3", "V21", 422, "after"), ("limit=0", "V21", 422, "limit"),
            ("from=1", "F04", 400, "from"),
        ] {
            FailureTests.expect(try merchant.call("GET", "/ledger?\(query)"), code, status, field: field)
        }
        FailureTests.expect(
            try merchant.call("GET", "/ledger?format=json", accept: "text/plain"), "F03", 406)
        FailureTests.expect(try merchant.call("GET", "/plans", accept: "text/plain"), "F03", 406)
        FailureTests.expect(try merchant.call("GET", "/ledger", accept: "text/plain;q=0"), "F03", 406)
        let none = try merchant.stack.billing(["ledger", "export", "--account", "99"])
        #expect(none.status == 1 && none.errors.contains("there is no merchant account 99"))
    }
}
