public import Domain
internal import Postgres

extension PostgresStore: BillingStore {
    static let due = Statement(
        "subscription.due",
        """
        select s.subscription_id, s.customer_id, s.plan_id, s.plan_name, s.billing_cycle_type, s.billing_interval,
               s.amount, s.tax_amount, s.first_billing_date, s.length, s.status, s.next_cycle, s.next_billing_date,
               s.last_billing_date, s.billed_count
          from subscriptions s
          join customers c on c.account_id = s.account_id and c.customer_id = s.customer_id
         where s.account_id = $1 and s.status in ('U', 'C') and s.set_aside_reason is null
           and s.next_billing_date <= $2 and c.status in ('A', 'E')
         order by s.next_billing_date, s.subscription_id
         limit $3
           for no key update of c, s skip locked
        """)
    private static let expireSubscriptions = Statement(
        "subscription.expire",
        """
        update subscriptions
           set status = 'E', version = version + 1
         where account_id = $1 and customer_id = any ($2) and status = 'C' and next_billing_date is null
        """)
    private static let expireCustomers = Statement(
        "customer.expire",
        """
        update customers c
           set status = 'E', version = version + 1
         where c.account_id = $1 and c.customer_id = any ($2) and c.status = 'A'
           and exists (select from subscriptions s
                        where s.account_id = c.account_id and s.customer_id = c.customer_id)
           and not exists (select from subscriptions s
                            where s.account_id = c.account_id and s.customer_id = c.customer_id
                              and s.status not in ('N', 'E'))
        """)
    private static let lockCollections = Statement(
        "collection.lock_due",
        """
        select k.invoice_id
          from collections k
          join customers c on c.account_id = k.account_id and c.customer_id = k.customer_id
         where k.account_id = $1 and k.state = 'due' and k.collect_on <= $2 and c.status <> 'I'
         order by k.collect_on, k.invoice_id
         limit $3
           for no key update of c, k skip locked
        """)
    private static let loadCollections = Statement(
        "collection.load_due",
        """
        select \(CollectionRow.columns), coalesce(o.balance, 0), t.due_date, c.balance, c.status,
               \(PaymentOptionRow.columns)
          from collections k
          join transactions t on t.account_id = k.account_id and t.transaction_id = k.invoice_id
          join customers c on c.account_id = k.account_id and c.customer_id = k.customer_id
          join merchant_accounts a on a.account_id = k.account_id
          left join open_items o on o.account_id = k.account_id and o.customer_id = k.customer_id
           and o.transaction_id = k.invoice_id
          left join subscriptions s on s.account_id = k.account_id and s.subscription_id = k.subscription_id
          left join payment_options d on d.account_id = k.account_id and d.customer_id = k.customer_id
           and d.is_default
          left join payment_options u on u.account_id = k.account_id and u.payment_option_id = s.payment_option_id
          left join payment_options x on x.account_id = k.account_id
           and x.payment_option_id = case when u.is_active then u.payment_option_id
                                          else coalesce(d.payment_option_id, u.payment_option_id) end
         where k.account_id = $1 and k.invoice_id = any ($2)
         order by k.collect_on, k.invoice_id
        """)
    private static let lookUp = Statement(
        "attempt.look_up",
        """
        with due as (
          select account_id, transaction_id
            from attempts
           where account_id = $1 and outcome = 'open' and next_look_up <= statement_timestamp()
           order by next_look_up
           limit $2
             for update skip locked)
        update attempts p
           set look_ups = p.look_ups + 1,
               next_look_up = clock_timestamp() + make_interval(secs => least(600, 10 * 2 ^ least(p.look_ups, 10)))
          from due
         where p.account_id = due.account_id and p.transaction_id = due.transaction_id
        returning \(AttemptRow.columns)
        """)
    private static let lockCustomersOfAttempts = Statement(
        "attempt.lock_customers",
        """
        select c.customer_id
          from customers c
         where c.account_id = $1 and c.customer_id in (
               select p.customer_id from attempts p where p.account_id = $1 and p.transaction_id = any ($2))
         order by c.customer_id
           for no key update of c
        """)
    private static let lockAttempts = Statement(
        "attempt.lock_open",
        """
        select \(AttemptRow.columns)
          from attempts p
         where p.account_id = $1 and p.transaction_id = any ($2) and p.outcome = 'open'
         order by p.transaction_id
           for no key update of p
        """)
    private static let collectionsOf = Statement(
        "collection.of_invoices",
        """
        select \(CollectionRow.columns)
          from collections k
         where k.account_id = $1 and k.invoice_id = any ($2)
         order by k.invoice_id
        """)
    private static let putAside = Statement(
        "subscription.set_aside",
        """
        update subscriptions
           set set_aside_reason = $3
         where account_id = $1 and subscription_id = $2
        """)
    private static let dueWork = Statement(
        "billing.has_due_work",
        """
        select exists (select from subscriptions s
                         join customers c on c.account_id = s.account_id and c.customer_id = s.customer_id
                        where s.account_id = $1 and s.status in ('U', 'C') and s.set_aside_reason is null
                          and s.next_billing_date <= $2 and c.status in ('A', 'E'))
            or exists (select from collections k
                         join customers c on c.account_id = k.account_id and c.customer_id = k.customer_id
                        where k.account_id = $1 and k.state = 'due' and k.collect_on <= $2 and c.status <> 'I')
            or exists (select from attempts p
                        where p.account_id = $1 and p.outcome = 'open' and p.next_look_up <= statement_timestamp())
            or exists (select from subscriptions s
                        where s.account_id = $1 and s.status in ('U', 'C') and s.status = 'C'
                          and s.set_aside_reason is null and s.next_billing_date is null)
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
        try connection.rows(Self.due, [.int(account), .day(date), .int(Int64(limit))]).map { row in
            DueSubscription(
                id: row.identifier(0), customerID: row.identifier(1),
                terms: SubscriptionTerms(
                    planID: row.optionalIdentifier(2), planName: row.optionalText(3),
                    cycle: BillingCycle(row.code(4), every: Int(row.int(5))), amount: row.money(6),
                    taxAmount: row.money(7), firstBillingDate: row.date(8),
                    length: row.optionalInt(9).map { Int($0) }),
                progress: SubscriptionProgress(
                    status: row.code(10), nextCycle: Int(row.int(11)), nextBillingDate: row.optionalDate(12),
                    lastBillingDate: row.optionalDate(13), billedCount: Int(row.int(14))))
        }
    }

    public func expire(customers: [Identifier<Customer>], account: Int64) throws {
        guard !customers.isEmpty else { return }
        connection.enqueue(Self.expireSubscriptions, [.int(account), .ids(customers)])
        connection.enqueue(Self.expireCustomers, [.int(account), .ids(customers)])
    }

    /// Two round trips: what is read beside a row that was locked meanwhile could be older than the lock.
    public func dueCollections(
        account: Int64, through date: CalendarDate, limit: Int
    ) throws -> [DueCollection] {
        let invoices = try connection.rows(
            Self.lockCollections, [.int(account), .day(date), .int(Int64(limit))]
        ).map { $0.int(0) }
        guard !invoices.isEmpty else { return [] }
        return try connection.rows(Self.loadCollections, [.int(account), .ints(invoices)]).map { row in
            let next = CollectionRow.count
            let option = next + 4
            return DueCollection(
                collection: CollectionRow.collection(row), left: row.money(next),
                invoiceDueDate: row.date(next + 1), customerBalance: row.money(next + 2),
                customerStatus: row.code(next + 3),
                option: row.isNull(option) ? nil : PaymentOptionRow.option(row, at: option))
        }
    }

    public func attemptsToLookUp(account: Int64, limit: Int) throws -> [OpenAttempt] {
        try connection.rows(Self.lookUp, [.int(account), .int(Int64(limit))])
            .map { AttemptRow.attempt($0) }
            .sorted { $0.id < $1.id }
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

    public func collections(of invoices: [Identifier<Transaction>], account: Int64) throws
        -> [InvoiceCollection]
    {
        guard !invoices.isEmpty else { return [] }
        return try connection.rows(Self.collectionsOf, [.int(account), .ids(invoices)])
            .map { CollectionRow.collection($0) }
    }

    public func setAside(
        _ subscription: Identifier<Subscription>, account: Int64, reason: String
    ) throws {
        connection.enqueue(Self.putAside, [.int(account), .id(subscription), .text(reason)])
    }

    public func hasDueWork(account: Int64, through date: CalendarDate) throws -> Bool {
        try connection.rows(Self.dueWork, [.int(account), .day(date)])[0].bool(0)
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

/// How the collecting of an invoice is read.
private enum CollectionRow {
    /// The columns, from the collection under the alias `k`; as many as ``count``.
    static let columns = """
        k.invoice_id, k.customer_id, k.subscription_id, k.state, k.collect_on, k.tries, k.retries
        """
    static let count = 7

    static func collection(_ row: Row) -> InvoiceCollection {
        var collection = InvoiceCollection(
            invoiceID: row.identifier(0), customerID: row.identifier(1),
            subscriptionID: row.optionalIdentifier(2), state: row.code(3), collectOn: row.optionalDate(4))
        collection.tries = Int(row.int(5))
        collection.retries = Int(row.int(6))
        return collection
    }
}
