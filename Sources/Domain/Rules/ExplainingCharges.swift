// What a schedule, an event and age make: invoices, fees, write-offs.
extension Explaining {
    mutating func explainCharge() {
        rule(.charge)
        guard let charge = facts.charge, let subscription = facts.subscription else { return }
        let terms = subscription.terms
        noteCycle(charge, of: subscription)
        note("chargeType", charge.kind.rawValue)
        note("subscriptionAmount", terms.amount)
        note("subscriptionTaxAmount", terms.taxAmount)
        if account.invoiceLeadDays > 0 { note("invoiceLeadDays", account.invoiceLeadDays) }
        noteSkips(terms)
        if charge.kind == .paidFreeze {
            noteAdjustment()
            note("freezeRecurringFee", account.freezeRecurringFee)
            let freeze = facts.adjustment.map { " \(span($0))" } ?? ""
            say(
                "The subscription was frozen\(freeze): the account's freezeRecurringFee of \(money(charge.amount)) was billed in place of its amount of \(money(terms.amount)). It is no payment."
            )
        } else {
            say("The subscription's amount is \(money(charge.amount))\(including(charge.taxAmount)).")
        }
        let made = facts.origin.businessDate
        if made < charge.billingDate {
            say(
                "The invoice was made on \(made), \(counted(days(from: made, to: charge.billingDate), "day")) ahead of its billing date."
            )
        }
        if made > charge.billingDate { say("The invoice was made late, on \(made), and keeps its own date.") }
    }

    mutating func explainFee() {
        noteSource()
        let code = facts.source?.processing?.responseCode
        if let code { note("sourceResponseCode", code) }
        let (which, policy, amount, why): (Explanation.Rule, String, Money, String) =
            switch facts.source?.facts.type {
            case .decline? where ResponseKind.isHard(code):
                (.declineFee, "hardDeclineFee", account.hardDeclineFee, "for a hard decline")
            case .decline?: (.declineFee, "softDeclineFee", account.softDeclineFee, "for a soft decline")
            case .chargeback?: (.chargebackFee, "chargebackFee", account.chargebackFee, "for a chargeback")
            default: (.retryFee, "retryFee", account.retryFee, "for a retry that succeeded")
            }
        rule(which)
        note(policy, amount)
        say("The account charged its \(policy) \(why), \(named(facts.source)): \(money(amount)).")
    }

    /// What a freeze costs when it begins, and a cancellation when it takes effect.
    mutating func explainAdjustmentFee() {
        guard let cause = facts.adjustment else { return }
        let isFreeze = cause.kind == .freeze
        rule(isFreeze ? .freezeFee : .cancellationFee)
        noteAdjustment()
        let asked = cause.createDate.date
        let policy = isFreeze ? "freezeFlatFee" : "cancellationFee"
        let amount = isFreeze ? account.freezeFlatFee : account.cancellationFee
        note("requestedOn", asked)
        note(policy, amount)
        say(
            "\(cause.creatorCode == RunBilling.actor ? "The billing run" : "Service user \(cause.creatorCode)") asked for the \(isFreeze ? "freeze" : "cancellation") \(cause.id) on \(asked), with effect from \(cause.effectiveDate).",
            asked > cause.effectiveDate
                ? "It took effect on the day it was asked for, as its date was past."
                : "It took effect on its date.",
            "The account charged its \(policy) once for it: \(money(amount)).")
    }

    /// What the first payment of a subscription costs besides.
    mutating func explainEnrollmentFee() {
        rule(.enrollmentFee)
        guard let charge = facts.charge, let subscription = facts.subscription else { return }
        noteCycle(charge, of: subscription)
        note("enrollmentFee", account.enrollmentFee)
        say(
            "With the first payment of the subscription, due then, the account charged its enrollmentFee: \(money(account.enrollmentFee))."
        )
    }

    mutating func explainLateFee() {
        rule(.lateFee)
        noteSource()
        note("lateFeeAmount", account.lateFeeAmount)
        note("lateFeeGraceDays", account.lateFeeGraceDays)
        sayAge(account.lateFeeGraceDays, "late")
        say("The account charged its lateFeeAmount once for it: \(money(account.lateFeeAmount)).")
    }

    mutating func explainWriteOff() {
        rule(.writeOff)
        noteSource()
        note("writeOffDays", account.writeOffDays)
        note("paidBefore", facts.paidBefore)
        sayAge(account.writeOffDays, "to be written off")
        let full = facts.source?.facts.amount ?? it.amount
        say(
            "Of its \(money(full)), \(money(facts.paidBefore)) was paid; the rest was written off: \(money(full - facts.paidBefore))."
        )
    }

    private mutating func sayAge(_ limit: Int, _ what: String) {
        guard let due = facts.source?.facts.dueDate else { return }
        let made = facts.origin.businessDate
        say(
            "\(named(facts.source)) was due on \(due) and still open on \(made), \(counted(days(from: due, to: made), "day")) later; from \(counted(limit, "day")) on it is \(what)."
        )
    }

    /// Which cycle of a subscription, and its date.
    private mutating func noteCycle(_ charge: Charge, of subscription: Subscription) {
        let terms = subscription.terms
        note("subscriptionId", subscription.id.description)
        note("anchorDate", terms.firstBillingDate)
        note("billingCycleType", terms.cycle.unit.rawValue)
        note("billingInterval", terms.cycle.interval)
        note("cycleNumber", charge.cycleNumber)
        let units = (charge.cycleNumber - 1) * terms.cycle.interval
        say(
            units == 0
                ? "Cycle \(charge.cycleNumber) lies on the anchor date: it is billed on \(charge.billingDate)."
                : "Cycle \(charge.cycleNumber) lies \(counted(units, terms.cycle.unit.word)) after the anchor date \(terms.firstBillingDate): it is billed on \(charge.billingDate).",
            clamped(charge.billingDate, terms))
    }

    /// The cycles before that were no payments, and which payment this one is.
    private mutating func noteSkips(_ terms: SubscriptionTerms) {
        for skip in facts.skips {
            let isOne = skip.first == skip.last
            let cycles = isOne ? "\(skip.first)" : "\(skip.first)-\(skip.last)"
            note("skippedCycles.\(skip.adjustment.id)", cycles)
            say(
                "No payment was billed for \(isOne ? "cycle" : "cycles") \(cycles): the subscription was \(skip.adjustment.kind == .freeze ? "frozen" : "paused") \(span(skip.adjustment)). \(isOne ? "Its date" : "Their dates") passed."
            )
        }
        guard let number = facts.paymentNumber else { return }
        note("paymentNumber", number)
        if let length = terms.length { note("length", length) }
        if terms.length != nil || !facts.skips.isEmpty {
            say("It is payment \(number)\(terms.length.map { " of \($0)" } ?? "").")
        }
    }

    private mutating func noteAdjustment() {
        guard let adjustment = facts.adjustment else { return }
        note("adjustmentId", adjustment.id.description)
        note("adjustmentType", adjustment.kind.rawValue)
        note("effectiveDate", adjustment.effectiveDate)
        if let length = adjustment.length { note("freezeLength", length) }
        if let end = adjustment.endDate { note("endDate", end) }
    }

    private func span(_ adjustment: SubscriptionAdjustment) -> String {
        "from \(adjustment.effectiveDate)\(adjustment.endDate.map { " to \($0)" } ?? "") by adjustment \(adjustment.id)"
    }

    /// Why the day is not the anchor's.
    private func clamped(_ date: CalendarDate, _ terms: SubscriptionTerms) -> String? {
        let (year, month, day) = date.components
        let anchor = terms.firstBillingDate.components.day
        guard terms.cycle.unit != .weekly, day < anchor else { return nil }
        return
            "The anchor's day, \(anchor), is not in that month, which has \(CalendarDate.daysIn(month: month, of: year)) days."
    }
}

extension ResponseKind {
    /// Whether this code is a hard decline.
    fileprivate static func isHard(_ code: String?) -> Bool {
        guard let code, case .hardDecline = ResponseKind(code: code) else { return false }
        return true
    }
}

extension CycleUnit {
    /// What lies between two bills, in words.
    fileprivate var word: String {
        switch self {
        case .weekly: "week"
        case .monthly: "month"
        case .quarterly: "quarter"
        case .semiannually: "half-year"
        case .annually: "year"
        }
    }
}
