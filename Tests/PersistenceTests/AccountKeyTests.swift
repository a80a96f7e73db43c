import Postgres
import Testing

@testable import Persistence

/// That each table of a merchant account can be kept on another server than those of the next (docs/scale.md): its keys carry the
/// account, so no reference crosses accounts.
@Suite struct AccountKeyTests {
    /// The tables that belong to the installation, each small: one copy for each server.
    private static let shared = [
        "billing_migrations", "failed_logins", "jobs_processes", "service_users", "temporary_passwords",
        "transaction_types",
    ]

    @Test func allButAFewTablesBelongToAnAccount() throws {
        let found = try names(
            """
            select t.relname from pg_class t
             where t.relnamespace = 'billing'::regnamespace and t.relkind in ('r', 'p')
               and not exists (select from pg_attribute a
                                where a.attrelid = t.oid and a.attname = 'account_id' and not a.attisdropped)
             order by 1
            """)
        #expect(found == AccountKeyTests.shared)
    }

    @Test func everyKeyCarriesTheAccount() throws {
        let without = try names(
            """
            select i.indexrelid::regclass::text from pg_index i
              join pg_class t on t.oid = i.indrelid and t.relnamespace = 'billing'::regnamespace
              join pg_attribute a on a.attrelid = t.oid and a.attname = 'account_id' and not a.attisdropped
             where i.indisunique and not a.attnum = any (i.indkey::smallint[])
             order by 1
            """)
        // A caller's own key, whichever accounts its user may use: kept with the users, apart from the accounts.
        #expect(without == ["idempotency_keys_key"])
        let keyless = try names(
            """
            select t.relname from pg_class t
             where t.relnamespace = 'billing'::regnamespace and t.relkind in ('r', 'p')
               and not exists (select from pg_index i where i.indrelid = t.oid and i.indisprimary)
             order by 1
            """)
        #expect(keyless == [])
    }

    @Test func everyReferenceCarriesTheAccount() throws {
        let without = try names(
            """
            select c.conrelid::regclass || '.' || c.conname from pg_constraint c
              join pg_attribute there on there.attrelid = c.confrelid and there.attname = 'account_id'
             where c.connamespace = 'billing'::regnamespace and c.contype = 'f'
               and not exists (
                   select from unnest(c.conkey, c.confkey) k (here, there)
                     join pg_attribute a on a.attrelid = c.conrelid and a.attnum = k.here
                    where a.attname = 'account_id' and k.there = there.attnum)
             order by 1
            """)
        #expect(without == [])
        // What they refer to outside their account is one of the installation's tables.
        let outside = try names(
            """
            select distinct c.confrelid::regclass::text from pg_constraint c
             where c.connamespace = 'billing'::regnamespace and c.contype = 'f'
               and not exists (select from pg_attribute a
                                where a.attrelid = c.confrelid and a.attname = 'account_id')
             order by 1
            """)
        #expect(outside.allSatisfy { AccountKeyTests.shared.contains($0.replacing("billing.", with: "")) })
    }

    private func names(_ sql: String) throws -> [String] {
        let administrator = try Fixture().administrator()
        defer { administrator.close() }
        return try administrator.rows(Statement("test.names", sql)).map { $0.text(0) }
    }
}
