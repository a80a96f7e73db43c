internal import Glibc
internal import Synchronization

/// Held while a program starts and while a pipe is made: no program gets an end of another's pipe.
private let spawning = Mutex<Void>(())

/// A program that a test starts.
public final class Subprocess {
    /// What a program left behind.
    public struct Output: Sendable {
        /// The exit status, or 128 + the signal that ended it, as a shell counts.
        public let status: Int32
        /// Standard output.
        public let output: String
        /// Standard error.
        public let errors: String
    }

    /// The process id, also after its end.
    public let id: Int32
    private var status: Int32?

    /// Where a standard stream of the program leads.
    public enum Stream: Sendable {
        /// `/dev/null`.
        case null
        /// The test's own.
        case inherited
        /// A descriptor of the test's, duplicated.
        case descriptor(Int32)
        /// A file, to which output is appended.
        case file(String)
    }

    /// Starts a program, by its absolute path. Nothing but the three streams is open in it, provided that the
    /// test's descriptors are close-on-exec.
    ///
    /// `environment` nil passes the test's on. `ownGroup`: a process group of its own, so that an interrupt from
    /// the terminal does not reach it.
    public init(
        _ path: String, _ arguments: [String] = [], environment: [String]? = nil, input: Stream = .null,
        output: Stream = .inherited, errors: Stream = .inherited, ownGroup: Bool = false
    ) throws {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        for (descriptor, stream) in [(0, input), (1, output), (2, errors)] as [(Int32, Stream)] {
            switch stream {
            case .inherited: break
            case .null: posix_spawn_file_actions_addopen(&actions, descriptor, "/dev/null", O_RDWR, 0)
            case .descriptor(let source): posix_spawn_file_actions_adddup2(&actions, source, descriptor)
            case .file(let path):
                let flags = descriptor == 0 ? O_RDONLY : O_WRONLY | O_CREAT | O_APPEND
                posix_spawn_file_actions_addopen(&actions, descriptor, path, flags, 0o600)
            }
        }
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        // A thread of the test may block every signal, and the mask is inherited: a shell that waits for its child
        // would never hear of the child's end.
        var signals = sigset_t()
        sigemptyset(&signals)
        posix_spawnattr_setsigmask(&attributes, &signals)
        sigfillset(&signals)
        posix_spawnattr_setsigdefault(&attributes, &signals)
        var flags = POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF
        if ownGroup { flags |= POSIX_SPAWN_SETPGROUP }
        posix_spawnattr_setflags(&attributes, Int16(flags))

        let words = ([path] + arguments).map { strdup($0) }
        let variables = environment?.map { strdup($0) }
        defer { for text in words + (variables ?? []) { free(text) } }
        var started: pid_t = 0
        let code = spawning.withLock { _ in
            guard let variables else {
                return posix_spawn(&started, path, &actions, &attributes, words + [nil], environ)
            }
            return posix_spawn(&started, path, &actions, &attributes, words + [nil], variables + [nil])
        }
        guard code == 0 else { throw SetupFailure.systemCall("start of \(path)", code: code) }
        id = started
    }

    deinit { if status == nil { stop(SIGKILL) } }

    /// Whether the program still runs.
    public var isRunning: Bool {
        if status == nil { collect(WNOHANG) }
        return status == nil
    }

    /// Waits for the end and gives back the status, as in ``Output/status``.
    @discardableResult
    public func wait() -> Int32 {
        while status == nil { collect(0) }
        return status ?? -1
    }

    /// Sends a signal, unless the program has ended.
    public func signal(_ number: Int32) { if isRunning { kill(id, number) } }

    /// Sends a signal, SIGTERM unless another is named, and waits for the end.
    @discardableResult
    public func stop(_ number: Int32? = nil) -> Int32 {
        signal(number ?? SIGTERM)
        return wait()
    }

    /// Leaves the program to itself: whoever takes the id waits for its end.
    func release() -> Int32 {
        status = 0
        return id
    }

    private func collect(_ options: Int32) {
        var word: Int32 = 0
        let found = waitpid(id, &word, options)
        if found == id {
            status = word & 0x7F == 0 ? (word >> 8) & 0xFF : 128 + (word & 0x7F)
        } else if found < 0 && errno != EINTR {
            status = -1
        }
    }

    /// Runs a program to its end, with `input` on its standard input, and captures what it writes.
    public static func run(
        _ path: String, _ arguments: [String] = [], environment: [String]? = nil, input: String = ""
    ) throws -> Output {
        let feed = try Pipe()
        let output = try Pipe()
        let errors = try Pipe()
        let program = try Subprocess(
            path, arguments, environment: environment, input: .descriptor(feed.reader),
            output: .descriptor(output.writer), errors: .descriptor(errors.writer))
        feed.closeReader()
        output.closeWriter()
        errors.closeWriter()
        var rest = Array(input.utf8)[...]
        if rest.isEmpty { feed.closeWriter() }
        var taken: [[UInt8]] = [[], []]
        let sources = [output, errors]
        var chunk = [UInt8](repeating: 0, count: 65_536)
        while sources.contains(where: { $0.reader >= 0 }) {
            var entries = sources.map { pollfd(fd: $0.reader, events: Int16(POLLIN), revents: 0) }
            entries.append(pollfd(fd: feed.writer, events: Int16(POLLOUT), revents: 0))
            guard poll(&entries, 3, -1) > 0 else { continue }
            for index in 0..<2 where entries[index].revents != 0 {
                let count = read(sources[index].reader, &chunk, chunk.count)
                if count > 0 { taken[index] += chunk[..<count] } else { sources[index].closeReader() }
            }
            if entries[2].revents != 0 {
                // At most what a pipe takes at once, so that the write never waits.
                let count = rest.prefix(4096).withUnsafeBytes { write(feed.writer, $0.baseAddress, $0.count) }
                if count > 0 { rest = rest.dropFirst(count) }
                if count <= 0 || rest.isEmpty { feed.closeWriter() }
            }
        }
        return Output(
            status: program.wait(), output: String(decoding: taken[0], as: UTF8.self),
            errors: String(decoding: taken[1], as: UTF8.self))
    }
}

/// A pipe whose ends no started program inherits.
final class Pipe {
    private(set) var reader: Int32
    private(set) var writer: Int32

    init() throws {
        var ends: [Int32] = [-1, -1]
        let outcome = spawning.withLock { _ in
            pipe(&ends) == 0 && ends.allSatisfy { fcntl($0, F_SETFD, FD_CLOEXEC) == 0 }
        }
        guard outcome else { throw SetupFailure.systemCall("pipe") }
        (reader, writer) = (ends[0], ends[1])
    }

    deinit {
        closeReader()
        closeWriter()
    }

    /// Hands the writing end over.
    func releaseWriter() -> Int32 {
        defer { writer = -1 }
        return writer
    }

    func closeReader() {
        if reader >= 0 { close(reader) }
        reader = -1
    }

    func closeWriter() {
        if writer >= 0 { close(writer) }
        writer = -1
    }
}
