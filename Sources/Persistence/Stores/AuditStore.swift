public import Domain
internal import Postgres

/// Who did what, and when: a row of the audit log.
public struct AuditRow: Hashable, Sendable {
    /// Rises with time.
    public var id: Int64
    /// The real clock's instant, in UTC.
    public var at: LocalDateTime
    /// The service user, `operator`, or `billing-run`.
    public var actor: String
    /// The request that did it.
    public var requestID: String
    /// `create`, `modify`, `delete` …
    public var action: String
    /// The class, `payment-option`.
    public var objectType: String
    /// The object's number.
    public var objectID: Int64
}

// The audit log, as the owner of the schema reads it.
extension OperatorStore {
    private static let latest = Statement(
        "operator.audit",
        """
        select n.audit_id, n.at, n.actor, n.request_id, n.action, n.object_type, n.object_id
          from audit_log n
         where n.account_id = $1 and n.audit_id < $2
         order by n.audit_id desc
         limit $3
        """)

    /// An account's latest rows, the latest first.
    ///
    /// - Parameter before: only rows with smaller numbers.
    public func auditRows(of account: Int64, before: Int64?, limit: Int) throws -> [AuditRow] {
        try connection.rows(Self.latest, [.int(account), .int(before ?? .max), .int(Int64(limit))])
            .map { row in
                AuditRow(
                    id: row.int(0), at: row.localDateTime(1), actor: row.text(2), requestID: row.text(3),
                    action: row.text(4), objectType: row.text(5), objectID: row.int(6))
            }
    }
}
