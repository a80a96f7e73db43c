internal import Postgres

/// An order in a processor's book, as ``ProcessorBookCopy`` takes it over.
public struct CopiedMovement: Sendable {
    /// The processor's own number of it.
    public var id: Int64
    public var account: Int64
    public var key: String
    public var kind: String
    public var amount: Int64
    public var currency: String
    public var accountType: String
    public var maskedNumber: String
    /// The key of what a refund or void gives back.
    public var originalKey: String?
    public var code: String
    public var approvalCode: String?
    public var approvedAmount: Int64
    /// Of that: refunded or voided since.
    public var givenBack: Int64

    /// As the processor has it.
    public init(
        id: Int64, account: Int64, key: String, kind: String, amount: Int64, currency: String,
        accountType: String, maskedNumber: String, originalKey: String?, code: String, approvalCode: String?,
        approvedAmount: Int64, givenBack: Int64
    ) {
        self.id = id
        self.account = account
        self.key = key
        self.kind = kind
        self.amount = amount
        self.currency = currency
        self.accountType = accountType
        self.maskedNumber = maskedNumber
        self.originalKey = originalKey
        self.code = code
        self.approvalCode = approvalCode
        self.approvedAmount = approvedAmount
        self.givenBack = givenBack
    }
}

/// A notice in a processor's book, as ``ProcessorBookCopy`` takes it over.
public struct CopiedNotice: Sendable {
    /// The processor's own number of it.
    public var id: Int64
    public var account: Int64
    /// The number of the order that it is about.
    public var movement: Int64
    public var code: String
    public var amount: Int64
    /// In days since 1970.
    public var day: Int32
    public var isAcknowledged: Bool

    /// As the processor has it.
    public init(
        id: Int64, account: Int64, movement: Int64, code: String, amount: Int64, day: Int32,
        isAcknowledged: Bool
    ) {
        self.id = id
        self.account = account
        self.movement = movement
        self.code = code
        self.amount = amount
        self.day = day
        self.isAcknowledged = isAcknowledged
    }
}

/// Takes over a processor's book into a session of ours, for ``OperatorStore/brokenSandboxInvariants(copying:)``.
public struct ProcessorBookCopy {
    private let connection: Connection

    /// Tables of this session only, in the shape of the sandbox's own as far as the comparison reads them.
    private static let tables = [
        Statement(
            "operator.copy.movements",
            """
            create temporary table movement (id bigint, account bigint, key text, kind text, amount bigint, currency text,
                   account_type text, masked_number text, original_key text, code text, approval_code text,
                   approved_amount bigint, given_back bigint) on commit preserve rows
            """),
        Statement(
            "operator.copy.notices",
            """
            create temporary table notice (id bigint, account bigint, movement_id bigint, code text, amount bigint, date date,
                   acknowledged_at timestamptz) on commit preserve rows
            """),
    ]
    private static let addMovements = Statement(
        "operator.copy.add_movements",
        """
        insert into pg_temp.movement
        select * from unnest($1::bigint[], $2::bigint[], $3::text[], $4::text[], $5::bigint[], $6::text[], $7::text[],
                             $8::text[], $9::text[], $10::text[], $11::text[], $12::bigint[], $13::bigint[])
        """)
    private static let addNotices = Statement(
        "operator.copy.add_notices",
        """
        insert into pg_temp.notice
        select n.id, n.account, n.movement, n.code, n.amount, n.day, case when n.is_acknowledged then clock_timestamp() end
          from unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::text[], $5::bigint[], $6::date[], $7::boolean[])
               as n (id, account, movement, code, amount, day, is_acknowledged)
        """)

    /// Makes the tables, in the transaction that is open.
    fileprivate init(on connection: Connection) throws {
        self.connection = connection
        for table in Self.tables { try connection.run(table) }
    }

    /// Adds orders.
    public func add(_ movements: [CopiedMovement]) throws {
        try connection.run(
            Self.addMovements,
            [
                .ints(movements.map(\.id)), .ints(movements.map(\.account)), .texts(movements.map(\.key)),
                .texts(movements.map(\.kind)), .ints(movements.map(\.amount)),
                .texts(movements.map(\.currency)), .texts(movements.map(\.accountType)),
                .texts(movements.map(\.maskedNumber)), .optionalTexts(movements.map(\.originalKey)),
                .texts(movements.map(\.code)), .optionalTexts(movements.map(\.approvalCode)),
                .ints(movements.map(\.approvedAmount)), .ints(movements.map(\.givenBack)),
            ])
    }

    /// Adds notices, acknowledged or not.
    public func add(_ notices: [CopiedNotice]) throws {
        try connection.run(
            Self.addNotices,
            [
                .ints(notices.map(\.id)), .ints(notices.map(\.account)), .ints(notices.map(\.movement)),
                .texts(notices.map(\.code)), .ints(notices.map(\.amount)), .dates(notices.map(\.day)),
                .bools(notices.map(\.isAcknowledged)),
            ])
    }
}

extension OperatorStore {
    private static let oneSnapshot = Statement(
        "operator.one_snapshot", "set transaction isolation level repeatable read")
    private static let takeSnapshot = Statement(
        "operator.take_snapshot", "select count(*) from merchant_accounts")
    private static let compareCopy = Statement("operator.check_sandbox_copy", Invariants.sandboxCopy)

    /// Compares the books with the book of a sandbox processor that lives in another database, both ways.
    ///
    /// Business goes on meanwhile, and two databases have no common moment. So the books are read twice: as they were before
    /// the processor's book was copied, and as they are afterwards. What the processor did in between is strange in the first
    /// reading only, what was settled in between in the second only; a violation is what both show.
    ///
    /// - Parameter copy: hands over the processor's whole book as it is when this is called.
    public func brokenSandboxInvariants(
        copying copy: (ProcessorBookCopy) throws -> Void
    ) throws -> [BrokenInvariant] {
        let before = try connection.transaction {
            connection.enqueue(Self.oneSnapshot, [])
            try connection.run(Self.takeSnapshot)
            try copy(ProcessorBookCopy(on: connection))
            return try compared()
        }
        guard !before.isEmpty else { return [] }
        let afterwards = Set(try compared())
        return before.filter(afterwards.contains)
    }

    private func compared() throws -> [BrokenInvariant] {
        connection.enqueue(Self.planForAll, [])
        return try connection.rows(Self.compareCopy).map { Self.invariant($0) }
            .filter { $0.name != "charge_not_settled_yet" }
    }
}
