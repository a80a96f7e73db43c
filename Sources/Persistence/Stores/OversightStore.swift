internal import Postgres

/// What an operator looks at first: numbers of all merchant accounts together.
public struct Oversight: Hashable, Sendable {
    /// Subscriptions that billing has set aside, each with a reason.
    public var setAside: Int
    /// Attempts whose outcome has been unknown for more than an hour.
    public var oldOpenAttempts: Int
    /// Whether any merchant account has a key in the vault, wrapped by the key file.
    public var hasVaultKeys: Bool
}

/// A subscription that billing has set aside, for a person (spec 5.2).
public struct SetAsideSubscription: Hashable, Sendable {
    public var account: Int64
    public var customer: Int64
    public var subscription: Int64
    /// The error of its step.
    public var reason: String
    /// How often it has failed, none of the failures more than a day after the one before.
    public var times: Int
    /// When it is tried again, in UTC: `2027-01-31 00:05:00`.
    public var until: String
}

/// A movement of money whose outcome has been unknown for more than an hour, for a person (spec 5.6).
public struct LongOpenAttempt: Hashable, Sendable {
    public var account: Int64
    public var customer: Int64
    /// The transaction that it is or becomes.
    public var transaction: Int64
    /// `payment`, `claim`, `refund` or `void`.
    public var kind: String
    /// In minor units.
    public var amount: Int64
    /// When it was committed, in UTC.
    public var opened: String
    /// How often the processor has been asked since.
    public var lookUps: Int
    /// When it is asked next, in UTC.
    public var nextLookUp: String
}

/// A rule of the books that does not hold somewhere.
public struct BrokenInvariant: Hashable, Sendable {
    /// The rule's name, `customer_balance`.
    public var name: String
    /// The merchant account.
    public var account: Int64
    /// What is wrong, with numbers only.
    public var detail: String
}

// What the operator's commands ask of all accounts, as the owner of the schema.
extension OperatorStore {
    private static let oversight = Statement(
        "operator.oversight",
        """
        select (select count(*) from subscriptions where set_aside_reason is not null) as set_aside,
               (select count(*)
                  from attempts
                 where outcome = 'open' and opened_at < clock_timestamp() - interval '1 hour') as old_open_attempts,
               exists (select from vault_keys offset 0) as has_vault_keys
        """)
    private static let moreDue = Statement(
        "operator.is_more_due",
        """
        select (select count(*)
                  from (select from subscriptions s
                         where s.account_id = a.account_id and s.set_aside_reason is null
                           and s.next_billing_date <= business_date(a) + a.invoice_lead_days
                         limit $2 + 1) s)
               + (select count(*)
                    from (select from collections k
                           where k.account_id = a.account_id and k.state = 'due' and k.collect_on <= business_date(a)
                           limit $2 + 1) k) > $2
          from merchant_accounts a
         where a.account_id = $1
        """)
    private static let setAsideOnes = Statement(
        "operator.set_aside",
        """
        select account_id, customer_id, subscription_id, set_aside_reason, set_aside_times,
               to_char(set_aside_until at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS')
          from subscriptions
         where set_aside_reason is not null
         order by account_id, subscription_id
         limit $1
        """)
    private static let longOpen = Statement(
        "operator.long_open_attempts",
        """
        select account_id, customer_id, transaction_id, kind, amount,
               to_char(opened_at at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS'), look_ups,
               to_char(next_look_up at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS')
          from attempts
         where outcome = 'open' and opened_at < clock_timestamp() - interval '1 hour'
         order by opened_at, account_id, transaction_id
         limit $1
        """)
    private static let findSandbox = Statement(
        "operator.find_sandbox", "select to_regclass('sandbox.movement') is not null")
    /// The checks read whole tables, once: planned for that, until the end of their transaction.
    static let planForAll = Statement(
        "operator.plan_for_all",
        """
        select set_config('enable_seqscan', 'on', true), set_config('plan_cache_mode', 'force_custom_plan', true)
        """)
    private static let checkBooks = Statement("operator.check_books", Invariants.books)
    private static let checkSandbox = Statement("operator.check_sandbox", Invariants.sandbox)

    /// Counts what waits for an operator. As the owner, who sees all accounts.
    public func oversight() throws -> Oversight {
        let row = try connection.rows(Self.oversight)[0]
        return Oversight(
            setAside: Int(row.int(0)), oldOpenAttempts: Int(row.int(1)), hasVaultKeys: row.bool(2))
    }

    /// Whether more than so many bills and collections of a merchant account are due. As the owner.
    public func isMoreDue(account: Int64, than count: Int) throws -> Bool {
        try connection.rows(Self.moreDue, [.int(account), .int(Int64(count))]).first?.bool(0) ?? false
    }

    /// The subscriptions that are set aside, by account and number; of more than `limit` the first ones.
    public func setAsideSubscriptions(limit: Int) throws -> [SetAsideSubscription] {
        try connection.rows(Self.setAsideOnes, [.int(Int64(limit))]).map { row in
            SetAsideSubscription(
                account: row.int(0), customer: row.int(1), subscription: row.int(2), reason: row.text(3),
                times: Int(row.int(4)), until: row.text(5))
        }
    }

    /// The attempts whose outcome has been unknown for more than an hour, oldest first; of more than `limit` the first ones.
    public func longOpenAttempts(limit: Int) throws -> [LongOpenAttempt] {
        try connection.rows(Self.longOpen, [.int(Int64(limit))]).map { row in
            LongOpenAttempt(
                account: row.int(0), customer: row.int(1), transaction: row.int(2), kind: row.text(3),
                amount: row.int(4), opened: row.text(5), lookUps: Int(row.int(6)), nextLookUp: row.text(7))
        }
    }

    /// The IANA names of the time zones that the database knows.
    public func timeZones() throws -> [String] {
        try connection.rows(PostgresStore.zones).map { $0.text(0) }
    }

    /// Checks the rules of the books in all accounts; reads everything, so it may take long. Empty: all is well.
    public func brokenInvariants() throws -> [BrokenInvariant] {
        connection.enqueue(Self.planForAll, [])
        return try connection.rows(Self.checkBooks).map { Self.invariant($0) }
    }

    /// Compares the books with the sandbox processor's own, both ways; empty where it keeps none in this database.
    ///
    /// Charges whose attempts are under way are not among them.
    public func brokenSandboxInvariants() throws -> [BrokenInvariant] {
        guard try connection.rows(Self.findSandbox)[0].bool(0) else { return [] }
        connection.enqueue(Self.planForAll, [])
        return try connection.rows(Self.checkSandbox).map { Self.invariant($0) }
            .filter { $0.name != "charge_not_settled_yet" }
    }

    static func invariant(_ row: Row) -> BrokenInvariant {
        BrokenInvariant(name: row.text(0), account: row.int(1), detail: row.text(2))
    }
}
