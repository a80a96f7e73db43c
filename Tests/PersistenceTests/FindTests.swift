import Domain
import Persistence
import Postgres
import TestSupport
import Testing

@Suite struct FindTests {
    private struct Case {
        var field: WritableKeyPath<CustomerFilter, String?>
        var value: String
        /// Who is found, by number.
        var found: [Int]

        init(_ field: WritableKeyPath<CustomerFilter, String?>, _ value: String, _ found: [Int]) {
            self.field = field
            self.value = value
            self.found = found
        }
    }

    /// Numbered from 1, as they are stored.
    private static var people: [CustomerParticulars] {
        var one = CustomerParticulars("Ann", "Smith")
        one.email = "ann@example.com"
        one.phone = "+1 555 100-2000"
        one.state = "NY"
        one.countryCode = "US"
        one.zipCode = "10001"
        var two = CustomerParticulars("Änne", "smithers")
        two.email = "Anne@Example.com"
        two.phone = "15551002000"
        two.organizationName = "Blue Gym"
        two.city = "ÉVRY"
        var three = CustomerParticulars("100%", "A_B")
        three.email = "x@other.org"
        three.organizationName = "The gymnasium"
        three.street = "5\\6 Main"
        three.state = "ny"
        var four = CustomerParticulars("1005", "AxB")
        four.organizationName = "Gy"
        four.zipCode = "1000"
        four.city = "evry"
        return [one, two, three, four]
    }

    @Test func filtersMatchAsTheContractSays() throws {
        let fixture = try Fixture()
        let books = fixture.books()
        let ids = try books.withStore(reaching: [2001, 2002]) { store in
            try store.addCustomer("Smith", account: 2002)
            return try Self.people.map {
                try store.insertCustomer(
                    account: 2001, code: nil, $0, status: .active, at: Fixture.moment)
            }
        }
        let cases: [Case] = [
            Case(\.lastName, "smi", [1, 2]), Case(\.lastName, "SMITH", [1, 2]), Case(\.lastName, "mith", []),
            Case(\.lastName, "*mith", [1]), Case(\.lastName, "*mith*", [1, 2]), Case(\.lastName, "s*h", [1]),
            Case(\.lastName, "s*h*", [1, 2]), Case(\.lastName, "smith*", [1, 2]),
            Case(\.lastName, "smith*s", [2]),
            Case(\.lastName, "a_b", [3]), Case(\.lastName, "a%", []), Case(\.lastName, "%", []),
            Case(\.lastName, "_", []), Case(\.lastName, "a*b", [3, 4]), Case(\.lastName, "*_*", [3]),
            Case(\.firstName, "100%", [3]), Case(\.firstName, "*%", [3]), Case(\.firstName, "100", [3, 4]),
            Case(\.firstName, "änne", [2]), Case(\.firstName, "ÄN", [2]), Case(\.firstName, "ann", [1]),
            Case(\.firstName, "", [1, 2, 3, 4]), Case(\.firstName, "*", [1, 2, 3, 4]),
            Case(\.street, "5\\", [3]), Case(\.street, "*\\*", [3]), Case(\.street, "5\\\\", []),
            Case(\.organizationName, "*gym*", [2, 3]), Case(\.organizationName, "gy", [4]),
            Case(\.organizationName, "*", [2, 3, 4]), Case(\.organizationName, "**gym", [2]),
            Case(\.city, "évry", [2]), Case(\.city, "E", [4]),
            Case(\.email, "ANN@example.com", [1]), Case(\.email, "ann", []),
            Case(\.email, "*@example.com", [1, 2]), Case(\.email, "ann*", [1, 2]),
            Case(\.phone, "15551002000", [1, 2]), Case(\.phone, "1-555-100-2000", [1, 2]),
            Case(\.phone, "1555", []), Case(\.phone, "+1 555*", [1, 2]), Case(\.phone, "none", []),
            Case(\.state, "Ny", [1, 3]), Case(\.state, "N", []), Case(\.countryCode, "us", [1]),
            Case(\.zipCode, "1000", [4]), Case(\.zipCode, "1000*", [1, 4]),
        ]
        for reach in [[2001], [2001, 2002]] as [[Int64]] {
            for row in cases {
                var filter = CustomerFilter()
                filter.accountID = 2001
                filter[keyPath: row.field] = row.value
                let found = try books.reading(reaching: reach) { try $0.customers(filter, Page()) }
                #expect(found.items.map(\.id) == row.found.map { ids[$0 - 1] }, "\(row.field) = \(row.value)")
            }
        }
        var two = CustomerFilter()
        two.lastName = "smi"
        two.email = "*@example.com"
        two.phone = "*2000"
        two.organizationName = "blue"
        #expect(
            try books.reading(reaching: [2001]) { try $0.customers(two, Page()).items.map(\.id) } == [ids[1]])
        two.accountID = 2002
        #expect(try books.reading(reaching: [2001]) { try $0.customers(two, Page()).items.isEmpty })
        #expect(try books.reading(reaching: []) { try $0.customers(CustomerFilter(), Page()).items.isEmpty })
    }

    /// A star inside a text is looked up elsewhere than what narrows the search: both must find the same.
    @Test func whatElseNarrowsHoldsWithAStarToo() throws {
        let books = try Fixture().books()
        let ids = try books.withStore(reaching: [2001, 2002]) { store in
            try (0..<12).map { place in
                // From 17:13:20 on in New York, from 22:13:20 on in UTC, ten seconds apart.
                let moment = Moment(
                    now: Timestamp(
                        microsecondsSince1970: Fixture.now.microsecondsSince1970 + Int64(place) * 10_000_000),
                    local: Fixture.moment.local)
                let customer = try store.insertCustomer(
                    account: place.isMultiple(of: 2) ? 2001 : 2002, code: "c-\(place)",
                    CustomerParticulars("Ann", place.isMultiple(of: 3) ? "Berg" : "Smith"),
                    status: place < 6 ? .active : .inactive, at: moment)
                if place > 8 {
                    let account: Int64 = place.isMultiple(of: 2) ? 2001 : 2002
                    var changes = BookChanges(under: .plain(account), at: moment)
                    changes.add(
                        try store.reserveTransactionIDs(1)[0], of: customer,
                        TransactionFacts(
                            type: place == 9 ? .credit : .invoice, amount: Money(Int64(place) * 100),
                            dueDate: moment.businessDate))
                    try store.write(changes)
                }
                return customer
            }
        }
        let evening = try #require(LocalDateTime("2023-11-14 17:14:00"))
        let night = try #require(LocalDateTime("2023-11-14 22:14:00"))
        let cases: [(name: String, found: [Int], narrow: (inout CustomerFilter) -> Void)] = [
            ("all", Array(0..<12), { _ in }), ("status", Array(6..<12), { $0.status = .inactive }),
            ("status", [], { $0.status = .cancelled }), ("code", [7], { $0.code = "c-7" }),
            ("code", [], { $0.code = "c-77" }),
            ("owes", [10, 11], { $0.balanceFrom = Money(1) }),
            (
                "owes so much", [10],
                {
                    $0.balanceTo = Money(1000); $0.balanceFrom = Money(1000)
                }
            ),
            ("has credit", [9], { $0.balanceTo = Money(-1) }),
            ("has less credit", [], { $0.balanceTo = Money(-901) }),
            ("owes nothing", Array(0..<10), { $0.balanceTo = .zero }),
            ("from", [1, 3, 4, 5, 6, 7, 8, 9, 10, 11], { $0.createDateFrom = evening }),
            ("before", [0, 2], { $0.createDateBefore = evening }),
            ("at night", [5, 7, 9, 11], { $0.createDateFrom = night }),
        ]
        for (name, found, narrow) in cases {
            for reach: [Int64] in [[2001, 2002], [2001], [2002]] {
                for (text, third) in [("*e*g", true), ("*mit*", false)] {
                    var filter = CustomerFilter()
                    filter.lastName = text
                    narrow(&filter)
                    let expected = found.filter { place in
                        place.isMultiple(of: 3) == third
                            && reach.contains(place.isMultiple(of: 2) ? 2001 : 2002)
                    }
                    #expect(
                        try books.reading(reaching: reach) {
                            try $0.customers(filter, Page()).items.map(\.id)
                        }
                            == expected.map { ids[$0] }, "\(name) \(text) \(reach)")
                }
            }
        }
    }

    @Test func pagesFollowOneAnother() throws {
        let books = try Fixture().books()
        let ids = try books.withStore(reaching: [2001, 2002]) { store in
            try (0..<7).map { try store.addCustomer(account: $0.isMultiple(of: 2) ? 2001 : 2002) }
        }
        let cases: [([Int64], Page, [Int], Bool)] = [
            ([2001, 2002], Page(limit: 3), [0, 1, 2], true),
            ([2001, 2002], Page(offset: 3, limit: 4), [3, 4, 5, 6], false),
            ([2001, 2002], Page(offset: 1, limit: 3, after: ids[1].rawValue), [3, 4, 5], true),
            ([2001, 2002], Page(limit: 3, after: ids[6].rawValue), [], false),
            ([2001], Page(limit: 2), [0, 2], true), ([2001], Page(offset: 2, limit: 2), [4, 6], false),
            ([2002], Page(offset: 1, limit: 2, after: ids[1].rawValue), [5], false),
        ]
        for (accounts, page, expected, hasMore) in cases {
            let found = try books.reading(reaching: accounts) { try $0.customers(CustomerFilter(), page) }
            #expect(found.items.map(\.id) == expected.map { ids[$0] }, "\(accounts) \(page)")
            #expect(found.hasMore == hasMore, "\(accounts) \(page)")
        }
    }

    @Test func plansAndSubscriptionsAreFiltered() throws {
        let books = try Fixture().books()
        try books.withStore(reaching: [2001, 2002]) { store in
            var gold = PlanParticulars(named: "Gold Monthly", amount: 5000)
            let first = try store.insertPlan(account: 2001, code: "gold", gold, at: Fixture.moment)
            gold.name = "100% Silver"
            gold.cycle = BillingCycle(.weekly)
            gold.amount = Money(100)
            gold.isActive = false
            let second = try store.insertPlan(account: 2002, code: nil, gold, at: Fixture.moment)
            func plans(_ set: (inout PlanFilter) -> Void) throws -> [Identifier<Plan>] {
                var filter = PlanFilter()
                set(&filter)
                return try store.plans(filter, Page()).items.map(\.id)
            }
            // Made at 17:13:20 in New York, at 22:13:20 in UTC.
            let evening = try #require(LocalDateTime("2023-11-14 17:13:21"))
            #expect(try plans { _ in } == [first, second])
            #expect(try plans { $0.accountID = 2002 } == [second])
            #expect(try plans { $0.name = "gold" } == [first])
            #expect(try plans { $0.name = "100%" } == [second])
            #expect(try plans { $0.name = "10%" } == [])
            #expect(try plans { $0.name = "*month" } == [first])
            #expect(try plans { $0.cycleUnit = .weekly } == [second])
            #expect(try plans { $0.createDateBefore = evening } == [first])
            #expect(try plans { $0.createDateFrom = evening } == [second])
            #expect(try plans { $0.amountFrom = Money(101) } == [first])
            #expect(try plans { $0.amountTo = Money(100) } == [second])
            #expect(try plans { $0.isActive = true } == [first])
            #expect(try plans { $0.code = "gold" } == [first])
            #expect(try plans { $0.code = "\(second)" } == [second])
            let stored = try #require(try store.lockedPlan(.code("gold")))
            try store.updatePlan(stored, PlanParticulars(named: "New"))
            #expect(try store.plan(.code("gold"), of: 2001)?.particulars == PlanParticulars(named: "New"))
            #expect(try store.plan(.code("gold"), of: 2001)?.version == 2)
            #expect(try store.plan(.code("gold"), of: 2002) == nil)

            let customer = try store.addCustomer()
            let other = try store.addCustomer()
            let cheap = try store.addSubscription(of: customer, amount: 50)
            let dear = try store.addSubscription(of: customer, code: "s", amount: 500)
            _ = try store.addSubscription(of: other)
            func subscriptions(_ set: (inout SubscriptionFilter) -> Void) throws -> [Identifier<Subscription>]
            {
                var filter = SubscriptionFilter()
                set(&filter)
                return try store.subscriptions(of: customer, account: 2001, filter, Page()).items.map(\.id)
            }
            #expect(try subscriptions { _ in } == [cheap, dear])
            #expect(try subscriptions { $0.amountFrom = Money(51) } == [dear])
            #expect(try subscriptions { $0.amountTo = Money(50) } == [cheap])
            #expect(try subscriptions { $0.status = "U" } == [cheap, dear])
            #expect(try subscriptions { $0.status = "D" } == [])
            #expect(try subscriptions { $0.plan = .code("gold") } == [])
            #expect(try subscriptions { $0.plan = .id(1) } == [])
            #expect(try subscriptions { $0.cycleUnit = .monthly } == [cheap, dear])
            #expect(try subscriptions { $0.createDateFrom = evening } == [])
            #expect(try subscriptions { $0.createDateBefore = evening } == [cheap, dear])
            let first29 = CalendarDate(daysSince1970: 19_754)
            #expect(try subscriptions { $0.nextBillingDateFrom = first29 } == [cheap, dear])
            #expect(try subscriptions { $0.nextBillingDateTo = first29.adding(days: -1) } == [])
            #expect(try subscriptions { $0.lastBillingDateTo = first29 } == [])
            #expect(try subscriptions { $0.lastBillingDateFrom = first29 } == [])
            #expect(
                try store.subscription(of: customer, account: 2001, .code("s"))?.id == dear)
            #expect(try store.subscription(of: other, account: 2001, .code("s")) == nil)
        }
    }
}
