import CLinux
import Glibc
public import Logging

/// `billing serve`: opens the sockets and keeps the workers alive. It runs no application code and reads
/// nothing from a socket (spec 6.2).
public final class Master {
    var settings: MasterSettings
    let logger: Logger
    let reload: () throws -> MasterSettings
    let signals: Signals
    let scoreboard: Scoreboard
    let lifeline: (reader: Int32, writer: Int32)
    var spawn: Spawn
    var pools: [Pool]
    var members: [pid_t: Member] = [:]
    /// Workers that a reload has still to replace, oldest first.
    var outdated: [pid_t] = []
    /// The worker that is to take the place of the first outdated one, until it is ready.
    var incoming: pid_t?
    var isStopping = false

    /// Opens the sockets and everything else that may fail; starts nothing.
    ///
    /// - Parameter reload: the settings as of now, read again on HUP; when it throws, the old ones stay.
    public init(
        settings: MasterSettings, logger: Logger, reload: @escaping () throws -> MasterSettings
    ) throws(PoolFailure) {
        self.settings = settings
        self.logger = logger
        self.reload = reload
        signals = try Signals([SIGTERM, SIGINT, SIGQUIT, SIGHUP, SIGTTIN, SIGTTOU, SIGCHLD])
        Signals.ignore([SIGPIPE])
        scoreboard = try Scoreboard.create()
        var ends: [Int32] = [-1, -1]
        guard pipe2(&ends, O_CLOEXEC) == 0 else { throw .system("No pipe to the workers") }
        lifeline = (ends[0], ends[1])
        spawn = try Spawn(arguments: settings.workerArguments)
        pools = []
        for pool in settings.pools {
            do {
                let handOver = try HandOver.make()
                pools.append(Pool(settings: pool, socket: try ListeningSocket(pool), handOver: handOver))
            } catch {
                for open in pools { open.socket.shut() }
                throw error
            }
        }
    }

    /// Runs until a signal ends it; the exit status.
    public func run() -> Int32 {
        logger.notice("master started", metadata: describe())
        refill()
        while !(isStopping && members.isEmpty) {
            signals.wait(milliseconds: isMoving ? 10 : 200)
            while let signal = signals.next() { take(signal) }
            reap()
            endOverdue()
            advanceReload()
            refill()
        }
        logger.notice("master stopped")
        return 0
    }

    private func take(_ signal: Int32) {
        switch signal {
        case SIGTERM, SIGINT: stop(with: SIGTERM, within: settings.stopGrace)
        case SIGQUIT: stop(with: SIGQUIT, within: settings.drainGrace)
        case SIGHUP: startReload()
        case SIGTTIN: resize(by: 1)
        case SIGTTOU: resize(by: -1)
        default: break
        }
    }

    /// Whether something is awaited that no signal announces.
    private var isMoving: Bool {
        incoming != nil || !outdated.isEmpty || pools.contains { $0.restartAt != nil }
    }

    private func stop(with signal: Int32, within grace: Duration) {
        if !isStopping {
            logger.notice("master stopping", metadata: ["signal": .string(Signals.name(signal))])
            for pool in pools { pool.socket.shut() }
        }
        isStopping = true
        outdated = []
        incoming = nil
        for pid in members.keys { retire(pid, with: signal, within: grace) }
    }

    private func resize(by change: Int) {
        guard !isStopping, !pools.isEmpty else { return }
        pools[0].settings.workers = max(1, min(pools[0].settings.workers + change, Self.mostWorkers))
        logger.notice("pool resized", metadata: pools[0].describe())
    }

    /// Half of the slots, so that a reload always finds one for the replacement.
    static let mostWorkers = Scoreboard.slotCount / 2

    private func describe() -> Logger.Metadata {
        var fields: Logger.Metadata = ["master.pid": .stringConvertible(getpid())]
        for pool in pools {
            fields["pool.\(pool.settings.name)"] = .dictionary([
                "address": .string(pool.settings.address.description),
                "workers": .stringConvertible(pool.settings.workers),
            ])
        }
        return fields
    }
}

/// A pool as the master keeps it.
struct Pool {
    var settings: PoolSettings
    let socket: ListeningSocket
    /// Both ends stay open here, so that no connection on its way is lost with a worker.
    let handOver: HandOver
    /// Workers that died young, one after the other.
    var failures = 0
    /// When the next worker may be started, monotonic milliseconds; nil when at once.
    var restartAt: Int64?

    func describe() -> Logger.Metadata {
        [
            "pool.name": .string(settings.name), "pool.workers": .stringConvertible(settings.workers),
        ]
    }
}

/// A worker as the master keeps it.
struct Member {
    let pid: pid_t
    let slot: Int
    let pool: Int
    /// Monotonic milliseconds.
    let startedAt: Int64
    /// When it is ended by force, once it has been told to leave; monotonic milliseconds.
    var leavesBy: Int64?
    /// Whether it has been ended by force, and why: constant text for the log.
    var endedFor: String?
}
