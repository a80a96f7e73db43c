import Postgres
import Testing

@testable import Persistence

/// References that triggers hold in place of foreign keys, and what they rest on: what is referred to stays (spec 5.3 h). And what is
/// looked at when a transaction commits, for a whole statement at a time.
@Suite struct ReferenceAttackTests {
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
            return failure.constraint.map { "\(failure.sqlState ?? "") \($0)" } ?? failure.sqlState
                ?? "\(failure)"
        }
    }

    private static func collection(_ invoice: Int, of customer: Int) -> String {
        "insert into collections values (2001, \(invoice), \(customer), null, 'closed', null)"
    }

    private static let newCustomer = """
        insert into customers (account_id, customer_id, first_name, last_name, create_date)
        values (2001, 900, 'New', 'One', now())
        """
    private static let newOption = """
        insert into payment_options (account_id, payment_option_id, customer_id, type, account_mask, accessory_shown, holder_name,
               token_code, create_date)
        values (2001, 900, 900, 'VC', '4***********1111', '1229', 'A Holder', 'abcdefghijklmnopqrstuvwxyz', now())
        """
    private static let newSubscription = """
        insert into subscriptions (account_id, subscription_id, customer_id, billing_cycle_type, billing_interval, amount,
               first_billing_date, next_billing_date, create_date)
        values (2001, 900, 900, 'M', 1, 500, '2030-01-01', '2030-01-01', now())
        """
    private static let newInvoice = ConstraintTests.entry(900, 900, "RI", 500, "receivable", "revenue:other")

    private static func fee(_ id: Int, of customer: Int, for subscription: Int? = nil) -> String {
        ConstraintTests.entry(
            id, customer, "RF", 500, "receivable", "revenue:fees",
            more: subscription == nil ? "" : ", subscription_id", subscription.map { "\($0)" } ?? "")
    }

    @Test(arguments: ["billing_api", "billing_jobs", "billing_owner"])
    func whatIsNamedIsThere(role: String) throws {
        let session = try database.connection(role)
        let attacks: [(sql: String, name: String)] = [
            (Self.fee(901, of: 900), "transactions_customer"),
            (Self.fee(901, of: 1, for: 900), "transactions_subscription"),
            (Self.fee(901, of: 1, for: 202), "transactions_subscription"),
            (Self.fee(901, of: 900, for: 202), "transactions_subscription"),
            (Self.collection(900, of: 2), "collections_invoice"),
            (Self.collection(12, of: 2), "collections_invoice"),
            (ConstraintTests.attempt(901, 900, "payment"), "attempts_customer"),
            (ConstraintTests.attempt(901, 900, "payment", option: "101"), "attempts_option"),
            (ConstraintTests.attempt(901, 1, "payment", option: "900"), "attempts_option"),
            (ConstraintTests.attempt(901, 1, "payment", invoice: "900"), "attempts_invoice"),
            (ConstraintTests.attempt(901, 1, "payment", invoice: "21"), "attempts_invoice"),
        ]
        for (sql, name) in attacks {
            #expect(refusal(session, sql) == "23503 \(name)", "\(role): \(sql)")
        }
        // One among many.
        #expect(
            refusal(
                session,
                Self.collection(12, of: 1).replacing(
                    "values", with: "values (2001, 900, 1, null, 'closed', null),"))
                == "23503 collections_invoice")
        #expect(try database.violations(handwritten: true) == [])
    }

    /// Another session's row is there when it is committed, not before; and not when it is taken back.
    @Test func whatAnotherSessionHasNotCommittedIsNotThere() throws {
        let (one, two) = (try database.connection("billing_owner"), try database.connection("billing_owner"))
        try two.script("set lock_timeout = '50ms'")
        let names: [(making: String, naming: String, refusal: String)] = [
            (Self.newCustomer, Self.fee(901, of: 900), "23503 transactions_customer"),
            (Self.newSubscription, Self.fee(902, of: 900, for: 900), "23503 transactions_subscription"),
            (Self.newInvoice, Self.collection(900, of: 900), "23503 collections_invoice"),
            (
                Self.newOption, ConstraintTests.attempt(903, 900, "payment", option: "900"),
                "23503 attempts_option"
            ),
        ]
        for (making, naming, refused) in names {
            one.begin()
            try one.script(making)
            #expect(refusal(two, naming) == refused, "beside: \(making)")
            one.rollback()
            #expect(refusal(two, naming) == refused, "after the rollback of: \(making)")
            #expect(refusal(one, making) == "none")
            #expect(refusal(two, naming) == "none", "after: \(making)")
        }
        #expect(try database.violations(handwritten: true) == [])
    }

    /// Nobody takes away or numbers anew what others refer to, with nothing that refers to it yet either.
    @Test func whatIsReferredToStays() throws {
        let owner = try database.connection("billing_owner")
        #expect(refusal(owner, Self.newCustomer) == "none")
        #expect(refusal(owner, Self.newOption) == "none")
        #expect(refusal(owner, Self.newSubscription) == "none")
        for (table, key) in [
            ("customers", "customer_id"), ("subscriptions", "subscription_id"),
            ("payment_options", "payment_option_id"),
        ] {
            #expect(
                refusal(owner, "delete from \(table) where \(key) = 900") == "23514 \(table)_append_only")
            #expect(refusal(owner, "truncate \(table) cascade") == "23514 \(table)_append_only")
            for column in ["account_id", "customer_id", key] {
                #expect(
                    refusal(owner, "update \(table) set \(column) = 901 where \(key) = 900")
                        == "23514 \(table)_key_unchanged", "\(table).\(column)")
            }
        }
        #expect(
            refusal(owner, "update collections set customer_id = 1 where invoice_id = 21")
                == "23503 collections_invoice")
    }

    /// A note of what is looked at when the transaction commits is written by triggers alone and does not outlive it.
    @Test func whatIsLookedAtAtTheCommit() throws {
        let owner = try database.connection("billing_owner")
        for role in ["billing_api", "billing_jobs", "billing_readonly"] {
            let session = try database.connection(role)
            for sql in ["select * from commit_checks", "delete from commit_checks"] {
                #expect(refusal(session, sql) == "42501", "\(role): \(sql)")
            }
        }
        // Two invoices by one statement; one subscription goes on, the other one does not.
        let invoices = """
            with t as (insert into transactions (account_id, transaction_id, customer_id, type, amount, tax_amount, due_date,
                   subscription_id, cycle_number, create_date)
              select 2001, 910 + n, customer_id, 'RI', amount, tax_amount, next_billing_date, subscription_id, next_cycle, now()
                from (select *, row_number() over (order by subscription_id) as n from subscriptions
                       where account_id = 2001 and subscription_id in (202, 216)) s
              returning *)
            insert into ledger_entries
            select account_id, transaction_id, line, customer_id, due_date, 'receivable', place, l.amount
              from t cross join lateral (values (1, 'revenue:recurring', t.amount - t.tax_amount), (2, 'tax-payable', t.tax_amount))
                   as l (line, place, amount)
             where l.amount > 0;
            """
        let step = { (condition: String) in
            """
            update subscriptions
               set next_cycle = next_cycle + 1, billed_count = billed_count + 1, last_billing_date = next_billing_date, status = 'C',
                   next_billing_date = cycle_date(billing_cycle_type, billing_interval, first_billing_date, next_cycle + 1)
             where account_id = 2001 and subscription_id in (202, 216) and \(condition);
            """
        }
        for left in [202, 216] {
            #expect(
                refusal(owner, invoices + step("subscription_id <> \(left)"))
                    == "23514 transactions_of_cycle", "\(left) is left behind")
        }
        // A note taken away is looked at all the same.
        #expect(
            refusal(owner, invoices + step("subscription_id <> 216") + "delete from commit_checks")
                == "23514 transactions_of_cycle")
        #expect(
            refusal(owner, invoices + "set constraints all immediate;" + step("true"))
                == "23514 transactions_of_cycle")
        #expect(refusal(owner, invoices + step("true") + "set constraints all immediate;") == "none")
        #expect(
            try owner.rows(Statement("t.notes", "select count(*) from commit_checks"))[0].int(0) == 0)
        #expect(try database.violations(handwritten: true) == [])
    }

    /// A name or code is as long as ever.
    @Test func namesAndCodesHaveTheirForm() throws {
        let owner = try database.connection("billing_owner")
        let name = { (length: Int) in
            ConstraintTests.entry(
                920, 1, "AP", 500, "clearing:" + String(repeating: "x", count: length - 9), "receivable")
        }
        #expect(refusal(owner, name(61)) == "23514 ledger_entries_account_names")
        #expect(refusal(owner, name(60)) == "none")
        let code = { (text: String) in
            "insert into transaction_codes values (2001, '\(text)', 1)"
        }
        for text in ["", "a b", "a\n", String(repeating: "x", count: 61)] {
            #expect(refusal(owner, code(text)) == "23514 transaction_codes_form", "\(text)")
        }
        for table in ["customers", "plans", "subscriptions", "payment_options"] {
            #expect(
                refusal(owner, "update \(table) set code = repeat('x', 61) where account_id = 2001")
                    == "23514 \(table)_code_form", "\(table)")
        }
    }
}
