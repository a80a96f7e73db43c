/// A charge that is to come, as ~preview shows it (spec 2.10).
public struct PlannedCharge: Hashable, Sendable {
    /// What has become of it.
    public enum Status: String, CaseIterable, Sendable {
        case planned, billed, skipped
    }

    public var charge: Charge
    public var status: Status
    /// Its invoice, where that exists already.
    public var transactionID: Identifier<Transaction>?
    /// What the run will ask the processor for with it: the invoice and the customer's open fees, less the credit that is left by
    /// then; nothing where there is no usable payment option.
    public var expectedCollection: Money
    /// What will be charged; nil when the customer has nothing usable on file.
    public var paymentOptionID: Identifier<PaymentOption>?
}

/// The next charges of a subscription, exactly as the billing run will make them if nothing changes (spec 1.4 ~preview).
///
/// ``Schedule`` says which there are; ``PreviewRun`` what is collected with each, with all subscriptions of the customer taken together: they
/// share its credit and its fees.
public struct Preview: Sendable {
    public var subject: Identifier<Subscription>
    public var outlook: CustomerOutlook
    public var policy: MerchantAccount
    public var today: CalendarDate
    /// Charges of this subscription whose date is to come and whose invoice exists already (`invoiceLeadDays`), by cycle.
    public var invoiced: [Int: (charge: Charge, id: Identifier<Transaction>)] = [:]

    /// A preview of one of the customer's subscriptions from today on.
    public init(
        of subject: Identifier<Subscription>, in outlook: CustomerOutlook, under policy: MerchantAccount,
        on today: CalendarDate
    ) {
        self.subject = subject
        self.outlook = outlook
        self.policy = policy
        self.today = today
    }

    /// At most so many charges, by date: what is overdue, then what lies ahead. Of a subscription that has ended there is only what
    /// was invoiced ahead and is still to be collected.
    public func charges(_ count: Int) -> [PlannedCharge] {
        guard let agreement = outlook.agreements.first(where: { $0.id == subject }) else { return [] }
        let option = agreement.option.flatMap { $0.particulars.isActive ? $0.id : nil }
        var charges = planned(count, of: agreement.course, by: option)
        guard option != nil, let last = charges.last(where: { $0.status != .skipped })?.charge.billingDate
        else { return charges }
        var run = PreviewRun(outlook, of: subject, under: policy)
        // What is cut because a payment waits for another subscription's first bill is collected when that is made.
        run.run(from: today, through: max(today, last, outlook.lastAwaited ?? today))
        for index in charges.indices where charges[index].status != .skipped {
            let invoice = charges[index].transactionID ?? run.invoices[charges[index].charge.cycleNumber]
            charges[index].expectedCollection = invoice.flatMap { run.collected[$0] } ?? .zero
        }
        return charges
    }

    /// The charges without what is collected with them.
    private func planned(
        _ count: Int, of course: SubscriptionCourse, by option: Identifier<PaymentOption>?
    ) -> [PlannedCharge] {
        var progress = course.progress
        var invoiced = invoiced
        func nextInvoiced(_ cycle: Int) -> PlannedCharge? {
            invoiced.removeValue(forKey: cycle).map {
                PlannedCharge(
                    charge: $0.charge, status: .billed, transactionID: $0.id, expectedCollection: .zero,
                    paymentOptionID: option)
            }
        }
        let hasEnded = progress.status == .cancelled || progress.status == .expired
        let ahead = course.terms.cycle.firstNumber(
            onOrAfter: today.adding(days: 1), from: course.terms.firstBillingDate)
        var cycle = progress.nextBillingDate == nil ? ahead : min(ahead, progress.nextCycle)
        let next = progress.nextCycle
        var planned: [PlannedCharge] = []
        while !hasEnded, planned.count < count, progress.billedCount != course.terms.length || cycle < next {
            if let made = nextInvoiced(cycle) {
                planned.append(made)
                cycle += 1
                continue
            }
            guard var charge = Schedule.charge(of: cycle, in: course, under: policy) else { break }
            let isBehind = cycle < next
            if isBehind, charge.kind == .paidFreeze {
                // Passed over already: the account asks for a fee only since.
                (charge.kind, charge.amount) = (.freeze, .zero)
            }
            let status: PlannedCharge.Status =
                charge.kind.isSkipped ? .skipped : isBehind ? .billed : .planned
            if status == .planned, charge.kind.isPayment { progress.billedCount += 1 }
            planned.append(
                PlannedCharge(
                    charge: charge, status: status, transactionID: nil, expectedCollection: .zero,
                    paymentOptionID: status == .skipped ? nil : option))
            cycle += 1
        }
        // Cancelled or paused since.
        for cycle in invoiced.keys.sorted() where planned.count < count {
            if let made = nextInvoiced(cycle) { planned.append(made) }
        }
        return planned
    }
}
