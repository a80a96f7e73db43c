/// Builds the explanation of a transaction from what is stored of it (spec 2.12). Pure.
///
/// Of the inputs, `type`, `amount`, `taxAmount`, `dueDate` and `status` say what is explained; all others are what it follows from, so
/// that somebody who reads those alone comes to the same figures. What a caller decided is named as sent: `requestedAmount`.
struct Explaining {
    let facts: ExplanationFacts
    let it: TransactionFacts
    private var explanation: Explanation

    init(_ facts: ExplanationFacts) {
        self.facts = facts
        it = facts.transaction.facts
        explanation = Explanation(
            transactionID: facts.transaction.id, rule: .recorded, causedBy: facts.origin.cause)
    }

    /// The explanation, by the rule that made the transaction.
    func explain() -> Explanation {
        var explaining = self
        explaining.begin()
        switch it.type {
        case .invoice where it.cycleNumber != nil && facts.charge != nil: explaining.explainCharge()
        case .payment where it.attemptID != nil, .claim where it.attemptID != nil:
            explaining.explainPayment()
        case .decline where facts.transaction.status == .declined: explaining.explainDecline()
        case .decline: explaining.explainTakenBack(.returned)
        case .chargeback: explaining.explainTakenBack(.chargeback)
        case .void, .refund: explaining.explainGivenBack()
        case .invoiceReversal, .creditReversal, .refundReversal, .chargebackReversal:
            explaining.explainReversal()
        case .serviceFee where facts.source != nil: explaining.explainFee()
        case .serviceFee where facts.adjustment != nil: explaining.explainAdjustmentFee()
        case .serviceFee where facts.charge != nil && it.creatorCode == RunBilling.actor && !isAsked:
            explaining.explainEnrollmentFee()
        case .lateFee where facts.source != nil: explaining.explainLateFee()
        case .writeOff where facts.source != nil: explaining.explainWriteOff()
        default: explaining.explainRecorded()
        }
        explaining.noteAllocations()
        return explaining.explanation
    }

    private mutating func begin() {
        note("type", it.type.rawValue)
        note("amount", it.amount)
        note("taxAmount", it.taxAmount)
        note("dueDate", it.dueDate)
        note("status", facts.transaction.status.rawValue)
        note("policyVersion", facts.origin.policyVersion)
        note("businessDate", facts.origin.businessDate)
        if let request = facts.origin.request {
            note("requestedBy", request.actor.name)
            note("requestId", request.actor.requestID)
            note("requestedAction", request.action)
        }
        if let notice = facts.origin.notice { note("noticeId", notice.id.description) }
    }

    private mutating func explainRecorded() {
        if let means = it.accountType { note("accountType", means.rawValue) }
        if let creator = it.creatorCode { note("creatorCode", creator) }
        requested(it.amount, tax: it.taxAmount, due: it.dueDate)
        if it.feeAmount > .zero { note("requestedFeeAmount", it.feeAmount) }
        say(
            "\(caller) recorded it as sent: \(money(it.amount))\(including(it.taxAmount)), due on \(it.dueDate)."
        )
    }

    private mutating func noteAllocations() {
        if facts.allocations.isEmpty { return }
        note("balancingAlgorithm", account.balancingAlgorithm.rawValue)
        for allocation in facts.allocations {
            let isSource = allocation.sourceID == facts.transaction.id
            let other =
                isSource
                ? "\(allocation.targetType.rawValue) \(allocation.targetID)"
                : "\(allocation.sourceType.rawValue) \(allocation.sourceID)"
            let until = allocation.endDate.map { " until \($0)" } ?? ""
            say(
                isSource
                    ? "\(money(allocation.amount)) of it paid \(other) from \(allocation.createDate)\(until)."
                    : "\(money(allocation.amount)) of it was paid by \(other) from \(allocation.createDate)\(until)."
            )
        }
    }

    // MARK: What the rules share

    /// What a caller sent: it follows from nothing else.
    mutating func requested(_ amount: Money, tax: Money, due: CalendarDate) {
        note("requestedAmount", amount)
        note("requestedTaxAmount", tax)
        if due != facts.origin.businessDate { note("requestedDueDate", due) }
    }

    mutating func noteSource() {
        guard let source = facts.source else { return }
        note("sourceId", source.id.description)
        note("sourceType", source.facts.type.rawValue)
        note("sourceAmount", source.facts.amount)
        note("sourceTaxAmount", source.facts.taxAmount)
        note("sourceDueDate", source.facts.dueDate)
    }

    mutating func rule(_ rule: Explanation.Rule) { explanation.rule = rule }

    /// Whether a caller asked for it.
    var isAsked: Bool { facts.origin.request != nil }

    /// Who asked for it, at the begin of a sentence.
    var caller: String {
        facts.origin.request.map { "Service user \($0.actor.name)" } ?? "The billing run"
    }

    var account: MerchantAccount { facts.account }

    func named(_ transaction: Transaction?) -> String {
        transaction.map { "\($0.facts.type.rawValue) \($0.id)" } ?? "a transaction"
    }

    func days(from: CalendarDate, to: CalendarDate) -> Int {
        Int(to.daysSince1970) - Int(from.daysSince1970)
    }

    func counted(_ count: Int, _ one: String) -> String { "\(count) \(one)\(count == 1 ? "" : "s")" }

    func money(_ amount: Money) -> String {
        "\(account.currency.format(amount)) \(account.currency.code)"
    }

    /// ` with 4.00 USD of tax`; nothing where there is none.
    func including(_ tax: Money) -> String { tax > .zero ? ", of which \(money(tax)) is tax" : "" }

    mutating func note(_ name: String, _ value: String) {
        explanation.inputs.append(Explanation.Input(name, value))
    }
    mutating func note(_ name: String, _ count: Int) { note(name, count.description) }
    mutating func note(_ name: String, _ amount: Money) { note(name, amount.minorUnits.description) }
    mutating func note(_ name: String, _ date: CalendarDate) { note(name, date.description) }

    mutating func say(_ sentences: String?...) { explanation.steps += sentences.compactMap { $0 } }
}

extension ExplanationFacts.Origin {
    /// Who: a service user with its request, a notice of the processor, or the billing run.
    fileprivate var cause: String {
        if let request { return "service user \(request.actor.name), request \(request.actor.requestID)" }
        if let notice { return "the processor's notice \(notice.id)" }
        return "the billing run"
    }
}
