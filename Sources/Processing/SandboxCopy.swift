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
    public var currency: String
    /// `VC`, `BC` …
    public var accountType: String
    public var maskedNumber: String
    /// The key of what a refund or void gives back.
    public var originalKey: String?
    /// Where it was approved.
    public var approvalCode: String?
    /// Of what moved: refunded or voided since.
    public var givenBack: Int64
}

/// What the sandbox reports unasked, or has reported.
public struct SandboxReport: Hashable, Sendable {
    /// The sandbox's own number of it, ascending.
    public var id: Int64
    public var account: Int64
    /// The number of the order that it is about.
    public var entry: Int64
    /// `Z02` or an `N` code (spec 3.8).
    public var code: String
    public var amount: Int64
    /// In days since 1970.
    public var day: Int32
    /// Whether the sandbox believes it to be in our books.
    public var isAcknowledged: Bool
}

/// The sandbox's book as it is at one moment, read page by page; all merchant accounts.
public final class SandboxCopy {
    private let connection: Connection

    private static let snapshot = Statement(
        "sandbox.snapshot", "set transaction isolation level repeatable read, read only")
    private static let entries = Statement(
        "sandbox.copy_movements",
        """
        select id, account, key, kind, amount, code, approved_amount, currency, account_type, masked_number, original_key,
            approval_code, given_back
        from sandbox.movement
        where id > $1::bigint
        order by id
        limit $2::bigint
        """)
    private static let reports = Statement(
        "sandbox.copy_notices",
        """
        select id, account, movement_id, code, amount, date, acknowledged_at is not null
        from sandbox.notice
        where id > $1::bigint
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
                code: row.text(5), approvedAmount: row.int(6), currency: row.text(7),
                accountType: row.text(8), maskedNumber: row.text(9), originalKey: row.optionalText(10),
                approvalCode: row.optionalText(11), givenBack: row.int(12))
        }
    }

    /// The notices behind this number, by number; at most `limit`.
    public func reports(after id: Int64, limit: Int) throws(DatabaseFailure) -> [SandboxReport] {
        try connection.rows(Self.reports, [.int(id), .int(Int64(limit))]).map { row in
            SandboxReport(
                id: row.int(0), account: row.int(1), entry: row.int(2), code: row.text(3),
                amount: row.int(4), day: row.days(5), isAcknowledged: row.bool(6))
        }
    }

    /// Closes the connection.
    public func close() { connection.close() }
}
