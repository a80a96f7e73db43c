import CLinux
import Glibc
public import Logging

/// Runs this process as a worker of `billing serve` until it is told to finish; the exit status.
///
/// Started as root, it becomes `runUser` before anything else. `prepare` is called once and must be cheap: it
/// makes the handler, which connects to the database on its own when it needs to. A `prepare` that throws ends
/// the worker; the master tries again, later and later.
///
/// - Returns: 0 after a proper end, 1 when the worker could not start (logged as one sentence).
public func runWorker(
    _ settings: WorkerSettings, logger: Logger, prepare: (WorkerSlot) throws -> Handler
) -> Int32 {
    do {
        let signals = try Signals([SIGTERM, SIGQUIT])
        Signals.ignore([SIGPIPE, SIGINT, SIGHUP, SIGTTIN, SIGTTOU])
        let inherited = [
            InheritedDescriptor.listener, InheritedDescriptor.scoreboard, InheritedDescriptor.lifeline,
        ]
        for descriptor in inherited {
            guard fcntl(descriptor, F_SETFD, FD_CLOEXEC) == 0 else {
                throw PoolFailure("A worker is started by `billing serve`, not by hand.")
            }
        }
        guard (0..<Scoreboard.slotCount).contains(settings.slot) else {
            throw PoolFailure("There is no slot \(settings.slot).")
        }
        // A core file would hold whatever was in memory, card numbers included.
        var none = rlimit(rlim_cur: 0, rlim_max: 0)
        setrlimit(__rlimit_resource_t(RLIMIT_CORE.rawValue), &none)
        try Privileges.drop(to: settings.runUser)
        endWithMaster()
        let scoreboard = try Scoreboard.open(inherited: InheritedDescriptor.scoreboard)
        // Looked at only now: under a master of another version other things may be at these numbers.
        let handOver = HandOver.inherited
        for descriptor in [handOver.sender, handOver.receiver] {
            guard fcntl(descriptor, F_SETFD, FD_CLOEXEC) == 0 else {
                throw PoolFailure.system("The sockets to hand connections over are missing")
            }
        }
        let slot = WorkerSlot(scoreboard: scoreboard, index: settings.slot)
        // The master writes it too, but may come later than the first request.
        slot.set(.pid, Int64(getpid()))
        let handler = try prepare(slot)
        let loop = try WorkerLoop(
            settings: settings, slot: slot, listener: InheritedDescriptor.listener,
            lifeline: InheritedDescriptor.lifeline, handOver: handOver, signals: signals, logger: logger,
            handler: handler)
        loop.run()
        return 0
    } catch {
        logger.critical("worker cannot start", metadata: ["error": .string("\(error)")])
        return 1
    }
}

/// A worker that hangs in a request when the master dies has nobody left to end it: it ends by itself.
private func endWithMaster() {
    signal(SIGUSR2) { _ in alarm(30) }
    _ = set_parent_death_signal(SIGUSR2)
}
