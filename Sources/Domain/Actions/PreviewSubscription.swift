/// Shows the next charges of a subscription as the billing run will make them (spec 1.4 ~preview). Changes nothing.
public struct PreviewSubscription {
    let count: Int

    /// At most so many charges.
    public init(count: Int) {
        self.count = count
    }

    /// The charges by date; none of an inactive customer, of whom nothing is billed.
    public func execute(
        _ subscription: Subscription, of customer: Customer, in store: any Store
    ) throws -> [PlannedCharge] {
        let account = subscription.accountID
        guard customer.status != .inactive, let state = try store.account(account) else { return [] }
        let today = state.moment.businessDate
        var preview = Preview(
            of: subscription.id, in: try outlook(for: subscription, in: store), under: state.account,
            on: today)
        if state.account.invoiceLeadDays > 0 {
            var filter = TransactionFilter()
            filter.subscription = .id(subscription.id.rawValue)
            filter.type = .invoice
            filter.dueDateFrom = today.adding(days: 1)
            let invoices = try store.transactions(of: customer.id, account: account, filter, Page(limit: 100))
            for invoice in invoices.items {
                guard let cycle = invoice.facts.cycleNumber, invoice.status == .final else { continue }
                preview.invoiced[cycle] = (Charge(invoice, of: subscription.terms), invoice.id)
            }
        }
        return preview.charges(count)
    }

    /// What the customer has agreed to, owes and has to its credit: its subscriptions share the credit and the fees.
    private func outlook(for subscription: Subscription, in store: any Store) throws -> CustomerOutlook {
        let (customer, account) = (subscription.customerID, subscription.accountID)
        var outlook = CustomerOutlook(of: customer)
        let all =
            try store.subscriptions(
                of: customer, account: account, SubscriptionFilter(), Page(limit: 1000)
            ).items.filter { $0.id != subscription.id && $0.goesOn } + [subscription]
        let living = try store.decidingAdjustments(of: all.map(\.id), account: account)
        let options = try store.paymentOptions(
            of: customer, account: account, PaymentOptionFilter(), Page(limit: 1000)
        ).items
        outlook.agreements = all.map { one in
            let own = options.first { $0.id == one.paymentOptionID && $0.particulars.isActive }
            return CustomerOutlook.Agreement(
                id: one.id,
                course: SubscriptionCourse(
                    terms: one.terms, progress: one.progress, adjustments: living[one.id] ?? []),
                option: own ?? options.first { $0.particulars.isDefault })
        }
        outlook.items = try store.openItems(of: [customer], account: account)
        let invoices = outlook.items.filter { $0.type == .invoice }.map(\.id)
        guard !outlook.items.isEmpty else { return outlook }
        outlook.collections = try store.collections(of: invoices, account: account)
        outlook.attempts = try store.openAttempts(of: [customer], account: account)
        if !invoices.isEmpty {
            outlook.aged = try store.agedInvoices(of: [customer], account: account, due: .latest)
        }
        return outlook
    }
}

extension Subscription {
    /// Whether something may still come of it.
    fileprivate var goesOn: Bool { progress.status != .cancelled && progress.status != .expired }
}

extension Charge {
    /// The charge that an invoice was made for.
    fileprivate init(_ invoice: Transaction, of terms: SubscriptionTerms) {
        let facts = invoice.facts
        self.init(
            cycleNumber: facts.cycleNumber ?? 1, billingDate: facts.dueDate,
            kind: facts.adjustmentID != nil ? .paidFreeze : terms.length == nil ? .perpetual : .fixed,
            amount: facts.amount, taxAmount: facts.taxAmount,
            adjustmentID: facts.adjustmentID.map { Identifier($0) })
    }
}
