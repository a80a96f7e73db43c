public import Domain
internal import Postgres

// What explanations read.
extension PostgresStore: ExplanationStore {
    private static let origin = Statement(
        "explanation.origin",
        """
        select t.policy_version, coalesce(p.business_date, l.entry_date, t.due_date), u.actor, u.request_id, u.action,
               n.notice_id, n.amount
          from transactions t
          left join attempts p on p.account_id = t.account_id and p.transaction_id = t.attempt_id
          left join ledger_entries l on l.account_id = t.account_id and l.transaction_id = t.transaction_id
           and l.line = 1
          left join processor_notices n on n.account_id = t.account_id and n.transaction_id = t.transaction_id
          left join lateral (
               select g.actor, g.request_id, g.action
                 from audit_log g
                where g.account_id = t.account_id and g.object_type = 'transaction' and g.object_id = t.transaction_id
                order by g.audit_id
                limit 1) u on true
         where t.account_id = $1 and t.transaction_id = $2
        """)
    private static let policy = Statement(
        "explanation.policy",
        """
        select \(MerchantAccountRow.columns)
          from (select v.account_id, m.name, m.mode, v.time_zone, m.currency, v.processor, v.balancing_algorithm,
                       v.invoice_lead_days, v.close_sales_days, v.retry_days, v.on_retries_exhausted,
                       v.late_fee_amount, v.late_fee_grace_days, v.soft_decline_fee, v.hard_decline_fee, v.retry_fee,
                       v.chargeback_fee, v.enrollment_fee, v.cancellation_fee, v.freeze_flat_fee,
                       v.freeze_recurring_fee, v.write_off_days, v.claim_return_days, v.settlement_time, m.clock_at,
                       v.version as policy_version
                  from account_policies v
                  join merchant_accounts m on m.account_id = v.account_id
                 where v.account_id = $1 and v.version = $2) a
        """)
    private static let attempt = Statement(
        "explanation.attempt",
        """
        select p.kind, p.invoice_id, p.fee_ids || p.named_ids, d.amounts, p.open_amounts, p.owed, p.amount, p.tax_amount, p.due_date,
               p.approved_amount, p.attempt_number, i.due_date, coalesce(p.settled_on, p.business_date)
          from attempts p
          left join transactions i on i.account_id = p.account_id and i.transaction_id = p.invoice_id
         cross join lateral (
               select coalesce(array_agg(t.amount order by n.place), '{}') as amounts
                 from unnest(array_prepend(p.invoice_id, p.fee_ids || p.named_ids)) with ordinality as n (transaction_id, place)
                 join transactions t on t.account_id = p.account_id and t.transaction_id = n.transaction_id) d
         where p.account_id = $1 and p.transaction_id = $2
        """)
    /// Tries of the run that were declined, and claims for the invoice that came back.
    private static let declined = Statement(
        "explanation.declines",
        """
        select t.transaction_id, coalesce(q.settled_on, q.business_date, t.due_date),
               coalesce(q.next_attempt_date, n.next_attempt_date), v.retry_days
          from (select k.transaction_id
                  from transactions k
                 where k.account_id = $1 and k.source_id = $2 and k.type = 'AD'
                 union
                select k.transaction_id
                  from allocations f
                  join transactions k on k.account_id = f.account_id and k.source_id = f.source_id
                 where f.account_id = $1 and f.target_id = $2 and k.type = 'AD' and k.status = 'final') d
          join transactions t on t.account_id = $1 and t.transaction_id = d.transaction_id
          join account_policies v on v.account_id = t.account_id and v.version = t.policy_version
          left join attempts q on q.account_id = t.account_id and q.transaction_id = t.attempt_id
          left join processor_notices n on n.account_id = t.account_id and n.transaction_id = t.transaction_id
         where t.transaction_id < $3
           and (q.owed is not null and q.outcome = 'declined' or n.notice_id is not null)
         order by t.transaction_id
        """)
    /// What was undone by a transaction that came later was not undone yet.
    private static let given = Statement(
        "explanation.given_back",
        """
        with undone as (
          select k.transaction_id, k.type, k.amount, k.tax_amount
            from transactions k
           where k.account_id = $1 and k.source_id = $2 and k.transaction_id < $3 and k.type in ('AR', 'AG')
             and k.status in ('final', 'reversed')
             and not exists (select from transactions x
                              where x.account_id = $1 and x.source_id = k.transaction_id
                                and x.type in ('AX', 'AS') and x.transaction_id < $3 offset 0)),
        paid_out as (
          select f.amount
            from allocations f
            join transactions k on k.account_id = f.account_id and k.transaction_id = f.target_id
           where f.account_id = $1 and f.source_id = $2 and k.transaction_id < $3 and k.type = 'AR'
             and k.source_id is null
             and (f.end_date is null
                  or exists (select from transactions x
                              where x.account_id = $1 and x.source_id = k.transaction_id and x.type = 'AX'
                                and x.transaction_id > $3 offset 0)))
        select coalesce((select sum(amount) from undone where type = 'AR'), 0)::bigint,
               coalesce((select sum(tax_amount) from undone where type = 'AR'), 0)::bigint,
               coalesce((select sum(amount) from undone where type = 'AG'), 0)::bigint,
               coalesce((select sum(amount) from paid_out), 0)::bigint
        """)
    /// Allocations that were alive when the write-off made its own. Where the clock stood still in between, one had ended before
    /// when what ended it has a lower number.
    private static let paid = Statement(
        "explanation.paid_before",
        """
        select coalesce(sum(f.amount), 0)::bigint
          from transactions w
          join allocations o on o.account_id = w.account_id and o.source_id = w.transaction_id and o.target_id = $2
          join allocations f on f.account_id = w.account_id and f.target_id = $2 and f.allocation_id < o.allocation_id
         where w.account_id = $1 and w.transaction_id = $3
           and (f.end_date is null or f.end_date > w.create_date
                or f.end_date = w.create_date
                   and not exists (select from transactions u
                                    where u.account_id = $1 and u.source_id = f.source_id and u.transaction_id < $3
                                      and u.create_date = f.end_date offset 0))
        """)
    private static let adjuster = Statement(
        "explanation.adjuster",
        """
        select l.actor, l.request_id
          from audit_log l
         where l.account_id = $1 and l.object_type = 'subscription' and l.object_id = $2
           and l.action in ('cancel', 'freeze', 'pause')
         order by l.audit_id
         limit 1 offset $3
        """)
    private static let billed = Statement(
        "explanation.billed_cycles",
        """
        select t.cycle_number
          from transactions t
         where t.account_id = $1 and t.subscription_id = $2 and t.type = 'RI' and t.cycle_number < $3
           and t.adjustment_id is null
        """)

    public func origin(
        of transaction: Identifier<Transaction>, account: Int64
    ) throws -> ExplanationFacts.Origin? {
        try connection.rows(Self.origin, [.int(account), .id(transaction)]).first.map { row in
            var origin = ExplanationFacts.Origin(policyVersion: Int(row.int(0)), businessDate: row.date(1))
            if !row.isNull(2) {
                origin.request = (Actor(name: row.text(2), requestID: row.text(3)), row.text(4))
            }
            if let notice = row.optionalInt(5) { origin.notice = (notice, row.money(6)) }
            return origin
        }
    }

    public func account(_ id: Int64, policyVersion: Int) throws -> MerchantAccount? {
        guard accounts.contains(id) else { return nil }
        return try connection.rows(Self.policy, [.int(id), .int(Int64(policyVersion))]).first
            .map { MerchantAccountRow.account($0) }
    }

    public func explainedAttempt(
        _ transaction: Identifier<Transaction>, account: Int64
    ) throws -> ExplanationFacts.Attempt? {
        try connection.rows(Self.attempt, [.int(account), .id(transaction)]).first.map { row in
            ExplanationFacts.Attempt(
                kind: row.code(0), invoiceID: row.optionalIdentifier(1),
                feeIDs: row.ints(2).map { Identifier($0) }, fullAmounts: row.ints(3).map { Money($0) },
                openAmounts: row.ints(4).map { Money($0) }, owed: row.optionalInt(5).map { Money($0) },
                amount: row.money(6), taxAmount: row.money(7), dueDate: row.date(8),
                approvedAmount: row.optionalInt(9).map { Money($0) }, number: Int(row.int(10)),
                invoiceDueDate: row.optionalDate(11), settledOn: row.date(12))
        }
    }

    public func declines(
        of invoice: Identifier<Transaction>, before transaction: Identifier<Transaction>, account: Int64
    ) throws -> [ExplanationFacts.Decline] {
        try connection.rows(Self.declined, [.int(account), .id(invoice), .id(transaction)]).map { row in
            ExplanationFacts.Decline(
                id: row.identifier(0), date: row.date(1), next: row.optionalDate(2),
                retryDays: row.int32s(3).map { Int($0) })
        }
    }

    public func givenBack(
        of source: Identifier<Transaction>, before transaction: Identifier<Transaction>, account: Int64
    ) throws -> ExplanationFacts.GivenBack {
        let row = try connection.rows(Self.given, [.int(account), .id(source), .id(transaction)])[0]
        var given = ExplanationFacts.GivenBack()
        given.refunded = row.money(0)
        given.refundedTax = row.money(1)
        given.chargedBack = row.money(2)
        given.paidOut = row.money(3)
        return given
    }

    public func paid(
        of invoice: Identifier<Transaction>, before writeOff: Identifier<Transaction>, account: Int64
    ) throws -> Money {
        try connection.rows(Self.paid, [.int(account), .id(invoice), .id(writeOff)])[0].money(0)
    }

    /// Each adjustment leaves one row in the audit log, in the order of their numbers.
    public func actor(
        ofAdjustment place: Int, of subscription: Identifier<Subscription>, account: Int64
    ) throws -> Actor? {
        try connection.rows(Self.adjuster, [.int(account), .id(subscription), .int(Int64(place))]).first
            .map { Actor(name: $0.text(0), requestID: $0.text(1)) }
    }

    public func billedCycles(
        of subscription: Identifier<Subscription>, before cycle: Int, account: Int64
    ) throws -> Set<Int> {
        Set(
            try connection.rows(Self.billed, [.int(account), .id(subscription), .int(Int64(cycle))])
                .map { Int($0.int(0)) })
    }
}
