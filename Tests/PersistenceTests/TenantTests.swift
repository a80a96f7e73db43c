import Postgres
import Testing

@testable import Persistence

/// The database alone, without a word of the program's, shows a session of the API the rows of its tenants and no others
/// (spec 4.2). The jobs processes and the operator's commands are there for all accounts.
@Suite struct TenantTests {
    private func filled() throws -> BooksDatabase {
        let database = try BooksDatabase()
        let owner = try database.connection("billing_owner")
        defer { owner.close() }
        try owner.script(FilledBooks.few)
        return database
    }

    private func names(_ connection: Connection, _ sql: String) throws -> [String] {
        try connection.rows(Statement("t.\(sql.hashValue)", sql)).map { $0.text(0) }
    }

    /// The tables that name an account.
    private func tables(_ connection: Connection) throws -> [String] {
        try names(
            connection,
            """
            select t.relname::text from pg_class t
             where t.relnamespace = 'billing'::regnamespace and t.relkind = 'r'
               and exists (select from pg_attribute a
                            where a.attrelid = t.oid and a.attname = 'account_id' and not a.attisdropped)
             order by 1
            """)
    }

    @Test func eachTableHasItsPolicy() throws {
        let database = try filled()
        let owner = try database.connection("billing_owner")
        defer { owner.close() }
        let guarded = try names(
            owner,
            """
            select t.relname::text from pg_class t
             where t.relnamespace = 'billing'::regnamespace and t.relrowsecurity and t.relforcerowsecurity
               and exists (select from pg_policy p where p.polrelid = t.oid)
             order by 1
            """)
        // These go by the user: who calls is looked up before there is a tenant, and a key is its user's.
        let byUser: Set = ["idempotency_keys", "service_user_accounts"]
        #expect(try Set(tables(owner)).subtracting(guarded) == byUser)
    }

    @Test func nothingOfOthersIsSeen() throws {
        let database = try filled()
        let session = try database.connection("billing_api")
        defer { session.close() }
        for tenants in ["", "2002", "7"] {
            try session.script("set billing.accounts = '\(tenants)'")
            for table in try tables(session) {
                do {
                    let seen = try names(session, "select distinct account_id::text from \(table)")
                    #expect(seen.allSatisfy { $0 == tenants }, "'\(tenants)' sees \(table) of \(seen)")
                } catch let failure as DatabaseFailure {
                    #expect(failure.sqlState == "42501", "\(table): \(failure)")
                    session.rollback()
                }
            }
        }
    }
}
