/// Records an entry in a customer's account; moves no money at a processor (spec 1.5 ~create).
public struct RecordTransaction {
    let form: TransactionForm

    /// Records the entry of this form.
    public init(_ form: TransactionForm) {
        self.form = form
    }

    /// What the entry can pay, or what can pay it, is balanced at once (spec 5.4).
    ///
    /// A refund (AR) of a payment takes what is unused of that first, then what it paid last is open again (spec 5.8).
    ///
    /// - Throws: `Refusal`: V21 type; V24 subscription, invoice or payment out of reach; V29 code in use; V30, V32 and V36 of a
    ///   refund.
    public func execute(_ state: CustomerState, in store: any Store, by actor: Actor) throws -> Transaction {
        guard let type = form.type, let amount = form.amount else {
            throw Refusal(.requiredFieldMissing, "type and amount are required", field: "type")
        }
        let customer = state.customer
        let account = customer.accountID
        var facts = TransactionFacts(
            type: type, amount: amount, dueDate: form.dueDate ?? state.moment.businessDate)
        facts.code = form.code
        facts.accountType = form.accountType
        facts.taxAmount = form.taxAmount ?? .zero
        facts.feeAmount = form.feeAmount ?? .zero
        facts.invoiceList = form.invoiceList
        facts.creatorCode = form.creatorCode ?? actor.name
        facts.note = form.note
        let subscription = try form.subscription.map { try SubscriptionChoice.of(customer, $0, in: store) }
        facts.subscriptionID = subscription?.id
        let first = try InvoiceList.read(form.invoiceList, of: customer, in: store)
        let open = try store.openItems(of: [customer.id], account: account)
        var balances = Balances(open)
        let id = try store.reserveTransactionIDs(1)[0]
        var living: [LivingAllocation] = []
        var undone: [Identifier<Transaction>] = []
        if type == .refund {
            let source = try form.source.map { try refundSource($0, amount, state, in: store) }
            facts.sourceID = source?.id
            living = try source.map { try store.livingAllocations(of: [$0.id], account: account) } ?? []
            if let source, source.refunded + amount == source.facts.amount { undone = [source.id] }
        }
        let paidOut =
            type == .refund && facts.sourceID == nil
            ? try payout(of: amount, open, customer, in: store) : []
        if type == .writeOff || form.accountType == .writeOff { try refuseAboveDebt(open, amount) }
        var changes = BookChanges(under: state.account, at: state.moment)
        changes.add(id, of: customer.id, facts)
        changes.reversed = undone
        var item = OpenItem(id, of: customer.id, facts)
        item.first = first
        if facts.isForSubscription, let subscription, subscription.progress.awaitsFirstBill {
            item.heldFor = subscription.id
        }
        balances.add(item)
        if let source = facts.sourceID {
            balances.free(amount, of: source, from: living)
            balances.use(source, on: id, amount)
        }
        for (credit, part) in paidOut { balances.use(credit, on: id, part) }
        balances.balance(by: state.account.balancingAlgorithm)
        changes.take(balances)
        if type == .refund { try changes.leaveToAPerson(balances.reopened, in: store) }
        try store.write(changes)
        try store.note("create", on: "transaction", id.rawValue, of: account, by: actor)
        guard let transaction = try store.transaction(of: customer.id, account: account, .id(id.rawValue))
        else { preconditionFailure("a transaction just stored is there") }
        return transaction
    }

    /// The payment that a refund in cash, by check or outside gives back.
    private func refundSource(
        _ reference: Reference, _ amount: Money, _ state: CustomerState, in store: any Store
    ) throws -> ReversalSource {
        let (found, source) = try RefundSource.of(state, reference, in: store)
        switch (found.facts.type, found.facts.accountType) {
        case (.payment, .some(let means)) where !means.bringsMoney:
            throw Refusal(
                .stateForbids, "no money came with transaction \(found.id): reverse it instead",
                field: "sourceId")
        case (.payment, _), (.claim, _): break
        default:
            throw Refusal(.stateForbids, "transaction \(found.id) is no payment", field: "sourceId")
        }
        try RefundSource.refuse(amount, of: source)
        try GivingBack.refuseWhileOpen(
            found.id, among: try store.openAttempts(of: [state.customer.id], account: state.account.id))
        return source
    }

    /// A refund that names no payment pays out the customer's credit, the oldest first, and no more; an allowance or what was
    /// written off brought no money that could go back. While a refund or void of a payment has no known outcome, its credit is
    /// not paid out: it may be on its way back already (V36).
    private func payout(
        of amount: Money, _ open: [OpenItem], _ customer: Customer, in store: any Store
    ) throws -> [(credit: Identifier<Transaction>, part: Money)] {
        let account = customer.accountID
        let leaving = Set(
            try store.openAttempts(of: [customer.id], account: account).compactMap(\.facts.sourceID))
        let unused = open.filter { !$0.type.isDebt && $0.heldFor == nil }
            .sorted { ($0.dueDate, $0.id) < ($1.dueDate, $1.id) }
        let came = Set(
            try store.reversalSources(unused.map(\.id).sorted(), account: account)
                .filter { $0.facts.type != .writeOff && $0.facts.accountType?.bringsMoney != false }
                .map(\.id))
        var rest = amount
        var parts: [(credit: Identifier<Transaction>, part: Money)] = []
        for credit in unused
        where came.contains(credit.id) && !leaving.contains(credit.id) && rest > .zero {
            let part = min(credit.left, rest)
            parts.append((credit.id, part))
            rest -= part
        }
        guard rest == .zero else {
            if let one = unused.first(where: { leaving.contains($0.id) }) {
                throw Refusal(
                    .outcomeOpen, "an attempt for transaction \(one.id) is open: its outcome is not known yet"
                )
            }
            throw Refusal(
                .amountTooLarge,
                "the customer has \((amount - rest).minorUnits) of unused credit that came as money: name the payment to refund in sourceId",
                field: "amount")
        }
        return parts
    }

    /// A write-off forgives what is owed, and no more: it makes no credit.
    private func refuseAboveDebt(_ open: [OpenItem], _ amount: Money) throws(Refusal) {
        let owed = open.filter(\.type.isDebt).reduce(Money.zero) { $0 + $1.left }
        guard amount <= owed else {
            throw Refusal(
                .amountTooLarge, "\(owed.minorUnits) is open: a write-off cannot be more", field: "amount")
        }
    }
}

/// The subscription that a transaction names (spec 2.6 subscriptionId).
enum SubscriptionChoice {
    static func of(_ customer: Customer, _ reference: Reference, in store: any Store) throws -> Subscription {
        guard
            let subscription = try store.subscription(
                of: customer.id, account: customer.accountID, reference)
        else {
            throw Refusal(
                .notFound, "this customer has no subscription \(reference)", field: "subscriptionId")
        }
        return subscription
    }
}

/// The invoices that a payment is to cover first (spec 2.6 invoiceList).
enum InvoiceList {
    /// Reads comma-separated ids or `*codes` and finds the customer's debts they name, in that order.
    static func read(_ text: String?, of customer: Customer, in store: any Store) throws
        -> [Identifier<Transaction>]
    {
        guard let text else { return [] }
        var found: [Identifier<Transaction>] = []
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            let trimmed = part.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed()
            guard let reference = Reference(String(trimmed)) else {
                throw Refusal(
                    .wrongForm, "invoiceList is a list of ids or *codes joined by commas",
                    field: "invoiceList")
            }
            guard
                let transaction = try store.transaction(
                    of: customer.id, account: customer.accountID, reference)
            else {
                throw Refusal(
                    .notFound, "this customer has no transaction \(reference)", field: "invoiceList")
            }
            guard transaction.facts.type == .invoice || transaction.facts.type.isFee else {
                throw Refusal(
                    .valueNotAllowed, "transaction \(reference) is neither an invoice nor a fee",
                    field: "invoiceList")
            }
            if !found.contains(transaction.id) { found.append(transaction.id) }
        }
        return found
    }
}
