import Postgres
import Testing

@testable import Persistence

/// Damage that no role can do, done as superuser with the triggers off, is found.
@Suite struct InvariantsTests {
    /// One damage, and the invariants that it breaks.
    struct Damage: Sendable {
        let sql: String
        let found: [String]

        init(_ sql: String, _ found: String...) {
            self.sql = sql
            self.found = found
        }
    }

    /// Sound books to begin with: see ``ConstraintTests/state``, and an approved payment 24 of invoice 21.
    static let state = """
        \(ConstraintTests.state);
        \(ConstraintTests.attempt(24, 2, "payment", invoice: "21"));
        \(ConstraintTests.entry(24, 2, "AP", 5000, "clearing:sandbox", "receivable", more: ", account_type, attempt_id", "'VC', 24"));
        update attempts set outcome = 'approved', response_code = 'A01', response_date = now(), approved_amount = 5000
         where transaction_id = 24;
        \(ConstraintTests.allocation(2, 24, 21, 5000))
        """

    static let damages = [
        Damage("select 1"),
        Damage(
            "update ledger_entries set amount = 4000 where transaction_id = 11", "customer_balance",
            "transactions_in_ledger"),
        Damage(
            "delete from ledger_entries where transaction_id = 11", "customer_balance",
            "transactions_in_ledger"),
        Damage(
            "update ledger_entries set customer_id = 2 where transaction_id = 11", "customer_balance",
            "customer_balance", "transactions_in_ledger"),
        Damage(
            "insert into ledger_entries values (2001, 99, 1, 3, '2026-01-31', 'receivable', 'cash', 5)",
            "customer_balance", "transactions_in_ledger"),
        Damage(
            "insert into ledger_entries values (2001, 13, 1, 3, '2026-01-31', 'receivable', 'cash', 5)",
            "customer_balance", "transactions_in_ledger"),
        Damage("update customers set balance = 1 where customer_id = 1", "customer_balance"),
        Damage("update open_items set balance = 1 where transaction_id = 11", "transaction_balance"),
        Damage("delete from open_items where transaction_id = 11", "transaction_balance"),
        Damage("insert into open_items values (2001, 1, 99, true, 5, 5)", "open_item_of_transaction"),
        Damage(
            "update allocations set amount = 9000 where allocation_id = 1", "transaction_balance",
            "transaction_balance"),
        Damage("update allocations set customer_id = 2 where allocation_id = 1", "allocation_sides"),
        Damage(
            "update allocations set source_id = 11, target_id = 12 where allocation_id = 1",
            "allocation_sides"),
        Damage(
            """
            insert into transactions (account_id, transaction_id, customer_id, type, account_type, amount, due_date, source_id, status,
                   create_date) values (2001, 41, 1, 'AR', 'K', 3001, '2026-01-31', 12, 'final', now());
            insert into ledger_entries values (2001, 41, 1, 1, '2026-01-31', 'receivable', 'cash', 3001);
            insert into open_items values (2001, 1, 41, true, 3001, 3001);
            update customers set balance = balance + 3001 where customer_id = 1
            """, "refunds_within_payment"),
        Damage(
            "update subscriptions set next_cycle = 3, next_billing_date = '2026-03-31' where subscription_id = 201",
            "no_cycle_skipped"),
        // Frozen cycles may be passed over, and only they.
        Damage(
            """
            alter table subscription_adjustments drop constraint subscription_adjustments_due;
            update subscriptions set next_cycle = 6, next_billing_date = '2026-06-30' where subscription_id = 201;
            update subscription_adjustments set effective_date = '2026-02-28' where adjustment_id = 52
            """),
        Damage(
            """
            alter table subscription_adjustments drop constraint subscription_adjustments_due;
            update subscriptions set next_cycle = 7, next_billing_date = '2026-07-31' where subscription_id = 201;
            update subscription_adjustments set effective_date = '2026-02-28' where adjustment_id = 52
            """, "no_cycle_skipped"),
        Damage(
            """
            alter table subscription_adjustments drop constraint subscription_adjustments_due;
            update subscriptions set next_cycle = 6, next_billing_date = '2026-06-30' where subscription_id = 201;
            update subscription_adjustments set effective_date = '2026-06-28', state = 'withdrawn', due_on = null
             where adjustment_id = 52
            """, "no_cycle_skipped", "no_cycle_skipped", "no_cycle_skipped", "no_cycle_skipped"),
        Damage(
            "update subscriptions set next_billing_date = '2026-03-01' where subscription_id = 201",
            "next_billing_date"),
        Damage(
            """
            update subscription_adjustments set type = 'P', effective_date = '2026-02-01', due_on = '2026-02-01', end_date = null,
                   length = null where adjustment_id = 52
            """,
            "next_billing_date"),
        Damage("update subscriptions set status = 'F' where subscription_id = 202", "adjustment_in_force"),
        Damage("update subscriptions set status = 'C' where subscription_id = 203", "adjustment_in_force"),
        Damage(
            "update subscriptions set status = 'E', next_billing_date = null where subscription_id = 201",
            "adjustment_in_force"),
        Damage(
            "update transactions set status = 'reversed' where transaction_id = 24", "reversed_by_another"),
        Damage(
            "update transactions set type = 'AV', source_id = 12 where transaction_id = 11",
            "no_cycle_skipped", "reversed_by_another", "subscription_progress"),
        Damage(
            "update subscriptions set billed_count = 2 where subscription_id = 201", "subscription_progress"),
        Damage(
            "update subscriptions set last_billing_date = '2026-02-28' where subscription_id = 201",
            "subscription_progress"),
        Damage(
            "update transactions set cycle_number = 2 where transaction_id = 11", "no_cycle_skipped",
            "subscription_progress"),
        Damage(
            """
            drop index transactions_one_invoice_a_cycle;
            update transactions set subscription_id = 201 where transaction_id = 21;
            update subscriptions set billed_count = 2 where subscription_id = 201;
            update subscriptions set billed_count = 0, next_cycle = 1, last_billing_date = null,
                   next_billing_date = '2026-01-31' where subscription_id = 202
            """, "one_invoice_a_cycle"),
        Damage(
            "drop index attempts_one_open_an_invoice; \(ConstraintTests.attempt(42, 1, "payment", invoice: "11"))",
            "one_open_attempt"),
        Damage(
            "update attempts set approved_amount = 4000 where transaction_id = 24", "attempt_has_transaction"),
        Damage("update attempts set customer_id = 1 where transaction_id = 24", "attempt_has_transaction"),
        Damage(
            "update attempts set outcome = 'declined', approved_amount = 0 where transaction_id = 24",
            "attempt_has_transaction"),
        Damage("delete from attempts where transaction_id = 24", "transaction_has_attempt"),
        Damage(
            "update transactions set attempt_id = null where transaction_id = 24", "attempt_has_transaction",
            "transaction_has_attempt"),
        Damage(
            "update transactions set status = 'declined' where transaction_id = 13", "attempt_has_transaction"
        ),
        Damage(
            "insert into collections values (2001, 21, 2, 202, 'open', null)", "open_collection_has_attempt"),
        Damage("delete from transaction_codes", "code_registered"),
        Damage("update transactions set code = null where transaction_id = 12", "code_in_use"),
    ]

    @Test func findsEachDamage() throws {
        let database = try BooksDatabase()
        let owner = try database.connection("billing_owner")
        try owner.script(Self.state)
        let doctor = try database.connection("postgres")
        for damage in Self.damages {
            doctor.begin()
            try doctor.script("set local session_replication_role = replica; \(damage.sql)")
            let found = try doctor.rows(Statement("invariants", Invariants.books)).map { $0.text(0) }.sorted()
            doctor.rollback()
            #expect(found == damage.found, "\(damage.sql)")
        }
    }

    @Test func comparesWithTheProcessorsBookBothWays() throws {
        let database = try BooksDatabase()
        let owner = try database.connection("billing_owner")
        try owner.script(Self.state)
        let doctor = try database.connection("postgres")
        try doctor.script(
            """
            create schema sandbox;
            create table sandbox.movement (account bigint, key text, kind text, amount bigint, code text,
                   approved_amount bigint);
            create table sandbox.notice (id bigint, account bigint, code text, acknowledged_at timestamptz);
            insert into sandbox.movement
            values (2001, 't23', 'payment', 5000, 'D01', 0), (2001, 't24', 'payment', 5000, 'A01', 5000)
            """)
        let cases: [(sql: String, found: [String])] = [
            ("select 1", []),
            ("insert into sandbox.notice values (1, 2001, 'Z02', null)", []),
            ("insert into sandbox.notice values (1, 2001, 'Z02', now())", ["notice_taken"]),
            ("delete from sandbox.movement where key = 't24'", ["settled_attempt_at_processor"]),
            ("delete from sandbox.movement where key = 't23'", ["settled_attempt_at_processor"]),
            (
                "update sandbox.movement set approved_amount = 4000 where key = 't24'",
                ["settled_attempt_at_processor"]
            ),
            (
                "update sandbox.movement set key = 't99' where key = 't24'",
                ["charge_settled", "settled_attempt_at_processor"]
            ),
            ("insert into sandbox.movement values (2001, 't99', 'payment', 5, 'A01', 5)", ["charge_settled"]),
            ("insert into sandbox.movement values (2001, 't99', 'payment', 5, 'D01', 0)", []),
            (
                "insert into sandbox.movement values (2001, 't13', 'payment', 5000, 'A01', 5000)",
                ["charge_not_settled_yet"]
            ),
        ]
        for (sql, found) in cases {
            doctor.begin()
            try doctor.script(sql)
            let rows = try doctor.rows(Statement("sandbox", Invariants.sandbox)).map { $0.text(0) }.sorted()
            doctor.rollback()
            #expect(rows == found, "\(sql)")
        }
    }
}
