import CLinux
import Glibc
import Synchronization

/// A worker's hand on its own slot of the scoreboard.
public struct WorkerSlot {
    /// The whole scoreboard, to read.
    public let scoreboard: Scoreboard
    /// Index of this worker's slot.
    public let index: Int
    let standingAside = StandingAside()

    init(scoreboard: Scoreboard, index: Int) {
        self.scoreboard = scoreboard
        self.index = index
    }

    /// Lets the present request take this long from now before the master ends the worker.
    public func allow(_ time: Duration) {
        set(.deadline, Clock.monotonicMilliseconds() + time.milliseconds)
    }

    /// Time that the present request has left until the master ends the worker; never negative.
    public var timeLeft: Duration {
        .milliseconds(max(0, scoreboard.load(.deadline, slot: index) - Clock.monotonicMilliseconds()))
    }

    /// Hands all connections of this worker but the one in hand to workers that are free.
    ///
    /// To be called in a request before it waits for something slow, so that no other request waits behind it.
    /// What has arrived on those connections goes along unread. They stay here when there is no room on the way,
    /// and in a worker that is leaving. Costs nothing when there are none.
    public func standAside() { standingAside.loop?.handOverConnections() }

    /// Takes one of the places outside, of which this worker's pool has `limit`; false when all are taken.
    ///
    /// To be called before a call to another system, so that a slow one leaves workers for everything else. Never
    /// more than `limit` living workers are outside at one time; of several that come at the same moment for the
    /// last place, all may be refused. Whoever is outside already stays so. Ends with `leaveOutside()`, at the
    /// latest with the request, or with the worker.
    public func enterOutside(limit: Int) -> Bool {
        scoreboard.load(.outside, slot: index) != 0 || scoreboard.enterOutside(slot: index, limit: limit)
    }

    /// Gives the place outside back; does nothing without one.
    public func leaveOutside() { set(.outside, 0) }

    func set(_ field: SlotField, _ value: Int64) { scoreboard.store(value, field, slot: index) }

    func enter(_ state: WorkerState) { set(.state, state.rawValue) }

    /// Marks the start of a request.
    func begin(at nanoseconds: Int64, deadline: Duration) {
        let now = nanoseconds / 1_000_000
        set(.deadline, now + deadline.milliseconds)
        set(.requestStarted, now)
        enter(.busy)
    }

    /// Marks the end of a request, answered or not.
    func end(_ state: WorkerState) {
        enter(state)
        set(.requestStarted, 0)
        set(.deadline, 0)
        leaveOutside()
    }

    /// Counts an answered request.
    func count(status: Int, route: Int, microseconds: Int64) {
        let row = scoreboard.row(slot: index, route: (0..<Scoreboard.routeRows).contains(route) ? route : 0)
        let statusClass = (100..<600).contains(status) ? status / 100 : 0
        let bounds = Scoreboard.bucketBounds
        let bucket = bounds.firstIndex { microseconds <= $0 } ?? bounds.count
        row[statusClass].add(1, ordering: .relaxed)
        row[Scoreboard.statusClasses + bucket].add(1, ordering: .relaxed)
        row[Scoreboard.statusClasses + bounds.count + 1].add(microseconds, ordering: .relaxed)
        scoreboard.slot(index)[SlotField.requests.rawValue].add(1, ordering: .releasing)
    }

    /// Writes the resident memory down.
    func measure() {
        let statm = open("/proc/self/statm", O_RDONLY | O_CLOEXEC)
        guard statm >= 0 else { return }
        defer { close(statm) }
        var text = [UInt8](repeating: 0, count: 64)
        let count = read(statm, &text, text.count)
        let fields = text.prefix(max(0, count)).split(separator: UInt8(ascii: " "))
        guard fields.count > 1, let pages = Int64(String(decoding: fields[1], as: UTF8.self)) else { return }
        set(.resident, pages * 4)
    }
}
