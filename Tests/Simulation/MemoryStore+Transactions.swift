import Domain

extension MemoryStore {
    func transaction(
        of customer: Identifier<Customer>, account: Int64, _ reference: Reference
    ) throws -> Transaction? {
        try call()
        let found: Transaction?
        switch reference {
        case .id(let id): found = state.transactions[id]
        case .code(let code):
            found =
                state.codes[code].flatMap { state.transactions[$0] }
                ?? Int64(code).flatMap { state.transactions[$0] }
        }
        guard var transaction = found, transaction.customerID == customer else { return nil }
        transaction.processing = processing(of: transaction)
        return transaction
    }

    private func processing(of transaction: Transaction) -> ProcessingOutcome? {
        guard let id = transaction.facts.attemptID, let row = state.attempts[id] else { return nil }
        var outcome = ProcessingOutcome(
            id: id, createDate: transaction.createDate, holderName: row.facts.holderName,
            accountMask: row.facts.accountMask, accessoryShown: row.facts.accessoryShown,
            attemptNumber: row.facts.number)
        outcome.token = row.facts.token
        outcome.responseCode = row.response?.code
        outcome.responseMessage = row.response?.message
        outcome.approvalCode = row.response?.approvalCode
        outcome.nextAttemptDate = row.nextAttemptDate
        if let date = row.response?.date {
            let seconds = date.microsecondsSince1970 / 1_000_000
            outcome.responseDate = LocalDateTime(
                date: CalendarDate(daysSince1970: Int32(seconds / 86_400)),
                secondOfDay: Int32(seconds % 86_400))
        }
        return outcome
    }

    func transactions(
        of customer: Identifier<Customer>, account: Int64, _ filter: TransactionFilter, _ page: Page
    ) throws -> Found<Transaction> {
        try call()
        return Found(state.transactions.rows.filter { $0.customerID == customer }, page: page)
    }

    func transactions(_ filter: TransactionFilter, _ page: Page) throws -> Found<Transaction> {
        try call()
        return Found(state.transactions.rows, page: page)
    }

    func allocations(
        of transaction: Identifier<Transaction>, account: Int64, _ page: Page
    ) throws -> Found<Allocation> {
        try call()
        let id = transaction.rawValue
        return Found(
            state.allocations.rows.filter { $0.source == id || $0.target == id }.compactMap { row in
                guard let source = state.transactions[row.source], let target = state.transactions[row.target]
                else { return nil }
                return Allocation(
                    id: row.id, createDate: source.createDate, sourceID: source.id,
                    sourceType: source.facts.type, targetID: target.id, targetType: target.facts.type,
                    amount: row.amount, endDate: row.isEnded ? state.moment.local : nil)
            }, page: page)
    }

    func reserveTransactionIDs(_ count: Int) throws -> [Identifier<Transaction>] {
        try call()
        return (0..<count).map { _ in Identifier(world.next(.transactions)) }
    }

    func openItems(of customers: [Identifier<Customer>], account: Int64) throws -> [OpenItem] {
        try call()
        let wanted = Set(customers)
        return state.transactions.rows.filter { $0.balance > .zero && wanted.contains($0.customerID) }
            .map { transaction in
                var item = item(transaction)
                item.left = transaction.balance
                return item
            }
    }

    func creditedItems(of customers: [Identifier<Customer>], account: Int64) throws -> [OpenItem] {
        let items = try openItems(of: customers, account: account)
        let credited = Set(items.filter { !$0.type.isDebt }.map(\.customerID))
        return items.filter { credited.contains($0.customerID) }
    }

    /// A transaction as balancing sees it, with nothing left.
    private func item(_ transaction: Transaction) -> OpenItem {
        let isDebt = transaction.facts.type.isDebt
        let own = isDebt || transaction.facts.creatorCode != RunBilling.actor
        var item = OpenItem(
            id: transaction.id, customerID: transaction.customerID, type: transaction.facts.type,
            dueDate: transaction.facts.dueDate, left: .zero,
            subscriptionID: own ? transaction.facts.subscriptionID : nil)
        let isPayment = transaction.facts.type == .payment || transaction.facts.type == .claim
        if isPayment, transaction.facts.accountType != .writeOff,
            isFirstBillToCome(of: transaction.facts.subscriptionID)
        {
            item.heldFor = item.subscriptionID
        }
        return item
    }

    /// Whether a subscription was never billed and may still be (`FirstBill.isToCome`).
    private func isFirstBillToCome(of subscription: Identifier<Subscription>?) -> Bool {
        guard let progress = subscription.flatMap({ state.subscriptions[$0.rawValue] })?.subscription.progress
        else { return false }
        return progress.lastBillingDate == nil && progress.status != .cancelled && progress.status != .expired
    }

    func openAttempts(of customers: [Identifier<Customer>], account: Int64) throws -> [OpenAttempt] {
        try call()
        let wanted = Set(customers)
        return state.attempts.rows.filter { $0.outcome == .open && wanted.contains($0.facts.customerID) }
            .map { openAttempt($0) }
    }

    /// An attempt as the rules see it.
    func openAttempt(_ row: AttemptState) -> OpenAttempt {
        let id = row.facts.transactionID.rawValue
        var facts = row.facts
        facts.openAmounts = []
        facts.owed = nil
        var attempt = OpenAttempt(
            id: id, facts: facts, businessDate: row.businessDate,
            isShownPending: state.transactions[id]?.status == .pending)
        attempt.sendings = row.sendings
        if isFirstBillToCome(of: row.facts.subscriptionID) { attempt.heldFor = row.facts.subscriptionID }
        return attempt
    }

    func unclaimedSigningPayment(
        of subscription: Identifier<Subscription>, account: Int64, on date: CalendarDate
    ) throws -> (id: Identifier<Transaction>, amount: Money, invoiced: Money)? {
        try call()
        let first = state.transactions.rows.first {
            $0.facts.type == .invoice && $0.facts.subscriptionID == subscription && $0.facts.cycleNumber == 1
                && $0.facts.dueDate == date
        }
        guard let first else { return nil }
        for row in state.attempts.rows
        where row.facts.invoiceID == first.id && row.facts.subscriptionID == subscription
            && row.facts.creatorCode == RunBilling.actor
        {
            let id = row.facts.transactionID
            guard let paid = state.transactions[id.rawValue], paid.status == .final,
                paid.facts.type == .payment || paid.facts.type == .claim,
                state.signing[id.rawValue] == nil
            else { continue }
            return (id, paid.facts.amount, first.facts.amount)
        }
        return nil
    }

    func claimSigningPayment(_ id: Identifier<Transaction>, account: Int64) throws {
        try call()
        guard state.signing[id.rawValue] == nil else {
            throw DatabaseRefused(constraint: "signing_payments_key", detail: "\(id)")
        }
        state.signing[id.rawValue] = true
    }

    // MARK: Undoing

    func reversalSources(_ ids: [Identifier<Transaction>], account: Int64) throws -> [ReversalSource] {
        try call()
        return Set(ids).sorted().compactMap { id in
            guard let transaction = state.transactions[id.rawValue] else { return nil }
            var source = ReversalSource(id: id, facts: transaction.facts, status: transaction.status)
            source.facts.creatorCode = nil
            for other in state.transactions.rows where other.facts.sourceID == id && other.status == .final {
                switch other.facts.type {
                case .refund:
                    source.refunded = source.refunded + other.facts.amount
                    source.refundedTax = source.refundedTax + other.facts.taxAmount
                    source.refunds.append(other.id)
                case .creditReversal: source.refunds.append(other.id)
                case .void, .decline: source.takenBack = source.takenBack + other.facts.amount
                case .chargeback: source.chargedBack = source.chargedBack + other.facts.amount
                default: break
                }
            }
            for row in state.allocations.rows where row.source == id.rawValue && !row.isEnded {
                guard let target = state.transactions[row.target], target.facts.type == .refund,
                    target.facts.sourceID == nil, transaction.facts.maybePaidOut
                else { continue }
                source.paidOut = source.paidOut + row.amount
            }
            source.lines = state.lines[id.rawValue] ?? []
            return source
        }
    }

    func serviceFee(for cause: Identifier<Transaction>, account: Int64) throws -> Identifier<Transaction>? {
        try call()
        return state.transactions.rows.first {
            $0.facts.sourceID == cause && $0.facts.type == .serviceFee
        }?.id
    }

    func livingAllocations(of ids: [Identifier<Transaction>], account: Int64) throws -> [LivingAllocation] {
        try call()
        let wanted = Set(ids.map(\.rawValue))
        return state.allocations.rows.compactMap { row in
            guard !row.isEnded, wanted.contains(row.source) || wanted.contains(row.target),
                let source = state.transactions[row.source], let target = state.transactions[row.target]
            else { return nil }
            let givesBack: Bool =
                switch target.facts.type {
                case .refund where target.facts.sourceID == nil: source.facts.maybePaidOut
                case .refund, .void, .decline, .chargeback: target.facts.sourceID == source.id
                default: false
                }
            return LivingAllocation(
                id: row.id, source: item(source), target: item(target), amount: row.amount,
                givesBack: givesBack)
        }
    }
}

extension TransactionFacts {
    /// Whether a refund that names no payment may pay out its credit.
    var maybePaidOut: Bool {
        (type == .payment || type == .claim || type == .credit) && accountType != .allowance
            && accountType != .writeOff
    }
}
