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

    /// A reversal of the cash payment, line by line with the sides exchanged.
    private static func reverse(_ code: String, of merchant: Merchant) throws {
        try merchant.stack.sql(
            """
            set search_path = billing;
            with source as (select * from transactions where account_id = \(merchant.account) and code = '\(code)'),
            booked as (
              insert into transactions (account_id, customer_id, type, account_type, amount, due_date, source_id, create_date)
              select account_id, customer_id, 'AR', account_type, amount, '2027-03-01', transaction_id, now() from source
              returning account_id, customer_id, transaction_id, source_id)
            insert into ledger_entries (account_id, transaction_id, line, customer_id, entry_date, debit, credit, amount)
            select b.account_id, b.transaction_id, l.line, b.customer_id, '2027-03-01', l.credit, l.debit, l.amount
              from booked b join ledger_entries l on l.account_id = b.account_id and l.transaction_id = b.source_id
            """)
    }

    @Test(arguments: [("USD", 2), ("JPY", 0), ("KWD", 3)])
    func hledgerComesToTheSame(currency: String, exponent: Int) throws {
        let (merchant, customers) = try Self.busyMerchant(currency: currency)
        try Self.reverse("cash-1", of: merchant)
        let answer = try merchant.call("GET", "/ledger?format=journal")
        #expect(answer.status == 200 && answer.headers["content-type"] == "text/plain; charset=utf-8")
        let ours = try Self.ours(merchant)
        #expect(try Self.balances(answer.body, exponent: exponent) == ours)
        #expect(ours["receivable:\(customers[0].id)"] == 305 && ours["tax-payable"] == -91, "\(ours)")
        #expect(ours["cash"] == nil && ours["clearing:sandbox"] != nil)
        #expect(answer.body.contains(", code:date:2027-99-99\n"))
        let unit = currency == "USD" ? "49.99 USD" : currency == "JPY" ? " 4999 JPY" : " 4.999 KWD"
        #expect(answer.body.contains(unit))

        // The command writes the same text; so does a caller get it who accepts nothing else.
        let export = try merchant.stack.billing(["ledger", "export", "--account", "\(merchant.account)"])
        #expect(export.status == 0 && export.output == answer.body, "\(export.errors)")
        #expect(try merchant.call("GET", "/ledger", accept: "text/plain").body == answer.body)

        // Months add up to the whole.
        var sum: [String: Int] = [:]
        for (from, to) in [("2026-01-01", "2027-01-31"), ("2027-02-01", "2027-03-31")] {
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
