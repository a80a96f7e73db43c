/// An attempt that was settled, as a notice of the processor concerns it.
public struct NoticedAttempt: Sendable {
    public var transactionID: Identifier<Transaction>
    public var customerID: Identifier<Customer>
    /// Whether its outcome is still to be asked for.
    public var isOpen: Bool
    public var invoiceID: Identifier<Transaction>?
    public var paymentOptionID: Identifier<PaymentOption>?
    /// Whether the billing run made it.
    public var isByRun: Bool

    /// An attempt with what a notice needs.
    public init(
        transactionID: Identifier<Transaction>, customerID: Identifier<Customer>, isOpen: Bool,
        invoiceID: Identifier<Transaction>?, paymentOptionID: Identifier<PaymentOption>?, isByRun: Bool
    ) {
        self.transactionID = transactionID
        self.customerID = customerID
        self.isOpen = isOpen
        self.invoiceID = invoiceID
        self.paymentOptionID = paymentOptionID
        self.isByRun = isByRun
    }
}

/// A notice as our books keep it.
public struct TakenNotice: Sendable {
    public var notice: ProcessorNotice
    public var processor: String
    /// Nil where the processor speaks of an order that is none of ours.
    public var attempt: NoticedAttempt?
    /// What it became; nil where it has no effect on the balance.
    public var transactionID: Identifier<Transaction>?
    /// When the run tries again to collect what was returned.
    public var nextAttemptDate: CalendarDate?
}

/// An invoice that is open for some days after its due date.
public struct AgedInvoice: Sendable {
    public var id: Identifier<Transaction>
    public var customerID: Identifier<Customer>
    public var subscriptionID: Identifier<Subscription>?
    public var dueDate: CalendarDate
    /// Whether a late fee was charged for it.
    public var hasLateFee: Bool
    /// Whether it was written off before; that was reversed then.
    public var wasWrittenOff: Bool

    /// An open invoice with what its age has led to.
    public init(
        id: Identifier<Transaction>, customerID: Identifier<Customer>,
        subscriptionID: Identifier<Subscription>?, dueDate: CalendarDate, hasLateFee: Bool,
        wasWrittenOff: Bool
    ) {
        self.id = id
        self.customerID = customerID
        self.subscriptionID = subscriptionID
        self.dueDate = dueDate
        self.hasLateFee = hasLateFee
        self.wasWrittenOff = wasWrittenOff
    }
}

/// What the billing run reads and writes once in a while for a whole merchant account (spec 5.2 steps 6 and 7).
public protocol RoundStore: AnyObject {
    /// Whether it is time to ask the processor for notices: each business date, and every five minutes. Who is told so does it.
    func takeNoticeRound(account: Int64, on date: CalendarDate) throws -> Bool
    /// The attempt that becomes this transaction, its customer locked; nil where there is none.
    func noticedAttempt(_ transaction: Identifier<Transaction>, account: Int64) throws -> NoticedAttempt?
    /// Whether this notice was taken over before.
    func hasNotice(_ id: Int64, of processor: String, account: Int64) throws -> Bool
    /// Puts a notice into the books.
    func insert(_ notice: TakenNotice, account: Int64, at moment: Moment) throws

    /// The customer up to which invoices have been looked through for their age on this date, 0 where that has not begun; nil
    /// when all have been.
    func agedSoFar(account: Int64, on date: CalendarDate) throws -> Int64?
    /// They have been up to this customer; with nil, all of them on this date.
    func noteAged(account: Int64, upTo customer: Int64?, on date: CalendarDate) throws
    /// Customers, active ones, with an invoice open that was due on this date or earlier, beginning behind this one; locked.
    func customersWithAgedInvoices(
        account: Int64, due: CalendarDate, after customer: Int64, limit: Int
    ) throws -> [Identifier<Customer>]
    /// Their open invoices that were due on this date or earlier and for which no attempt is open.
    func agedInvoices(of customers: [Identifier<Customer>], account: Int64, due: CalendarDate) throws
        -> [AgedInvoice]
}
