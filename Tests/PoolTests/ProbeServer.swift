import Glibc

/// Waits until a condition holds; whether it did in time.
func eventually(within seconds: Int = 10, _ condition: () -> Bool) -> Bool {
    var now = timespec()
    clock_gettime(CLOCK_MONOTONIC, &now)
    let end = now.tv_sec + seconds
    while now.tv_sec < end {
        if condition() { return true }
        poll(nil, 0, 5)
        clock_gettime(CLOCK_MONOTONIC, &now)
    }
    return condition()
}

/// A running `FCGIProbe serve` in a folder of its own, ended with its last reference.
final class ProbeServer {
    let folder: String
    let pid: pid_t
    private var status: Int32?

    var socket: String { folder + "/main.sock" }
    var longSocket: String { folder + "/long.sock" }
    var executedFile: String { folder + "/executed" }
    var failFile: String { folder + "/fail" }

    /// Starts it; with `folder` in the place of another one.
    init(workers: Int = 1, in folder: String? = nil, _ options: [String] = []) {
        self.folder = folder ?? Self.makeFolder()
        var words = [
            Self.probe, "serve", "--socket", self.folder + "/main.sock", "--workers", String(workers),
        ]
        words += ["--executed", self.folder + "/executed", "--fail", self.folder + "/fail"]
        if geteuid() == 0 { words += ["--user", "nobody"] }
        words += options
        let log = self.folder + "/log"
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        posix_spawn_file_actions_addopen(&actions, 2, log, O_WRONLY | O_CREAT | O_APPEND, 0o600)
        defer { posix_spawn_file_actions_destroy(&actions) }
        var vector = words.map { strdup($0) }
        vector.append(nil)
        defer { for word in vector { free(word) } }
        var pid: pid_t = 0
        let code = posix_spawn(&pid, Self.probe, &actions, nil, vector, environ)
        precondition(code == 0, "\(Self.probe) cannot be started")
        self.pid = pid
    }

    deinit {
        if status == nil {
            kill(pid, SIGTERM)
            if exitStatus() == nil {
                kill(pid, SIGKILL)
                waitpid(pid, nil, 0)
            }
        }
        if ownsFolder { remove() }
    }

    /// Whether the folder goes with this server.
    var ownsFolder = true

    private static var probe: String {
        var path = [CChar](repeating: 0, count: 4096)
        let count = readlink("/proc/self/exe", &path, path.count - 1)
        let full = String(decoding: path[..<max(0, count)].map(UInt8.init(bitPattern:)), as: UTF8.self)
        return String(full[...(full.lastIndex(of: "/") ?? full.startIndex)]) + "FCGIProbe"
    }

    static func makeFolder() -> String {
        var template = Array("/tmp/pool-test.XXXXXX".utf8CString)
        precondition(mkdtemp(&template) != nil, "no temporary folder")
        let folder = String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
        chmod(folder, 0o777)
        return folder
    }

    private func remove() {
        for name in ["main.sock", "long.sock", "executed", "fail", "log"] { unlink(folder + "/" + name) }
        rmdir(folder)
    }

    /// A connection, once somebody listens.
    func connect(to path: String? = nil) -> Client? {
        var client: Client?
        _ = eventually {
            client = Client(path: path ?? socket)
            return client != nil
        }
        return client
    }

    /// Process ids of the workers in slots, as the scoreboard tells: `slot pid pool state …`.
    func workers() -> [(pid: pid_t, state: String)] {
        guard let text = connect()?.get("/slots")?.text else { return [] }
        return text.split(separator: "\n").filter { !$0.hasPrefix("route") }.compactMap { line in
            let fields = line.split(separator: " ")
            return pid_t(fields[1]).map { ($0, String(fields[3])) }
        }
    }

    /// Waits until exactly so many workers live and are past their start.
    func areReady(_ count: Int) -> Bool {
        eventually {
            let all = workers()
            return all.count == count && all.allSatisfy { $0.state == "idle" || $0.state == "busy" }
        }
    }

    func signal(_ number: Int32) { kill(pid, number) }

    /// Exit status of the master, once it has ended; nil when it does not.
    func exitStatus() -> Int32? {
        var code: Int32 = 0
        let ended = eventually { waitpid(self.pid, &code, WNOHANG) == self.pid }
        if ended { status = code }
        return ended ? (code & 0x7F == 0 ? code >> 8 & 0xFF : -(code & 0x7F)) : nil
    }

    var log: String { Self.contents(folder + "/log") }
    var executed: String { Self.contents(executedFile) }

    static func contents(_ path: String) -> String {
        let file = open(path, O_RDONLY)
        guard file >= 0 else { return "" }
        defer { close(file) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65_536)
        while case let count = read(file, &chunk, chunk.count), count > 0 { bytes += chunk[..<count] }
        return String(decoding: bytes, as: UTF8.self)
    }

    static func touch(_ path: String) {
        close(open(path, O_WRONLY | O_CREAT, 0o644))
    }
}

/// Whether a process exists.
func isAlive(_ pid: pid_t) -> Bool { kill(pid, 0) == 0 }
