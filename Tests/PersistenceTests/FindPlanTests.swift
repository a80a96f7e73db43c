import Domain
import Postgres
import TestSupport
import Testing

@testable import Persistence

/// That a search looks at little more than it finds, however much there is (spec 1.1): counted by the database, not timed.
@Suite struct FindPlanTests {
    private static let count = 20_000

    /// Many customers with a subscription and a declined payment each; the last few are different in every way.
    private static let many = """
        set search_path = billing;
        alter table subscriptions disable trigger subscriptions_begin_unbilled;
        alter table transactions disable trigger transactions_written;
        insert into plans (account_id, plan_id, code, name, billing_cycle_type, billing_interval, amount, create_date)
        values (2001, 1, 'rare', 'Rare', 'M', 1, 100, now());
        insert into customers (account_id, customer_id, code, first_name, last_name, status, create_date)
        select 2001, n + 10000, 'c-' || n, 'A', 'B', case when n > \(count - 3) then 'I' else 'A' end,
               timestamptz '2023-06-01' + case when n > \(count - 3) then interval '1 year' else interval '0' end
          from generate_series(1, \(count)) n;
        insert into subscriptions (account_id, subscription_id, customer_id, plan_id, billing_cycle_type, billing_interval,
               amount, first_billing_date, next_billing_date, status, create_date)
        select 2001, n + 10000, n + 10000, case when n > \(count - 3) then 1 end, 'M', 1, 100, '2027-01-01',
               case when n > \(count - 3) then date '2026-01-01' else date '2027-01-01' end,
               case when n > \(count - 3) then 'P' else 'U' end,
               timestamptz '2023-06-01' + case when n > \(count - 3) then interval '1 year' else interval '0' end
          from generate_series(1, \(count)) n;
        insert into transactions (account_id, transaction_id, customer_id, type, account_type, amount, due_date, status,
               create_date)
        select 2001, n + 10000, n + 10000, 'AP', 'K', 100, '2023-06-01', 'declined', timestamptz '2023-06-01'
          from generate_series(1, \(count)) n;
        set constraints all immediate;
        alter table transactions enable trigger transactions_written;
        with t as (
          insert into transactions (account_id, transaction_id, customer_id, type, amount, due_date, create_date)
          select 2001, n + 50000, n + 10000, 'RF', 100, '2024-06-01', timestamptz '2024-06-01'
            from generate_series(\(count - 2), \(count)) n)
        insert into ledger_entries (account_id, transaction_id, line, customer_id, entry_date, debit, credit, amount)
        select 2001, n + 50000, 1, n + 10000, '2024-06-01', 'receivable', 'revenue:fees', 100
          from generate_series(\(count - 2), \(count)) n;
        select brin_summarize_new_values('transactions_by_create_date'), brin_summarize_new_values('transactions_by_due_date');
        analyze
        """

    private static let touched = Statement(
        "test.touched",
        """
        select sum(seq_tup_read + coalesce(idx_tup_fetch, 0))::bigint
               + (select sum(idx_tup_read) from pg_stat_all_indexes where schemaname = 'billing')::bigint
          from pg_stat_all_tables
         where schemaname = 'billing'
        """)
    private static let flush = Statement("test.flush", "select pg_stat_force_next_flush()")

    @Test func aSearchTouchesLittleMoreThanItFinds() throws {
        let database = try BooksDatabase()
        // What is counted is not timed: filling the books may take as long as the machine is busy.
        var settings = Fixture.settings(database.conninfo, as: "billing_owner")
        (settings.statementTimeout, settings.networkTimeout) = (60_000, 63_000)
        let owner = try Connection(settings)
        defer { owner.close() }
        try owner.script(Self.many)
        let books = PostgresBooks(ConnectionSettings("\(database.conninfo) user=billing_api"))
        let observer = try database.connection("billing_owner")
        let last = (Self.count - 2...Self.count).map { Int64($0 + 10_000) }

        /// Runs a search and gives back what it found, and how many rows and index entries it looked at.
        func run(_ reach: [Int64], _ body: (PostgresStore) throws -> [Int64]) throws -> ([Int64], Int64) {
            let before = try observer.rows(Self.touched)[0].int(0)
            let found = try books.reading(reaching: reach) { store in
                let found = try body(store)
                _ = try store.connection.rows(Self.flush)
                return found
            }
            return (found, try observer.rows(Self.touched)[0].int(0) - before)
        }
        func customers(_ set: (inout CustomerFilter) -> Void) -> (PostgresStore) throws -> [Int64] {
            var filter = CustomerFilter()
            set(&filter)
            let wanted = filter
            return { try $0.customers(wanted, Page()).items.map(\.id.rawValue) }
        }
        func subscriptions(_ set: (inout SubscriptionFilter) -> Void) -> (PostgresStore) throws -> [Int64] {
            var filter = SubscriptionFilter()
            set(&filter)
            let wanted = filter
            return { try $0.subscriptions(wanted, Page()).items.map(\.id.rawValue) }
        }
        func transactions(_ set: (inout TransactionFilter) -> Void) -> (PostgresStore) throws -> [Int64] {
            var filter = TransactionFilter()
            set(&filter)
            let wanted = filter
            return { try $0.transactions(wanted, Page()).items.map(\.id.rawValue) }
        }
        let late = LocalDateTime(date: CalendarDate("2024-01-01")!)
        let later = LocalDateTime(date: CalendarDate("2025-01-01")!)
        let fees = last.map { $0 + 40_000 }
        let cases: [(name: String, found: [Int64], search: (PostgresStore) throws -> [Int64])] = [
            ("status", last, customers { $0.status = .inactive }),
            ("code", [last[1]], customers { $0.code = "c-\(Self.count - 1)" }),
            ("createDateFrom", last, customers { ($0.createDateFrom, $0.createDateBefore) = (late, later) }),
            ("balanceFrom", last, customers { $0.balanceFrom = Money(1) }),
            ("balance", last, customers { ($0.balanceFrom, $0.balanceTo) = (Money(100), Money(100)) }),
            ("balanceTo", [], customers { $0.balanceTo = Money(-1) }),
            (
                "s.nextBillingDateTo", last,
                subscriptions { $0.nextBillingDateTo = CalendarDate("2026-01-15") }
            ),
            ("s.status", last, subscriptions { $0.status = "P" }),
            (
                "s.nextBillingDate", last,
                subscriptions {
                    ($0.nextBillingDateFrom, $0.nextBillingDateTo) = (
                        CalendarDate("2026-01-01"), CalendarDate("2026-01-01")
                    )
                }
            ),
            ("s.customer", [last[2]], subscriptions { $0.customer = .code("c-\(Self.count)") }),
            ("t.isOpen", fees, transactions { $0.isOpen = true }),
            ("t.type", fees, transactions { $0.type = .serviceFee }),
            ("t.dueDateFrom", fees, transactions { $0.dueDateFrom = CalendarDate("2024-01-01") }),
            ("t.createDateFrom", fees, transactions { $0.createDateFrom = late }),
            ("t.customer", [last[0], fees[0]], transactions { $0.customer = .id(last[0]) }),
            (
                "t.several", fees,
                transactions { ($0.type, $0.isOpen, $0.createDateFrom) = (.serviceFee, true, late) }
            ),
        ]
        for reach in [[2001], [2001, 2002]] as [[Int64]] {
            for row in cases {
                let (found, touched) = try run(reach, row.search)
                #expect(found == row.found, "\(row.name) in \(reach)")
                // Dates of transactions are looked up by blocks.
                let most: Int64 = row.name.hasSuffix("DateFrom") && row.name.hasPrefix("t.") ? 8_000 : 1_000
                #expect(touched < most, "\(row.name) in \(reach) touched \(touched)")
            }
        }
        // Whose invoices grow old is found by what is open.
        let (aged, seen) = try run([2001]) {
            try $0.customersWithAgedInvoices(
                account: 2001, due: CalendarDate("2030-01-01")!, after: 0, limit: 500
            ).map(\.rawValue)
        }
        #expect(aged == [] && seen < 100, "\(seen)")
        // A page deep inside costs as much as the first one.
        let (deep, touched) = try run([2001]) {
            try $0.transactions(TransactionFilter(), Page(limit: 3, after: 29_000)).items.map(\.id.rawValue)
        }
        #expect(deep == [29_001, 29_002, 29_003] && touched < 100, "\(touched)")
        // The journal by date, and a part of it behind a place.
        let range = LedgerRange(accountID: 2001, from: CalendarDate("2024-01-01"))
        let (lines, read) = try run([2001]) { store in
            let first = try store.ledgerEntries(range, after: nil, offset: 0, limit: 2)
            return try (first + store.ledgerEntries(range, after: first.last?.position, offset: 0, limit: 2))
                .map(\.transactionID.rawValue)
        }
        #expect(lines == fees && read < 100, "\(read)")
        #expect(
            try run([2002]) {
                try $0.ledgerEntries(range, after: nil, offset: 0, limit: 9).map { Int64($0.line) }
            }.0 == [])
    }
}
