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
    /// Who: a service user with its request, or the billing run.
    public var causedBy: String
}

/// What an explanation is built from: all of it stored, nothing of it changed since.
public struct ExplanationFacts: Sendable {
    /// What an attempt was computed from.
    public struct Attempt: Sendable {
        public var invoiceID: Identifier<Transaction>?
        public var feeIDs: [Identifier<Transaction>]
        /// Open on the invoice and on each fee when it was begun; empty for what a caller asked for.
        public var openAmounts: [Money]
        /// What the customer owed then.
        public var owed: Money?
        public var amount: Money
        /// Nil while the outcome is not known.
        public var approvedAmount: Money?
        public var number: Int
        /// The decline before, with the day for which it announced this try.
        public var previous: (id: Identifier<Transaction>, date: CalendarDate, next: CalendarDate?)?

        /// What one attempt was computed from.
        public init(
            invoiceID: Identifier<Transaction>?, feeIDs: [Identifier<Transaction>], openAmounts: [Money],
            owed: Money?, amount: Money, approvedAmount: Money?, number: Int
        ) {
            self.invoiceID = invoiceID
            self.feeIDs = feeIDs
            self.openAmounts = openAmounts
            self.owed = owed
            self.amount = amount
            self.approvedAmount = approvedAmount
            self.number = number
        }
    }

    /// Cycles before a charge that a freeze or pause kept from being payments.
    public struct Skip: Hashable, Sendable {
        public var adjustment: SubscriptionAdjustment
        public var first: Int
        public var last: Int
    }

    public var transaction: Transaction
    public var account: MerchantAccount
    public var subscription: Subscription?
    public var attempt: Attempt?
    /// What it reverses, refunds, declines, charges back or was charged for.
    public var source: Transaction?
    /// The freeze or cancellation that made it.
    public var adjustment: SubscriptionAdjustment?
    /// The freezes and pauses before it, and what they skipped.
    public var skips: [Skip] = []
    /// Which of the agreed payments it is, from 1; nil where none was skipped before it.
    public var paymentNumber: Int?
    /// What was given back of the source before.
    public var givenBefore = Money.zero
    /// What it paid, or what paid it: the first hundred.
    public var allocations: [Allocation] = []
    /// Who asked for it; nil for the billing run.
    public var actor: Actor?

    /// A transaction alone.
    public init(transaction: Transaction, account: MerchantAccount) {
        self.transaction = transaction
        self.account = account
    }
}
