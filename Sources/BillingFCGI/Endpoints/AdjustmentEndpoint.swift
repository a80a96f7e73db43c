import Domain
import Interchange

/// What changes the course of a subscription, and what shows it (spec 1.4).
enum AdjustmentEndpoint {
    static let routes = [
        Route(
            [.post], item, "modify", consumes: Descriptions.subscription.facts, returns: one,
            failures: [.inactive],
            meaning:
                "Changes the note or the payment option; any other field that is sent must be as it is stored.",
            run: SubscriptionEndpoint.modify),
        Route(
            [.get, .post], item, "cancel", explicit: true,
            parameters: ParameterList([
                ParameterDescription(
                    "effectiveDate", .date, required: true,
                    "From this day on nothing is billed; today or earlier cancels at once."),
                note,
            ]), returns: one, failures: refusals,
            meaning:
                "Cancels a subscription now or on a later day. What is owed stays owed; a freeze or pause ends. A cancellation that is still to come is moved.",
            run: cancel),
        Route(
            [.get, .post], item, "freeze", explicit: true,
            parameters: ParameterList([
                ParameterDescription(
                    "effectiveDate", .date, required: true,
                    "The first billing date to be skipped: after today, and a billing date of this subscription."
                ),
                ParameterDescription(
                    "length", .integer(1...100_000), required: true, "Number of payments to be skipped."),
                note,
            ]), returns: one, failures: refusals,
            meaning:
                "Skips payments from a billing date on. Their dates pass, the number of payments stays, and billing goes on by itself.",
            run: freeze),
        Route(
            [.post], item, "pause", explicit: true, mark: .extended,
            parameters: ParameterList([
                ParameterDescription(
                    "effectiveDate", .date, default: nil, mark: .extended,
                    "From this day on nothing is billed until ~resume; today when it is not given."),
                note,
            ]), returns: one, failures: refusals,
            meaning:
                "Stops billing until ~resume. Missed dates are not made up, later ones stay where they were, and the number of payments stays.",
            run: pause),
        Route(
            [.post], item, "resume", explicit: true, mark: .extended, parameters: ParameterList([note]),
            returns: one, failures: [.stateForbids],
            meaning:
                "Ends a pause or freeze today, or takes back one that is to come; where there is none, a cancellation that is to come. Billing goes on with the next billing date.",
            run: resume),
        Route(
            [.get], item, "preview", explicit: true, reading: true, mark: .extended,
            parameters: ParameterList([
                ParameterDescription(
                    "count", .integer(1...120), default: "12", mark: .extended,
                    "Number of charges wanted at most, skipped ones included.")
            ]), returns: .many(Descriptions.charge.facts),
            meaning: "Shows the next charges exactly as the billing run will make them if nothing changes.",
            run: preview),
        Route(
            [.get], item + "/adjustments", "find", parameters: .paging,
            returns: .many(Descriptions.subscriptionAdjustment.facts),
            meaning: "Finds the adjustments of a subscription, by id ascending.", run: adjustments),
    ]

    private static let item = SubscriptionEndpoint.item
    private static let one = Returned.one(Descriptions.subscription.facts)
    private static let refusals: [FailureCode] = [.stateForbids, .salesClosed]
    private static let note = ParameterDescription(
        "note", .text(maxLength: 1000, form: nil), "The reason, kept with the adjustment.")

    static func cancel(_ call: Call) throws -> Answer {
        let parameters = try call.parameters()
        guard let date = parameters.date("effectiveDate") else { preconditionFailure("it is required") }
        return try adjusting(call) { reference, state, store in
            try CancelSubscription(effectiveDate: date, note: parameters.text("note"))
                .execute(reference, state, in: store, by: call.actor)
        }
    }

    static func freeze(_ call: Call) throws -> Answer {
        let parameters = try call.parameters()
        guard let date = parameters.date("effectiveDate"), let length = parameters.integer("length") else {
            preconditionFailure("both are required")
        }
        return try adjusting(call) { reference, state, store in
            try FreezeSubscription(effectiveDate: date, length: Int(length), note: parameters.text("note"))
                .execute(reference, state, in: store, by: call.actor)
        }
    }

    static func pause(_ call: Call) throws -> Answer {
        let parameters = try call.parameters()
        return try adjusting(call) { reference, state, store in
            try PauseSubscription(
                effectiveDate: parameters.date("effectiveDate"), note: parameters.text("note")
            ).execute(reference, state, in: store, by: call.actor)
        }
    }

    static func resume(_ call: Call) throws -> Answer {
        let parameters = try call.parameters()
        return try adjusting(call) { reference, state, store in
            try ResumeSubscription(note: parameters.text("note"))
                .execute(reference, state, in: store, by: call.actor)
        }
    }

    /// The subscription that the path addresses, adjusted by the body of its customer's lock.
    private static func adjusting(
        _ call: Call, _ body: (Reference, CustomerState, any Store) throws -> Subscription
    ) throws -> Answer {
        try call.writing { store in
            let state = try CustomerEndpoint.locked(try call.reference(), call, in: store)
            let reference = try call.reference(1)
            try SubscriptionEndpoint.checkPrecondition(reference, of: state.customer, call, in: store)
            return Answer(Descriptions.subscription, try body(reference, state, store))
        }
    }

    static func preview(_ call: Call) throws -> Answer {
        let count = Int(try call.parameters().integer("count") ?? 12)
        let charges = try call.reading { store in
            let (customer, subscription) = try addressed(call, in: store)
            return try PreviewSubscription(count: count + 1).execute(subscription, of: customer, in: store)
        }
        return Answer(Descriptions.charge, first: count, of: charges)
    }

    static func adjustments(_ call: Call) throws -> Answer {
        let parameters = try call.parameters()
        let found = try call.reading { store in
            let (customer, subscription) = try addressed(call, in: store)
            return try store.adjustments(
                of: subscription.id, account: customer.accountID, parameters.page)
        }
        return Answer(Descriptions.subscriptionAdjustment, found, of: call, parameters) { $0.id.rawValue }
    }

    private static func addressed(_ call: Call, in store: any Store) throws -> (Customer, Subscription) {
        let customer = try CustomerEndpoint.customer(call, in: store)
        let reference = try call.reference(1)
        guard
            let subscription = try store.subscription(
                of: customer.id, account: customer.accountID, reference)
        else { throw call.missing("subscription", reference) }
        return (customer, subscription)
    }
}
