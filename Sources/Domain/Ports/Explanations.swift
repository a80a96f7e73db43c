/// What explanations read.
public protocol ExplanationStore: AnyObject {
    /// What the attempt that became this transaction was computed from; nil where there is none.
    func explainedAttempt(_ transaction: Identifier<Transaction>, account: Int64) throws
        -> ExplanationFacts.Attempt?
    /// What was refunded and charged back of a payment by transactions before this one.
    func givenBack(
        of source: Identifier<Transaction>, before transaction: Identifier<Transaction>, account: Int64
    ) throws -> Money
    /// Who asked for an adjustment of a subscription, by the audit log; nil for the billing run.
    ///
    /// - Parameter place: which adjustment of the subscription, by id, from 0.
    func actor(ofAdjustment place: Int, of subscription: Identifier<Subscription>, account: Int64) throws
        -> Actor?
    /// The cycles before this one that were billed at the agreed price.
    func billedCycles(of subscription: Identifier<Subscription>, before cycle: Int, account: Int64) throws
        -> Set<Int>
    /// Who asked for a transaction, by the audit log; nil where nobody did.
    func actor(of transaction: Identifier<Transaction>, account: Int64) throws -> Actor?
}
