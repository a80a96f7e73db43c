/// Fees that follow from the schedule (spec 2.11, 5.7): one service fee (RF) each when it happens.
public enum Fees {
    /// The fee that a step costs: its amount, the day it is due, what it is for; nil when it costs none.
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
}
