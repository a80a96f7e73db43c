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
        let living = try store.livingAdjustments(of: [subscription.id], account: account)
        var preview = Preview(
            SubscriptionCourse(
                terms: subscription.terms, progress: subscription.progress,
                adjustments: living[subscription.id] ?? []),
            under: state.account, on: state.moment.businessDate)
        for item in try store.openItems(of: [customer.id], account: account) {
            if item.type.isFee { preview.openFees += item.left }
            if !item.type.isDebt, item.heldFor ?? subscription.id == subscription.id {
                preview.credit += item.left
            }
        }
        if state.account.invoiceLeadDays > 0 {
            var filter = TransactionFilter()
            filter.subscription = .id(subscription.id.rawValue)
            filter.type = .invoice
            filter.dueDateFrom = state.moment.businessDate.adding(days: 1)
            let invoices = try store.transactions(of: customer.id, account: account, filter, Page(limit: 100))
            for invoice in invoices.items {
                if let cycle = invoice.facts.cycleNumber {
                    preview.invoiced[cycle] = (invoice.id, invoice.balance)
                }
            }
        }
        preview.paymentOptionID = try option(of: subscription, in: store)
        return preview.charges(count)
    }

    /// What the run charges: the subscription's option while it is active, else the customer's default.
    private func option(of subscription: Subscription, in store: any Store) throws -> Identifier<
        PaymentOption
    >? {
        let (customer, account) = (subscription.customerID, subscription.accountID)
        if let own = subscription.paymentOptionID,
            let option = try store.paymentOption(of: customer, account: account, .id(own.rawValue)),
            option.particulars.isActive
        {
            return own
        }
        let standing = try store.defaultPaymentOption(of: customer, account: account)
        return standing.flatMap { $0.particulars.isActive ? $0.id : nil }
    }
}
