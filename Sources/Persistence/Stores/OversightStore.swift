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
               exists (select from vault_keys) as has_vault_keys
        """)
    private static let findSandbox = Statement(
        "operator.find_sandbox", "select to_regclass('sandbox.movement') is not null")
    /// The checks read whole tables, once: planned for that, until the end of their transaction.
    private static let planForAll = Statement(
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

    private static func invariant(_ row: Row) -> BrokenInvariant {
        BrokenInvariant(name: row.text(0), account: row.int(1), detail: row.text(2))
    }
}
