import Domain

/// One history: actors over the same books and the same processor, from one seed.
final class Simulation {
    let accountID: Int64 = 1
    let world: World
    let books: MemoryBooks
    let processor: MemoryProcessor
    let vault: MemoryVault
    /// What this history's callers ask for.
    let leanings: [Int]
    /// How many days its clock mostly jumps at most.
    private let stride: Int
    var requests: [Request] = []
    private let began: Int64
    private var latest: Int64
    private(set) var steps = 0

    init(seed: UInt64, keepsTrace: Bool) {
        world = World(seed: seed, keepsTrace: keepsTrace)
        world.letsStall = world.draw.chance(500)
        guard let currency = Currency(code: "USD") else { preconditionFailure("USD is a currency") }
        var account = MerchantAccount(id: 1, name: "simulated", currency: currency)
        Policies.draw(&account, from: &world.draw)
        leanings = Callers.leanings(from: &world.draw)
        stride = world.draw.one(of: [3, 9, 9, 31]) ?? 9
        began = world.time
        latest = began
        books = MemoryBooks(MemoryState(account: account, clock: began), in: world)
        processor = MemoryProcessor(world)
        vault = MemoryVault(world)
        world.note("policy: \(Policies.text(account)); the clock shows \(books.state.moment.local)")
        world.interleave = { [unowned self] in act() }
    }

    /// Days that the account's clock went through.
    var days: Int { Int((latest - began) / 86_400) }

    /// Runs so many steps, then the recovery; stops at the first breach.
    func run(steps count: Int) {
        while steps < count, world.broken.isEmpty {
            steps += 1
            if steps <= 3, let request = Callers.customer(self) { sendNew(request) } else { act() }
            check("step \(steps)")
        }
        guard world.broken.isEmpty else { return }
        recover()
        guard world.broken.isEmpty else { return }
        check("the end")
        for fault in Ending(self).faults() { world.broken.append(fault) }
    }

    private func check(_ when: String) {
        latest = max(latest, books.state.clock)
        guard world.broken.isEmpty else { return }
        var checker = Checker(books.state, processor)
        checker.check()
        world.broken += checker.broken.map { "after \(when): \($0)" }
    }

    /// One action of whichever actor has its turn.
    func act() {
        switch world.draw.number(0...99) {
        case 0...29: jobs()
        case 30...69: caller()
        case 70...91: time()
        case 92...96: operate()
        default: time(back: true)
        }
    }

    /// Runs an actor's action in a process of its own, which may end at any point.
    func process(_ name: String, _ body: () throws -> Void) {
        let longest = world.draw.chance(500) ? 30 : 300
        world.process = World.Process(
            points: world.hasFaults && world.draw.chance(200) ? world.draw.number(1...longest) : nil)
        do {
            try body()
            if world.process.wasThrown { world.broken.append("\(name) caught the end of its process") }
        } catch is Crash {
            world.note("\(name): its process ended")
        } catch is OutcomeUnknown {
            world.note("\(name): outcome of a commit unknown")
        } catch let refusal as Refusal {
            world.note("\(name): \(refusal.faults[0].message)")
        } catch {
            world.broken.append("\(name) failed: \(error)")
        }
        world.process = World.Process()
    }

    // MARK: Callers

    private func caller() {
        let open = requests.filter { $0.answer == nil && $0.tries < 40 }
        if let request = world.draw.one(of: open), world.draw.chance(500) {
            send(request)
        } else if world.draw.chance(60), let request = world.draw.one(of: requests), request.mayComeAgain {
            send(request)
        } else if let request = Callers.next(self) {
            sendNew(request)
        }
    }

    private func sendNew(_ request: Request) {
        requests.append(request)
        send(request)
    }

    private func send(_ request: Request) {
        process("caller \(request.key) \(request.label)") { try request.send(in: self) }
    }

    // MARK: Jobs processes and the operator

    private func jobs() {
        guard !world.isAlone else { return }
        process("jobs") {
            let report = try pass(batches: 4)
            world.note("jobs: \(report.map { "\($0)" } ?? "another one is alone")")
        }
    }

    private var run: RunBilling {
        RunBilling(
            account: accountID, books: books, processor: processor, vault: vault,
            isTrouble: { $0 is Crash || $0 is OutcomeUnknown })
    }

    /// One pass as the jobs process makes it, late fees after it where it is alone.
    ///
    /// - Parameter isMine: whether it belongs to the clock that is being moved.
    func pass(batches: Int, isMine: Bool = false) throws -> RunBilling.Report? {
        guard !world.isAlone || isMine else { return nil }
        var run = run
        run.asksForNoticesEachTime = isMine
        world.passes += 1
        var report: RunBilling.Report
        do {
            defer { world.passes -= 1 }
            report = try run.execute(batches: batches)
        }
        note(report)
        guard report.isDone, try run.hasAgeing(), world.passes == 0, !world.isAlone || isMine else {
            return report
        }
        let wasAlone = world.isAlone
        world.isAlone = true
        defer { world.isAlone = wasAlone }
        let aged = try run.age(batches: batches)
        note(aged)
        report.add(aged)
        return report
    }

    private func note(_ report: RunBilling.Report) {
        for one in report.setAside { world.broken.append("set aside: \(one)") }
        for one in report.failures { world.broken.append("not taken into the books: \(one)") }
    }

    private func operate() {
        guard world.passes == 0, !world.isAlone else { return }
        let today = books.state.moment.businessDate
        let target = LocalDateTime(
            date: today.adding(days: world.draw.number(0...35)),
            secondOfDay: Int32(world.draw.number(0...86_399)))
        process("operator advances to \(target)") {
            _ = try AdvanceClock(account: accountID, to: target).execute(
                books, reaching: [accountID], by: actor,
                runDay: { _ = try pass(batches: .max, isMine: true) },
                askForOutcomes: {
                    let report = try run.recoverEarly()
                    note(report)
                    return report.outcomesRecovered > 0
                })
            world.note("operator: the clock shows \(books.state.moment.local)")
        }
    }

    // MARK: Time

    private func time(back: Bool = false) {
        guard !world.isAlone else { return }
        let seconds: Int
        if back {
            world.count(.clockBack)
            seconds = -world.draw.number(1...(2 * 86_400))
        } else if world.draw.chance(250) {
            seconds = world.draw.number(1...900)
        } else {
            world.count(.clockForward)
            seconds = world.draw.number(0...(world.draw.chance(150) ? 70 : stride)) * 86_400 + 3600
        }
        pass(seconds: seconds)
    }

    private func pass(seconds: Int) {
        // Where no process stands still, the machine's time hardly goes on while one waits in the middle of its work.
        if world.depth > 0, world.letsStall, seconds > 60 { world.count(.stall) }
        world.time += Int64(world.depth > 0 && !world.letsStall ? max(0, min(seconds, 1)) : seconds)
        books.state.clock += Int64(seconds)
        world.note("the clock shows \(books.state.moment.local)")
    }

    // MARK: Recovery

    /// All faults off, time goes on until every request is answered and nothing is open.
    private func recover() {
        world.note("-- recovery")
        world.hasFaults = false
        processor.arrive()
        for round in 0..<60 {
            pass(seconds: 700 + (round % 3 == 2 ? 86_400 : 0))
            process("jobs at the end") { _ = try pass(batches: .max) }
            check("recovery \(round)")
            for request in requests where request.answer == nil { send(request) }
            check("recovery \(round)")
            guard world.broken.isEmpty else { return }
            let isOpen = books.state.attempts.rows.contains { $0.outcome == .open }
            if round > 8, !isOpen, requests.allSatisfy({ $0.answer != nil }) { break }
        }
        process("last jobs") { _ = try pass(batches: .max) }
    }
}
