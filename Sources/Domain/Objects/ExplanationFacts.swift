/// What an explanation is built from: all of it stored, nothing of it changed since.
public struct ExplanationFacts: Sendable {
    /// Where a transaction comes from.
    public struct Origin: Sendable {
        /// Under which version of the account's policy it was made.
        public var policyVersion: Int
        /// The account's date when it was made.
        public var businessDate: CalendarDate
        /// The request that asked for it, and for what: `create`, `process`, `reverse`; nil where no caller did.
        public var request: (actor: Actor, action: String)?
        /// The processor's notice that made it, with the amount that it names.
        public var notice: (id: Int64, amount: Money)?

        /// Made on this date under this policy.
        public init(policyVersion: Int, businessDate: CalendarDate) {
            self.policyVersion = policyVersion
            self.businessDate = businessDate
        }
    }

    /// What an attempt was computed from.
    public struct Attempt: Sendable {
        public var kind: NewAttempt.Kind
        public var invoiceID: Identifier<Transaction>?
        public var feeIDs: [Identifier<Transaction>]
        /// What the invoice and each fee amount to.
        public var fullAmounts: [Money]
        /// Open on the invoice and on each fee when it was begun; empty for what a caller asked for.
        public var openAmounts: [Money]
        /// What the customer owed then; nil for what a caller asked for.
        public var owed: Money?
        public var amount: Money
        public var taxAmount: Money
        public var dueDate: CalendarDate
        /// Nil while the outcome is not known.
        public var approvedAmount: Money?
        /// Which try at the invoice, from 1.
        public var number: Int
        /// When the invoice is due that it collects.
        public var invoiceDueDate: CalendarDate?
        /// The business date on which its outcome came into the books: retries are counted from it.
        public var settledOn: CalendarDate

        /// What one attempt was computed from.
        public init(
            kind: NewAttempt.Kind, invoiceID: Identifier<Transaction>?, feeIDs: [Identifier<Transaction>],
            fullAmounts: [Money], openAmounts: [Money], owed: Money?, amount: Money, taxAmount: Money,
            dueDate: CalendarDate, approvedAmount: Money?, number: Int, invoiceDueDate: CalendarDate?,
            settledOn: CalendarDate
        ) {
            self.kind = kind
            self.invoiceID = invoiceID
            self.feeIDs = feeIDs
            self.fullAmounts = fullAmounts
            self.openAmounts = openAmounts
            self.owed = owed
            self.amount = amount
            self.taxAmount = taxAmount
            self.dueDate = dueDate
            self.approvedAmount = approvedAmount
            self.number = number
            self.invoiceDueDate = invoiceDueDate
            self.settledOn = settledOn
        }
    }

    /// A try of the run at an invoice that was declined, or a claim for it that came back.
    public struct Decline: Hashable, Sendable {
        public var id: Identifier<Transaction>
        /// The business date from which the retry is counted.
        public var date: CalendarDate
        /// When it was announced to be tried again; nil after a hard decline and after the last retry.
        public var next: CalendarDate?
        /// The account's retryDays then.
        public var retryDays: [Int]

        /// A decline as stored.
        public init(
            id: Identifier<Transaction>, date: CalendarDate, next: CalendarDate?, retryDays: [Int]
        ) {
            self.id = id
            self.date = date
            self.next = next
            self.retryDays = retryDays
        }
    }

    /// What was given back of a payment before a transaction.
    public struct GivenBack: Hashable, Sendable {
        public var refunded = Money.zero
        /// The tax in that.
        public var refundedTax = Money.zero
        public var chargedBack = Money.zero
        /// What of its credit was paid out by refunds that name no payment.
        public var paidOut = Money.zero

        /// Nothing.
        public init() {}

        /// All of it.
        var total: Money { refunded + chargedBack + paidOut }
    }

    /// Cycles before a charge that a freeze or pause kept from being payments.
    public struct Skip: Hashable, Sendable {
        public var adjustment: SubscriptionAdjustment
        public var first: Int
        public var last: Int
    }

    public var transaction: Transaction
    public var origin: Origin
    /// The account with the policy under which the transaction was made.
    public var account: MerchantAccount
    public var subscription: Subscription?
    /// What the schedule says of its cycle, by the adjustments of then.
    public var charge: Charge?
    public var attempt: Attempt?
    /// Earlier declines of the invoice that is collected, oldest first.
    public var declines: [Decline] = []
    /// What it reverses, refunds, declines, charges back or was charged for.
    public var source: Transaction?
    /// The freeze or cancellation that made it.
    public var adjustment: SubscriptionAdjustment?
    /// The freezes and pauses before it, and what they skipped.
    public var skips: [Skip] = []
    /// Which of the agreed payments it is, from 1; nil where it is none.
    public var paymentNumber: Int?
    /// What was given back of the source before.
    public var givenBack = GivenBack()
    /// What had been paid of the source when that was written off.
    public var paidBefore = Money.zero
    /// What it paid, or what paid it: the first hundred.
    public var allocations: [Allocation] = []

    /// A transaction alone.
    public init(transaction: Transaction, origin: Origin, account: MerchantAccount) {
        self.transaction = transaction
        self.origin = origin
        self.account = account
    }
}
