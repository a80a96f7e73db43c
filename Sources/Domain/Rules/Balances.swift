/// An allocation that lives, with both its sides.
public struct LivingAllocation: Hashable, Sendable {
    public var id: Int64
    /// The credit that is used; with nothing left unless it stands among the open items.
    public var source: OpenItem
    /// The debt that it is used on; likewise.
    public var target: OpenItem
    public var amount: Money
    /// Whether the target took the source's own money away again: its refund, void, return or chargeback, or a refund that names
    /// no payment. It stays when the source is used otherwise; another payment's refund is a debt like any other.
    public var givesBack: Bool

    /// An allocation as stored.
    public init(id: Int64, source: OpenItem, target: OpenItem, amount: Money, givesBack: Bool = false) {
        self.id = id
        self.source = source
        self.target = target
        self.amount = amount
        self.givesBack = givesBack
    }
}

/// What is open and unused of some customers while one action computes: which allocations end, which are made (spec 5.4).
struct Balances {
    private var items: [Identifier<Transaction>: OpenItem] = [:]
    private(set) var made: [NewAllocation] = []
    private(set) var ended: [Int64] = []
    /// Debts that were paid in full and are open again, in part or whole.
    private(set) var reopened: [Identifier<Transaction>] = []
    private var touched: Set<Identifier<Customer>> = []

    /// Begins with all open debts and unused credits of the customers concerned.
    init(_ items: [OpenItem]) {
        for item in items { self.items[item.id] = item }
    }

    /// What is open of a debt or unused of a credit.
    func left(of id: Identifier<Transaction>) -> Money { items[id]?.left ?? .zero }

    /// A transaction that is made now: all of it is open or unused.
    mutating func add(_ item: OpenItem) {
        items[item.id] = item
        touched.insert(item.customerID)
    }

    /// Uses so much of a credit on a debt, as far as both have it left.
    mutating func use(
        _ source: Identifier<Transaction>, on target: Identifier<Transaction>, _ amount: Money
    ) {
        let used = min(amount, left(of: source), left(of: target))
        guard used > .zero, let customer = items[source]?.customerID else { return }
        items[source]?.left -= used
        items[target]?.left -= used
        made.append(
            NewAllocation(customerID: customer, sourceID: source, targetID: target, amount: used))
    }

    /// Makes so much of a credit free: what is unused first, then its allocations end, newest first. What the last of them had
    /// too much goes on its debt again.
    ///
    /// - Parameter given: whether what was given back of it (refunds) counts too, after all the rest: the bank took the money
    ///   itself back.
    mutating func free(
        _ amount: Money, of source: Identifier<Transaction>, from living: [LivingAllocation],
        withRefunds given: Bool = false
    ) {
        let own = living.filter { $0.source.id == source && !ended.contains($0.id) }
            .sorted { $0.id > $1.id }
        let ordinary = own.filter { !$0.givesBack }
        for allocation in ordinary + (given ? own.filter(\.givesBack) : [])
        where left(of: source) < amount {
            end(allocation)
            let excess = left(of: source) - amount
            if excess > .zero { use(source, on: allocation.target.id, excess) }
        }
    }

    /// Lets a payment pay its own refund, as far as it has something left: what others paid of it is theirs again, the newest
    /// first.
    mutating func settle(
        _ refund: Identifier<Transaction>, by payment: Identifier<Transaction>,
        from living: [LivingAllocation]
    ) {
        var last: Identifier<Transaction>?
        for allocation in living.sorted(by: { $0.id > $1.id })
        where allocation.target.id == refund && allocation.source.id != payment
            && left(of: refund) < left(of: payment)
        {
            end(allocation)
            last = allocation.source.id
        }
        use(payment, on: refund, left(of: payment))
        if let last { use(last, on: refund, left(of: refund)) }
    }

    /// Ends all that pays a debt.
    mutating func unpay(_ target: Identifier<Transaction>, from living: [LivingAllocation]) {
        for allocation in living where allocation.target.id == target && !ended.contains(allocation.id) {
            end(allocation)
        }
    }

    /// Lets the credits of the customers concerned pay what is open, those of them alone for whom something was added or ended.
    mutating func balance(by algorithm: BalancingAlgorithm) {
        guard !touched.isEmpty else { return }
        let open = Dictionary(
            grouping: items.values.filter { touched.contains($0.customerID) && $0.left > .zero },
            by: \.customerID)
        for customer in open.keys.sorted() {
            let all = (open[customer] ?? []).sorted { $0.id < $1.id }
            let new = Balancing.allocate(
                debts: all.filter(\.type.isDebt), credits: all.filter { !$0.type.isDebt }, by: algorithm)
            for allocation in new {
                items[allocation.sourceID]?.left -= allocation.amount
                items[allocation.targetID]?.left -= allocation.amount
            }
            made += new
        }
    }

    private mutating func end(_ allocation: LivingAllocation) {
        ended.append(allocation.id)
        if left(of: allocation.target.id) == .zero { reopened.append(allocation.target.id) }
        raise(allocation.source, by: allocation.amount)
        raise(allocation.target, by: allocation.amount)
        touched.insert(allocation.source.customerID)
    }

    private mutating func raise(_ item: OpenItem, by amount: Money) {
        var known = items[item.id] ?? item
        known.left += amount
        items[item.id] = known
    }
}
