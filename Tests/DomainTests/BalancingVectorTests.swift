import Testing

@testable import Domain

/// A case of balancing as `balancing.json` of the contract writes it: what is open and unused, and what follows.
///
/// Of our own cases, in the same form: `code` is a caller's code for an item, `means` its accountType, `amount` what an item
/// amounted to before a part of it was paid; `then` lists refunds and reversals that come after the balancing.
struct BalancingVector: Sendable, CustomTestStringConvertible {
    let name: String
    let tree: JSONValue

    var testDescription: String { name }

    /// All cases of a fixture.
    static func all(in file: String) -> [BalancingVector] {
        guard let bytes = try? fixtureBytes(file), let tree = JSONValue(bytes) else {
            preconditionFailure("Fixtures/\(file) cannot be read")
        }
        return tree.items.map { BalancingVector(name: $0["name"]?.text ?? "", tree: $0) }
    }

    /// Amounts by pairs of numbers, or by numbers, as the file gives them.
    var allocations: [[Int64]] { tree["allocations"]?.items.map { $0.items.compactMap(\.number) } ?? [] }
    var left: [Int64: Int64] {
        Dictionary(
            uniqueKeysWithValues: (tree["left"]?.members ?? [:]).compactMap { name, value in
                Int64(name).flatMap { id in value.number.map { (id, $0) } }
            }
        ).filter { $0.value != 0 }
    }
    var balance: Int64? { tree["balance"]?.number }
    var then: [JSONValue] { tree["then"]?.items ?? [] }

    /// The debts or the credits, those with something left.
    func items(_ side: String) throws -> [OpenItem] {
        let codes = Dictionary(
            uniqueKeysWithValues: (tree["open"]?.items ?? []).compactMap { item in
                item["code"]?.text.map { ("*\($0)", item["id"]?.number ?? 0) }
            })
        return try (tree[side]?.items ?? []).compactMap { value in
            let left = try #require(value["open"]?.number ?? value["left"]?.number)
            guard left > 0 else { return nil }
            let listed = (value["invoiceList"]?.text ?? "").split(separator: ",").map { part in
                String(part.drop { $0 == " " })
            }
            return item(
                try #require(value["id"]?.number),
                try #require(value["type"]?.text.flatMap { TransactionType(rawValue: $0) }),
                due: try #require(value["due"]?.text), left,
                first: try listed.map { try #require(codes[$0] ?? Int64($0)) })
        }
    }
}

struct BalancingVectorTests {
    /// Oracle: `balancing.json` of the contract, and cases worked by hand from the sentences of spec 5.4.
    @Test(
        arguments: BalancingVector.all(in: "balancing.json") + BalancingVector.all(in: "balancing-more.json"))
    func `allocations, what is left and the balance are those of the case`(vector: BalancingVector) throws {
        let algorithm = try #require(
            vector.tree["algorithm"]?.text.flatMap { BalancingAlgorithm(rawValue: $0) })
        let debts = try vector.items("open")
        let credits = try vector.items("credit")
        let made = Balancing.allocate(debts: debts, credits: credits, by: algorithm)
        var after = Afterwards(debts + credits, made)
        for step in vector.then { try after.take(step, by: algorithm) }
        let got = after.made.map { "\($0)" }.joined(separator: " ")
        print(
            "balancing: \(vector.name): expected \(vector.allocations) left \(vector.left) balance \(vector.balance ?? 0),",
            "got \(got) left \(after.left) balance \(after.balance)")
        #expect(after.made.sorted(by: inOrder) == vector.allocations.sorted(by: inOrder))
        #expect(vector.then.isEmpty ? after.made == vector.allocations : true)
        #expect(after.left == vector.left)
        #expect(after.balance == vector.balance)
    }

    @Test func `the contract's cases are all there, and more`() {
        #expect(BalancingVector.all(in: "balancing.json").count == 4)
        #expect(BalancingVector.all(in: "balancing-more.json").count >= 15)
    }
}

private func inOrder(_ left: [Int64], _ right: [Int64]) -> Bool { left.lexicographicallyPrecedes(right) }

/// The books of one customer after the balancing, for refunds and reversals.
private struct Afterwards {
    private var items: [Identifier<Transaction>: OpenItem]
    private var living: [LivingAllocation] = []

    init(_ items: [OpenItem], _ made: [NewAllocation]) {
        self.items = Dictionary(uniqueKeysWithValues: items.map { ($0.id, $0) })
        take([], made)
    }

    /// What the living allocations of each pair amount to, in the order of the first of them.
    var made: [[Int64]] {
        var sums: [[Int64]] = []
        for one in living {
            let pair = [one.source.id.rawValue, one.target.id.rawValue]
            if let index = sums.firstIndex(where: { Array($0.prefix(2)) == pair }) {
                sums[index][2] += one.amount.minorUnits
            } else {
                sums.append(pair + [one.amount.minorUnits])
            }
        }
        return sums
    }

    var left: [Int64: Int64] {
        Dictionary(uniqueKeysWithValues: items.values.map { ($0.id.rawValue, $0.left.minorUnits) })
            .filter { $0.value != 0 }
    }

    var balance: Int64 {
        items.values.reduce(0) { $0 + ($1.type.isDebt ? $1.left.minorUnits : -$1.left.minorUnits) }
    }

    /// A refund of a payment, or a reversal, as the actions compute them.
    mutating func take(_ step: JSONValue, by algorithm: BalancingAlgorithm) throws {
        let source = Identifier<Transaction>(try #require(step["refund"]?.number ?? step["reverse"]?.number))
        let type = try #require(items[source]?.type)
        let amount =
            step["amount"]?.number.map { Money($0) }
            ?? living.filter { $0.source.id == source || $0.target.id == source }
            .reduce(items[source]?.left ?? .zero) { $0 + $1.amount }
        let reversing: TransactionType =
            step["refund"] != nil
            ? .refund
            : type == .credit
                ? .creditReversal : type == .refund ? .refundReversal : type.isDebt ? .invoiceReversal : .void
        var item = item(
            try #require(step["id"]?.number), reversing, due: "2026-12-31", amount.minorUnits)
        item.left = amount
        var balances = Balances(Array(items.values.filter { $0.left > .zero }))
        balances.add(item)
        items[item.id] = item
        if reversing.isDebt {
            balances.free(amount, of: source, from: living)
            balances.use(source, on: item.id, amount)
        } else {
            balances.unpay(source, from: living)
            balances.use(item.id, on: source, amount)
        }
        balances.balance(by: algorithm)
        for id in items.keys { items[id]?.left = balances.left(of: id) }
        let ended = balances.ended
        living.removeAll { ended.contains($0.id) }
        take(ended, balances.made, isCounted: true)
    }

    private var last: Int64 = 0

    private mutating func take(_ ended: [Int64], _ made: [NewAllocation], isCounted: Bool = false) {
        for one in made {
            last += 1
            if !isCounted {
                items[one.sourceID]?.left -= one.amount
                items[one.targetID]?.left -= one.amount
            }
            guard var source = items[one.sourceID], var target = items[one.targetID] else { continue }
            (source.left, target.left) = (.zero, .zero)
            let givesBack = [TransactionType.refund, .void, .decline, .chargeback].contains(target.type)
            living.append(
                LivingAllocation(
                    id: last, source: source, target: target, amount: one.amount, givesBack: givesBack))
        }
    }
}
