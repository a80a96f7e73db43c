/// Trouble with the database: what the server refused, or a connection that is gone.
///
/// Holds names and codes, never values: PostgreSQL's DETAIL and CONTEXT lines quote rows and are left out, and
/// quoted input in messages about bad values (SQLSTATE class 22) is blanked.
public struct DatabaseFailure: Error, Sendable, Equatable, CustomStringConvertible {
    /// What the caller can do about it.
    public enum Kind: Sendable, Equatable {
        /// No connection came about: server down, starting or stopping (57P03), wrong name or password.
        case cannotConnect
        /// The server has no free connection (53300).
        case tooManyConnections
        /// The connection is gone, and nothing of the open transaction, or of the changes that went out
        /// together outside one, took place.
        case connectionLost
        /// The connection was lost between COMMIT and its answer: done or not done, only a look tells. Also for
        /// changes sent without `begin`, which the end of their round trip commits.
        case outcomeUnknown
        /// The statement ran longer than allowed, or was cancelled (57014).
        case timeout
        /// A lock was not to be had in time (55P03).
        case lockTimeout
        /// Deadlock or serialization failure (40P01, 40001): the whole transaction may be tried again.
        case serialization
        /// A constraint refused (class 23). Its name; for a missing value `table_column_not_null`.
        case constraint(String)
        /// The server's disk is full (53100).
        case diskFull
        /// The server, or the session, only reads (25006).
        case readOnly
        /// Anything else: mostly a fault of the program.
        case other
    }

    /// What the caller can do about it.
    public let kind: Kind

    /// The server's SQLSTATE; nil when the failure arose on this side.
    public let sqlState: String?

    /// The constraint that refused, as named in the schema.
    public let constraint: String?

    /// The table concerned, where the server names one.
    public let table: String?

    /// The name of the ``Statement`` that failed; nil for scripts and failures between statements.
    public let statement: String?

    /// The server's primary message, or ours. Free of values and passwords.
    public let message: String

    /// Describes a failure.
    public init(
        _ kind: Kind, sqlState: String? = nil, constraint: String? = nil, table: String? = nil,
        statement: String? = nil, message: String
    ) {
        self.kind = kind
        self.sqlState = sqlState
        self.constraint = constraint
        self.table = table
        self.statement = statement
        self.message = message
    }

    /// Whether the connection is of no use any more: close it and make a new one.
    public var connectionIsGone: Bool {
        switch kind {
        case .cannotConnect, .tooManyConnections, .connectionLost, .outcomeUnknown: true
        default: false
        }
    }

    /// Whether the same transaction, tried again from its beginning, may well succeed, and nothing of this try
    /// took place.
    public var isWorthRetrying: Bool { kind == .serialization || kind == .connectionLost }

    /// One line for the log.
    public var description: String {
        var line = message
        if let statement { line = "\(statement): \(line)" }
        if let sqlState { line += " (\(sqlState))" }
        return line
    }

    /// The kind that a SQLSTATE stands for, of a refusal that leaves the connection usable.
    static func kind(of state: String, constraint: String?, table: String?, column: String?) -> Kind {
        switch state {
        case "57014": return .timeout
        case "55P03": return .lockTimeout
        case "40001", "40P01": return .serialization
        case "53300": return .tooManyConnections
        case "53100": return .diskFull
        case "25006": return .readOnly
        case "23502" where constraint == nil:
            return .constraint("\(table ?? "")_\(column ?? "")_not_null")
        default:
            return state.hasPrefix("23") ? .constraint(constraint ?? "") : .other
        }
    }

    /// `text` without what stands between double quotes.
    static func blankingQuotes(_ text: String) -> String {
        var inside = false
        var kept = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            if scalar == "\"" {
                if inside { kept.append("…") }
                kept.append(scalar)
                inside.toggle()
            } else if !inside {
                kept.append(scalar)
            }
        }
        if inside { kept.append("…") }
        return String(kept)
    }
}
