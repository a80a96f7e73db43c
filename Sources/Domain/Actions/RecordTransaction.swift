/// Records an entry in a customer's account; moves no money at a processor (spec 1.5 ~create).
public struct RecordTransaction {
    let form: TransactionForm

    /// Records the entry of this form.
    public init(_ form: TransactionForm) {
        self.form = form
    }

    /// What the entry can pay, or what can pay it, is balanced at once (spec 5.4).
    ///
    /// - Throws: `Refusal`: V21 type; V24 subscription or invoice out of reach; V29 code in use.
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
        facts.subscriptionID = try form.subscription.map {
            try SubscriptionChoice.of(customer, $0, in: store).id
        }
        let first = try InvoiceList.read(form.invoiceList, of: customer, in: store)
        let open = try store.openItems(of: [customer.id], account: account)
        let id = try store.reserveTransactionIDs(1)[0]

        var changes = BookChanges(
            accountID: account, processor: state.account.processor, moment: state.moment)
        changes.add(id, of: customer.id, facts)
        var item = OpenItem(
            id: id, customerID: customer.id, type: type, dueDate: facts.dueDate, left: amount,
            subscriptionID: facts.subscriptionID)
        item.first = first
        changes.allocations = Balancing.allocate(
            debts: open.filter(\.type.isDebt) + (type.isDebt ? [item] : []),
            credits: open.filter { !$0.type.isDebt } + (type.isDebt ? [] : [item]),
            by: state.account.balancingAlgorithm)
        try store.write(changes)
        try store.note("create", on: "transaction", id.rawValue, of: account, by: actor)
        guard let transaction = try store.transaction(of: customer.id, account: account, .id(id.rawValue))
        else { preconditionFailure("a transaction just stored is there") }
        return transaction
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
