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
    }

    /// - Returns: how many attempts were settled.
    @discardableResult
    func execute(in store: any Store) throws -> Int {
        let attempts = try store.lockOpenAttempts(answers.keys.sorted(), account: account.id)
        guard !attempts.isEmpty else { return 0 }
        let customers = Array(Set(attempts.map(\.facts.customerID))).sorted()
        let open = try store.openItems(of: customers, account: account.id)
        let invoices = attempts.compactMap(\.facts.invoiceID)
        var collections: [Identifier<Transaction>: InvoiceCollection] = [:]
        if !invoices.isEmpty {
            for collection in try store.collections(of: invoices, account: account.id) {
                collections[collection.invoiceID] = collection
            }
        }

        var changes = BookChanges(accountID: account.id, processor: account.processor, moment: moment)
        var credits = open.filter { !$0.type.isDebt }
        let debts = open.filter(\.type.isDebt)
        var paying: Set<Identifier<Customer>> = []
        var collected: [(collection: InvoiceCollection, isPartial: Bool)] = []
        var settled = 0
        for attempt in attempts {
            guard let answer = answers[attempt.facts.transactionID] else { continue }
            switch answer {
            case .abandoned(let reason):
                settled += 1
                changes.abandon(
                    attempt, reason: reason, collection: attempt.facts.invoiceID.flatMap { collections[$0] })
            case .answer(.unknown):
                if !attempt.isShownPending { changes.showPending(attempt) }
            case .answer(.answered(let response)):
                settled += 1
                let collection = attempt.facts.invoiceID.flatMap { collections[$0] }
                if case .approved = ResponseKind(code: response.code), response.approvedAmount > .zero {
                    credits.append(changes.settle(attempt, approved: response))
                    paying.insert(attempt.facts.customerID)
                    if let collection {
                        collected.append((collection, response.approvedAmount < attempt.facts.amount))
                    }
                } else {
                    changes.settle(attempt, declined: response, collection: collection, policy: account)
                }
            }
        }
        for customer in paying.sorted() {
            changes.allocations += Balancing.allocate(
                debts: debts.filter { $0.customerID == customer },
                credits: credits.filter { $0.customerID == customer }, by: account.balancingAlgorithm)
        }
        let left = changes.leftAfterAllocations(of: debts)
        for (collection, isPartial) in collected {
            var collection = collection
            collection.approve(
                isPartial: isPartial, left: left[collection.invoiceID] ?? .zero, on: moment.businessDate)
            changes.collections.append(collection)
        }
        try store.write(changes)
        return settled
    }
}

extension BookChanges {
    /// What the allocations of these changes leave open of each debt.
    func leftAfterAllocations(of debts: [OpenItem]) -> [Identifier<Transaction>: Money] {
        var left = Dictionary(uniqueKeysWithValues: debts.map { ($0.id, $0.left) })
        for allocation in allocations { left[allocation.targetID]? -= allocation.amount }
        return left
    }

    /// The attempt's transaction, visible while its outcome is not known.
    mutating func showPending(_ attempt: OpenAttempt) {
        add(
            attempt.facts.transactionID, of: attempt.facts.customerID,
            facts(of: attempt, type: attempt.facts.kind == .claim ? .claim : .payment), status: .pending)
    }

    /// The payment or claim that was approved, whole or in part; the credit it makes.
    mutating func settle(_ attempt: OpenAttempt, approved response: ProcessorResponse) -> OpenItem {
        var facts = facts(of: attempt, type: attempt.facts.kind == .claim ? .claim : .payment)
        facts.amount = min(response.approvedAmount, facts.amount)
        facts.taxAmount = min(facts.taxAmount, facts.amount)
        add(
            attempt.facts.transactionID, of: attempt.facts.customerID, facts,
            settlesPending: attempt.isShownPending)
        settlements.append(Settlement(attemptID: attempt.id, outcome: .approved(response)))
        var credit = OpenItem(
            id: attempt.facts.transactionID, customerID: attempt.facts.customerID, type: facts.type,
            dueDate: facts.dueDate, left: facts.amount, subscriptionID: facts.subscriptionID)
        credit.first = (attempt.facts.invoiceID.map { [$0] } ?? []) + attempt.facts.feeIDs
        credit.heldFor = attempt.heldFor
        return credit
    }

    /// The record of a decline, and when the run tries again (spec 5.5).
    mutating func settle(
        _ attempt: OpenAttempt, declined response: ProcessorResponse, collection: InvoiceCollection?,
        policy: MerchantAccount
    ) {
        var facts = facts(of: attempt, type: .decline)
        facts.sourceID = attempt.facts.invoiceID
        facts.invoiceList = nil
        add(
            attempt.facts.transactionID, of: attempt.facts.customerID, facts, status: .declined,
            settlesPending: attempt.isShownPending)
        let isHard = if case .hardDecline = ResponseKind(code: response.code) { true } else { false }
        var settlement = Settlement(attemptID: attempt.id, outcome: .declined(response))
        if var collection {
            collection.decline(isHard: isHard, on: moment.businessDate, retryDays: policy.retryDays)
            settlement.nextAttemptDate = collection.collectOn
            collections.append(collection)
        }
        settlements.append(settlement)
        if let option = attempt.facts.paymentOptionID {
            declinedOptions.append((option, response.code, isHard))
        }
    }

    /// The record of an attempt that came to nothing; the run looks at its invoice again.
    mutating func abandon(_ attempt: OpenAttempt, reason: String, collection: InvoiceCollection?) {
        var facts = facts(of: attempt, type: .decline)
        facts.sourceID = attempt.facts.invoiceID
        facts.invoiceList = nil
        add(
            attempt.facts.transactionID, of: attempt.facts.customerID, facts, status: .declined,
            settlesPending: attempt.isShownPending)
        settlements.append(Settlement(attemptID: attempt.id, outcome: .abandoned(reason: reason)))
        if var collection, collection.state == .open {
            collection.state = .due
            collection.collectOn = moment.businessDate
            collections.append(collection)
        }
    }

    private func facts(of attempt: OpenAttempt, type: TransactionType) -> TransactionFacts {
        let asked = attempt.facts
        var facts = TransactionFacts(type: type, amount: asked.amount, dueDate: asked.dueDate)
        facts.code = asked.code
        facts.accountType = asked.accountType
        facts.accountMask = asked.accountMask
        facts.taxAmount = asked.taxAmount
        facts.subscriptionID = asked.subscriptionID
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

    /// Money came for the run's own attempt: it was the last one. Where the attempt was cut because the customer owed less
    /// than the invoice (credit held for another subscription), the rest stays due; after a partial approval the
    /// rest is left to a person. A payment that a caller made leaves the collecting as it stands.
    mutating func approve(isPartial: Bool, left: Money, on date: CalendarDate) {
        guard state == .open else { return }
        close()
        if !isPartial, left > .zero {
            state = .due
            collectOn = date
        }
    }

    /// A declined try: a soft one is tried again as long as the list of days goes, a hard one waits for another option.
    ///
    /// ```
    /// retryDays 3,5,7    try      retry 1       retry 2           retry 3    closed
    ///                     │── 3 ───│──── 5 ──────│────── 7 ────────│
    /// ```
    /// Only what the run tried itself moves: a declined try of a caller leaves the collecting as it stands.
    mutating func decline(isHard: Bool, on date: CalendarDate, retryDays: [Int]) {
        guard state == .open else { return }
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
    }
}
