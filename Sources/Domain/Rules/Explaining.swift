/// Builds the explanation of a transaction from what is stored of it (spec 2.12). Pure.
struct Explaining {
    private let facts: ExplanationFacts
    private let it: TransactionFacts
    private var explanation: Explanation

    init(_ facts: ExplanationFacts) {
        self.facts = facts
        it = facts.transaction.facts
        let cause = facts.actor.map { "service user \($0.name), request \($0.requestID)" }
        explanation = Explanation(
            transactionID: facts.transaction.id, rule: .recorded, causedBy: cause ?? "the billing run")
    }

    /// The explanation, by the rule that made the transaction.
    func explain() -> Explanation {
        var explaining = self
        explaining.begin()
        switch it.type {
        case .invoice where it.cycleNumber != nil && facts.subscription != nil: explaining.charge()
        case .payment where it.attemptID != nil, .claim where it.attemptID != nil: explaining.collection()
        case .decline where facts.transaction.status == .declined: explaining.decline()
        case .decline: explaining.takenBack(.returned)
        case .chargeback: explaining.takenBack(.chargeback)
        case .void, .refund: explaining.givenBack()
        case .invoiceReversal, .creditReversal, .refundReversal, .chargebackReversal: explaining.reversal()
        case .serviceFee where facts.source != nil: explaining.fee()
        case .serviceFee where facts.adjustment != nil: explaining.adjustmentFee()
        case .serviceFee
        where facts.subscription != nil && it.creatorCode == RunBilling.actor && facts.actor == nil:
            explaining.enrollmentFee()
        case .lateFee where facts.source != nil: explaining.lateFee()
        case .writeOff where facts.source != nil: explaining.writeOff()
        default: explaining.recorded()
        }
        explaining.allocations()
        return explaining.explanation
    }

    // MARK: By rule

    private mutating func begin() {
        note("type", it.type.rawValue)
        note("amount", it.amount)
        note("taxAmount", it.taxAmount)
        note("dueDate", it.dueDate)
        note("status", facts.transaction.status.rawValue)
    }

    private mutating func charge() {
        explanation.rule = .charge
        guard let subscription = facts.subscription, let number = it.cycleNumber else { return }
        let terms = subscription.terms
        cycle(number, of: subscription)
        note("subscriptionAmount", terms.amount)
        note("subscriptionTaxAmount", terms.taxAmount)
        skips(terms)
        if it.adjustmentID == nil {
            say(
                "The subscription's amount is \(money(terms.amount)), of which \(money(terms.taxAmount)) is tax."
            )
        } else {
            adjustment()
            note("freezeRecurringFee", it.amount)
            let freeze = facts.adjustment.map { " \(span($0))" } ?? ""
            say(
                "The subscription was frozen\(freeze): the account's freezeRecurringFee of \(money(it.amount)) was billed in place of its amount of \(money(terms.amount)). It is no payment."
            )
        }
        let made = facts.transaction.createDate.date
        if made < it.dueDate { say("The invoice was made on \(made), ahead of its billing date.") }
        if made > it.dueDate { say("The invoice was made late, on \(made), and keeps its own date.") }
    }

    private mutating func collection() {
        explanation.rule = facts.attempt?.owed == nil ? .payment : .collection
        asked()
        answered()
        if it.type == .claim, facts.transaction.status != .pending {
            let final = BankingDays.date(facts.account.claimReturnDays, after: it.dueDate)
            note("claimReturnDays", facts.account.claimReturnDays.description)
            say(
                "A claim counts as final \(facts.account.claimReturnDays) banking days after \(it.dueDate): on \(final)."
            )
        }
    }

    private mutating func decline() {
        explanation.rule = .decline
        if it.sourceID != nil { note("sourceId", it.sourceID?.description ?? "") }
        asked()
        answered()
        say("No money moved: the customer's balance is unchanged.")
        nextAttempt()
    }

    private mutating func takenBack(_ rule: Explanation.Rule) {
        explanation.rule = rule
        source()
        if let code = facts.transaction.processing?.responseCode { note("responseCode", code) }
        let what = rule == .returned ? "The bank returned" : "The payer's bank charged back"
        say(
            "\(what) \(named(facts.source)) of \(money(facts.source?.facts.amount ?? it.amount)): the customer owes \(money(it.amount)) again.",
            "What it had paid is open again, the newest first.")
        nextAttempt()
    }

    private mutating func givenBack() {
        explanation.rule = it.type == .void ? .void : .refund
        source()
        guard let source = facts.source else {
            return say("The customer's unused credit was paid out: \(money(it.amount)).")
        }
        note("givenBackBefore", facts.givenBefore)
        say(
            "\(named(source)) was \(money(source.facts.amount)); \(money(facts.givenBefore)) of it was given back before, \(money(source.facts.amount - facts.givenBefore)) was left, \(money(it.amount)) was given back."
        )
        if let paid = source.processing {
            let at = paid.responseDate ?? source.createDate
            let settles = Reversal.settlement(of: at, at: facts.account.settlementTime)
            note("paidAt", at.description)
            note("settlementTime", facts.account.settlementTime)
            note("settledAt", settles.description)
            let asked = facts.transaction.createDate
            say(
                "It was paid at \(at) and settles at \(settles); this was asked for at \(asked), \(asked < settles ? "before" : "after") it."
            )
        }
        answered()
        say("It took what was unused of the payment first, then what the payment had paid, the newest first.")
    }

    private mutating func reversal() {
        explanation.rule = .reversal
        source()
        say(
            "\(named(facts.source)) of \(money(facts.source?.facts.amount ?? it.amount)) was reversed in whole, with its tax of \(money(it.taxAmount))."
        )
    }

    private mutating func fee() {
        source()
        let (rule, policy, why) =
            switch facts.source?.facts.type {
            case .decline? where isHard: (Explanation.Rule.declineFee, "hardDeclineFee", "for a hard decline")
            case .decline?: (.declineFee, "softDeclineFee", "for a soft decline")
            case .chargeback?: (.chargebackFee, "chargebackFee", "for a chargeback")
            default: (.retryFee, "retryFee", "for a retry that succeeded")
            }
        explanation.rule = rule
        note(policy, it.amount)
        say("The account charged its \(policy) \(why), \(named(facts.source)): \(money(it.amount)).")
    }

    /// What a freeze costs when it begins, and a cancellation when it takes effect.
    private mutating func adjustmentFee() {
        guard let cause = facts.adjustment else { return }
        let (rule, policy, what): (Explanation.Rule, String, String) =
            cause.kind == .freeze
            ? (.freezeFee, "freezeFlatFee", "freeze")
            : (.cancellationFee, "cancellationFee", "cancellation")
        explanation.rule = rule
        adjustment()
        let asked = cause.createDate.date
        note("requestedOn", asked)
        note(policy, it.amount)
        say(
            "\(cause.creatorCode) asked for the \(what) \(cause.id) on \(asked), with effect from \(cause.effectiveDate).",
            asked > cause.effectiveDate
                ? "It took effect on the day it was asked for, as its date was past."
                : "It took effect on its date.",
            "The account charged its \(policy) once for it: \(money(it.amount)).")
    }

    /// What the first payment of a subscription costs besides.
    private mutating func enrollmentFee() {
        explanation.rule = .enrollmentFee
        guard let subscription = facts.subscription else { return }
        let terms = subscription.terms
        cycle(
            terms.cycle.firstNumber(onOrAfter: it.dueDate, from: terms.firstBillingDate), of: subscription)
        note("enrollmentFee", it.amount)
        say(
            "With the first payment of the subscription, due then, the account charged its enrollmentFee: \(money(it.amount))."
        )
    }

    private mutating func lateFee() {
        explanation.rule = .lateFee
        source()
        note("lateFeeAmount", it.amount)
        note("lateFeeGraceDays", facts.account.lateFeeGraceDays.description)
        say(
            "\(named(facts.source)) was due on \(facts.source?.facts.dueDate ?? it.dueDate) and open \(age) days later, on \(it.dueDate).",
            "The account charged its lateFeeAmount once for it: \(money(it.amount)).")
    }

    private mutating func writeOff() {
        explanation.rule = .writeOff
        source()
        note("writeOffDays", facts.account.writeOffDays.description)
        say(
            "\(named(facts.source)) was due on \(facts.source?.facts.dueDate ?? it.dueDate) and open \(age) days later, on \(it.dueDate).",
            "What was open of it was written off: \(money(it.amount)).")
    }

    private mutating func recorded() {
        if let means = it.accountType { note("accountType", means.rawValue) }
        if let creator = it.creatorCode { note("creatorCode", creator) }
        say("It was recorded as sent: \(money(it.amount)), of which \(money(it.taxAmount)) is tax.")
    }

    // MARK: Parts

    /// Which cycle of a subscription, and its date.
    private mutating func cycle(_ number: Int, of subscription: Subscription) {
        let terms = subscription.terms
        note("subscriptionId", subscription.id.description)
        note("anchorDate", terms.firstBillingDate)
        note("billingCycleType", terms.cycle.unit.rawValue)
        note("billingInterval", terms.cycle.interval.description)
        note("cycleNumber", number.description)
        let units = (number - 1) * terms.cycle.interval
        let date = terms.cycle.date(of: number, from: terms.firstBillingDate)
        say(
            "Cycle \(number) lies \(units) \(units == 1 ? terms.cycle.unit.name : terms.cycle.unit.plural) after the anchor date \(terms.firstBillingDate): it is billed on \(date).",
            clamp(date, terms))
    }

    /// The cycles before that were no payments, and which payment this one is.
    private mutating func skips(_ terms: SubscriptionTerms) {
        for skip in facts.skips {
            let cycles = skip.first == skip.last ? "\(skip.first)" : "\(skip.first)-\(skip.last)"
            note("skippedCycles.\(skip.adjustment.id)", cycles)
            say(
                "No payment was billed for cycle \(cycles): the subscription was \(skip.adjustment.kind == .freeze ? "frozen" : "paused") \(span(skip.adjustment)). The dates passed."
            )
        }
        guard let number = facts.paymentNumber else { return }
        note("paymentNumber", number.description)
        if let length = terms.length { note("length", length.description) }
        say("So it is payment \(number)\(terms.length.map { " of \($0)" } ?? "").")
    }

    private mutating func adjustment() {
        guard let adjustment = facts.adjustment else { return }
        note("adjustmentId", adjustment.id.description)
        note("adjustmentType", adjustment.kind.rawValue)
        note("effectiveDate", adjustment.effectiveDate)
        if let end = adjustment.endDate { note("endDate", end) }
    }

    private func span(_ adjustment: SubscriptionAdjustment) -> String {
        "from \(adjustment.effectiveDate)\(adjustment.endDate.map { " to \($0)" } ?? "") by adjustment \(adjustment.id)"
    }

    /// How much was asked of the processor, and why then.
    private mutating func asked() {
        guard let attempt = facts.attempt else { return }
        note("attemptNumber", attempt.number.description)
        note("attemptedAmount", attempt.amount)
        if let invoice = attempt.invoiceID { note("invoiceId", invoice.description) }
        if let owed = attempt.owed {
            let items = (attempt.invoiceID.map { [$0] } ?? []) + attempt.feeIDs
            for (item, open) in zip(items, attempt.openAmounts) { note("open.\(item)", open) }
            note("owed", owed)
            let sum = attempt.openAmounts.reduce(Money.zero, +)
            say(
                "Open were \(zip(items, attempt.openAmounts).map { "\(money($1)) on transaction \($0)" }.joined(separator: " and ")), together \(money(sum)); the customer owed \(money(owed)).",
                "The smaller of both was asked for: \(money(attempt.amount)).")
        } else {
            say("A caller asked for \(money(attempt.amount)).")
        }
        guard let previous = attempt.previous, let next = previous.next else { return }
        note("previousDeclineId", previous.id.description)
        note("previousDeclineDate", previous.date)
        note("retryDays", days(from: previous.date, to: next).description)
        say(
            "Try \(attempt.number) was made \(days(from: previous.date, to: next)) days after the soft decline \(previous.id) of \(previous.date): on \(next)."
        )
    }

    private mutating func answered() {
        guard let said = facts.transaction.processing else { return }
        guard let code = said.responseCode else {
            let isPending = facts.transaction.status == .pending
            let reason = said.responseMessage ?? "nothing was charged"
            return say(
                isPending
                    ? "The processor has not said yet what became of it."
                    : "It came to nothing: \(reason).")
        }
        note("responseCode", code)
        if let approved = facts.attempt?.approvedAmount {
            note("approvedAmount", approved)
            say("The processor answered \(code), \(said.responseMessage ?? ""): \(money(approved)) moved.")
        } else {
            say("The processor answered \(code), \(said.responseMessage ?? "").")
        }
    }

    private mutating func nextAttempt() {
        guard let next = facts.transaction.processing?.nextAttemptDate else { return }
        let later = days(from: it.dueDate, to: next)
        note("nextAttemptDate", next)
        note("retryDays", later.description)
        say("The billing run tries again \(later) days later, on \(next).")
    }

    private mutating func source() {
        guard let source = facts.source else { return }
        note("sourceId", source.id.description)
        note("sourceType", source.facts.type.rawValue)
        note("sourceAmount", source.facts.amount)
        note("sourceDueDate", source.facts.dueDate)
    }

    private mutating func allocations() {
        if !facts.allocations.isEmpty {
            note("balancingAlgorithm", facts.account.balancingAlgorithm.rawValue)
        }
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

    /// Why the day is not the anchor's.
    private func clamp(_ date: CalendarDate, _ terms: SubscriptionTerms) -> String? {
        let (year, month, day) = date.components
        let anchor = terms.firstBillingDate.components.day
        guard terms.cycle.unit != .weekly, day < anchor else { return nil }
        return
            "The anchor's day, \(anchor), is not in that month, which has \(CalendarDate.daysIn(month: month, of: year)) days."
    }

    private var isHard: Bool {
        guard let code = facts.source?.processing?.responseCode else { return false }
        return if case .hardDecline = ResponseKind(code: code) { true } else { false }
    }

    private var age: Int { days(from: facts.source?.facts.dueDate ?? it.dueDate, to: it.dueDate) }

    private func named(_ transaction: Transaction?) -> String {
        transaction.map { "\($0.facts.type.rawValue) \($0.id)" } ?? "a transaction"
    }

    private func days(from: CalendarDate, to: CalendarDate) -> Int {
        Int(to.daysSince1970) - Int(from.daysSince1970)
    }

    private func money(_ amount: Money) -> String {
        "\(facts.account.currency.format(amount)) \(facts.account.currency.code)"
    }

    private mutating func note(_ name: String, _ value: String) {
        explanation.inputs.append(Explanation.Input(name, value))
    }
    private mutating func note(_ name: String, _ amount: Money) { note(name, amount.minorUnits.description) }
    private mutating func note(_ name: String, _ date: CalendarDate) { note(name, date.description) }

    private mutating func say(_ sentences: String?...) { explanation.steps += sentences.compactMap { $0 } }
}

extension CycleUnit {
    /// What lies between two bills, in words.
    fileprivate var name: String {
        switch self {
        case .weekly: "week"
        case .monthly: "month"
        case .quarterly: "quarter"
        case .semiannually: "half-year"
        case .annually: "year"
        }
    }

    fileprivate var plural: String { name + "s" }
}
