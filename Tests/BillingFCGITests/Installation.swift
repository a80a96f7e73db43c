import Glibc
import Interchange
import Postgres
import TestSupport
import Testing

/// A folder with a configuration, and a database with the roles of production, for the program as operators start it.
final class Installation {
    let folder: TemporaryFolder
    /// The database as superuser, to look and to break things.
    let administration: String
    /// The same without a user: each process connects as its own role.
    let database: String

    static let roles = [
        "billing_owner", "billing_api", "billing_jobs", "billing_readonly", "billing_sandbox",
    ]

    /// An installation with an empty database, or one that `billing migrate` has brought up to date.
    init(migrated: Bool = true) throws {
        let server = try PrivateServer.shared
        folder = try TemporaryFolder()
        let template =
            migrated
            ? try server.template("billing command") { database in
                try Self.prepare(database)
                let key = try TemporaryFolder()
                let made = try Self.run(
                    ["migrate"],
                    [
                        "BILLING_DATABASE_URL=\(Self.withoutUser(database))",
                        "BILLING_KEY_FILE=\(key.path)/vault.key",
                    ])
                guard made.status == 0 else { throw SetupFailure(made.errors) }
            } : nil
        administration = try server.createDatabase(template: template)
        database = Self.withoutUser(administration)
        try Self.prepare(administration)
    }

    /// The same with a vault key that the run user owns, in a folder that he reaches.
    func withKey() throws -> Installation {
        _ = try document("migrate")
        if geteuid() == 0, let entry = getpwnam("postgres") {
            for path in [folder.path, "\(folder.path)/vault.key"] {
                #expect(chown(path, entry.pointee.pw_uid, entry.pointee.pw_gid) == 0)
            }
        }
        return self
    }

    /// What the program is told when nothing else is said.
    var settings: [String: String] {
        [
            "BILLING_DATABASE_URL": database, "BILLING_KEY_FILE": "\(folder.path)/vault.key",
            "BILLING_SOCKET": "\(folder.path)/main.sock", "BILLING_LONG_SOCKET": "\(folder.path)/long.sock",
            "BILLING_WORKERS": "1", "BILLING_LONG_WORKERS": "1", "BILLING_RUN_USER": "postgres",
        ]
    }

    /// Runs a command to its end.
    @discardableResult
    func billing(_ arguments: String..., changing changes: [String: String] = [:]) throws -> Subprocess.Output
    {
        try Self.run(arguments, environment(changes))
    }

    /// Runs a command that must succeed, and reads the document it answers with.
    func document(_ arguments: String...) throws -> Value {
        let answer = try Self.run(arguments + ["--json"], environment([:]))
        #expect(answer.status == 0, "\(arguments): \(answer.errors)")
        #expect(answer.errors == "")
        return try Self.read(answer.output)
    }

    /// The settings as environment.
    func environment(_ changes: [String: String]) -> [String] {
        settings.merging(changes) { $1 }.map { "\($0.key)=\($0.value)" }
    }

    /// Runs SQL as superuser, past all rules.
    func administer(_ sql: String) throws {
        let connection = try Connection(
            ConnectionSettings(administration, runtimeSettings: [(name: "search_path", value: "billing")]))
        defer { connection.close() }
        try connection.script(sql)
    }

    /// The text of a json document.
    static func read(_ text: String) throws -> Value {
        guard case .value(let value) = try Body(reading: Array(text.utf8), as: .json).content else {
            throw SetupFailure("no json: \(text)")
        }
        return value
    }

    /// The program, beside the tests.
    static let program: String = {
        var path = [UInt8](repeating: 0, count: 4096)
        let count = path.withUnsafeMutableBytes {
            readlink("/proc/self/exe", $0.baseAddress!.assumingMemoryBound(to: CChar.self), 4096)
        }
        let tests = String(decoding: path[..<max(0, count)], as: UTF8.self)
        return String(tests[..<(tests.lastIndex(of: "/") ?? tests.startIndex)]) + "/billing"
    }()

    /// Runs the program with nothing in its environment but this.
    static func run(_ arguments: [String], _ environment: [String]) throws -> Subprocess.Output {
        try Subprocess.run(program, arguments, environment: environment)
    }

    private static func prepare(_ database: String) throws {
        let administrator = try Connection(ConnectionSettings(database))
        defer { administrator.close() }
        let name = database.split(separator: "=").last.map(String.init) ?? ""
        for role in roles {
            try administrator.script(
                """
                do $$ begin create role \(role) login;
                exception when duplicate_object or unique_violation then null; end $$
                """)
        }
        try administrator.script("alter database \(name) owner to billing_owner")
    }

    private static func withoutUser(_ database: String) -> String {
        database.split(separator: " ").filter { !$0.hasPrefix("user=") }.joined(separator: " ")
    }
}
