/// Makes of locked subscriptions all that is due by the business date: adjustments begin and end, charges become invoices, fees
/// are made, unused credit is used on what is owed (spec 5.2 steps 1 to 3).
///
/// The one place where a schedule becomes transactions, whether the billing run or an action of a caller comes by.
struct BillSubscriptions {
    let account: MerchantAccount
    let moment: Moment

    /// What was done.
    struct Done: Hashable {
        /// Subscriptions of which something happened.
        var subscriptions = 0
        var invoices = 0
    }

    /// - Parameter due: locked with their customers.
    @discardableResult
    func execute(_ due: [DueSubscription], in store: any Store) throws -> Done {
        try write(due.compactMap(advance), in: store)
    }

    /// How far a subscription has come, and what that makes.
    struct Advanced {
        let subscription: DueSubscription
        let after: SubscriptionCourse
        let made: [Draft]
    }

    /// Writes it: subscriptions, adjustments, transactions, and what unused credit pays of them.
    @discardableResult
    func write(_ advanced: [Advanced], in store: any Store) throws -> Done {
        var done = Done(subscriptions: advanced.count)
        guard !advanced.isEmpty else { return done }
        var changes = BookChanges(under: account, at: moment)
        var drafts: [Draft] = []
        var ended: Set<Identifier<Customer>> = []
        // Payments for these wait no more: their first bill is made, or never will be (spec 5.9).
        var awaited: Set<Identifier<Subscription>> = []
        var concerned: Set<Identifier<Customer>> = []
        for one in advanced {
            let subscription = one.subscription
            changes.move(subscription.id, from: subscription.course, to: one.after)
            drafts += one.made
            if subscription.course.progress.awaitsFirstBill, !one.after.progress.awaitsFirstBill {
                awaited.insert(subscription.id)
                concerned.insert(subscription.customerID)
            }
            if one.after.hasEnded { ended.insert(subscription.customerID) }
        }
        concerned.formUnion(drafts.map(\.customerID))
        if !concerned.isEmpty {
            let open = try store.creditedItems(of: concerned.sorted(), account: account.id)
            let ids = drafts.isEmpty ? [] : try store.reserveTransactionIDs(drafts.count)
            done.invoices = changes.add(drafts, ids: ids)
            let made = zip(drafts, ids).map { draft, id in draft.openItem(id) }
            changes.allocations = balance(
                debts: open.filter(\.type.isDebt) + made, credits: open.filter { !$0.type.isDebt },
                awaited: awaited)
        }
        try store.write(changes)
        if !ended.isEmpty { try store.expire(customers: ended.sorted(), account: account.id) }
        return done
    }

    /// How far a subscription comes by the business date, and what that makes; nil where nothing happens. Pure.
    func advance(_ subscription: DueSubscription) -> Advanced? {
        let (after, steps) = Schedule.advance(
            subscription.course, under: account, through: moment.businessDate, billing: subscription.isBilled)
        guard !steps.isEmpty else { return nil }
        var made: [Draft] = []
        var before = subscription.course
        for step in steps {
            made += drafts(of: step, before: before.progress, subscription)
            before = Schedule.after(step, in: before, under: account)
        }
        return Advanced(subscription: subscription, after: after, made: made)
    }

    /// A transaction to be made, without its number.
    struct Draft {
        let customerID: Identifier<Customer>
        let facts: TransactionFacts

        func openItem(_ id: Identifier<Transaction>) -> OpenItem {
            OpenItem(
                id: id, customerID: customerID, type: facts.type, dueDate: facts.dueDate, left: facts.amount,
                subscriptionID: facts.subscriptionID)
        }
    }

    /// The invoice of a charge, and the fee that a step costs. A charge of nothing has no invoice: the cycle is billed all the
    /// same.
    func drafts(
        of step: ScheduleStep, before progress: SubscriptionProgress, _ subscription: DueSubscription
    ) -> [Draft] {
        var drafts: [Draft] = []
        var adjustment: Identifier<SubscriptionAdjustment>?
        switch step {
        case .charge(let charge):
            if charge.amount > .zero {
                drafts.append(
                    Draft(
                        customerID: subscription.customerID, facts: .invoice(charge, of: subscription.id)))
            }
        case .begin(let begun): adjustment = begun.id
        case .end: break
        }
        if let fee = Fees.fee(for: step, before: progress, under: account) {
            var facts = TransactionFacts(type: .serviceFee, amount: fee.amount, dueDate: fee.due)
            facts.subscriptionID = subscription.id
            facts.adjustmentID = adjustment?.rawValue
            facts.creatorCode = RunBilling.actor
            facts.note = fee.note
            drafts.append(Draft(customerID: subscription.customerID, facts: facts))
        }
        return drafts
    }

    /// Uses the credits of each customer on its debts.
    ///
    /// - Parameter awaited: subscriptions whose first bill was waited for until now: credits held for them are free.
    func balance(
        debts: [OpenItem], credits: [OpenItem], awaited: Set<Identifier<Subscription>>
    ) -> [NewAllocation] {
        guard !credits.isEmpty else { return [] }
        let owed = Dictionary(grouping: debts, by: \.customerID)
        let unused = Dictionary(grouping: credits, by: \.customerID)
        return unused.keys.sorted().flatMap { customer in
            let freed = (unused[customer] ?? []).map { credit in
                var credit = credit
                if let held = credit.heldFor, awaited.contains(held) { credit.heldFor = nil }
                return credit
            }
            return Balancing.allocate(
                debts: owed[customer] ?? [], credits: freed, by: account.balancingAlgorithm)
        }
    }
}

extension BookChanges {
    /// How far a subscription and its adjustments have come.
    mutating func move(
        _ id: Identifier<Subscription>, from before: SubscriptionCourse, to after: SubscriptionCourse
    ) {
        if after.progress != before.progress { progress.append((id, after.progress)) }
        for (old, new) in zip(before.adjustments, after.adjustments) where old != new {
            adjustments.append((new, Schedule.event(of: new, terms: after.terms)))
        }
    }

    /// Adds transactions under these numbers, with the collecting of those that are invoices; how many those are.
    fileprivate mutating func add(
        _ drafts: [BillSubscriptions.Draft], ids: [Identifier<Transaction>]
    ) -> Int {
        var invoices = 0
        for (draft, id) in zip(drafts, ids) {
            add(id, of: draft.customerID, draft.facts)
            guard draft.facts.type == .invoice else { continue }
            invoices += 1
            collections.append(
                InvoiceCollection(
                    invoiceID: id, customerID: draft.customerID, subscriptionID: draft.facts.subscriptionID,
                    state: .due, collectOn: draft.facts.dueDate))
        }
        return invoices
    }
}

extension SubscriptionCourse {
    /// Whether nothing more comes of it: cancelled, or all payments are billed.
    fileprivate var hasEnded: Bool {
        progress.status == .cancelled
            || progress.status == .current && progress.billedCount == terms.length
    }
}

extension TransactionFacts {
    /// The invoice of a charge; of a freeze's fee with the freeze.
    static func invoice(_ charge: Charge, of subscription: Identifier<Subscription>) -> TransactionFacts {
        var facts = TransactionFacts(type: .invoice, amount: charge.amount, dueDate: charge.billingDate)
        facts.taxAmount = charge.taxAmount
        facts.subscriptionID = subscription
        facts.cycleNumber = charge.cycleNumber
        facts.adjustmentID = charge.adjustmentID?.rawValue
        facts.creatorCode = RunBilling.actor
        return facts
    }
}
