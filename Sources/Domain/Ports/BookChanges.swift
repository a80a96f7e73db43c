/// A transaction about to be written.
public struct NewTransaction: Sendable {
    public var id: Identifier<Transaction>
    public var customerID: Identifier<Customer>
    public var facts: TransactionFacts
    public var status: TransactionStatus
    public var lines: [LedgerLine]
    /// True when a pending transaction of this id exists and is now settled; false when it is new.
    public var settlesPending: Bool
}

/// An attempt to move money, about to be committed before the processor is called (spec 5.6).
public struct NewAttempt: Sendable {
    /// What the attempt is for.
    public enum Kind: String, Sendable {
        case payment, claim, refund, void
    }

    public var customerID: Identifier<Customer>
    /// The transaction it will become.
    public var transactionID: Identifier<Transaction>
    public var kind: Kind
    /// The invoice it collects; at most one attempt may be open for it.
    public var invoiceID: Identifier<Transaction>?
    /// Fees that the run collects together with the invoice, in this order.
    public var feeIDs: [Identifier<Transaction>] = []
    /// Further invoices and fees that a caller's payment goes to, in this order: the rest of its `invoiceList` and what its
    /// subscription owes.
    public var namedIDs: [Identifier<Transaction>] = []
    public var subscriptionID: Identifier<Subscription>?
    /// The payment that a refund or void gives back.
    public var sourceID: Identifier<Transaction>?
    public var paymentOptionID: Identifier<PaymentOption>?
    public var amount: Money
    /// What was open on the invoice and on each of the fees, in this order; empty for what a caller asked for.
    public var openAmounts: [Money] = []
    /// What the customer owed: the run never takes more. Nil for what a caller asked for.
    public var owed: Money?
    public var taxAmount = Money.zero
    /// Which try at the invoice, from 1.
    public var number = 1
    public var accountType: AccountType
    public var accountMask: String
    public var accessoryShown: String
    public var holderName: String
    public var token: String?
    public var street: String?
    public var city: String?
    public var state: String?
    public var zipCode: String?
    public var address: String?
    public var phone: String?
    public var email: String?
    public var code: String?
    public var dueDate: CalendarDate
    public var invoiceList: String?
    public var creatorCode: String?
    public var note: String?

    /// All invoices and fees that it is to pay first, in this order: of each, at most one open attempt may be.
    public var debts: [Identifier<Transaction>] { (invoiceID.map { [$0] } ?? []) + feeIDs + namedIDs }

    /// The key by which the processor recognises a repetition: the same for ever for this transaction.
    public var orderKey: String { NewAttempt.orderKey(of: transactionID) }

    /// The key of the attempt that becomes this transaction.
    static func orderKey(of transaction: Identifier<Transaction>) -> String { "t\(transaction)" }
    /// The transaction that the attempt with this key becomes; nil where the key is none of ours.
    static func transaction(of orderKey: String) -> Identifier<Transaction>? {
        guard orderKey.utf8.first == UInt8(ascii: "t"), let number = Int64(orderKey.dropFirst()) else {
            return nil
        }
        return Identifier(number)
    }

    /// An attempt without its optional parts.
    public init(
        customerID: Identifier<Customer>, transactionID: Identifier<Transaction>, kind: Kind, amount: Money,
        accountType: AccountType, accountMask: String, accessoryShown: String, holderName: String,
        dueDate: CalendarDate
    ) {
        self.customerID = customerID
        self.transactionID = transactionID
        self.kind = kind
        self.amount = amount
        self.accountType = accountType
        self.accountMask = accountMask
        self.accessoryShown = accessoryShown
        self.holderName = holderName
        self.dueDate = dueDate
    }
}

/// An attempt as stored and still open.
public struct OpenAttempt: Sendable {
    public var id: Int64
    public var facts: NewAttempt
    public var businessDate: CalendarDate
    /// Whether its transaction is already shown as pending.
    public var isShownPending: Bool
    /// Whether its sender is waiting for the answer, as far as is known: it has not said that none came.
    var isOnItsWay: Bool { !isShownPending }
    /// How often it has been sent to the processor, this time included.
    public var sendings = 1
    /// The subscription whose first invoice is to use the payment, while it has none yet (spec 5.9).
    public var heldFor: Identifier<Subscription>?

    /// An open attempt.
    public init(id: Int64, facts: NewAttempt, businessDate: CalendarDate, isShownPending: Bool) {
        self.id = id
        self.facts = facts
        self.businessDate = businessDate
        self.isShownPending = isShownPending
    }
}

/// What became of an attempt.
public struct Settlement: Sendable {
    /// How it ended.
    public enum Outcome: Sendable {
        /// Money moved: all of it or a part.
        case approved(ProcessorResponse)
        /// The processor refused.
        case declined(ProcessorResponse)
        /// The processor never received it, and it is not sent again; the reason is for the caller.
        case abandoned(reason: String)
    }

    public var attemptID: Int64
    public var outcome: Outcome
    /// When the run tries again; nil when it does not.
    public var nextAttemptDate: CalendarDate?
}

/// Where the collecting of an invoice stands.
public struct InvoiceCollection: Hashable, Sendable {
    /// What the run is to do about it.
    public enum State: String, Sendable {
        /// To be collected on a day.
        case due
        /// An attempt is open.
        case open
        /// For a usable payment option.
        case waiting
        /// Collected, or left to a person.
        case closed
    }

    public var invoiceID: Identifier<Transaction>
    public var customerID: Identifier<Customer>
    public var subscriptionID: Identifier<Subscription>?
    public var state: State
    /// The day, when due.
    public var collectOn: CalendarDate?
    /// Attempts made so far.
    public var tries = 0
    /// Of them, those after a soft decline on the retry schedule.
    public var retries = 0

    /// Where the collecting of this invoice stands.
    public init(
        invoiceID: Identifier<Transaction>, customerID: Identifier<Customer>,
        subscriptionID: Identifier<Subscription>?, state: State, collectOn: CalendarDate?
    ) {
        self.invoiceID = invoiceID
        self.customerID = customerID
        self.subscriptionID = subscriptionID
        self.state = state
        self.collectOn = collectOn
    }
}

/// All that one action, or one batch of the billing run, writes into one merchant account's books.
public struct BookChanges: Sendable {
    public let accountID: Int64
    public let processor: String
    /// Under which version of the account's policy all of it is made.
    public let policyVersion: Int
    public let moment: Moment

    public private(set) var transactions: [NewTransaction] = []
    public var allocations: [NewAllocation] = []
    /// Allocations that a reversal, decline or refund ends.
    public var endedAllocations: [Int64] = []
    /// Transactions that another one undoes in whole.
    public var reversed: [Identifier<Transaction>] = []
    /// Payments that refunds undid in whole and that are final again, as one of these is undone itself.
    public var restored: [Identifier<Transaction>] = []
    /// Codes of callers for transactions that exist already under no code of their own.
    public var takenCodes: [(code: String, id: Identifier<Transaction>)] = []
    public var attempts: [NewAttempt] = []
    public var settlements: [Settlement] = []
    public var progress: [(id: Identifier<Subscription>, to: SubscriptionProgress)] = []
    /// Adjustments that moved on, with the day of what comes next of each by itself.
    public var adjustments: [(adjustment: SubscriptionAdjustment, dueOn: CalendarDate?)] = []
    public var collections: [InvoiceCollection] = []
    /// Options that were declined, with the code; a hard decline makes them inactive.
    public var declinedOptions: [(id: Identifier<PaymentOption>, code: String, isHard: Bool)] = []

    /// No change yet, under the policy of this account as it was read.
    public init(under account: MerchantAccount, at moment: Moment) {
        accountID = account.id
        processor = account.processor
        policyVersion = account.policyVersion
        self.moment = moment
    }

    /// Adds a transaction with the ledger lines that it writes. One that has no effect, or not yet, writes none.
    ///
    /// - Parameter lines: given for the types that take them from another transaction.
    public mutating func add(
        _ id: Identifier<Transaction>, of customer: Identifier<Customer>, _ facts: TransactionFacts,
        status: TransactionStatus = .final, settlesPending: Bool = false, lines: [LedgerLine]? = nil
    ) {
        var written: [LedgerLine] = []
        if status == .final {
            guard let effective = lines ?? Ledger.lines(of: facts, processor: processor) else {
                preconditionFailure("\(facts.type) needs the lines of the transaction it reverses")
            }
            written = effective
        }
        transactions.append(
            NewTransaction(
                id: id, customerID: customer, facts: facts, status: status, lines: written,
                settlesPending: settlesPending))
    }
}

/// Transactions, allocations and everything that is written with them.
public protocol TransactionStore: AnyObject {
    /// The transaction; with the outcome at the processor where there is one.
    func transaction(of customer: Identifier<Customer>, account: Int64, _ reference: Reference) throws
        -> Transaction?
    func transactions(
        of customer: Identifier<Customer>, account: Int64, _ filter: TransactionFilter, _ page: Page
    ) throws -> Found<Transaction>
    /// Transactions of any customer within reach, by id.
    func transactions(_ filter: TransactionFilter, _ page: Page) throws -> Found<Transaction>
    func allocations(of transaction: Identifier<Transaction>, account: Int64, _ page: Page) throws
        -> Found<Allocation>
    /// Numbers for transactions that are about to be written, rising.
    func reserveTransactionIDs(_ count: Int) throws -> [Identifier<Transaction>]
    /// Open debts and unused credits of these customers; held credits are marked (spec 5.9).
    func openItems(of customers: [Identifier<Customer>], account: Int64) throws -> [OpenItem]
    /// As ``openItems(of:account:)``, of those of the customers that have an unused credit: of the others nothing is to be balanced.
    func creditedItems(of customers: [Identifier<Customer>], account: Int64) throws -> [OpenItem]
    /// Open attempts of these customers.
    func openAttempts(of customers: [Identifier<Customer>], account: Int64) throws -> [OpenAttempt]
    /// The payment of this subscription's first invoice that the run made on this date and that no ~process was answered with yet;
    /// with its amount and the invoice's, which differ where fees were collected along or credit was used.
    func unclaimedSigningPayment(
        of subscription: Identifier<Subscription>, account: Int64, on date: CalendarDate
    )
        throws -> (id: Identifier<Transaction>, amount: Money, invoiced: Money)?
    /// Marks such a payment as the answer to a ~process.
    func claimSigningPayment(_ id: Identifier<Transaction>, account: Int64) throws
    /// Writes the changes. V29 when a transaction's code exists, V36 when an attempt is open for an invoice.
    func write(_ changes: BookChanges) throws
}

/// A subscription of which a charge or an adjustment is due, locked with its customer.
public struct DueSubscription: Sendable {
    public var id: Identifier<Subscription>
    public var customerID: Identifier<Customer>
    /// Its terms, how far it has come, and the adjustments that are pending or in force.
    public var course: SubscriptionCourse
    /// False for an inactive customer, of whom nothing is billed.
    public var isBilled: Bool

    /// A due subscription.
    public init(
        id: Identifier<Subscription>, customerID: Identifier<Customer>, course: SubscriptionCourse,
        isBilled: Bool = true
    ) {
        self.id = id
        self.customerID = customerID
        self.course = course
        self.isBilled = isBilled
    }
}

/// An invoice whose collecting is due, locked with its customer, with what is needed to collect it.
public struct DueCollection: Sendable {
    public var collection: InvoiceCollection
    /// What is open on the invoice.
    public var left: Money
    public var invoiceDueDate: CalendarDate
    public var customerBalance: Money
    public var customerStatus: Customer.Status
    /// The option to be charged: the subscription's while it is active, else the customer's default; nil when there is none.
    public var option: PaymentOption?

    /// A due collection.
    public init(
        collection: InvoiceCollection, left: Money, invoiceDueDate: CalendarDate, customerBalance: Money,
        customerStatus: Customer.Status, option: PaymentOption?
    ) {
        self.collection = collection
        self.left = left
        self.invoiceDueDate = invoiceDueDate
        self.customerBalance = customerBalance
        self.customerStatus = customerStatus
        self.option = option
    }
}

/// What the billing run reads (spec 5.2). Rows that another process has locked are left to it.
public protocol BillingStore: AnyObject {
    /// Whether a pass would find anything due: an adjustment, a charge, a collection, an unknown outcome to ask for, or a
    /// subscription to be taken up again. It may say so where nothing can be done now, never the other way round.
    ///
    /// - Parameter all: subscriptions that were set aside count, whether their time has come or not.
    func hasWork(account: Int64, all: Bool) throws -> Bool
    /// Whether the outcome of any attempt is open.
    func hasOpenAttempts(account: Int64) throws -> Bool
    /// Subscriptions of which an adjustment begins or ends by this date, oldest first; each locked with its customer.
    func dueAdjustments(account: Int64, through date: CalendarDate, limit: Int) throws -> [DueSubscription]
    /// Subscriptions whose billing date has come, oldest first; each locked with its customer.
    func dueSubscriptions(account: Int64, through date: CalendarDate, limit: Int) throws -> [DueSubscription]
    /// Fixed subscriptions with all payments billed become expired, and customers all of whose subscriptions ended or were
    /// cancelled; of these customers.
    func expire(customers: [Identifier<Customer>], account: Int64) throws
    /// Invoices to be collected, oldest first; each locked with its customer.
    func dueCollections(account: Int64, through date: CalendarDate, limit: Int) throws -> [DueCollection]
    /// Of these open attempts those that may be sent to the processor again: the customer and the option are active, and what
    /// they were to collect is still owed. All others would charge for nothing.
    func stillWanted(_ transactions: [Identifier<Transaction>], account: Int64) throws
        -> Set<Identifier<Transaction>>
    /// Open attempts whose outcome is to be asked for, locked; with the time of the next asking moved on.
    ///
    /// - Parameter early: those as well whose time has not come, of which the sender has noted that no answer came, or that were
    ///   asked for since they were sent.
    func attemptsToLookUp(account: Int64, limit: Int, early: Bool) throws -> [OpenAttempt]
    /// Open attempts that ``attemptsToLookUp(account:limit:early:)`` leaves alone even early: a sender has them in hand, or ended with
    /// them, and their window of doubt is not over.
    func attemptsInHand(account: Int64) throws -> Set<Identifier<Transaction>>
    /// Of these attempts those that are still open, counted as sent once more; the next asking waits for another window of
    /// doubt (``UnknownOutcome/windowOfDoubt``).
    func noteSending(_ transactions: [Identifier<Transaction>], account: Int64) throws
        -> Set<Identifier<Transaction>>
    /// These attempts, locked, as far as they are still open.
    func lockOpenAttempts(_ transactions: [Identifier<Transaction>], account: Int64) throws -> [OpenAttempt]
    /// Where the collecting of these invoices stands.
    func collections(of invoices: [Identifier<Transaction>], account: Int64) throws -> [InvoiceCollection]
    /// Those of these invoices of which the run has collected a part that was not given back.
    func partlyCollected(_ invoices: [Identifier<Transaction>], account: Int64) throws
        -> Set<Identifier<Transaction>>
    /// Sets a subscription aside whose step failed, so that it does not stop the others: for a minute, and at growing intervals
    /// for up to an hour when it fails again.
    func setAside(_ subscription: Identifier<Subscription>, account: Int64, reason: String) throws
    /// Ends the setting aside of the subscriptions whose time has come, or of all of them.
    func takeUpAgain(account: Int64, all: Bool) throws
    /// What happened in the books since a transaction id (exclusive), for ~advance.
    func counts(account: Int64, since transaction: Int64) throws -> AdvanceCounts
    /// The highest transaction id in use.
    func lastTransactionID() throws -> Int64
}
