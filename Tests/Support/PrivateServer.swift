internal import Glibc
public import Postgres
internal import Synchronization

/// A PostgreSQL server of the tests' own, on a Unix socket in a temporary folder.
///
/// It ends with the test process, however that ends: a shell watches a pipe to it. With
/// `BILLING_TEST_DATABASE_SERVER` set (libpq's keyword/value form, a superuser) the tests use that server
/// instead, and drop their databases at the end. Running as root, the server runs as `BILLING_TEST_USER`, or as
/// `postgres`.
public final class PrivateServer: Sendable {
    private struct State {
        var guardian: Guardian?
        var databases: [String] = []
        var templates: [String: String] = [:]
        var number = 0
    }

    private let cluster: Cluster?
    private let server: String
    private let state = Mutex(State())

    private static let one = Mutex<PrivateServer?>(nil)

    /// The server of this test process, started at first use.
    public static var shared: PrivateServer {
        get throws {
            try one.withLock { kept in
                if let kept { return kept }
                let server = try PrivateServer(
                    external: getenv("BILLING_TEST_DATABASE_SERVER").map { String(cString: $0) })
                kept = server
                atexit { PrivateServer.one.withLock { $0?.end() } }
                return server
            }
        }
    }

    /// Starts a server for one test, to stop and crash at will.
    public convenience init() throws { try self.init(external: nil) }

    private init(external: String?) throws {
        if let external {
            cluster = nil
            server = external
        } else {
            let cluster = try Cluster()
            self.cluster = cluster
            server = "host=\(cluster.folder) user=postgres"
            try start()
        }
    }

    deinit { end() }

    /// How to reach the server's own database `postgres`, as superuser.
    public var administration: ConnectionSettings {
        ConnectionSettings(
            "\(server) dbname=postgres", applicationName: "tests", statementTimeout: 60_000,
            networkTimeout: 120_000)
    }

    /// The file that the server logs to; nil for a server that was given.
    public var logFile: String? { cluster?.logFile }

    /// The processes of the server and its sessions; empty for a server that was given.
    public var processes: [Int32] { cluster?.processes ?? [] }

    /// Makes an empty database, or a copy of a template, and gives back its connection string.
    ///
    /// It goes with the server; nothing needs to be cleared away.
    public func createDatabase(template: String? = nil) throws -> String {
        let name = state.withLock { state in
            state.number += 1
            let name = "billing_test_\(getpid())_\(state.number)"
            state.databases.append(name)
            return name
        }
        let administrator = try Connection(administration)
        defer { administrator.close() }
        try administrator.script("create database \(name) template \(template ?? "template0")")
        return "\(server) dbname=\(name)"
    }

    /// The name of a template that `build` fills once in a test process: for ``createDatabase(template:)``.
    ///
    /// `build` gets the connection string and leaves no connection open.
    public func template(_ key: String, build: (String) throws -> Void) throws -> String {
        if let known = state.withLock({ $0.templates[key] }) { return known }
        let database = try createDatabase()
        try build(database)
        // Two suites that come here at once build one each: the last stays.
        let name = String(database.split(separator: "=").last ?? "")
        state.withLock { $0.templates[key] = name }
        return name
    }

    /// Starts the server again, after ``stop(immediately:)`` or ``crash()``, and waits until it answers.
    public func start() throws {
        guard let cluster else { throw SetupFailure("a given server is not started") }
        let guardian = try Guardian(cluster)
        let settings = administration
        var last = ""
        let answers = waitUntil(timeout: 30) {
            do throws(DatabaseFailure) {
                try Connection(settings).close()
                return true
            } catch {
                last = error.description
                return false
            }
        }
        guard answers else {
            guardian.end(.gone)
            throw SetupFailure("the server does not answer: \(last)\n\(readText(cluster.logFile) ?? "")")
        }
        state.withLock { $0.guardian = guardian }
    }

    /// Stops the server, its files stay: by a fast shutdown, which hangs up in order, or an immediate one.
    public func stop(immediately: Bool = false) {
        let guardian = state.withLock { state in
            defer { state.guardian = nil }
            return state.guardian
        }
        guardian?.end(immediately ? .immediate : .fast)
    }

    /// Kills the server's main process (SIGKILL) and waits until its sessions have noticed.
    public func crash() {
        guard let cluster, let main = cluster.mainProcess else { return }
        kill(main, SIGKILL)
        stop(immediately: true)
        _ = waitUntil { cluster.processes.isEmpty }
    }

    /// Ends the server, or drops the databases on one that was given.
    private func end() {
        if cluster == nil, let administrator = try? Connection(administration) {
            for name in state.withLock({ $0.databases }) {
                try? administrator.script("drop database if exists \(name) with (force)")
            }
        }
        let guardian = state.withLock { state in
            defer { state.guardian = nil }
            return state.guardian
        }
        if let guardian {
            guardian.end(.gone)
        } else {
            // Stopped: nobody else is left to remove the files.
            cluster?.remove()
        }
    }
}
