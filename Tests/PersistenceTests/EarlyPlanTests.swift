import Domain
import Postgres
import Testing

@testable import Persistence

/// A plan is made once in a session. One that was made while the books were empty looks at the rows of one customer yet when they are
/// full. Of subscriptions and payment options that holds only once the server has counted them: see `docs/decisions/jobs.md`.
@Suite struct EarlyPlanTests {
    private static let reads = Statement(
        "rows.read",
        """
        select coalesce(sum(seq_tup_read + idx_tup_fetch), 0)::bigint from pg_stat_xact_user_tables where schemaname = 'billing'
        """)

    @Test func loadsLookAtTheirOwnRowsOnly() throws {
        let database = try BooksDatabase()
        let owner = try database.connection("billing_owner")
        let worker = try Connection(
            ConnectionSettings(
                "\(database.conninfo) user=billing_api", runtimeSettings: PostgresBooks.sessionSettings))
        try worker.script("select set_config('billing.accounts', '2001', false)")
        let store = PostgresStore(worker, reaching: [2001])
        let customer = Identifier<Customer>(1)
        let loads: [(String, () throws -> Void)] = [
            ("transaction", { _ = try store.transaction(of: customer, account: 2001, .id(11)) }),
            ("open items", { _ = try store.openItems(of: [customer], account: 2001) }),
            ("credited items", { _ = try store.creditedItems(of: [customer], account: 2001) }),
        ]
        for (_, load) in loads { try load() }
        try owner.script(FilledBooks.few)
        try owner.script(FilledBooks.many)
        let doctor = try database.connection("postgres")
        doctor.begin()
        try doctor.script(FilledBooks.copies.replacing("analyze", with: "select 1"))
        try doctor.commit()
        worker.begin()
        for (name, load) in loads {
            let before = try worker.rows(Self.reads)[0].int(0)
            try load()
            let read = try worker.rows(Self.reads)[0].int(0) - before
            #expect(read < 100, "\(name): \(read) rows were read")
        }
        try worker.commit()
    }

    /// A billing run makes open items by the thousand where there were none: a customer is loaded as before.
    @Test func aCustomerIsLoadedBesideManyOpenItems() throws {
        let database = try BooksDatabase()
        let doctor = try database.connection("postgres")
        try doctor.script(FilledBooks.few)
        try doctor.script(FilledBooks.many)
        doctor.begin()
        try doctor.script(FilledBooks.copies)
        try doctor.script(
            "create table public.kept as select * from open_items; delete from open_items; analyze open_items"
        )
        try doctor.commit()
        let worker = try Connection(
            ConnectionSettings(
                "\(database.conninfo) user=billing_api", runtimeSettings: PostgresBooks.sessionSettings))
        try worker.script("select set_config('billing.accounts', '2001', false)")
        let store = PostgresStore(worker, reaching: [2001])
        _ = try store.customer(.id(1), complete: true)
        doctor.begin()
        try doctor.script(
            "set local session_replication_role = replica; insert into open_items select * from public.kept")
        try doctor.commit()
        worker.begin()
        let before = try worker.rows(Self.reads)[0].int(0)
        let customer = try #require(try store.customer(.id(1), complete: true))
        let read = try worker.rows(Self.reads)[0].int(0) - before
        try worker.commit()
        #expect((customer.subscriptions ?? []).map { $0.progress.billedCount } == [1])
        #expect(read < 100, "\(read) rows were read")
    }
}
