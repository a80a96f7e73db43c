import Postgres
import Testing

@testable import Domain
@testable import Persistence

/// What the billing run reads: due, locked, left to others, in order.
@Suite struct BillingStoreTests {
    let tests: TransactionStoreTests

    init() throws { tests = try TransactionStoreTests() }

    private var database: BooksDatabase { tests.database }

    @discardableResult
    private func store<Result>(_ body: (PostgresStore) throws -> Result) throws -> Result {
        try tests.store(body)
    }

    private func script(_ sql: String) throws {
        let owner = try database.connection("billing_owner")
        defer { owner.close() }
        try owner.script(sql)
    }

    @Test func findsDueSubscriptionsInOrder() throws {
        try script(
            """
            alter table subscriptions disable trigger subscriptions_in_step;
            update subscriptions set next_billing_date = '2026-01-15' where subscription_id = 203;
            update customers set status = 'I' where customer_id = 2
            """)
        func due(_ date: CalendarDate, limit: Int = 10) throws -> [Int64] {
            try store {
                try $0.dueSubscriptions(account: 2001, through: date, limit: limit).map { $0.id.rawValue }
            }
        }
        #expect(try due(january) == [203, 201, 204])
        #expect(try due(january, limit: 2) == [203, 201])
        #expect(try due(january.adding(days: -1)) == [203])
        #expect(try due(january.adding(days: -30)) == [])
        try store { try $0.setAside(Identifier(203), account: 2001, reason: "no such plan") }
        #expect(try due(january) == [201, 204])
        try store { store throws in
            let first = try #require(
                try store.dueSubscriptions(account: 2001, through: january, limit: 1).first)
            #expect(first.customerID == Identifier(1))
            #expect(first.course.terms.cycle == BillingCycle(.monthly))
            #expect(first.course.terms.amount == Money(5000) && first.course.terms.taxAmount == Money(400))
            #expect(first.course.progress == SubscriptionProgress(beginningOn: january))
        }
    }

    /// Whoever comes second with an answer finds nothing open, and leaves the attempt as it is.
    @Test func aSettledAttemptIsNotOpenAgain() throws {
        let ids = try tests.invoice([1, 2])
        try tests.attempt(ids, state: .open)
        let payments = Array(ids[2...])
        #expect(
            try store { try $0.lockOpenAttempts(payments, account: 2001) }.map(\.facts.transactionID)
                == payments)
        try tests.settle(ids)
        #expect(try store { try $0.lockOpenAttempts(payments, account: 2001) }.isEmpty)
    }

    /// Two runs at once share the work: what one has locked, the other passes over.
    @Test func leavesToOthersWhatTheyHaveLocked() throws {
        let other = database.books()
        _ = try tests.invoice([1, 2])
        try store { store throws in
            let mine = try store.dueSubscriptions(account: 2001, through: january, limit: 1)
            #expect(mine.map { $0.id.rawValue } == [203])
            let collections = try store.dueCollections(account: 2001, through: january, limit: 1)
            #expect(collections.map { $0.collection.customerID.rawValue } == [1])
            try other.withStore(reaching: [2001]) { others in
                let theirs = try others.dueSubscriptions(account: 2001, through: january, limit: 10)
                #expect(theirs.map { $0.id.rawValue } == [204])
                let collections = try others.dueCollections(account: 2001, through: january, limit: 10)
                #expect(collections.map { $0.collection.customerID.rawValue } == [2])
            }
        }
    }

    /// The option is the subscription's while it is active, else the customer's default; what is open is what is left. An
    /// inactive customer is left alone.
    @Test func readsDueCollectionsWithTheirOptions() throws {
        let ids = try tests.invoice([1, 2, 3])
        try script(
            """
            update payment_options set is_default = false where payment_option_id in (101, 103);
            update subscriptions set payment_option_id = 101 where subscription_id = 201;
            update customers set status = 'I' where customer_id = 2
            """)
        try store { store throws in
            let id = try store.reserveTransactionIDs(1)[0]
            var changes = tests.newChanges()
            var facts = TransactionFacts(type: .payment, amount: Money(2000), dueDate: january)
            facts.accountType = .cash
            changes.add(id, of: tests.customer(1), facts)
            changes.allocations = [tests.allocation(1, id, ids[0], 2000)]
            try store.write(changes)
        }
        try store { store throws in
            #expect(
                try store.dueCollections(account: 2001, through: january.adding(days: -1), limit: 9).isEmpty)
            let due = try store.dueCollections(account: 2001, through: january, limit: 9)
            #expect(due.map { $0.collection.invoiceID } == [ids[0], ids[2]])
            #expect(due.map { $0.left } == [Money(3000), Money(5000)])
            #expect(due.map { $0.customerBalance } == [Money(3000), Money(5000)])
            #expect(due.map { $0.customerStatus } == [.active, .active])
            #expect(due.map { $0.option?.id.rawValue } == [101, nil])
            #expect(due.map { $0.invoiceDueDate } == [january, january])
            #expect(due[0].option?.tokenCode.hasPrefix("token-") == true)
        }
        try script("update payment_options set is_active = false where payment_option_id = 101")
        try store { store throws in
            let due = try store.dueCollections(account: 2001, through: january, limit: 9)
            #expect(due.map { $0.option?.id.rawValue } == [101, nil], "no other one to fall back on")
        }
        try script(
            """
            insert into payment_options (account_id, payment_option_id, customer_id, type, account_mask, accessory_shown,
                   holder_name, token_code, is_default, create_date)
            values (2001, 901, 1, 'VC', '4***********1111', '1230', 'A', 'token-901-0123456789abc', true, now())
            """)
        try store { store throws in
            let due = try store.dueCollections(account: 2001, through: january, limit: 9)
            #expect(
                due.map { $0.option?.id.rawValue } == [901, nil], "the default stands in for the inactive one"
            )
        }
    }

    @Test func expiresWhatIsOver() throws {
        _ = try tests.invoice([4])
        try store { try $0.expire(customers: [1, 2, 3, 4].map { tests.customer($0) }, account: 2001) }
        try store { store throws in
            #expect(
                try store.subscription(of: tests.customer(4), account: 2001, .id(204))?.progress.status
                    == .expired)
            #expect(try store.customer(.id(4), complete: false)?.status == .expired)
            #expect(try store.customer(.id(1), complete: false)?.status == .active)
        }
        #expect(try database.violations() == [])
    }

    /// The outcome is asked for after 10 s, 20 s, 40 s … at most every 10 minutes, by one process at a time.
    @Test func asksForOutcomesWithGrowingPauses() throws {
        let ids = try tests.invoice([1])
        try tests.attempt(ids, state: .open)
        let owner = try database.connection("billing_owner")
        let rewind = Statement(
            "rewind", "update attempts set next_look_up = now() - interval '1 second' returning look_ups")
        let pause = Statement(
            "pause",
            "select round(extract(epoch from next_look_up - clock_timestamp()))::bigint, look_ups from attempts"
        )
        func ask() throws -> [Identifier<Transaction>] {
            try store {
                try $0.attemptsToLookUp(account: 2001, limit: 10, early: false).map { $0.facts.transactionID }
            }
        }
        #expect(try ask() == [])
        var pauses: [Int64] = []
        for _ in 0..<8 {
            try owner.run(rewind)
            #expect(try ask() == [ids[1]])
            #expect(try ask() == [])
            pauses.append(try owner.rows(pause)[0].int(0))
        }
        let expected: [Int64] = [30, 60, 120, 240, 480, 600, 600, 600]
        for (found, wanted) in zip(pauses, expected) { #expect(abs(found - wanted) <= 1) }
        try owner.run(rewind)
        try store { store throws in
            #expect(try store.attemptsToLookUp(account: 2001, limit: 10, early: false).count == 1)
            let others = try database.books().withStore(reaching: [2001]) {
                try $0.attemptsToLookUp(account: 2001, limit: 10, early: false).count
            }
            #expect(others == 0)
        }
    }

    @Test func findsTheAccountsWithWork() throws {
        func isDue() throws -> Bool {
            try database.books("billing_jobs").operating { try $0.accountsWithWork().map(\.account) } == [
                2001
            ]
        }
        #expect(try isDue())
        let ids = try tests.invoice([1, 2, 3])
        try script(
            """
            alter table subscriptions disable trigger subscriptions_in_step, disable trigger subscriptions_status_in_step;
            update subscriptions set status = 'N', next_billing_date = null where subscription_id = 204;
            update subscriptions set next_billing_date = '9999-01-01' where status = 'C'
            """)
        #expect(try isDue(), "collections are due")
        for customer in 1...3 as ClosedRange<Int64> {
            #expect(try isDue())
            _ = try tests.credit(5000, of: customer)
        }
        #expect(try !isDue(), "nobody's balance allows to collect")
        try tests.attempt(ids, state: .open)
        #expect(try isDue(), "the processor is asked for notices")
        let today = try #require(try store { try $0.account(2001) }).moment.businessDate
        #expect(try store { try $0.takeNoticeRound(account: 2001, on: today) })
        #expect(try !store { try $0.takeNoticeRound(account: 2001, on: today) }, "asked just now")
        #expect(try !isDue())
        try script("update merchant_accounts set late_fee_amount = 500 where account_id = 2001")
        #expect(try isDue(), "invoices age")
        #expect(try store { try $0.agedSoFar(account: 2001, on: today) } == 0)
        try store { try $0.noteAged(account: 2001, upTo: 7, on: today) }
        #expect(try store { try $0.agedSoFar(account: 2001, on: today) } == 7)
        #expect(try isDue(), "not all of them yet")
        try store { try $0.noteAged(account: 2001, upTo: nil, on: today) }
        #expect(try store { try $0.agedSoFar(account: 2001, on: today) } == nil)
        #expect(try store { try $0.agedSoFar(account: 2001, on: today.adding(days: 1)) } == 0)
        #expect(try !isDue())
        try script("update account_rounds set next_notices = now()")
        #expect(try isDue(), "notices again")
        #expect(try store { try $0.takeNoticeRound(account: 2001, on: today) })
        #expect(try !isDue())
        try script("update attempts set next_look_up = now()")
        #expect(try isDue(), "an outcome is to be asked for")
        try tests.settle(ids)
        #expect(try !isDue())
    }

    /// Among many subscriptions the due ones are found through their index.
    @Test func findsDueSubscriptionsThroughTheIndex() throws {
        try script(
            """
            insert into customers (account_id, customer_id, first_name, last_name, create_date)
            select 2001, n + 10000, 'A', 'B', now() from generate_series(1, 20000) n;
            insert into subscriptions (account_id, customer_id, billing_cycle_type, billing_interval, amount,
                   first_billing_date, next_billing_date, create_date)
            select 2001, n + 10000, 'M', 1, 100, '2027-01-01', '2027-01-01', now() from generate_series(1, 20000) n;
            analyze
            """)
        let jobs = try database.connection("billing_jobs")
        let plan = try jobs.rows(
            Statement(
                "plan",
                "explain " + PostgresStore.due.sql.replacingParameters(["2001", "'2026-01-31'", "500"])))
        let text = plan.map { $0.text(0) }.joined(separator: "\n")
        #expect(text.contains("subscriptions_due"), "\(text)")
        #expect(!text.contains("Seq Scan"), "\(text)")
    }
}

extension String {
    /// This SQL with its parameters written out.
    func replacingParameters(_ values: [String]) -> String {
        var rest = self[...]
        var written = ""
        while let dollar = rest.firstIndex(of: "$") {
            written += rest[..<dollar]
            let number = rest[rest.index(after: dollar)...].prefix { $0.isNumber }
            written += values[(Int(number) ?? 0) - 1]
            rest = rest[number.endIndex...]
        }
        return written + rest
    }
}
