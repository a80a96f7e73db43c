internal import Postgres

/// Takes over a processor's book into a session of ours, for ``OperatorStore/brokenSandboxInvariants(copying:)``.
public struct ProcessorBookCopy {
    private let connection: Connection

    /// Tables of this session only, in the shape of the sandbox's own as far as the comparison reads them.
    private static let tables = [
        Statement(
            "operator.copy.movements",
            """
            create temporary table movement (account bigint, key text, kind text, amount bigint, code text,
                   approved_amount bigint) on commit preserve rows
            """),
        Statement(
            "operator.copy.notices",
            """
            create temporary table notice (id bigint, account bigint, code text, acknowledged_at timestamptz)
                on commit preserve rows
            """),
    ]
    private static let addMovements = Statement(
        "operator.copy.add_movements",
        """
        insert into pg_temp.movement
        select * from unnest($1::bigint[], $2::text[], $3::text[], $4::bigint[], $5::text[], $6::bigint[])
        """)
    private static let addNotices = Statement(
        "operator.copy.add_notices",
        """
        insert into pg_temp.notice
        select n.id, n.account, n.code, clock_timestamp()
          from unnest($1::bigint[], $2::bigint[], $3::text[]) as n (id, account, code)
        """)

    /// Makes the tables, in the transaction that is open.
    fileprivate init(on connection: Connection) throws {
        self.connection = connection
        for table in Self.tables { try connection.run(table) }
    }

    /// Adds orders: merchant account, key, kind, amount, response code, approved amount.
    public func add(
        movements: [(account: Int64, key: String, kind: String, amount: Int64, code: String, approved: Int64)]
    ) throws {
        try connection.run(
            Self.addMovements,
            [
                .ints(movements.map { $0.account }), .texts(movements.map { $0.key }),
                .texts(movements.map { $0.kind }), .ints(movements.map { $0.amount }),
                .texts(movements.map { $0.code }), .ints(movements.map { $0.approved }),
            ])
    }

    /// Adds notices that were acknowledged: number, merchant account, code.
    public func add(acknowledged: [(id: Int64, account: Int64, code: String)]) throws {
        try connection.run(
            Self.addNotices,
            [
                .ints(acknowledged.map { $0.id }), .ints(acknowledged.map { $0.account }),
                .texts(acknowledged.map { $0.code }),
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
