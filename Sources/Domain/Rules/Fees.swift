/// What a merchant account charges when something happens (spec 2.11, 5.5, 5.7).
public enum Fees {
    /// The fee that a step of the schedule costs, a service fee (RF): its amount, the day it is due, what it is for; nil when it costs none.
    ///
    /// - enrollment: with the first invoice of the agreed price, on its billing date;
    /// - freeze: when it begins; cancellation: when it takes effect. Not before the day it was asked for.
    public static func fee(
        for step: ScheduleStep, before progress: SubscriptionProgress, under policy: MerchantAccount
    ) -> (amount: Money, due: CalendarDate, note: String)? {
        let fee: (amount: Money, due: CalendarDate, note: String)
        switch step {
        case .charge(let charge):
            guard charge.kind.isPayment, charge.amount > .zero, progress.billedCount == 0 else { return nil }
            fee = (policy.enrollmentFee, charge.billingDate, "Enrollment fee")
        case .begin(let adjustment):
            let due = max(adjustment.effectiveDate, adjustment.createDate.date)
            switch adjustment.kind {
            case .freeze: fee = (policy.freezeFlatFee, due, "Freeze fee")
            case .cancellation: fee = (policy.cancellationFee, due, "Cancellation fee")
            case .pause: return nil
            }
        case .end: return nil
        }
        return fee.amount > .zero ? fee : nil
    }

    /// For a declined attempt.
    static func decline(isHard: Bool, by policy: MerchantAccount) -> Money {
        isHard ? policy.hardDeclineFee : policy.softDeclineFee
    }

    /// For the attempt that succeeds on the retry schedule; nothing for a first try, or for what a caller paid.
    static func retry(_ collection: InvoiceCollection?, by policy: MerchantAccount) -> Money {
        guard let collection, collection.state == .open, collection.retries > 0 else { return .zero }
        return policy.retryFee
    }

    /// Whether an invoice is late enough for the late fee, on this day and every later one:
    ///
    /// ```
    /// due 10 Jan ──────── 10 days of grace ────────▶ 20 Jan: the fee
    /// ```
    static func isLate(_ due: CalendarDate, on date: CalendarDate, by policy: MerchantAccount) -> Bool {
        policy.lateFeeAmount > .zero && due.adding(days: policy.lateFeeGraceDays) <= date
    }

    /// Whether a debt is old enough to be written off.
    static func isWrittenOff(_ due: CalendarDate, on date: CalendarDate, by policy: MerchantAccount) -> Bool {
        policy.writeOffDays > 0 && due.adding(days: policy.writeOffDays) <= date
    }
}

extension TransactionFacts {
    /// A fee that the rules charge, once for its cause: a decline, a retry, a chargeback, a late invoice.
    static func fee(
        _ type: TransactionType, _ amount: Money, for cause: Identifier<Transaction>,
        subscription: Identifier<Subscription>?, on date: CalendarDate
    ) -> TransactionFacts {
        var facts = TransactionFacts(type: type, amount: amount, dueDate: date)
        facts.sourceID = cause
        facts.subscriptionID = subscription
        facts.creatorCode = RunBilling.actor
        return facts
    }
}

extension OpenItem {
    /// A transaction that is made now: all of it is open or unused.
    init(_ id: Identifier<Transaction>, of customer: Identifier<Customer>, _ facts: TransactionFacts) {
        self.init(
            id: id, customerID: customer, type: facts.type, dueDate: facts.dueDate, left: facts.amount,
            subscriptionID: facts.subscriptionID)
    }
}
