import Domain
import Interchange

/// `/customers/{customer-id}/subscriptions` (spec 1.4).
enum SubscriptionEndpoint {
    static let routes = [
        Route(
            [.put], collection, "create", consumes: Descriptions.subscription.facts,
            returns: .one(Descriptions.subscription.facts), failures: [.inactive],
            meaning: "Creates a subscription.", run: create),
        Route(
            [.get], collection, "find", parameters: filters, returns: .many(Descriptions.subscription.facts),
            meaning: "Finds the customer's subscriptions, by id ascending.", run: find),
        Route(
            [.get], item, "load", returns: .one(Descriptions.subscription.facts),
            meaning: "Loads a subscription with its adjustments.", run: load),
    ]

    /// The one subscription that a path addresses.
    static let item = collection + "/{subscription-id}"

    private static let collection = "/customers/{customer-id}/subscriptions"

    static let filters = ParameterList.find(filterDescriptions)

    /// What a customer's subscriptions are filtered by, and those of all customers.
    static let filterDescriptions = [
        ParameterDescription(
            "billingCycleType", .enumeration(Enumerations.billingCycleType), "Unit of the billing cycle."),
        ParameterDescription("createDate", .dateTime, "Created on this day, or in this second."),
        ParameterDescription("createDateFrom", .dateTime, "Created then or later."),
        ParameterDescription("createDateTo", .dateTime, "Created then or earlier."),
        ParameterDescription("lastBillingDateFrom", .date, "Last billed then or later."),
        ParameterDescription("lastBillingDateTo", .date, "Last billed then or earlier."),
        ParameterDescription("nextBillingDate", .date, "To be billed then."),
        ParameterDescription("nextBillingDateFrom", .date, "To be billed then or later."),
        ParameterDescription("nextBillingDateTo", .date, "To be billed then or earlier."),
        ParameterDescription("amountFrom", .integer(0...99_999_999_999), "Cents, at least."),
        ParameterDescription("amountTo", .integer(0...99_999_999_999), "Cents, at most."),
        ParameterDescription("planId", .reference, "Made from this plan."),
        ParameterDescription(
            "status", .enumeration(Enumerations.subscriptionStatusFilter), "Where the subscription stands."),
    ]

    static func create(_ call: Call) throws -> Answer {
        var form = SubscriptionForm()
        try Descriptions.subscription.decode(try call.body(), into: &form, purpose: .create)
        return try call.writing { store in
            let state = try CustomerEndpoint.locked(try call.reference(), call, in: store)
            let subscription = try CreateSubscription(form).execute(state, in: store, by: call.actor)
            return Answer(
                Descriptions.subscription, subscription, status: 201,
                location: "/api/v01/customers/\(subscription.customerID)/subscriptions/\(subscription.id)")
        }
    }

    static func find(_ call: Call) throws -> Answer {
        let parameters = try call.parameters()
        let filter = filter(parameters)
        let found = try call.reading { store in
            let customer = try CustomerEndpoint.customer(call, in: store)
            return try store.subscriptions(
                of: customer.id, account: customer.accountID, filter, parameters.page)
        }
        return Answer(Descriptions.subscription, found, of: call, parameters) { $0.id.rawValue }
    }

    /// What the parameters of ``filterDescriptions`` ask for.
    static func filter(_ parameters: Parameters) -> SubscriptionFilter {
        var filter = SubscriptionFilter()
        filter.cycleUnit = parameters.text("billingCycleType").flatMap { CycleUnit(rawValue: $0) }
        (filter.createDateFrom, filter.createDateBefore) = parameters.createDates
        filter.lastBillingDateFrom = parameters.date("lastBillingDateFrom")
        filter.lastBillingDateTo = parameters.date("lastBillingDateTo")
        let exactly = parameters.date("nextBillingDate")
        filter.nextBillingDateFrom = exactly ?? parameters.date("nextBillingDateFrom")
        filter.nextBillingDateTo = exactly ?? parameters.date("nextBillingDateTo")
        filter.amountFrom = parameters.integer("amountFrom").map { Money($0) }
        filter.amountTo = parameters.integer("amountTo").map { Money($0) }
        filter.plan = parameters.reference("planId")
        filter.status = parameters.text("status")
        return filter
    }

    static func load(_ call: Call) throws -> Answer {
        let subscription = try call.reading { store in
            let customer = try CustomerEndpoint.customer(call, in: store)
            let reference = try call.reference(1)
            guard
                let subscription = try store.completeSubscription(
                    of: customer.id, account: customer.accountID, reference)
            else { throw call.missing("subscription", reference) }
            return subscription
        }
        return Answer(Descriptions.subscription, subscription)
    }

    static func modify(_ call: Call) throws -> Answer {
        let body = try call.body()
        return try call.writing { store in
            let state = try CustomerEndpoint.locked(try call.reference(), call, in: store)
            let (customer, reference) = (state.customer, try call.reference(1))
            guard
                let stored = try store.lockedSubscription(
                    of: customer.id, account: customer.accountID, reference)
            else { throw call.missing("subscription", reference) }
            try checkPrecondition(.id(stored.id.rawValue), of: customer, call, in: store)
            let form = try changedForm(of: stored, by: body, in: store)
            return Answer(
                Descriptions.subscription,
                try ModifySubscription(stored, form).execute(state, in: store, by: call.actor))
        }
    }

    /// Refuses the change of a subscription that is not as the caller knows it (V37); its customer is locked.
    static func checkPrecondition(
        _ reference: Reference, of customer: Customer, _ call: Call, in store: any Store
    ) throws {
        func present() throws -> Answer {
            guard
                let subscription = try store.completeSubscription(
                    of: customer.id, account: customer.accountID, reference)
            else { throw call.missing("subscription", reference) }
            return Answer(Descriptions.subscription, subscription)
        }
        try call.checkPrecondition(try present())
    }

    /// The stored subscription with what the body changes. The plan, which must stay, may be named by its id or by its code.
    private static func changedForm(of stored: Subscription, by body: Body, in store: any Store) throws
        -> SubscriptionForm
    {
        var form = SubscriptionForm(stored, plan: stored.terms.planID.map { .id($0.rawValue) })
        do {
            try Descriptions.subscription.decode(body, into: &form, purpose: .modify)
        } catch {
            guard error.faults.contains(where: { $0.code == .createOnly && $0.field == "planId" }),
                let plan = try stored.terms.planID.flatMap({
                    try store.plan(.id($0.rawValue), of: stored.accountID)
                })
            else { throw error }
            form = SubscriptionForm(stored, plan: .code(plan.code ?? plan.id.description))
            do {
                try Descriptions.subscription.decode(body, into: &form, purpose: .modify)
            } catch let again {
                throw again.faults.contains { $0.field == "planId" } ? error : again
            }
        }
        return form
    }
}
