import Domain
import Persistence
import Postgres
import TestSupport
import Testing

/// Searches among 200,000 customers of one account, beside those of another, as the api role: however a search is written, an
/// index finds it, and few rows are looked at.
@Suite struct SearchPlanTests {
    private typealias Filter = WritableKeyPath<CustomerFilter, String?>

    /// How many customers a page may look at: 2,000 at a glance, then those that the trigrams name, some of them twice.
    private static let most: Int64 = 15_000

    private static var searches: [[(Filter, String)]] {
        [
            [], [(\.firstName, "lu")], [(\.firstName, "*hl*")], [(\.lastName, "smi")],
            [(\.lastName, "*mann")],
            [(\.lastName, "havanova")], [(\.lastName, "*evski*")], [(\.organizationName, "king")],
            [(\.organizationName, "*gym*")], [(\.organizationName, "*swim club")],
            [(\.organizationName, "*none*")],
            [(\.email, "james.smith1@gmail.com")], [(\.email, "*@example.com")], [(\.email, "*@uni.edu")],
            [(\.email, "*77777@*")], [(\.email, "nobody*")], [(\.phone, "1200")], [(\.phone, "1 (555) *")],
            [(\.phone, "*7919")], [(\.phone, "*79190*")], [(\.street, "77 ")], [(\.street, "*elm ct")],
            [(\.street, "*77 station*")], [(\.city, "kingburg")], [(\.city, "*brook")], [(\.state, "ks")],
            [(\.state, "xx")], [(\.zipCode, "0*")], [(\.zipCode, "07919")], [(\.zipCode, "*191*")],
            [(\.countryCode, "jp")], [(\.countryCode, "zz")],
            [(\.lastName, "smith"), (\.firstName, "hugo")], [(\.lastName, "hav"), (\.email, "*@uni.edu")],
            [(\.organizationName, "*gym*"), (\.city, "king")],
            [(\.organizationName, "*gym*"), (\.state, "ca")],
            [(\.lastName, "*mann*"), (\.street, "*77 elm*")], [(\.email, "*@gmail.com"), (\.phone, "*777")],
            [(\.state, "ks"), (\.countryCode, "jp")], [(\.city, "kingburg"), (\.zipCode, "0*")],
        ]
    }

    /// A star inside a text, and what else may narrow the search (spec 1.1, extensions).
    private static var narrowed: [(name: String, narrow: (inout CustomerFilter) -> Void)] {
        let early = LocalDateTime("2024-01-02 00:00:00")
        let late = LocalDateTime("2024-01-17 00:00:00")
        return [
            ("active", { $0.status = .active }), ("expired", { $0.status = .expired }),
            ("created early", { $0.createDateBefore = early }),
            ("created late", { $0.createDateFrom = late }),
            (
                "created between",
                {
                    $0.createDateFrom = early
                    $0.createDateBefore = late
                }
            ),
            ("owes", { $0.balanceFrom = Money(1) }), ("owes nothing", { $0.balanceTo = .zero }),
            ("has credit", { $0.balanceTo = Money(-1) }), ("code", { $0.code = "77777" }),
            (
                "owes nothing and is active",
                {
                    $0.balanceFrom = .zero
                    $0.balanceTo = .zero
                    $0.status = .active
                }
            ),
        ]
    }

    @Test func everySearchIsServedFromAnIndex() throws {
        let database = try BooksDatabase()
        for (account, rows) in [(9002, 20_000), (9001, 200_000)] {
            let loaded = try Subprocess.run(
                "/usr/bin/psql",
                [
                    "-X", "-q", "-v", "rows=\(rows)", "-v", "account=\(account)", "-f",
                    Self.loader, "\(database.conninfo) user=billing_owner",
                ])
            #expect(loaded.status == 0, "\(loaded.errors)")
        }
        let books = database.books("billing_api")
        defer { books.close() }
        let pages: [(reach: [Int64], page: Page)] = [
            ([9001], Page()), ([9001], Page(limit: 100, after: 150_000)), ([9001, 9002], Page()),
        ]
        var filters: [CustomerFilter] = Self.searches.map { search in
            var filter = CustomerFilter()
            for (field, value) in search { filter[keyPath: field] = value }
            return filter
        }
        for (_, narrow) in Self.narrowed {
            var filter = CustomerFilter()
            filter.organizationName = "*gym*"
            narrow(&filter)
            filters.append(filter)
        }
        for (reach, page) in pages {
            for filter in filters {
                // Inside a transaction the server counts what it alone has looked at.
                let (seen, sequential) = try books.withStore(reaching: reach) { store in
                    let before = try store.connection.rows(Self.counts)[0]
                    let found = try store.customers(filter, page)
                    #expect(found.items.allSatisfy { reach.contains($0.accountID) })
                    let counts = try store.connection.rows(Self.counts)[0]
                    return (counts.int(0) - before.int(0), counts.int(1) - before.int(1))
                }
                #expect(sequential == 0, "\(filter) \(page): a sequential scan")
                #expect(seen <= Self.most, "\(filter) \(page): \(seen) customers were looked at")
            }
        }
    }

    private static let loader =
        #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(3).joined(separator: "/")
        + "/Benchmarks/search/customers.sql"

    private static let counts = Statement(
        "customers.looked_at",
        """
        select coalesce(sum(idx_tup_fetch), 0)::bigint, coalesce(sum(seq_scan), 0)::bigint
          from pg_stat_xact_user_tables
         where relname = 'customers'
        """)

    /// The function that knows every account gives nothing away beyond the caller's reach, and takes nothing but what it knows.
    @Test func theSearchFunctionKeepsToTheReach() throws {
        let database = try BooksDatabase()
        let api = try database.connection("billing_api")
        defer { api.close() }
        func find(_ account: Int, _ column: String, _ operation: String, _ value: String) throws -> [Int64] {
            try api.rows(
                Statement(
                    "find.\(account).\(column).\(operation)",
                    """
                    select * from find_customers(\(account), 0, 10, array['\(column)'], array['\(operation)'], array[$1])
                    """), [.text(value)]
            ).map { $0.int(0) }
        }
        #expect(try find(2001, "last_name_key", "~", "%as%") == [1, 2, 3, 4])
        #expect(try find(2002, "last_name_key", "~", "%as%") == [])
        #expect(try find(2001, "last_name_key", "^", "la") == [1, 2, 3, 4])
        #expect(try find(2001, "last_name_key", "=", "' or true --") == [])
        try api.script("select set_config('billing.accounts', '', false)")
        #expect(try find(2001, "last_name_key", "~", "%as%") == [])
        try api.script("select set_config('billing.accounts', '2002', false)")
        #expect(try find(2001, "last_name_key", "~", "%as%") == [])
        #expect(try find(2002, "last_name_key", "~", "%as%") == [9])
        // Functions and operators of the caller's own do not stand in for those of the server.
        try api.script(
            "create temp table customers (account_id bigint, customer_id bigint, last_name_key text)")
        #expect(try find(2002, "last_name_key", "~", "%as%") == [9])
        for (column, operation) in [
            ("wrapped", "="), ("last_name_key", "is not null or x.code ="), ("first_name", "="),
        ] {
            #expect(throws: DatabaseFailure.self) { try find(2002, column, operation, "x") }
            api.rollback()
        }
    }
}
