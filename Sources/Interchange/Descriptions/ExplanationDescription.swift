public import Domain

extension Descriptions {
    /// spec 2.12.
    public static let explanation = ObjectDescription<Void, Explanation>(
        "Explanation", plural: "Explanations",
        meaning: "Why a transaction has its amount and its date: both can be recomputed from it alone."
    ) {
        Field.identifier(
            "transactionId", mark: .extended, meaning: "The transaction.", get: { $0.transactionID })
        Field.enumeration(
            "rule", Enumerations.explanationRule, mark: .extended, meaning: "Which rule made it.",
            get: { $0.rule })
        Field.text(
            "causedBy", 255, mark: .extended,
            meaning:
                "Who: a service user with its request id, the billing run, or a notice of the processor.",
            get: { $0.causedBy })
        Field.list(
            "inputs", of: explanationInput, mark: .extended,
            meaning: "The figures that the rule used: dates, counts, codes, amounts in cents.",
            get: { $0.inputs })
        Field.texts(
            "steps", mark: .extended, item: "step",
            meaning: "The computation in sentences with figures, in its order.", get: { $0.steps })
    }

    /// One of the inputs of spec 2.12.
    public static let explanationInput = ObjectDescription<Void, Explanation.Input>(
        "ExplanationInput", plural: "ExplanationInputs", meaning: "One figure that a rule used."
    ) {
        Field.text("name", 60, mark: .extended, meaning: "What it is.", get: { $0.name })
        Field.text("value", 255, mark: .extended, meaning: "The figure.", get: { $0.value })
    }
}

extension Enumerations {
    /// spec 2.12 rule.
    public static let explanationRule = EnumerationFacts(
        "explanationRule",
        [
            EnumerationCode("subscription-charge", "a charge of a subscription fell due"),
            EnumerationCode("collection", "the billing run collected what was open"),
            EnumerationCode("payment", "a caller asked for a payment"),
            EnumerationCode("decline", "the processor refused an attempt"),
            EnumerationCode("returned-claim", "the bank returned a claim"),
            EnumerationCode("chargeback", "the payer took a payment back"),
            EnumerationCode("refund", "a payment was given back, in part or whole"),
            EnumerationCode("void", "a payment was undone"),
            EnumerationCode("reversal", "an entry was undone in whole"),
            EnumerationCode("decline-fee", "the fee for a declined attempt"),
            EnumerationCode("retry-fee", "the fee for a retry that succeeded"),
            EnumerationCode("enrollment-fee", "the fee with the first payment of a subscription"),
            EnumerationCode("freeze-fee", "the fee for a freeze, when it begins"),
            EnumerationCode("cancellation-fee", "the fee for a cancellation, when it takes effect"),
            EnumerationCode("chargeback-fee", "the fee for a chargeback"),
            EnumerationCode("late-fee", "the fee for an invoice open too long"),
            EnumerationCode("write-off", "old debt was given up"),
            EnumerationCode("recorded", "a caller recorded it"),
        ])
}
