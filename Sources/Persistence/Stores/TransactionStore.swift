public import Domain
internal import Postgres

extension PostgresStore: TransactionStore {
    private static let load = ByReference("transaction.load") { form in
        let owner =
            "(select k.transaction_id from transaction_codes k where k.account_id = $1 and k.code = $3)"
        let condition =
            switch form {
            case .id: "x.transaction_id = $3"
            case .code: "x.transaction_id = \(owner)"
            case .number:
                "x.transaction_id = (select coalesce(\(owner), $4)) and (x.code = $3 or x.code is null)"
            }
        return """
            select \(TransactionRow.columns)
              from \(TransactionRow.source) x
              join merchant_accounts a on a.account_id = x.account_id
             where x.account_id = $1 and x.customer_id = $2 and \(condition)
            """
    }
    static let reserveTransactions = Statement(
        "transaction.reserve_ids",
        """
        select n.id
          from (select nextval('transaction_ids') as id from generate_series(1, $1)) n
         where not exists (select from transaction_codes k where k.account_id = any ($2) and k.code = n.id::text offset 0)
        """)
    static let readOpenItems = Statement(
        "transaction.open_items", openItems(of: "unnest($2) as n (customer_id)"))
    private static let readCreditedItems = Statement(
        "transaction.credited_items",
        openItems(
            of: """
                (select m.customer_id
                          from unnest($2) as m (customer_id)
                         where exists (select from open_items k
                                        where k.account_id = $1 and k.customer_id = m.customer_id and not k.is_debt
                                       offset 0)) n
                """))
    /// What is open of the customers under the alias `n`.
    private static func openItems(of customers: String) -> String {
        """
        select o.transaction_id, o.customer_id, t.type, t.due_date, o.balance,
               case when o.is_debt or t.creator_code is distinct from 'billing-run' then t.subscription_id end,
               \(FirstBill.isAwaited(by: "t", "s")) as is_held
          from \(customers)
         cross join lateral (
               select * from open_items k where k.account_id = $1 and k.customer_id = n.customer_id offset 0) o
         cross join lateral (
               select * from transactions k
                where k.account_id = $1 and k.customer_id = n.customer_id
                  and k.transaction_id = o.transaction_id
               offset 0) t
          left join lateral (
               select * from subscriptions k
                where k.account_id = $1 and k.customer_id = n.customer_id
                  and k.subscription_id = t.subscription_id
               offset 0) s on true
        """
    }
    static let readOpenAttempts = Statement(
        "attempt.open_of_customers",
        """
        select \(AttemptRow.columns)
          from unnest($2) as n (customer_id)
         cross join lateral (
               select * from attempts k
                where k.account_id = $1 and k.customer_id = n.customer_id and k.outcome = 'open' offset 0) p
         order by p.transaction_id
        """)
    private static let unclaimed = Statement(
        "transaction.signing_payment",
        """
        select t.transaction_id, t.amount, i.amount
          from transactions i
          join transactions t on t.account_id = i.account_id and t.customer_id = i.customer_id
           and t.transaction_id > i.transaction_id
          join attempts p on p.account_id = t.account_id and p.transaction_id = t.attempt_id
           and p.invoice_id = i.transaction_id
         where i.account_id = $1 and i.subscription_id = $2 and i.type = 'RI' and i.cycle_number = 1
           and i.due_date = $3 and t.type in ('AP', 'AC') and t.status = 'final' and p.subscription_id = $2
           and p.creator_code = 'billing-run'
           and not exists (select from signing_payments c
                            where c.account_id = t.account_id and c.transaction_id = t.transaction_id offset 0)
         order by t.transaction_id
         limit 1
        """)
    private static let claim = Statement(
        "transaction.claim_signing_payment",
        "insert into signing_payments (account_id, transaction_id) values ($1, $2)")

    public func transaction(
        of customer: Identifier<Customer>, account: Int64, _ reference: Reference
    ) throws -> Transaction? {
        guard accounts.contains(account) else { return nil }
        return try connection.rows(
            Self.load[reference], [.int(account), .id(customer)] + reference.parameters
        ).first.map { TransactionRow.transaction($0) }
    }

    public func transactions(
        of customer: Identifier<Customer>, account: Int64, _ filter: TransactionFilter, _ page: Page
    ) throws -> Found<Transaction> {
        var filter = filter
        filter.accountID = account
        filter.customer = .id(customer.rawValue)
        return try transactions(filter, page)
    }

    public func transactions(_ filter: TransactionFilter, _ page: Page) throws -> Found<Transaction> {
        let accounts = reach(narrowedTo: filter.accountID)
        guard !accounts.isEmpty else { return Found([], page: page) }
        // What is open is found by the open items, however few they are.
        let isOpen = filter.isOpen == true
        var search = Search(
            isOpen ? "transaction.find_open" : "transaction.find",
            isOpen ? TransactionRow.openSource : TransactionRow.source, id: "transaction_id", in: accounts,
            page)
        guard try require(filter.customer, .customer, "c", "customer_id", in: accounts, &search),
            try require(filter.subscription, .subscription, "s", "subscription_id", in: accounts, &search)
        else { return Found([], page: page) }
        try requireCreated(
            from: filter.createDateFrom, before: filter.createDateBefore, in: accounts, &search)
        if let type = filter.type { search.require("t", "x.type = ?", .text(type.rawValue)) }
        if let from = filter.dueDateFrom { search.require("d", "x.due_date >= ?", .day(from)) }
        if let to = filter.dueDateTo { search.require("e", "x.due_date <= ?", .day(to)) }
        if isOpen { search.require("o", "x.balance > 0") }
        if filter.isOpen == false { search.require("n", "x.balance = 0") }
        let rows = try search.rows(TransactionRow.columns, on: connection)
        return Found(rows.map { TransactionRow.transaction($0) }, page: page)
    }

    public func allocations(
        of transaction: Identifier<Transaction>, account: Int64, _ page: Page
    ) throws -> Found<Allocation> {
        guard accounts.contains(account) else { return Found([], page: page) }
        let rows = try connection.rows(
            AllocationRow.ofTransaction,
            [
                .int(account), .id(transaction), .int(page.after ?? 0), .int(Int64(page.limit) + 1),
                .int(Int64(page.offset)),
            ])
        return Found(rows.map { AllocationRow.allocation($0) }, page: page)
    }

    public func reserveTransactionIDs(_ count: Int) throws -> [Identifier<Transaction>] {
        try reserve(count, by: Self.reserveTransactions)
    }

    public func openItems(of customers: [Identifier<Customer>], account: Int64) throws -> [OpenItem] {
        try openItems(Self.readOpenItems, customers, account)
    }

    public func creditedItems(of customers: [Identifier<Customer>], account: Int64) throws -> [OpenItem] {
        try openItems(Self.readCreditedItems, customers, account)
    }

    private func openItems(
        _ statement: Statement, _ customers: [Identifier<Customer>], _ account: Int64
    ) throws -> [OpenItem] {
        guard !customers.isEmpty else { return [] }
        return try connection.rows(statement, [.int(account), .ids(customers)]).map { row in
            var item = OpenItem(
                id: row.identifier(0), customerID: row.identifier(1), type: row.code(2), dueDate: row.date(3),
                left: row.money(4), subscriptionID: row.optionalIdentifier(5))
            if row.bool(6) { item.heldFor = item.subscriptionID }
            return item
        }
    }

    public func openAttempts(of customers: [Identifier<Customer>], account: Int64) throws -> [OpenAttempt] {
        guard !customers.isEmpty else { return [] }
        return try connection.rows(Self.readOpenAttempts, [.int(account), .ids(customers)])
            .map { AttemptRow.attempt($0) }
    }

    public func unclaimedSigningPayment(
        of subscription: Identifier<Subscription>, account: Int64, on date: CalendarDate
    ) throws -> (id: Identifier<Transaction>, amount: Money, invoiced: Money)? {
        try connection.rows(Self.unclaimed, [.int(account), .id(subscription), .day(date)]).first
            .map { (id: $0.identifier(0), amount: $0.money(1), invoiced: $0.money(2)) }
    }

    public func claimSigningPayment(_ id: Identifier<Transaction>, account: Int64) throws {
        connection.enqueue(Self.claim, [.int(account), .id(id)])
    }
}

/// Whether a subscription's first bill is still to come, in SQL as ``Domain/SubscriptionProgress/awaitsFirstBill`` says it.
enum FirstBill {
    /// The condition on the subscription under this alias.
    static func isToCome(_ subscription: String) -> String {
        "\(subscription).last_billing_date is null and \(subscription).status not in ('N', 'E')"
    }

    /// The condition on a transaction and its subscription, if there is one: a payment for it that waits (spec 5.9); never null.
    static func isAwaited(by payment: String, _ subscription: String) -> String {
        """
        (\(payment).type in ('AP', 'AC') and \(payment).account_type is distinct from 'W'
                 and \(subscription).subscription_id is not null and \(isToCome(subscription)))
        """
    }
}

/// How an allocation is read.
private enum AllocationRow {
    static let ofTransaction = Statement(
        "allocation.of_transaction",
        """
        select x.allocation_id, x.create_date at time zone a.time_zone at time zone 'UTC' as created, x.source_id,
               s.type as source_type, x.target_id, t.type as target_type, x.amount,
               x.end_date at time zone a.time_zone at time zone 'UTC' as ended
          from (select * from allocations where account_id = $1 and source_id = $2
                union all
                select * from allocations where account_id = $1 and target_id = $2) x
          join merchant_accounts a on a.account_id = x.account_id
          join transactions s on s.account_id = x.account_id and s.transaction_id = x.source_id
          join transactions t on t.account_id = x.account_id and t.transaction_id = x.target_id
         where x.allocation_id > $3
         order by x.allocation_id
         limit $4 offset $5
        """)

    static func allocation(_ row: Row) -> Allocation {
        Allocation(
            id: row.int(0), createDate: row.localDateTime(1), sourceID: row.identifier(2),
            sourceType: row.code(3), targetID: row.identifier(4), targetType: row.code(5),
            amount: row.money(6),
            endDate: row.optionalLocalDateTime(7))
    }
}

extension Parameter {
    /// Objects' numbers.
    static func ids<Subject>(_ ids: [Identifier<Subject>]) -> Parameter { .ints(ids.map { $0.rawValue }) }
}
