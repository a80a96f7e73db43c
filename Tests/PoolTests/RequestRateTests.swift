import Testing

@testable import Pool

@Suite struct RequestRateTests {
    @Test func aSecondsWorthIsTakenAtOnceThenOneAnInterval() throws {
        let board = try Scoreboard.create()
        let other = try Scoreboard.open(inherited: board.descriptor)
        let second: Int64 = 1_000_000_000
        // Two workers count together.
        for index in 0..<200 {
            let worker = index.isMultiple(of: 2) ? board : other
            #expect(worker.admit("api-a", perSecond: 200, now: 7 * second) == 0)
        }
        let wait = other.admit("api-a", perSecond: 200, now: 7 * second)
        #expect((1...10).contains(wait))
        #expect(board.admit("api-b", perSecond: 200, now: 7 * second) == 0)
        // What was refused did not count.
        #expect(board.admit("api-a", perSecond: 200, now: 7 * second + 5_000_000) == 0)
        #expect(board.admit("api-a", perSecond: 200, now: 7 * second + 5_000_000) > 0)
        let later = (0..<300).filter { _ in board.admit("api-a", perSecond: 200, now: 9 * second) == 0 }
        #expect(later.count == 200)
        // One a second.
        #expect(board.admit("api-c", perSecond: 1, now: second) == 0)
        #expect((1...1001).contains(board.admit("api-c", perSecond: 1, now: second)))
        #expect(board.admit("api-c", perSecond: 1, now: 2 * second) == 0)
    }

    @Test func manyCallersAreCountedEachForItself() throws {
        let board = try Scoreboard.create()
        let names = (0..<1000).map { "api-\($0)" }
        for name in names { #expect(board.admit(name, perSecond: 1, now: 1_000_000_000) == 0) }
        #expect(names.count { board.admit($0, perSecond: 1, now: 1_000_000_000) == 0 } == 0)
    }
}
