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
            self.init(sql, all: found)
        }

        init(_ sql: String, all found: [String]) {
            self.sql = sql
            self.found = found
        }
    }

    static let damages = [
        Damage("select 1"),
        Damage(
            "update ledger_entries set amount = 4000 where transaction_id = 11", "customer_balance",
            "journal_tax", "transactions_in_ledger"),
        Damage(
            "delete from ledger_entries where transaction_id = 11", "customer_balance", "journal_tax",
            "transactions_in_ledger"),
        Damage(
            "update ledger_entries set customer_id = 2 where transaction_id = 11", "customer_balance",
            "customer_balance", "transactions_in_ledger"),
        Damage(
            "insert into ledger_entries values (2001, 99, 1, 3, '2026-01-31', 'receivable', 'cash', 5)",
            "customer_balance", "transactions_in_ledger"),
        Damage(
            "insert into ledger_entries values (2001, 13, 1, 3, '2026-01-31', 'receivable', 'cash', 5)",
            "customer_balance", "journal_accounts", "transactions_in_ledger"),
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
                   create_date) values (2001, 141, 1, 'AR', 'K', 3001, '2026-01-31', 12, 'final', now());
            insert into ledger_entries values (2001, 141, 1, 1, '2026-01-31', 'receivable', 'cash', 3001);
            insert into open_items values (2001, 1, 141, true, 3001, 3001);
            update customers set balance = balance + 3001 where customer_id = 1
            """, "money_going_back", "refund_uses_its_payment", "refunds_within_payment"),
        Damage(
            "update subscriptions set next_cycle = 3, next_billing_date = '2026-03-31' where subscription_id = 201",
            "no_cycle_skipped"),
        // Frozen cycles may be passed over, and only they.
        Damage(
            """
            alter table subscription_adjustments drop constraint subscription_adjustments_due;
            update subscriptions set next_cycle = 6, next_billing_date = '2026-06-30' where subscription_id = 201;
            update subscription_adjustments set effective_date = '2026-02-28', due_on = '2026-02-28', length = 4 where adjustment_id = 52
            """),
        Damage(
            """
            alter table subscription_adjustments drop constraint subscription_adjustments_due;
            update subscriptions set next_cycle = 7, next_billing_date = '2026-07-31' where subscription_id = 201;
            update subscription_adjustments set effective_date = '2026-02-28', due_on = '2026-02-28', length = 4 where adjustment_id = 52
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
            """, "next_billing_date"),
        // Invoice 11 lies in a freeze that is over.
        Damage(
            """
            update subscription_adjustments set effective_date = '2026-01-31', end_date = '2026-02-10', state = 'ended', due_on = null
             where adjustment_id = 52
            """, "invoice_of_its_cycle"),
        Damage("update subscriptions set status = 'C' where subscription_id = 204", "subscription_status"),
        Damage("update subscriptions set status = 'F' where subscription_id = 202", "adjustment_in_force"),
        Damage(
            "update subscriptions set status = 'C' where subscription_id = 203", "adjustment_in_force",
            "subscription_status"),
        Damage(
            "update subscriptions set status = 'E', next_billing_date = null where subscription_id = 201",
            "adjustment_in_force", "subscription_status"),
        Damage(
            "update transactions set status = 'reversed' where transaction_id = 24", "reversed_by_another",
            "undone_is_used_up"),
        Damage(
            """
            alter table transactions drop constraint transactions_cycle_of_invoice;
            update transactions set type = 'AV', source_id = 12 where transaction_id = 11
            """, "attempt_of_its_customer", "collection_of_its_invoice", "journal_accounts",
            "journal_accounts", "journal_tax",
            "money_going_back", "no_cycle_skipped", "reversed_by_another", "source_of_its_type",
            "subscription_progress"),
        Damage(
            "update subscriptions set billed_count = 2 where subscription_id = 201", "subscription_progress"),
        Damage(
            "update subscriptions set last_billing_date = '2026-02-28' where subscription_id = 201",
            "subscription_progress"),
        Damage(
            "update transactions set cycle_number = 2 where transaction_id = 11", "invoice_of_its_cycle",
            "no_cycle_skipped", "subscription_progress"),
        Damage(
            """
            drop index transactions_one_invoice_a_cycle;
            update transactions set subscription_id = 201 where transaction_id = 21;
            update subscriptions set billed_count = 2 where subscription_id = 201;
            update subscriptions set billed_count = 0, next_cycle = 1, last_billing_date = null,
                   next_billing_date = '2026-01-31' where subscription_id = 202
            """, "collection_of_its_invoice", "one_invoice_a_cycle", "reference_is_there",
            "subscription_status"),
        Damage(
            "drop index attempts_one_open_an_invoice; \(ConstraintTests.attempt(142, 1, "payment", invoice: "11"))",
            "one_open_attempt"),
        Damage(
            ConstraintTests.attempt(144, 1, "payment", more: "named_ids, ", "'{11}', "), "one_open_attempt"),
        Damage(
            "update attempts set approved_amount = 4000 where transaction_id = 24", "attempt_has_transaction"),
        Damage(
            "update attempts set customer_id = 1 where transaction_id = 24", "attempt_has_transaction",
            "attempt_of_its_customer", "reference_is_there", "reference_is_there"),
        Damage(
            "update attempts set outcome = 'declined', approved_amount = 0 where transaction_id = 24",
            "attempt_has_transaction"),
        Damage(
            "delete from attempts where transaction_id = 24", "reference_is_there", "transaction_has_attempt"),
        Damage(
            "update transactions set attempt_id = null where transaction_id = 24", "attempt_has_transaction",
            "attempt_of_its_kind", "transaction_has_attempt"),
        Damage(
            "update transactions set status = 'declined' where transaction_id = 13",
            "attempt_has_transaction", "attempt_of_its_kind"),
        Damage(
            "update collections set state = 'open' where invoice_id = 21", "open_collection_has_attempt"),
        Damage("delete from transaction_codes", "code_registered", "reference_is_there"),
        // The journal of spec 5.3: accounts, tax, sides.
        Damage(
            "update ledger_entries set credit = 'revenue:fees' where transaction_id = 11 and line = 1",
            "journal_accounts"),
        Damage("update ledger_entries set debit = 'cash' where transaction_id = 24", "journal_accounts"),
        Damage("update ledger_entries set credit = 'checks' where transaction_id = 36", "journal_accounts"),
        Damage(
            "update ledger_entries set debit = 'revenue:other' where transaction_id = 32 and line = 2",
            "journal_accounts"),
        Damage(
            "update ledger_entries set credit = 'clearing:sandbox' where transaction_id = 44",
            "journal_accounts", "journal_accounts"),
        Damage("update transactions set tax_amount = 0 where transaction_id = 25", "journal_tax"),
        Damage(
            "update transactions set source_id = 12 where transaction_id = 47", "journal_accounts",
            "reference_is_there", "reversed_by_another", "reversed_by_another", "source_of_its_type"),
        Damage(
            "update transactions set source_id = null where transaction_id = 42", "notice_has_its_effect",
            "reversed_by_another", "source_of_its_type"),
        // What was undone stays so.
        Damage(
            """
            update allocations set end_date = now() where target_id = 42;
            insert into open_items values (2001, 3, 41, false, 700, 700), (2001, 3, 42, true, 700, 700)
            """, "undone_is_used_up"),
        Damage(
            """
            update allocations set end_date = now() where target_id = 36;
            update open_items set balance = 600 where transaction_id = 35;
            insert into open_items values (2001, 3, 36, true, 100, 100)
            """, "refund_uses_its_payment"),
        Damage(
            "update allocations set end_date = now() + interval '1 day' where allocation_id = 2",
            "allocation_ends_by_now"),
        Damage(
            "update transactions set status = 'final' where transaction_id = 46", "reversed_by_another"),
        Damage(
            """
            update transactions set amount = 100 where transaction_id = 35;
            delete from open_items where transaction_id = 35;
            update ledger_entries set amount = 100 where transaction_id = 35;
            update customers set balance = balance + 500 where customer_id = 3
            """, "reversed_by_another"),
        Damage(
            "drop index attempts_one_open_a_source; \(ConstraintTests.attempt(143, 3, "refund", source: "35"))",
            "money_going_back"),
        Damage(
            "update transactions set account_type = 'L' where type in ('AP', 'AC')", "attempt_as_asked",
            "attempt_as_asked", "attempt_as_asked", "attempt_as_asked", "attempt_as_asked",
            "journal_accounts",
            "journal_accounts", "journal_accounts", "journal_accounts", "journal_accounts",
            "journal_accounts", "journal_accounts", "source_of_its_type", "source_of_its_type"),
        // An invoice of a cycle.
        Damage(
            """
            update transactions set account_type = 'L' where transaction_id in (35, 41, 43, 46);
            update transactions set amount = 50 where transaction_id = 33
            """, "attempt_as_asked", "attempt_as_asked", "attempt_as_asked", "journal_accounts",
            "journal_accounts", "journal_accounts", "journal_accounts",
            "money_back_within_money_in", "reversed_by_another", "source_of_its_type", "source_of_its_type",
            "source_of_its_type", "transaction_balance",
            "transactions_in_ledger", "undone_is_used_up"),
        Damage(
            "update transactions set due_date = '2026-02-01' where transaction_id = 11",
            "invoice_of_its_cycle", "subscription_progress"),
        Damage("update subscriptions set amount = 4000 where subscription_id = 201", "invoice_of_its_cycle"),
        Damage(
            "update transactions set adjustment_id = 52 where transaction_id = 11", "invoice_of_its_cycle",
            "subscription_progress"),
        Damage(
            """
            alter table subscription_adjustments drop constraint subscription_adjustments_due;
            update subscription_adjustments set effective_date = '2026-01-31', due_on = '2026-01-31', length = 5 where adjustment_id = 52
            """, "invoice_of_its_cycle"),
        Damage(
            "update subscriptions set next_billing_date = null where subscription_id = 202",
            "subscription_goes_on"),
        Damage("update subscriptions set status = 'U' where subscription_id = 202", "subscription_status"),
        Damage("update customers set status = 'E' where customer_id = 4", "customer_status"),
        // A cancellation far off is no reason to bill nothing until then.
        Damage(
            """
            \(ConstraintTests.adjustment(2, "'C', '2031-01-31', null, null"));
            update subscriptions set next_billing_date = null where subscription_id = 202
            """, "subscription_goes_on"),
        Damage(
            "update subscription_adjustments set create_date = '2026-06-01' where adjustment_id = 62",
            "adjustment_has_its_day"),
        Damage(
            """
            alter table subscription_adjustments drop constraint subscription_adjustments_due;
            update subscription_adjustments set due_on = null where adjustment_id = 52
            """, "adjustment_has_its_day"),
        // An allowance that is paid out; a chargeback of a part; an attempt for a payment.
        Damage(
            """
            update transactions set account_type = 'L' where transaction_id = 16;
            update ledger_entries set debit = 'expense:allowance' where transaction_id = 16;
            \(ConstraintTests.entry(145, 1, "AR", 400, "receivable", "cash", more: ", account_type", "'K'"));
            \(ConstraintTests.allocation(1, 16, 145, 400));
            delete from open_items where transaction_id = 16;
            update customers set balance = balance + 400 where customer_id = 1
            """, "allowance_paid_out"),
        Damage(
            """
            update transactions set amount = 799 where transaction_id in (44, 45);
            update ledger_entries set amount = 799 where transaction_id in (44, 45);
            update allocations set amount = 799 where target_id = 44
            """, "source_of_its_type"),
        Damage(
            "update attempts set invoice_id = 12 where transaction_id = 13", "attempt_of_its_customer",
            "open_collection_has_attempt"),
        // Attempts.
        Damage("update attempts set kind = 'claim' where transaction_id = 24", "attempt_of_its_kind"),
        Damage(
            "alter table attempts drop constraint attempts_source_of_kind; update attempts set source_id = null where transaction_id = 15",
            "attempt_of_its_kind"),
        Damage(
            "update attempts set subscription_id = 202 where transaction_id = 13", "attempt_as_asked",
            "attempt_of_its_customer"),
        Damage("update attempts set fee_ids = '{25}' where transaction_id = 13", "attempt_of_its_customer"),
        Damage(
            "update attempts set opened_at = now() - interval '2 hours', look_ups = 3",
            "old_attempt_is_shown", "old_attempt_is_shown"),
        Damage("update attempts set opened_at = now() - interval '2 hours' where transaction_id = 13"),
        Damage(
            "update transactions set attempt_id = null where transaction_id = 23", "attempt_has_transaction",
            "attempt_of_its_kind", "outcome_of_an_attempt"),
        Damage(
            "update collections set subscription_id = 201 where invoice_id = 21", "collection_of_its_invoice"),
        Damage("update processor_notices set attempt_id = 24 where notice_id = 1", "notice_has_its_effect"),
        Damage("update processor_notices set code = 'Z02' where notice_id = 1", "notice_has_its_effect"),
        Damage("update idempotency_keys set customer_id = 1 where key = 'k-1'", "key_of_its_transaction"),
        Damage("update transactions set code = null where transaction_id = 12", "code_in_use"),
    ]

    @Test func findsEachDamage() throws {
        let database = try BooksDatabase()
        let owner = try database.connection("billing_owner")
        try owner.script(FilledBooks.few)
        try owner.script(FilledBooks.many)
        let doctor = try database.connection("postgres")
        let damages =
            Self.damages + Self.takenTwice + Self.attemptFacts + Self.debts + Self.keysAndReferences
        for damage in damages {
            doctor.begin()
            try doctor.script("set local session_replication_role = replica; \(damage.sql)")
            let found = try doctor.rows(Statement("invariants", Invariants.books)).map { $0.text(0) }.sorted()
            doctor.rollback()
            #expect(found == damage.found, "\(damage.sql)")
        }
    }
}
