import Domain

/// The books in memory: a transaction works on a copy, which is kept when the body returns and the commit succeeds.
///
/// What may happen on the way: the process ends before any call, after it, before the commit, after it; the commit's answer is
/// lost; the transaction collides with another and its body runs again.
final class MemoryBooks: Books {
    var state: MemoryState
    let world: World

    init(_ state: MemoryState, in world: World) {
        self.state = state
        self.world = world
    }

    func transaction<Result>(
        reaching accounts: [Int64], _ body: (any Store) throws -> Result
    ) throws -> Result {
        precondition(!world.isInTransaction, "a transaction begins inside another one")
        world.others()
        try world.point(.crashInStore)
        if world.hasFaults, world.draw.chance(8) {
            // Runs again: whatever the first run did outside the store would show.
            world.count(.collision)
            _ = try? run(body, reaching: accounts)
            try world.point(.crashInStore)
        }
        let (result, after) = try run(body, reaching: accounts)
        try world.point(.crashBeforeCommit)
        if world.hasFaults, world.draw.chance(4) {
            let isKept = world.draw.chance(500)
            world.count(isKept ? .lostCommitAnswer : .lostCommit)
            if isKept { state = after }
            throw OutcomeUnknown()
        }
        state = after
        try world.point(.crashAfterCommit)
        world.others()
        return result
    }

    private func run<Result>(
        _ body: (any Store) throws -> Result, reaching accounts: [Int64]
    ) throws -> (Result, MemoryState) {
        world.isInTransaction = true
        defer { world.isInTransaction = false }
        let store = MemoryStore(state, in: world, reaching: accounts)
        do {
            let result = try body(store)
            try store.checkAtCommit()
            return (result, store.state)
        } catch let refused as DatabaseRefused {
            world.broken.append("\(refused)")
            throw refused
        }
    }

    func reading<Result>(reaching accounts: [Int64], _ body: (any Store) throws -> Result) throws -> Result {
        try transaction(reaching: accounts, body)
    }

    /// Nobody runs beside it: a pass that is under way would be waited for, so that none of these is begun then.
    func withoutPasses<Result>(of account: Int64, _ body: () throws -> Result) throws -> Result {
        guard world.passes == 0, !world.isAlone else {
            throw Refusal(.stateForbids, "the account is busy")
        }
        world.isAlone = true
        defer { world.isAlone = false }
        return try body()
    }

    /// A second of the machine's time; where whoever is in the middle of work must not stand still, nobody waits for him.
    func waitForOthers() -> Bool {
        guard world.depth == 0 || world.letsStall else { return false }
        world.time += 1
        return true
    }
}
