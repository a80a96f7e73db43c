public import Domain

extension Descriptions {
    /// spec 2.5.
    public static let subscriptionAdjustment = ObjectDescription<Void, SubscriptionAdjustment>(
        "SubscriptionAdjustment", plural: "SubscriptionAdjustments",
        meaning: "A change to a subscription, not to money: a freeze, a cancellation or a pause."
    ) {
        Field.identifier("id", meaning: "Number of the adjustment.", get: { $0.id })
        Field.dateTime("createDate", meaning: "When it was asked for.", get: { $0.createDate })
        Field.enumeration(
            "type", Enumerations.adjustmentType, meaning: "What is changed.", get: { $0.kind })
        Field.date("effectiveDate", meaning: "The first day it is in force.", get: { $0.effectiveDate })
        Field.date(
            "endDate",
            meaning:
                "The last day, of a freeze its last skipped billing date; absent while open. Before effectiveDate when it was taken back in time.",
            get: { $0.endDate })
        Field.integer("length", meaning: "Payments skipped; freezes only.", get: { $0.length })
        Field.text("note", 1000, meaning: "The reason given.", get: { $0.note })
        Field.text(
            "creatorCode", 60, mark: .extended, meaning: "The service user who asked for it.",
            get: { $0.creatorCode })
    }

    /// spec 2.10.
    public static let charge = ObjectDescription<Void, PlannedCharge>(
        "Charge", plural: "Charges", meaning: "One step of a subscription's schedule."
    ) {
        Field.integer(
            "cycleNumber", mark: .extended, meaning: "Which cycle, from 1; skipped ones count.",
            get: { $0.charge.cycleNumber })
        Field.date(
            "billingDate", mark: .extended, meaning: "Its billing date.", get: { $0.charge.billingDate })
        Field.enumeration(
            "type", Enumerations.chargeType, mark: .extended, meaning: "What it makes.",
            get: { $0.charge.kind })
        Field.money(
            "amount", mark: .extended, meaning: "Cents to be invoiced; 0 when it is skipped.",
            get: { $0.charge.amount })
        Field.money(
            "taxAmount", mark: .extended, meaning: "The part of the amount that is tax.",
            get: { $0.charge.taxAmount })
        Field.enumeration(
            "status", Enumerations.chargeStatus, mark: .extended, meaning: "What has become of it.",
            get: { $0.status })
        Field.identifier(
            "transactionId", mark: .extended, meaning: "Its invoice, once that is made.",
            get: { $0.transactionID })
        Field.money(
            "expectedCollection", mark: .extended,
            meaning:
                "Cents that will be collected with it: the invoice and open fees, less the credit that the customer has now.",
            get: { $0.expectedCollection })
        Field.identifier(
            "paymentOptionId", mark: .extended,
            meaning: "What will be charged; absent when nothing usable is on file.",
            get: { $0.paymentOptionID })
    }
}
