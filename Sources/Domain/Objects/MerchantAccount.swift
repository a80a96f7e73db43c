/// The tenant: the business that bills, with its billing policy (spec 2.11).
public struct MerchantAccount: Sendable {
    /// Whether the account's clock can be moved.
    public enum Mode: String, CaseIterable, Sendable {
        case sandbox, live
    }
    /// What happens to a subscription whose retries are used up.
    public enum Exhaustion: String, CaseIterable, Sendable {
        case none, pause, cancel
    }

    /// Its number, 1 to 2^31−1.
    public var id: Int64
    /// Its name, 1–255 characters.
    public var name: String
    public var mode: Mode
    /// IANA name; decides the business date.
    public var timeZone: String
    public var currency: Currency
    /// Which processor moves the money.
    public var processor: String
    public var balancingAlgorithm: BalancingAlgorithm
    /// Invoices are made this many days before their billing date, 0–60.
    public var invoiceLeadDays: Int
    /// Days before a billing date in which adjustments that touch it are refused, 0–30.
    public var closeSalesDays: Int
    /// Days between a soft decline and the next attempt; as many retries as entries.
    public var retryDays: [Int]
    public var onRetriesExhausted: Exhaustion
    public var lateFeeAmount: Money
    public var lateFeeGraceDays: Int
    public var softDeclineFee: Money
    public var hardDeclineFee: Money
    public var retryFee: Money
    public var chargebackFee: Money
    public var enrollmentFee: Money
    public var cancellationFee: Money
    public var freezeFlatFee: Money
    public var freezeRecurringFee: Money
    /// Days after which open invoices are written off; 0 never.
    public var writeOffDays: Int
    /// Banking days after which a claim counts as final.
    public var claimReturnDays: Int
    /// `HH:mm`: a payment before it can be voided that day, after it only refunded.
    public var settlementTime: String
    /// Counts the changes of all these fields but the name, from 1: transactions keep under which they were made (spec 2.12).
    public var policyVersion = 1

    /// A sandbox account in US dollars with the default policy.
    public init(id: Int64, name: String, currency: Currency) {
        self.id = id
        self.name = name
        self.currency = currency
        mode = .sandbox
        timeZone = "UTC"
        processor = "sandbox"
        balancingAlgorithm = .ageBased
        invoiceLeadDays = 0
        closeSalesDays = 0
        retryDays = [3, 5, 7]
        onRetriesExhausted = .none
        lateFeeAmount = .zero
        lateFeeGraceDays = 10
        softDeclineFee = .zero
        hardDeclineFee = .zero
        retryFee = .zero
        chargebackFee = .zero
        enrollmentFee = .zero
        cancellationFee = .zero
        freezeFlatFee = .zero
        freezeRecurringFee = .zero
        writeOffDays = 0
        claimReturnDays = 3
        settlementTime = "17:00"
    }
}

/// What a merchant account's clock endpoint shows (spec 2.12).
public struct AccountClock: Sendable {
    public var accountID: Int64
    public var moment: Moment
    public var timeZone: String
    /// True once the clock was moved: from then on it stands still between moves.
    public var isFrozen: Bool
    /// What ~advance did; nil for ~load.
    public var advance: AdvanceCounts?

    /// A reading of the clock, with what ~advance did where it ran.
    public init(
        accountID: Int64, moment: Moment, timeZone: String, isFrozen: Bool, advance: AdvanceCounts? = nil
    ) {
        self.accountID = accountID
        self.moment = moment
        self.timeZone = timeZone
        self.isFrozen = isFrozen
        self.advance = advance
    }
}

/// What happened while a clock was moved (spec 2.12).
public struct AdvanceCounts: Hashable, Sendable {
    public var daysRun = 0
    public var invoices = 0
    public var payments = 0
    public var declines = 0
    public var fees = 0
    public var amountCollected = Money.zero

    /// Nothing happened yet.
    public init() {}
}

/// In which order open debts are paid (spec 3.10).
public enum BalancingAlgorithm: String, CaseIterable, Sendable {
    /// Strictly oldest due first, invoices and fees alike.
    case ageBased = "AB"
    /// The oldest open invoice, then all fees, then the other invoices.
    case invoiceFirst = "IF"
}
