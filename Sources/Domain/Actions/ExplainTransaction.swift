/// Tells why a transaction has its amount and date (spec 1.5 ~explain).
public struct ExplainTransaction {
    let transaction: Transaction

    /// Explains this transaction.
    public init(_ transaction: Transaction) {
        self.transaction = transaction
    }

    /// Reads what is stored and explains it; changes nothing.
    public func execute(in store: any Store) throws -> Explanation {
        let (account, customer, it) = (transaction.accountID, transaction.customerID, transaction.facts)
        guard let origin = try store.origin(of: transaction.id, account: account),
            let policy = try store.account(account, policyVersion: origin.policyVersion)
        else { throw Refusal(.notFound, "there is no merchant account \(account)") }
        var facts = ExplanationFacts(transaction: transaction, origin: origin, account: policy)
        facts.subscription = try it.subscriptionID.flatMap {
            try store.subscription(of: customer, account: account, .id($0.rawValue))
        }
        if it.attemptID != nil {
            facts.attempt = try store.explainedAttempt(transaction.id, account: account)
            // What the run collected may have answered a caller's ~process afterwards (spec 5.9).
            if facts.attempt?.owed != nil { facts.origin.request = nil }
        }
        if let subscription = facts.subscription {
            try readSchedule(of: subscription, into: &facts, in: store)
        }
        if let source = it.sourceID { try readSource(source, into: &facts, in: store) }
        try readDeclines(into: &facts, in: store)
        facts.allocations =
            try store.allocations(
                of: transaction.id, account: account, Page(offset: 0, limit: 100, after: nil)
            ).items
        return Explaining(facts).explain()
    }

    /// What it was made for or undoes, and what had become of that.
    private func readSource(
        _ source: Identifier<Transaction>, into facts: inout ExplanationFacts, in store: any Store
    ) throws {
        let (account, it) = (transaction.accountID, transaction.facts)
        facts.source = try store.transaction(
            of: transaction.customerID, account: account, .id(source.rawValue))
        facts.givenBack = try store.givenBack(of: source, before: transaction.id, account: account)
        if it.type == .writeOff {
            facts.paidBefore = try store.paid(of: source, before: transaction.id, account: account)
        }
        // What the rules charge for something was caused by whoever caused that.
        if it.type == .serviceFee, let cause = try store.origin(of: source, account: account) {
            let isByRun = try store.explainedAttempt(source, account: account)?.owed != nil
            facts.origin.request = isByRun ? nil : cause.request
            facts.origin.notice = cause.notice
        }
    }

    /// What came before of the invoice that was tried to be collected.
    private func readDeclines(into facts: inout ExplanationFacts, in store: any Store) throws {
        let (account, it) = (transaction.accountID, transaction.facts)
        var invoice = facts.attempt?.invoiceID
        if it.type == .decline, facts.attempt == nil, let claim = it.sourceID {
            facts.attempt = try store.explainedAttempt(claim, account: account)
            invoice = facts.attempt?.invoiceID
        }
        if let invoice {
            facts.declines = try store.declines(of: invoice, before: transaction.id, account: account)
        }
    }

    /// What the schedule says of its cycle, and what froze, paused or cancelled the subscription until then.
    private func readSchedule(
        of subscription: Subscription, into facts: inout ExplanationFacts, in store: any Store
    ) throws {
        let (it, account) = (transaction.facts, transaction.accountID)
        let isEnrollment = it.type == .serviceFee && it.sourceID == nil && it.adjustmentID == nil
        guard it.cycleNumber != nil || it.adjustmentID != nil || isEnrollment else { return }
        let all = try store.adjustments(of: subscription.id, account: account, Page(limit: 1000)).items
        if let place = all.firstIndex(where: { $0.id.rawValue == it.adjustmentID }) {
            facts.adjustment = all[place]
            if it.type.isFee, all[place].creatorCode != RunBilling.actor,
                let actor = try store.actor(ofAdjustment: place, of: subscription.id, account: account)
            {
                facts.origin.request = (actor, all[place].kind == .freeze ? "freeze" : "cancel")
            }
        }
        let billed = try store.billedCycles(
            of: subscription.id, before: it.cycleNumber ?? Int(Int32.max), account: account)
        let past = CoursePast(subscription, all)
        if isEnrollment, let first = billed.min() {
            facts.charge = past.charge(of: first, in: transaction, under: facts.account)
        }
        guard let cycle = it.cycleNumber else { return }
        facts.charge = past.charge(of: cycle, in: transaction, under: facts.account)
        facts.skips = past.skips(before: cycle, besides: billed, under: facts.account)
        if it.adjustmentID == nil { facts.paymentNumber = billed.count + 1 }
    }
}

/// A subscription as it was, put together from all the adjustments that it ever had. The schedule is asked, as by the run.
struct CoursePast {
    private let subscription: Subscription
    private let adjustments: [SubscriptionAdjustment]

    init(_ subscription: Subscription, _ adjustments: [SubscriptionAdjustment]) {
        self.subscription = subscription
        self.adjustments = adjustments
    }

    /// What the schedule made of a cycle when this transaction was made: by the adjustments that were known by then, the
    /// freeze that it names as it was before anybody ended it.
    func charge(of cycle: Int, in transaction: Transaction, under policy: MerchantAccount) -> Charge? {
        let known = adjustments.compactMap { adjustment -> SubscriptionAdjustment? in
            var adjustment = adjustment
            if adjustment.id.rawValue == transaction.facts.adjustmentID {
                adjustment = asAsked(adjustment)
            } else if adjustment.state == .withdrawn || adjustment.createDate >= transaction.createDate {
                return nil
            }
            adjustment.state = .effective
            return adjustment
        }
        return Schedule.charge(of: cycle, in: course(known), under: policy)
    }

    /// A freeze as it was before anybody ended it: to the last of the billing dates that it was to skip.
    private func asAsked(_ adjustment: SubscriptionAdjustment) -> SubscriptionAdjustment {
        let terms = subscription.terms
        var adjustment = adjustment
        adjustment.state = .effective
        let first = terms.cycle.firstNumber(onOrAfter: adjustment.effectiveDate, from: terms.firstBillingDate)
        adjustment.endDate = adjustment.length.map {
            terms.cycle.date(of: first + $0 - 1, from: terms.firstBillingDate)
        }
        return adjustment
    }

    /// The freezes and pauses that kept cycles before this one from being payments. A freeze that was taken back did so where its
    /// fee had been invoiced ahead.
    func skips(before cycle: Int, besides billed: Set<Int>, under policy: MerchantAccount)
        -> [ExplanationFacts.Skip]
    {
        let held = adjustments.filter { $0.kind != .cancellation && $0.state != .withdrawn }
            .map { adjustment in
                var adjustment = adjustment
                adjustment.state = .effective
                return adjustment
            }
        let past = held + adjustments.filter { $0.kind == .freeze && $0.state == .withdrawn }.map(asAsked)
        guard !past.isEmpty else { return [] }
        var skips: [ExplanationFacts.Skip] = []
        for number in 1..<cycle where !billed.contains(number) {
            guard let id = Schedule.charge(of: number, in: course(past), under: policy)?.adjustmentID,
                let cause = past.first(where: { $0.id == id })
            else { continue }
            if let last = skips.last, last.adjustment.id == id {
                skips[skips.count - 1].last = number
            } else {
                skips.append(ExplanationFacts.Skip(adjustment: cause, first: number, last: number))
            }
        }
        return skips
    }

    private func course(_ adjustments: [SubscriptionAdjustment]) -> SubscriptionCourse {
        SubscriptionCourse(
            terms: subscription.terms, progress: subscription.progress, adjustments: adjustments)
    }
}
