import Postgres
import Testing

@testable import Persistence

/// The rules that the database holds by itself (spec 5.3 a–h), attacked with plain SQL.
@Suite struct ConstraintTests {
    /// One attack.
    struct Attack: CustomTestStringConvertible, Sendable {
        let rule: String
        let role: String
        let sql: String
        /// The constraint that refuses, or the SQLSTATE.
        let refusal: String

        init(_ rule: String, _ role: String, _ refusal: String, _ sql: String) {
            self.rule = rule
            self.role = role
            self.sql = sql
            self.refusal = refusal
        }

        var testDescription: String { "(\(rule)) \(role): \(sql)" }
    }

    /// A transaction with its line, by one statement.
    static func entry(
        _ id: Int, _ customer: Int, _ type: String, _ amount: Int, _ debit: String, _ credit: String,
        account: Int = 2001, line: Int = 1, booked: Int? = nil, of other: Int? = nil, more: String = "",
        _ values: String = ""
    ) -> String {
        """
        with t as (insert into transactions (account_id, transaction_id, customer_id, type, amount, due_date,
               create_date\(more)) values (\(account), \(id), \(customer), '\(type)', \(amount), '2026-01-31',
               now()\(values.isEmpty ? "" : ", " + values)))
        insert into ledger_entries values (\(account), \(id), \(line), \(other ?? customer), '2026-01-31', '\(debit)',
               '\(credit)', \(booked ?? amount))
        """
    }

    static func line(_ id: Int, line: Int = 1, customer: Int = 1, _ sides: String, _ amount: Int) -> String {
        "insert into ledger_entries values (2001, \(id), \(line), \(customer), '2026-01-31', \(sides), \(amount))"
    }

    static func attempt(
        _ id: Int, _ customer: Int, _ kind: String, invoice: String = "null", source: String = "null",
        option: String = "null", code: String = "null", more columns: String = "", _ values: String = ""
    ) -> String {
        """
        insert into attempts (\(columns)account_id, transaction_id, customer_id, kind, invoice_id, source_id, payment_option_id,
               code, amount, account_type, account_mask, accessory_shown, holder_name, due_date, business_date,
               create_date)
        values (\(values)2001, \(id), \(customer), '\(kind)', \(invoice), \(source), \(option), \(code), 5000, 'VC',
               '4***********1111', '1229', 'A Holder', '2026-01-31', '2026-01-31', now())
        """
    }

    static func allocation(_ customer: Int, _ source: Int, _ target: Int, _ amount: Int) -> String {
        """
        insert into allocations (account_id, customer_id, source_id, target_id, amount, create_date)
        values (2001, \(customer), \(source), \(target), \(amount), now())
        """
    }

    static let both = ["billing_api", "billing_jobs"]

    static let attacks: [Attack] =
        both.flatMap { role in
            [
                // Entries sum to zero and belong to a transaction of that amount.
                Attack("a", role, "ledger_entries_match", line(99, "'receivable', 'revenue:fees'", 100)),
                Attack("a", role, "ledger_entries_match", line(12, line: 2, "'cash', 'receivable'", 100)),
                Attack("a", role, "ledger_entries_match", line(13, "'clearing:sandbox', 'receivable'", 5000)),
                Attack(
                    "a", role, "ledger_entries_match",
                    line(23, customer: 2, "'receivable', 'clearing:sandbox'", 5000)),
                Attack("a", role, "ledger_entries_key", line(11, "'receivable', 'revenue:recurring'", 5000)),
                Attack(
                    "a", role, "ledger_entries_one_receivable", line(99, "'receivable', 'receivable'", 100)),
                Attack("a", role, "ledger_entries_one_receivable", line(99, "'cash', 'checks'", 100)),
                Attack("a", role, "ledger_entries_amount", line(99, "'receivable', 'cash'", -100)),
                Attack("a", role, "ledger_entries_account_names", line(99, "'receivable', 'Cash box'", 100)),
                Attack(
                    "a", role, "ledger_entries_match",
                    entry(31, 1, "RF", 500, "receivable", "revenue:fees", booked: 400)),
                Attack(
                    "a", role, "ledger_entries_match", entry(31, 1, "RF", 500, "revenue:fees", "receivable")),
                Attack(
                    "a", role, "ledger_entries_match",
                    entry(31, 1, "RF", 500, "receivable", "revenue:fees", of: 2)),
                Attack(
                    "a", role, "ledger_entries_match",
                    entry(31, 1, "RF", 500, "receivable", "revenue:fees", line: 2)),
                Attack(
                    "a", role, "transactions_in_ledger",
                    """
                    insert into transactions (account_id, transaction_id, customer_id, type, amount, due_date, create_date)
                    values (2001, 31, 1, 'RF', 500, '2026-01-31', now())
                    """),
                Attack(
                    "f", role, "transactions_of_attempt",
                    "update transactions set status = 'final' where transaction_id = 13"),
                Attack(
                    "a", role, "ledger_entries_match",
                    entry(31, 1, "RF", 500, "receivable", "revenue:fees", more: ", status", "'reversed'")),
                // Undone once, and never more than there was.
                Attack(
                    "d", role, "refunds_within_payment",
                    entry(
                        31, 1, "AR", 3001, "receivable", "cash", more: ", account_type, source_id", "'K', 12")
                ),
                Attack(
                    "d", role, "transactions_one_reversal",
                    entry(31, 1, "AV", 400, "receivable", "checks", more: ", source_id", "16")
                        + ";" + entry(32, 1, "AV", 400, "receivable", "checks", more: ", source_id", "16")),
                Attack(
                    "d", role, "transactions_one_return",
                    entry(31, 1, "AD", 3000, "receivable", "cash", more: ", source_id", "12")
                        + ";" + entry(32, 1, "AD", 3000, "receivable", "cash", more: ", source_id", "12")),
                Attack(
                    "d", role, "transactions_one_fee_a_cause",
                    entry(31, 1, "RL", 500, "receivable", "revenue:fees", more: ", source_id", "11")
                        + ";"
                        + entry(32, 1, "RL", 500, "receivable", "revenue:fees", more: ", source_id", "11")),
                Attack("b", role, "42501", "delete from processor_notices"),
                Attack("b", role, "42501", "update processor_notices set amount = 1"),
                // Append only.
                Attack("b", role, "42501", "update ledger_entries set amount = 1"),
                Attack("b", role, "42501", "delete from ledger_entries"),
                Attack("b", role, "42501", "truncate ledger_entries"),
                Attack("b", role, "42501", "delete from transactions"),
                Attack("b", role, "42501", "delete from allocations"),
                Attack("b", role, "42501", "update allocations set amount = 1"),
                Attack("b", role, "42501", "delete from attempts"),
                Attack("b", role, "42501", "update transaction_codes set transaction_id = 11"),
                Attack("b", role, "42501", "delete from audit_log"),
                Attack(
                    "b", role, "transactions_unchanged",
                    "update transactions set amount = 4000 where transaction_id = 11"),
                Attack(
                    "b", role, "transactions_unchanged",
                    "update transactions set status = 'final', amount = 6000 where transaction_id = 13"),
                Attack(
                    "b", role, "transactions_unchanged",
                    "update transactions set due_date = '2027-01-01' where transaction_id = 23"),
                Attack(
                    "b", role, "allocations_unchanged",
                    "update allocations set end_date = null where allocation_id = 2"),
                Attack(
                    "b", role, "allocations_unchanged",
                    "update allocations set end_date = now() + interval '1 day' where allocation_id = 2"),
                // The customer's balance.
                Attack("c", role, "42501", "update customers set balance = 0"),
                // The transaction's balance.
                Attack("d", role, "42501", "update open_items set balance = 1"),
                Attack("d", role, "42501", "insert into open_items values (2001, 1, 99, true, 5, 5)"),
                Attack("d", role, "42501", "delete from open_items"),
                Attack("d", role, "allocations_within_balance", allocation(1, 12, 11, 1001)),
                Attack("d", role, "allocations_within_balance", allocation(2, 12, 21, 1000)),
                Attack("d", role, "allocations_within_balance", allocation(1, 12, 21, 1000)),
                Attack("d", role, "allocations_within_balance", allocation(1, 11, 12, 1000)),
                Attack("d", role, "allocations_within_balance", allocation(1, 13, 11, 1000)),
                Attack("d", role, "allocations_within_balance", allocation(1, 12, 99, 1000)),
                Attack("d", role, "allocations_amount", allocation(1, 12, 11, -1000)),
                Attack(
                    "d", role, "allocations_unchanged",
                    """
                    insert into allocations (account_id, customer_id, source_id, target_id, amount, create_date, end_date)
                    values (2001, 1, 12, 11, 1000, now(), now())
                    """),
                // One invoice a cycle.
                Attack(
                    "e", role, "transactions_one_invoice_a_cycle",
                    entry(
                        31, 1, "RI", 5000, "receivable", "revenue:recurring",
                        more: ", subscription_id, cycle_number", "201, 1")),
                // One open attempt.
                Attack("f", role, "attempts_one_open_an_invoice", attempt(31, 1, "payment", invoice: "11")),
                Attack("f", role, "attempts_one_open_a_source", attempt(31, 1, "refund", source: "12")),
                Attack("f", role, "attempts_key", attempt(13, 1, "payment")),
                // Status moves.
                Attack(
                    "g", role, "subscriptions_status_moves",
                    "update subscriptions set status = 'C' where subscription_id = 203"),
                Attack(
                    "g", role, "subscriptions_status_moves",
                    "update subscriptions set status = 'U' where subscription_id = 201"),
                Attack(
                    "g", role, "transactions_unchanged",
                    "update transactions set status = 'pending' where transaction_id = 11"),
                Attack(
                    "g", role, "transactions_unchanged",
                    "update transactions set status = 'final' where transaction_id = 23"),
                Attack(
                    "g", role, "attempts_state_moves",
                    "update attempts set outcome = 'open', response_code = null, response_date = null, approved_amount = null where transaction_id = 23"
                ),
                Attack(
                    "g", role, "attempts_settled_have_answers",
                    "update attempts set outcome = 'approved' where transaction_id = 13"),
                Attack(
                    "g", role, "attempts_begin_open",
                    attempt(31, 1, "payment") + "; "
                        + attempt(32, 1, "payment").replacing(
                            "attempts (account_id", "attempts (outcome, account_id"
                        )
                        .replacing("values (2001", "values ('abandoned', 2001")),
                // One merchant account, one customer.
                Attack(
                    "h", role, "transactions_subscription",
                    entry(
                        31, 1, "RI", 5000, "receivable", "revenue:recurring", more: ", subscription_id", "202"
                    )),
                Attack(
                    "h", role, "transactions_source",
                    entry(31, 1, "RF", 500, "receivable", "revenue:fees", more: ", source_id", "21")),
                Attack(
                    "h", role, "transactions_code",
                    entry(31, 1, "RF", 500, "receivable", "revenue:fees", more: ", code", "'c-12'")),
                Attack(
                    "h", role, "transactions_attempt_of_its_own",
                    entry(31, 1, "AP", 500, "cash", "receivable", more: ", attempt_id", "13")),
                Attack(
                    "h", role, "transactions_attempt",
                    entry(
                        31, 1, "AP", 500, "cash", "receivable", more: ", account_type, attempt_id", "'K', 31")
                ),
                Attack("h", role, "attempts_invoice", attempt(31, 1, "payment", invoice: "21")),
                Attack("h", role, "attempts_source", attempt(31, 1, "refund", source: "21")),
                Attack("h", role, "attempts_option", attempt(31, 1, "payment", option: "102")),
                Attack("h", role, "attempts_code", attempt(31, 1, "payment", code: "'c-12'")),
                Attack(
                    "h", role, "transaction_codes_key",
                    "insert into transaction_codes values (2001, 'c-12', 31)"),
                Attack(
                    "h", role, "collections_invoice",
                    "insert into collections values (2001, 12, 2, null, 'closed', null)"),
            ] + attacksOnAttempts(role)
        } + [
            Attack(
                "h", "billing_jobs", "transactions_customer",
                entry(31, 9, "RF", 500, "receivable", "revenue:fees")),
            Attack(
                "h", "billing_api", "42501",
                entry(31, 9, "RF", 500, "receivable", "revenue:fees", account: 2002)),
            Attack("h", "billing_api", "42501", "insert into transaction_codes values (2002, 'x', 31)"),
            Attack(
                "h", "billing_api", "42501",
                Self.adjustment(2, "'P', '2026-02-01', null, null", account: 2002)),
            // The owner of the tables is bound by the same rules.
            Attack(
                "e", "billing_owner", "subscription_adjustments_append_only",
                "delete from subscription_adjustments"),
            Attack(
                "e", "billing_owner", "subscription_adjustments_append_only",
                "truncate subscription_adjustments cascade"),
            Attack(
                "e", "billing_owner", "subscription_adjustments_moves",
                "update subscription_adjustments set note = 'other' where adjustment_id = 52"),
            Attack(
                "e", "billing_owner", "subscription_adjustments_moves",
                "update subscription_adjustments set effective_date = '2026-02-28', due_on = '2026-02-28' where adjustment_id = 52"
            ),
            Attack(
                "b", "billing_owner", "ledger_entries_append_only", "update ledger_entries set amount = 1"),
            Attack("b", "billing_owner", "ledger_entries_append_only", "delete from ledger_entries"),
            Attack("b", "billing_owner", "ledger_entries_append_only", "truncate ledger_entries"),
            // Option 104 was erased; 103 has its number yet.
            Attack(
                "i", "billing_api", "payment_options_erased_with_number",
                "update payment_options set erase_date = now(), is_active = false, is_default = false where payment_option_id = 103"
            ),
            Attack(
                "i", "billing_api", "payment_options_erased_is_inactive",
                "update payment_options set is_active = true where payment_option_id = 104"),
            Attack(
                "i", "billing_api", "payment_options_erased_is_inactive",
                "delete from vault_entries; update payment_options set erase_date = now() where payment_option_id = 103"
            ),
            Attack(
                "i", "billing_api", "payment_options_erased_for_good",
                "update payment_options set erase_date = null where payment_option_id = 104"),
            Attack(
                "i", "billing_owner", "vault_entries_of_living_options",
                "insert into vault_entries values (2001, 104, '\\x01', '\\x02')"),
            Attack(
                "i", "billing_jobs", "42501",
                "update payment_options set erase_date = now() where payment_option_id = 101"),
            Attack("i", "billing_jobs", "42501", "delete from vault_entries"),
            Attack("i", "billing_api", "42501", "update merchant_accounts set mode = 'live'"),
            Attack("i", "billing_api", "42501", "update merchant_accounts set currency = 'EUR'"),
            Attack("i", "billing_api", "42501", "update temporary_passwords set expires_at = now()"),
            Attack(
                "i", "billing_api", "temporary_passwords_user",
                "insert into temporary_passwords values ('api-none', sha256(''), 1, now(), now() + interval '1 h')"
            ),
            Attack("b", "billing_owner", "transactions_append_only", "delete from transactions"),
            Attack("b", "billing_owner", "transactions_append_only", "truncate transactions cascade"),
            Attack("b", "billing_owner", "transactions_unchanged", "update transactions set note = 'other'"),
            Attack(
                "b", "billing_owner", "transactions_unchanged", "update transactions set transaction_id = 77"),
            Attack("b", "billing_owner", "allocations_append_only", "delete from allocations"),
            Attack("b", "billing_owner", "allocations_append_only", "truncate allocations"),
            Attack(
                "b", "billing_owner", "allocations_unchanged",
                "update allocations set amount = 1, end_date = now() where allocation_id = 1"),
            Attack(
                "b", "billing_owner", "attempts_state_moves",
                "update attempts set invoice_list = '21' where transaction_id = 13"),
            Attack("b", "billing_owner", "attempts_append_only", "delete from attempts"),
            Attack(
                "b", "billing_owner", "attempts_state_moves",
                "update attempts set amount = 1 where transaction_id = 13"),
            Attack(
                "b", "billing_owner", "transaction_codes_append_only",
                "update transaction_codes set transaction_id = 11"),
            Attack("b", "billing_owner", "transaction_codes_append_only", "delete from transaction_codes"),
            Attack("b", "billing_owner", "audit_log_append_only", "delete from audit_log"),
            Attack("b", "billing_owner", "audit_log_append_only", "update audit_log set actor = 'api-y'"),
            Attack(
                "c", "billing_owner", "customers_balance_by_ledger",
                "update customers set balance = balance + 1"),
            Attack("d", "billing_owner", "open_items_by_allocations", "update open_items set balance = 1"),
            Attack("d", "billing_owner", "open_items_by_allocations", "delete from open_items"),
            Attack("d", "billing_owner", "open_items_by_allocations", "truncate open_items"),
            Attack(
                "d", "billing_owner", "open_items_by_allocations",
                "insert into open_items values (2001, 1, 99, true, 5, 5)"),
        ]

    @Test func refusesEachAttack() throws {
        let database = try BooksDatabase()
        let owner = try database.connection("billing_owner")
        try owner.script(FilledBooks.few)
        let roles = ["billing_api", "billing_jobs", "billing_owner"]
        let connections = try Dictionary(
            uniqueKeysWithValues: roles.map { ($0, try database.connection($0)) })
        for attack in Self.attacks + Self.adjusting {
            let connection = try #require(connections[attack.role])
            var refusal = "none"
            connection.begin()
            do {
                try connection.script(attack.sql)
                try connection.commit()
            } catch let failure {
                refusal = failure.constraint ?? failure.sqlState ?? "\(failure)"
            }
            connection.rollback()
            #expect(refusal == attack.refusal, "\(attack.testDescription)")
        }
        let violations = try database.violations(handwritten: true)
        #expect(violations == [])
    }

    @Test func beginsACustomerWithNothing() throws {
        let database = try BooksDatabase()
        let connection = try database.connection("billing_api")
        let rows = try connection.rows(
            Statement(
                "t",
                """
                insert into customers (account_id, first_name, last_name, balance, create_date)
                values (2001, 'A', 'B', -5000, now())
                returning balance
                """))
        #expect(rows[0].int(0) == 0)
    }
}

extension String {
    /// This text with one part replaced, which must be there.
    fileprivate func replacing(_ part: String, _ other: String) -> String {
        guard let start = firstRange(of: part) else { preconditionFailure("\(part) is not in the text") }
        return self[..<start.lowerBound] + other + self[start.upperBound...]
    }

    private func firstRange(of part: String) -> Range<Index>? {
        var start = startIndex
        while start < endIndex {
            if self[start...].hasPrefix(part) { return start..<index(start, offsetBy: part.count) }
            start = index(after: start)
        }
        return nil
    }
}
