public import Postgres

/// What the sandbox's book says of one order, for comparing it with ours.
public struct SandboxEntry: Hashable, Sendable {
    /// The sandbox's own number of it, ascending.
    public var id: Int64
    public var account: Int64
    /// The attempt's key.
    public var key: String
    /// `payment`, `claim`, `refund` or `void`.
    public var kind: String
    /// What was asked for, in minor units.
    public var amount: Int64
    /// The first answer's code (spec 3.8).
    public var code: String
    /// What moved, in minor units; 0 where it was declined.
    public var approvedAmount: Int64
}

/// A notice that the sandbox believes to be in our books.
public struct SandboxAcknowledgement: Hashable, Sendable {
    /// The sandbox's own number of it, ascending.
    public var id: Int64
    public var account: Int64
    /// `Z02` or an `N` code (spec 3.8).
    public var code: String
}

/// The sandbox's book as it is at one moment, read page by page; all merchant accounts.
public final class SandboxCopy {
    private let connection: Connection

    private static let snapshot = Statement(
        "sandbox.snapshot", "set transaction isolation level repeatable read, read only")
    private static let entries = Statement(
        "sandbox.copy_movements",
        """
        select id, account, key, kind, amount, code, approved_amount
        from sandbox.movement
        where id > $1::bigint
        order by id
        limit $2::bigint
        """)
    private static let acknowledgements = Statement(
        "sandbox.copy_notices",
        """
        select id, account, code
        from sandbox.notice
        where id > $1::bigint
        and acknowledged_at is not null
        order by id
        limit $2::bigint
        """)

    /// The book that these settings reach, as it is now.
    public init(_ settings: ConnectionSettings) throws(DatabaseFailure) {
        connection = try Connection(settings)
        connection.begin()
        try connection.run(Self.snapshot)
    }

    /// The orders behind this number, by number; at most `limit`.
    public func entries(after id: Int64, limit: Int) throws(DatabaseFailure) -> [SandboxEntry] {
        try connection.rows(Self.entries, [.int(id), .int(Int64(limit))]).map { row in
            SandboxEntry(
                id: row.int(0), account: row.int(1), key: row.text(2), kind: row.text(3), amount: row.int(4),
                code: row.text(5), approvedAmount: row.int(6))
        }
    }

    /// The acknowledged notices behind this number, by number; at most `limit`.
    public func acknowledgements(
        after id: Int64, limit: Int
    ) throws(DatabaseFailure) -> [SandboxAcknowledgement] {
        try connection.rows(Self.acknowledgements, [.int(id), .int(Int64(limit))]).map { row in
            SandboxAcknowledgement(id: row.int(0), account: row.int(1), code: row.text(2))
        }
    }

    /// Closes the connection.
    public func close() { connection.close() }
}
