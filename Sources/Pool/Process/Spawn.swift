import CLinux
import Glibc

/// Starts further processes of this program: a fresh image each, never a copy of this one.
struct Spawn {
    /// The program that runs now, by its path, so that a reload starts what has been put there since.
    let executable: String
    let arguments: [String]

    init(arguments: [String]) throws(PoolFailure) {
        var path = [CChar](repeating: 0, count: Int(PATH_MAX))
        let count = readlink("/proc/self/exe", &path, path.count)
        guard count > 0 else { throw .system("The path of this program is unknown") }
        executable = String(decoding: path[..<count].map(UInt8.init(bitPattern:)), as: UTF8.self)
        self.arguments = arguments
    }

    /// The same program with other arguments.
    init(replacing old: Spawn, arguments: [String]) {
        executable = old.executable
        self.arguments = arguments
    }

    /// Starts one worker; its process id.
    ///
    /// - Parameter inherited: descriptors of this process, each with its number in the worker.
    func callAsFunction(slot: Int, pool: String, inherited: [(source: Int32, target: Int32)])
        throws(PoolFailure) -> pid_t
    {
        try start(["--slot", String(slot), "--pool", pool], inherited: inherited)
    }

    /// Starts the program with these words behind its arguments; its process id.
    ///
    /// - Parameter inherited: descriptors of this process, each with its number there.
    func start(_ more: [String] = [], inherited: [(source: Int32, target: Int32)]) throws(PoolFailure)
        -> pid_t
    {
        var actions = posix_spawn_file_actions_t()
        var attributes = posix_spawnattr_t()
        posix_spawn_file_actions_init(&actions)
        posix_spawnattr_init(&attributes)
        defer {
            posix_spawn_file_actions_destroy(&actions)
            posix_spawnattr_destroy(&attributes)
        }
        // A source may sit on another one's target: first all out of the way, then all into place.
        let away = inherited.reduce(0) { max($0, $1.source, $1.target) } + 1
        for (index, pair) in inherited.enumerated() {
            posix_spawn_file_actions_adddup2(&actions, pair.source, away + Int32(index))
        }
        for (index, pair) in inherited.enumerated() {
            posix_spawn_file_actions_adddup2(&actions, away + Int32(index), pair.target)
            posix_spawn_file_actions_addclose(&actions, away + Int32(index))
        }
        var none = Signals.set([])
        var all = Signals.all()
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setsigdefault(&attributes, &all)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))

        let words = [executable] + arguments + more
        var vector = words.map { strdup($0) }
        vector.append(nil)
        defer { for word in vector { free(word) } }
        let environment = Self.environment()
        defer { for entry in environment { free(entry) } }
        var pid: pid_t = 0
        let code = posix_spawn(&pid, executable, &actions, &attributes, vector, environment)
        guard code == 0 else { throw .system("\(executable) cannot be started once more", code) }
        return pid
    }

    /// The environment of this process, with crash reports confined to the call stack.
    ///
    /// The Swift runtime's report also prints the memory that registers point to, and that may be a card number.
    private static func environment() -> [UnsafeMutablePointer<CChar>?] {
        let name = "SWIFT_BACKTRACE"
        let old = getenv(name).map { String(cString: $0) + "," } ?? ""
        var entries: [UnsafeMutablePointer<CChar>?] = []
        var entry = Glibc.environ
        while let text = entry.pointee {
            if strncmp(text, name + "=", name.utf8.count + 1) != 0 { entries.append(strdup(text)) }
            entry += 1
        }
        entries.append(strdup("\(name)=\(old)registers=none,images=none,interactive=no,color=no"))
        entries.append(nil)
        return entries
    }
}
