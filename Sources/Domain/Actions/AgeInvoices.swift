/// Late fees and the write-off of old debt, once a business date (spec 5.2 step 7).
struct AgeInvoices {
    let account: Int64
    let books: any Books

    static let batchSize = 500

    /// Runs until all invoices of the date are looked through, or for so many batches: the next pass goes on from there.
    ///
    /// - Returns: how many fees and write-offs were made.
    func execute(batches: Int) throws -> Int {
        var made = 0
        var round = 0
        while round < batches, let count = try books.transaction(reaching: [account], { try batch(in: $0) }) {
            made += count
            round += 1
        }
        return made
    }

    /// - Returns: how much was made; nil when nothing is left to be looked through on this date.
    private func batch(in store: any Store) throws -> Int? {
        guard let state = try store.account(account) else { return nil }
        let policy = state.account
        let today = state.moment.businessDate
        guard let after = try store.agedSoFar(account: account, on: today) else { return nil }
        // Whichever comes first of what this account does with age.
        let days = [
            policy.lateFeeAmount > .zero ? policy.lateFeeGraceDays : nil,
            policy.writeOffDays > 0 ? policy.writeOffDays : nil,
        ].compactMap { $0 }.min()
        let due = days.map { today.adding(days: -$0) }
        let customers = try due.map {
            try store.customersWithAgedInvoices(
                account: account, due: $0, after: after, limit: Self.batchSize)
        }
        try store.noteAged(
            account: account, upTo: customers.flatMap(\.last)?.rawValue, on: today)
        guard let due, let customers, !customers.isEmpty else { return nil }
        let invoices = try store.agedInvoices(of: customers, account: account, due: due)
        let concerned = Array(Set(invoices.map(\.customerID))).sorted()
        var ageing = Ageing(
            state: state, balances: Balances(try store.openItems(of: concerned, account: account)))
        let ids = try store.reserveTransactionIDs(max(1, invoices.count * 2))
        ageing.execute(invoices, ids: ids)
        var changes = ageing.changes
        changes.take(ageing.balances)
        try changes.leaveToAPerson(ageing.writtenOff, in: store)
        if !changes.transactions.isEmpty { try store.write(changes) }
        return changes.transactions.count
    }
}

/// What the age of invoices leads to on one date: of each the late fee first, then the write-off (spec 5.2 step 7). Pure.
struct Ageing {
    let state: AccountState
    var balances: Balances
    private(set) var changes: BookChanges
    /// Invoices that are written off now.
    private(set) var writtenOff: [Identifier<Transaction>] = []

    init(state: AccountState, balances: Balances) {
        self.state = state
        self.balances = balances
        changes = BookChanges(under: state.account, at: state.moment)
    }

    /// - Parameter ids: two for each invoice.
    mutating func execute(_ invoices: [AgedInvoice], ids: [Identifier<Transaction>]) {
        var ids = ids[...]
        let policy = state.account
        let today = state.moment.businessDate
        for invoice in invoices {
            let left = balances.left(of: invoice.id)
            guard left > .zero else { continue }
            let isOld = Fees.isWrittenOff(invoice.dueDate, on: today, by: policy) && !invoice.wasWrittenOff
            // The fee comes first (spec 5.2 step 7): in time or late, the same is made.
            if Fees.isLate(invoice.dueDate, on: today, by: policy), !invoice.hasLateFee,
                let id = ids.popFirst()
            {
                let facts = TransactionFacts.fee(
                    .lateFee, policy.lateFeeAmount, for: invoice.id, subscription: invoice.subscriptionID,
                    on: today)
                changes.add(id, of: invoice.customerID, facts)
                balances.add(OpenItem(id, of: invoice.customerID, facts))
            }
            if isOld, let id = ids.popFirst() {
                var facts = TransactionFacts(type: .writeOff, amount: left, dueDate: today)
                facts.sourceID = invoice.id
                facts.subscriptionID = invoice.subscriptionID
                facts.creatorCode = RunBilling.actor
                changes.add(id, of: invoice.customerID, facts)
                balances.add(OpenItem(id, of: invoice.customerID, facts))
                balances.use(id, on: invoice.id, left)
                writtenOff.append(invoice.id)
            }
        }
        balances.balance(by: policy.balancingAlgorithm)
    }
}
