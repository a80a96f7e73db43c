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
    /// What the run will ask for with it: the invoice and open fees, less the credit that the customer has now.
    public var expectedCollection: Money
    /// What will be charged; nil when the customer has nothing usable on file.
    public var paymentOptionID: Identifier<PaymentOption>?
}

/// The next charges of a subscription, exactly as the billing run will make them if nothing changes (spec 1.4 ~preview).
public struct Preview: Sendable {
    public var course: SubscriptionCourse
    public var policy: MerchantAccount
    public var today: CalendarDate
    /// Unused credit of the customer.
    public var credit = Money.zero
    /// Open fees of the customer: they are collected along with the next invoice.
    public var openFees = Money.zero
    /// Invoices that exist already of billing dates to come (`invoiceLeadDays`), with what is open of each.
    public var invoiced: [Int: (id: Identifier<Transaction>, left: Money)] = [:]
    public var paymentOptionID: Identifier<PaymentOption>?

    /// A preview of this course from today on.
    public init(_ course: SubscriptionCourse, under policy: MerchantAccount, on today: CalendarDate) {
        self.course = course
        self.policy = policy
        self.today = today
    }

    /// At most so many charges, by date: what is overdue, then what lies ahead; none when the subscription has ended.
    public func charges(_ count: Int) -> [PlannedCharge] {
        let progress = course.progress
        guard progress.status != .cancelled, progress.status != .expired else { return [] }
        var walk = Walk(self)
        let ahead = course.terms.cycle.firstNumber(
            onOrAfter: today.adding(days: 1), from: course.terms.firstBillingDate)
        var cycle = progress.nextBillingDate == nil ? ahead : min(ahead, progress.nextCycle)
        while walk.planned.count < count, walk.isGoingOn || cycle < progress.nextCycle,
            let charge = Schedule.charge(of: cycle, in: course, under: policy)
        {
            walk.add(charge)
            cycle += 1
        }
        return walk.planned
    }

    /// The charges so far, and what is left to be used on the way.
    private struct Walk {
        let preview: Preview
        var planned: [PlannedCharge] = []
        var progress: SubscriptionProgress
        var credit: Money
        var fees: Money
        /// Freezes whose fee is still to come.
        var freezes: [SubscriptionAdjustment]

        init(_ preview: Preview) {
            self.preview = preview
            progress = preview.course.progress
            credit = preview.credit
            fees = preview.openFees
            freezes = preview.course.adjustments.filter { $0.kind == .freeze && $0.state == .pending }
        }

        /// Whether payments are left.
        var isGoingOn: Bool { progress.billedCount != preview.course.terms.length }

        mutating func add(_ charge: Charge) {
            var charge = charge
            let isBehind = charge.cycleNumber < preview.course.progress.nextCycle
            if isBehind, charge.kind == .paidFreeze, preview.invoiced[charge.cycleNumber] == nil {
                // Passed over already: the account asks for a fee only since.
                (charge.kind, charge.amount) = (.freeze, .zero)
            }
            if isBehind, !charge.kind.isSkipped {
                let invoice = preview.invoiced[charge.cycleNumber]
                planned.append(
                    PlannedCharge(
                        charge: charge, status: .billed, transactionID: invoice?.id,
                        expectedCollection: invoice.map { collected(with: $0.left) } ?? .zero,
                        paymentOptionID: preview.paymentOptionID))
                return
            }
            for freeze in freezes where freeze.effectiveDate <= charge.billingDate {
                addFee(of: .begin(freeze))
            }
            freezes.removeAll { $0.effectiveDate <= charge.billingDate }
            if charge.kind.isSkipped {
                planned.append(
                    PlannedCharge(
                        charge: charge, status: .skipped, transactionID: nil, expectedCollection: .zero,
                        paymentOptionID: nil))
                return
            }
            addFee(of: .charge(charge))
            if charge.kind.isPayment { progress.billedCount += 1 }
            planned.append(
                PlannedCharge(
                    charge: charge, status: .planned, transactionID: nil,
                    expectedCollection: charge.amount > .zero ? collected(with: charge.amount) : .zero,
                    paymentOptionID: preview.paymentOptionID))
        }

        private mutating func addFee(of step: ScheduleStep) {
            if let fee = Fees.fee(for: step, before: progress, under: preview.policy) { fees += fee.amount }
        }

        /// What is left to be collected of an invoice and the open fees once credit is used.
        private mutating func collected(with invoice: Money) -> Money {
            let owed = invoice + fees
            let used = min(credit, owed)
            credit -= used
            fees = .zero
            return owed - used
        }
    }
}
