/// One step of a subscription's schedule (spec *Words*: charge).
public struct Charge: Hashable, Sendable {
    /// What a charge makes (spec 3.6).
    public enum Kind: String, CaseIterable, Sendable {
        case fixed = "F"
        case perpetual = "P"
        case deferred = "D"
        case complimentary = "C"
        case freeze = "R"
        case paidFreeze = "Z"
        case skipped = "S"
    }

    /// Which cycle of the schedule, from 1.
    public var cycleNumber: Int
    public var billingDate: CalendarDate
    public var kind: Kind
    public var amount: Money
    public var taxAmount: Money

    /// A charge with all its parts.
    public init(cycleNumber: Int, billingDate: CalendarDate, kind: Kind, amount: Money, taxAmount: Money) {
        self.cycleNumber = cycleNumber
        self.billingDate = billingDate
        self.kind = kind
        self.amount = amount
        self.taxAmount = taxAmount
    }
}

/// What happens to a subscription when (spec 5.1, 5.2).
public enum Schedule {
    /// The next charge of a subscription, and how far it has come when that is made; nil when nothing more will be billed.
    public static func next(
        terms: SubscriptionTerms, progress: SubscriptionProgress
    ) -> (charge: Charge, after: SubscriptionProgress)? {
        guard progress.status == .unbilled || progress.status == .current,
            let date = progress.nextBillingDate
        else { return nil }
        let charge = Charge(
            cycleNumber: progress.nextCycle, billingDate: date,
            kind: terms.length == nil ? .perpetual : .fixed,
            amount: terms.amount, taxAmount: terms.taxAmount)
        let billed = progress.billedCount + 1
        let isLast = billed == terms.length
        let following = progress.nextCycle + 1
        return (
            charge,
            SubscriptionProgress(
                status: .current, nextCycle: following,
                nextBillingDate: isLast ? nil : terms.cycle.date(of: following, from: terms.firstBillingDate),
                lastBillingDate: date, billedCount: billed)
        )
    }
}
