import Domain
import Interchange

/// `/subscriptions` and `/transactions`: those of all customers within reach (spec 1.4, 1.5).
enum OverviewEndpoint {
    static let routes = [
        Route(
            [.get], "/subscriptions", "find", mark: .extended,
            parameters: .find(whose + SubscriptionEndpoint.filterDescriptions),
            returns: .many(Descriptions.subscription.facts),
            meaning:
                "Finds subscriptions of all customers, by id ascending: what is due, and what stands still.",
            run: subscriptions),
        Route(
            [.get], "/transactions", "find", mark: .extended,
            parameters: .find(whose + TransactionEndpoint.filterDescriptions),
            returns: .many(Descriptions.transaction.facts),
            meaning: "Finds transactions of all customers, by id ascending.", run: transactions),
    ]

    private static let whose = [
        ParameterDescription(
            "accountId", .integer(1...2_147_483_647), mark: .extended,
            "Merchant account; all within reach when absent."),
        ParameterDescription("customerId", .reference, mark: .extended, "Of this customer."),
    ]

    static func subscriptions(_ call: Call) throws -> Answer {
        let parameters = try call.parameters()
        var filter = SubscriptionEndpoint.filter(parameters)
        filter.accountID = parameters.integer("accountId")
        filter.customer = parameters.reference("customerId")
        let found = try call.reading { try $0.subscriptions(filter, parameters.page) }
        return Answer(Descriptions.subscription, found, of: call, parameters) { $0.id.rawValue }
    }

    static func transactions(_ call: Call) throws -> Answer {
        let parameters = try call.parameters()
        var filter = TransactionEndpoint.filter(parameters)
        filter.accountID = parameters.integer("accountId")
        filter.customer = parameters.reference("customerId")
        let found = try call.reading { try $0.transactions(filter, parameters.page) }
        return Answer(Descriptions.transaction, found, of: call, parameters) { $0.id.rawValue }
    }
}
