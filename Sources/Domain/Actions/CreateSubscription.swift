/// Creates a subscription of a customer (spec 1.4 ~create).
public struct CreateSubscription {
    let form: SubscriptionForm

    /// Creates the subscription of this form.
    public init(_ form: SubscriptionForm) {
        self.form = form
    }

    /// - Throws: `Refusal`: V21 first billing date in the past; V24 unknown plan or option; V29 code in use; V33 inactive plan
    ///   or option.
    public func execute(_ state: CustomerState, in store: any Store, by actor: Actor) throws -> Subscription {
        let customer = state.customer
        let id = try SubscriptionIntake(
            form: form, customer: customer.id, account: customer.accountID, moment: state.moment,
            newOptions: []
        ).store(in: store)
        try store.note("create", on: "subscription", id.rawValue, of: customer.accountID, by: actor)
        guard
            let subscription = try store.subscription(
                of: customer.id, account: customer.accountID, .id(id.rawValue))
        else { preconditionFailure("a subscription just stored is there") }
        return subscription
    }
}

/// Turns a caller's form into terms and stores the subscription.
struct SubscriptionIntake {
    let form: SubscriptionForm
    let customer: Identifier<Customer>
    let account: Int64
    let moment: Moment
    /// Options created in the same request, which its subscriptions may name by code (spec 2.1 subscriptions).
    let newOptions: [NewPaymentOption]

    func store(in store: any Store) throws -> Identifier<Subscription> {
        let plan = try form.plan.map { try chosenPlan($0, in: store) }
        let option = try form.paymentOption.map { try chosenOption($0, in: store) }
        return try store.insertSubscription(
            account: account, customer: customer, code: form.code, terms: terms(from: plan),
            paymentOption: option ?? (newOptions.count == 1 ? newOptions[0].id : nil), note: form.note,
            at: moment)
    }

    private func terms(from plan: Plan?) throws -> SubscriptionTerms {
        guard let first = form.firstBillingDate else {
            throw Refusal(.requiredFieldMissing, "firstBillingDate is required", field: "firstBillingDate")
        }
        guard first >= moment.businessDate else {
            throw Refusal(
                .valueNotAllowed,
                "firstBillingDate must not be before the business date, \(moment.businessDate)",
                field: "firstBillingDate")
        }
        // The cycle is the plan's where there is one: a caller may repeat it, not change it.
        if let plan, let unit = form.cycleUnit, unit != plan.particulars.cycle.unit {
            throw Refusal(
                .valueNotAllowed, "billingCycleType is the plan's, \(plan.particulars.cycle.unit.rawValue)",
                field: "billingCycleType")
        }
        if let plan, let interval = form.interval, interval != plan.particulars.cycle.interval {
            throw Refusal(
                .valueNotAllowed, "billingInterval is the plan's, \(plan.particulars.cycle.interval)",
                field: "billingInterval")
        }
        let cycle =
            plan?.particulars.cycle ?? BillingCycle(form.cycleUnit ?? .monthly, every: form.interval ?? 1)
        let amount = form.amount ?? plan?.particulars.amount ?? .zero
        let tax = form.taxAmount ?? plan?.particulars.taxAmount ?? .zero
        guard tax <= amount else {
            throw Refusal(
                .valueNotAllowed,
                form.taxAmount == nil
                    ? "the plan's taxAmount is \(tax.minorUnits), more than this amount: send a taxAmount too"
                    : "taxAmount is part of amount and cannot exceed it", field: "taxAmount")
        }
        if let length = form.length {
            let last = cycle.interval * (length - 1)
            guard last <= 100_000, cycle.date(of: length, from: first) <= .latest else {
                throw Refusal(
                    .valueNotAllowed, "the last payment would lie after the year 9999", field: "length")
            }
        }
        return SubscriptionTerms(
            planID: plan?.id, planName: plan?.particulars.name, cycle: cycle, amount: amount, taxAmount: tax,
            firstBillingDate: first, length: form.length)
    }

    private func chosenPlan(_ reference: Reference, in store: any Store) throws -> Plan {
        guard let plan = try store.plan(reference, of: account) else {
            throw Refusal(.notFound, "there is no plan \(reference)", field: "planId")
        }
        guard plan.particulars.isActive else {
            throw Refusal(.inactive, "plan \(reference) takes no new subscriptions", field: "planId")
        }
        return plan
    }

    private func chosenOption(_ reference: Reference, in store: any Store) throws -> Identifier<PaymentOption>
    {
        for option in newOptions {
            switch reference {
            case .code(let code) where option.code == code: return option.id
            case .id(let id) where option.id.rawValue == id: return option.id
            default: continue
            }
        }
        guard let option = try store.paymentOption(of: customer, account: account, reference) else {
            throw Refusal(
                .notFound, "this customer has no payment option \(reference)", field: "paymentOptionId")
        }
        guard option.particulars.isActive else {
            throw Refusal(
                .inactive, "payment option \(reference) is inactive", field: "paymentOptionId")
        }
        return option.id
    }
}
