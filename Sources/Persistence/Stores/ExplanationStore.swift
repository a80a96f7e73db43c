public import Domain
internal import Postgres

// What explanations read.
extension PostgresStore: ExplanationStore {
    private static let attempt = Statement(
        "explanation.attempt",
        """
        select p.invoice_id, p.fee_ids, p.open_amounts, p.owed, p.amount, p.approved_amount, p.attempt_number,
               d.transaction_id, d.due_date, q.next_attempt_date
          from attempts p
          left join lateral (
               select t.transaction_id, t.due_date
                 from transactions t
                where t.account_id = p.account_id and t.source_id = p.invoice_id and t.type = 'AD'
                  and t.transaction_id < p.transaction_id
                order by t.transaction_id desc
                limit 1) d on p.owed is not null and p.attempt_number > 1
          left join attempts q on q.account_id = p.account_id and q.transaction_id = d.transaction_id
         where p.account_id = $1 and p.transaction_id = $2
        """)
    private static let given = Statement(
        "explanation.given_back",
        """
        select coalesce(sum(t.amount), 0)::bigint
          from transactions t
         where t.account_id = $1 and t.source_id = $2 and t.transaction_id < $3 and t.status = 'final'
           and t.type in ('AR', 'AG')
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
    private static let cause = Statement(
        "explanation.actor",
        """
        select l.actor, l.request_id
          from audit_log l
         where l.account_id = $1 and l.object_type = 'transaction' and l.object_id = $2
         order by l.audit_id
         limit 1
        """)

    public func explainedAttempt(
        _ transaction: Identifier<Transaction>, account: Int64
    ) throws -> ExplanationFacts.Attempt? {
        try connection.rows(Self.attempt, [.int(account), .id(transaction)]).first.map { row in
            var attempt = ExplanationFacts.Attempt(
                invoiceID: row.optionalIdentifier(0), feeIDs: row.ints(1).map { Identifier($0) },
                openAmounts: row.ints(2).map { Money($0) }, owed: row.optionalInt(3).map { Money($0) },
                amount: row.money(4), approvedAmount: row.optionalInt(5).map { Money($0) },
                number: Int(row.int(6)))
            if let previous: Identifier<Transaction> = row.optionalIdentifier(7) {
                attempt.previous = (previous, row.date(8), row.optionalDate(9))
            }
            return attempt
        }
    }

    public func givenBack(
        of source: Identifier<Transaction>, before transaction: Identifier<Transaction>, account: Int64
    ) throws -> Money {
        try connection.rows(Self.given, [.int(account), .id(source), .id(transaction)])[0].money(0)
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

    public func actor(of transaction: Identifier<Transaction>, account: Int64) throws -> Actor? {
        try connection.rows(Self.cause, [.int(account), .id(transaction)]).first
            .map { Actor(name: $0.text(0), requestID: $0.text(1)) }
    }
}
