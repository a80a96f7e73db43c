internal import Glibc

/// The files of one private server: folder, data, socket, log.
struct Cluster: Sendable {
    /// Debian's place of PostgreSQL 15.
    static let programs = "/usr/lib/postgresql/15/bin"

    /// Holds the socket, the log and the data; short, for the socket's sake.
    let folder: String
    var data: String { "\(folder)/data" }
    var logFile: String { "\(folder)/log" }

    /// The user that the server runs as, where the tests run as root: `initdb` and `postgres` refuse root.
    let user: String?

    /// Makes the folder and the data.
    init() throws {
        var template = Array("/tmp/billing-pg-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw SetupFailure.systemCall("mkdtemp") }
        folder = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        if geteuid() == 0 {
            let name = getenv("BILLING_TEST_USER").map { String(cString: $0) } ?? "postgres"
            guard let entry = getpwnam(name) else { throw SetupFailure("there is no user \(name)") }
            guard chown(folder, entry.pointee.pw_uid, entry.pointee.pw_gid) == 0 else {
                throw SetupFailure.systemCall("chown")
            }
            user = name
        } else {
            user = nil
        }
        let (program, arguments) = command(
            "\(Self.programs)/initdb",
            [
                "--pgdata", data, "--username", "postgres", "--auth", "trust", "--encoding", "UTF8",
                "--locale", "C.UTF-8", "--no-sync",
            ])
        let made = try Subprocess.run(program, arguments)
        guard made.status == 0 else {
            remove()
            throw SetupFailure("initdb: \(made.errors)")
        }
    }

    /// Removes the files.
    func remove() { _ = try? Subprocess.run("/bin/rm", ["-rf", "--", folder]) }

    /// A program and its arguments, run as ``user``.
    func command(_ program: String, _ arguments: [String]) -> (String, [String]) {
        guard let user else { return (program, arguments) }
        let change = ["--reuid", user, "--regid", user, "--init-groups", "--reset-env"]
        return ("/usr/bin/setpriv", change + ["--", program] + arguments)
    }

    /// The server's main process, from its lock file.
    var mainProcess: Int32? {
        readText("\(data)/postmaster.pid").flatMap { $0.split(separator: "\n").first }.flatMap { Int32($0) }
    }

    /// All processes that work in the data folder: the server and its sessions.
    var processes: [Int32] {
        guard let folder = opendir("/proc") else { return [] }
        defer { closedir(folder) }
        var found: [Int32] = []
        while let entry = readdir(folder) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            guard let id = Int32(name) else { continue }
            var place = [CChar](repeating: 0, count: 256)
            let length = readlink("/proc/\(id)/cwd", &place, place.count)
            guard length > 0 else { continue }
            let path = String(decoding: place[..<length].map { UInt8(bitPattern: $0) }, as: UTF8.self)
            if path == data { found.append(id) }
        }
        return found
    }
}

/// The shell that runs the server and watches a pipe to the test process: a word tells it how to stop the server;
/// the end of the pipe, when the test process is gone, makes it stop the server and remove its files.
final class Guardian: Sendable {
    /// How the server ends.
    enum End: String {
        case fast, immediate
        /// Immediately, and its files are removed.
        case gone
    }

    private static let script = """
        folder=$1; shift
        "$@" >>"$folder/log" 2>&1 </dev/null &
        server=$!
        read -r word || word=gone
        case $word in fast) signal=INT ;; *) signal=QUIT ;; esac
        kill -s "$signal" "$server" 2>/dev/null
        wait "$server"
        if [ "$word" = gone ]; then rm -rf -- "$folder"; fi
        """

    private let shell: Int32
    private let line: Int32

    /// Starts the server.
    init(_ cluster: Cluster) throws {
        // Durability is for data that outlives the test.
        let settings = [
            "listen_addresses=", "unix_socket_directories=\(cluster.folder)", "fsync=off",
            "synchronous_commit=off", "full_page_writes=off", "shared_buffers=64MB", "max_connections=60",
        ]
        let server =
            ["\(Cluster.programs)/postgres", "-D", cluster.data] + settings.flatMap { ["-c", $0] }
        let (program, arguments) = cluster.command(
            "/bin/sh", ["-c", Self.script, "guardian", cluster.folder] + server)
        let pipe = try Pipe()
        line = pipe.releaseWriter()
        let process = try Subprocess(
            program, arguments, input: .descriptor(pipe.reader), output: .null, errors: .null, ownGroup: true)
        shell = process.release()
    }

    /// Ends the server and waits for it.
    func end(_ how: End) {
        let word = Array((how.rawValue + "\n").utf8)
        _ = write(line, word, word.count)
        close(line)
        var status: Int32 = 0
        while waitpid(shell, &status, 0) < 0 && errno == EINTR {}
    }
}
