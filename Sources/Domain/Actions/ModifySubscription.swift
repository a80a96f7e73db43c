/// Changes what may change of a subscription: its note, and what pays (spec 1.4 ~modify).
public struct ModifySubscription {
    let subscription: Subscription
    let form: SubscriptionForm

    /// Writes this form over the subscription, which is locked.
    public init(_ subscription: Subscription, _ form: SubscriptionForm) {
        self.subscription = subscription
        self.form = form
    }

    /// With another option, open invoices that waited for a usable one are collected at the next pass (spec 5.2 step 4 c).
    ///
    /// - Throws: `Refusal`: V24 no such option of this customer; V33 an inactive one.
    public func execute(_ state: CustomerState, in store: any Store, by actor: Actor) throws -> Subscription {
        let account = subscription.accountID
        let option = try form.paymentOption.map { try chosen($0, in: store) }
        try store.updateSubscription(subscription, paymentOption: option, note: form.note)
        if option != subscription.paymentOptionID {
            try store.wakeCollections(
                of: subscription.customerID, account: account, on: state.moment.businessDate)
        }
        try store.note("modify", on: "subscription", subscription.id.rawValue, of: account, by: actor)
        guard
            let changed = try store.completeSubscription(
                of: subscription.customerID, account: account, .id(subscription.id.rawValue))
        else { preconditionFailure("a locked subscription is there") }
        return changed
    }

    /// The option named; one that the subscription has already may be inactive, so that what was loaded can be sent back.
    private func chosen(_ reference: Reference, in store: any Store) throws -> Identifier<PaymentOption> {
        if let current = subscription.paymentOptionID, reference == .id(current.rawValue) { return current }
        guard
            let option = try store.paymentOption(
                of: subscription.customerID, account: subscription.accountID, reference)
        else {
            throw Refusal(
                .notFound, "this customer has no payment option \(reference)", field: "paymentOptionId")
        }
        guard option.particulars.isActive || option.id == subscription.paymentOptionID else {
            throw Refusal(.inactive, "payment option \(reference) is inactive", field: "paymentOptionId")
        }
        return option.id
    }
}
