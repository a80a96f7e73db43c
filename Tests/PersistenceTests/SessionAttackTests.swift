import Postgres
import Testing

@testable import Persistence

/// Two sessions at once, and the settings of a session, turned against the books (spec 5.3).
@Suite struct SessionAttackTests {
    private let database: BooksDatabase

    init() throws {
        database = try BooksDatabase()
        let owner = try database.connection("billing_owner")
        defer { owner.close() }
        try owner.script(FilledBooks.few)
        try owner.script(FilledBooks.many)
    }

    private func refusal(_ connection: Connection, _ sql: String) -> String {
        connection.begin()
        defer { connection.rollback() }
        do {
            try connection.script(sql)
            try connection.commit()
            return "none"
        } catch let failure {
            return failure.constraint ?? failure.sqlState ?? "\(failure)"
        }
    }

    /// A refund in cash of so much of payment 35, of which 5.00 of 6.00 are left.
    private static func refund(_ id: Int, _ amount: Int) -> String {
        ConstraintTests.entry(
            id, 3, "AR", amount, "receivable", "cash", more: ", account_type, source_id", "'K', 35")
            + "; " + ConstraintTests.allocation(3, 35, id, amount)
    }

    /// Of two that do not see each other, the second waits for the first and is refused, or is right beside it.
    @Test(arguments: ["billing_api", "billing_jobs"])
    func theSecondSessionWaits(role: String) throws {
        let freeze = ConstraintTests.adjustment(2, "'F', '2026-02-28', '2026-02-28', 1")
        let step =
            "; update subscriptions set next_cycle = 3, next_billing_date = '2026-03-31' where subscription_id = 202"
        let invoice = { (id: Int) in
            """
            with t as (insert into transactions (account_id, transaction_id, customer_id, type, amount, due_date, subscription_id,
                   cycle_number, create_date) values (2001, \(id), 4, 'RI', 700, '2026-02-06', 216, 2, now()))
            insert into ledger_entries values (2001, \(id), 1, 4, '2026-02-06', 'receivable', 'revenue:recurring', 700);
            update subscriptions set next_cycle = 3, billed_count = 2, last_billing_date = '2026-02-06',
                   next_billing_date = '2026-02-13' where subscription_id = 216
            """
        }
        let pairs: [(first: String, second: String, refusal: String)] = [
            (Self.refund(301, 300), Self.refund(302, 300), "refunds_within_payment"),
            (
                ConstraintTests.attempt(303, 3, "refund", source: "35").replacingAmount(200),
                Self.refund(304, 1), "refunds_within_payment"
            ),
            (
                ConstraintTests.attempt(305, 2, "payment", invoice: "21"),
                ConstraintTests.attempt(306, 2, "payment", invoice: "21"), "attempts_one_open_an_invoice"
            ),
            (
                ConstraintTests.attempt(313, 3, "payment", invoice: "31"),
                ConstraintTests.attempt(314, 3, "payment", more: "named_ids, ", "'{31}', "),
                "attempts_one_open_a_debt"
            ),
            (
                ConstraintTests.attempt(315, 2, "payment", invoice: "25"),
                ConstraintTests.attempt(316, 2, "claim", more: "fee_ids, ", "'{25}', "),
                "attempts_one_open_a_debt"
            ),
            (invoice(307), invoice(308), "transactions_one_invoice_a_cycle"),
            (freeze + step, freeze + step, "subscription_adjustments_no_overlap"),
            (
                ConstraintTests.entry(309, 1, "RF", 300, "receivable", "revenue:fees"),
                ConstraintTests.entry(310, 1, "RF", 300, "receivable", "revenue:fees"), "none"
            ),
        ]
        let (one, two) = (try database.connection(role), try database.connection(role))
        try two.script("set lock_timeout = '50ms'")
        for pair in pairs {
            one.begin()
            try one.script(pair.first)
            #expect(refusal(two, pair.second) == "55P03", "waits for: \(pair.first)")
            try one.commit()
            #expect(refusal(two, pair.second) == pair.refusal, "after: \(pair.first)")
        }
        #expect(try database.violations(handwritten: true) == [])
    }

    /// Neither a table of the same name nor a setting of the session lets anything through.
    @Test(arguments: ["billing_api", "billing_jobs"])
    func nothingIsShownOrSwitchedOff(role: String) throws {
        let shadows = [
            "transactions", "ledger_entries", "subscriptions", "payment_options", "attempts", "open_items",
            "allocations",
        ]
        .map { "create temp table \($0) (like billing.\($0))" }.joined(separator: "; ")
        let real = { (sql: String) in
            "\(shadows); set local search_path = pg_temp, billing; "
                + sql.split(separator: "insert into ", omittingEmptySubsequences: false).joined(
                    separator: "insert into billing.")
        }
        let cases: [(sql: String, refusal: String)] = [
            (real(Self.refund(311, 501)), "refunds_within_payment"),
            (real(ConstraintTests.entry(312, 1, "RF", 300, "receivable", "cash")), "journal_accounts"),
            (real(ConstraintTests.allocation(1, 12, 11, 1001)), "allocations_within_balance"),
            (
                real("insert into vault_entries values (2001, 104, '\\x01', '\\x02')"),
                "vault_entries_of_living_options"
            ),
            (
                shadows
                    + "; update billing.subscriptions set next_cycle = 5, next_billing_date = '2026-05-31' where subscription_id = 202",
                "subscriptions_in_step"
            ),
            ("set local session_replication_role = replica", "42501"),
            ("set local role billing_owner", "42501"),
            ("alter table ledger_entries disable trigger all", "42501"),
            ("alter table open_items no force row level security", "42501"),
            ("drop trigger ledger_entries_written on ledger_entries", "42501"),
            (
                "create function billing.now() returns timestamptz language sql as 'select null::timestamptz'",
                "42501"
            ),
            ("create schema other", "42501"),
            ("select setval('transaction_ids', 1)", "42501"),
            (
                "set constraints all deferred; update transactions set status = 'reversed' where transaction_id = 21",
                "transactions_undone"
            ),
        ]
        let connection = try database.connection(role)
        for (sql, expected) in cases {
            #expect(refusal(connection, sql) == expected, "\(sql)")
        }
        #expect(try database.violations(handwritten: true) == [])
    }

    private static func end(_ source: Int, _ target: Int) -> String {
        "update allocations set end_date = now() where source_id = \(source) and target_id = \(target) and end_date is null"
    }

    private static func move(_ id: Int, to status: String) -> String {
        "update transactions set status = '\(status)' where transaction_id = \(id)"
    }

    /// AX of a refund in cash of so much of payment 35, without what becomes of the payment.
    private static func undo(_ id: Int, of refund: Int, _ amount: Int) -> String {
        [
            ConstraintTests.entry(
                id, 3, "AX", amount, "cash", "receivable", more: ", account_type, source_id",
                "'K', \(refund)"),
            move(refund, to: "reversed"), end(35, refund), ConstraintTests.allocation(3, id, refund, amount),
        ].joined(separator: "; ")
    }

    /// An approved payment of 5.00 of customer 3 by card.
    private static func paid(_ id: Int) -> String {
        [
            ConstraintTests.attempt(id, 3, "payment").replacingAmount(500),
            "update attempts set outcome = 'approved', response_code = 'A01', response_date = now(), approved_amount = 500 where transaction_id = \(id)",
            ConstraintTests.entry(
                id, 3, "AP", 500, "clearing:sandbox", "receivable", more: ", account_type, attempt_id",
                "'VC', \(id)"),
        ].joined(separator: "; ")
    }

    /// AG of so much of a payment of customer 3.
    private static func chargeback(_ id: Int, of payment: Int, _ amount: Int) -> String {
        ConstraintTests.entry(
            id, 3, "AG", amount, "receivable", "clearing:chargebacks", more: ", source_id", "\(payment)")
            + "; " + ConstraintTests.allocation(3, payment, id, amount)
    }

    /// 2.00 of this type and means, and their refund in cash.
    private static func payout(of type: String, _ means: String, source: String = "null") -> String {
        let place = ["'L'": "expense:allowance", "'K'": "cash"][means] ?? "expense:write-off"
        return [
            ConstraintTests.entry(
                354, 1, type, 200, place, "receivable", more: ", account_type", means),
            ConstraintTests.entry(
                355, 1, "AR", 200, "receivable", "cash", more: ", account_type, source_id", "'K', \(source)"),
            ConstraintTests.allocation(1, 354, 355, 200),
        ].joined(separator: "; ")
    }

    /// A payment and what was refunded or charged back of it say the same, in status and allocations (spec 5.8). Cash 35 of 6.00 is
    /// refunded by 36 (1.00); 48 of 5.00 is charged back as 49 after a refund of 3.00 (50); 51 pays out 0.50 of 16, 53 that of card payment 52.
    @Test(arguments: ["billing_api", "billing_jobs"])
    func refundsStayWithTheirPayment(role: String) throws {
        let connection = try database.connection(role)
        try connection.script(
            [
                "begin",
                Self.paid(48), Self.paid(52),
                ConstraintTests.entry(
                    50, 3, "AR", 300, "receivable", "cash", more: ", account_type, source_id", "'K', 48"),
                ConstraintTests.allocation(3, 48, 50, 300),
                ConstraintTests.entry(
                    49, 3, "AG", 500, "receivable", "clearing:chargebacks", more: ", source_id", "48"),
                Self.end(48, 50), ConstraintTests.allocation(3, 48, 49, 500),
                ConstraintTests.entry(
                    53, 3, "AR", 50, "receivable", "checks", more: ", account_type", "'H'"),
                ConstraintTests.allocation(3, 52, 53, 50),
                ConstraintTests.entry(
                    51, 1, "AR", 50, "receivable", "checks", more: ", account_type", "'H'"),
                ConstraintTests.allocation(1, 16, 51, 50), "commit",
            ].joined(separator: "; "))
        let whole = Self.refund(351, 500) + "; " + Self.move(35, to: "reversed")
        let cases: [(sql: String, refusal: String)] = [
            // The allocation of a refund, of a chargeback, of what was paid out.
            (Self.end(35, 36), "transactions_stay_undone"),
            (Self.end(35, 36) + "; " + ConstraintTests.allocation(3, 35, 36, 99), "transactions_stay_undone"),
            (Self.end(35, 36) + "; " + ConstraintTests.allocation(3, 35, 36, 100), "none"),
            (Self.end(48, 49), "transactions_stay_undone"),
            (
                Self.end(48, 49) + "; " + ConstraintTests.allocation(3, 48, 50, 200),
                "transactions_stay_undone"
            ),
            (Self.end(16, 51), "transactions_stay_undone"),
            // A chargeback is of the whole payment, and ends what the payment paid out; a part is none.
            (Self.end(52, 53) + "; " + Self.chargeback(353, of: 52, 1), "transactions_undone"),
            (Self.end(52, 53) + "; " + Self.chargeback(353, of: 52, 500), "none"),
            // What was forgiven is not paid out.
            (Self.payout(of: "AP", "'L'"), "transactions_undone"),
            (Self.payout(of: "AP", "'W'"), "transactions_undone"),
            (Self.payout(of: "AP", "'L'", source: "354"), "transactions_undone"),
            (Self.payout(of: "AP", "'W'", source: "354"), "transactions_undone"),
            (Self.payout(of: "AA", "null"), "transactions_undone"),
            (Self.payout(of: "AA", "null", source: "354"), "transactions_undone"),
            (Self.payout(of: "AP", "'K'"), "none"),
            (
                "update allocations set end_date = now() + interval '1 day' where allocation_id = 1",
                "allocations_end_by_now"
            ),
            // The status of the payment.
            (Self.move(35, to: "reversed"), "transactions_undone"),
            (Self.move(48, to: "reversed"), "transactions_undone"),
            (Self.move(46, to: "final"), "transactions_undone"),
            (Self.move(41, to: "final"), "transactions_undone"),
            (Self.move(31, to: "final"), "transactions_unchanged"),
            (Self.move(37, to: "final"), "transactions_unchanged"),
            (Self.refund(351, 500), "transactions_undone"), (whole, "none"),
            (whole + "; " + Self.move(35, to: "final"), "transactions_undone"),
            (whole + "; " + Self.undo(352, of: 36, 100), "transactions_undone"),
            (whole + "; " + Self.undo(352, of: 36, 100) + "; " + Self.move(35, to: "final"), "none"),
            (Self.undo(352, of: 36, 100) + "; " + Self.refund(351, 600), "transactions_undone"),
        ]
        for (sql, expected) in cases {
            #expect(undone(connection, sql) == expected, "\(sql)")
        }
        #expect(try database.violations(handwritten: true) == [])
    }

    /// What refuses it at the commit; all of it is taken back.
    private func undone(_ connection: Connection, _ sql: String) -> String {
        let found = refusal(
            connection, sql + "; set constraints all immediate; do $$ begin raise sqlstate 'P0009'; end $$")
        return found == "P0009" ? "none" : found
    }

    /// Two sessions that know nothing of each other: a refund is taken back while the rest is refunded.
    @Test func aRefundTakenBackBesideAnother() throws {
        let (one, two) = (try database.connection("billing_api"), try database.connection("billing_api"))
        try two.script("set lock_timeout = '50ms'")
        let undo = Self.undo(361, of: 36, 100)
        one.begin()
        try one.script(undo)
        #expect(refusal(two, Self.refund(362, 500) + "; " + Self.move(35, to: "reversed")) == "55P03")
        try one.commit()
        #expect(
            refusal(two, Self.refund(362, 500) + "; " + Self.move(35, to: "reversed"))
                == "transactions_undone")
        #expect(refusal(two, Self.refund(362, 600) + "; " + Self.move(35, to: "reversed")) == "none")
        #expect(try database.violations(handwritten: true) == [])
    }

    /// Without a merchant account, or with another one, there is nothing to be seen or written.
    @Test func whoReachesNoAccountReachesNothing() throws {
        let api = try database.connection("billing_api")
        for accounts in ["", "2002"] {
            try api.script("select set_config('billing.accounts', '\(accounts)', false)")
            let changed = try api.run(
                Statement("t.\(accounts)", "update transactions set status = 'reversed'"))
            #expect(changed == 0)
            #expect(
                refusal(api, ConstraintTests.entry(320, 1, "RF", 300, "receivable", "revenue:fees"))
                    == "42501")
        }
    }
}

extension String {
    /// An attempt of this amount in place of 50.00.
    fileprivate func replacingAmount(_ amount: Int) -> String {
        split(separator: " 5000, 'VC'", omittingEmptySubsequences: false).joined(
            separator: " \(amount), 'VC'")
    }
}
