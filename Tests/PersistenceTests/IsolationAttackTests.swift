import Postgres
import Testing

@testable import Persistence

/// The triggers' locks hold sessions apart at read committed: with an older view nothing is written, whatever it is (spec 5.3).
@Suite struct IsolationAttackTests {
    /// What the roles write and nothing of the books depends on by way of other rows.
    private static let free: Set = [
        "account_rounds", "audit_log", "failed_logins", "jobs_processes", "plans", "service_users",
        "service_user_accounts",
        "temporary_passwords", "vault_keys",
    ]

    private func filled() throws -> BooksDatabase {
        let database = try BooksDatabase()
        let owner = try database.connection("billing_owner")
        defer { owner.close() }
        try owner.script(FilledBooks.few)
        return database
    }

    private func refusal(_ connection: Connection, _ isolation: String, _ sql: String) -> String {
        connection.begin()
        defer { connection.rollback() }
        do {
            try connection.script(
                "set transaction isolation level \(isolation); select count(*) from attempts")
            try connection.script(sql)
            return "none"
        } catch let failure {
            return failure.constraint ?? failure.sqlState ?? "\(failure)"
        }
    }

    @Test func eachTableOfTheBooksIsGuarded() throws {
        let database = try filled()
        let owner = try database.connection("billing_owner")
        defer { owner.close() }
        let guarded = try owner.rows(
            Statement(
                "t.guarded",
                "select tgrelid::regclass::text from pg_trigger where tgname = 'writes_at_read_committed' and tgtype = 30"
            )
        ).map { $0.text(0) }
        let written = try owner.rows(
            Statement(
                "t.written",
                """
                select c.relname::text from pg_class c
                 where c.relnamespace = 'billing'::regnamespace and c.relkind = 'r'
                   and exists (select from unnest('{billing_api,billing_jobs}'::text[]) as n (role)
                                where has_any_column_privilege(n.role, c.oid, 'insert, update')
                                   or has_table_privilege(n.role, c.oid, 'delete'))
                """)
        ).map { $0.text(0) }
        #expect(Set(written).subtracting(guarded).subtracting(Self.free) == [])
        for isolation in ["repeatable read", "serializable"] {
            for table in guarded where table != "open_items" {
                let sql = "insert into \(table) (account_id) select 0 where false"
                #expect(refusal(owner, isolation, sql) == "writes_at_read_committed", "\(table)")
                #expect(refusal(owner, "read committed", sql) == "none", "\(table)")
            }
        }
    }

    @Test(arguments: ["billing_api", "billing_jobs"], ["repeatable read", "serializable"])
    func nothingIsWrittenWithAnOlderView(role: String, isolation: String) throws {
        let database = try filled()
        let session = try database.connection(role)
        defer { session.close() }
        let writes = [
            ConstraintTests.attempt(401, 2, "payment", invoice: "21"),
            ConstraintTests.entry(
                402, 1, "AR", 500, "receivable", "cash", more: ", account_type, source_id", "'K', 12"),
            ConstraintTests.allocation(1, 12, 11, 1),
            "update allocations set end_date = now() where allocation_id = 1",
            "update customers set status = 'E' where customer_id = 3",
            "update subscriptions set next_billing_date = null where subscription_id = 202",
            ConstraintTests.adjustment(2, "'F', '2026-02-28', '2026-02-28', 1"),
            "update payment_options set is_active = false where payment_option_id = 101",
        ]
        for sql in writes {
            #expect(refusal(session, isolation, sql) == "writes_at_read_committed", "\(sql)")
        }
        #expect(refusal(session, isolation, Invariants.books) == "none")
        #expect(try database.violations(handwritten: true) == [])
    }
}
