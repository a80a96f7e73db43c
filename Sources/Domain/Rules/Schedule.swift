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

        /// Whether it makes no invoice.
        public var isSkipped: Bool { self == .freeze || self == .skipped || self == .deferred }
        /// Whether it counts as one of the agreed payments.
        public var isPayment: Bool { self == .fixed || self == .perpetual || self == .complimentary }
    }

    /// Which cycle of the schedule, from 1.
    public var cycleNumber: Int
    public var billingDate: CalendarDate
    public var kind: Kind
    public var amount: Money
    public var taxAmount: Money
    /// The freeze or pause that decides it; nil for an ordinary charge.
    public var adjustmentID: Identifier<SubscriptionAdjustment>?

    /// A charge with all its parts.
    public init(
        cycleNumber: Int, billingDate: CalendarDate, kind: Kind, amount: Money, taxAmount: Money,
        adjustmentID: Identifier<SubscriptionAdjustment>? = nil
    ) {
        self.cycleNumber = cycleNumber
        self.billingDate = billingDate
        self.kind = kind
        self.amount = amount
        self.taxAmount = taxAmount
        self.adjustmentID = adjustmentID
    }
}

/// A subscription as the schedule sees it: what was agreed, how far it has come, and what changes it.
public struct SubscriptionCourse: Hashable, Sendable {
    public var terms: SubscriptionTerms
    public var progress: SubscriptionProgress
    /// Those that are pending or in force when it is read, and those that are over but whose days reach beyond the last bill; in the
    /// order in which they were asked for.
    public var adjustments: [SubscriptionAdjustment]

    /// A course with all its parts.
    public init(
        terms: SubscriptionTerms, progress: SubscriptionProgress, adjustments: [SubscriptionAdjustment] = []
    ) {
        self.terms = terms
        self.progress = progress
        self.adjustments = adjustments
    }

    /// The one of this kind that is pending or in force.
    public func alive(_ kind: SubscriptionAdjustment.Kind) -> SubscriptionAdjustment? {
        adjustments.first { $0.kind == kind && $0.isAlive }
    }
}

/// Something that happens to a subscription on a day.
public enum ScheduleStep: Hashable, Sendable {
    /// A cycle has come: billed, or passed over.
    case charge(Charge)
    /// An adjustment comes into force.
    case begin(SubscriptionAdjustment)
    /// A freeze is over.
    case end(SubscriptionAdjustment)
}

/// What happens to a subscription when (spec 5.1, 5.2, 5.7). The billing run and ~preview both ask here, and nothing else
/// decides what a cycle becomes.
///
/// ```
/// cycle         1     2     3     4     5     6     7
///             ──┼─────┼─────┼─────┼─────┼─────┼─────┼──▶
/// freeze 3 × 2  F     F     R     R     F     F     F     dates are used up, payments are not
/// status        C     C     F─────────▶ C     C     C     F to the day before the next bill
/// pause         F     F     S     S     S ⟂   F     F     until ~resume; dates keep their anchor
/// cancel        F     F     –     –     –                 a date equal to the cancellation's is not billed
/// ```
public enum Schedule {
    /// What a cycle becomes; nil from the day of a cancellation on, and after the year 9999.
    ///
    /// Depends on the cycle's date and on the adjustments, not on the day it is asked: a late run treats each cycle as if it had
    /// come in time, so a freeze or pause that is over goes on to decide what fell due within it. Whether payments are left is for
    /// the caller to count.
    public static func charge(
        of cycle: Int, in course: SubscriptionCourse, under policy: MerchantAccount
    ) -> Charge? {
        let terms = course.terms
        let date = terms.cycle.date(of: cycle, from: terms.firstBillingDate)
        guard date <= .latest else { return nil }
        if let end = course.alive(.cancellation), end.effectiveDate <= date { return nil }
        func made(_ kind: Charge.Kind, _ amount: Money, tax: Money, by adjustment: SubscriptionAdjustment?)
            -> Charge
        {
            Charge(
                cycleNumber: cycle, billingDate: date, kind: kind, amount: amount, taxAmount: tax,
                adjustmentID: adjustment?.id)
        }
        let deciding = course.adjustments.filter { $0.decides(date) }
        // On the day on which ~resume ends a freeze, a pause may begin.
        if let pause = deciding.first(where: { $0.kind == .pause }) {
            return made(.skipped, .zero, tax: .zero, by: pause)
        }
        if let freeze = deciding.first(where: { $0.kind == .freeze }) {
            let fee = policy.freezeRecurringFee
            return made(fee > .zero ? .paidFreeze : .freeze, fee, tax: .zero, by: freeze)
        }
        return made(
            terms.length == nil ? .perpetual : .fixed, terms.amount, tax: terms.taxAmount, by: nil)
    }

    /// The next thing that happens through this business date; nil when nothing more does.
    ///
    /// In the order of the days; on one day adjustments come before the charge (spec 5.2). An invoice is made `invoiceLeadDays`
    /// before its billing date.
    ///
    /// - Parameter billing: false for an inactive customer, of whom nothing is billed (spec 2.1 isActive).
    public static func next(
        in course: SubscriptionCourse, under policy: MerchantAccount, through today: CalendarDate,
        billing: Bool = true
    ) -> ScheduleStep? {
        var charge: Charge?
        if billing, let date = course.progress.nextBillingDate,
            date <= today.adding(days: policy.invoiceLeadDays)
        {
            charge = self.charge(of: course.progress.nextCycle, in: course, under: policy)
        }
        let event = course.adjustments
            .compactMap { adjustment in
                self.event(of: adjustment, terms: course.terms).map { ($0, adjustment) }
            }
            .filter {
                $0.0 <= today && !waits($0.1, until: $0.0, billing ? nil : course.progress.nextBillingDate)
            }
            .min { ($0.0, order($0.1)) < ($1.0, order($1.1)) }
        if let event, charge.map({ event.0 <= $0.billingDate }) ?? true {
            return event.1.state == .pending ? .begin(event.1) : .end(event.1)
        }
        return charge.map { .charge($0) }
    }

    /// Whether a freeze or pause waits behind a bill that is not made yet because the customer is inactive: the cycles before it, in it
    /// and after it keep their order. A cancellation does not wait.
    private static func waits(
        _ adjustment: SubscriptionAdjustment, until date: CalendarDate, _ unbilled: CalendarDate?
    ) -> Bool {
        adjustment.kind != .cancellation && unbilled.map { $0 < date } ?? false
    }

    /// The day on which an adjustment begins or, once a freeze is in force, is over: the billing date after its last
    /// skipped one. Nil when nothing more comes of it by itself.
    public static func event(of adjustment: SubscriptionAdjustment, terms: SubscriptionTerms) -> CalendarDate?
    {
        switch (adjustment.state, adjustment.kind) {
        case (.pending, _): return adjustment.effectiveDate
        case (.effective, .freeze):
            guard let last = adjustment.endDate else { return nil }
            let next = terms.cycle.firstNumber(
                onOrAfter: last.adding(days: 1), from: terms.firstBillingDate)
            return terms.cycle.date(of: next, from: terms.firstBillingDate)
        default: return nil
        }
    }

    /// On one day what ends comes first, then cancellations.
    private static func order(_ adjustment: SubscriptionAdjustment) -> Int {
        adjustment.state == .effective ? 0 : adjustment.kind == .cancellation ? 1 : 2
    }

    /// The course after a step.
    public static func after(
        _ step: ScheduleStep, in course: SubscriptionCourse, under policy: MerchantAccount
    ) -> SubscriptionCourse {
        var course = course
        switch step {
        case .charge(let charge):
            course.progress.nextCycle = charge.cycleNumber + 1
            if !charge.kind.isSkipped { course.progress.lastBillingDate = charge.billingDate }
            if charge.kind.isPayment {
                course.progress.billedCount += 1
                if course.progress.status == .unbilled { course.progress.status = .current }
                if course.progress.billedCount == course.terms.length {
                    course.withdrawAll(on: charge.billingDate)
                }
            }
        case .begin(let adjustment):
            course.change(adjustment.id) { $0.state = .effective }
            switch adjustment.kind {
            case .freeze: course.progress.status = .frozen
            case .pause: course.progress.status = .paused
            case .cancellation: course.cancel(on: adjustment.effectiveDate)
            }
        case .end(let adjustment):
            course.change(adjustment.id) { $0.state = .ended }
            course.progress.status = .current
        }
        return settled(course, under: policy)
    }

    /// How many steps one go takes of one subscription.
    static let longestGo = 24

    /// All that happens through this business date, in order, and the course after it. What comes after a move that spec 3.3
    /// does not allow in one go (a freeze that ends into a pause), or after very many steps, is left for the next one; so is the
    /// end of a freeze of who was not billed before and is not after it either: unbilled becomes current with a bill or by way of
    /// frozen.
    public static func advance(
        _ course: SubscriptionCourse, under policy: MerchantAccount, through today: CalendarDate,
        billing: Bool = true
    ) -> (after: SubscriptionCourse, steps: [ScheduleStep]) {
        let start = course.progress.status
        var course = course
        var steps: [ScheduleStep] = []
        var whole = (course, 0)
        while steps.count < longestGo,
            let step = next(in: course, under: policy, through: today, billing: billing)
        {
            let following = after(step, in: course, under: policy)
            let status = following.progress.status
            guard status == start || start.mayBecome(status) else { break }
            steps.append(step)
            course = following
            if start != .unbilled || status != .current || course.progress.billedCount > 0 {
                whole = (course, steps.count)
            }
        }
        return (whole.0, Array(steps.prefix(whole.1)))
    }

    /// The course with its next billing date worked out: skipped cycles are passed over, and there is none when it has ended,
    /// is paused, or is cancelled before it. After every change of adjustments.
    public static func settled(
        _ course: SubscriptionCourse, under policy: MerchantAccount
    ) -> SubscriptionCourse {
        var course = course
        course.progress.nextBillingDate = nil
        let status = course.progress.status
        if status == .cancelled || status == .expired || course.progress.billedCount == course.terms.length {
            return course
        }
        while let charge = charge(of: course.progress.nextCycle, in: course, under: policy) {
            let isPaused = charge.kind == .skipped
            guard charge.kind == .freeze || isPaused && course.hasEnd(charge.adjustmentID) else {
                if !isPaused { course.progress.nextBillingDate = charge.billingDate }
                break
            }
            course.progress.nextCycle += 1
        }
        return course
    }
}

extension SubscriptionCourse {
    /// Whether the last day of an adjustment is known; not of a pause until ~resume.
    fileprivate func hasEnd(_ id: Identifier<SubscriptionAdjustment>?) -> Bool {
        adjustments.contains { $0.id == id && $0.endDate != nil }
    }

    /// Changes one adjustment.
    mutating func change(
        _ id: Identifier<SubscriptionAdjustment>, _ body: (inout SubscriptionAdjustment) -> Void
    ) {
        for index in adjustments.indices where adjustments[index].id == id { body(&adjustments[index]) }
    }

    /// Whether a bill of a day behind a freeze is made already (`invoiceLeadDays`): what it passed over cannot be billed any more, so
    /// that it stays the reason for that, whatever becomes of it (spec 5.7).
    func isSettled(_ adjustment: SubscriptionAdjustment) -> Bool {
        guard adjustment.kind == .freeze, let billed = progress.lastBillingDate, let end = adjustment.endDate
        else { return false }
        return end < billed
    }

    /// Takes back what is still to come. A freeze that is settled is over instead, with all its days.
    mutating func withdraw(_ adjustment: SubscriptionAdjustment, on date: CalendarDate) {
        let isSettled = isSettled(adjustment)
        change(adjustment.id) {
            $0.state = isSettled ? .ended : .withdrawn
            if !isSettled { $0.endDate = min(date, $0.effectiveDate) }
        }
    }

    /// Takes back all that is still to come.
    mutating func withdrawAll(on date: CalendarDate) {
        for adjustment in adjustments where adjustment.state == .pending { withdraw(adjustment, on: date) }
    }

    /// The end: freezes and pauses are over, what was to come is taken back.
    fileprivate mutating func cancel(on date: CalendarDate) {
        withdrawAll(on: date)
        for index in adjustments.indices
        where adjustments[index].state == .effective && adjustments[index].kind != .cancellation {
            let isSettled = isSettled(adjustments[index])
            let end = max(adjustments[index].effectiveDate, date)
            adjustments[index].state = .ended
            if !isSettled { adjustments[index].endDate = min(adjustments[index].endDate ?? end, end) }
        }
        stepBack(to: date)
        progress.status = .cancelled
    }

    /// Goes on with the first cycle from this day on, where a freeze had passed over it; never before what is billed already.
    mutating func stepBack(to date: CalendarDate) {
        let billed = progress.lastBillingDate.map { $0.adding(days: 1) }
        let first = terms.cycle.firstNumber(
            onOrAfter: max(date, billed ?? date), from: terms.firstBillingDate)
        progress.nextCycle = min(progress.nextCycle, first)
    }
}
