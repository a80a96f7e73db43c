import Testing

@testable import Domain

/// Properties of balancing over drawn cases.
struct BalancingPropertyTests {
    /// Changed to look elsewhere; a failure prints it with the case's number.
    static let seed: UInt64 = 20_270_131
    static let cases = 20_000

    private struct Drawn {
        var debts: [OpenItem] = []
        var credits: [OpenItem] = []
        var algorithm = BalancingAlgorithm.ageBased
    }

    private func draw(_ numbers: inout SeededNumbers) -> Drawn {
        var drawn = Drawn()
        drawn.algorithm = Bool.random(using: &numbers) ? .ageBased : .invoiceFirst
        var ids = Array(Int64(1)...20).shuffled(using: &numbers)
        func date() -> String { "2027-01-0\(Int.random(in: 1...4, using: &numbers))" }
        func subscription() -> Int64? { [nil, nil, 51, 52].randomElement(using: &numbers) ?? nil }
        for _ in 0..<Int.random(in: 0...6, using: &numbers) {
            let type = [TransactionType.invoice, .invoice, .lateFee, .serviceFee, .creditReversal]
                .randomElement(using: &numbers)
            drawn.debts.append(
                item(
                    ids.removeLast(), type ?? .invoice, due: date(), .random(in: 1...25, using: &numbers),
                    subscription: subscription()))
        }
        for _ in 0..<Int.random(in: 0...6, using: &numbers) {
            let own = subscription()
            let named = Bool.random(using: &numbers) ? drawn.debts.map(\.id.rawValue) + [99] : []
            let count = Int.random(in: 0...3, using: &numbers)
            drawn.credits.append(
                item(
                    ids.removeLast(), .payment, due: date(), .random(in: 1...25, using: &numbers),
                    subscription: own, first: Array(named.shuffled(using: &numbers).prefix(count)),
                    heldFor: Int.random(in: 0..<4, using: &numbers) == 0 ? own : nil))
        }
        return drawn
    }

    /// Another implementation: cent by cent, each to the first open debt of the credit's own list.
    private func centByCent(_ drawn: Drawn) -> [[Int64]: Int64] {
        func older(_ left: OpenItem, _ right: OpenItem) -> Bool {
            left.dueDate != right.dueDate ? left.dueDate < right.dueDate : left.id < right.id
        }
        func inOrder(_ debts: [OpenItem]) -> [OpenItem] {
            let byAge = debts.sorted(by: older)
            guard drawn.algorithm == .invoiceFirst else { return byAge }
            let oldest = byAge.filter { $0.type == .invoice }.prefix(1)
            let fees = byAge.filter { ["RF", "RL", "RA", "RO", "RN"].contains($0.type.rawValue) }
            let taken = Set((oldest + fees).map(\.id))
            return oldest + fees + byAge.filter { !taken.contains($0.id) }
        }
        var open: [Int64: Int64] = [:]
        for debt in drawn.debts { open[debt.id.rawValue] = debt.left.minorUnits }
        var made: [[Int64]: Int64] = [:]
        for credit in drawn.credits.sorted(by: older) {
            var wanted = credit.first.map(\.rawValue)
            if let own = credit.subscriptionID {
                wanted += inOrder(drawn.debts.filter { $0.subscriptionID == own }).map(\.id.rawValue)
            }
            if credit.heldFor == nil { wanted += inOrder(drawn.debts).map(\.id.rawValue) }
            for _ in 0..<credit.left.minorUnits {
                guard let target = wanted.first(where: { open[$0, default: 0] > 0 }) else { break }
                open[target, default: 0] -= 1
                made[[credit.id.rawValue, target], default: 0] += 1
            }
        }
        return made
    }

    @Test func `money is conserved, and idle only where no debt is left that it may pay`() {
        print("seed \(Self.seed)")
        var numbers = SeededNumbers(state: Self.seed)
        for number in 0..<Self.cases {
            let drawn = draw(&numbers)
            let made = Balancing.allocate(
                debts: drawn.debts, credits: drawn.credits, by: drawn.algorithm)
            var open = Dictionary(uniqueKeysWithValues: drawn.debts.map { ($0.id, $0.left) })
            var unused = Dictionary(uniqueKeysWithValues: drawn.credits.map { ($0.id, $0.left) })
            for one in made {
                guard one.amount > .zero, let debt = open[one.targetID], let credit = unused[one.sourceID]
                else {
                    Issue.record("seed \(Self.seed) case \(number): \(one)")
                    continue
                }
                open[one.targetID] = debt - one.amount
                unused[one.sourceID] = credit - one.amount
            }
            let isNegative = open.values.contains { $0 < .zero } || unused.values.contains { $0 < .zero }
            let hasDebt = open.values.contains { $0 > .zero }
            let isIdle = drawn.credits.contains { $0.heldFor == nil && unused[$0.id, default: .zero] > .zero }
            if isNegative || (hasDebt && isIdle) {
                Issue.record("seed \(Self.seed) case \(number): open \(open), unused \(unused)")
            }
        }
    }

    @Test func `every case agrees with balancing cent by cent`() {
        print("seed \(Self.seed)")
        var numbers = SeededNumbers(state: Self.seed)
        var used = 0
        for number in 0..<Self.cases {
            let drawn = draw(&numbers)
            let made = Balancing.allocate(
                debts: drawn.debts, credits: drawn.credits, by: drawn.algorithm)
            var sums: [[Int64]: Int64] = [:]
            for one in made {
                sums[[one.sourceID.rawValue, one.targetID.rawValue], default: 0] += one.amount.minorUnits
            }
            used += made.count
            if sums != centByCent(drawn) || sums.count != made.count {
                Issue.record("seed \(Self.seed) case \(number): \(drawn) made \(sums)")
            }
        }
        #expect(used > Self.cases)
    }

    @Test func `the order in which debts and credits are handed over does not matter`() {
        print("seed \(Self.seed)")
        var numbers = SeededNumbers(state: Self.seed &+ 1)
        for number in 0..<2_000 {
            let drawn = draw(&numbers)
            let made = Balancing.allocate(
                debts: drawn.debts, credits: drawn.credits, by: drawn.algorithm)
            let again = Balancing.allocate(
                debts: drawn.debts.shuffled(using: &numbers),
                credits: drawn.credits.shuffled(using: &numbers),
                by: drawn.algorithm)
            if made != again { Issue.record("seed \(Self.seed) case \(number)") }
        }
    }
}
