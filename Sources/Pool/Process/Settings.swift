/// Where a pool listens.
public enum ListenAddress: Sendable, Equatable, CustomStringConvertible {
    /// A Unix socket, at an absolute path of at most 107 bytes.
    case unix(path: String)
    /// A TCP port on an address of this machine. Whoever reaches it is trusted: never an open network.
    case tcp(host: String, port: UInt16)

    /// Reads `unix:/run/billing/api.sock`, `/run/billing/api.sock` or `127.0.0.1:9000`; nil for others.
    public init?(_ text: String) {
        let path = text.hasPrefix("unix:") ? String(text.dropFirst(5)) : text
        if path.hasPrefix("/") {
            guard path.utf8.count <= 107 else { return nil }
            self = .unix(path: path)
            return
        }
        guard let colon = text.lastIndex(of: ":"), let port = UInt16(text[text.index(after: colon)...]),
            port > 0, colon != text.startIndex
        else { return nil }
        self = .tcp(host: String(text[..<colon]), port: port)
    }

    /// The form that `init(_:)` reads.
    public var description: String {
        switch self {
        case .unix(let path): "unix:\(path)"
        case .tcp(let host, let port): "\(host):\(port)"
        }
    }
}

/// One pool: a listening socket and the workers behind it.
public struct PoolSettings: Sendable {
    /// Name in logs and on the scoreboard: `main`, `long`.
    public var name: String
    /// Where it listens. A reload does not change it.
    public var address: ListenAddress
    /// Number of workers, at least 1.
    public var workers: Int
    /// Connections that may wait to be accepted; nginx is refused beyond it.
    public var backlog: Int32
    /// Permission bits of a Unix socket.
    public var mode: UInt32
    /// Group that owns a Unix socket (the one nginx runs in); nil keeps the master's.
    public var group: String?

    /// Settings of one pool.
    public init(
        name: String, address: ListenAddress, workers: Int, backlog: Int32 = 128, mode: UInt32 = 0o660,
        group: String? = nil
    ) {
        self.name = name
        self.address = address
        self.workers = workers
        self.backlog = backlog
        self.mode = mode
        self.group = group
    }
}

/// What the master needs to know (spec 6.2).
public struct MasterSettings: Sendable {
    /// The pools, each with its own socket. TTIN and TTOU change the first.
    public var pools: [PoolSettings]
    /// Arguments that make this executable a worker; `--slot n --pool name` follow.
    public var workerArguments: [String]
    /// How long requests in hand may take after TERM or INT.
    public var stopGrace: Duration
    /// How long a worker may take to finish after QUIT, or after its replacement: longer than nginx keeps
    /// connections.
    public var drainGrace: Duration
    /// How long a new worker may take until it is ready.
    public var startGrace: Duration

    /// Settings of the master.
    public init(
        pools: [PoolSettings], workerArguments: [String] = ["worker"], stopGrace: Duration = .seconds(5),
        drainGrace: Duration = .seconds(60), startGrace: Duration = .seconds(30)
    ) {
        self.pools = pools
        self.workerArguments = workerArguments
        self.stopGrace = stopGrace
        self.drainGrace = drainGrace
        self.startGrace = startGrace
    }
}

/// What a worker needs to know beside what it inherits.
public struct WorkerSettings: Sendable {
    /// Its slot on the scoreboard, from `--slot`.
    public var slot: Int
    /// Name of its pool, from `--pool`.
    public var pool: String
    /// Longest accepted request body, bytes.
    public var bodyLimit: Int
    /// After this long in one request the master ends the worker; `WorkerSlot.allow(_:)` asks for more.
    public var requestDeadline: Duration
    /// Connections kept open beyond their request; a further one is served and closed.
    public var keptConnections: Int
    /// How long nginx may stall in the middle of a request or an answer.
    public var peerTimeout: Duration
    /// How long to serve kept connections after the request to finish.
    public var drainGrace: Duration
    /// Same after TERM.
    public var stopGrace: Duration
    /// User to become when started as root; nil only where the worker is not started as root.
    public var runUser: String?

    /// Settings of a worker.
    public init(
        slot: Int, pool: String, bodyLimit: Int = 1 << 20, requestDeadline: Duration = .seconds(20),
        keptConnections: Int = 256, peerTimeout: Duration = .seconds(5), drainGrace: Duration = .seconds(60),
        stopGrace: Duration = .seconds(5), runUser: String? = nil
    ) {
        self.slot = slot
        self.pool = pool
        self.bodyLimit = bodyLimit
        self.requestDeadline = requestDeadline
        self.keptConnections = keptConnections
        self.peerTimeout = peerTimeout
        self.drainGrace = drainGrace
        self.stopGrace = stopGrace
        self.runUser = runUser
    }
}

/// Descriptors that a worker finds open when it starts.
enum InheritedDescriptor {
    static let listener: Int32 = 3
    static let scoreboard: Int32 = 4
    /// Read end of a pipe that only the master can write: its end of file means the master is gone.
    static let lifeline: Int32 = 5
    /// The two ends of the pool's `HandOver`.
    static let handOverSender: Int32 = 6
    static let handOverReceiver: Int32 = 7
}
