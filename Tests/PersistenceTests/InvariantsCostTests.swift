import Postgres
import Testing

@testable import Persistence

/// Looking for violations costs in step with the books: what was looked up once per row of a large table took hours.
@Suite struct InvariantsCostTests {
    private static let reads = Statement(
        "rows.read",
        """
        select coalesce(sum(seq_tup_read + idx_tup_fetch), 0)::bigint from pg_stat_xact_user_tables where schemaname = 'billing'
        """)
    private static let size = Statement(
        "rows.held",
        """
        select (select count(*) from transactions) + (select count(*) from allocations) + (select count(*) from ledger_entries)
        """)

    @Test func itsCostGrowsWithTheBooks() throws {
        let database = try BooksDatabase()
        let owner = try database.connection("billing_owner")
        try owner.script(FilledBooks.few)
        try owner.script(FilledBooks.many)
        let doctor = try database.connection("postgres")
        doctor.begin()
        defer { doctor.rollback() }
        try doctor.script(FilledBooks.copies)
        let size = try doctor.rows(Self.size)[0].int(0)
        let before = try doctor.rows(Self.reads)[0].int(0)
        let found = try doctor.rows(Statement("invariants", Invariants.books)).count
        let read = try doctor.rows(Self.reads)[0].int(0) - before
        #expect(size > 10_000)
        #expect(found == 0)
        // Some ninety statements, each of which reads some of the tables once or twice.
        #expect(read < 40 * size, "\(read) rows were read for \(size)")
    }
}
