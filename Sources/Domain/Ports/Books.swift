/// The books of the server as the actions see them: transactions of the database, one at a time.
public protocol Books: AnyObject {
    /// Runs the body in one transaction of the database: all of it is kept, or none of it when it throws.
    ///
    /// - Parameter accounts: the merchant accounts within reach; everything else does not exist inside (spec 4.1).
    func transaction<Result>(
        reaching accounts: [Int64], _ body: (any Store) throws -> Result
    ) throws -> Result

    /// Runs a body that makes one reading, or several that need not agree with each other; it locks and writes nothing.
    func reading<Result>(reaching accounts: [Int64], _ body: (any Store) throws -> Result) throws -> Result

    /// Runs the body while no billing pass of this merchant account runs anywhere and none can begin: a clock is moved.
    /// Waits for passes that have begun.
    func withoutPasses<Result>(of account: Int64, _ body: () throws -> Result) throws -> Result

    /// Lets others go on for a moment, outside of transactions; false where nobody should wait longer.
    func waitForOthers() -> Bool
}

/// Everything the actions read and write inside one transaction.
///
/// Methods that read go to the database at once. Methods that write (`insert…`, `update…`, `write`, `note…`) may be
/// held back and sent together with the next reading or with the commit; a refusal by a constraint of the database
/// comes out of that call as the `Refusal` it stands for.
public protocol Store: AccountStore, LedgerStore, CustomerStore, PlanStore, SubscriptionStore,
    TransactionStore, BillingStore, RepetitionStore, ReversalStore, RoundStore,
    ExplanationStore
{
    /// Says what will be read next, so that a store may fetch it in the round trip of its next reading, behind that. Changes nothing in
    /// what the readings give; what is foreseen in vain costs a little.
    func foresee(_ readings: [ForeseenReading], account: Int64)
}

/// A reading of a ``Store`` that is to come, within one merchant account.
public enum ForeseenReading: Sendable {
    case openItems(Identifier<Customer>)
    case openAttempts(Identifier<Customer>)
    case transactionIDs(Int)
    case paymentOptionIDs(Int)
    case paymentOption(Identifier<Customer>, Reference)
    case defaultPaymentOption(Identifier<Customer>)
    case vaultKey
}

/// A merchant account with the reading of its clock.
public struct AccountState: Sendable {
    public var account: MerchantAccount
    public var moment: Moment
    /// Whether the clock was moved and stands still.
    public var isFrozen: Bool

    /// An account and its clock.
    public init(account: MerchantAccount, moment: Moment, isFrozen: Bool) {
        self.account = account
        self.moment = moment
        self.isFrozen = isFrozen
    }
}

/// A customer whose row is locked until the transaction ends, with its merchant account and the clock.
public struct CustomerState: Sendable {
    public var customer: Customer
    public var account: MerchantAccount
    public var moment: Moment

    /// A locked customer with what the rules need beside it.
    public init(customer: Customer, account: MerchantAccount, moment: Moment) {
        self.customer = customer
        self.account = account
        self.moment = moment
    }
}

/// Who did something, for the audit log.
public struct Actor: Sendable {
    /// The service user, or `billing-run`.
    public var name: String
    public var requestID: String

    /// A service user with its request, or the billing run.
    public init(name: String, requestID: String) {
        self.name = name
        self.requestID = requestID
    }
}

/// Merchant accounts, their clocks and the audit log.
public protocol AccountStore: AnyObject {
    /// The account with its clock; nil when it does not exist within reach.
    func account(_ id: Int64) throws -> AccountState?
    /// The account, locked; nil when it does not exist within reach.
    func lockedAccount(_ id: Int64) throws -> AccountState?
    /// The accounts within reach, by number.
    func merchantAccounts(_ page: Page) throws -> Found<MerchantAccount>
    /// Writes the policy of an account that is locked: all but its number, mode, currency and clock.
    func updateAccount(_ account: MerchantAccount) throws
    /// The names of the time zones that an account may have.
    func timeZones() throws -> [String]
    /// Sets a sandbox account's clock to this wall-clock time in its zone; the new reading.
    func setClock(of account: Int64, to local: LocalDateTime) throws -> AccountState
    /// Records who did what, in the same transaction.
    func note(_ action: String, on object: String, _ id: Int64, of account: Int64, by actor: Actor) throws
}

/// The double-entry journal (spec 5.3).
public protocol LedgerStore: AnyObject {
    /// Lines by date, transaction and line: so many behind a place, from the begin where there is none.
    func ledgerEntries(
        _ range: LedgerRange, after: LedgerPosition?, offset: Int, limit: Int
    ) throws -> [LedgerEntry]
}

/// Customers and their payment options.
public protocol CustomerStore: AnyObject {
    /// The customer; nil when none is within reach. With its options and subscriptions when `complete`.
    func customer(_ reference: Reference, complete: Bool) throws -> Customer?
    /// The customer, locked, with its account and clock; nil when none is within reach.
    func lockedCustomer(_ reference: Reference) throws -> CustomerState?
    func customers(_ filter: CustomerFilter, _ page: Page) throws -> Found<Customer>
    /// Stores a new customer and answers its id. V29 when the code exists.
    func insertCustomer(
        account: Int64, code: String?, _ particulars: CustomerParticulars, status: Customer.Status,
        at moment: Moment
    ) throws -> Identifier<Customer>
    func updateCustomer(_ customer: Customer, _ particulars: CustomerParticulars, status: Customer.Status)
        throws

    func paymentOption(of customer: Identifier<Customer>, account: Int64, _ reference: Reference) throws
        -> PaymentOption?
    /// The option that stands where none is named; nil when the customer has none.
    func defaultPaymentOption(of customer: Identifier<Customer>, account: Int64) throws -> PaymentOption?
    func paymentOptions(
        of customer: Identifier<Customer>, account: Int64, _ filter: PaymentOptionFilter, _ page: Page
    ) throws -> Found<PaymentOption>
    /// Numbers for options that are about to be stored: the vault seals under them.
    func reservePaymentOptionIDs(_ count: Int) throws -> [Identifier<PaymentOption>]
    /// Stores options with their sealed numbers. V29 when a code exists.
    func insert(_ options: [NewPaymentOption]) throws
    /// Writes what may change of an option. A sealed number replaces the stored one where given.
    func updatePaymentOption(
        _ option: PaymentOption, _ particulars: PaymentOptionParticulars, accessoryShown: String,
        sealed: [UInt8]?
    ) throws
    /// Writes by what the number of a bank account is known that the bank has corrected: its mask, and its keyed hash.
    func correctNumber(of option: PaymentOption, mask: String, fingerprint: [UInt8]) throws
    /// Takes the mark from the customer's default option, if it has one.
    func clearDefaultOption(of customer: Identifier<Customer>, account: Int64) throws

    /// The account's wrapped data key; nil when it has none yet.
    func vaultKey(of account: Int64) throws -> [UInt8]?
    /// Stores the key unless another worker was quicker; the key that counts.
    func insertVaultKey(_ wrapped: [UInt8], for account: Int64) throws -> [UInt8]
    /// The sealed numbers of options, by option.
    func sealedNumbers(of options: [Identifier<PaymentOption>], account: Int64) throws
        -> [Identifier<PaymentOption>: [UInt8]]
    /// The keyed hash of an option's number; nil when it has none any more.
    func numberFingerprint(of option: Identifier<PaymentOption>, account: Int64) throws -> [UInt8]?
    /// Erases an option's number for good, and takes the option off file; its customer is locked.
    func erasePaymentOption(_ option: PaymentOption, at moment: Moment) throws
    /// What still needs this option, which is locked by its customer; nil when nothing does.
    func use(of option: PaymentOption) throws -> PaymentOptionUse?
    /// The option whose token this is, of any customer of the account.
    func paymentOption(token: String, account: Int64) throws -> PaymentOption?
    /// Invoices that waited for a usable option of this customer fall due at the next pass (spec 5.2 step 4 c).
    func wakeCollections(of customer: Identifier<Customer>, account: Int64, on date: CalendarDate) throws
}

/// What still needs a payment option.
public enum PaymentOptionUse: Hashable, Sendable {
    /// A subscription that has not ended: it names the option, or names none and the option is the customer's default.
    case subscription(Identifier<Subscription>)
    /// An attempt whose outcome is not known yet.
    case attempt(Identifier<Transaction>)
}

/// A payment option about to be stored.
public struct NewPaymentOption: Sendable {
    public var id: Identifier<PaymentOption>
    public var accountID: Int64
    public var customerID: Identifier<Customer>
    public var code: String?
    public var type: AccountType
    public var accountMask: String
    public var accessoryShown: String
    public var tokenCode: String
    public var particulars: PaymentOptionParticulars
    public var sealed: [UInt8]
    public var fingerprint: [UInt8]
    public var createDate: Timestamp

    /// An option with its sealed number.
    public init(
        id: Identifier<PaymentOption>, accountID: Int64, customerID: Identifier<Customer>, code: String?,
        type: AccountType, accountMask: String, accessoryShown: String, tokenCode: String,
        particulars: PaymentOptionParticulars, sealed: [UInt8], fingerprint: [UInt8], createDate: Timestamp
    ) {
        self.id = id
        self.accountID = accountID
        self.customerID = customerID
        self.code = code
        self.type = type
        self.accountMask = accountMask
        self.accessoryShown = accessoryShown
        self.tokenCode = tokenCode
        self.particulars = particulars
        self.sealed = sealed
        self.fingerprint = fingerprint
        self.createDate = createDate
    }
}

/// Plans.
public protocol PlanStore: AnyObject {
    /// The plan; nil when none is within reach.
    func plan(_ reference: Reference) throws -> Plan?
    /// The plan, locked; nil when none is within reach.
    func lockedPlan(_ reference: Reference) throws -> Plan?
    /// The plan of this merchant account; nil when it has none such.
    func plan(_ reference: Reference, of account: Int64) throws -> Plan?
    func plans(_ filter: PlanFilter, _ page: Page) throws -> Found<Plan>
    /// Stores a new plan and answers its id. V29 when the code exists.
    func insertPlan(account: Int64, code: String?, _ particulars: PlanParticulars, at moment: Moment) throws
        -> Identifier<Plan>
    func updatePlan(_ plan: Plan, _ particulars: PlanParticulars) throws
}

/// Subscriptions.
public protocol SubscriptionStore: AnyObject {
    func subscription(of customer: Identifier<Customer>, account: Int64, _ reference: Reference) throws
        -> Subscription?
    /// The subscription, locked; its customer is locked already.
    func lockedSubscription(of customer: Identifier<Customer>, account: Int64, _ reference: Reference) throws
        -> Subscription?
    func subscriptions(
        of customer: Identifier<Customer>, account: Int64, _ filter: SubscriptionFilter, _ page: Page
    ) throws -> Found<Subscription>
    /// Subscriptions of any customer within reach, by id.
    func subscriptions(_ filter: SubscriptionFilter, _ page: Page) throws -> Found<Subscription>
    /// Stores a new subscription and answers its id. V29 when the code exists.
    func insertSubscription(
        account: Int64, customer: Identifier<Customer>, code: String?, terms: SubscriptionTerms,
        paymentOption: Identifier<PaymentOption>?, note: String?, at moment: Moment
    ) throws -> Identifier<Subscription>
    /// Writes what may change of a subscription by ~modify.
    func updateSubscription(
        _ subscription: Subscription, paymentOption: Identifier<PaymentOption>?, note: String?
    ) throws

    /// The adjustments of a subscription, by id.
    func adjustments(of subscription: Identifier<Subscription>, account: Int64, _ page: Page) throws
        -> Found<SubscriptionAdjustment>
    /// Those that are pending or in force, and those that are over but decide cycles still to be billed, by id; read after the subscription was locked, they are what counts.
    func decidingAdjustments(of subscriptions: [Identifier<Subscription>], account: Int64) throws
        -> [Identifier<Subscription>: [SubscriptionAdjustment]]
    /// Stores a pending adjustment and answers its id; `adjustment.id` is not looked at. V30 when another one overlaps it.
    func insertAdjustment(
        _ adjustment: SubscriptionAdjustment, of subscription: Subscription, at moment: Moment
    ) throws -> Identifier<SubscriptionAdjustment>
}
