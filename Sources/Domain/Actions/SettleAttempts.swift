/// Commits what the processor answered: payments, declines, allocations and ledger entries (spec 5.2 step 5, 5.6).
///
/// The one place where an attempt ends, whoever opened it: a caller's ~process, the billing run, or the recovery of
/// an unknown outcome. An attempt that somebody else has settled meanwhile is left as it is.
struct SettleAttempts {
    let account: MerchantAccount
    let moment: Moment
    /// What is known, by the transaction that the attempt becomes.
    let answers: [Identifier<Transaction>: Known]

    /// What is known of an attempt.
    enum Known {
        /// What the processor said, or that it said nothing.
        case answer(ProcessorAnswer)
        /// The processor never received it, and it is not to be sent again.
        case abandoned(reason: String)
        /// The processor never received it, however often it was sent: it is given up, and counts as a failed try.
        case undelivered(reason: String)
    }

    /// - Returns: how many attempts were settled.
    @discardableResult
    func execute(in store: any Store) throws -> Int {
        let attempts = try store.lockOpenAttempts(answers.keys.sorted(), account: account.id)
        guard !attempts.isEmpty else { return 0 }
        let customers = Array(Set(attempts.map(\.facts.customerID))).sorted()
        var settling = Settling(
            account: account,
            changes: BookChanges(under: account, at: moment),
            balances: Balances(try store.openItems(of: customers, account: account.id)))
        let invoices = attempts.compactMap(\.facts.invoiceID)
        if !invoices.isEmpty {
            for collection in try store.collections(of: invoices, account: account.id) {
                settling.collections[collection.invoiceID] = collection
            }
        }
        let sources = attempts.compactMap(\.facts.sourceID)
        if !sources.isEmpty {
            for source in try store.reversalSources(sources, account: account.id) {
                settling.sources[source.id] = source
            }
            settling.living = try store.livingAllocations(of: sources, account: account.id)
        }
        let tried = settling.collections.values.filter { $0.retries > 0 }.map(\.invoiceID).sorted()
        if account.retryFee > .zero, !tried.isEmpty {
            settling.begun = try store.partlyCollected(tried, account: account.id)
        }
        if account.softDeclineFee + account.hardDeclineFee + account.retryFee > .zero {
            settling.feeIDs = try store.reserveTransactionIDs(attempts.count)
        }
        var settled = 0
        for attempt in attempts {
            guard let answer = answers[attempt.facts.transactionID] else { continue }
            switch answer {
            case .abandoned(let reason):
                settled += 1
                settling.abandon(attempt, reason: reason)
            case .undelivered(let reason):
                settled += 1
                settling.giveUp(attempt, reason: reason)
            case .answer(.unknown):
                if !attempt.isShownPending { settling.changes.showPending(attempt) }
            case .answer(.answered(let response)):
                settled += 1
                settling.settle(attempt, response)
            }
        }
        settling.balances.balance(by: account.balancingAlgorithm)
        var changes = settling.finish()
        try changes.leaveToAPerson(settling.balances.reopened, in: store)
        try store.write(changes)
        try RetriesExhausted(account: account, moment: moment).execute(settling.exhausted, in: store)
        return settled
    }
}

/// What one batch of answers makes of the books. Pure: it reads nothing itself.
struct Settling {
    let account: MerchantAccount
    var changes: BookChanges
    var balances: Balances
    /// Where the collecting of the attempts' invoices stands.
    var collections: [Identifier<Transaction>: InvoiceCollection] = [:]
    /// The payments that refunds and voids give back, and the allocations of these.
    var sources: [Identifier<Transaction>: ReversalSource] = [:]
    var living: [LivingAllocation] = []
    /// Numbers for fees: one an attempt, where the account charges any.
    var feeIDs: [Identifier<Transaction>] = []
    /// Invoices of which the run has collected a part before: what comes of the rest is no retry's success.
    var begun: Set<Identifier<Transaction>> = []
    /// Invoices whose last retry failed.
    private(set) var exhausted: [InvoiceCollection] = []
    private var collected: [(collection: InvoiceCollection, isPartial: Bool)] = []

    init(account: MerchantAccount, changes: BookChanges, balances: Balances) {
        self.account = account
        self.changes = changes
        self.balances = balances
    }

    /// What the processor answered to an attempt.
    mutating func settle(_ attempt: OpenAttempt, _ response: ProcessorResponse) {
        let kind = ResponseKind(code: response.code)
        let collection = attempt.facts.invoiceID.flatMap { collections[$0] }
        if case .approved = kind, response.approvedAmount > .zero {
            if attempt.facts.kind.collects {
                balances.add(changes.settle(attempt, approved: response))
                if collection.map({ !begun.contains($0.invoiceID) }) ?? false {
                    charge(Fees.retry(collection, by: account), for: attempt)
                }
                if let collection {
                    collected.append((collection, response.approvedAmount < attempt.facts.amount))
                }
            } else {
                giveBack(attempt, response)
            }
            return
        }
        let isHard = if case .hardDecline = kind { true } else { false }
        let failed = changes.settle(
            attempt, declined: response, isHard: isHard, collection: collection, policy: account)
        if let failed, failed.isExhausted(by: account.retryDays) { exhausted.append(failed) }
        if attempt.facts.kind.collects {
            charge(Fees.decline(isHard: isHard, by: account), for: attempt)
        }
    }

    /// An attempt that the processor never received and that is not sent again.
    mutating func abandon(_ attempt: OpenAttempt, reason: String) {
        changes.abandon(
            attempt, reason: reason, collection: attempt.facts.invoiceID.flatMap { collections[$0] })
    }

    /// An attempt that never reached the processor. Nothing was charged and nothing is charged for it; the run's retries go on as
    /// after a soft decline.
    mutating func giveUp(_ attempt: OpenAttempt, reason: String) {
        let failed = changes.giveUp(
            attempt, reason: reason, collection: attempt.facts.invoiceID.flatMap { collections[$0] },
            policy: account)
        if let failed, failed.isExhausted(by: account.retryDays) { exhausted.append(failed) }
    }

    /// All changes, after the balancing.
    mutating func finish() -> BookChanges {
        changes.take(balances)
        for (collection, isPartial) in collected {
            var collection = collection
            collection.approve(
                isPartial: isPartial, left: balances.left(of: collection.invoiceID),
                on: changes.moment.businessDate)
            changes.collections.append(collection)
        }
        return changes
    }

    /// A refund or void that was carried out: it uses what is unused of its payment, then ends allocations, newest first.
    private mutating func giveBack(_ attempt: OpenAttempt, _ response: ProcessorResponse) {
        guard let sourceID = attempt.facts.sourceID, let source = sources[sourceID] else {
            preconditionFailure("a refund or void has its payment")
        }
        let debt = changes.settle(attempt, approved: response, source: source)
        balances.add(debt)
        balances.free(debt.left, of: sourceID, from: living)
        balances.use(sourceID, on: debt.id, debt.left)
        if attempt.facts.kind == .void || source.refunded + debt.left == source.facts.amount {
            changes.reversed.append(sourceID)
        }
    }

    private mutating func charge(_ fee: Money, for attempt: OpenAttempt) {
        guard fee > .zero, let id = feeIDs.popLast() else { return }
        let facts = TransactionFacts.fee(
            .serviceFee, fee, for: attempt.facts.transactionID, subscription: attempt.facts.subscriptionID,
            on: changes.moment.businessDate)
        changes.add(id, of: attempt.facts.customerID, facts)
        balances.add(OpenItem(id, of: attempt.facts.customerID, facts))
    }
}

extension BookChanges {
    /// The attempt's transaction, visible while its outcome is not known.
    mutating func showPending(_ attempt: OpenAttempt) {
        add(
            attempt.facts.transactionID, of: attempt.facts.customerID,
            facts(of: attempt, type: attempt.facts.kind.approvedType), status: .pending)
    }

    /// The movement that was approved, whole or in part; the credit or debt it makes.
    ///
    /// - Parameter source: the payment that a refund or void gives back.
    mutating func settle(
        _ attempt: OpenAttempt, approved response: ProcessorResponse, source: ReversalSource? = nil
    ) -> OpenItem {
        var facts = facts(of: attempt, type: attempt.facts.kind.approvedType)
        facts.amount = min(response.approvedAmount, facts.amount)
        facts.taxAmount = min(facts.taxAmount, facts.amount)
        add(
            attempt.facts.transactionID, of: attempt.facts.customerID, facts,
            settlesPending: attempt.isShownPending,
            lines: source.flatMap { Ledger.givingBack(facts.amount, of: $0.lines) })
        settlements.append(Settlement(attemptID: attempt.id, outcome: .approved(response)))
        var item = OpenItem(attempt.facts.transactionID, of: attempt.facts.customerID, facts)
        guard attempt.facts.kind.collects else { return item }
        item.first = attempt.facts.debts
        // What the run collected for one invoice belongs to no subscription beyond that (spec 5.4).
        if facts.creatorCode == RunBilling.actor {
            item.subscriptionID = nil
        } else {
            item.heldFor = attempt.heldFor
            // The subscription's debts are paid in the order of the algorithm, unless the caller gave another.
            if item.subscriptionID != nil, facts.invoiceList == nil { item.first = [] }
        }
        return item
    }

    /// The record of a decline, and when the run tries again (spec 5.5).
    ///
    /// - Returns: where the collecting of the invoice stands then.
    @discardableResult
    mutating func settle(
        _ attempt: OpenAttempt, declined response: ProcessorResponse, isHard: Bool,
        collection: InvoiceCollection?, policy: MerchantAccount
    ) -> InvoiceCollection? {
        noteDecline(of: attempt)
        var settlement = Settlement(attemptID: attempt.id, outcome: .declined(response))
        var failed: InvoiceCollection?
        if var collection {
            if collection.decline(isHard: isHard, on: moment.businessDate, retryDays: policy.retryDays) {
                failed = collection
                settlement.nextAttemptDate = collection.collectOn
                collections.append(collection)
            }
        }
        settlements.append(settlement)
        if attempt.facts.kind.collects, let option = attempt.facts.paymentOptionID {
            declinedOptions.append((option, response.code, isHard))
        }
        return failed
    }

    /// The record of an attempt that came to nothing; the run looks at its invoice again.
    mutating func abandon(_ attempt: OpenAttempt, reason: String, collection: InvoiceCollection?) {
        noteDecline(of: attempt)
        settlements.append(Settlement(attemptID: attempt.id, outcome: .abandoned(reason: reason)))
        if var collection, collection.state == .open {
            collection.state = .due
            collection.collectOn = moment.businessDate
            collections.append(collection)
        }
    }

    /// The record of an attempt that never reached the processor, and when the run tries again.
    ///
    /// - Returns: where the collecting of the invoice stands then.
    mutating func giveUp(
        _ attempt: OpenAttempt, reason: String, collection: InvoiceCollection?, policy: MerchantAccount
    ) -> InvoiceCollection? {
        noteDecline(of: attempt)
        var settlement = Settlement(attemptID: attempt.id, outcome: .abandoned(reason: reason))
        defer { settlements.append(settlement) }
        guard var collection,
            collection.decline(isHard: false, on: moment.businessDate, retryDays: policy.retryDays)
        else { return nil }
        settlement.nextAttemptDate = collection.collectOn
        collections.append(collection)
        return collection
    }

    private mutating func noteDecline(of attempt: OpenAttempt) {
        var facts = facts(of: attempt, type: .decline)
        facts.sourceID = attempt.facts.sourceID ?? attempt.facts.invoiceID
        facts.invoiceList = nil
        add(
            attempt.facts.transactionID, of: attempt.facts.customerID, facts, status: .declined,
            settlesPending: attempt.isShownPending)
    }

    private func facts(of attempt: OpenAttempt, type: TransactionType) -> TransactionFacts {
        let asked = attempt.facts
        var facts = TransactionFacts(type: type, amount: asked.amount, dueDate: asked.dueDate)
        facts.code = asked.code
        facts.accountType = asked.accountType
        facts.accountMask = asked.accountMask
        facts.taxAmount = asked.taxAmount
        facts.subscriptionID = asked.subscriptionID
        facts.sourceID = asked.sourceID
        facts.attemptID = attempt.id
        facts.invoiceList = asked.invoiceList
        facts.creatorCode = asked.creatorCode
        facts.note = asked.note
        return facts
    }
}

extension InvoiceCollection {
    /// Nothing more for the run to do: the money came, or a person decides (spec 5.2 step 4).
    mutating func close() {
        state = .closed
        collectOn = nil
    }

    /// Money came for the run's own attempt: it was the last one. Where the attempt was cut because the customer's balance was
    /// less than the invoice (credit waits for another subscription), the rest stays due until the balance allows it; its retries
    /// go on where they were. After a partial approval the rest is left to a person. A payment that a caller made leaves the
    /// collecting as it stands.
    mutating func approve(isPartial: Bool, left: Money, on date: CalendarDate) {
        guard state == .open else { return }
        close()
        if !isPartial, left > .zero {
            state = .due
            collectOn = date
        }
    }

    /// A try that failed: after a soft decline it is made again as long as the list of days goes, after a hard one the invoice
    /// waits for another option.
    ///
    /// ```
    /// retryDays 3,5,7    try      retry 1       retry 2           retry 3    closed
    ///                     │── 3 ───│──── 5 ──────│────── 7 ────────│
    /// ```
    /// Only what the run tried itself moves: a declined try of a caller leaves the collecting as it stands.
    ///
    /// - Returns: whether it moved.
    @discardableResult
    mutating func decline(isHard: Bool, on date: CalendarDate, retryDays: [Int]) -> Bool {
        guard state == .open else { return false }
        collectOn = nil
        if isHard {
            state = .waiting
        } else if retries < retryDays.count {
            state = .due
            collectOn = date.adding(days: retryDays[retries])
            retries += 1
        } else {
            state = .closed
        }
        return true
    }

    /// Whether its retries are used up: the last one failed.
    func isExhausted(by retryDays: [Int]) -> Bool { state == .closed && retries >= retryDays.count }
}
