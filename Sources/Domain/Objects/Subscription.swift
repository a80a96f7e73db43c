/// One customer's agreement to be charged (spec 2.4).
public struct Subscription: Sendable {
    /// Where a subscription stands (spec 3.3).
    public enum Status: String, CaseIterable, Sendable {
        case unbilled = "U"
        case current = "C"
        case frozen = "F"
        case paused = "P"
        case cancelled = "N"
        case expired = "E"

        /// Whether it may move there; the database refuses the rest too.
        public func mayBecome(_ next: Status) -> Bool {
            switch (self, next) {
            case (.unbilled, .current), (.unbilled, .frozen), (.current, .frozen), (.frozen, .current),
                (.unbilled, .paused), (.current, .paused), (.paused, .current), (.paused, .unbilled),
                (.current, .expired):
                true
            case (.unbilled, .cancelled), (.current, .cancelled), (.frozen, .cancelled),
                (.paused, .cancelled):
                true
            default: false
            }
        }
    }

    public var id: Identifier<Subscription>
    public var accountID: Int64
    public var customerID: Identifier<Customer>
    public var code: String?
    public var createDate: LocalDateTime
    public var terms: SubscriptionTerms
    public var paymentOptionID: Identifier<PaymentOption>?
    public var note: String?
    public var progress: SubscriptionProgress
    /// Bills that are fully paid, by money or credit; one that was written off or waived by an allowance is not.
    public var collectedCount: Int
    /// What is scheduled to come next of cancellation, freeze and pause; nil when nothing is.
    public var pendingAdjustment: SubscriptionAdjustment.Kind?
    /// The merchant account's: invoices are made this many days before their billing date.
    public var invoiceLeadDays = 0
    /// All adjustments by id, as ~load shows them; nil elsewhere.
    public var adjustments: [SubscriptionAdjustment]?
    public var version: Int

    /// When its first invoice is made; nil where that is the billing date itself (spec 2.4).
    public var firstInvoicingDate: CalendarDate? {
        invoiceLeadDays > 0 ? terms.firstBillingDate.adding(days: -invoiceLeadDays) : nil
    }
    /// When its next invoice is made; nil likewise.
    public var nextInvoicingDate: CalendarDate? {
        invoiceLeadDays > 0 ? progress.nextBillingDate?.adding(days: -invoiceLeadDays) : nil
    }

    /// A subscription as stored.
    public init(
        id: Identifier<Subscription>, accountID: Int64, customerID: Identifier<Customer>, code: String?,
        createDate: LocalDateTime, terms: SubscriptionTerms, paymentOptionID: Identifier<PaymentOption>?,
        note: String?, progress: SubscriptionProgress, collectedCount: Int, version: Int
    ) {
        self.id = id
        self.accountID = accountID
        self.customerID = customerID
        self.code = code
        self.createDate = createDate
        self.terms = terms
        self.paymentOptionID = paymentOptionID
        self.note = note
        self.progress = progress
        self.collectedCount = collectedCount
        self.version = version
    }
}

/// What was agreed: fixed when the subscription is created, changed never.
public struct SubscriptionTerms: Hashable, Sendable {
    public var planID: Identifier<Plan>?
    public var planName: String?
    public var cycle: BillingCycle
    public var amount: Money
    public var taxAmount: Money
    /// Anchors the cycle for ever.
    public var firstBillingDate: CalendarDate
    /// Number of payments; nil is perpetual.
    public var length: Int?

    /// Terms with all their parts.
    public init(
        planID: Identifier<Plan>? = nil, planName: String? = nil, cycle: BillingCycle, amount: Money,
        taxAmount: Money = .zero, firstBillingDate: CalendarDate, length: Int? = nil
    ) {
        self.planID = planID
        self.planName = planName
        self.cycle = cycle
        self.amount = amount
        self.taxAmount = taxAmount
        self.firstBillingDate = firstBillingDate
        self.length = length
    }
}

/// How far a subscription has come.
public struct SubscriptionProgress: Hashable, Sendable {
    public var status: Subscription.Status
    /// The number of the next cycle that is to be billed, from 1; it counts cycles from the anchor, and passes over those that a
    /// freeze skips. Where nothing more will be billed, the first one that is not.
    public var nextCycle: Int
    /// Nil when nothing more will be billed as far as is known: ended, paused, or cancelled from a day before it.
    public var nextBillingDate: CalendarDate?
    /// The billing date of the last invoice, a freeze's fee included.
    public var lastBillingDate: CalendarDate?
    /// Payments billed so far; a freeze's fee is none.
    public var billedCount: Int

    /// A progress with all its parts.
    public init(
        status: Subscription.Status, nextCycle: Int, nextBillingDate: CalendarDate?,
        lastBillingDate: CalendarDate?, billedCount: Int
    ) {
        self.status = status
        self.nextCycle = nextCycle
        self.nextBillingDate = nextBillingDate
        self.lastBillingDate = lastBillingDate
        self.billedCount = billedCount
    }

    /// Whether its first bill is still to come, be it put off by a freeze or pause: payments for it wait for that (spec 5.9).
    public var awaitsFirstBill: Bool { lastBillingDate == nil && status != .cancelled && status != .expired }

    /// The progress of a subscription that begins on `first`.
    public init(beginningOn first: CalendarDate) {
        self.init(
            status: .unbilled, nextCycle: 1, nextBillingDate: first, lastBillingDate: nil, billedCount: 0)
    }
}

/// What a caller sends about a subscription.
public struct SubscriptionForm: Sendable {
    public var code: String?
    public var plan: Reference?
    public var cycleUnit: CycleUnit?
    public var interval: Int?
    public var amount: Money?
    public var taxAmount: Money?
    public var firstBillingDate: CalendarDate?
    public var length: Int?
    public var paymentOption: Reference?
    public var note: String?

    /// An empty form for ~create.
    public init() {}

    /// The form as ~modify finds it: what is stored.
    ///
    /// - Parameter plan: the plan as the caller names it, which may be its code.
    public init(_ subscription: Subscription, plan: Reference?) {
        code = subscription.code ?? subscription.id.description
        self.plan = plan
        cycleUnit = subscription.terms.cycle.unit
        interval = subscription.terms.cycle.interval
        amount = subscription.terms.amount
        taxAmount = subscription.terms.taxAmount
        firstBillingDate = subscription.terms.firstBillingDate
        length = subscription.terms.length
        paymentOption = subscription.paymentOptionID.map { .id($0.rawValue) }
        note = subscription.note
    }
}

/// What ~find of subscriptions filters by (spec 1.4).
public struct SubscriptionFilter: Sendable {
    /// One merchant account of those in reach.
    public var accountID: Int64?
    /// One customer.
    public var customer: Reference?
    public var cycleUnit: CycleUnit?
    public var createDateFrom: LocalDateTime?
    /// The first instant that is too late.
    public var createDateBefore: LocalDateTime?
    public var lastBillingDateFrom: CalendarDate?
    public var lastBillingDateTo: CalendarDate?
    public var nextBillingDateFrom: CalendarDate?
    public var nextBillingDateTo: CalendarDate?
    public var amountFrom: Money?
    public var amountTo: Money?
    public var plan: Reference?
    /// A letter of spec 3.3; the letters this server never sets (D, S) find nothing.
    public var status: String?

    /// No filter.
    public init() {}
}
