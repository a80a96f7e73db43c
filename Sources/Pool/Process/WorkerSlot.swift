import CLinux
import Glibc
import Synchronization

/// A worker's hand on its own slot of the scoreboard.
public struct WorkerSlot: Sendable {
    /// The whole scoreboard, to read.
    public let scoreboard: Scoreboard
    /// Index of this worker's slot.
    public let index: Int

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

    func set(_ field: SlotField, _ value: Int64) { scoreboard.store(value, field, slot: index) }

    func enter(_ state: WorkerState) { set(.state, state.rawValue) }

    /// Marks the start of a request.
    func begin(at nanoseconds: Int64, deadline: Duration) {
        let now = nanoseconds / 1_000_000
        set(.deadline, now + deadline.milliseconds)
        set(.requestStarted, now)
        enter(.busy)
    }

    /// Marks the end of a request that was not answered.
    func end(_ state: WorkerState) {
        enter(state)
        set(.requestStarted, 0)
        set(.deadline, 0)
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
