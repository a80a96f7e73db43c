public import Domain
internal import Postgres

// What undoing reads; the customers concerned are locked.
extension PostgresStore: ReversalStore {
    private static let sources = Statement(
        "reversal.sources",
        """
        select t.transaction_id, t.type, t.amount, t.due_date, t.account_type, t.account_mask, t.tax_amount,
               t.fee_amount, t.subscription_id, t.source_id, t.attempt_id, t.status, g.refunded, g.refunded_tax,
               g.charged_back, l.debits, l.credits, l.amounts, p.paid_out, g.taken_back, g.refunds
          from (select m.transaction_id from unnest($2) as m (transaction_id) order by m.transaction_id) n
         cross join lateral (
               select * from transactions k
                where k.account_id = $1 and k.transaction_id = n.transaction_id offset 0) t
         cross join lateral (
               select coalesce(sum(k.amount) filter (where k.type = 'AR'), 0)::bigint as refunded,
                      coalesce(sum(k.tax_amount) filter (where k.type = 'AR'), 0)::bigint as refunded_tax,
                      coalesce(sum(k.amount) filter (where k.type = 'AG'), 0)::bigint as charged_back,
                      coalesce(sum(k.amount) filter (where k.type in ('AV', 'AD')), 0)::bigint as taken_back,
                      coalesce(array_agg(k.transaction_id order by k.transaction_id) filter (where k.type in ('AR', 'RX')), '{}')
                        as refunds
                 from transactions k
                where k.account_id = $1 and k.source_id = n.transaction_id and k.status = 'final'
               offset 0) g
         cross join lateral (
               select coalesce(array_agg(k.debit order by k.line), '{}') as debits,
                      coalesce(array_agg(k.credit order by k.line), '{}') as credits,
                      coalesce(array_agg(k.amount order by k.line), '{}') as amounts
                 from ledger_entries k
                where k.account_id = $1 and k.transaction_id = n.transaction_id
               offset 0) l
         cross join lateral (
               select coalesce(sum(f.amount), 0)::bigint as paid_out
                 from allocations f
                 join transactions k on k.account_id = f.account_id and k.transaction_id = f.target_id
                where f.account_id = $1 and f.source_id = n.transaction_id and f.end_date is null
                  and k.type = 'AR' and k.source_id is null and t.type in ('AP', 'AC', 'RC')
                  and coalesce(t.account_type, '') not in ('L', 'W')
               offset 0) p
         order by t.transaction_id
        """)
    private static let feeFor = Statement(
        "transaction.service_fee_for",
        "select transaction_id from transactions where account_id = $1 and source_id = $2 and type = 'RF'")
    private static let livingAllocations = Statement(
        "allocation.living",
        """
        select x.allocation_id, x.customer_id, x.amount, s.transaction_id, s.type, s.due_date,
               case when s.creator_code is distinct from 'billing-run' then s.subscription_id end,
               \(FirstBill.isAwaited(by: "s", "u")) as is_held, t.transaction_id, t.type, t.due_date, t.subscription_id,
               t.type in ('AR', 'AV', 'AD', 'AG') and t.source_id is not distinct from s.transaction_id
                 or t.type = 'AR' and t.source_id is null and s.type in ('AP', 'AC', 'RC')
                    and coalesce(s.account_type, '') not in ('L', 'W') as gives_back
          from (select k.*
                  from unnest($2) as n (transaction_id)
                 cross join lateral (
                       select * from allocations f
                        where f.account_id = $1 and f.source_id = n.transaction_id and f.end_date is null
                       offset 0) k
                 union
                select k.*
                  from unnest($2) as n (transaction_id)
                 cross join lateral (
                       select * from allocations f
                        where f.account_id = $1 and f.target_id = n.transaction_id and f.end_date is null
                       offset 0) k) x
         cross join lateral (
               select * from transactions k
                where k.account_id = $1 and k.transaction_id = x.source_id offset 0) s
         cross join lateral (
               select * from transactions k
                where k.account_id = $1 and k.transaction_id = x.target_id offset 0) t
          left join subscriptions u on u.account_id = $1 and u.subscription_id = s.subscription_id
         order by x.allocation_id
        """)

    public func reversalSources(
        _ ids: [Identifier<Transaction>], account: Int64
    ) throws -> [ReversalSource] {
        guard !ids.isEmpty else { return [] }
        return try connection.rows(Self.sources, [.int(account), .ids(ids)]).map { row in
            var facts = TransactionFacts(type: row.code(1), amount: row.money(2), dueDate: row.date(3))
            facts.accountType = row.isNull(4) ? nil : row.code(4) as AccountType
            facts.accountMask = row.optionalText(5)
            facts.taxAmount = row.money(6)
            facts.feeAmount = row.money(7)
            facts.subscriptionID = row.optionalIdentifier(8)
            facts.sourceID = row.optionalIdentifier(9)
            facts.attemptID = row.optionalInt(10)
            var source = ReversalSource(id: row.identifier(0), facts: facts, status: row.code(11))
            source.refunded = row.money(12)
            source.refundedTax = row.money(13)
            source.chargedBack = row.money(14)
            source.paidOut = row.money(18)
            source.takenBack = row.money(19)
            source.refunds = row.ints(20).map { Identifier($0) }
            source.lines = zip(zip(row.texts(15), row.texts(16)), row.ints(17)).map {
                LedgerLine(debit: $0.0, credit: $0.1, amount: Money($1))
            }
            return source
        }
    }

    public func serviceFee(
        for cause: Identifier<Transaction>, account: Int64
    ) throws -> Identifier<Transaction>? {
        try connection.rows(Self.feeFor, [.int(account), .id(cause)]).first.map { $0.identifier(0) }
    }

    public func livingAllocations(
        of ids: [Identifier<Transaction>], account: Int64
    ) throws -> [LivingAllocation] {
        guard !ids.isEmpty else { return [] }
        return try connection.rows(Self.livingAllocations, [.int(account), .ids(ids)]).map { row in
            var source = OpenItem(
                id: row.identifier(3), customerID: row.identifier(1), type: row.code(4), dueDate: row.date(5),
                left: .zero, subscriptionID: row.optionalIdentifier(6))
            if row.bool(7) { source.heldFor = source.subscriptionID }
            let target = OpenItem(
                id: row.identifier(8), customerID: row.identifier(1), type: row.code(9),
                dueDate: row.date(10), left: .zero, subscriptionID: row.optionalIdentifier(11))
            return LivingAllocation(
                id: row.int(0), source: source, target: target, amount: row.money(2), givesBack: row.bool(12))
        }
    }
}
