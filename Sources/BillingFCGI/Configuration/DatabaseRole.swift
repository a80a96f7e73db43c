import Postgres

/// As whom a process connects, and with which limits of time (design/reliability).
enum DatabaseRole: String, CaseIterable {
    /// Owns the schema: migrations, merchant accounts, service users.
    case owner
    /// The workers.
    case api
    /// The jobs processes.
    case jobs
    /// People and reports.
    case readonly
    /// The sandbox processor, an outside system that happens to live in our database.
    case sandbox

    /// The name of the role in PostgreSQL.
    var user: String { "billing_\(rawValue)" }

    /// Longest run of one statement, in seconds: reports 20, billing 60, all else 5.
    fileprivate var statementSeconds: Int {
        switch self {
        case .api, .sandbox: 5
        case .readonly: 20
        case .owner, .jobs: 60
        }
    }
}

extension Configuration {
    /// How to connect as a role.
    ///
    /// The role is the user, unless ``databaseURL`` names one itself. The application name that PostgreSQL shows is
    /// `billing` and `process`, for example `billing worker 3`; without it the role's name.
    ///
    /// - Parameter statementSeconds: longest run of one statement where it is not the role's own: the pool `long`.
    func connection(
        as role: DatabaseRole, for process: String? = nil, statementSeconds: Int? = nil
    ) -> ConnectionSettings {
        let seconds = statementSeconds ?? role.statementSeconds
        let url = role == .sandbox ? sandboxDatabaseURL ?? databaseURL : databaseURL
        var settings = ConnectionSettings(
            url, applicationName: "billing \(process ?? role.rawValue)", statementTimeout: seconds * 1_000,
            networkTimeout: (seconds + 3) * 1_000, defaultUser: role.user)
        // A jobs process that was stopped in a pass keeps nobody from moving the account's clock for longer.
        if role == .jobs { settings.runtimeSettings.append((name: "idle_session_timeout", value: "60s")) }
        return settings
    }

    /// How the sandbox processor connects.
    var sandboxConnection: ConnectionSettings { connection(as: .sandbox) }
}
