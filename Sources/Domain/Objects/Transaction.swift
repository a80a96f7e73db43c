/// What kind of entry in a customer's account (spec 3.2).
public enum TransactionType: String, CaseIterable, Sendable {
    case invoice = "RI"
    case credit = "RC"
    case invoiceReversal = "RR"
    case serviceFee = "RF"
    case lateFee = "RL"
    case accessFee = "RA"
    case collectionsFee = "RO"
    case collectionsReturnFee = "RN"
    case creditReversal = "RX"
    case payment = "AP"
    case claim = "AC"
    case void = "AV"
    case refund = "AR"
    case decline = "AD"
    case chargeback = "AG"
    case chargebackReversal = "AS"
    case refundReversal = "AX"
    case writeOff = "AA"

    /// Whether it adds to what the customer owes; otherwise it takes away from it.
    public var isDebt: Bool {
        switch self {
        case .invoice, .serviceFee, .lateFee, .accessFee, .collectionsFee, .collectionsReturnFee,
            .creditReversal,
            .void, .refund, .decline, .chargeback:
            true
        case .credit, .invoiceReversal, .payment, .claim, .chargebackReversal, .refundReversal, .writeOff:
            false
        }
    }

    /// Whether it is one of the fees, which balancing treats apart from invoices (spec 3.10).
    public var isFee: Bool {
        switch self {
        case .serviceFee, .lateFee, .accessFee, .collectionsFee, .collectionsReturnFee: true
        default: false
        }
    }
}

/// Whether a transaction counts (spec 3.9).
public enum TransactionStatus: String, CaseIterable, Sendable {
    case final, pending, declined, reversed
}

/// An entry in a customer's account (spec 2.6).
public struct Transaction: Sendable {
    public var id: Identifier<Transaction>
    public var accountID: Int64
    public var customerID: Identifier<Customer>
    public var createDate: LocalDateTime
    public var facts: TransactionFacts
    public var balance: Money
    public var status: TransactionStatus
    public var processing: ProcessingOutcome?

    /// A transaction as stored.
    public init(
        id: Identifier<Transaction>, accountID: Int64, customerID: Identifier<Customer>,
        createDate: LocalDateTime,
        facts: TransactionFacts, balance: Money, status: TransactionStatus, processing: ProcessingOutcome?
    ) {
        self.id = id
        self.accountID = accountID
        self.customerID = customerID
        self.createDate = createDate
        self.facts = facts
        self.balance = balance
        self.status = status
        self.processing = processing
    }
}

/// What a transaction says; it never changes.
public struct TransactionFacts: Sendable {
    public var type: TransactionType
    public var code: String?
    public var accountType: AccountType?
    public var accountMask: String?
    public var amount: Money
    public var taxAmount = Money.zero
    public var feeAmount = Money.zero
    public var dueDate: CalendarDate
    public var subscriptionID: Identifier<Subscription>?
    public var cycleNumber: Int?
    public var sourceID: Identifier<Transaction>?
    public var attemptID: Int64?
    public var adjustmentID: Int64?
    public var invoiceList: String?
    public var creatorCode: String?
    public var note: String?

    /// Whether a caller made it as a payment for its subscription: then it waits for that one's first bill (spec 2.6, 2.7, 5.9). What the
    /// run collected is for an invoice; a write-off brings nothing and forgives what is owed.
    var isForSubscription: Bool {
        (type == .payment || type == .claim) && accountType != .writeOff && subscriptionID != nil
            && creatorCode != RunBilling.actor
    }

    /// The least a transaction says.
    public init(type: TransactionType, amount: Money, dueDate: CalendarDate) {
        self.type = type
        self.amount = amount
        self.dueDate = dueDate
    }
}

/// What the processor said, as an answer shows it (spec 2.8).
public struct ProcessingOutcome: Sendable {
    public var id: Int64
    public var createDate: LocalDateTime
    public var holderName: String
    public var accountMask: String
    public var accessoryShown: String
    public var token: String?
    public var street: String?
    public var city: String?
    public var state: String?
    public var zipCode: String?
    public var address: String?
    public var phone: String?
    public var email: String?
    public var responseCode: String?
    public var responseMessage: String?
    public var responseDate: LocalDateTime?
    public var approvalCode: String?
    public var gatewayTransactionID: String?
    public var attemptNumber: Int
    public var nextAttemptDate: CalendarDate?

    /// The outcome of one attempt; what is not known yet is nil.
    public init(
        id: Int64, createDate: LocalDateTime, holderName: String, accountMask: String, accessoryShown: String,
        attemptNumber: Int
    ) {
        self.id = id
        self.createDate = createDate
        self.holderName = holderName
        self.accountMask = accountMask
        self.accessoryShown = accessoryShown
        self.attemptNumber = attemptNumber
    }
}

/// What a caller sends to record an entry (spec 1.5 ~create).
public struct TransactionForm: Sendable {
    public var type: TransactionType?
    public var accountType: AccountType?
    public var code: String?
    public var amount: Money?
    public var taxAmount: Money?
    public var feeAmount: Money?
    public var dueDate: CalendarDate?
    public var subscription: Reference?
    public var source: Reference?
    public var invoiceList: String?
    public var creatorCode: String?
    public var note: String?

    /// An empty form.
    public init() {}
}

/// What a caller sends to run a payment at the processor (spec 2.7).
public struct ProcessingRequest: Sendable {
    public var type = TransactionType.payment
    public var amount: Money?
    public var taxAmount: Money?
    public var code: String?
    public var dueDate: CalendarDate?
    public var note: String?
    public var creatorCode: String?
    public var invoiceList: String?
    public var source: Reference?
    public var subscription: Reference?
    public var savePaymentOption = false
    public var paymentOption: Reference?
    public var token: String?
    public var accountType: AccountType?
    public var accountNumber: String?
    public var accountAccessory: String?
    public var csc: String?
    public var holderName: String?
    public var street: String?
    public var city: String?
    public var state: String?
    public var zipCode: String?
    public var phone: String?
    public var email: String?

    /// An empty request.
    public init() {}
}

/// What ~find of transactions filters by (spec 1.5).
public struct TransactionFilter: Sendable {
    /// One merchant account of those in reach.
    public var accountID: Int64?
    /// One customer.
    public var customer: Reference?
    public var createDateFrom: LocalDateTime?
    /// The first instant that is too late.
    public var createDateBefore: LocalDateTime?
    public var type: TransactionType?
    public var subscription: Reference?
    public var dueDateFrom: CalendarDate?
    public var dueDateTo: CalendarDate?
    /// True finds what is still open or unused, false what is not.
    public var isOpen: Bool?

    /// No filter.
    public init() {}
}

/// A part of one transaction's balance used against another's (spec 2.9).
public struct Allocation: Sendable {
    public var id: Int64
    public var createDate: LocalDateTime
    public var sourceID: Identifier<Transaction>
    public var sourceType: TransactionType
    public var targetID: Identifier<Transaction>
    public var targetType: TransactionType
    public var amount: Money
    /// When a reversal ended it; nil while it lives.
    public var endDate: LocalDateTime?

    /// An allocation as stored.
    public init(
        id: Int64, createDate: LocalDateTime, sourceID: Identifier<Transaction>, sourceType: TransactionType,
        targetID: Identifier<Transaction>, targetType: TransactionType, amount: Money, endDate: LocalDateTime?
    ) {
        self.id = id
        self.createDate = createDate
        self.sourceID = sourceID
        self.sourceType = sourceType
        self.targetID = targetID
        self.targetType = targetType
        self.amount = amount
        self.endDate = endDate
    }
}
