public import Domain

extension Descriptions {
    /// spec 2.3.
    public static let plan = ObjectDescription<PlanForm, Plan>(
        "Plan", plural: "Plans", meaning: "Reusable price and frequency.", check: { form, _ in form.faults() }
    ) {
        Field.identifier("id", meaning: "Number of the plan.", get: { $0.id })
        Field.text(
            "code", 60, form: .code, .createOnly, meaning: "Your own identifier; the id when not given.",
            get: { $0.code ?? $0.id.description }, set: { $0.code = $1 }, current: { $0.code })
        Field.dateTime("createDate", meaning: "When it was created.", get: { $0.createDate })
        Field.integer(
            "accountId", in: Forms.accountNumbers, .createOnly,
            required: .when("the credentials see several merchant accounts"),
            meaning: "Merchant account.", get: { $0.accountID }, set: { $0.accountID = $1 },
            current: { $0.accountID })
        Field.text(
            "name", 255, .writable, required: .always, meaning: "Name of the plan.",
            get: { $0.particulars.name }, set: { $0.particulars.name = $1 ?? "" })
        Field.enumeration(
            "billingCycleType", Enumerations.billingCycleType, .writable, default: "M",
            meaning: "Unit of the billing cycle.", get: { $0.particulars.cycle.unit },
            set: { $0.particulars.cycle.unit = $1 ?? .monthly })
        Field.integer(
            "billingInterval", in: 1...36, .writable, default: "1", mark: .extended,
            meaning: "Every how many cycles.", get: { $0.particulars.cycle.interval },
            set: { $0.particulars.cycle.interval = $1 ?? 1 })
        Field.money(
            "amount", in: Forms.amountOrNothing, .writable, required: .always,
            meaning: "Cents; the total of each billing.", get: { $0.particulars.amount },
            set: { $0.particulars.amount = $1 ?? .zero })
        Field.money(
            "taxAmount", in: Forms.amountOrNothing, .writable, default: "0",
            meaning: "The part of the amount that is tax.", get: { $0.particulars.taxAmount },
            set: { $0.particulars.taxAmount = $1 ?? .zero })
        Field.boolean(
            "isActive", .writable, default: "true", meaning: "An inactive plan takes no new subscriptions.",
            get: { $0.particulars.isActive }, set: { $0.particulars.isActive = $1 ?? true })
    }

    /// spec 2.4.
    public static let subscription = ObjectDescription<SubscriptionForm, Subscription>(
        "Subscription", plural: "Subscriptions", meaning: "One customer's agreement to be charged.",
        check: { form, purpose in purpose == .create ? form.faults() : [] }
    ) {
        Field.identifier("id", meaning: "Number of the subscription.", get: { $0.id })
        Field.text(
            "code", 60, form: .code, .createOnly, meaning: "Your own identifier; the id when not given.",
            get: { $0.code ?? $0.id.description }, set: { $0.code = $1 }, current: { $0.code })
        Field.dateTime("createDate", meaning: "When it was created.", get: { $0.createDate })
        Field.integer("accountId", meaning: "Merchant account.", get: { $0.accountID })
        Field.identifier("customerId", meaning: "The customer.", get: { $0.customerID })
        Field.reference(
            "planId", .createOnly, meaning: "The plan that name, cycle and price are copied from.",
            get: { $0.terms.planID }, set: { $0.plan = $1 }, current: { $0.plan })
        Field.text("planName", 255, meaning: "Name of the plan when copied.", get: { $0.terms.planName })
        Field.enumeration(
            "billingCycleType", Enumerations.billingCycleType, .createOnly,
            required: .when("there is no plan"),
            meaning: "Unit of the billing cycle.", get: { $0.terms.cycle.unit }, set: { $0.cycleUnit = $1 },
            current: { $0.cycleUnit })
        Field.integer(
            "billingInterval", in: 1...36, .createOnly, default: "1", mark: .extended,
            meaning: "Every how many cycles.", get: { $0.terms.cycle.interval }, set: { $0.interval = $1 },
            current: { $0.interval })
        Field.money(
            "amount", in: Forms.amountOrNothing, .createOnly, required: .when("there is no plan"),
            meaning: "Cents; the total of each billing.", get: { $0.terms.amount }, set: { $0.amount = $1 },
            current: { $0.amount })
        Field.money(
            "taxAmount", in: Forms.amountOrNothing, .createOnly,
            meaning: "The part of the amount that is tax.",
            get: { $0.terms.taxAmount }, set: { $0.taxAmount = $1 }, current: { $0.taxAmount })
        Field.date(
            "firstBillingDate", .createOnly, required: .always,
            meaning: "Anchors the cycle for ever; today or later.", get: { $0.terms.firstBillingDate },
            set: { $0.firstBillingDate = $1 }, current: { $0.firstBillingDate })
        Field.integer(
            "length", in: 1...100_000, .createOnly, meaning: "Number of payments; absent is perpetual.",
            get: { $0.terms.length }, set: { $0.length = $1 }, current: { $0.length })
        Field.reference(
            "paymentOptionId", .writable, meaning: "What pays; the customer's default option when absent.",
            get: { $0.paymentOptionID }, set: { $0.paymentOption = $1 })
        Field.text(
            "note", 1000, .writable, meaning: "A note of your own.", get: { $0.note }, set: { $0.note = $1 })
        Field.enumeration(
            "status", Enumerations.subscriptionStatus, meaning: "Where the subscription stands.",
            get: { $0.progress.status })
        Field.date(
            "nextBillingDate",
            meaning:
                "The next date that is billed, after frozen ones; absent when there is none: ended, paused, cancelled before it.",
            get: { $0.progress.nextBillingDate })
        Field.date(
            "lastBillingDate", meaning: "The last date that was billed; absent when there is none.",
            get: { $0.progress.lastBillingDate })
        Field.date(
            "firstInvoicingDate",
            meaning:
                "When the first invoice is made; only where invoices are made before their billing date.",
            get: { $0.firstInvoicingDate })
        Field.date(
            "nextInvoicingDate",
            meaning: "When the next invoice is made; only where invoices are made before their billing date.",
            get: { $0.nextInvoicingDate })
        Field.integer("billedCount", meaning: "Payments billed so far.", get: { $0.progress.billedCount })
        Field.integer(
            "collectedCount", meaning: "Payments billed and fully paid, not written off or waived.",
            get: { $0.collectedCount })
        Field.enumeration(
            "pendingAdjustmentType", Enumerations.adjustmentType,
            meaning: "What is scheduled to change it next; absent when nothing is.",
            get: { $0.pendingAdjustment })
        Field.list(
            "adjustments", of: subscriptionAdjustment,
            meaning: "Its freezes, cancellations and pauses, by id; on ~load of the subscription only.",
            get: { $0.adjustments })
    }
}
