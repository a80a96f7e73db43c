/// The person or organization that pays; carries the balance (spec 2.1).
public struct Customer: Sendable {
    /// Where a customer stands (spec 3.7).
    public enum Status: String, CaseIterable, Sendable {
        case active = "A"
        case inactive = "I"
        case cancelled = "C"
        case expired = "E"
    }

    public var id: Identifier<Customer>
    public var accountID: Int64
    /// The caller's own identifier; nil when none was given (the id then serves as code).
    public var code: String?
    /// Wall clock of the merchant account.
    public var createDate: LocalDateTime
    public var particulars: CustomerParticulars
    /// Positive owes, negative has credit.
    public var balance: Money
    public var status: Status
    /// Rises with each change; the ETag.
    public var version: Int
    /// All payment options; nil where they were not asked for (~find).
    public var paymentOptions: [PaymentOption]?
    /// All subscriptions; nil where they were not asked for (~find).
    public var subscriptions: [Subscription]?

    /// A customer as stored.
    public init(
        id: Identifier<Customer>, accountID: Int64, code: String?, createDate: LocalDateTime,
        particulars: CustomerParticulars, balance: Money, status: Status, version: Int
    ) {
        self.id = id
        self.accountID = accountID
        self.code = code
        self.createDate = createDate
        self.particulars = particulars
        self.balance = balance
        self.status = status
        self.version = version
    }
}

/// The fields of a customer that a caller may write (spec 2.1, mode W).
public struct CustomerParticulars: Hashable, Sendable {
    public var firstName = ""
    public var lastName = ""
    public var organizationName: String?
    public var email: String?
    public var phone: String?
    public var street: String?
    public var street2: String?
    public var city: String?
    public var state: String?
    public var zipCode: String?
    public var countryCode: String?
    public var note: String?

    /// Nothing written yet.
    public init() {}
}

/// What a caller sends about a customer.
public struct CustomerForm: Sendable {
    /// The merchant account; nil leaves it to what the credentials see.
    public var accountID: Int64?
    public var code: String?
    public var particulars = CustomerParticulars()
    /// False: nothing is billed or collected.
    public var isActive = true
    public var paymentOptions: [PaymentOptionForm] = []
    public var subscriptions: [SubscriptionForm] = []
    /// The customer that is being changed; nil on ~create.
    public private(set) var stored: Customer?

    /// An empty form for ~create.
    public init() {}

    /// The form as ~modify finds it: what is stored.
    public init(_ customer: Customer) {
        accountID = customer.accountID
        code = customer.code ?? customer.id.description
        particulars = customer.particulars
        isActive = customer.status != .inactive
        stored = customer
    }
}

/// What ~find of customers filters by; nil and empty do not filter (spec 1.1).
public struct CustomerFilter: Sendable {
    /// One merchant account of those in reach.
    public var accountID: Int64?
    public var firstName: String?
    public var lastName: String?
    public var organizationName: String?
    public var email: String?
    public var phone: String?
    public var street: String?
    public var city: String?
    public var state: String?
    public var zipCode: String?
    public var countryCode: String?
    public var code: String?
    public var status: Customer.Status?
    public var createDateFrom: LocalDateTime?
    /// The first instant that is too late.
    public var createDateBefore: LocalDateTime?
    public var balanceFrom: Money?
    public var balanceTo: Money?

    /// No filter.
    public init() {}
}

/// Which part of a list is wanted (spec 4.3).
public struct Page: Hashable, Sendable {
    /// Rows to leave out, 0 or more.
    public var offset: Int
    /// Rows wanted at most, 1–1000.
    public var limit: Int
    /// The last id of the page before; the page continues behind it.
    public var after: Int64?

    /// The first hundred rows, unless said otherwise.
    public init(offset: Int = 0, limit: Int = 100, after: Int64? = nil) {
        self.offset = offset
        self.limit = limit
        self.after = after
    }
}

/// A part of a list, and whether there is more of it.
public struct Found<Item: Sendable>: Sendable {
    public var items: [Item]
    public var hasMore: Bool

    /// The rows found, of `limit` + 1 that were asked for: the surplus one says that there is more.
    public init(_ rows: [Item], page: Page) {
        hasMore = rows.count > page.limit
        items = hasMore ? Array(rows.prefix(page.limit)) : rows
    }
}
