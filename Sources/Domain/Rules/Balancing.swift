/// A transaction with something left: a debt that is still open, or a credit that is not used up.
public struct OpenItem: Hashable, Sendable {
    public var id: Identifier<Transaction>
    public var customerID: Identifier<Customer>
    public var type: TransactionType
    public var dueDate: CalendarDate
    /// What is open of a debt, or unused of a credit; above zero.
    public var left: Money
    /// Of a debt its own; of a credit the one that its maker named: nil for what the run collected, which is for an invoice.
    public var subscriptionID: Identifier<Subscription>?
    /// Debts a credit goes to before the algorithm is asked, in this order (`invoiceList`; the invoice that a payment was
    /// collected for).
    public var first: [Identifier<Transaction>] = []
    /// Set on a payment for a subscription that has not been billed yet: its first invoice uses it (spec 5.9).
    public var heldFor: Identifier<Subscription>?

    /// An open debt or an unused credit.
    public init(
        id: Identifier<Transaction>, customerID: Identifier<Customer>, type: TransactionType,
        dueDate: CalendarDate, left: Money, subscriptionID: Identifier<Subscription>? = nil
    ) {
        self.id = id
        self.customerID = customerID
        self.type = type
        self.dueDate = dueDate
        self.left = left
        self.subscriptionID = subscriptionID
    }
}

/// An allocation to be made.
public struct NewAllocation: Hashable, Sendable {
    public var customerID: Identifier<Customer>
    public var sourceID: Identifier<Transaction>
    public var targetID: Identifier<Transaction>
    public var amount: Money

    /// So much of the source is used on the target.
    public init(
        customerID: Identifier<Customer>, sourceID: Identifier<Transaction>,
        targetID: Identifier<Transaction>,
        amount: Money
    ) {
        self.customerID = customerID
        self.sourceID = sourceID
        self.targetID = targetID
        self.amount = amount
    }
}

/// Which money pays which debt (spec 5.4).
public enum Balancing {
    /// Uses the credits of one customer on its debts.
    ///
    /// Credits are used oldest first; each goes to the debts it names, then to those of the subscription that a caller made it
    /// for, then to the rest, both in the order of the algorithm. What finds no debt stays. Nothing is used twice: the amounts left are those given.
    public static func allocate(
        debts: [OpenItem], credits: [OpenItem], by algorithm: BalancingAlgorithm
    ) -> [NewAllocation] {
        guard !debts.isEmpty, !credits.isEmpty else { return [] }
        var open = order(debts, by: algorithm)
        var allocations: [NewAllocation] = []
        for credit in credits.sorted(by: olderFirst) {
            var left = credit.left
            func use(on index: Int) {
                let amount = min(left, open[index].left)
                guard amount > .zero else { return }
                left -= amount
                open[index].left -= amount
                allocations.append(
                    NewAllocation(
                        customerID: credit.customerID, sourceID: credit.id, targetID: open[index].id,
                        amount: amount))
            }
            for target in credit.first {
                if let index = open.firstIndex(where: { $0.id == target }) { use(on: index) }
            }
            if let subscription = credit.subscriptionID {
                let own = order(debts.filter { $0.subscriptionID == subscription }, by: algorithm)
                for debt in own {
                    if let index = open.firstIndex(where: { $0.id == debt.id }) { use(on: index) }
                }
            }
            guard credit.heldFor == nil else { continue }
            for index in open.indices {
                if left == .zero { break }
                use(on: index)
            }
        }
        return allocations
    }

    /// The debts in the order in which they are paid.
    static func order(_ debts: [OpenItem], by algorithm: BalancingAlgorithm) -> [OpenItem] {
        let sorted = debts.sorted(by: olderFirst)
        guard algorithm == .invoiceFirst else { return sorted }
        var others = sorted
        let oldest = others.firstIndex { $0.type == .invoice }.map { [others.remove(at: $0)] } ?? []
        return oldest + others.filter { $0.type.isFee } + others.filter { !$0.type.isFee }
    }

    private static func olderFirst(_ left: OpenItem, _ right: OpenItem) -> Bool {
        (left.dueDate, left.id) < (right.dueDate, right.id)
    }
}
