public import Domain
internal import Postgres

extension PostgresStore: SubscriptionStore {
    static let subscriptionsOfNamedCustomer = ByReference("subscription.of_named_customer") { form in
        """
        select \(SubscriptionRow.columns)
          from \(form.rows(of: "subscriptions"))
        """
    }
    private static let load = ByReference("subscription.load") { form in
        """
        select \(SubscriptionRow.columns)
          from subscriptions x
          join merchant_accounts a on a.account_id = x.account_id
         where x.account_id = $1 and x.customer_id = $2
           and \(form.condition("x", id: "subscription_id", from: 3))\(form.order("x", limit: 1))
        """
    }
    private static let lock = ByReference("subscription.lock") { form in
        """
        select \(SubscriptionRow.columns)
          from subscriptions x
          join merchant_accounts a on a.account_id = x.account_id
         where x.account_id = $1 and x.customer_id = $2
           and \(form.condition("x", id: "subscription_id", from: 3))\(form.order("x", limit: 1))
           for no key update of x
        """
    }
    private static let modify = Statement(
        "subscription.modify",
        """
        update subscriptions
           set payment_option_id = $3, note = $4, version = version + 1
         where account_id = $1 and subscription_id = $2
        """)
    private static let insert = Statement(
        "subscription.insert",
        """
        insert into subscriptions (account_id, customer_id, code, plan_id, plan_name, billing_cycle_type,
               billing_interval, amount, tax_amount, first_billing_date, length, payment_option_id, note, create_date,
               next_billing_date)
        select $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $10
         where not exists (
               select from subscriptions
                where account_id = $1 and subscription_id = $15 and code is null offset 0)
        on conflict (account_id, code) where code is not null do nothing
        returning subscription_id
        """)
    private static let owner = Statement(
        "subscription.owner_of_code",
        """
        select subscription_id
          from subscriptions
         where account_id = $1 and (code = $2 or code is null and subscription_id = $3)
         order by code is null
         limit 1
        """)
    private static let reviveCustomer = Statement(
        "customer.revive",
        """
        update customers
           set status = 'A', version = version + 1
         where account_id = $1 and customer_id = $2 and status = 'E'
        """)

    /// Reads a subscription of this customer.
    public func subscription(
        of customer: Identifier<Customer>, account: Int64, _ reference: Reference
    ) throws -> Subscription? {
        guard accounts.contains(account) else { return nil }
        return try connection.rows(
            Self.load[reference], [.int(account), .id(customer)] + reference.parameters
        ).first.map { SubscriptionRow.subscription($0) }
    }

    /// Locks and reads a subscription of this customer.
    public func lockedSubscription(
        of customer: Identifier<Customer>, account: Int64, _ reference: Reference
    ) throws -> Subscription? {
        guard accounts.contains(account) else { return nil }
        return try connection.rows(
            Self.lock[reference], [.int(account), .id(customer)] + reference.parameters
        ).first.map { SubscriptionRow.subscription($0) }
    }

    /// Queues the change of a subscription that is locked.
    public func updateSubscription(
        _ subscription: Subscription, paymentOption: Identifier<PaymentOption>?, note: String?
    ) throws {
        connection.enqueue(
            Self.modify,
            [.int(subscription.accountID), .id(subscription.id), .id(paymentOption), .text(note)])
    }

    /// Finds subscriptions of this customer by id.
    public func subscriptions(
        of customer: Identifier<Customer>, account: Int64, _ filter: SubscriptionFilter, _ page: Page
    ) throws -> Found<Subscription> {
        var filter = filter
        filter.accountID = account
        filter.customer = .id(customer.rawValue)
        return try subscriptions(filter, page)
    }

    /// Finds subscriptions by id (spec 1.4).
    public func subscriptions(_ filter: SubscriptionFilter, _ page: Page) throws -> Found<Subscription> {
        let accounts = reach(narrowedTo: filter.accountID)
        guard !accounts.isEmpty else { return Found([], page: page) }
        var search = Search("subscription.find", "subscriptions", id: "subscription_id", in: accounts, page)
        guard try require(filter.customer, .customer, "c", "customer_id", in: accounts, &search),
            try require(filter.plan, .plan, "p", "plan_id", in: accounts, &search)
        else { return Found([], page: page) }
        if let unit = filter.cycleUnit {
            search.require("u", "x.billing_cycle_type = ?", .text(unit.rawValue))
        }
        try requireCreated(
            from: filter.createDateFrom, before: filter.createDateBefore, in: accounts, &search)
        if let from = filter.lastBillingDateFrom {
            search.require("h", "x.last_billing_date >= ?", .day(from))
        }
        if let to = filter.lastBillingDateTo { search.require("i", "x.last_billing_date <= ?", .day(to)) }
        Self.requireNextBilling(from: filter.nextBillingDateFrom, to: filter.nextBillingDateTo, &search)
        if let least = filter.amountFrom { search.require("l", "x.amount >= ?", .money(least)) }
        if let most = filter.amountTo { search.require("m", "x.amount <= ?", .money(most)) }
        if let status = filter.status { search.require("s", "x.status = ?", .text(status)) }
        let rows = try search.rows(SubscriptionRow.columnsOfMany, on: connection)
        return Found(rows.map { SubscriptionRow.subscription($0) }, page: page)
    }

    /// Narrows a search to next billing dates. What is billed on them and what is held have an index each: the condition is
    /// written out for both, so that the two can be looked up together.
    private static func requireNextBilling(
        from: CalendarDate?, to: CalendarDate?, _ search: inout Search
    ) {
        let billed = "x.status in ('U', 'C') and x.set_aside_reason is null"
        let held = "(x.status not in ('U', 'C') or x.set_aside_reason is not null)"
        switch (from, to) {
        case (nil, nil): break
        case (let from?, nil):
            search.require(
                "j", "(\(billed) and x.next_billing_date >= ? or \(held) and x.next_billing_date >= ?)",
                .day(from), .day(from))
        case (nil, let to?):
            search.require(
                "k", "(\(billed) and x.next_billing_date <= ? or \(held) and x.next_billing_date <= ?)",
                .day(to), .day(to))
        case (let from?, let to?):
            search.require(
                "jk",
                """
                (\(billed) and x.next_billing_date >= ? and x.next_billing_date <= ?
                    or \(held) and x.next_billing_date >= ? and x.next_billing_date <= ?)
                """, .day(from), .day(to), .day(from), .day(to))
        }
    }

    /// Inserts a subscription, and queues ahead of it that an expired customer is active again; V29 where
    /// the code is taken.
    public func insertSubscription(
        account: Int64, customer: Identifier<Customer>, code: String?, terms: SubscriptionTerms,
        paymentOption: Identifier<PaymentOption>?, note: String?, at moment: Moment
    ) throws -> Identifier<Subscription> {
        let number: Parameter = .int(code.flatMap(Reference.number))
        connection.enqueue(Self.reviveCustomer, [.int(account), .id(customer)])
        let inserted = try connection.rows(
            Self.insert,
            [
                .int(account), .id(customer), .text(code), .id(terms.planID), .text(terms.planName),
                .text(terms.cycle.unit.rawValue), .int(Int64(terms.cycle.interval)), .money(terms.amount),
                .money(terms.taxAmount), .day(terms.firstBillingDate), .int(terms.length.map(Int64.init)),
                .id(paymentOption), .text(note), .instant(moment.now), number,
            ])
        if let row = inserted.first { return row.identifier(0) }
        throw try duplicate(Self.owner, [.int(account), .text(code), number], code, "subscription")
    }
}

/// How a subscription is read.
enum SubscriptionRow {
    /// The columns of one subscription, under the alias `x`, with its account under `a`.
    static let columns = columns(
        uncollected: "uncollected_bills(x.account_id, x.customer_id, x.subscription_id)")
    /// The same for many of them: the server counts within the statement, not by a call for each.
    static let columnsOfMany = columns(
        uncollected: "(select u.bills from uncollected(x.account_id, x.customer_id, x.subscription_id) u)")

    /// Bills that are fully paid are those billed, less those that brought no money in part or whole.
    private static func columns(uncollected: String) -> String {
        """
        x.subscription_id, x.account_id, x.customer_id, x.code,
               x.create_date at time zone a.time_zone at time zone 'UTC' as created, x.plan_id, x.plan_name,
               x.billing_cycle_type, x.billing_interval, x.amount, x.tax_amount, x.first_billing_date, x.length,
               x.payment_option_id, x.note, x.status, x.next_cycle, x.next_billing_date, x.last_billing_date,
               x.billed_count,
               greatest(0, x.billed_count - case when x.billed_count = 0 then 0 else \(uncollected) end) as collected,
               x.version, a.invoice_lead_days,
               (select j.type
                  from subscription_adjustments j
                 where j.account_id = x.account_id and j.subscription_id = x.subscription_id
                   and j.state = 'pending'
                 order by j.effective_date, j.type
                 limit 1) as pending_adjustment_type
        """
    }

    /// The subscription, without the list of its adjustments.
    static func subscription(_ row: Row) -> Subscription {
        var subscription = Subscription(
            id: row.identifier(0), accountID: row.int(1), customerID: row.identifier(2),
            code: row.optionalText(3), createDate: row.localDateTime(4),
            terms: SubscriptionTerms(
                planID: row.optionalIdentifier(5), planName: row.optionalText(6),
                cycle: BillingCycle(row.code(7), every: Int(row.int(8))), amount: row.money(9),
                taxAmount: row.money(10), firstBillingDate: row.date(11),
                length: row.optionalInt(12).map { Int($0) }),
            paymentOptionID: row.optionalIdentifier(13), note: row.optionalText(14),
            progress: SubscriptionProgress(
                status: row.code(15), nextCycle: Int(row.int(16)), nextBillingDate: row.optionalDate(17),
                lastBillingDate: row.optionalDate(18), billedCount: Int(row.int(19))),
            collectedCount: Int(row.int(20)), version: Int(row.int(21)))
        subscription.invoiceLeadDays = Int(row.int(22))
        subscription.pendingAdjustment = row.isNull(23) ? nil : row.code(23)
        return subscription
    }
}
