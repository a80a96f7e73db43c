/// Decides for a batch of due invoices which attempts to open (spec 5.2 step 4). Pure: it reads nothing itself.
struct CollectInvoices {
    let state: AccountState
    /// Open fees of the customers concerned; each goes along with one attempt at most.
    private var fees: [OpenItem]
    /// Open attempts of the customers concerned.
    let open: [OpenAttempt]
    /// What these attempts may bring of each customer.
    private let underWay: [Identifier<Customer>: Money]

    /// - Parameter items: what the customers concerned owe and have to their credit.
    init(state: AccountState, items: [OpenItem], open: [OpenAttempt]) {
        self.state = state
        self.open = open
        fees = items.filter(\.type.isFee)
        underWay = open.filter(\.facts.kind.collects).reduce(into: [:]) {
            $0[$1.facts.customerID, default: .zero] += $1.facts.amount
        }
    }

    /// - Parameter ids: one for each due invoice, for the transactions that the attempts become.
    /// - Returns: the attempts, and where the collecting of each invoice that was moved on stands now.
    mutating func execute(_ due: [DueCollection], ids: [Identifier<Transaction>]) -> BookChanges {
        var changes = BookChanges(under: state.account, at: state.moment)
        let attempted = Set(open.flatMap(\.facts.debts))
        fees.removeAll { attempted.contains($0.id) }
        // What a customer's attempts take together, those under way included, stays within the customer's balance, which credit
        // counts in that waits for another subscription's first invoice (spec 5.2 step 4, 5.9). What is not taken stays due.
        var owed: [Identifier<Customer>: Money] = [:]
        for (item, id) in zip(due, ids) {
            var collection = item.collection
            guard item.left > .zero else {
                collection.close()
                changes.collections.append(collection)
                continue
            }
            // Of an inactive customer nothing is collected (spec 2.1 isActive); it stays due.
            if item.customerStatus == .inactive || isBeingPaid(collection) { continue }
            guard let option = item.option, option.particulars.isActive else {
                collection.state = .waiting
                collection.collectOn = nil
                changes.collections.append(collection)
                continue
            }
            let limit =
                owed[collection.customerID]
                ?? item.customerBalance - (underWay[collection.customerID] ?? .zero)
            let along = Balancing.order(
                fees.filter { $0.customerID == collection.customerID }, by: .ageBased)
            let amount = min(along.reduce(item.left) { $0 + $1.left }, limit, .transactionLimit)
            guard amount > .zero else { continue }
            fees.removeAll { fee in along.contains { $0.id == fee.id } }
            owed[collection.customerID] = limit - amount

            collection.tries += 1
            collection.state = .open
            collection.collectOn = nil
            changes.collections.append(collection)
            var attempt = NewAttempt(
                charging: option, amount: amount, transactionID: id, dueDate: state.moment.businessDate)
            attempt.customerID = collection.customerID
            attempt.invoiceID = collection.invoiceID
            attempt.feeIDs = along.map(\.id)
            attempt.openAmounts = [item.left] + along.map(\.left)
            attempt.owed = limit
            attempt.subscriptionID = collection.subscriptionID
            attempt.number = collection.tries
            attempt.creatorCode = RunBilling.actor
            changes.attempts.append(attempt)
        }
        return changes
    }

    /// Whether somebody's payment is on its way that may pay this invoice: one for it, for its subscription, or for nothing
    /// in particular. The invoice is looked at again when that is settled.
    private func isBeingPaid(_ collection: InvoiceCollection) -> Bool {
        open.contains { attempt in
            guard attempt.facts.customerID == collection.customerID, attempt.facts.kind.collects else {
                return false
            }
            return attempt.facts.invoiceID == nil || attempt.facts.debts.contains(collection.invoiceID)
                || (attempt.facts.subscriptionID != nil
                    && attempt.facts.subscriptionID == collection.subscriptionID
                    && attempt.facts.creatorCode != RunBilling.actor)
        }
    }
}
