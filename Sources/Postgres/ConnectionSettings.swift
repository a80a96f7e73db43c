/// How to reach a database, and the limits that hold on the connection.
///
/// Inner limits are shorter than outer ones (design/reliability): lock 2 s < statement 5 s < network 8 s <
/// request 20 s. Zero switches a limit off.
public struct ConnectionSettings: Sendable {
    /// libpq's keyword/value string or URI. May hold a password: it never shows up in a failure.
    public var connectionString: String

    /// The role to connect as where the connection string names no user; nil leaves that to libpq.
    public var defaultUser: String?

    /// What `pg_stat_activity` shows: the role and number of the process.
    public var applicationName: String

    /// Longest run of one statement, in milliseconds.
    public var statementTimeout: Int

    /// Longest wait for one lock, in milliseconds.
    public var lockTimeout: Int

    /// Longest idling inside a transaction, in milliseconds: then the server ends the connection.
    public var idleInTransactionTimeout: Int

    /// Longest time to get connected, in seconds, whatever number of hosts is tried.
    public var connectTimeout: Int

    /// Longest wait for the answers of one round trip, in milliseconds. Catches a frozen server and a dead
    /// network; after it the connection is broken. Longer than ``statementTimeout``.
    public var networkTimeout: Int

    /// Further run-time settings of the session (`work_mem`, `search_path` …), sent at connect time.
    public var runtimeSettings: [(name: String, value: String)]

    /// Settings with the limits of a worker.
    public init(
        _ connectionString: String, applicationName: String = "billing", statementTimeout: Int = 5_000,
        lockTimeout: Int = 2_000, idleInTransactionTimeout: Int = 10_000, connectTimeout: Int = 5,
        networkTimeout: Int = 8_000, defaultUser: String? = nil,
        runtimeSettings: [(name: String, value: String)] = []
    ) {
        self.connectionString = connectionString
        self.defaultUser = defaultUser
        self.applicationName = applicationName
        self.statementTimeout = statementTimeout
        self.lockTimeout = lockTimeout
        self.idleInTransactionTimeout = idleInTransactionTimeout
        self.connectTimeout = connectTimeout
        self.networkTimeout = networkTimeout
        self.runtimeSettings = runtimeSettings
    }

    /// The server's command-line options that set the session up in the start packet, without a round trip.
    ///
    /// What the connection string brings itself comes first, so that the settings here win. The time zone of the
    /// session is UTC unless ``runtimeSettings`` says otherwise: no result depends on the server's place.
    func serverOptions(after given: String) -> String {
        var settings: [(String, String)] = [
            ("TimeZone", "UTC"),
            ("statement_timeout", String(statementTimeout)),
            ("lock_timeout", String(lockTimeout)),
            ("idle_in_transaction_session_timeout", String(idleInTransactionTimeout)),
        ]
        settings += runtimeSettings.map { ($0.name, $0.value) }
        var options = given
        for (name, value) in settings {
            if !options.isEmpty { options += " " }
            options += "-c \(name)="
            for scalar in value.unicodeScalars {
                if scalar == " " || scalar == "\\" { options += "\\" }
                options.unicodeScalars.append(scalar)
            }
        }
        return options
    }
}
