public import Domain
internal import Postgres

// What the billing run does once in a while for a whole merchant account.
extension PostgresStore: RoundStore {
    private static let takeNotices = Statement(
        "round.take_notices",
        """
        insert into account_rounds as r (account_id, notices_through, next_notices)
        select $1, $2, clock_timestamp() + interval '5 minutes'
         where exists (select from attempts p where p.account_id = $1 offset 0)
        on conflict on constraint account_rounds_key do update
           set notices_through = excluded.notices_through, next_notices = excluded.next_notices
         where r.notices_through is distinct from excluded.notices_through
            or r.next_notices not between clock_timestamp() and clock_timestamp() + interval '5 minutes'
        returning 1
        """)
    /// A round that has not come to its end stands there with the day before its own: on another date, earlier or later, all
    /// begins anew.
    private static let aged = Statement(
        "round.aged",
        """
        select coalesce(ageing_through = $2 and ageing_after = 0, false), case ageing_date when $2 then ageing_after else 0 end
          from account_rounds
         where account_id = $1
        """)
    private static let noteAged = Statement(
        "round.note_aged",
        """
        insert into account_rounds as r (account_id, ageing_after, ageing_date, ageing_through)
        values ($1, coalesce($2, 0), $3, case when $2 is null then $3 end)
        on conflict on constraint account_rounds_key do update
           -- What is finished for a date stays so, whoever comes late.
           set ageing_after = case when excluded.ageing_through is null and r.ageing_through = excluded.ageing_date then 0
                                   else excluded.ageing_after end,
               ageing_date = excluded.ageing_date,
               ageing_through = coalesce(excluded.ageing_through, r.ageing_through)
        """)
    private static let lockPayer = Statement(
        "notice.lock_customer",
        """
        select c.customer_id
          from customers c
         where c.account_id = $1
           and c.customer_id = (select p.customer_id from attempts p where p.account_id = $1 and p.transaction_id = $2)
           for no key update of c
        """)
    private static let attempt = Statement(
        "notice.attempt",
        """
        select p.transaction_id, p.customer_id, p.outcome = 'open' as is_open, p.invoice_id, p.payment_option_id,
               exists (select from collections k where k.account_id = $1 and k.invoice_id = p.invoice_id offset 0)
                 and p.creator_code is not distinct from $3
          from attempts p
         where p.account_id = $1 and p.transaction_id = $2
        """)
    private static let known = Statement(
        "notice.known",
        """
        select exists (select from processor_notices
                        where account_id = $1 and processor = $2 and notice_id = $3 offset 0)
        """)
    private static let insert = Statement(
        "notice.insert",
        """
        insert into processor_notices (account_id, processor, notice_id, order_key, code, message, amount, notice_date,
               customer_id, attempt_id, transaction_id, next_attempt_date, create_date)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
        """)
    /// Found by what is open, which is little, and not by the balance: a payment that waits for another subscription makes it
    /// negative, and an invoice ages all the same.
    private static let agedCustomers = Statement(
        "ageing.customers",
        """
        select c.customer_id
          from (select distinct o.customer_id
                  from open_items o
                 cross join lateral (
                       select k.type, k.due_date from transactions k
                        where k.account_id = $1 and k.customer_id = o.customer_id and k.transaction_id = o.transaction_id
                       offset 0) t
                 cross join lateral (
                       select k.status from customers k
                        where k.account_id = $1 and k.customer_id = o.customer_id offset 0) p
                 where o.account_id = $1 and o.customer_id > $2 and o.is_debt and t.type = 'RI' and t.due_date <= $3
                   and p.status <> 'I'
                 order by o.customer_id
                 limit $4) n
         cross join lateral (
               select k.customer_id from customers k
                where k.account_id = $1 and k.customer_id = n.customer_id
               offset 0
                  for no key update) c
         order by c.customer_id
        """)
    private static let agedInvoices = Statement(
        "ageing.invoices",
        """
        select t.transaction_id, t.customer_id, t.subscription_id, t.due_date,
               exists (select from transactions f
                        where f.account_id = $1 and f.source_id = t.transaction_id and f.type = 'RL' offset 0) as has_late_fee,
               exists (select from transactions f
                        where f.account_id = $1 and f.source_id = t.transaction_id and f.type = 'AA' offset 0) as was_written_off
          from unnest($2) as n (customer_id)
         cross join lateral (
               select * from open_items k
                where k.account_id = $1 and k.customer_id = n.customer_id and k.is_debt offset 0) o
         cross join lateral (
               select * from transactions k
                where k.account_id = $1 and k.customer_id = n.customer_id and k.transaction_id = o.transaction_id
               offset 0) t
         where t.type = 'RI' and t.due_date <= $3
           and not exists (select from attempts p
                            where p.account_id = $1 and p.invoice_id = t.transaction_id and p.outcome = 'open' offset 0)
         order by t.customer_id, t.due_date, t.transaction_id
        """)

    public func takeNoticeRound(account: Int64, on date: CalendarDate) throws -> Bool {
        try !connection.rows(Self.takeNotices, [.int(account), .day(date)]).isEmpty
    }

    /// Two round trips: what is read beside a row that was locked meanwhile could be older than the lock.
    public func noticedAttempt(
        _ transaction: Identifier<Transaction>, account: Int64
    ) throws -> NoticedAttempt? {
        _ = try connection.rows(Self.lockPayer, [.int(account), .id(transaction)])
        return try connection.rows(
            Self.attempt, [.int(account), .id(transaction), .text(RunBilling.actor)]
        ).first.map { row in
            NoticedAttempt(
                transactionID: row.identifier(0), customerID: row.identifier(1), isOpen: row.bool(2),
                invoiceID: row.optionalIdentifier(3), paymentOptionID: row.optionalIdentifier(4),
                isByRun: row.bool(5))
        }
    }

    public func hasNotice(_ id: Int64, of processor: String, account: Int64) throws -> Bool {
        try connection.rows(Self.known, [.int(account), .text(processor), .int(id)])[0].bool(0)
    }

    public func insert(_ taken: TakenNotice, account: Int64, at moment: Moment) throws {
        let notice = taken.notice
        connection.enqueue(
            Self.insert,
            [
                .int(account), .text(taken.processor), .int(notice.id), .text(notice.orderKey),
                .text(notice.code), .text(notice.message), .money(notice.amount), .day(notice.date),
                .id(taken.attempt?.customerID), .id(taken.attempt?.transactionID), .id(taken.transactionID),
                .day(taken.nextAttemptDate), .instant(moment.now),
            ])
    }

    public func agedSoFar(account: Int64, on date: CalendarDate) throws -> Int64? {
        guard let row = try connection.rows(Self.aged, [.int(account), .day(date)]).first else { return 0 }
        return row.optionalBool(0) == true ? nil : row.int(1)
    }

    public func noteAged(account: Int64, upTo customer: Int64?, on date: CalendarDate) throws {
        connection.enqueue(Self.noteAged, [.int(account), .int(customer), .day(date)])
    }

    public func customersWithAgedInvoices(
        account: Int64, due: CalendarDate, after customer: Int64, limit: Int
    ) throws -> [Identifier<Customer>] {
        try connection.rows(
            Self.agedCustomers, [.int(account), .int(customer), .day(due), .int(Int64(limit))]
        ).map { $0.identifier(0) }
    }

    public func agedInvoices(
        of customers: [Identifier<Customer>], account: Int64, due: CalendarDate
    ) throws -> [AgedInvoice] {
        guard !customers.isEmpty else { return [] }
        return try connection.rows(Self.agedInvoices, [.int(account), .ids(customers), .day(due)]).map {
            row in
            AgedInvoice(
                id: row.identifier(0), customerID: row.identifier(1),
                subscriptionID: row.optionalIdentifier(2), dueDate: row.date(3), hasLateFee: row.bool(4),
                wasWrittenOff: row.bool(5))
        }
    }
}
