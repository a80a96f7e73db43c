import Foundation
import TestSupport

/// All that the REST interface shows of a merchant account's customers at one moment.
struct EventSnapshot: Hashable {
    /// By id, as ~load shows them: with payment options and subscriptions.
    var customers: [Int: Tree] = [:]
    var transactions: [Int: Tree] = [:]
    var allocations: [Int: Tree] = [:]
    /// By id, each with the id of its subscription.
    var adjustments: [Int: Adjustment] = [:]

    struct Adjustment: Hashable {
        let subscription: Int
        let tree: Tree
    }

    /// The payment options of all customers, by id.
    var options: [Int: Tree] { nested("paymentOptions") }
    /// The subscriptions of all customers, by id.
    var subscriptions: [Int: Tree] { nested("subscriptions") }

    private func nested(_ name: String) -> [Int: Tree] {
        Dictionary(
            customers.values.flatMap { $0[name]?.items ?? [] }.map { ($0["id"]?.integer ?? -1, $0) },
            uniquingKeysWith: { $1 })
    }

    /// Nothing is there yet.
    init() {}

    /// Reads everything. Where customers and transactions are as before, so is the rest, unless `isWhole`: an allocation or
    /// an adjustment changes nothing without changing one of those.
    init(
        _ line: EventLine, account: Int, customers ids: [Int], before: EventSnapshot? = nil,
        isWhole: Bool = false
    ) throws {
        for id in ids { customers[id] = try line.get("/customers/\(id)") }
        let all = try line.get("/transactions?accountId=\(account)&limit=1000")
        for item in all.items { transactions[item["id"]?.integer ?? -1] = item }
        if let before, !isWhole, before.customers == customers, before.transactions == transactions {
            allocations = before.allocations
            adjustments = before.adjustments
            return
        }
        for (id, transaction) in transactions where transaction.isCredit {
            let customer = transaction["customerId"]?.scalar ?? ""
            let made = try line.get("/customers/\(customer)/transactions/\(id)/allocations?limit=1000")
            for item in made.items { allocations[item["id"]?.integer ?? -1] = item }
        }
        for (id, subscription) in subscriptions {
            let customer = subscription["customerId"]?.scalar ?? ""
            let made = try line.get("/customers/\(customer)/subscriptions/\(id)/adjustments?limit=1000")
            for item in made.items {
                adjustments[item["id"]?.integer ?? -1] = Adjustment(subscription: id, tree: item)
            }
        }
    }

    /// What holds of every snapshot, whatever the rules: what is left of a transaction is its amount less its living
    /// allocations, and a customer owes what is open less what is unused.
    var contradictions: [String] {
        var used: [Int: Int] = [:]
        for allocation in allocations.values where allocation["endDate"] == nil {
            let amount = allocation["amount"]?.integer ?? 0
            for side in ["sourceId", "targetId"] {
                used[allocation[side]?.integer ?? -1, default: 0] += amount
            }
        }
        var balances: [Int: Int] = [:]
        var found: [String] = []
        for (id, transaction) in transactions.sorted(by: { $0.key < $1.key }) {
            guard let amount = transaction["amount"]?.integer, let left = transaction["balance"]?.integer
            else { continue }
            let isCounted = ["final", "reversed"].contains(transaction["status"]?.scalar ?? "")
            if isCounted, left != amount - used[id, default: 0] {
                found.append(
                    "\(transaction["type"]?.scalar ?? "") \(id): \(left) left of \(amount), \(used[id, default: 0]) used"
                )
            }
            if !isCounted, left != 0 || used[id] != nil {
                found.append("\(id) does not count and has \(left)")
            }
            balances[transaction["customerId"]?.integer ?? -1, default: 0] +=
                transaction.isCredit ? -left : left
        }
        for (id, customer) in customers where customer["balance"]?.integer != balances[id, default: 0] {
            found.append(
                "customer \(id): balance \(customer["balance"]?.scalar ?? "-"), open \(balances[id, default: 0])"
            )
        }
        return found
    }
}

extension Tree {
    /// Whether this transaction lowers what is owed, so that others may be paid by it (spec 3.2).
    var isCredit: Bool {
        ["RC", "RR", "AP", "AC", "AS", "AX", "AA"].contains(self["type"]?.scalar ?? "")
    }
}
