/// What explanations read.
public protocol ExplanationStore: AnyObject {
    /// When and under which policy a transaction was made, and at whose request; nil where it is out of reach.
    func origin(of transaction: Identifier<Transaction>, account: Int64) throws -> ExplanationFacts.Origin?
    /// The account with this version of its policy; nil when there is none such.
    func account(_ id: Int64, policyVersion: Int) throws -> MerchantAccount?
    /// What the attempt that became this transaction was computed from; nil where there is none.
    func explainedAttempt(_ transaction: Identifier<Transaction>, account: Int64) throws
        -> ExplanationFacts.Attempt?
    /// The declines and returns of what the run tried to collect of an invoice, before a transaction, oldest first.
    func declines(
        of invoice: Identifier<Transaction>, before transaction: Identifier<Transaction>, account: Int64
    ) throws -> [ExplanationFacts.Decline]
    /// What was refunded and charged back of a payment by transactions before this one.
    func givenBack(
        of source: Identifier<Transaction>, before transaction: Identifier<Transaction>, account: Int64
    ) throws -> ExplanationFacts.GivenBack
    /// What had been paid of an invoice when this transaction wrote the rest off.
    func paid(
        of invoice: Identifier<Transaction>, before writeOff: Identifier<Transaction>, account: Int64
    ) throws -> Money
    /// Who asked for an adjustment of a subscription, by the audit log; nil for the billing run.
    ///
    /// - Parameter place: which adjustment of the subscription, by id, from 0.
    func actor(ofAdjustment place: Int, of subscription: Identifier<Subscription>, account: Int64) throws
        -> Actor?
    /// The cycles before this one that were billed at the agreed price.
    func billedCycles(of subscription: Identifier<Subscription>, before cycle: Int, account: Int64) throws
        -> Set<Int>
}
