import Glibc
import Logging
import Pool

extension Setting {
    /// Every setting of the program, in the order in which `check-config` shows them.
    static let table: [Setting] = [
        Setting(
            "BILLING_DATABASE_URL", .text, default: "dbname=billing", isSecret: true,
            "The database, as keywords and values or as a URI of libpq. Without a user in it each process "
                + "connects as its own role: billing_owner, billing_api, billing_jobs, billing_readonly."),
        Setting(
            "BILLING_SANDBOX_DATABASE_URL", .text, default: "", isSecret: true,
            "The database of the built-in sandbox processor. Without it, that of BILLING_DATABASE_URL."),
        Setting(
            "BILLING_SOCKET", .address, default: "/run/billing/billing.sock",
            "Where `billing serve` listens for nginx: a Unix socket, or host:port on a closed network."),
        Setting(
            "BILLING_LONG_SOCKET", .address, default: "/run/billing/billing-long.sock",
            "The same for requests that may take long: moving a clock, reports, exports."),
        Setting(
            "BILLING_WORKERS", .integer(1...mostWorkers), default: String(min(2 * cores, mostWorkers)),
            unit: "processes",
            "Workers for ordinary requests; by default two for each core."),
        Setting(
            "BILLING_LONG_WORKERS", .integer(1...mostWorkers), default: "2", unit: "processes",
            "Workers for requests that may take long. Together with BILLING_WORKERS at most \(mostWorkers)."),
        Setting(
            "BILLING_RUN_USER", .text, default: "billing",
            "The unprivileged user that processes become when they are started as root."),
        Setting(
            "BILLING_KEY_FILE", .path, default: keyFile,
            "The vault's key file, mode 0600; by default vault.key of the systemd credentials, else "
                + "/etc/billing/vault.key."),
        Setting(
            "BILLING_PUBLIC_URL", .url, default: "https://localhost:8443",
            "Where callers reach the server, without /api/v01."),
        Setting(
            "BILLING_LOG_LEVEL", .word(Logger.Level.allCases.map(\.rawValue)), default: "info",
            "Records below this level are not written."),
        Setting(
            "BILLING_BODY_LIMIT", .integer(1_024...67_108_864), default: "1048576", unit: "bytes",
            "Longest accepted request body."),
        Setting(
            "BILLING_REQUEST_DEADLINE", .seconds(1...3_600), default: "20", unit: "seconds",
            "After this long in one request a worker is ended and replaced."),
        Setting(
            "BILLING_LONG_REQUEST_DEADLINE", .seconds(1...86_400), default: "900", unit: "seconds",
            "The same for workers of BILLING_LONG_SOCKET."),
        Setting(
            "BILLING_JOBS_INTERVAL", .seconds(0...3_600), default: "1", unit: "seconds",
            "How long a jobs process rests when it finds nothing to do: what falls due at midnight is billed at most so much later."
        ),
        Setting(
            "BILLING_MISSED_BILL_MINUTES", .integer(1...1_440), default: "5", unit: "minutes",
            "A bill that is overdue for longer, without a reason, counts as missed: /readyz turns red."),
        Setting(
            "BILLING_CREDENTIAL_SECONDS", .integer(0...3_600), default: "60", unit: "seconds",
            "How long a worker remembers a verified password; 0 verifies each request anew."),
        Setting(
            "BILLING_TEMPORARY_PASSWORD_MINUTES", .integer(1...1_440), default: "60", unit: "minutes",
            "How long a temporary password from ~authenticate holds."),
        Setting(
            "BILLING_FAILED_LOGINS", .integer(2...1_000_000), default: "10", unit: "logins",
            "Wrong passwords of a service user from one address, none older than half an hour before the next, "
                + "that block further tries from there for half an hour."),
        Setting(
            "BILLING_LIVE_REQUESTS", .integer(0...1_000_000), default: "200", unit: "requests/second",
            "How many requests a service user may send that sees a live account, at each pool of workers; "
                + "0 for any number."),
        Setting(
            "BILLING_SANDBOX_REQUESTS", .integer(0...1_000_000), default: "0", unit: "requests/second",
            "The same for a service user that sees sandbox accounts only."),
    ]

    /// Names that the stack script and the tests use: no settings of the program, and no mistakes either.
    static let foreign: Set<String> = [
        "BILLING_RUN_DIR", "BILLING_CONFIG_FILE", "BILLING_PORT", "BILLING_BINARY", "BILLING_DOCS_DIR",
        "BILLING_READY_SECONDS", "BILLING_URL", "BILLING_USER", "BILLING_PASSWORD", "BILLING_ACCOUNT_ID",
        "BILLING_CA",
    ]

    /// Whether a name of the environment is none of the program's business.
    static func isForeign(_ name: String) -> Bool {
        !name.hasPrefix("BILLING_") || foreign.contains(name) || name.hasPrefix("BILLING_TEST_")
    }

    /// Most workers of all pools together: half of the scoreboard, so that a reload finds room for replacements.
    static let mostWorkers = Scoreboard.slotCount / 2

    private static let cores = max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN)))

    private static var keyFile: String {
        if let folder = getenv("CREDENTIALS_DIRECTORY") {
            let path = String(cString: folder) + "/vault.key"
            if path.hasPrefix("/"), access(path, F_OK) == 0 { return path }
        }
        return "/etc/billing/vault.key"
    }
}

extension String {
    /// Whether this names a socket or a port to listen on.
    var isListenAddress: Bool { ListenAddress(self) != nil }
}
