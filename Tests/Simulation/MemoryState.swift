import Domain

/// A payment option with its number.
struct OptionRow {
    var option: PaymentOption
    var sealed: [UInt8]?
    var fingerprint: [UInt8]
    var isErased = false
}

/// A subscription with its setting aside.
struct SubscriptionRow {
    var subscription: Subscription
    var asideReason: String?
    var asideTimes = 0
    var asideUntil: Int64 = 0
}

/// An adjustment of a subscription, and when the run looks at it.
struct AdjustmentRow {
    var adjustment: SubscriptionAdjustment
    var subscriptionID: Int64
    var dueOn: CalendarDate?
}

/// A part of a credit that is or was used on a debt.
struct AllocationRow {
    var id: Int64
    var customerID: Identifier<Customer>
    var source: Int64
    var target: Int64
    var amount: Money
    var isEnded = false
}

/// An attempt with what became of it.
struct AttemptState {
    /// How far it is.
    enum Outcome {
        case open, approved, declined, abandoned
    }
    var facts: NewAttempt
    var businessDate: CalendarDate
    var outcome = Outcome.open
    var response: ProcessorResponse?
    var nextAttemptDate: CalendarDate?
    var nextLookUp: Int64
    var lookUps = 0
    var sendings = 1
}

/// What stands under a caller's key.
struct KeyRow {
    var fingerprint: [UInt8]
    var answer: FirstAnswer?
    var became: (id: Identifier<Transaction>, customer: Identifier<Customer>)?
}

/// All of the database: a value, so that a transaction works on a copy of its own and a rollback forgets it.
struct MemoryState {
    var account: MerchantAccount
    /// The account's clock, in seconds since 1970.
    var clock: Int64
    var isFrozen = false
    var vaultKey: [UInt8]?
    var customers = Table<Customer>()
    var plans = Table<Plan>()
    var options = Table<OptionRow>()
    var subscriptions = Table<SubscriptionRow>()
    var adjustments = Table<AdjustmentRow>()
    var transactions = Table<Transaction>()
    /// Ledger lines by transaction.
    var lines = Table<[LedgerLine]>()
    var allocations = Table<AllocationRow>()
    var attempts = Table<AttemptState>()
    var collections = Table<InvoiceCollection>()
    /// Looked up by key only, never walked through.
    var codes: [String: Int64] = [:]
    var keys: [String: KeyRow] = [:]
    var notices = Table<TakenNotice>()
    var signing = Table<Bool>()
    var noticesThrough: CalendarDate?
    var nextNotices: Int64?
    var ageingDate: CalendarDate?
    var ageingAfter: Int64 = 0
    var ageingThrough: CalendarDate?
    var notes = 0

    /// The account's clock as rules see it; its time zone is UTC.
    var moment: Moment {
        let day = clock >= 0 ? clock / 86_400 : (clock - 86_399) / 86_400
        return Moment(
            now: Timestamp(microsecondsSince1970: clock * 1_000_000),
            local: LocalDateTime(
                date: CalendarDate(daysSince1970: Int32(day)), secondOfDay: Int32(clock - day * 86_400)))
    }

    /// The account with its clock.
    var accountState: AccountState {
        AccountState(account: account, moment: moment, isFrozen: isFrozen)
    }
}

/// The database would have refused this: no request may get so far.
struct DatabaseRefused: Error, CustomStringConvertible {
    let constraint: String
    let detail: String
    var description: String { "the database refuses: \(constraint): \(detail)" }
}
