import Testing

@testable import Domain

/// A case of balancing: what is open, what is unused, and which allocations follow.
struct BalancingCase: Sendable, CustomTestStringConvertible {
    let name: String
    let algorithm: BalancingAlgorithm
    let debts: [OpenItem]
    let credits: [OpenItem]
    /// Source, target, amount.
    let allocations: [[Int64]]
    /// What is left of those that have something left, by id.
    let left: [Int64: Int64]

    init(
        _ name: String, _ algorithm: BalancingAlgorithm, open debts: [OpenItem], credit credits: [OpenItem],
        allocations: [[Int64]], left: [Int64: Int64]
    ) {
        self.name = name
        self.algorithm = algorithm
        self.debts = debts
        self.credits = credits
        self.allocations = allocations
        self.left = left
    }

    var testDescription: String { name }
}

struct BalancingTests {
    /// Oracle: the sentences of spec 5.4 and 5.9.
    private static let cases = [
        BalancingCase(
            "the same day: the lower id first, on both sides", .ageBased,
            open: [item(4, .invoice, 100), item(3, .serviceFee, 100)],
            credit: [item(9, .payment, 50), item(8, .payment, 100)],
            allocations: [[8, 3, 100], [9, 4, 50]], left: [4: 50]),
        BalancingCase(
            "invoiceList is used in the order given, then the rest by age", .ageBased,
            open: [
                item(1, .invoice, due: "2027-01-01", 100), item(2, .invoice, due: "2027-01-02", 100),
                item(3, .invoice, due: "2027-01-03", 100),
            ],
            credit: [item(9, .payment, 250, first: [3, 2])],
            allocations: [[9, 3, 100], [9, 2, 100], [9, 1, 50]], left: [1: 50]),
        BalancingCase(
            "invoiceList names what is paid already: the rest by age", .ageBased,
            open: [item(1, .invoice, 100)], credit: [item(9, .payment, 60, first: [5, 6])],
            allocations: [[9, 1, 60]], left: [1: 40]),
        BalancingCase(
            "an older payment is used before a newer one that names an invoice", .ageBased,
            open: [item(1, .invoice, 100)],
            credit: [
                item(9, .payment, due: "2027-01-02", 100, first: [1]),
                item(8, .payment, due: "2027-01-01", 30),
            ],
            allocations: [[8, 1, 30], [9, 1, 70]], left: [9: 30]),
        BalancingCase(
            "a payment for a subscription pays that subscription's invoices first", .ageBased,
            open: [
                item(1, .invoice, due: "2027-01-01", 100, subscription: 51),
                item(2, .invoice, due: "2027-01-02", 100, subscription: 52),
                item(3, .invoice, due: "2027-01-03", 100, subscription: 52),
            ],
            credit: [item(9, .payment, 250, subscription: 52)],
            allocations: [[9, 2, 100], [9, 3, 100], [9, 1, 50]], left: [1: 50]),
        BalancingCase(
            "what is held for a subscription pays nothing else", .ageBased,
            open: [item(1, .invoice, 100, subscription: 51), item(2, .lateFee, 40)],
            credit: [
                item(8, .payment, 70, subscription: 52, heldFor: 52),
                item(9, .payment, due: "2027-01-05", 30),
            ],
            allocations: [[9, 1, 30]], left: [1: 70, 2: 40, 8: 70]),
        BalancingCase(
            "what is held pays its own first invoice, no more", .ageBased,
            open: [
                item(1, .invoice, due: "2027-01-01", 100, subscription: 51),
                item(2, .invoice, due: "2027-01-02", 50, subscription: 52),
            ],
            credit: [item(8, .payment, 70, subscription: 52, heldFor: 52)],
            allocations: [[8, 2, 50]], left: [1: 100, 8: 20]),
        BalancingCase(
            "what is held pays what it names", .ageBased,
            open: [item(1, .invoice, 100, subscription: 51)],
            credit: [item(8, .payment, 70, subscription: 52, first: [1], heldFor: 52)],
            allocations: [[8, 1, 70]], left: [1: 30]),
        BalancingCase(
            "IF without an invoice: the fees by age", .invoiceFirst,
            open: [
                item(2, .lateFee, due: "2027-01-05", 100), item(3, .serviceFee, due: "2027-01-02", 100),
                item(4, .accessFee, due: "2027-01-03", 100),
            ],
            credit: [item(9, .payment, 250)],
            allocations: [[9, 3, 100], [9, 4, 100], [9, 2, 50]], left: [2: 50]),
        BalancingCase(
            "IF: the oldest invoice before a fee that is older", .invoiceFirst,
            open: [
                item(1, .lateFee, due: "2026-12-01", 100), item(2, .invoice, due: "2027-01-01", 100),
                item(3, .invoice, due: "2027-01-02", 100), item(4, .accessFee, due: "2027-01-09", 100),
            ],
            credit: [item(9, .payment, 350)],
            allocations: [[9, 2, 100], [9, 1, 100], [9, 4, 100], [9, 3, 50]], left: [3: 50]),
        BalancingCase(
            "IF without a fee is by age", .invoiceFirst,
            open: [
                item(3, .invoice, due: "2027-01-03", 100), item(2, .invoice, due: "2027-01-02", 100),
                item(1, .invoice, due: "2027-01-09", 100),
            ],
            credit: [item(9, .payment, 250)],
            allocations: [[9, 2, 100], [9, 3, 100], [9, 1, 50]], left: [1: 50]),
        BalancingCase(
            "exactly enough leaves nothing", .ageBased,
            open: [item(1, .invoice, 100), item(2, .invoice, 200)],
            credit: [item(8, .payment, 150), item(9, .credit, 150)],
            allocations: [[8, 1, 100], [8, 2, 50], [9, 2, 150]], left: [:]),
        BalancingCase(
            "many small amounts on one invoice", .ageBased, open: [item(1, .invoice, 100)],
            credit: (10...14).map { item($0, .payment, 30) },
            allocations: [[10, 1, 30], [11, 1, 30], [12, 1, 30], [13, 1, 10]], left: [13: 20, 14: 30]),
        BalancingCase(
            "nothing to pay", .ageBased, open: [], credit: [item(9, .payment, 30)],
            allocations: [], left: [9: 30]),
        BalancingCase(
            "nothing to pay with", .invoiceFirst, open: [item(1, .invoice, 100)], credit: [],
            allocations: [], left: [1: 100]),
    ]

    @Test(arguments: cases)
    func `allocations go where the contract says`(this: BalancingCase) {
        let made = Balancing.allocate(debts: this.debts, credits: this.credits, by: this.algorithm)
        #expect(
            made.map { [$0.sourceID.rawValue, $0.targetID.rawValue, $0.amount.minorUnits] }
                == this.allocations)
        #expect(made.allSatisfy { $0.customerID == Identifier(7) })
        var left: [Int64: Int64] = [:]
        for item in this.debts + this.credits { left[item.id.rawValue] = item.left.minorUnits }
        for one in made {
            left[one.sourceID.rawValue, default: 0] -= one.amount.minorUnits
            left[one.targetID.rawValue, default: 0] -= one.amount.minorUnits
        }
        #expect(left.filter { $0.value != 0 } == this.left)
    }
}
