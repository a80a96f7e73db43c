import Glibc
import TestSupport
import Testing

extension TogetherTests {
    /// Running a pass so many times, in any number of processes, in any order, is running it once (spec 5.2): one history on several
    /// merchant accounts, each driven in another way, leaves the same books, line for line.
    ///
    /// The seed is printed; BILLING_TEST_SEED repeats one.
    @Suite(.serialized) struct RepetitionTests {
        /// Days of the history.
        private static let days = 14

        /// How the days of one merchant account are run.
        enum Driving: String, CaseIterable {
            case advance, oneProcess, fourProcesses, threeRuns, killed
        }

        @Test func howeverItIsRunTheBooksAreTheSame() throws {
            let seed = testSeed()
            print("repetition: seed \(seed)")
            let stack = try TogetherTests.stack
            try stack.withoutJobs {
                var books: [Driving: [String]] = [:]
                for driving in Driving.allCases {
                    let begun = monotonicSeconds()
                    let history = try History(seed, in: stack)
                    try drive(history, driving, seed)
                    books[driving] = try history.books()
                    let seconds = monotonicSeconds() - begun
                    print("repetition: \(driving), \(books[driving]?.count ?? 0) lines, \(Int(seconds)) s")
                }
                let wanted = try #require(books[.advance])
                #expect(wanted.count > 200, "\(wanted)")
                for driving in Driving.allCases.dropFirst() {
                    let got = books[driving] ?? []
                    let missing = Set(wanted).subtracting(got).sorted()
                    let extra = Set(got).subtracting(wanted).sorted()
                    let isSame = got == wanted
                    #expect(
                        isSame,
                        "seed \(seed), \(driving): missing \(missing.prefix(8)), extra \(extra.prefix(8))"
                    )
                }
                // After an outage: each invoice has the number, amount and day it would have had, only later.
                let late = try History(seed, in: stack, plainOnly: true)
                let prompt = try History(seed, in: stack, plainOnly: true)
                for day in [6, 7, 12, Self.days] { try late.advance(to: day, stopping: false) }
                for day in 1...Self.days { try prompt.advance(to: day) }
                #expect(try late.invoices() == prompt.invoices(), "seed \(seed)")
            }
            let checked = try stack.billing(["status", "--check"])
            #expect(checked.status == 0, "seed \(seed): \(checked.output)\(checked.errors)")
        }

        private func drive(_ history: History, _ driving: Driving, _ seed: UInt64) throws {
            let stack = history.merchant.stack
            var random = SeededGenerator(seed)
            var running: [Subprocess] = []
            defer { running.forEach { $0.stop() } }
            switch driving {
            case .oneProcess, .killed: running = [try stack.start(["jobs"])]
            case .fourProcesses: running = try (1...4).map { _ in try stack.start(["jobs"]) }
            case .advance, .threeRuns: break
            }
            for day in 1...Self.days {
                try history.ask(on: day)
                guard driving != .advance else {
                    try history.advance(to: day)
                    // Each move begins with the answers that were lost the day before; nothing moves after the last day.
                    if day == Self.days { try settle(history, driving, day, seed, runsPasses: true) }
                    continue
                }
                try history.merchant.setClock(history.date(day))
                switch driving {
                case .threeRuns:
                    // Twice over, three at once.
                    for _ in 1...(day % 4 == 0 ? 2 : 1) {
                        let passes = try (1...3).map { _ in
                            try stack.start(["run", "--account", "\(history.merchant.account)"])
                        }
                        for pass in passes {
                            #expect(pass.wait() == 0, "\(readText("\(stack.folder)/further.log") ?? "")")
                        }
                    }
                case .killed where day % 2 == 0:
                    // As far as chance will have it into the work of the day.
                    poll(nil, 0, Int32.random(in: 0...60, using: &random))
                    kill(running[0].id, SIGKILL)
                    _ = running[0].wait()
                    running = [try stack.start(["jobs"])]
                    try history.hurryUp()
                default: break
                }
                try settle(history, driving, day, seed, runsPasses: driving == .threeRuns)
            }
        }

        /// Waits until nothing of the day is left to do.
        ///
        /// - Parameter runsPasses: whether passes are to be run for it; a jobs process does it otherwise.
        private func settle(
            _ history: History, _ driving: Driving, _ day: Int, _ seed: UInt64, runsPasses: Bool
        ) throws {
            let isDone = try waitUntil(timeout: 30) {
                // An answer that was lost is asked for after a while.
                if try history.isQuiet() { return true }
                try history.hurryUp()
                if runsPasses {
                    _ = try history.merchant.stack.start(["run", "--account", "\(history.merchant.account)"])
                        .wait()
                }
                return false
            }
            #expect(isDone, "seed \(seed), \(driving): day \(day) does not end")
        }
    }
}

/// A random history: customers with subscriptions, declines, returns, chargebacks, fees, and what callers ask for on its days.
private struct History {
    let merchant: Merchant
    private var customers: [TestCustomer] = []
    /// What is asked on a day: the customer's place, the action and its parameters.
    private var requests: [Int: [(customer: Int, action: String, body: String)]] = [:]

    private static let cards = [
        Card.visa, Card.visa, Card.visa, Card.masterCard, Card.expired, Card.losesAnswer, "4000000000009995",
        "4000000000000002", "4000000000000259",
    ]
    /// Approved, declined in each way, in part, charged back.
    private static let amounts = [4999, 1234, 6100, 8200, 7700, 15_000, 16_500, 11_600, 4999]

    /// Makes it in a merchant account of its own: from one seed always the same.
    ///
    /// - Parameter plainOnly: without declines and without requests.
    init(_ seed: UInt64, in stack: RunningStack, plainOnly: Bool = false) throws {
        merchant = try Merchant(
            in: stack, clock: "2027-01-01",
            settings: plainOnly
                ? []
                : [
                    "retryDays=2,3", "onRetriesExhausted=pause", "lateFeeAmount=300", "lateFeeGraceDays=3",
                    "writeOffDays=12", "softDeclineFee=50", "hardDeclineFee=70", "retryFee=30",
                    "chargebackFee=900", "enrollmentFee=500", "cancellationFee=700", "freezeFlatFee=200",
                ])
        var random = SeededGenerator(seed)
        for place in 0..<14 {
            let card = plainOnly ? Card.visa : Self.cards.randomElement(using: &random) ?? Card.visa
            let amount = plainOnly ? 4999 : Self.amounts.randomElement(using: &random) ?? 4999
            let first = 2 + Int.random(in: 0...6, using: &random)
            let cycle = Int.random(in: 0...2, using: &random) == 0 ? "M" : "W"
            let length = Int.random(in: 0...3, using: &random) == 0 ? #","length":2"# : ""
            let isBank = Int.random(in: 0...3, using: &random) == 0
            let option =
                isBank
                ? #""type":"BC","accountNumber":"4099999992","accountAccessory":"021000021""#
                : #""accountNumber":"\#(card)","accountAccessory":"1233""#
            let answer = try merchant.call(
                "PUT", "/customers",
                """
                {"firstName":"Ann","lastName":"Lee","paymentOptions":[{\(option),"holderName":"Ann Lee"}],\
                "subscriptions":[{"billingCycleType":"\(cycle)","amount":\(amount),"firstBillingDate":"2027-01-0\(first)"\(length)}]}
                """)
            try #require(answer.status == 201, "\(answer)")
            customers.append(
                TestCustomer(
                    id: answer.id, option: answer.tree["paymentOptions"]?[0]?["id"]?.integer ?? -1,
                    subscription: answer.tree["subscriptions"]?[0]?["id"]?.integer ?? -1))
            let day = Int.random(in: 3...9, using: &random)
            let action = Int.random(in: 0...6, using: &random)
            if !plainOnly { plan(action, of: place, on: day) }
        }
    }

    private mutating func plan(_ action: Int, of place: Int, on day: Int) {
        let asked: (String, String) =
            switch action {
            case 0: ("cancel", #"{"effectiveDate":"\#(date(day + 2))"}"#)
            case 1: ("pause", #"{"effectiveDate":"\#(date(day + 1))"}"#)
            case 2: ("freeze", "")
            case 3: ("pay", #"{"type":"AP","accountType":"K","amount":2500}"#)
            case 4: ("pay", #"{"type":"RC","amount":900}"#)
            default: ("", "")
            }
        if !asked.0.isEmpty { requests[day, default: []].append((place, asked.0, asked.1)) }
        if action == 1 { requests[day + 4, default: []].append((place, "resume", "{}")) }
    }

    func date(_ day: Int) -> String { "2027-01-\(day < 9 ? "0" : "")\(day + 1)" }

    /// What callers ask for before the day begins. A refusal is part of the history.
    func ask(on day: Int) throws {
        for request in requests[day] ?? [] {
            let customer = customers[request.customer]
            let subscription = "\(customer.path)/subscriptions/\(customer.subscription)"
            if request.action == "pay" {
                try merchant.call("PUT", customer.transactions, request.body)
            } else if request.action == "freeze" {
                let next = try merchant.call("GET", subscription)["nextBillingDate"] ?? "2027-01-02"
                try merchant.call(
                    "POST", "\(subscription)/~freeze", #"{"effectiveDate":"\#(next)","length":1}"#)
            } else {
                try merchant.call("POST", "\(subscription)/~\(request.action)", request.body)
            }
        }
    }

    /// - Parameter stopping: run each day; otherwise the account was without a pass until that day.
    func advance(to day: Int, stopping: Bool = true) throws {
        if !stopping { try merchant.setClock(date(day)) }
        try merchant.advance(to: date(day))
    }

    /// Brings forward what is done after minutes: a killed process leaves questions to the processor open.
    func hurryUp() throws {
        try merchant.stack.sql(
            """
            update billing.attempts set next_look_up = clock_timestamp()
             where account_id = \(merchant.account) and outcome = 'open' and opened_at < clock_timestamp() - interval '0.5 s';
            update billing.account_rounds set next_notices = clock_timestamp() - interval '1 s'
             where account_id = \(merchant.account)
               and exists (select from sandbox.notice n join billing.merchant_accounts a on a.account_id = n.account
                            where n.account = \(merchant.account) and n.acknowledged_at is null
                              and n.date <= billing.business_date(a));
            """)
    }

    /// Whether nothing is left to be done on the business date.
    func isQuiet() throws -> Bool {
        try merchant.stack.sql(
            """
            set search_path = billing;
            select not exists (select from subscriptions s where s.account_id = a.account_id
                      and s.next_billing_date <= business_date(a))
               and not exists (select from subscription_adjustments j where j.account_id = a.account_id
                      and j.due_on <= business_date(a))
               and not exists (select from collections c where c.account_id = a.account_id and c.state = 'due'
                      and c.collect_on <= business_date(a))
               and not exists (select from attempts t where t.account_id = a.account_id and t.outcome = 'open')
               and not exists (select from sandbox.notice n where n.account = a.account_id
                      and n.acknowledged_at is null and n.date <= business_date(a))
               and (not exists (select from attempts t where t.account_id = a.account_id)
                    or exists (select from account_rounds r where r.account_id = a.account_id
                                  and r.notices_through >= business_date(a)))
               and exists (select from account_rounds r where r.account_id = a.account_id
                              and r.ageing_through >= business_date(a))
               and not exists (select from pg_locks l where l.locktype = 'advisory' and l.objid = a.account_id)
              from merchant_accounts a where a.account_id = \(merchant.account)
            """) == "t"
    }

    /// The invoices alone.
    func invoices() throws -> [String] {
        try merchant.stack.sql(
            """
            select dense_rank() over (order by customer_id), type, amount, due_date, cycle_number
              from billing.transactions where account_id = \(merchant.account) and type = 'RI'
             order by 1, cycle_number
            """
        ).split(separator: "\n").map(String.init)
    }

    /// Everything that the books hold of it, a line each; numbers are places in the order of their customer.
    func books() throws -> [String] {
        try merchant.stack.sql(
            """
            set search_path = billing;
            create temporary table c as select customer_id, rank() over (order by customer_id) as n
              from customers where account_id = \(merchant.account);
            create temporary table t as
              select x.*, c.n as customer, rank() over (partition by x.customer_id order by x.transaction_id) as n
                from transactions x join c using (customer_id) where x.account_id = \(merchant.account);
            select * from (
              select c.n, 'customer ' || concat_ws(' ', x.balance, x.status, (select string_agg(
                       concat_ws(' ', o.is_active, o.is_default, o.last_decline_code), ', ' order by o.payment_option_id)
                       from payment_options o where o.account_id = x.account_id and o.customer_id = x.customer_id)) as line
                from customers x join c using (customer_id)
              union all
              select c.n, 'subscription ' || concat_ws(' ', s.status, s.next_cycle, s.next_billing_date, s.last_billing_date,
                       s.billed_count)
                from subscriptions s join c using (customer_id) where s.account_id = \(merchant.account)
              union all
              select c.n, 'adjustment ' || concat_ws(' ', j.type, j.effective_date, j.end_date, j.state, regexp_replace(j.note, '[0-9]+', ''))
                from subscription_adjustments j join c using (customer_id) where j.account_id = \(merchant.account)
              union all
              select t.customer, 'transaction ' || concat_ws(' ', t.n, t.type, t.status, t.amount, t.tax_amount, t.due_date,
                       t.cycle_number, 'of ' || u.n, 'left ' || o.balance, p.kind, p.outcome, p.response_code, p.attempt_number,
                       p.next_attempt_date)
                from t
                left join t as u on u.transaction_id = t.source_id
                left join open_items o on o.account_id = t.account_id and o.transaction_id = t.transaction_id
                left join attempts p on p.account_id = t.account_id and p.transaction_id = t.attempt_id
              union all
              select t.customer, 'allocation ' || concat_ws(' ', t.n, u.n, a.amount, a.end_date is null)
                from allocations a join t on t.transaction_id = a.source_id join t as u on u.transaction_id = a.target_id
               where a.account_id = \(merchant.account)
              union all
              select t.customer, 'entry ' || concat_ws(' ', t.n, e.line, e.entry_date, regexp_replace(e.debit, '[0-9]+', ''),
                       regexp_replace(e.credit, '[0-9]+', ''), e.amount)
                from ledger_entries e join t using (transaction_id) where e.account_id = \(merchant.account)
              union all
              select t.customer, 'collection ' || concat_ws(' ', t.n, k.state, k.collect_on, k.tries, k.retries)
                from collections k join t on t.transaction_id = k.invoice_id where k.account_id = \(merchant.account)) x
             order by n, line
            """
        ).split(separator: "\n").map(String.init)
    }
}
