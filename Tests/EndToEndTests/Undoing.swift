import Foundation
import Synchronization
import TestSupport
import Testing

extension Merchant {
    /// Reverses a transaction, by POST.
    func reverse(_ id: Int, of customer: TestCustomer, _ body: String? = nil) throws -> Answer {
        try call("POST", "\(customer.transactions)/\(id)/~reverse", body)
    }

    /// Expects the balance of a customer, with or without a subscription.
    func expectBalance(
        of customer: TestCustomer, _ balance: Int, _ location: SourceLocation = #_sourceLocation
    ) throws {
        let answer = try call("GET", customer.path)
        #expect(answer["balance"] == "\(balance)", "\(answer)", sourceLocation: location)
    }

    /// Makes a customer with a bank account and one monthly subscription.
    func createBankCustomer(amount: Int, first: String) throws -> TestCustomer {
        let answer = try call(
            "PUT", "/customers",
            """
            {"firstName":"Ben","lastName":"Ode","paymentOptions":[{"type":"BC","accountNumber":"4099999992",\
            "accountAccessory":"021000021","holderName":"Ben Ode"}],"subscriptions":[{"billingCycleType":"M",\
            "amount":\(amount),"firstBillingDate":"\(first)"}]}
            """)
        try #require(answer.status == 201, "\(answer)")
        return TestCustomer(
            id: answer.id, option: answer.tree["paymentOptions"]?[0]?["id"]?.integer ?? -1,
            subscription: answer.tree["subscriptions"]?[0]?["id"]?.integer ?? -1)
    }
}

/// Runs a body so many times at once; the results in the order of the turns.
func atOnce<Result: Sendable>(
    _ count: Int, _ body: @Sendable @escaping (Int) throws -> Result
) throws -> [Result] {
    let results = Mutex<[Int: Swift.Result<Result, any Error>]>([:])
    DispatchQueue.concurrentPerform(iterations: count) { turn in
        let result = Swift.Result { try body(turn) }
        results.withLock { $0[turn] = result }
    }
    return try (0..<count).map { turn in try results.withLock { try #require($0[turn]) }.get() }
}
