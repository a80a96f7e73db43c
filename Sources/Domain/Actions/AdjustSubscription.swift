/// Cancels a subscription now or on a day to come (spec 1.4 ~cancel, 5.7).
public struct CancelSubscription {
    let effectiveDate: CalendarDate
    let note: String?

    /// Cancels from this day on: the first day that is not billed any more.
    public init(effectiveDate: CalendarDate, note: String?) {
        self.effectiveDate = effectiveDate
        self.note = note
    }

    /// Today or earlier: at once, after the charges of days before that are still to be billed. A freeze or pause ends with it.
    /// A cancellation that is still to come is withdrawn: this one takes its place.
    ///
    /// - Throws: `Refusal`: V24 no such subscription; V30 ended, or cancelled from this very day already; V34 close-sales
    ///   period.
    public func execute(
        _ reference: Reference, _ state: CustomerState, in store: any Store, by actor: Actor
    ) throws -> Subscription {
        let intake = try AdjustmentIntake(reference, state, in: store)
        try intake.refuseEnded()
        let moved = try intake.movableCancellation(to: effectiveDate)
        return try intake.store(
            SubscriptionAdjustment(
                id: Identifier(0), createDate: state.moment.local, kind: .cancellation,
                effectiveDate: effectiveDate, note: note, creatorCode: actor.name),
            inPlaceOf: moved, as: "cancel", in: store, by: actor)
    }
}

/// Skips payments of a subscription from one of its billing dates on (spec 1.4 ~freeze, 5.7).
public struct FreezeSubscription {
    let effectiveDate: CalendarDate
    let length: Int
    let note: String?

    /// Skips this many payments from this billing date on.
    public init(effectiveDate: CalendarDate, length: Int, note: String?) {
        self.effectiveDate = effectiveDate
        self.length = length
        self.note = note
    }

    /// - Throws: `Refusal`: V21 not in the future, no billing date of the subscription, or longer than the calendar; V24 no
    ///   such subscription; V30 ended, paused, overlapping, or something else is scheduled; V34 close-sales period.
    public func execute(
        _ reference: Reference, _ state: CustomerState, in store: any Store, by actor: Actor
    ) throws -> Subscription {
        let intake = try AdjustmentIntake(reference, state, in: store)
        try intake.refuseEnded()
        let last = try intake.lastSkippedDate(from: effectiveDate, length: length)
        if let freeze = intake.course.alive(.freeze), let end = freeze.endDate, freeze.effectiveDate <= last,
            effectiveDate <= end
        {
            throw Refusal(
                .stateForbids,
                "the subscription is frozen from \(freeze.effectiveDate) to \(end) already: freezes must not overlap",
                field: "effectiveDate")
        }
        try intake.refusePaused()
        try intake.refuseScheduled()
        try intake.refuseAfterCancellation(effectiveDate)
        return try intake.store(
            SubscriptionAdjustment(
                id: Identifier(0), createDate: state.moment.local, kind: .freeze,
                effectiveDate: effectiveDate,
                endDate: last, length: length, note: note, creatorCode: actor.name),
            as: "freeze", in: store, by: actor)
    }
}

/// Stops the invoices of a subscription until ~resume (spec 1.4 ~pause, 5.7).
public struct PauseSubscription {
    let effectiveDate: CalendarDate?
    let note: String?

    /// Pauses from this day on; from today when it is nil.
    public init(effectiveDate: CalendarDate?, note: String?) {
        self.effectiveDate = effectiveDate
        self.note = note
    }

    /// - Throws: `Refusal`: V21 in the past; V24 no such subscription; V30 ended, frozen, paused, or something is
    ///   scheduled; V34 close-sales period.
    public func execute(
        _ reference: Reference, _ state: CustomerState, in store: any Store, by actor: Actor
    ) throws -> Subscription {
        let today = state.moment.businessDate
        let from = effectiveDate ?? today
        let intake = try AdjustmentIntake(reference, state, in: store)
        try intake.refuseEnded()
        guard from >= today else {
            throw Refusal(
                .valueNotAllowed, "effectiveDate must not be before the business date, \(today)",
                field: "effectiveDate")
        }
        if let freeze = intake.course.alive(.freeze), freeze.state == .effective {
            throw Refusal(.stateForbids, "the subscription is frozen: ~resume it first")
        }
        try intake.refusePaused()
        try intake.refuseScheduled()
        try intake.refuseAfterCancellation(from)
        return try intake.store(
            SubscriptionAdjustment(
                id: Identifier(0), createDate: state.moment.local, kind: .pause, effectiveDate: from,
                note: note, creatorCode: actor.name),
            as: "pause", in: store, by: actor)
    }
}

/// A locked subscription that an adjustment is asked for, and what they have in common.
struct AdjustmentIntake {
    let state: CustomerState
    let subscription: Subscription
    let course: SubscriptionCourse

    /// Locks the subscription and reads the adjustments that have a say in it; V24 when it is not there.
    init(_ reference: Reference, _ state: CustomerState, in store: any Store) throws {
        let customer = state.customer
        guard
            let subscription = try store.lockedSubscription(
                of: customer.id, account: customer.accountID, reference)
        else { throw Refusal(.notFound, "there is no subscription \(reference)") }
        self.state = state
        self.subscription = subscription
        let living = try store.decidingAdjustments(of: [subscription.id], account: customer.accountID)
        course = SubscriptionCourse(
            terms: subscription.terms, progress: subscription.progress,
            adjustments: living[subscription.id] ?? [])
    }

    func refuseEnded() throws {
        switch subscription.progress.status {
        case .cancelled: throw Refusal(.stateForbids, "the subscription is cancelled")
        case .expired:
            throw Refusal(.stateForbids, "the subscription has expired: all its payments are billed")
        default: break
        }
    }

    func refusePaused() throws {
        if subscription.progress.status == .paused {
            throw Refusal(.stateForbids, "the subscription is paused: ~resume it first")
        }
    }

    /// One freeze or pause may wait at a time.
    func refuseScheduled() throws {
        let waiting = course.adjustments.first { $0.state == .pending && $0.kind != .cancellation }
        guard let waiting else { return }
        throw Refusal(
            .stateForbids,
            "a \(waiting.kind == .freeze ? "freeze" : "pause") is scheduled for \(waiting.effectiveDate): ~resume takes it back"
        )
    }

    /// The cancellation that another one takes the place of; nil where none is scheduled. One for the same day, or whose day has
    /// come, stays.
    func movableCancellation(to date: CalendarDate) throws -> SubscriptionAdjustment? {
        guard let end = course.alive(.cancellation) else { return nil }
        guard end.effectiveDate != date, end.effectiveDate > state.moment.businessDate else {
            throw Refusal(
                .stateForbids, "the subscription is cancelled with effect from \(end.effectiveDate) already")
        }
        return end
    }

    func refuseAfterCancellation(_ date: CalendarDate) throws {
        guard let end = course.alive(.cancellation), end.effectiveDate <= date else { return }
        throw Refusal(
            .stateForbids, "the subscription is cancelled with effect from \(end.effectiveDate)",
            field: "effectiveDate")
    }

    /// The billing date of the last cycle of a freeze, whose first must be a billing date to come (spec 1.4).
    func lastSkippedDate(from date: CalendarDate, length: Int) throws -> CalendarDate {
        func refuse(_ sentence: String, _ field: String) -> Refusal {
            Refusal(.valueNotAllowed, "\(field) \(sentence)", field: field)
        }
        let (cycle, first) = (course.terms.cycle, course.terms.firstBillingDate)
        guard date > state.moment.businessDate else {
            throw refuse("must be after the business date, \(state.moment.businessDate)", "effectiveDate")
        }
        let number = cycle.firstNumber(onOrAfter: date, from: first)
        guard cycle.date(of: number, from: first) == date, isStillBilled(number) else {
            throw refuse("must be a billing date of this subscription", "effectiveDate")
        }
        if let billed = course.progress.lastBillingDate, date <= billed {
            throw Refusal(
                .stateForbids, "the invoice of \(date) is made already", field: "effectiveDate")
        }
        let last = cycle.date(of: number + length - 1, from: first)
        // The billing date after the freeze must be one too.
        guard cycle.date(of: number + length, from: first) <= .latest else {
            throw refuse("reaches beyond the year 9999", "length")
        }
        return last
    }

    /// Whether a cycle comes before the payments of a fixed subscription are used up.
    private func isStillBilled(_ number: Int) -> Bool {
        guard let length = course.terms.length else { return true }
        var left = length - course.progress.billedCount
        var cycle = course.progress.nextCycle
        while cycle < number, left > 0 {
            let charge = Schedule.charge(of: cycle, in: course, under: state.account)
            if charge?.kind.isPayment ?? true { left -= 1 }
            cycle += 1
        }
        return left > 0
    }

    /// Stores the adjustment, and lets it begin where its day has come.
    ///
    /// - Parameter replaced: a scheduled one that is withdrawn.
    func store(
        _ adjustment: SubscriptionAdjustment, inPlaceOf replaced: SubscriptionAdjustment? = nil,
        as action: String, in store: any Store, by actor: Actor
    ) throws -> Subscription {
        let (account, today) = (state.account, state.moment.businessDate)
        var cleared = course
        if let replaced {
            cleared.change(replaced.id) {
                $0.state = .withdrawn
                $0.endDate = today
                $0.endedBy = actor.name
                $0.endNote = adjustment.note
            }
        }
        var adjusted = cleared
        adjusted.adjustments.append(adjustment)
        adjusted = Schedule.settled(adjusted, under: account)
        try refuseClosedSales(after: adjusted)
        // What is withdrawn first makes room.
        if replaced != nil { try write(cleared, in: store) }
        let id = try store.insertAdjustment(adjustment, of: subscription, at: state.moment)
        adjusted.adjustments[adjusted.adjustments.count - 1].id = id
        try write(adjusted, after: cleared, in: store)
        if adjustment.effectiveDate <= today { _ = try advanced(in: store) }
        return try finished(action, in: store, by: actor)
    }

    /// Refuses what changes the coming billing date within `closeSalesDays` before it (spec 5.7).
    private func refuseClosedSales(after adjusted: SubscriptionCourse) throws {
        let days = state.account.closeSalesDays
        let today = state.moment.businessDate
        let ahead = course.terms.cycle.firstNumber(onOrAfter: today, from: course.terms.firstBillingDate)
        let coming = max(ahead, course.progress.nextCycle)
        guard days > 0, course.progress.nextBillingDate != nil,
            let charge = Schedule.charge(of: coming, in: course, under: state.account),
            !charge.kind.isSkipped, charge.billingDate <= today.adding(days: days),
            Schedule.charge(of: coming, in: adjusted, under: state.account) != charge
        else { return }
        throw Refusal(
            .salesClosed,
            "sales for the billing date \(charge.billingDate) are closed: it can be changed up to \(days + 1) days before it",
            field: "effectiveDate")
    }

    /// Writes how far the subscription and its adjustments have come, where that differs from what was read, or written before.
    func write(
        _ changed: SubscriptionCourse, after before: SubscriptionCourse? = nil, in store: any Store
    ) throws {
        var changes = BookChanges(under: state.account, at: state.moment)
        changes.move(subscription.id, from: before ?? course, to: changed)
        if !changes.progress.isEmpty || !changes.adjustments.isEmpty { try store.write(changes) }
    }

    /// Makes of the subscription all that is due by today, as the run would, in the same order; the subscription after that.
    func advanced(in store: any Store) throws -> AdjustmentIntake {
        let billing = BillSubscriptions(account: state.account, moment: state.moment)
        while true {
            let intake = try AdjustmentIntake(.id(subscription.id.rawValue), state, in: store)
            if try billing.execute([intake.due], in: store).subscriptions == 0 { return intake }
        }
    }

    /// The subscription as the billing run takes it.
    var due: DueSubscription {
        DueSubscription(
            id: subscription.id, customerID: subscription.customerID, course: course,
            isBilled: state.customer.status == .active || state.customer.status == .expired)
    }

    /// The subscription as ~load shows it, its change noted.
    func finished(_ action: String, in store: any Store, by actor: Actor) throws -> Subscription {
        try store.note(
            action, on: "subscription", subscription.id.rawValue, of: subscription.accountID, by: actor)
        guard
            let changed = try store.completeSubscription(
                of: subscription.customerID, account: subscription.accountID, .id(subscription.id.rawValue))
        else { preconditionFailure("a locked subscription is there") }
        return changed
    }
}

extension SubscriptionStore {
    /// The subscription with all its adjustments, as ~load shows it (spec 2.4 adjustments).
    public func completeSubscription(
        of customer: Identifier<Customer>, account: Int64, _ reference: Reference
    ) throws -> Subscription? {
        guard var subscription = try subscription(of: customer, account: account, reference) else {
            return nil
        }
        let all = try adjustments(of: subscription.id, account: account, Page(limit: 1000))
        subscription.adjustments = all.items
        return subscription
    }
}
