import Postgres
import Testing

@testable import Persistence

/// One session freezes or pauses a cycle while another one bills it (spec 5.3 e, 5.7).
@Suite struct SessionAdjustmentTests {
    /// What one of the two does next.
    enum Step: Sendable {
        /// Begins, maybe with a fixed view of the books.
        case begin(Int, String = "read committed")
        case run(Int, String)
        /// Commits; the failure that it ends with, "none" where it is made.
        case commit(Int, String)
        /// A statement that fails with this, and ends its transaction.
        case fails(Int, String, String)
    }

    /// A weekly subscription goes on with 2026-02-06: the one that adjusts is session 0, the one that bills session 1.
    private static func orders(_ adjust: String, of subscription: Int) -> [(name: String, steps: [Step])] {
        let invoice = invoice(2, due: "2026-02-06", of: subscription)
        let goOn = progress(2, last: "2026-02-06", next: "2026-02-13", of: subscription)
        let both = "\(invoice); \(goOn)"
        let late = "subscription_adjustments_in_step"
        // A pause that is known bounds the next billing date at once; a freeze is looked at when the bill commits.
        let refused = { (sql: String) -> [Step] in
            adjust.contains("'P'")
                ? [.fails(1, sql, "subscriptions_in_step")]
                : [.run(1, sql), .commit(1, "transactions_of_cycle")]
        }
        return [
            (
                "one after the other",
                [.begin(0), .run(0, adjust), .commit(0, "none"), .begin(1)] + refused(both)
            ),
            (
                "billed, then adjusted",
                [.begin(1), .run(1, both), .commit(1, "none"), .begin(0), .run(0, adjust), .commit(0, late)]
            ),
            (
                "adjusted, billed; billed first",
                [.begin(0), .begin(1), .run(0, adjust), .run(1, both), .commit(1, "none"), .commit(0, late)]
            ),
            (
                "billed, adjusted; billed first",
                [.begin(0), .begin(1), .run(1, both), .run(0, adjust), .commit(1, "none"), .commit(0, late)]
            ),
            (
                "adjusted, billed; the one waits for the other",
                [
                    .begin(0), .begin(1), .run(0, adjust), .run(1, both), .commit(0, "55P03"),
                    .commit(1, "none"),
                ]
            ),
            (
                "adjusted between invoice and progress",
                [
                    .begin(0), .begin(1), .run(1, invoice), .run(0, adjust), .commit(0, "none"),
                ] + refused(goOn)
            ),
            (
                "adjusted and looked at before",
                [
                    .begin(0), .begin(1), .run(0, "\(adjust); set constraints all immediate"),
                    .run(1, invoice), .fails(1, goOn, "55P03"), .commit(0, "none"),
                ]
            ),
            (
                "with an older view, billed",
                [
                    .begin(0), .begin(1, "repeatable read"), .run(1, "select from subscriptions"),
                    .run(0, adjust), .commit(0, "none"), .fails(1, invoice, "writes_at_read_committed"),
                ]
            ),
            (
                "with an older view, adjusted",
                [
                    .begin(0, "repeatable read"), .begin(1), .fails(0, adjust, "writes_at_read_committed"),
                    .run(1, both), .commit(1, "none"),
                ]
            ),
        ]
    }

    private static func invoice(_ cycle: Int, due: String, of subscription: Int) -> String {
        """
        with t as (insert into transactions (account_id, transaction_id, customer_id, type, amount, due_date, subscription_id,
               cycle_number, create_date)
               values (2001, \(subscription)\(cycle), 4, 'RI', 700, '\(due)', \(subscription), \(cycle), now()))
        insert into ledger_entries
        values (2001, \(subscription)\(cycle), 1, 4, '\(due)', 'receivable', 'revenue:recurring', 700)
        """
    }

    private static func progress(_ billed: Int, last: String, next: String, of subscription: Int) -> String {
        """
        update subscriptions set status = 'C', next_cycle = \(billed + 1), billed_count = \(billed), last_billing_date = '\(last)',
               next_billing_date = '\(next)' where subscription_id = \(subscription)
        """
    }

    /// A freeze of the bill that is made, or a pause from the one after it.
    private static func adjustment(_ values: String, of subscription: Int) -> String {
        """
        insert into subscription_adjustments (account_id, customer_id, subscription_id, creator_code, create_date, type,
               effective_date, due_on, end_date, length)
        values (2001, 4, \(subscription), 'api-x', '2026-01-31 12:00Z', \(values))
        """
    }

    private static func subscription(_ number: Int) -> String {
        """
        insert into subscriptions (account_id, subscription_id, customer_id, billing_cycle_type, billing_interval, amount,
               first_billing_date, next_billing_date, create_date)
        values (2001, \(number), 4, 'W', 1, 700, '2026-01-30', '2026-01-30', now());
        \(invoice(1, due: "2026-01-30", of: number));
        \(progress(1, last: "2026-01-30", next: "2026-02-06", of: number))
        """
    }

    private static func failure(_ body: () throws -> Void) -> String {
        do {
            try body()
            return "none"
        } catch let failure as DatabaseFailure {
            return failure.constraint ?? failure.sqlState ?? "\(failure)"
        } catch {
            return "\(error)"
        }
    }

    @Test(arguments: [("billing_api", "billing_jobs"), ("billing_jobs", "billing_api")])
    func theSecondSeesTheFirst(adjusting: String, billing: String) throws {
        let database = try BooksDatabase()
        let owner = try database.connection("billing_owner")
        let sessions = [try database.connection(adjusting), try database.connection(billing)]
        defer { for session in sessions + [owner] { session.close() } }
        for session in sessions { try session.script("set lock_timeout = '50ms'") }
        var number = 1000
        for values in [
            "'F', '2026-02-06', '2026-02-06', '2026-02-06', 1", "'P', '2026-02-13', '2026-02-13', null, null",
        ] {
            for place in Self.orders("", of: 0).indices {
                number += 1
                try owner.script(Self.subscription(number))
                let order = Self.orders(Self.adjustment(values, of: number), of: number)[place]
                for step in order.steps { try play(step, sessions, "\(values): \(order.name)") }
                #expect(try database.violations(handwritten: true) == [], "\(values): \(order.name)")
            }
        }
    }

    /// A pause that is put on record later, over a bill that was made: by whatever day it claims to have been asked for.
    @Test(arguments: ["billing_api", "billing_jobs"])
    func noPauseOverWhatWasBilled(role: String) throws {
        let database = try BooksDatabase()
        let owner = try database.connection("billing_owner")
        defer { owner.close() }
        try owner.script(Self.subscription(1001).replacingNow(by: "'2026-01-30 12:00Z'"))
        let session = try database.connection(role)
        defer { session.close() }
        for (from, asked, expected) in [
            ("2026-01-29", "2026-01-29", "subscription_adjustments_in_step"),
            ("2026-01-29", "2026-01-31", "subscription_adjustments_in_step"),
            ("2026-01-30", "2026-01-30", "none"),
        ] {
            session.begin()
            try session.script(
                """
                insert into subscription_adjustments (account_id, customer_id, subscription_id, creator_code, create_date, type,
                       effective_date, end_date, state)
                values (2001, 4, 1001, 'api-x', '\(asked) 12:00Z', 'P', '\(from)', '2026-01-31', 'ended')
                """)
            #expect(Self.failure { try session.commit() } == expected, "\(from), asked for on \(asked)")
            session.rollback()
        }
        #expect(try database.violations(handwritten: true) == [])
    }

    private func play(_ step: Step, _ sessions: [Connection], _ name: String) throws {
        switch step {
        case .begin(let who, let isolation):
            sessions[who].begin()
            try sessions[who].script("set transaction isolation level \(isolation)")
        case .run(let who, let sql): try sessions[who].script(sql)
        case .commit(let who, let expected):
            #expect(Self.failure { try sessions[who].commit() } == expected, "\(name)")
        case .fails(let who, let sql, let expected):
            #expect(Self.failure { try sessions[who].script(sql) } == expected, "\(name)")
            sessions[who].rollback()
        }
    }
}

extension String {
    /// With this instant in place of `now()`.
    fileprivate func replacingNow(by instant: String) -> String {
        split(separator: "now()", omittingEmptySubsequences: false).joined(separator: instant)
    }
}
