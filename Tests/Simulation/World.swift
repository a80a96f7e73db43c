import Domain

/// The process of an actor ended: nothing of it runs on, and no action may catch it.
struct Crash: Error {}
/// The connection was lost while a commit was under way: it may have taken effect.
struct OutcomeUnknown: Error {}
/// A connection was lost or a lock not to be had: nothing was kept.
struct Trouble: Error {}

/// What is common to all parts of one history: chance, the machine's time, the faults and the record of what happened.
final class World {
    /// How often what was injected.
    enum Fault: Int, CaseIterable {
        case crashInStore, crashBeforeCommit, crashAfterCommit, crashBeforeProcessor, crashAfterProcessor
        case lostCommit, lostCommitAnswer, collision, requestLost, answerLost, deliveredTwice, down,
            noticeTwice, arrivesLate, stall
        case clockForward, clockBack, nested
    }

    /// What holds for the process of the actor at work.
    struct Process {
        /// So many more points until it ends; nil when it does not.
        var points: Int?
        var isDead = false
        /// Whether the end was thrown into the action.
        var wasThrown = false
    }

    var draw: Draw
    /// The machine's time in seconds since 1970; what waits for retries and notices goes by it.
    var time: Int64
    var hasFaults = true
    /// Whether a process may stand still in the middle of its work, for longer than the recovery waits before it asks.
    var letsStall = false
    var process = Process()
    var counts = [Int](repeating: 0, count: Fault.allCases.count)
    var trace: [String] = []
    let keepsTrace: Bool
    /// What was found broken.
    var broken: [String] = []
    /// Billing passes under way, and whether one of them or a moving clock wants to be alone.
    var passes = 0
    var isAlone = false
    var isInTransaction = false
    var depth = 0
    /// Lets another actor do something whole in between.
    var interleave: () -> Void = {}
    private var numbers = [Int64](repeating: 0, count: 6)

    init(seed: UInt64, keepsTrace: Bool) {
        draw = Draw(seed: seed)
        self.keepsTrace = keepsTrace
        time = 1_830_000_000
        time += Int64(draw.number(0...1200)) * 86_400
    }

    /// The sequences of the database; a rollback does not give numbers back.
    enum Sequence: Int {
        case common, transactions, options, adjustments, allocations, movements
    }

    func next(_ sequence: Sequence) -> Int64 {
        numbers[sequence.rawValue] += 1
        return numbers[sequence.rawValue]
    }

    /// The last number given.
    func last(_ sequence: Sequence) -> Int64 { numbers[sequence.rawValue] }

    /// A line of the history.
    func note(_ line: @autoclosure () -> String) {
        if keepsTrace { trace.append(String(repeating: "  ", count: depth) + line()) }
    }

    func count(_ fault: Fault) {
        counts[fault.rawValue] += 1
        note("! \(fault)")
    }

    /// A point at which the process may end.
    func point(_ fault: Fault) throws {
        if process.isDead {
            process.wasThrown = true
            throw Crash()
        }
        if ends(fault) {
            process.wasThrown = true
            throw Crash()
        }
    }

    /// The same where nothing can be thrown: whether the process ends here or has ended.
    func ends(_ fault: Fault) -> Bool {
        if process.isDead { return true }
        guard hasFaults else { return false }
        // Processor calls are few among the points: each has a chance of its own.
        let isAtProcessor = fault == .crashBeforeProcessor || fault == .crashAfterProcessor
        if let left = process.points { process.points = left - 1 }
        guard process.points == 0 || isAtProcessor && draw.chance(15) else { return false }
        process.isDead = true
        count(fault)
        return true
    }

    /// Outside transactions others may have their turn.
    func others() {
        guard hasFaults, !isInTransaction, !process.isDead, depth < 2, draw.chance(25) else { return }
        count(.nested)
        let saved = process
        process = Process()
        depth += 1
        for _ in 0..<(letsStall && draw.chance(250) ? draw.number(2...8) : 1) { interleave() }
        depth -= 1
        process = saved
    }
}
