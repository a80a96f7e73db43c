import Domain
import Postgres
import TestSupport

@testable import Persistence

/// A database of a test's own with the schema, two merchant accounts and a few customers.
///
/// Account 2001: customers 1 to 4, each with a card (its number + 100, in the vault) and a monthly subscription of 50.00 from
/// 2026-01-31 (its number + 200). Account 2002: customer 9.
final class BooksDatabase {
    /// How to reach it, as superuser.
    let conninfo: String

    /// Copies the template, which is made once in a test process.
    init() throws {
        let server = try PrivateServer.shared
        let template = try server.template("books") { conninfo in
            try Fixture.prepare(conninfo)
            _ = try Migrator(Fixture.settings(conninfo, as: "billing_owner")).migrate()
            let owner = try Connection(Fixture.settings(conninfo, as: "billing_owner"))
            defer { owner.close() }
            try owner.script(Self.customers)
        }
        conninfo = try server.createDatabase(template: template)
    }

    /// A connection as this role, with account 2001 within reach.
    func connection(_ role: String) throws -> Connection {
        let connection = try Connection(
            ConnectionSettings(
                "\(conninfo) user=\(role)", runtimeSettings: [("search_path", "billing"), ("jit", "off")]))
        try connection.script("select set_config('billing.accounts', '2001', false)")
        return connection
    }

    /// The books as the jobs process opens them.
    func books(_ role: String = "billing_jobs") -> PostgresBooks {
        PostgresBooks(ConnectionSettings("\(conninfo) user=\(role)"))
    }

    /// What the roles must be able to do and only the program can judge (docs/decisions/ledger.md): looked for, not refused.
    static let leftToTheProgram: Set = [
        "attempt_as_asked", "collecting_ends_for_a_reason", "collecting_on_its_day", "freeze_of_its_length",
        "invoice_is_collected", "number_given_out", "one_key_a_transaction", "option_has_its_number",
    ]

    /// What is wrong with the whole database: `invariant: detail`, sorted.
    ///
    /// - Parameter handwritten: leaves out what the program keeps to and a test that writes SQL by hand need not.
    func violations(handwritten: Bool = false) throws -> [String] {
        let connection = try connection("billing_jobs")
        defer { connection.close() }
        return try connection.rows(Statement("invariants", Invariants.books))
            .filter { !handwritten || !Self.leftToTheProgram.contains($0.text(0)) }
            .map { "\($0.text(0)): \($0.text(2))" }.sorted()
    }

    private static let customers = """
        set search_path = billing;
        insert into merchant_accounts (account_id, name, time_zone, clock_at)
        values (2001, 'Gym', 'America/New_York', '2026-01-31 12:00:00Z'), (2002, 'Spa', 'UTC', null);
        insert into customers (account_id, customer_id, first_name, last_name, create_date)
        select case when n < 9 then 2001 else 2002 end, n, 'First', 'Last', now() from unnest('{1,2,3,4,9}'::int[]) n;
        insert into payment_options (account_id, payment_option_id, customer_id, type, account_mask, accessory_shown,
               holder_name, token_code, is_default, create_date)
        select account_id, customer_id + 100, customer_id, 'VC', '4***********1111', '1229', 'A Holder',
               'token-' || md5(customer_id::text), true, now()
          from customers where account_id = 2001;
        insert into vault_entries (account_id, payment_option_id, sealed, fingerprint)
        select account_id, payment_option_id, '\\x01', '\\x02' from payment_options;
        insert into subscriptions (account_id, subscription_id, customer_id, billing_cycle_type, billing_interval, amount,
               tax_amount, first_billing_date, next_billing_date, length, create_date)
        select account_id, customer_id + 200, customer_id, 'M', 1, 5000, 400, '2026-01-31', '2026-01-31',
               case customer_id when 4 then 1 end, now()
          from customers where account_id = 2001;
        select setval('customer_ids', 100000), setval('payment_option_ids', 100000), setval('subscription_ids', 100000),
               setval('transaction_ids', 1000);
        """
}

/// An instant and business dates of the tests.
let noon = Moment(
    now: Timestamp(microsecondsSince1970: 1_769_860_800_000_000),
    local: LocalDateTime("2026-01-31 07:00:00")!)
let january = CalendarDate("2026-01-31")!
let february = CalendarDate("2026-02-28")!

extension MerchantAccount {
    /// An account in US dollars with the default policy, as the fixtures' are.
    static func plain(_ id: Int64) -> MerchantAccount {
        guard let dollars = Currency(code: "USD") else { preconditionFailure("ISO 4217 knows USD") }
        return MerchantAccount(id: id, name: "Gym", currency: dollars)
    }
}
