/// What becomes of a subscription whose retries are used up (spec 2.11 onRetriesExhausted, 5.5).
///
/// The single place that decides it, called by whatever ends an attempt: an answer of the processor or a returned claim. It puts a
/// pause or cancellation on record, as a caller's ~pause or ~cancel does; from then on nothing falls due. The billing run lets it
/// begin with all the others that are due: when the pass has collected, or on the first billing date after a freeze.
struct RetriesExhausted {
    let account: MerchantAccount
    let moment: Moment

    /// Schedules the pause or cancellation of the subscriptions of these invoices, as the account's policy says; the debt stays.
    ///
    /// - Parameter invoices: of customers that are locked.
    func execute(_ invoices: [InvoiceCollection], in store: any Store) throws {
        let kind: SubscriptionAdjustment.Kind
        switch account.onRetriesExhausted {
        case .none: return
        case .pause: kind = .pause
        case .cancel: kind = .cancellation
        }
        var subscriptions: Set<Identifier<Subscription>> = []
        for invoice in invoices.sorted(by: { $0.lockOrder < $1.lockOrder }) {
            guard let id = invoice.subscriptionID, subscriptions.insert(id).inserted,
                let state = try store.lockedCustomer(.id(invoice.customerID.rawValue))
            else { continue }
            let intake = try AdjustmentIntake(.id(id.rawValue), state, in: store)
            let note = "The retries of invoice \(invoice.invoiceID) are used up."
            guard
                let decision = Decision(kind, intake.course, note: note, on: moment.businessDate, account)
            else { continue }
            try put(decision, of: intake, note: note, in: store)
            try store.note(
                kind == .pause ? "pause" : "cancel", on: "subscription", id.rawValue, of: account.id,
                by: Actor(name: RunBilling.actor, requestID: "retries-\(invoice.invoiceID)"))
        }
    }

    private func put(_ decision: Decision, of intake: AdjustmentIntake, note: String, in store: any Store)
        throws
    {
        // What is withdrawn first makes room for what is scheduled in its place.
        try intake.write(decision.cleared, in: store)
        var adjustment = decision.adjustment
        adjustment.createDate = moment.local
        var adjusted = decision.cleared
        adjustment.id = try store.insertAdjustment(adjustment, of: intake.subscription, at: moment)
        adjusted.adjustments.append(adjustment)
        var changes = BookChanges(under: account, at: moment)
        changes.move(
            intake.subscription.id, from: decision.cleared, to: Schedule.settled(adjusted, under: account))
        if !changes.progress.isEmpty { try store.write(changes) }
    }

    /// What is to be put on record of one subscription. Pure.
    struct Decision: Hashable {
        /// The course once what stands in the way is withdrawn.
        let cleared: SubscriptionCourse
        /// What is scheduled then; its number and the time it is made are not known yet.
        let adjustment: SubscriptionAdjustment

        /// Nil where nothing is to be done: the subscription has ended or is as the policy wants it, or will be no later.
        ///
        /// A pause follows a freeze that is in force, with its first bill; a cancellation ends whatever is. What a caller has scheduled
        /// for later and does not fit is withdrawn. What should have begun by today and has not (the subscription was set
        /// aside) is left to a person.
        init?(
            _ kind: SubscriptionAdjustment.Kind, _ course: SubscriptionCourse, note: String,
            on today: CalendarDate, _ policy: MerchantAccount
        ) {
            switch course.progress.status {
            case .cancelled, .expired: return nil
            case .paused where kind == .pause: return nil
            case .unbilled, .current, .frozen, .paused: break
            }
            let pending = course.adjustments.filter { $0.state == .pending }
            guard pending.allSatisfy({ $0.effectiveDate > today }) else { return nil }
            var from = today
            if kind == .pause {
                let freeze = course.adjustments.first { $0.kind == .freeze && $0.state == .effective }
                if let over = freeze.flatMap({ Schedule.event(of: $0, terms: course.terms) }) {
                    from = max(from, over)
                }
                if pending.contains(where: { $0.kind != .freeze && $0.effectiveDate <= from }) { return nil }
            }
            var cleared = course
            for other in pending where (other.kind == .cancellation) == (kind == .cancellation) {
                let isSettled = course.isSettled(other)
                cleared.withdraw(other, on: today)
                cleared.change(other.id) {
                    $0.endedBy = RunBilling.actor
                    $0.endNote = note
                }
                if other.kind == .freeze, !isSettled { cleared.stepBack(to: other.effectiveDate) }
            }
            self.cleared = Schedule.settled(cleared, under: policy)
            adjustment = SubscriptionAdjustment(
                id: Identifier(0), createDate: LocalDateTime(date: today), kind: kind, effectiveDate: from,
                note: note, creatorCode: RunBilling.actor)
        }
    }
}

extension InvoiceCollection {
    /// Customers before subscriptions, ids ascending.
    fileprivate var lockOrder: (Int64, Int64) { (customerID.rawValue, subscriptionID?.rawValue ?? 0) }
}
