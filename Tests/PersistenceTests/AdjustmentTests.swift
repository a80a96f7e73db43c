import Postgres
import Testing

@testable import Domain
@testable import Persistence

/// Adjustments through the actions and the rules of the schedule, on real books; account 2001 is in New York.
@Suite struct AdjustmentTests {
    let database: BooksDatabase
    let books: PostgresBooks
    static let actor = Actor(name: "api-test", requestID: "r")

    init() throws {
        database = try BooksDatabase()
        books = database.books("billing_jobs")
    }

    /// Noon of a day on the account's clock.
    private func setClock(_ day: String) throws {
        try script("update merchant_accounts set clock_at = '\(day) 17:00Z' where account_id = 2001")
    }

    private func script(_ sql: String) throws {
        let owner = try database.connection("billing_owner")
        defer { owner.close() }
        try owner.script(sql)
    }

    /// What the billing run does in its first two steps, until nothing is due.
    private func run() throws {
        func once(_ isAdjusting: Bool) throws -> Bool {
            try books.withStore(reaching: [2001]) { store in
                guard let state = try store.account(2001) else { return false }
                let today = state.moment.businessDate
                let due =
                    isAdjusting
                    ? try store.dueAdjustments(account: 2001, through: today, limit: 10)
                    : try store.dueSubscriptions(
                        account: 2001, through: today.adding(days: state.account.invoiceLeadDays), limit: 10)
                return try BillSubscriptions(account: state.account, moment: state.moment)
                    .execute(due, in: store).subscriptions > 0
            }
        }
        while try once(true) {}
        while try once(false) {}
    }

    private typealias Action = (Reference, CustomerState, any Store) throws -> Subscription

    /// Does it to the subscription of this customer; the code of the refusal where it is refused.
    @discardableResult
    private func adjust(_ customer: Int64, _ action: Action) throws -> String {
        do {
            let subscription = try books.withStore(reaching: [2001]) { store in
                let state = try #require(try store.lockedCustomer(.id(customer)))
                return try action(.id(customer + 200), state, store)
            }
            return Self.shown(subscription)
        } catch let refusal as Refusal {
            return refusal.faults[0].code.rawValue
        }
    }

    /// `C 2026-04-30 F`: status, next billing date, what is pending.
    private static func shown(_ subscription: Subscription) -> String {
        let next = subscription.progress.nextBillingDate?.description ?? "-"
        let pending = subscription.pendingAdjustment?.rawValue ?? "-"
        return "\(subscription.progress.status.rawValue) \(next) \(pending)"
    }

    private func standing(_ customer: Int64) throws -> String {
        try books.withStore(reaching: [2001]) { store in
            Self.shown(
                try #require(
                    try store.subscription(of: Identifier(customer), account: 2001, .id(customer + 200))))
        }
    }

    private func freeze(_ from: String, _ length: Int) -> Action {
        { reference, state, store in
            try FreezeSubscription(effectiveDate: CalendarDate(from)!, length: length, note: "away")
                .execute(reference, state, in: store, by: Self.actor)
        }
    }

    private func cancel(_ from: String) -> Action {
        { reference, state, store in
            try CancelSubscription(effectiveDate: CalendarDate(from)!, note: nil)
                .execute(reference, state, in: store, by: Self.actor)
        }
    }

    private func pause(_ from: String? = nil) -> Action {
        { reference, state, store in
            try PauseSubscription(effectiveDate: from.flatMap { CalendarDate($0) }, note: nil)
                .execute(reference, state, in: store, by: Self.actor)
        }
    }

    private var resume: Action {
        { reference, state, store in
            try ResumeSubscription(note: "back").execute(reference, state, in: store, by: Self.actor)
        }
    }

    /// The debts of a customer: `RI1 2026-01-31 5000`, `RF- 2026-03-31 300`.
    private func debts(_ customer: Int64) throws -> [String] {
        try database.connection("billing_jobs").rows(
            Statement(
                "debts",
                """
                select type || coalesce(cycle_number::text, '-') || ' ' || due_date || ' ' || amount
                  from transactions where customer_id = $1 and type in ('RI', 'RF') order by transaction_id
                """), [.int(customer)]
        ).map { $0.text(0) }
    }

    /// The adjustments of a customer: `F 2026-03-31 2026-05-31 3 ended`.
    private func adjustments(_ customer: Int64) throws -> [String] {
        try books.withStore(reaching: [2001]) { store in
            try store.adjustments(of: Identifier(customer + 200), account: 2001, Page()).items.map {
                "\($0.kind.rawValue) \($0.effectiveDate) \($0.endDate?.description ?? "-") \($0.length ?? 0) \($0.state.rawValue)"
            }
        }
    }

    /// Each refusal of spec 1.4 and 5.7; nothing is changed by any.
    @Test func refusesWhatTheStateOrTheDateForbids() throws {
        try setClock("2026-02-10")
        try run()
        #expect(try adjust(1, freeze("2026-02-10", 1)) == "V21", "not in the future")
        #expect(try adjust(1, freeze("2026-01-31", 1)) == "V21", "billed, and past")
        #expect(try adjust(1, freeze("2026-02-27", 1)) == "V21", "no billing date")
        #expect(try adjust(4, freeze("2026-02-28", 1)) == "V30", "expired")
        #expect(try adjust(1, pause("2026-02-09")) == "V21", "in the past")
        #expect(try adjust(1, resume) == "V30", "nothing to resume")
        #expect(try adjustments(1) == [])
        #expect(try adjust(1, freeze("2026-03-31", 3)) == "C 2026-02-28 F")
        #expect(try adjust(1, freeze("2026-05-31", 1)) == "V30", "overlaps")
        #expect(try adjust(1, freeze("2026-02-28", 2)) == "V30", "overlaps")
        #expect(try adjust(1, freeze("2026-06-30", 1)) == "V30", "one is scheduled")
        #expect(try adjust(1, pause()) == "V30", "a freeze is scheduled")
        #expect(try adjust(1, cancel("2026-04-15")) == "C 2026-02-28 F")
        #expect(try adjust(1, cancel("2026-04-15")) == "V30", "cancelled from that day already")
        #expect(try adjust(2, pause("2026-03-15")) == "C 2026-02-28 P")
        #expect(try adjust(2, pause("2026-04-15")) == "V30", "one is scheduled")
        #expect(try adjust(2, freeze("2026-02-28", 1)) == "V30", "a pause is scheduled")
        #expect(try adjust(3, cancel("2026-02-10")) == "N - -")
        for action in [cancel("2026-02-10"), freeze("2026-02-28", 1), pause(), resume] {
            #expect(try adjust(3, action) == "V30", "cancelled")
        }
        #expect(try database.violations() == [])
        try setClock("2026-04-10")
        try run()
        #expect(try standing(1) == "F - C")
        #expect(try adjust(1, pause()) == "V30", "frozen")
        #expect(try standing(2) == "P - -")
        #expect(try adjust(2, pause()) == "V30", "paused")
        #expect(try adjust(2, freeze("2026-04-30", 1)) == "V30", "paused")
        try setClock("2026-04-15")
        try run()
        #expect(try standing(1) == "N - -")
        #expect(
            try adjustments(1) == [
                "F 2026-03-31 2026-04-15 3 ended", "C 2026-04-15 - 0 effective",
            ])
        #expect(try debts(1) == ["RI1 2026-01-31 5000", "RI2 2026-02-28 5000"])
        #expect(try database.violations() == [])
    }

    /// The last payments of a fixed subscription: what lies behind them is no billing date of it.
    @Test func countsThePaymentsOfAFixedSubscription() throws {
        try script("update subscriptions set length = 4")
        try setClock("2026-02-10")
        try run()
        #expect(try adjust(1, freeze("2026-05-31", 1)) == "V21")
        #expect(try adjust(1, freeze("2026-04-30", 1)) == "C 2026-02-28 F")
        #expect(try adjust(1, resume) == "C 2026-02-28 -")
        #expect(try adjustments(1) == ["F 2026-04-30 2026-02-10 1 withdrawn"])
        #expect(try adjust(1, freeze("2026-02-28", 2)) == "C 2026-04-30 F")
        try setClock("2026-04-29")
        try run()
        #expect(try standing(1) == "F 2026-04-30 -")
        #expect(try adjust(1, freeze("2026-07-31", 1)) == "V21", "frozen cycles are no payments")
        #expect(try adjust(1, freeze("2026-06-30", 1)) == "F 2026-04-30 F")
        try setClock("2027-04-29")
        try run()
        #expect(try standing(1) == "E - -")
        #expect(
            try debts(1) == [
                "RI1 2026-01-31 5000", "RI4 2026-04-30 5000", "RI5 2026-05-31 5000", "RI7 2026-07-31 5000",
            ])
        #expect(try database.violations() == [])
    }

    /// Seventy days late, with a freeze in between: each cycle has its own treatment.
    @Test func catchesUpAfterAnOutage() throws {
        try setClock("2026-02-01")
        try run()
        try script(
            "update merchant_accounts set freeze_flat_fee = 300, enrollment_fee = 100, cancellation_fee = 200"
        )
        #expect(try adjust(1, freeze("2026-03-31", 1)) == "C 2026-02-28 F")
        #expect(try adjust(2, cancel("2026-03-31")) == "C 2026-02-28 C")
        #expect(try adjust(3, pause("2026-03-01")) == "C 2026-02-28 P")
        try setClock("2026-05-15")
        #expect(
            try database.connection("billing_jobs").rows(Statement("m", "select count(*) from missed_bills"))[
                0
            ].int(0) == 3)
        try run()
        #expect(try standing(1) == "C 2026-05-31 -")
        #expect(
            try debts(1) == [
                "RI1 2026-01-31 5000", "RI2 2026-02-28 5000", "RF- 2026-03-31 300", "RI4 2026-04-30 5000",
            ])
        #expect(try adjustments(1) == ["F 2026-03-31 2026-03-31 1 ended"])
        #expect(try standing(2) == "N - -")
        #expect(try debts(2) == ["RI1 2026-01-31 5000", "RI2 2026-02-28 5000", "RF- 2026-03-31 200"])
        #expect(try standing(3) == "P - -")
        #expect(try debts(3) == ["RI1 2026-01-31 5000", "RI2 2026-02-28 5000"])
        #expect(
            try database.connection("billing_jobs").rows(Statement("m", "select count(*) from missed_bills"))[
                0
            ].int(0) == 0)
        #expect(try adjust(3, resume) == "C 2026-05-31 -")
        #expect(try adjustments(3) == ["P 2026-03-01 2026-05-15 0 ended"])
        try setClock("2026-05-31")
        try run()
        #expect(try debts(3) == ["RI1 2026-01-31 5000", "RI2 2026-02-28 5000", "RI5 2026-05-31 5000"])
        #expect(try database.violations() == [])
    }

    /// What is asked for while the run is behind: days before it are billed first, days after it are not.
    @Test func billsWhatIsOverdueBeforeAnAdjustmentThatBeginsAtOnce() throws {
        try setClock("2026-04-15")
        #expect(try adjust(1, cancel("2026-04-15")) == "N - -")
        #expect(try debts(1) == ["RI1 2026-01-31 5000", "RI2 2026-02-28 5000", "RI3 2026-03-31 5000"])
        #expect(try adjust(2, cancel("2026-02-28")) == "N - -")
        #expect(try debts(2) == ["RI1 2026-01-31 5000"])
        #expect(try adjust(3, pause()) == "P - -")
        #expect(try debts(3) == ["RI1 2026-01-31 5000", "RI2 2026-02-28 5000", "RI3 2026-03-31 5000"])
        #expect(try adjust(3, resume) == "C 2026-04-30 -")
        #expect(try adjust(3, pause()) == "P - -", "and again on the same day")
        #expect(try adjust(3, cancel("2026-04-01")) == "N - -")
        #expect(try database.violations() == [])
    }

    /// A freeze that is resumed: today is its last day, the next billing date is billed; fees in its place, where agreed.
    @Test func resumesAFreeze() throws {
        try script("update merchant_accounts set freeze_recurring_fee = 500")
        try setClock("2026-02-01")
        try run()
        #expect(try adjust(1, freeze("2026-02-28", 3)) == "C 2026-02-28 F", "the fee is billed then")
        try script("update merchant_accounts set freeze_recurring_fee = 0")
        #expect(try adjust(2, freeze("2026-02-28", 3)) == "C 2026-05-31 F")
        try setClock("2026-03-10")
        try script("update merchant_accounts set freeze_recurring_fee = 500")
        #expect(try adjust(1, resume) == "C 2026-03-31 -", "before the run has come by")
        #expect(try debts(1) == ["RI1 2026-01-31 5000", "RI2 2026-02-28 500"])
        try run()
        #expect(try standing(2) == "F 2026-05-31 -")
        #expect(try adjust(2, resume) == "C 2026-03-31 -")
        #expect(try adjustments(2) == ["F 2026-02-28 2026-03-10 3 ended"])
        try setClock("2026-03-31")
        try run()
        #expect(try debts(2) == ["RI1 2026-01-31 5000", "RI3 2026-03-31 5000"])
        #expect(try debts(1) == ["RI1 2026-01-31 5000", "RI2 2026-02-28 500", "RI3 2026-03-31 5000"])
        let counts = try books.withStore(reaching: [2001]) { store in
            try #require(try store.subscription(of: Identifier(1), account: 2001, .id(201))).progress
                .billedCount
        }
        #expect(counts == 2, "a freeze's fee is no payment")
        #expect(try database.violations() == [])
    }

    /// Spec 2.11 closeSalesDays: an adjustment of the coming billing date within so many days before it is refused.
    @Test func refusesWithinTheCloseSalesPeriod() throws {
        try setClock("2026-02-01")
        try run()
        try script("update merchant_accounts set close_sales_days = 3")
        try setClock("2026-02-24")
        #expect(try adjust(1, freeze("2026-02-28", 1)) == "C 2026-03-31 F", "four days before")
        try setClock("2026-02-25")
        #expect(try adjust(2, freeze("2026-02-28", 1)) == "V34")
        #expect(try adjust(2, cancel("2026-02-25")) == "V34")
        #expect(try adjust(2, cancel("2026-02-28")) == "V34")
        #expect(try adjust(2, pause("2026-02-26")) == "V34")
        #expect(try adjustments(2) == [])
        #expect(try adjust(2, cancel("2026-03-01")) == "C 2026-02-28 C", "the coming one stays")
        #expect(try adjust(3, freeze("2026-03-31", 1)) == "C 2026-02-28 F")
        #expect(try database.violations() == [])
    }

    /// Spec 2.4: dates of invoicing, where invoices are made before their billing date; frozen ones are not made.
    @Test func makesInvoicesEarlierWhereThatIsAgreed() throws {
        try script("update merchant_accounts set invoice_lead_days = 10")
        try setClock("2026-02-19")
        try run()
        let subscription = try books.withStore(reaching: [2001]) { store in
            try #require(try store.subscription(of: Identifier(1), account: 2001, .id(201)))
        }
        #expect(subscription.firstInvoicingDate == CalendarDate("2026-01-21"))
        #expect(subscription.nextInvoicingDate == CalendarDate("2026-03-21"))
        #expect(try debts(1) == ["RI1 2026-01-31 5000", "RI2 2026-02-28 5000"])
        #expect(try adjust(1, freeze("2026-02-28", 1)) == "V30", "its invoice is made")
        #expect(try adjust(1, freeze("2026-03-31", 1)) == "C 2026-04-30 F")
        #expect(try adjust(2, pause()) == "P - -")
        try setClock("2026-03-21")
        try run()
        #expect(try debts(1).count == 2)
        #expect(try adjust(2, resume) == "C 2026-03-31 -")
        try run()
        #expect(try debts(2) == ["RI1 2026-01-31 5000", "RI2 2026-02-28 5000", "RI3 2026-03-31 5000"])
        #expect(try database.violations() == [])
    }

    /// Among many subscriptions and old adjustments, what is due and what is alive is found through an index.
    @Test func findsWhatIsDueThroughItsIndex() throws {
        try script(
            """
            alter table subscription_adjustments disable trigger subscription_adjustments_in_step;
            insert into customers (account_id, customer_id, first_name, last_name, create_date)
            select 2001, n + 10000, 'A', 'B', now() from generate_series(1, 6000) n;
            insert into subscriptions (account_id, subscription_id, customer_id, billing_cycle_type, billing_interval, amount,
                   first_billing_date, next_billing_date, create_date)
            select 2001, n + 10000, n + 10000, 'M', 1, 100, '2027-01-01', '2027-01-01', now() from generate_series(1, 6000) n
            """)
        try script(
            """
            insert into subscription_adjustments (account_id, customer_id, subscription_id, type, effective_date, end_date,
                   creator_code, state, create_date)
            select 2001, n + 10000, n + 10000, 'P', '2026-01-01', '2026-01-02', 'api-x', 'ended', now()
              from generate_series(1, 6000) n
            """)
        try script(
            """
            insert into subscription_adjustments (account_id, customer_id, subscription_id, type, effective_date, due_on,
                   creator_code, create_date)
            select 2001, n + 10000, n + 10000, 'C', '2026-01-01'::date + n / 30, '2026-01-01'::date + n / 30, 'api-x', now()
              from generate_series(1, 6000) n;
            analyze
            """)
        let jobs = try database.connection("billing_jobs")
        func plan(_ name: String, _ sql: String) throws -> String {
            try jobs.rows(Statement(name, "explain " + sql)).map { $0.text(0) }.joined(separator: "\n")
        }
        let due = try plan(
            "due", PostgresStore.dueAdjusting.sql.replacingParameters(["2001", "'2026-01-02'", "500"]))
        #expect(
            due.contains("subscription_adjustments_due_on") && !due.contains("Seq Scan on subscription_adj"),
            "\(due)")
        let living = try plan(
            "deciding",
            PostgresStore.deciding.sql.replacingParameters(["2001", "array[10001, 10002]::bigint[]"]))
        #expect(
            living.contains("subscription_adjustments_by_subscription")
                && !living.contains("Seq Scan on sub"),
            "\(living)")
        let ids = (0..<500).map { Identifier<Subscription>(Int64(10_001 + $0 * 7)) }
        let alive = try books.withStore(reaching: [2001]) { store in
            try store.decidingAdjustments(of: ids, account: 2001)
        }
        #expect(alive.count == 500 && alive.values.allSatisfy { $0.map(\.kind) == [.cancellation] })
    }

    /// Oracle: the rule of the schedule, for random anchors.
    @Test func reckonsTheSameDatesInTheDatabase() throws {
        let connection = try database.connection("billing_jobs")
        let statement = Statement("cycle", "select cycle_date($1, $2, $3, $4)")
        for unit in CycleUnit.allCases {
            for first in ["2026-01-31", "2028-02-29", "2026-11-30"] {
                let anchor = CalendarDate(first)!
                for number in [1, 2, 3, 12, 14, 49] {
                    for interval in [1, 2, 7] {
                        let row = try connection.rows(
                            statement,
                            [
                                .text(unit.rawValue), .int32(Int32(interval)), .day(anchor),
                                .int32(Int32(number)),
                            ]
                        )[0]
                        #expect(
                            row.date(0) == BillingCycle(unit, every: interval).date(of: number, from: anchor))
                    }
                }
            }
        }
    }
}
