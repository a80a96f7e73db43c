/// Tells why a transaction has its amount and date (spec 1.5 ~explain).
public struct ExplainTransaction {
    let transaction: Transaction

    /// Explains this transaction.
    public init(_ transaction: Transaction) {
        self.transaction = transaction
    }

    /// Reads what is stored and explains it; changes nothing.
    public func execute(in store: any Store) throws -> Explanation {
        let account = transaction.accountID
        let customer = transaction.customerID
        guard let state = try store.account(account) else {
            throw Refusal(.notFound, "there is no merchant account \(account)")
        }
        var facts = ExplanationFacts(transaction: transaction, account: state.account)
        facts.subscription = try transaction.facts.subscriptionID.flatMap {
            try store.subscription(of: customer, account: account, .id($0.rawValue))
        }
        if transaction.facts.attemptID != nil {
            facts.attempt = try store.explainedAttempt(transaction.id, account: account)
        }
        facts.actor = try store.actor(of: transaction.id, account: account)
        if let subscription = facts.subscription {
            try readAdjustments(of: subscription, into: &facts, in: store)
        }
        if let source = transaction.facts.sourceID {
            facts.source = try store.transaction(of: customer, account: account, .id(source.rawValue))
            facts.givenBefore = try store.givenBack(of: source, before: transaction.id, account: account)
            // What the rules charge for something was caused by whoever caused that.
            if facts.actor == nil, transaction.facts.type.isFee {
                facts.actor = try store.actor(of: source, account: account)
            }
        }
        facts.allocations =
            try store.allocations(
                of: transaction.id, account: account, Page(offset: 0, limit: 100, after: nil)
            ).items
        return Explaining(facts).explain()
    }

    /// Reads what froze, paused or cancelled the subscription until then, and with it made or moved this transaction.
    private func readAdjustments(
        of subscription: Subscription, into facts: inout ExplanationFacts, in store: any Store
    ) throws {
        let (it, account) = (transaction.facts, transaction.accountID)
        guard it.cycleNumber != nil || it.adjustmentID != nil else { return }
        let all = try store.adjustments(of: subscription.id, account: account, Page(limit: 1000)).items
        if let place = all.firstIndex(where: { $0.id.rawValue == it.adjustmentID }) {
            facts.adjustment = all[place]
            if it.type.isFee, all[place].creatorCode != RunBilling.actor {
                facts.actor = try store.actor(
                    ofAdjustment: place, of: subscription.id, account: account)
            }
        }
        let before = all.filter { adjustment in
            adjustment.kind != .cancellation && adjustment.state != .withdrawn
                && adjustment.effectiveDate <= it.dueDate
        }
        guard let cycle = it.cycleNumber, !before.isEmpty else { return }
        let billed = try store.billedCycles(of: subscription.id, before: cycle, account: account)
        let terms = subscription.terms
        facts.skips = before.compactMap { adjustment in
            var number = terms.cycle.firstNumber(
                onOrAfter: adjustment.effectiveDate, from: terms.firstBillingDate)
            var skip: ExplanationFacts.Skip?
            while number < cycle,
                adjustment.covers(terms.cycle.date(of: number, from: terms.firstBillingDate))
            {
                if !billed.contains(number) {
                    skip = ExplanationFacts.Skip(
                        adjustment: adjustment, first: skip?.first ?? number, last: number)
                }
                number += 1
            }
            return skip
        }
        if !facts.skips.isEmpty, it.adjustmentID == nil { facts.paymentNumber = billed.count + 1 }
    }
}
