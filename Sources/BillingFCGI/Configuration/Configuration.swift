import Glibc
import Interchange
import Logging
import Pool

/// What the program is told from outside (spec 6.4): the environment over a file over defaults, all checked.
struct Configuration {
    /// A setting as it takes effect.
    struct Effective {
        let setting: Setting
        let value: String
        let source: SettingSource
    }

    /// All settings, in the order of ``Setting/table``.
    let effective: [Effective]

    /// Reads this process's environment and its file.
    static func read() throws(ConfigurationRefusal) -> Configuration {
        try read(environment: processEnvironment())
    }

    /// Reads the file that the environment names, and puts the environment over it.
    static func read(environment: [String: String]) throws(ConfigurationRefusal) -> Configuration {
        try Configuration(environment: environment, file: SettingsFile(of: environment))
    }

    /// Merges and checks. Refuses the first unknown name and the first impossible value, in one sentence.
    init(environment: [String: String], file: SettingsFile?) throws(ConfigurationRefusal) {
        for name in environment.keys.sorted() where !Setting.isForeign(name) {
            try Self.requireKnown(name, in: "the environment")
        }
        for (name, _) in file?.values ?? [] where !Setting.foreign.contains(name) {
            try Self.requireKnown(name, in: file?.path ?? "")
        }
        var effective: [Effective] = []
        for setting in Setting.table {
            let found: Effective
            if let value = environment[setting.name] {
                found = Effective(setting: setting, value: value, source: .environment)
            } else if let file, let line = file.values.first(where: { $0.name == setting.name }) {
                found = Effective(setting: setting, value: line.value, source: .file(file.path))
            } else {
                found = Effective(setting: setting, value: setting.defaultValue, source: .builtIn)
            }
            if found.source != .builtIn, let complaint = setting.complaint(about: found.value) {
                let shown = setting.isSecret ? "not possible" : "'\(found.value.prefix(100))'"
                throw ConfigurationRefusal("\(setting.name) (\(found.source)) is \(shown): \(complaint).")
            }
            effective.append(found)
        }
        self.effective = effective
        try checkTogether()
    }

    private static func requireKnown(_ name: String, in place: String) throws(ConfigurationRefusal) {
        let names = Setting.table.map(\.name)
        guard !names.contains(name) else { return }
        let shown = String(name.prefix(64))
        if let meant = NearMiss.of(name, among: names) {
            throw ConfigurationRefusal("\(shown) in \(place) is no setting: did you mean \(meant)?")
        }
        throw ConfigurationRefusal(
            "\(shown) in \(place) is no setting: `billing check-config` lists those there are.")
    }

    /// What no value can break alone.
    private func checkTogether() throws(ConfigurationRefusal) {
        guard workers + longWorkers <= Setting.mostWorkers else {
            throw ConfigurationRefusal(
                "BILLING_WORKERS (\(workers)) and BILLING_LONG_WORKERS (\(longWorkers)) are more than "
                    + "\(Setting.mostWorkers) together: lower one.")
        }
        guard socket != longSocket else {
            throw ConfigurationRefusal(
                "BILLING_SOCKET and BILLING_LONG_SOCKET are both \(socket): give each its own.")
        }
        guard longRequestDeadline >= requestDeadline else {
            throw ConfigurationRefusal(
                "BILLING_LONG_REQUEST_DEADLINE is '\(value("BILLING_LONG_REQUEST_DEADLINE"))': give at least "
                    + "BILLING_REQUEST_DEADLINE, which is \(value("BILLING_REQUEST_DEADLINE")) seconds.")
        }
    }

    private static func processEnvironment() -> [String: String] {
        var values: [String: String] = [:]
        var entry = environ
        while let line = entry.pointee {
            let text = String(cString: line)
            if let equals = text.utf8.firstIndex(of: UInt8(ascii: "=")) {
                values[String(text[..<equals])] = String(text[text.utf8.index(after: equals)...])
            }
            entry += 1
        }
        return values
    }

    private func value(_ name: String) -> String {
        guard let found = effective.first(where: { $0.setting.name == name }) else {
            preconditionFailure("no setting \(name) is described")
        }
        return found.value
    }

    private func integer(_ name: String) -> Int {
        guard let number = Setting.integer(value(name)) else {
            preconditionFailure("\(name) was not checked")
        }
        return number
    }

    private func duration(_ name: String) -> Duration {
        guard let number = Setting.milliseconds(value(name)) else {
            preconditionFailure("\(name) was not checked")
        }
        return .milliseconds(number)
    }

    private func address(_ name: String) -> ListenAddress {
        guard let address = ListenAddress(value(name)) else { preconditionFailure("\(name) was not checked") }
        return address
    }
}

/// The settings by name and type.
extension Configuration {
    /// libpq's keywords and values or URI. May hold a password: never shown.
    var databaseURL: String { value("BILLING_DATABASE_URL") }
    /// The same for the sandbox processor's own connection; nil where it uses ``databaseURL``.
    var sandboxDatabaseURL: String? {
        let given = value("BILLING_SANDBOX_DATABASE_URL")
        return given.isEmpty ? nil : given
    }
    /// Where ordinary requests arrive.
    var socket: ListenAddress { address("BILLING_SOCKET") }
    /// Where requests arrive that may take long.
    var longSocket: ListenAddress { address("BILLING_LONG_SOCKET") }
    /// Workers of the pool `main`.
    var workers: Int { integer("BILLING_WORKERS") }
    /// Workers of the pool `long`.
    var longWorkers: Int { integer("BILLING_LONG_WORKERS") }
    /// The user to become when started as root.
    var runUser: String { value("BILLING_RUN_USER") }
    /// The vault's key file.
    var keyFile: String { value("BILLING_KEY_FILE") }
    /// Where callers reach the server; no slash at the end.
    var publicURL: String {
        var url = value("BILLING_PUBLIC_URL")
        while url.hasSuffix("/") { url.removeLast() }
        return url
    }
    /// Records below this level are dropped.
    var logLevel: Logger.Level {
        guard let level = Logger.Level(rawValue: value("BILLING_LOG_LEVEL")) else {
            preconditionFailure("BILLING_LOG_LEVEL was not checked")
        }
        return level
    }
    /// Longest accepted request body, bytes.
    var bodyLimit: Int { integer("BILLING_BODY_LIMIT") }
    /// Longest request of the pool `main`.
    var requestDeadline: Duration { duration("BILLING_REQUEST_DEADLINE") }
    /// Longest request of the pool `long`.
    var longRequestDeadline: Duration { duration("BILLING_LONG_REQUEST_DEADLINE") }
    /// How long a jobs process rests when it finds nothing to do.
    var jobsInterval: Duration { duration("BILLING_JOBS_INTERVAL") }
    /// After how many minutes a bill that was not made counts as missed.
    var missedBillMinutes: Int { integer("BILLING_MISSED_BILL_MINUTES") }
    /// How many seconds a worker remembers a verified password.
    var credentialSeconds: Int { integer("BILLING_CREDENTIAL_SECONDS") }
    /// How many minutes a temporary password holds.
    var temporaryPasswordMinutes: Int { integer("BILLING_TEMPORARY_PASSWORD_MINUTES") }
    /// How many wrong passwords of a service user from one address block it.
    var failedLogins: Int { integer("BILLING_FAILED_LOGINS") }
    /// Requests a second of a service user that sees a live account; 0 for any number.
    var liveRequests: Int { integer("BILLING_LIVE_REQUESTS") }
    /// Requests a second of a service user that sees sandbox accounts only; 0 for any number.
    var sandboxRequests: Int { integer("BILLING_SANDBOX_REQUESTS") }
}
