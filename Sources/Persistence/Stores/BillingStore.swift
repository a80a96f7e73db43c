public import Domain
internal import Postgres

// Batches are looked up key by key: `unnest` with `lateral … offset 0` leaves the planner no other way. With `= any` or
// a plain join, statistics of yesterday let it read a whole account for each batch.
extension PostgresStore: BillingStore {
    static let due = Statement(
        "subscription.due",
        """
        select \(DueRow.columns)
          from subscriptions s
          join customers c on c.account_id = s.account_id and c.customer_id = s.customer_id
         where s.account_id = $1 and s.set_aside_reason is null and s.next_billing_date <= $2
           and c.status in ('A', 'E')
         order by s.next_billing_date, s.subscription_id
         limit $3
           for no key update of c, s skip locked
        """)
    static let dueAdjusting = Statement(
        "subscription.due_adjusting",
        """
        select \(DueRow.columns)
          from subscription_adjustments j
          join subscriptions s on s.account_id = j.account_id and s.subscription_id = j.subscription_id
          join customers c on c.account_id = s.account_id and c.customer_id = s.customer_id
         where j.account_id = $1 and j.due_on <= $2 and s.set_aside_reason is null
           -- Of an inactive customer a freeze or pause waits behind a bill that is not made.
           and not (c.status not in ('A', 'E') and j.type <> 'C' and coalesce(s.next_billing_date < j.due_on, false))
         order by j.due_on, s.subscription_id
         limit $3
           for no key update of c, s skip locked
        """)
    private static let expireSubscriptions = Statement(
        "subscription.expire",
        """
        update subscriptions s
           set status = 'E', version = s.version + 1
          from (select k.place
                  from unnest($2) as n (customer_id)
                 cross join lateral (
                       select x.ctid as place from subscriptions x
                        where x.account_id = $1 and x.customer_id = n.customer_id and x.status = 'C'
                          and x.billed_count = x.length
                       offset 0) k) n
         where s.ctid = n.place
        """)
    private static let expireCustomers = Statement(
        "customer.expire",
        """
        update customers c
           set status = 'E', version = c.version + 1
          from (select k.place
                  from unnest($2) as n (customer_id)
                 cross join lateral (
                       select count(*) as agreed, count(*) filter (where x.status not in ('N', 'E')) as alive
                         from subscriptions x
                        where x.account_id = $1 and x.customer_id = n.customer_id) s
                 cross join lateral (
                       select x.ctid as place from customers x
                        where x.account_id = $1 and x.customer_id = n.customer_id and x.status = 'A' offset 0) k
                 where s.agreed > 0 and s.alive = 0) n
         where c.ctid = n.place
        """)
    /// The condition that an unknown outcome is to be asked for. No waiting time is longer than ten minutes: one that seems to
    /// be was begun before the clock of the machine was set back.
    static func isToBeLookedUp(_ time: String, at now: String) -> String {
        "(\(time) <= \(now) or \(time) > \(now) + interval '11 minutes')"
    }
    /// The condition that an attempt is asked for before its time: its sender has noted that no answer came, or it was asked for since
    /// it was sent, by somebody who ended there. Nobody is on the way to the processor with it then.
    private static let isToBeLookedUpEarly = """
        (p.look_ups >= p.sendings
                  or exists (select from transactions t
                              where t.account_id = $1 and t.customer_id = p.customer_id
                                and t.transaction_id = p.transaction_id and t.status = 'pending' offset 0))
        """
    /// The condition that something is due of the merchant account under the alias `a`.
    static func hasWork(takingUpAll all: String) -> String {
        """
        (exists (select 1 from subscriptions s
                        where s.account_id = a.account_id and s.set_aside_reason is null
                          and s.next_billing_date <= business_date(a) + a.invoice_lead_days offset 0)
            or exists (select 1 from subscriptions s
                        where s.account_id = a.account_id and s.set_aside_reason is not null
                          and (\(all) or s.set_aside_until <= clock_timestamp()) offset 0)
            or exists (select 1 from subscription_adjustments j
                        where j.account_id = a.account_id and j.due_on <= business_date(a) offset 0)
            or exists (select 1 from collections k
                        cross join lateral (
                              select f.balance from customers f
                               where f.account_id = k.account_id and f.customer_id = k.customer_id and f.status <> 'I'
                              offset 0) c
                        where k.account_id = a.account_id and k.state = 'due' and k.collect_on <= business_date(a)
                          and (c.balance > 0 or \(isPaid)) offset 0)
            or exists (select 1 from attempts t
                        where t.account_id = a.account_id and t.outcome = 'open'
                          and \(isToBeLookedUp("t.next_look_up", at: "clock_timestamp()")) offset 0))
        """
    }
    private static let anyWork = Statement(
        "billing.has_work",
        "select \(hasWork(takingUpAll: "$2")) from merchant_accounts a where a.account_id = $1")
    private static let anyOpen = Statement(
        "attempt.any_open",
        "select exists (select from attempts where account_id = $1 and outcome = 'open' offset 0)")
    private static let inHand = Statement(
        "attempt.in_hand",
        """
        select p.transaction_id
          from attempts p
         where p.account_id = $1 and p.outcome = 'open'
           and not \(isToBeLookedUp("p.next_look_up", at: "statement_timestamp()"))
           and not \(isToBeLookedUpEarly)
        """)
    private static let lookUp = Statement(
        "attempt.look_up",
        """
        with due as (
          select p.account_id, p.transaction_id
            from attempts p
           where p.account_id = $1 and p.outcome = 'open'
             and (\(isToBeLookedUp("p.next_look_up", at: "statement_timestamp()"))
                  or $3 and \(isToBeLookedUpEarly))
           order by p.next_look_up
           limit $2
             for update skip locked)
        update attempts p
           set look_ups = p.look_ups + 1,
               next_look_up = clock_timestamp() + make_interval(secs => least(600, 30 * 2 ^ least(p.look_ups, 10)))
          from due
         where p.account_id = due.account_id and p.transaction_id = due.transaction_id
        returning \(AttemptRow.columns)
        """)
    private static let noteSendings = Statement(
        "attempt.note_sendings",
        """
        update attempts p
           set sendings = p.sendings + 1,
               next_look_up = clock_timestamp() + make_interval(secs => $3)
         where p.account_id = $1 and p.transaction_id = any ($2) and p.outcome = 'open'
        returning p.transaction_id
        """)
    private static let lockCustomersOfAttempts = Statement(
        "attempt.lock_customers",
        """
        select c.customer_id
          from (select distinct p.customer_id
                  from unnest($2) as n (transaction_id)
                 cross join lateral (
                       select k.customer_id from attempts k
                        where k.account_id = $1 and k.transaction_id = n.transaction_id offset 0) p
                 order by p.customer_id) n
         cross join lateral (
               select k.customer_id from customers k
                where k.account_id = $1 and k.customer_id = n.customer_id
               offset 0
                  for no key update) c
        """)
    private static let lockAttempts = Statement(
        "attempt.lock_open",
        """
        select \(AttemptRow.columns)
          from (select m.transaction_id from unnest($2) as m (transaction_id) order by m.transaction_id) n
         cross join lateral (
               select * from attempts k
                where k.account_id = $1 and k.transaction_id = n.transaction_id
               offset 0
                  for no key update) p
         where p.outcome = 'open'
        """)
    private static let wanted = Statement(
        "attempt.still_wanted",
        """
        select p.transaction_id
          from attempts p
          join customers c on c.account_id = p.account_id and c.customer_id = p.customer_id
          join payment_options o on o.account_id = p.account_id and o.payment_option_id = p.payment_option_id
         cross join lateral (
               select coalesce(sum(i.balance), 0) as owed
                 from open_items i
                where i.account_id = p.account_id and i.customer_id = p.customer_id
                  and i.transaction_id = any (array_append(p.fee_ids || p.named_ids, p.invoice_id))) i
         where p.account_id = $1 and p.transaction_id = any ($2) and p.outcome = 'open'
           and c.status <> 'I' and o.is_active
           and (p.invoice_id is null
                or i.owed >= case when p.creator_code = 'billing-run' then p.amount else 1 end)
           and (p.creator_code is distinct from 'billing-run'
                or c.balance >= (select sum(k.amount) from attempts k
                                  where k.account_id = p.account_id and k.customer_id = p.customer_id
                                    and k.outcome = 'open' and k.kind in ('payment', 'claim')))
        """)
    private static let putAside = Statement(
        "subscription.set_aside",
        """
        update subscriptions s
           set set_aside_reason = $3, set_aside_times = n.times, set_aside_at = clock_timestamp(),
               set_aside_until = clock_timestamp() + make_interval(mins => least(60, 2 ^ least(n.times - 1, 10))::integer)
          from (select case when k.set_aside_at > clock_timestamp() - interval '1 day'
                            then k.set_aside_times + 1 else 1 end as times
                  from subscriptions k
                 where k.account_id = $1 and k.subscription_id = $2) n
         where s.account_id = $1 and s.subscription_id = $2
        """)
    private static let takeUpAgain = Statement(
        "subscription.take_up_again",
        """
        update subscriptions
           set set_aside_reason = null
         where account_id = $1 and set_aside_reason is not null and ($2 or set_aside_until <= clock_timestamp())
        """)
    private static let countSince = Statement(
        "billing.counts",
        """
        select count(*) filter (where type = 'RI' and cycle_number is not null),
               count(*) filter (where type in ('AP', 'AC') and attempt_id is not null and status in ('final', 'reversed')),
               count(*) filter (where type = 'AD'),
               count(*) filter (where type in ('RF', 'RL')),
               coalesce(sum(amount) filter (
                 where type in ('AP', 'AC') and attempt_id is not null and status in ('final', 'reversed')), 0)::bigint
          from transactions
         where account_id = $1 and transaction_id > $2
        """)
    private static let last = Statement(
        "transaction.last_id", "select coalesce(pg_sequence_last_value('transaction_ids'), 0)")

    public func dueSubscriptions(
        account: Int64, through date: CalendarDate, limit: Int
    ) throws -> [DueSubscription] {
        try due(Self.due, account, date, limit)
    }

    public func dueAdjustments(
        account: Int64, through date: CalendarDate, limit: Int
    ) throws -> [DueSubscription] {
        try due(Self.dueAdjusting, account, date, limit)
    }

    /// Two round trips: an adjustment read beside the subscription could be older than its lock.
    private func due(
        _ statement: Statement, _ account: Int64, _ date: CalendarDate, _ limit: Int
    ) throws -> [DueSubscription] {
        var seen: Set<Identifier<Subscription>> = []
        let due = try connection.rows(statement, [.int(account), .day(date), .int(Int64(limit))])
            .map { DueRow.subscription($0) }.filter { seen.insert($0.id).inserted }
        let living = try decidingAdjustments(of: due.map(\.id), account: account)
        guard !living.isEmpty else { return due }
        return due.map { subscription in
            var subscription = subscription
            subscription.course.adjustments = living[subscription.id] ?? []
            return subscription
        }
    }

    public func expire(customers: [Identifier<Customer>], account: Int64) throws {
        guard !customers.isEmpty else { return }
        connection.enqueue(Self.expireSubscriptions, [.int(account), .ids(customers)])
        connection.enqueue(Self.expireCustomers, [.int(account), .ids(customers)])
    }

    public func attemptsToLookUp(account: Int64, limit: Int, early: Bool) throws -> [OpenAttempt] {
        try connection.rows(Self.lookUp, [.int(account), .int(Int64(limit)), .bool(early)])
            .map { AttemptRow.attempt($0) }
            .sorted { $0.id < $1.id }
    }

    public func hasWork(account: Int64, all: Bool) throws -> Bool {
        try connection.rows(Self.anyWork, [.int(account), .bool(all)]).first?.bool(0) ?? false
    }

    public func hasOpenAttempts(account: Int64) throws -> Bool {
        try connection.rows(Self.anyOpen, [.int(account)])[0].bool(0)
    }

    public func attemptsInHand(account: Int64) throws -> Set<Identifier<Transaction>> {
        Set(try connection.rows(Self.inHand, [.int(account)]).map { $0.identifier(0) })
    }

    public func noteSending(_ transactions: [Identifier<Transaction>], account: Int64) throws
        -> Set<Identifier<Transaction>>
    {
        let rows = try connection.rows(
            Self.noteSendings,
            [.int(account), .ids(transactions), .int(Int64(UnknownOutcome.windowOfDoubt))])
        return Set(rows.map { $0.identifier(0) })
    }

    /// Locks the customers first, then the attempts, each in the order of their numbers.
    public func lockOpenAttempts(
        _ transactions: [Identifier<Transaction>], account: Int64
    ) throws -> [OpenAttempt] {
        guard !transactions.isEmpty else { return [] }
        let parameters: [Parameter] = [.int(account), .ids(transactions)]
        connection.enqueue(Self.lockCustomersOfAttempts, parameters)
        return try connection.rows(Self.lockAttempts, parameters).map { AttemptRow.attempt($0) }
    }

    public func stillWanted(_ transactions: [Identifier<Transaction>], account: Int64) throws
        -> Set<Identifier<Transaction>>
    {
        Set(
            try connection.rows(Self.wanted, [.int(account), .ids(transactions)])
                .map { $0.identifier(0) })
    }

    public func setAside(
        _ subscription: Identifier<Subscription>, account: Int64, reason: String
    ) throws {
        connection.enqueue(Self.putAside, [.int(account), .id(subscription), .text(reason)])
    }

    public func takeUpAgain(account: Int64, all: Bool) throws {
        connection.enqueue(Self.takeUpAgain, [.int(account), .bool(all)])
    }

    public func counts(account: Int64, since transaction: Int64) throws -> AdvanceCounts {
        let row = try connection.rows(Self.countSince, [.int(account), .int(transaction)])[0]
        var counts = AdvanceCounts()
        counts.invoices = Int(row.int(0))
        counts.payments = Int(row.int(1))
        counts.declines = Int(row.int(2))
        counts.fees = Int(row.int(3))
        counts.amountCollected = row.money(4)
        return counts
    }

    public func lastTransactionID() throws -> Int64 { try connection.rows(Self.last, [])[0].int(0) }
}

/// How a subscription that is due is read.
private enum DueRow {
    /// The columns, from the subscription under the alias `s` and its customer under `c`.
    static let columns = """
        s.subscription_id, s.customer_id, s.plan_id, s.plan_name, s.billing_cycle_type, s.billing_interval,
               s.amount, s.tax_amount, s.first_billing_date, s.length, s.status, s.next_cycle, s.next_billing_date,
               s.last_billing_date, s.billed_count, c.status in ('A', 'E') as is_billed
        """

    /// The subscription, without its adjustments.
    static func subscription(_ row: Row) -> DueSubscription {
        DueSubscription(
            id: row.identifier(0), customerID: row.identifier(1),
            course: SubscriptionCourse(
                terms: SubscriptionTerms(
                    planID: row.optionalIdentifier(2), planName: row.optionalText(3),
                    cycle: BillingCycle(row.code(4), every: Int(row.int(5))), amount: row.money(6),
                    taxAmount: row.money(7), firstBillingDate: row.date(8),
                    length: row.optionalInt(9).map { Int($0) }),
                progress: SubscriptionProgress(
                    status: row.code(10), nextCycle: Int(row.int(11)), nextBillingDate: row.optionalDate(12),
                    lastBillingDate: row.optionalDate(13), billedCount: Int(row.int(14)))),
            isBilled: row.bool(15))
    }
}
