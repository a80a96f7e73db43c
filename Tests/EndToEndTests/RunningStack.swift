import Glibc
import Synchronization
import TestSupport

/// A whole stack in a temporary folder: PostgreSQL, workers, jobs process, nginx.
///
/// A guard, a shell of its own, starts it and waits for a lock that the test process holds: when that is free, it stops
/// the stack and removes the folder. So nothing outlives the test process, however that ends.
final class RunningStack: Sendable {
    /// The run folder, as in `BILLING_RUN_DIR`.
    let folder: String
    /// nginx's port.
    let port: UInt16
    /// What was secret in this stack's requests so far.
    let secrets = Secrets()

    private let home: TemporaryFolder
    private let state: Mutex<Guard?>
    private let accounts = Mutex(3000)
    private let files = Mutex(0)

    private struct Guard: @unchecked Sendable {
        let shell: Subprocess
        let line: Int32
    }

    private static let one = Mutex<RunningStack?>(nil)

    /// The stack of this test process, started at first use. At the end of the process its books and everything that
    /// it wrote are looked through once more.
    static var shared: RunningStack {
        get throws {
            try one.withLock { kept in
                if let kept { return kept }
                let stack = try RunningStack()
                kept = stack
                atexit { RunningStack.one.withLock { $0?.conclude() } }
                return stack
            }
        }
    }

    /// Starts a stack for one test or suite, to disturb at will.
    ///
    /// - Parameter settings: settings of the program, `BILLING_LIVE_REQUESTS=5`.
    init(workers: Int = 2, settings: [String] = []) throws {
        home = try TemporaryFolder(prefix: "billing-e2e")
        // The stack's unprivileged user has to pass.
        chmod(home.path, 0o755)
        folder = "\(home.path)/run"
        guard mkdir("\(home.path)/calls", 0o700) == 0 else { throw SetupFailure("mkdir: \(errno)") }
        port = try freePort()
        let line = open("\(home.path)/line", O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard line >= 0, flock(line, LOCK_EX) == 0 else { throw SetupFailure("flock: \(errno)") }
        let script = """
            unset BILLING_RECORD BILLING_TABLE; cd "$1" && export BILLING_RUN_DIR=$2/run BILLING_PORT=$3 BILLING_WORKERS=$4 "${@:5}"
            Scripts/stack start >"$2/start.log" 2>&1; echo $? >"$2/started.new"; mv "$2/started.new" "$2/started"
            flock "$2/line" true
            Scripts/stack stop >/dev/null 2>&1; rm -rf -- "$2"
            """
        let shell = try Subprocess(
            "/bin/bash",
            ["-c", script, "guard", packageFolder, home.path, String(port), String(workers)] + settings,
            output: .null, errors: .null, ownGroup: true)
        state = Mutex(Guard(shell: shell, line: line))
        let started = "\(home.path)/started"
        guard waitUntil(timeout: 90, { readText(started) != nil }), readText(started) == "0\n" else {
            throw SetupFailure("the stack does not start: \(readText("\(home.path)/start.log") ?? "")")
        }
        // Long ids, and other ones for each class: one is never taken for another, nor for a digit in a text.
        try sql(
            """
            select setval(format('%I.%I', schemaname, sequencename)::regclass,
              100000 + 110000 * row_number() over (order by sequencename))
            from pg_sequences where schemaname = 'billing'
            """)
    }

    deinit { end() }

    /// Stops the stack and removes its folder.
    func end() {
        state.withLock { kept in
            guard let guardian = kept else { return }
            kept = nil
            close(guardian.line)
            guardian.shell.wait()
        }
    }

    /// The end of the shared stack: what any test has broken or given away fails the run.
    private func conclude() {
        var complaints: [String] = []
        do {
            let books = try billing(["status", "--check"])
            if books.status != 0 { complaints.append(books.output + books.errors) }
            complaints += try secrets.traces(in: self)
        } catch {
            complaints.append("\(error)")
        }
        end()
        guard complaints.isEmpty else {
            for complaint in complaints {
                let text = Array("error: at the end of the tests: \(complaint)\n".utf8)
                _ = write(STDERR_FILENO, text, text.count)
            }
            _exit(1)
        }
    }

    /// Runs a body with texts in files of their own, which are gone afterwards, also when the test process is killed.
    func withFiles<Result>(_ texts: [String], _ body: ([String]) throws -> Result) throws -> Result {
        let names = texts.map { _ in
            files.withLock { last in
                last += 1
                return "calls/\(last)"
            }
        }
        let paths = names.map { "\(home.path)/\($0)" }
        defer { for path in paths { unlink(path) } }
        for (name, text) in zip(names, texts) { try home.write(text, to: name) }
        return try body(paths)
    }

    /// A number for a merchant account that no other test has.
    func nextAccount() -> Int {
        accounts.withLock { last in
            last += 1
            return last
        }
    }

    /// Runs the `billing` command on this stack.
    func billing(_ arguments: [String]) throws -> Subprocess.Output {
        let program = environmentValue("BILLING_BINARY") ?? "\(packageFolder)/.build/release/billing"
        return try Subprocess.run(
            "/usr/bin/env",
            ["-u", "BILLING_RECORD", "-u", "BILLING_TABLE", "BILLING_RUN_DIR=\(folder)", program] + arguments)
    }

    /// Runs SQL as the database's superuser; columns are parted by `|`, rows by line feeds.
    @discardableResult
    func sql(_ text: String) throws -> String {
        let answer = try Subprocess.run(
            "/usr/bin/psql",
            [
                "-X", "-q", "-At", "-v", "ON_ERROR_STOP=1", "-h", "\(folder)/state/sockets", "-U", "postgres",
                "-d",
                "billing", "-f", "-",
            ], input: text)
        guard answer.status == 0 else { throw SetupFailure("psql: \(answer.errors)") }
        return String(answer.output.drop { $0 == "\n" }.reversed().drop { $0 == "\n" }.reversed())
    }

    /// Runs a body while a session of the superuser holds what this SQL has taken; then that is rolled back.
    func whileRunning<Result>(sql text: String, _ body: () throws -> Result) throws -> Result {
        let commands = ["begin", text, "select pg_advisory_lock(4711)", "select pg_sleep(60)"]
        let session = try Subprocess(
            "/usr/bin/psql",
            ["-X", "-q", "-h", "\(folder)/state/sockets", "-U", "postgres", "-d", "billing"]
                + commands.flatMap { ["-c", $0] }, output: .null, errors: .null)
        // An interrupt ends the sleep on the server, too.
        defer { session.stop(SIGINT) }
        let held = "select count(*) from pg_locks where locktype = 'advisory' and objid = 4711 and granted"
        guard waitUntil(timeout: 20, { (try? self.sql(held)) == "1" }) else {
            throw SetupFailure("the session does not begin")
        }
        return try body()
    }

    /// A script in the package's folder with this stack's settings; `pid NAME` prints a component's pid.
    func run(_ script: String) -> ShellAnswer {
        shell(
            """
            set -euo pipefail
            unset BILLING_RECORD BILLING_TABLE
            export BILLING_RUN_DIR='\(folder)' BILLING_PORT=\(port) BILLING_WORKERS=2
            pid() { cut -d' ' -f1 "$BILLING_RUN_DIR/pids/$1.pid"; }
            \(script)
            """)
    }

    /// The process of a component: serve, jobs, nginx, postgres.
    func pid(of component: String) -> Int32? {
        readText("\(folder)/pids/\(component).pid")?.split(separator: " ").first.flatMap { Int32($0) }
    }

    /// The workers of `serve` or `nginx`: the children of its main process.
    func workers(of component: String) throws -> Set<Int32> {
        guard let master = pid(of: component) else { return [] }
        let list = try Subprocess.run("/usr/bin/pgrep", ["-P", String(master)])
        return Set(list.output.split(separator: "\n").compactMap { Int32($0) })
    }
}
