import Postgres
import Testing

@testable import Persistence

/// Damage to what money was taken for, to what is named and to what is still to be done.
extension InvariantsTests {
    /// A second payment of invoice 21 by the run, whole in itself, and what its invoice and the fees along with it amount to.
    static let takenTwice = [
        Damage(
            """
            update attempts set creator_code = 'billing-run' where transaction_id = 24;
            insert into attempts (account_id, transaction_id, customer_id, kind, invoice_id, amount, account_type, account_mask,
                   accessory_shown, holder_name, due_date, business_date, create_date, creator_code, outcome, response_code,
                   response_date, approved_amount)
            values (2001, 150, 2, 'payment', 21, 5000, 'VC', '4***********1111', '1229', 'A Holder', '2026-01-31', '2026-01-31',
                    now(), 'billing-run', 'approved', 'A01', now(), 5000);
            insert into transactions (account_id, transaction_id, customer_id, type, account_type, account_mask, amount, due_date,
                   attempt_id, create_date)
            values (2001, 150, 2, 'AP', 'VC', '4***********1111', 5000, '2026-01-31', 150, now());
            insert into ledger_entries values (2001, 150, 1, 2, '2026-01-31', 'clearing:sandbox', 'receivable', 5000);
            insert into open_items values (2001, 2, 150, false, 5000, 5000);
            update customers set balance = balance - 5000 where customer_id = 2
            """, "run_takes_once"),
        // The fee was collected along: no more than both.
        Damage(
            """
            update attempts set creator_code = 'billing-run', amount = 5300, approved_amount = 5300, fee_ids = '{25}'
             where transaction_id = 24;
            update transactions set amount = 5300 where transaction_id = 24;
            update ledger_entries set amount = 5300 where transaction_id = 24;
            insert into open_items values (2001, 2, 24, false, 5300, 300);
            update customers set balance = balance - 300 where customer_id = 2
            """),
        // It went back: 43, charged back and won, counts no more than 46, which was voided.
        Damage(
            "update attempts set creator_code = 'billing-run', invoice_id = 31 where transaction_id in (41, 43, 46)"
        ),
    ]
    static let attemptFacts = [
        Damage(
            "update transactions set account_mask = '5***********0057' where transaction_id = 24",
            "attempt_as_asked"),
        Damage("update transactions set account_type = 'MC' where transaction_id = 23", "attempt_as_asked"),
        Damage("update transactions set tax_amount = 400 where transaction_id = 24", "attempt_as_asked"),
        Damage("update transactions set subscription_id = 201 where transaction_id = 13", "attempt_as_asked"),
        Damage(
            "update transactions set subscription_id = 202 where transaction_id = 13", "attempt_as_asked",
            "reference_is_there"),
        Damage("update transactions set amount = 4000 where transaction_id = 23", "attempt_as_asked"),
        Damage("update transactions set invoice_list = '11' where transaction_id = 13", "attempt_as_asked"),
        Damage(
            "update ledger_entries set debit = 'clearing:elsewhere' where transaction_id = 24",
            "account_of_the_chart"),
    ]
    static let debts = [
        Damage("delete from collections where invoice_id = 21", "invoice_is_collected"),
        Damage(
            "update collections set state = 'closed', collect_on = null where invoice_id = 71",
            "collecting_ends_for_a_reason"),
        Damage("update collections set state = 'closed', collect_on = null where invoice_id = 11"),
        Damage(
            "update collections set collect_on = '2026-02-07' where invoice_id = 71", "collecting_on_its_day"),
        Damage(
            """
            update collections set state = 'due', collect_on = '2026-02-07' where invoice_id = 21;
            update attempts set next_attempt_date = '2026-02-07' where transaction_id = 23
            """),
        Damage(
            "update subscription_adjustments set length = 4 where adjustment_id = 61", "freeze_of_its_length"),
        Damage(
            "update subscription_adjustments set end_date = '2026-05-30' where adjustment_id = 52",
            "freeze_of_its_length"),
        Damage(
            """
            update subscription_adjustments set end_date = '2026-03-30', state = 'withdrawn', due_on = null where adjustment_id = 52
            """),
    ]
    static let keysAndReferences = [
        Damage(
            """
            insert into idempotency_keys (user_name, key, fingerprint, account_id, customer_id, transaction_id)
            values ('api-x', 'k-3', sha256('3'), 2001, 2, 24)
            """, "one_key_a_transaction"),
        Damage(
            "delete from customers where customer_id = 4", "reference_is_there", "reference_is_there",
            "reference_is_there"),
        Damage(
            "delete from payment_options where payment_option_id = 102", "reference_is_there",
            "reference_is_there"),
        Damage("delete from subscriptions where subscription_id = 217", "reference_is_there"),
        Damage(
            "delete from subscription_adjustments where adjustment_id = 61", "adjustment_in_force",
            "no_cycle_skipped", "no_cycle_skipped"),
        Damage("update attempts set payment_option_id = 101 where transaction_id = 24", "reference_is_there"),
        Damage(
            "update subscriptions set payment_option_id = 102 where subscription_id = 201",
            "reference_is_there"),
        Damage("update subscriptions set plan_id = 77 where subscription_id = 201", "reference_is_there"),
        Damage("delete from service_users", "reference_is_there"),
        Damage(
            "delete from plans; update subscriptions set plan_id = 1 where subscription_id = 202",
            "reference_is_there"),
        Damage(
            "delete from merchant_accounts where account_id = 2002", "reference_is_there",
            "reference_is_there", "reference_is_there"),
        Damage("update transactions set source_id = 11 where transaction_id = 25", "reference_is_there"),
        Damage("update transactions set adjustment_id = 61 where transaction_id = 25", "reference_is_there"),
        Damage(
            """
            update ledger_entries set customer_id = 3 where transaction_id = 21 and line = 2;
            update customers set balance = balance + case customer_id when 2 then -400 else 400 end where customer_id in (2, 3)
            """, "transactions_in_ledger"),
        Damage("update open_items set customer_id = 2 where transaction_id = 11", "transaction_balance"),
        Damage("delete from vault_entries where payment_option_id = 101", "option_has_its_number"),
        Damage("delete from payment_options where payment_option_id = 101", "reference_is_there"),
        Damage("update plans set plan_id = 99 where code = 'gold'", "number_given_out"),
        Damage("update audit_log set audit_id = 5000", "number_given_out"),
    ]

    /// Numbers given out, said of no merchant account.
    static let numbers = [
        "transactions": "transaction_id", "attempts": "transaction_id", "customers": "customer_id",
        "payment_options": "payment_option_id", "plans": "plan_id", "subscriptions": "subscription_id",
        "subscription_adjustments": "adjustment_id", "allocations": "allocation_id", "audit_log": "audit_id",
    ]

    /// A number beyond those given out would be given to another one day.
    @Test(arguments: Self.numbers.keys.sorted())
    func findsNumbersNotGivenOut(table: String) throws {
        let database = try BooksDatabase()
        let owner = try database.connection("billing_owner")
        try owner.script(FilledBooks.few)
        try owner.script(FilledBooks.many)
        let doctor = try database.connection("postgres")
        let column = try #require(Self.numbers[table])
        try doctor.script(
            """
            set session_replication_role = replica;
            update \(table) set \(column) = 9000000 where ctid = (select min(ctid) from \(table))
            """)
        let found = try doctor.rows(Statement("invariants", Invariants.books)).map { $0.text(0) }
        #expect(found.contains("number_given_out"))
    }
}
