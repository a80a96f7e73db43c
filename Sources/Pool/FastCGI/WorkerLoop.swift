import CLinux
import Glibc
import Logging

/// Serves whichever is ready: the listening socket or one of the connections that nginx keeps.
///
/// Each turn takes what the kernel reports and serves every ready connection once and accepts one new one, so
/// neither a busy connection nor a full queue keeps the other waiting. Connections are watched edge-triggered:
/// one with half a request costs nothing until more of it arrives. The listening socket is watched exclusively:
/// a new connection wakes one worker, and one that comes too late finds nothing and goes back to wait.
///
/// A kept connection is bound to its worker, and nginx cannot know which one is slow just now. So a request that
/// will be slow has the others handed over first, and each turn takes one connection that another worker gave away.
final class WorkerLoop {
    /// Why the loop is coming to its end.
    private enum Ending {
        /// Serve kept connections until nginx closes them.
        case drain
        /// Serve what has arrived, then go.
        case stop
    }

    private let settings: WorkerSettings
    private let slot: WorkerSlot
    private let logger: Logger
    private let signals: Signals
    private let exchange: Exchange
    private let handler: Handler
    private let epoll: Int32
    private let window: UnsafeMutableRawBufferPointer
    private var listener: Int32?
    private var listenerPausedUntil: Int64?
    private var lifeline: Int32?
    private let handOver: HandOver
    /// Whether connections of other workers are being waited for.
    private var isAdopting = false
    /// Holding this many, a worker takes over no further ones. A descriptor beyond the system's limit would be
    /// lost on its way, hence the distance to it.
    private let adoptionLimit: Int
    private var connections: Set<Int32> = []
    /// The connection whose request is being executed.
    private var inHand: Int32?
    /// Given away in this turn: what the kernel has reported on these numbers is no longer this worker's.
    private var givenAway: Set<Int32> = []
    /// When the first part of an unfinished request was seen, by connection; monotonic milliseconds.
    private var incompleteSince: [Int32: Int64] = [:]
    private var ending: Ending?
    private var endsAt = Int64.max
    private var lastServed: Int64 = 0
    private var measuredAt: Int64 = 0

    /// A stopping worker leaves when nothing has arrived for this long.
    private static let quietMilliseconds: Int64 = 200
    /// Resident memory is looked up after a request, at most this often.
    private static let measureMilliseconds: Int64 = 2000
    /// Descriptors that are not connections of nginx: the database's and this worker's own.
    private static let ownDescriptors = 64
    private static let readable = UInt32(EPOLLIN.rawValue) | UInt32(EPOLLRDHUP.rawValue)

    init(
        settings: WorkerSettings, slot: WorkerSlot, listener: Int32, lifeline: Int32, handOver: HandOver,
        signals: Signals, logger: Logger, handler: @escaping Handler
    ) throws(PoolFailure) {
        self.settings = settings
        self.slot = slot
        self.listener = listener
        self.lifeline = lifeline
        self.handOver = handOver
        self.signals = signals
        self.logger = logger
        // The place outside is given back before the answer goes out: the caller's next request may need it.
        self.handler = { request in
            defer { slot.leaveOutside() }
            return handler(request)
        }
        var files = rlimit()
        getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &files)
        adoptionLimit = min(settings.keptConnections, Int(clamping: files.rlim_cur) - Self.ownDescriptors)
        exchange = try Exchange(bodyLimit: settings.bodyLimit)
        window = .allocate(byteCount: RecordGuard.window, alignment: 8)
        epoll = epoll_create1(Int32(EPOLL_CLOEXEC))
        guard epoll >= 0 else { throw .system("Connections cannot be watched") }
        watch(signals.descriptor, UInt32(EPOLLIN.rawValue))
        watch(lifeline, UInt32(EPOLLIN.rawValue))
        watchListener()
        slot.standingAside.loop = self
    }

    deinit {
        window.deallocate()
        close(epoll)
    }

    /// Serves until told to finish and finished.
    func run() {
        var events = [epoll_event](repeating: epoll_event(), count: 64)
        measure()
        slot.enter(.idle)
        while !isFinished {
            slot.set(.kept, Int64(connections.count))
            givenAway.removeAll(keepingCapacity: true)
            adoptWhileThereIsRoom()
            let count = epoll_wait(epoll, &events, Int32(events.count), patience())
            for event in events.prefix(max(0, Int(count))) {
                let descriptor = event.data.fd
                switch descriptor {
                case listener: acceptOne()
                case signals.descriptor: takeSignals()
                case lifeline: loseMaster()
                case handOver.receiver where isAdopting: adoptOne()
                default:
                    guard !givenAway.contains(descriptor) else { continue }
                    inspect(descriptor, isHungUp: event.events & ~UInt32(EPOLLIN.rawValue) != 0)
                }
            }
            giveUpStalled()
            resumeListening()
        }
    }

    // MARK: Ending

    private var isFinished: Bool {
        guard let ending else { return false }
        let now = Clock.monotonicMilliseconds()
        if connections.isEmpty || now >= endsAt { return true }
        return ending == .stop && now - lastServed >= Self.quietMilliseconds
    }

    private func takeSignals() {
        while let signal = signals.next() {
            switch signal {
            case SIGQUIT: begin(.drain, within: settings.drainGrace)
            case SIGTERM: begin(.stop, within: settings.stopGrace)
            default: break
            }
        }
    }

    /// The master is gone: nobody replaces or ends this worker any more.
    private func loseMaster() {
        if let open = lifeline { unwatch(open) }
        lifeline = nil
        // In place of the half minute that is left to a worker that hangs in a request.
        alarm(UInt32((settings.drainGrace + settings.requestDeadline).components.seconds) + 1)
        begin(.drain, within: settings.drainGrace)
    }

    private func begin(_ next: Ending, within grace: Duration) {
        guard ending == nil || next == .stop else { return }
        let wasServing = ending == nil
        ending = next
        let now = Clock.monotonicMilliseconds()
        lastServed = now
        endsAt = min(endsAt, now + grace.milliseconds)
        while listener != nil, connections.count < settings.keptConnections, acceptOne() {}
        // This worker's own may be among them, and when all are leaving nobody else takes them.
        while wasServing, adoptOne() {}
        adoptWhileThereIsRoom()
        // Closing alone would not end the watch: the master has the same socket open, and connections would go
        // on waking this worker instead of another one.
        if let open = listener {
            unwatch(open)
            close(open)
        }
        listener = nil
        slot.enter(.draining)
    }

    // MARK: Connections

    /// Takes one waiting connection; false when there was none.
    @discardableResult private func acceptOne() -> Bool {
        guard let listener else { return false }
        let descriptor = accept(listener, nil, nil)
        guard descriptor >= 0 else {
            if errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS { pauseListening() }
            return false
        }
        let time = settings.peerTimeout.milliseconds
        var limit = timeval(tv_sec: Int(time / 1000), tv_usec: Int(time % 1000 * 1000))
        let size = socklen_t(MemoryLayout<timeval>.size)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, size)
        setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, size)
        take(descriptor)
        return true
    }

    private func take(_ descriptor: Int32) {
        connections.insert(descriptor)
        watch(descriptor, Self.readable | UInt32(EPOLLET.rawValue))
        inspect(descriptor, isHungUp: false)
    }

    // MARK: Handing over

    /// Gives all connections but the one in hand to whoever is free; those for which there is no room stay.
    ///
    /// A leaving worker keeps its own: when all of them are leaving, nobody would take them.
    func handOverConnections() {
        guard ending == nil, let inHand, connections.count > 1 else { return }
        for descriptor in connections where descriptor != inHand {
            guard handOver.put(descriptor) else { break }
            // Closing alone would not end the watch: the connection stays open elsewhere.
            unwatch(descriptor)
            close(descriptor)
            connections.remove(descriptor)
            incompleteSince[descriptor] = nil
            givenAway.insert(descriptor)
        }
        slot.set(.kept, Int64(connections.count))
    }

    /// Takes over one connection that another worker gave away; false when there was none, or no room for it.
    @discardableResult private func adoptOne() -> Bool {
        guard connections.count < adoptionLimit, let descriptor = handOver.take() else { return false }
        take(descriptor)
        return true
    }

    /// Waits for connections of other workers only while there is room for them and this worker stays.
    ///
    /// Not watched exclusively as the listening socket is: if the one that is woken were killed or turned to
    /// something else, the connection would wait for it while others have nothing to do.
    private func adoptWhileThereIsRoom() {
        let wants = ending == nil && connections.count < adoptionLimit
        guard wants != isAdopting else { return }
        isAdopting = wants
        if wants { watch(handOver.receiver, UInt32(EPOLLIN.rawValue)) } else { unwatch(handOver.receiver) }
    }

    // MARK: Requests

    /// Looks at what has arrived on a connection, and serves a request that is all there.
    private func inspect(_ descriptor: Int32, isHungUp: Bool) {
        guard connections.contains(descriptor) else { return }
        let count = recv(descriptor, window.baseAddress, window.count, Int32(MSG_PEEK) | Int32(MSG_DONTWAIT))
        if count < 0, errno == EAGAIN || errno == EINTR, !isHungUp { return }
        guard count > 0 else { return drop(descriptor, nil) }
        switch RecordGuard.examine(UnsafeRawBufferPointer(rebasing: window[..<count])) {
        case .incomplete:
            if isHungUp { return drop(descriptor, "request cut short") }
            if incompleteSince[descriptor] == nil {
                incompleteSince[descriptor] = Clock.monotonicMilliseconds()
            }
        case .aborted: drop(descriptor, "request aborted")
        case .refused(let reason): drop(descriptor, reason)
        case .ready(_, let more):
            if isHungUp { return drop(descriptor, "caller gone before execution") }
            serve(descriptor, andClose: more)
        }
    }

    private func serve(_ descriptor: Int32, andClose: Bool) {
        let start = Clock.monotonic()
        if !incompleteSince.isEmpty { incompleteSince[descriptor] = nil }
        slot.begin(at: start, deadline: settings.requestDeadline)
        inHand = descriptor
        let outcome = exchange.serve(descriptor, handler: handler)
        inHand = nil
        let end = Clock.monotonic()
        lastServed = end / 1_000_000
        switch outcome {
        case .answered(let response, let keep):
            slot.count(status: response.status, route: response.route, microseconds: (end - start) / 1000)
            if !keep || andClose || connections.count > settings.keptConnections { drop(descriptor, nil) }
        case .dropped(let reason): drop(descriptor, reason)
        case .closed(let reason):
            connections.remove(descriptor)
            report(reason)
        }
        slot.end(ending == nil ? .idle : .draining)
        if lastServed >= measuredAt + Self.measureMilliseconds { measure() }
    }

    private func measure() {
        measuredAt = Clock.monotonicMilliseconds()
        slot.measure()
    }

    private func drop(_ descriptor: Int32, _ reason: String?) {
        connections.remove(descriptor)
        incompleteSince[descriptor] = nil
        close(descriptor)
        if let reason { report(reason) }
    }

    private func report(_ reason: String) {
        logger.notice("connection dropped", metadata: ["connection.reason": .string(reason)])
    }

    /// Closes connections whose request stopped half-way.
    private func giveUpStalled() {
        guard !incompleteSince.isEmpty else { return }
        let before = Clock.monotonicMilliseconds() - settings.peerTimeout.milliseconds
        for descriptor in incompleteSince.filter({ $0.value <= before }).keys {
            drop(descriptor, "request did not arrive in time")
        }
    }

    // MARK: Waiting

    /// How long to wait for the next event, milliseconds; −1 without end.
    private func patience() -> Int32 {
        if ending != nil || listenerPausedUntil != nil { return 20 }
        return incompleteSince.isEmpty ? -1 : 100
    }

    private func watch(_ descriptor: Int32, _ events: UInt32) {
        var event = epoll_event(events: events, data: epoll_data_t(fd: descriptor))
        epoll_ctl(epoll, EPOLL_CTL_ADD, descriptor, &event)
    }

    private func unwatch(_ descriptor: Int32) {
        epoll_ctl(epoll, EPOLL_CTL_DEL, descriptor, nil)
    }

    private func watchListener() {
        guard let listener else { return }
        watch(listener, UInt32(EPOLLIN.rawValue) | UInt32(EPOLLEXCLUSIVE.rawValue))
    }

    /// Out of descriptors or memory: leaves the listening socket alone for a moment instead of spinning on it.
    private func pauseListening() {
        guard let listener else { return }
        logger.error("no connection can be accepted", metadata: ["errno": .stringConvertible(errno)])
        unwatch(listener)
        listenerPausedUntil = Clock.monotonicMilliseconds() + 100
    }

    private func resumeListening() {
        guard let until = listenerPausedUntil, Clock.monotonicMilliseconds() >= until else { return }
        listenerPausedUntil = nil
        watchListener()
    }
}
