/// Ends a pause or a freeze, or takes back what is still to come, a cancellation last (spec 1.4 ~resume, 5.7).
public struct ResumeSubscription {
    let note: String?

    /// Resumes with this reason.
    public init(note: String?) {
        self.note = note
    }

    /// What is in force ends today, its last day: the next billing date after today is billed, missed ones are not made up.
    /// Where nothing is in force, a pending freeze or pause is withdrawn; where there is none either, a pending cancellation. A freeze or
    /// pause whose day has come counts as in force, also while it waits behind a bill that an inactive customer does not get.
    ///
    /// - Throws: `Refusal`: V24 no such subscription; V30 ended, or neither paused nor frozen, and nothing is to come, or frozen on a day
    ///   to come behind which a bill is made already.
    public func execute(
        _ reference: Reference, _ state: CustomerState, in store: any Store, by actor: Actor
    ) throws -> Subscription {
        // Where a run is behind, what is due by today happens first, as if it had come in time.
        let intake = try AdjustmentIntake(reference, state, in: store).advanced(in: store)
        try intake.refuseEnded()
        let course = intake.course
        let pausing = course.adjustments.filter { $0.kind != .cancellation }
        guard
            let chosen = pausing.first(where: { $0.state == .effective })
                ?? pausing.first(where: { $0.state == .pending })
                ?? course.adjustments.first(where: { $0.state == .pending })
        else {
            throw Refusal(
                .stateForbids, "the subscription is neither paused nor frozen, and no cancellation is to come"
            )
        }
        let today = state.moment.businessDate
        if course.isSettled(chosen), let last = chosen.endDate,
            chosen.state == .pending || chosen.state == .effective && last > today
        {
            // Like a freeze of a day whose invoice is made: what was agreed for the days before a bill stands.
            throw Refusal(
                .stateForbids,
                "the bill after the freeze from \(chosen.effectiveDate) to \(last) is made already: it stays"
            )
        }
        let resumed = resumed(course, from: chosen, on: today, under: state.account, by: actor)
        if chosen.waits(on: today) {
            // It was in force, though the run could not let it begin yet: what it costs to begin is owed.
            let billing = BillSubscriptions(account: state.account, moment: state.moment)
            let subscription = intake.due
            let fee = billing.drafts(of: .begin(chosen), before: course.progress, subscription)
            try billing.write([.init(subscription: subscription, after: resumed, made: fee)], in: store)
        } else {
            try intake.write(resumed, in: store)
        }
        return try intake.finished("resume", in: store, by: actor)
    }

    private func resumed(
        _ course: SubscriptionCourse, from chosen: SubscriptionAdjustment, on today: CalendarDate,
        under policy: MerchantAccount, by actor: Actor
    ) -> SubscriptionCourse {
        var course = course
        let wasInForce = chosen.state == .effective || chosen.waits(on: today)
        course.change(chosen.id) { adjustment in
            adjustment.state = wasInForce ? .ended : .withdrawn
            // Where the clock was set back, what is in force may have begun on a day to come.
            adjustment.endDate =
                wasInForce ? max(adjustment.effectiveDate, min(adjustment.endDate ?? today, today)) : today
            adjustment.endedBy = actor.name
            adjustment.endNote = note
        }
        if chosen.state == .effective {
            let isUnbilled = chosen.kind == .pause && course.progress.billedCount == 0
            course.progress.status = isUnbilled ? .unbilled : .current
        }
        // The cycles within it are passed over, or cost their fee: it decides them as long as they are to be billed.
        if chosen.kind == .freeze {
            course.stepBack(
                to: wasInForce
                    ? max(today, chosen.effectiveDate).adding(days: 1) : chosen.effectiveDate)
        }
        return Schedule.settled(course, under: policy)
    }
}

extension SubscriptionAdjustment {
    /// Whether it is a freeze or pause whose day has come and that has not begun: it waits behind a bill of an earlier day that an
    /// inactive customer does not get (``Schedule/next(in:under:through:billing:)``).
    fileprivate func waits(on today: CalendarDate) -> Bool {
        kind != .cancellation && state == .pending && effectiveDate <= today
    }
}
