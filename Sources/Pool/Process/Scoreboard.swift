import CLinux
import Glibc
import Synchronization

/// What a worker is doing.
public enum WorkerState: Int64, Sendable {
    case none = 0
    case starting = 1
    case idle = 2
    case busy = 3
    case draining = 4
}

/// Shared memory in which each worker writes its own slot and everybody reads all.
///
/// Every word has one writer: the master while the slot has no worker, then the worker; the process id is written
/// by both, the same. Counters stay when a
/// worker ends and go on with the slot's next one, so sums never step back while the master lives.
///
///     | head | slot 0 | slot 1 | … | counters of slot 0 | counters of slot 1 | … | callers |
public struct Scoreboard: @unchecked Sendable {
    /// Slots, taken or not: the most workers that can live at one time, old and new ones of a reload together.
    public static let slotCount = 256
    /// Rows of counters in a slot. A route index beyond the last one is counted in row 0.
    public static let routeRows = 192
    /// Upper bounds of the latency buckets, microseconds; a last bucket takes what is slower.
    public static let bucketBounds: [Int64] = [
        500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000, 2_500_000,
        5_000_000, 20_000_000,
    ]

    /// `MFD_CLOEXEC`, a macro that the importer leaves out.
    private static let closeOnExec: UInt32 = 1
    static let layoutVersion: Int64 = 0x4249_4C4C_0003
    static let headWords = 8
    static let slotWords = 16
    static let statusClasses = 6
    static let rowWords = 24
    /// Callers whose requests are counted, two words each: who, and when the next request is due.
    static let callers = 4096
    static let firstCaller = headWords + slotCount * slotWords + slotCount * routeRows * rowWords
    static let size = (firstCaller + callers * 2) * MemoryLayout<Int64>.stride

    typealias Word = UnsafeMutablePointer<Atomic<Int64>>

    /// The memory file, inherited by workers.
    let descriptor: Int32
    private let words: Word

    /// Makes an empty scoreboard: the master's.
    static func create() throws(PoolFailure) -> Scoreboard {
        let descriptor = memfd_create("billing-scoreboard", closeOnExec)
        guard descriptor >= 0, ftruncate(descriptor, off_t(size)) == 0 else {
            throw .system("No shared memory for the scoreboard")
        }
        let board = try Scoreboard(mapping: descriptor)
        board.words[0].store(layoutVersion, ordering: .releasing)
        return board
    }

    /// Opens the scoreboard that the master made; refuses one of another layout.
    static func open(inherited descriptor: Int32) throws(PoolFailure) -> Scoreboard {
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_size == off_t(size) else {
            throw PoolFailure(
                "The scoreboard is missing or of another version: workers are started by `billing serve`, "
                    + "and after this upgrade the master must be restarted.")
        }
        let board = try Scoreboard(mapping: descriptor)
        guard board.words[0].load(ordering: .acquiring) == layoutVersion else {
            throw PoolFailure("The scoreboard is of another version: restart the master after this upgrade.")
        }
        return board
    }

    private init(mapping descriptor: Int32) throws(PoolFailure) {
        let memory = mmap(nil, Self.size, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0)
        guard let memory, memory != MAP_FAILED else { throw .system("The scoreboard cannot be mapped") }
        self.descriptor = descriptor
        words = memory.assumingMemoryBound(to: Atomic<Int64>.self)
    }

    /// First word of a slot.
    func slot(_ index: Int) -> Word {
        precondition(index >= 0 && index < Self.slotCount, "slot out of range")
        return words + (Self.headWords + index * Self.slotWords)
    }

    /// First word of a row of counters.
    func row(slot: Int, route: Int) -> Word {
        let first = Self.headWords + Self.slotCount * Self.slotWords
        return words + (first + (slot * Self.routeRows + route) * Self.rowWords)
    }

    /// First word of a caller's place.
    func caller(_ index: Int) -> Word { words + (Self.firstCaller + index * 2) }

    func load(_ field: SlotField, slot index: Int) -> Int64 {
        slot(index)[field.rawValue].load(ordering: .acquiring)
    }

    func store(_ value: Int64, _ field: SlotField, slot index: Int) {
        slot(index)[field.rawValue].store(value, ordering: .releasing)
    }

    /// How many requests all workers have answered since the server started.
    public var answered: Int64 {
        (0..<Self.slotCount).reduce(0) { $0 + load(.requests, slot: $1) }
    }

    /// Takes one of `limit` places outside for the worker of a slot; false when all are taken.
    ///
    /// Without a lock: each puts its own flag up first, then counts, and takes it back when there are too many. All
    /// of it in one order for everybody, so of two that come at once at least one sees the other. Both may be
    /// refused; both are never admitted to one place.
    func enterOutside(slot index: Int, limit: Int) -> Bool {
        let flag = SlotField.outside.rawValue
        let pool = load(.pool, slot: index)
        slot(index)[flag].store(1, ordering: .sequentiallyConsistent)
        let taken = (0..<Self.slotCount).count { other in
            slot(other)[flag].load(ordering: .sequentiallyConsistent) != 0
                && load(.pool, slot: other) == pool && isAlive(slot: other)
        }
        if taken > limit { store(0, .outside, slot: index) }
        return taken <= limit
    }

    private func isAlive(slot index: Int) -> Bool {
        let pid = load(.pid, slot: index)
        return pid > 0 && (kill(pid_t(pid), 0) == 0 || errno != ESRCH)
    }
}

/// Words of a slot.
enum SlotField: Int {
    case pid, state, started, requestStarted, deadline, requests, kept, resident, pool
    /// 1 while the worker waits for an answer from outside.
    case outside
}

/// One worker as `/metrics` and `billing status` see it.
public struct SlotView: Sendable {
    /// Index of the slot.
    public let slot: Int
    /// Process id of the worker.
    public let pid: Int32
    /// Index of its pool in `MasterSettings.pools`.
    public let pool: Int
    /// What it is doing.
    public let state: WorkerState
    /// Milliseconds since it was started.
    public let ageMilliseconds: Int64
    /// Milliseconds in the present request; nil when idle.
    public let requestMilliseconds: Int64?
    /// Requests answered in this slot, by this worker and those before it.
    public let requests: Int64
    /// Open connections.
    public let kept: Int64
    /// Resident memory, kilobytes, as of its last idle moment.
    public let residentKilobytes: Int64
}

/// Counters of one route, summed over all workers that ever ran under this master.
public struct RouteCounters: Sendable {
    /// The route's index, as in `Response.route`.
    public let route: Int
    /// Requests by status class: index 2 counts 2xx, 4 counts 4xx; 0 counts what is none of 1xx … 5xx.
    public let byStatusClass: [Int64]
    /// Requests by latency: one count for each of `Scoreboard.bucketBounds`, then the slower ones. Not summed up.
    public let buckets: [Int64]
    /// Sum of all latencies, microseconds.
    public let sumMicroseconds: Int64
}

extension Scoreboard {
    /// All living workers, by slot.
    public func workers() -> [SlotView] {
        let now = Clock.monotonicMilliseconds()
        return (0..<Self.slotCount).compactMap { index in
            let pid = load(.pid, slot: index)
            guard pid > 0 else { return nil }
            let state = WorkerState(rawValue: load(.state, slot: index)) ?? .none
            let since = load(.requestStarted, slot: index)
            return SlotView(
                slot: index, pid: Int32(pid), pool: Int(load(.pool, slot: index)), state: state,
                ageMilliseconds: now - load(.started, slot: index),
                requestMilliseconds: since > 0 ? max(0, now - since) : nil,
                requests: load(.requests, slot: index), kept: load(.kept, slot: index),
                residentKilobytes: load(.resident, slot: index))
        }
    }

    /// Counters of every route that was called at least once, by route.
    public func routes() -> [RouteCounters] {
        let used = (0..<Self.slotCount).filter { load(.requests, slot: $0) > 0 }
        return (0..<Self.routeRows).compactMap { route in
            var sums = [Int64](repeating: 0, count: Self.rowWords)
            for slot in used {
                let row = row(slot: slot, route: route)
                for word in 0..<Self.rowWords { sums[word] &+= row[word].load(ordering: .relaxed) }
            }
            let classes = Array(sums[..<Self.statusClasses])
            guard classes.contains(where: { $0 > 0 }) else { return nil }
            let last = Self.statusClasses + Self.bucketBounds.count
            return RouteCounters(
                route: route, byStatusClass: classes, buckets: Array(sums[Self.statusClasses...last]),
                sumMicroseconds: sums[last + 1])
        }
    }
}
