import Postgres
import Testing

@testable import Persistence

/// Looking for violations costs in step with the books: what was looked up once per row of a large table took hours.
@Suite struct InvariantsCostTests {
    /// Each row once more, so many times, under ids and codes of its own, as far as they are of the same thing.
    private static let copy = """
        set local session_replication_role = replica;
        do $$
        declare
          place text;
          names text;
          copied text;
        begin
          foreach place in array array['customers', 'payment_options', 'subscriptions', 'subscription_adjustments', 'attempts',
                                       'transactions', 'ledger_entries', 'allocations', 'open_items', 'collections',
                                       'transaction_codes'] loop
            select string_agg(quote_ident(attname), ', ' order by attnum),
                   string_agg(case when atttypid = 'bigint'::regtype and attname ~ '_id$' and attname <> 'account_id' then attname || ' + 10000 * k'
                                   when attname in ('code', 'token_code') then quote_ident(attname) || $s$ || '-' || k$s$
                                   else quote_ident(attname) end, ', ' order by attnum)
              into names, copied
              from pg_attribute
             where attrelid = place::regclass and attnum > 0 and not attisdropped and attgenerated = '';
            execute format('insert into %1$I (%2$s) select %3$s from (select * from %1$I) x, generate_series(1, 200) k',
                           place, names, copied);
          end loop;
        end $$;
        analyze
        """
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
        try doctor.script(Self.copy)
        let size = try doctor.rows(Self.size)[0].int(0)
        let before = try doctor.rows(Self.reads)[0].int(0)
        let found = try doctor.rows(Statement("invariants", Invariants.books)).count
        let read = try doctor.rows(Self.reads)[0].int(0) - before
        #expect(size > 10_000)
        #expect(found == 0)
        // Some forty statements, each of which reads some of the tables once or twice.
        #expect(read < 40 * size, "\(read) rows were read for \(size)")
    }
}
