/// What becomes of a subscription whose retries are used up (spec 2.11 onRetriesExhausted, 5.5).
///
/// The single place that decides it, called by whatever ends an attempt: an answer of the processor or a returned claim.
struct RetriesExhausted {
    let account: MerchantAccount
    let moment: Moment

    /// Pauses or cancels the subscriptions of these invoices, as the account's policy says; the debt stays.
    func execute(_ invoices: [InvoiceCollection], in store: any Store) throws {
        guard account.onRetriesExhausted != .none else { return }
        let status: Subscription.Status = account.onRetriesExhausted == .pause ? .paused : .cancelled
        var changes = BookChanges(accountID: account.id, processor: account.processor, moment: moment)
        for invoice in invoices {
            guard let id = invoice.subscriptionID,
                let subscription = try store.subscription(
                    of: invoice.customerID, account: account.id, .id(id.rawValue)),
                subscription.progress.status.mayBecome(status)
            else { continue }
            var progress = subscription.progress
            progress.status = status
            if status == .cancelled { progress.nextBillingDate = nil }
            changes.progress.append((id, progress))
        }
        guard !changes.progress.isEmpty else { return }
        try store.write(changes)
        if status == .cancelled {
            try store.expire(customers: Set(invoices.map(\.customerID)).sorted(), account: account.id)
        }
    }
}
