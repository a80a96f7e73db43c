/// What the rules need from the outside system that moves money (spec *Words*: processor).
///
/// Every call happens outside any database transaction (spec 5.6). No call throws: trouble on the way is an
/// answer too, because the money may have moved all the same.
public protocol Processor {
    /// The name under which merchant accounts choose it (`MerchantAccount.processor`), and its clearing account's.
    var name: String { get }

    /// Makes room for one who is going to wait for an answer. Called before the attempt is committed; called again, it changes
    /// nothing. Throws where there is no room: then nothing was begun.
    func enter() throws

    /// Gives the room back: the answer is there, or none is asked for.
    func leave()

    /// Carries out the orders and answers each, in the same order. An order whose key the processor has seen before is
    /// not carried out again: it gets the first answer.
    func submit(_ orders: [ProcessorOrder]) -> [ProcessorAnswer]

    /// What became of the orders with these keys of one merchant account, in the same order.
    func lookUp(account: Int64, keys: [String]) -> [ProcessorFinding]

    /// Makes sure that orders which never arrived are not carried out should they arrive later: their keys are refused for ever.
    ///
    /// Of each, in the same order: what it became, where it has arrived after all; `.notFound` when it is refused from now on;
    /// `.unreachable` when nothing is known, nor changed.
    func withdraw(account: Int64, keys: [String]) -> [ProcessorFinding]

    /// What the processor reports unasked for this merchant account and has not been acknowledged yet: returned claims
    /// and chargebacks whose date is not after `through`, oldest first, at most `limit`.
    /// Nil when the processor cannot be reached.
    func notices(account: Int64, through: CalendarDate, limit: Int) -> [ProcessorNotice]?

    /// Marks notices as taken over into our books; unknown identifiers are ignored. False when the processor cannot be reached.
    func acknowledge(account: Int64, notices: [Int64]) -> Bool
}

extension Processor {
    /// There is room for everybody.
    public func enter() throws {}

    /// Nobody took any.
    public func leave() {}
}

/// One movement of money to be made.
public struct ProcessorOrder: Sendable {
    /// What is to be done.
    public enum Kind: String, Sendable {
        /// Charge a card, in real time.
        case payment
        /// Draw from a bank account in the next batch; accepted now, may come back for some banking days.
        case claim
        /// Give back part or all of a settled payment.
        case refund
        /// Undo a payment or claim before settlement.
        case void
    }
    /// The merchant account.
    public var account: Int64
    /// Recognises a repetition: unique within the merchant account, the same at each try of one attempt.
    public var key: String
    /// What is to be done.
    public var kind: Kind
    /// How much, above zero.
    public var amount: Money
    /// ISO 4217 code of the merchant account's currency.
    public var currency: String
    /// The kind of card or bank account (spec 3.4): VC, MC, BC …
    public var accountType: String
    /// The card's or bank account's full number; in memory only. The masked one for a refund or void.
    public var accountNumber: String
    /// `MMYY` or the routing number.
    public var accountAccessory: String
    /// The holder's name.
    public var holderName: String
    /// Whether the caller sent a security code, and which; in memory only, first authorization only.
    public var securityCode: String?
    /// Which try at the same invoice this is, from 1; 1 where there is no invoice.
    public var attemptNumber: Int
    /// The key of the order that a refund or void concerns.
    public var originalKey: String?
    /// The instant by the merchant account's clock (a sandbox account's clock can be moved).
    public var now: Timestamp
    /// The merchant account's business date at that instant.
    public var businessDate: CalendarDate

    /// An order with all its particulars.
    public init(
        account: Int64, key: String, kind: Kind, amount: Money, currency: String, accountType: String,
        accountNumber: String, accountAccessory: String, holderName: String, securityCode: String? = nil,
        attemptNumber: Int = 1, originalKey: String? = nil, now: Timestamp, businessDate: CalendarDate
    ) {
        self.account = account
        self.key = key
        self.kind = kind
        self.amount = amount
        self.currency = currency
        self.accountType = accountType
        self.accountNumber = accountNumber
        self.accountAccessory = accountAccessory
        self.holderName = holderName
        self.securityCode = securityCode
        self.attemptNumber = attemptNumber
        self.originalKey = originalKey
        self.now = now
        self.businessDate = businessDate
    }
}

/// What the processor said to an order.
public struct ProcessorResponse: Hashable, Sendable {
    /// A code of spec 3.8: `A01`, `D03` …
    public var code: String
    /// The processor's words for it.
    public var message: String
    /// The authorization's code, when approved.
    public var approvalCode: String?
    /// The processor's own number for the movement.
    public var gatewayTransactionID: String
    /// How much moved: the whole amount, a part (A05) or nothing (declined).
    public var approvedAmount: Money
    /// When it said so, by the merchant account's clock.
    public var date: Timestamp

    /// An answer with all its particulars.
    public init(
        code: String, message: String, approvalCode: String?, gatewayTransactionID: String,
        approvedAmount: Money, date: Timestamp
    ) {
        self.code = code
        self.message = message
        self.approvalCode = approvalCode
        self.gatewayTransactionID = gatewayTransactionID
        self.approvedAmount = approvedAmount
        self.date = date
    }
}

/// The result of sending an order.
public enum ProcessorAnswer: Hashable, Sendable {
    /// The processor answered: approved, partly approved or declined.
    case answered(ProcessorResponse)
    /// No answer came: the money may or may not have moved (E02). The reason is for logs.
    case unknown(reason: String)
}

/// The result of asking for an order by its key.
public enum ProcessorFinding: Hashable, Sendable {
    /// The order was carried out or refused, with this answer.
    case found(ProcessorResponse)
    /// The processor never received it: it may be sent again with the same key.
    case notFound
    /// The processor cannot be asked now.
    case unreachable
}

/// What the processor reports of an earlier order without being asked.
public struct ProcessorNotice: Hashable, Sendable {
    /// The processor's number for the notice, for acknowledging it.
    public var id: Int64
    /// The key of the order it concerns.
    public var orderKey: String
    /// `Z02` chargeback, an `N` code of spec 3.8 for a returned claim or a correction.
    public var code: String
    /// The processor's words for it.
    public var message: String
    /// The amount it concerns.
    public var amount: Money
    /// The day it takes effect.
    public var date: CalendarDate
    /// The routing number that is right, where a correction (N08, N09) says it; in memory only.
    public var correctedAccessory: String?
    /// The account number that is right, likewise.
    public var correctedNumber: String?

    /// A notice with all its particulars.
    public init(
        id: Int64, orderKey: String, code: String, message: String, amount: Money, date: CalendarDate,
        correctedAccessory: String? = nil, correctedNumber: String? = nil
    ) {
        self.correctedAccessory = correctedAccessory
        self.correctedNumber = correctedNumber
        self.id = id
        self.orderKey = orderKey
        self.code = code
        self.message = message
        self.amount = amount
        self.date = date
    }
}
