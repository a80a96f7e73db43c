public import Domain
internal import Postgres

// The collecting of invoices: which are due, where it stands, what came of it so far. Rows are looked up key by key, as in
// BillingStore.swift.
extension PostgresStore {
    /// That nothing is open any more of the invoice of the collection under the alias `k`.
    static let isPaid = """
        not exists (select from open_items o
                     where o.account_id = k.account_id and o.customer_id = k.customer_id and o.transaction_id = k.invoice_id offset 0)
        """
    /// What is beyond the customer's balance, less what is under way, waits where it is (spec 5.2 step 4).
    private static let lockCollections = Statement(
        "collection.lock_due",
        """
        select k.invoice_id
          from collections k
          join customers c on c.account_id = k.account_id and c.customer_id = k.customer_id
         cross join lateral (
               select coalesce(sum(p.amount), 0) as amount,
                      coalesce(bool_or(p.invoice_id is null or p.invoice_id = k.invoice_id
                                       or k.invoice_id = any (p.named_ids)
                                       or p.subscription_id = k.subscription_id
                                          and p.creator_code is distinct from 'billing-run'), false) as may_pay
                 from attempts p
                where p.account_id = $1 and p.customer_id = k.customer_id and p.outcome = 'open'
                  and p.kind in ('payment', 'claim')) p
         where k.account_id = $1 and k.state = 'due' and k.collect_on <= $2 and c.status <> 'I'
           and not p.may_pay and (c.balance > p.amount or \(isPaid))
           and not exists (select from subscriptions s
                            where s.account_id = $1 and s.subscription_id = k.subscription_id
                              and s.set_aside_reason is not null offset 0)
         order by k.collect_on, k.invoice_id
         limit $3
           for no key update of c, k skip locked
        """)
    private static let loadCollections = Statement(
        "collection.load_due",
        """
        select \(CollectionRow.columns), coalesce(o.balance, 0), t.due_date, c.balance, c.status,
               \(PaymentOptionRow.columns)
          from unnest($2) as n (invoice_id)
         cross join lateral (
               select * from collections f where f.account_id = $1 and f.invoice_id = n.invoice_id offset 0) k
         cross join lateral (
               select * from transactions f
                where f.account_id = $1 and f.customer_id = k.customer_id and f.transaction_id = n.invoice_id
               offset 0) t
         cross join lateral (
               select * from customers f where f.account_id = $1 and f.customer_id = k.customer_id offset 0) c
          left join lateral (
               select * from open_items f
                where f.account_id = $1 and f.customer_id = k.customer_id and f.transaction_id = n.invoice_id
               offset 0) o on true
          left join lateral (
               select * from subscriptions f
                where f.account_id = $1 and f.customer_id = k.customer_id
                  and f.subscription_id = k.subscription_id
               offset 0) s on true
          left join lateral (
               select * from payment_options f
                where f.account_id = $1 and f.customer_id = k.customer_id
                  and (f.is_default or f.payment_option_id = s.payment_option_id)
                order by (f.is_active and f.payment_option_id = s.payment_option_id) is true desc, f.is_default desc
                limit 1) x on true
          join merchant_accounts a on a.account_id = $1
         order by k.collect_on, k.invoice_id
        """)
    private static let collectionsOf = Statement(
        "collection.of_invoices",
        """
        select \(CollectionRow.columns)
          from unnest($2) as n (invoice_id)
         cross join lateral (
               select * from collections f where f.account_id = $1 and f.invoice_id = n.invoice_id offset 0) k
         order by k.invoice_id
        """)
    private static let partlyCollected = Statement(
        "collection.partly_collected",
        """
        select n.invoice_id
          from unnest($2) as n (invoice_id)
         where exists (select from transactions i
                         join allocations f on f.account_id = i.account_id and f.target_id = i.transaction_id
                          and f.end_date is null
                         join attempts p on p.account_id = f.account_id and p.transaction_id = f.source_id
                          and p.invoice_id = i.transaction_id and p.creator_code = 'billing-run'
                        where i.account_id = $1 and i.transaction_id = n.invoice_id offset 0)
        """)

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

    public func collections(of invoices: [Identifier<Transaction>], account: Int64) throws
        -> [InvoiceCollection]
    {
        guard !invoices.isEmpty else { return [] }
        return try connection.rows(Self.collectionsOf, [.int(account), .ids(invoices)])
            .map { CollectionRow.collection($0) }
    }

    public func partlyCollected(_ invoices: [Identifier<Transaction>], account: Int64) throws
        -> Set<Identifier<Transaction>>
    {
        Set(
            try connection.rows(Self.partlyCollected, [.int(account), .ids(invoices)])
                .map { $0.identifier(0) })
    }
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
