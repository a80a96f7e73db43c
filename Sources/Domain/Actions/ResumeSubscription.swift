/// Ends a pause or a freeze, or takes back what is still to come, a cancellation last (spec 1.4 ~resume, 5.7).
public struct ResumeSubscription {
    let note: String?

    /// Resumes with this reason.
    public init(note: String?) {
        self.note = note
    }

    /// What is in force ends today, its last day: the next billing date after today is billed, missed ones are not made up.
    /// Where nothing is in force, a pending freeze or pause is withdrawn; where there is none either, a pending cancellation.
    ///
    /// - Throws: `Refusal`: V24 no such subscription; V30 ended, or neither paused nor frozen, and nothing is to come.
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
        try intake.write(
            resumed(course, from: chosen, on: state.moment.businessDate, under: state.account, by: actor),
            in: store)
        return try intake.finished("resume", in: store, by: actor)
    }

    private func resumed(
        _ course: SubscriptionCourse, from chosen: SubscriptionAdjustment, on today: CalendarDate,
        under policy: MerchantAccount, by actor: Actor
    ) -> SubscriptionCourse {
        var course = course
        course.change(chosen.id) { adjustment in
            adjustment.state = chosen.state == .effective ? .ended : .withdrawn
            // Where the clock was set back, what is in force may have begun on a day to come.
            adjustment.endDate =
                chosen.state == .effective
                ? max(adjustment.effectiveDate, min(adjustment.endDate ?? today, today)) : today
            adjustment.endedBy = actor.name
            adjustment.endNote = note
        }
        let terms = course.terms
        switch (chosen.state, chosen.kind) {
        case (.effective, .pause):
            course.progress.status = course.progress.billedCount == 0 ? .unbilled : .current
            let next = terms.cycle.firstNumber(
                onOrAfter: today.adding(days: 1), from: terms.firstBillingDate)
            course.progress.nextCycle = max(course.progress.nextCycle, next)
        case (.effective, _):
            course.progress.status = .current
            course.stepBack(to: max(today, chosen.effectiveDate).adding(days: 1))
        case (_, .cancellation): break
        default: course.stepBack(to: chosen.effectiveDate)
        }
        return Schedule.settled(course, under: policy)
    }
}
