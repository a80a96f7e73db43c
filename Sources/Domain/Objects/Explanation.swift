/// Why a transaction has its amount and its date (spec 2.12). Both can be recomputed from it alone.
public struct Explanation: Hashable, Sendable {
    /// One figure that the rule used.
    public struct Input: Hashable, Sendable {
        public var name: String
        /// A date, a number, minor units of money, a code.
        public var value: String

        /// A figure under its name.
        public init(_ name: String, _ value: String) {
            self.name = name
            self.value = value
        }
    }

    /// Which rule made a transaction.
    public enum Rule: String, CaseIterable, Sendable {
        case charge = "subscription-charge"
        case collection, payment
        case decline
        case returned = "returned-claim"
        case chargeback
        case refund, void, reversal
        case declineFee = "decline-fee"
        case retryFee = "retry-fee"
        case enrollmentFee = "enrollment-fee"
        case freezeFee = "freeze-fee"
        case cancellationFee = "cancellation-fee"
        case chargebackFee = "chargeback-fee"
        case lateFee = "late-fee"
        case writeOff = "write-off"
        case recorded
    }

    public var transactionID: Identifier<Transaction>
    public var rule: Rule
    public var inputs: [Input] = []
    /// Sentences with figures, in the order of the computation.
    public var steps: [String] = []
    /// Who: a service user with its request, the billing run, or a notice of the processor.
    public var causedBy: String
}
