import Foundation
import TestSupport
import Testing

/// Test cards of spec 5.10.
enum Card {
    static let visa = "4111111111111111"
    static let masterCard = "5499740000000057"
    /// D16, expired: a hard decline whatever the amount.
    static let expired = "4000000000000069"
    /// Charges, and loses the answer.
    static let losesAnswer = "4000000000000119"
    /// Loses the request: nothing is charged.
    static let losesRequest = "4000000000000127"
}

/// A customer that a test has made, with what was made along with it.
struct TestCustomer: Sendable {
    let id: Int
    let option: Int
    /// The first subscription; -1 when there is none.
    let subscription: Int

    var path: String { "/customers/\(id)" }
    var transactions: String { "\(path)/transactions" }
}

/// One line of a customer's account.
struct Entry: CustomStringConvertible {
    let id: Int
    let type: String
    let dueDate: String
    let amount: Int
    /// What is left of it.
    let balance: Int
    let tree: Tree

    /// `RI 2027-01-31 4999 0`: type, due date, amount, what is left.
    var description: String { "\(type) \(dueDate) \(amount) \(balance)" }
}

extension Merchant {
    /// Makes a customer with one card and, with an amount, one monthly subscription.
    func createCustomer(
        card: String = Card.visa, amount: Int? = nil, first: String = "2027-01-31", length: Int? = nil
    ) throws -> TestCustomer {
        let subscription = amount.map { amount in
            let length = length.map { #","length":\#($0)"# } ?? ""
            return #"{"billingCycleType":"M","amount":\#(amount),"firstBillingDate":"\#(first)"\#(length)}"#
        }
        let answer = try call(
            "PUT", "/customers",
            """
            {"firstName":"Ann","lastName":"Lee","paymentOptions":[{"accountNumber":"\(card)","accountAccessory":"1233",\
            "holderName":"Ann Lee","csc":"847"}],"subscriptions":[\(subscription ?? "")]}
            """)
        try #require(answer.status == 201, "\(answer)")
        return TestCustomer(
            id: answer.id, option: answer.tree["paymentOptions"]?[0]?["id"]?.integer ?? -1,
            subscription: answer.tree["subscriptions"]?[0]?["id"]?.integer ?? -1)
    }

    /// Moves the clock through every day up to this one.
    @discardableResult
    func advance(to day: String) throws -> Answer {
        let answer = try call("POST", "/accounts/\(account)/clock/~advance", #"{"to":"\#(day)"}"#)
        try #require(answer.status == 200, "\(answer)")
        return answer
    }

    /// All entries of a customer's account, by id; `filter` is a query.
    func entries(of customer: TestCustomer, _ filter: String = "") throws -> [Entry] {
        let answer = try call("GET", "\(customer.transactions)?limit=1000\(filter)")
        try #require(answer.status == 200, "\(answer)")
        return answer.tree.items.map { item in
            Entry(
                id: item["id"]?.integer ?? -1, type: item["type"]?.scalar ?? "?",
                dueDate: item["dueDate"]?.scalar ?? "?", amount: item["amount"]?.integer ?? -1,
                balance: item["balance"]?.integer ?? -1, tree: item)
        }
    }

    /// The entries as lines, `RI 2027-01-31 4999 0`, sorted by due date, invoices first.
    func lines(of customer: TestCustomer, _ filter: String = "") throws -> [String] {
        try entries(of: customer, filter).sorted {
            ($0.dueDate, $1.type, $0.id) < ($1.dueDate, $0.type, $1.id)
        }.map(\.description)
    }

    /// Which transaction paid which, as pairs of source and target, and how much.
    func allocations(of entry: Entry, _ customer: TestCustomer) throws -> [Allocation] {
        let answer = try call("GET", "\(customer.transactions)/\(entry.id)/allocations")
        try #require(answer.status == 200, "\(answer)")
        return answer.tree.items.map { item in
            Allocation(
                source: item["sourceId"]?.integer ?? -1, target: item["targetId"]?.integer ?? -1,
                amount: item["amount"]?.integer ?? -1)
        }
    }

    struct Allocation: Hashable {
        let source: Int
        let target: Int
        let amount: Int
    }

    /// Runs a payment at the processor; `extra` are further members of the body.
    func process(_ amount: Int, of customer: TestCustomer, _ extra: String = "") throws -> Answer {
        try call("POST", "\(customer.transactions)/~process", #"{"amount":\#(amount)\#(extra)}"#)
    }

    /// Waits for the jobs process; fails with what there is instead.
    func awaitLines(
        of customer: TestCustomer, _ wanted: [String], _ location: SourceLocation = #_sourceLocation
    ) throws {
        var seen: [String] = []
        let came = try waitUntil(timeout: 30) {
            seen = try lines(of: customer)
            return seen == wanted
        }
        #expect(came, "there are \(seen), not \(wanted)", sourceLocation: location)
    }

    /// Expects a member of the customer as ~load shows it, or of its first option or subscription.
    func expect(
        _ customer: TestCustomer, balance: Int, optionIsActive: Bool = true, subscription status: String,
        _ location: SourceLocation = #_sourceLocation
    ) throws {
        let answer = try call("GET", customer.path)
        #expect(answer["balance"] == "\(balance)", "\(answer)", sourceLocation: location)
        #expect(
            answer.tree["paymentOptions"]?[0]?["isActive"] == .boolean(optionIsActive), "\(answer)",
            sourceLocation: location)
        #expect(
            answer.tree["subscriptions"]?[0]?["status"]?.scalar == status, "\(answer)",
            sourceLocation: location)
    }
}

/// The suites that need a stack run where the program is known: Scripts/test says where it is.
let programIsKnown = environmentValue("BILLING_BINARY") != nil
