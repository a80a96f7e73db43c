import Domain

extension MemoryStore {
    func dueCollections(account: Int64, through date: CalendarDate, limit: Int) throws -> [DueCollection] {
        try call()
        let due = state.collections.rows.filter { isDue($0, through: date) }
            .sorted {
                ($0.collectOn ?? .latest, $0.invoiceID.rawValue)
                    < ($1.collectOn ?? .latest, $1.invoiceID.rawValue)
            }
        return due.prefix(limit).compactMap { collection in
            guard let invoice = state.transactions[collection.invoiceID.rawValue],
                let customer = state.customers[collection.customerID.rawValue]
            else { return nil }
            return DueCollection(
                collection: collection, left: invoice.balance, invoiceDueDate: invoice.facts.dueDate,
                customerBalance: customer.balance, customerStatus: customer.status,
                option: option(for: collection))
        }
    }

    private func isDue(_ collection: InvoiceCollection, through date: CalendarDate) -> Bool {
        guard collection.state == .due, let day = collection.collectOn, day <= date,
            state.customers[collection.customerID.rawValue]?.status != .inactive
        else { return false }
        if let id = collection.subscriptionID, state.subscriptions[id.rawValue]?.asideReason != nil {
            return false
        }
        let underWay = underWay(of: collection.customerID)
        let mayPay = underWay.contains { facts in
            facts.invoiceID == nil || facts.invoiceID == collection.invoiceID
                || facts.namedIDs.contains(collection.invoiceID)
                || facts.subscriptionID != nil && facts.subscriptionID == collection.subscriptionID
                    && facts.creatorCode != RunBilling.actor
        }
        let balance = state.customers[collection.customerID.rawValue]?.balance ?? .zero
        let isPaid = state.transactions[collection.invoiceID.rawValue].map { $0.balance == .zero } ?? true
        return !mayPay && (isPaid || balance > underWay.reduce(.zero) { $0 + $1.amount })
    }

    /// The open attempts that may bring money of this customer.
    private func underWay(of customer: Identifier<Customer>) -> [NewAttempt] {
        state.attempts.rows.map { ($0.outcome, $0.facts) }.filter { outcome, facts in
            outcome == .open && facts.customerID == customer && facts.kind.isCollecting
        }.map(\.1)
    }

    private func option(for collection: InvoiceCollection) -> PaymentOption? {
        let named = collection.subscriptionID.flatMap {
            state.subscriptions[$0.rawValue]?.subscription.paymentOptionID
        }
        let own = state.options.rows.map(\.option).filter { $0.customerID == collection.customerID }
        if let option = own.first(where: { $0.id == named && $0.particulars.isActive }) { return option }
        return own.first { $0.particulars.isDefault } ?? own.first { $0.id == named }
    }

    func stillWanted(
        _ transactions: [Identifier<Transaction>], account: Int64
    ) throws -> Set<Identifier<Transaction>> {
        try call()
        return Set(
            transactions.filter { id in
                guard let row = state.attempts[id.rawValue], row.outcome == .open,
                    let customer = state.customers[row.facts.customerID.rawValue],
                    let option = row.facts.paymentOptionID.flatMap({ state.options[$0.rawValue] }),
                    customer.status != .inactive, option.option.particulars.isActive
                else { return false }
                let isByRun = row.facts.creatorCode == RunBilling.actor
                let together = underWay(of: row.facts.customerID).reduce(Money.zero) { $0 + $1.amount }
                if isByRun, customer.balance < together { return false }
                guard row.facts.invoiceID != nil else { return true }
                let owed = row.facts.debts.reduce(Money.zero) {
                    $0 + (state.transactions[$1.rawValue]?.balance ?? .zero)
                }
                return owed >= (isByRun ? row.facts.amount : Money(1))
            })
    }

    func attemptsToLookUp(account: Int64, limit: Int, early: Bool) throws -> [OpenAttempt] {
        try call()
        let now = world.time
        let due = state.attempts.rows.filter {
            $0.outcome == .open && (isDue($0) || early && isFree($0))
        }.sorted {
            ($0.nextLookUp, $0.facts.transactionID.rawValue) < (
                $1.nextLookUp, $1.facts.transactionID.rawValue
            )
        }
        for row in due.prefix(limit) {
            state.attempts.change(row.facts.transactionID.rawValue) {
                $0.nextLookUp = now + Int64(min(600, 30 << min($0.lookUps, 10)))
                $0.lookUps += 1
            }
        }
        return due.prefix(limit).map { openAttempt($0) }
    }

    func hasWork(account: Int64, all: Bool) throws -> Bool {
        try call()
        let now = world.time
        guard let found = try self.account(account) else { return false }
        let today = found.moment.businessDate
        if state.subscriptions.rows.contains(where: { $0.asideReason != nil && (all || $0.asideUntil <= now) }
        )
            || state.attempts.rows.contains(where: { $0.outcome == .open && isDue($0) })
            || state.collections.rows.contains(where: { isDue($0, through: today) })
        {
            return true
        }
        let ahead = today.adding(days: found.account.invoiceLeadDays)
        return try !dueAdjustments(account: account, through: today, limit: 1).isEmpty
            || !dueSubscriptions(account: account, through: ahead, limit: 1).isEmpty
    }

    func hasOpenAttempts(account: Int64) throws -> Bool {
        try call()
        return state.attempts.rows.contains { $0.outcome == .open }
    }

    func attemptsInHand(account: Int64) throws -> Set<Identifier<Transaction>> {
        try call()
        return Set(
            state.attempts.rows.filter { $0.outcome == .open && !isDue($0) && !isFree($0) }
                .map(\.facts.transactionID))
    }

    private func isDue(_ attempt: AttemptState) -> Bool {
        attempt.nextLookUp <= world.time || attempt.nextLookUp > world.time + 660
    }

    /// Whether nobody is on the way to the processor with it.
    private func isFree(_ attempt: AttemptState) -> Bool {
        attempt.lookUps >= attempt.sendings
            || state.transactions[attempt.facts.transactionID.rawValue]?.status == .pending
    }

    func noteSending(
        _ transactions: [Identifier<Transaction>], account: Int64
    ) throws -> Set<Identifier<Transaction>> {
        try call()
        let open = transactions.filter { state.attempts[$0.rawValue]?.outcome == .open }
        for id in open {
            state.attempts.change(id.rawValue) {
                $0.sendings += 1
                $0.nextLookUp = world.time + Int64(UnknownOutcome.windowOfDoubt)
            }
        }
        return Set(open)
    }

    func partlyCollected(
        _ invoices: [Identifier<Transaction>], account: Int64
    ) throws -> Set<Identifier<Transaction>> {
        try call()
        let wanted = Set(invoices)
        return Set(
            state.allocations.rows.compactMap { row in
                guard !row.isEnded, let facts = state.attempts[row.source]?.facts,
                    facts.creatorCode == RunBilling.actor, let invoice = facts.invoiceID,
                    invoice.rawValue == row.target, wanted.contains(invoice)
                else { return nil }
                return invoice
            })
    }

    func lockOpenAttempts(
        _ transactions: [Identifier<Transaction>], account: Int64
    ) throws -> [OpenAttempt] {
        try call()
        return Set(transactions).sorted().compactMap { id in
            state.attempts[id.rawValue].flatMap { $0.outcome == .open ? openAttempt($0) : nil }
        }
    }

    func collections(of invoices: [Identifier<Transaction>], account: Int64) throws -> [InvoiceCollection] {
        try call()
        return Set(invoices).sorted().compactMap { state.collections[$0.rawValue] }
    }

    func counts(account: Int64, since transaction: Int64) throws -> AdvanceCounts {
        try call()
        var counts = AdvanceCounts()
        for row in state.transactions.rows where row.id.rawValue > transaction {
            let counted = row.status == .final || row.status == .reversed
            switch row.facts.type {
            case .invoice: counts.invoices += row.facts.cycleNumber == nil ? 0 : 1
            case .payment, .claim:
                guard row.facts.attemptID != nil, counted else { continue }
                counts.payments += 1
                counts.amountCollected = counts.amountCollected + row.facts.amount
            case .decline: counts.declines += 1
            case .serviceFee, .lateFee: counts.fees += 1
            default: break
            }
        }
        return counts
    }

    func lastTransactionID() throws -> Int64 {
        try call()
        return world.last(.transactions)
    }

    // MARK: Once in a while

    func takeNoticeRound(account: Int64, on date: CalendarDate) throws -> Bool {
        try call()
        guard !state.attempts.rows.isEmpty else { return false }
        let now = world.time
        let isTime = state.nextNotices.map { !(now...(now + 300)).contains($0) } ?? true
        guard state.noticesThrough != date || isTime else { return false }
        state.noticesThrough = date
        state.nextNotices = now + 300
        return true
    }

    func noticedAttempt(_ transaction: Identifier<Transaction>, account: Int64) throws -> NoticedAttempt? {
        try call()
        return state.attempts[transaction.rawValue].map { row in
            NoticedAttempt(
                transactionID: row.facts.transactionID, customerID: row.facts.customerID,
                isOpen: row.outcome == .open, invoiceID: row.facts.invoiceID,
                paymentOptionID: row.facts.paymentOptionID,
                isByRun: row.facts.creatorCode == RunBilling.actor
                    && row.facts.invoiceID.map { state.collections[$0.rawValue] != nil } ?? false)
        }
    }

    func hasNotice(_ id: Int64, of processor: String, account: Int64) throws -> Bool {
        try call()
        return state.notices[id] != nil
    }

    func insert(_ notice: TakenNotice, account: Int64, at moment: Moment) throws {
        try call()
        guard state.notices[notice.notice.id] == nil else {
            throw DatabaseRefused(constraint: "processor_notices_key", detail: "\(notice.notice.id)")
        }
        state.notices[notice.notice.id] = notice
    }

    func agedSoFar(account: Int64, on date: CalendarDate) throws -> Int64? {
        try call()
        if state.ageingThrough == date, state.ageingAfter == 0 { return nil }
        return state.ageingDate == date ? state.ageingAfter : 0
    }

    func noteAged(account: Int64, upTo customer: Int64?, on date: CalendarDate) throws {
        try call()
        state.ageingAfter = customer == nil || state.ageingThrough == date ? 0 : customer ?? 0
        state.ageingDate = date
        if customer == nil { state.ageingThrough = date }
    }

    func customersWithAgedInvoices(
        account: Int64, due: CalendarDate, after customer: Int64, limit: Int
    ) throws -> [Identifier<Customer>] {
        try call()
        return Array(
            state.customers.rows.filter { row in
                row.id.rawValue > customer && row.status != .inactive
                    && state.transactions.rows.contains {
                        $0.customerID == row.id && $0.balance > .zero && $0.facts.type == .invoice
                            && $0.facts.dueDate <= due
                    }
            }.map(\.id).prefix(limit))
    }

    func agedInvoices(
        of customers: [Identifier<Customer>], account: Int64, due: CalendarDate
    ) throws -> [AgedInvoice] {
        try call()
        let wanted = Set(customers)
        let open = Set(state.attempts.rows.filter { $0.outcome == .open }.compactMap(\.facts.invoiceID))
        return state.transactions.rows.filter {
            wanted.contains($0.customerID) && $0.balance > .zero && $0.facts.type == .invoice
                && $0.facts.dueDate <= due && !open.contains($0.id)
        }.sorted {
            ($0.customerID, $0.facts.dueDate, $0.id.rawValue) < (
                $1.customerID, $1.facts.dueDate, $1.id.rawValue
            )
        }.map { row in
            func has(_ type: TransactionType) -> Bool {
                state.transactions.rows.contains { $0.facts.sourceID == row.id && $0.facts.type == type }
            }
            return AgedInvoice(
                id: row.id, customerID: row.customerID, subscriptionID: row.facts.subscriptionID,
                dueDate: row.facts.dueDate, hasLateFee: has(.lateFee), wasWrittenOff: has(.writeOff))
        }
    }
}

extension NewAttempt.Kind {
    /// Whether it brings money.
    var isCollecting: Bool { self == .payment || self == .claim }
}
