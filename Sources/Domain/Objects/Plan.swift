/// Reusable price and frequency (spec 2.3).
public struct Plan: Sendable {
    public var id: Identifier<Plan>
    public var accountID: Int64
    public var code: String?
    public var createDate: LocalDateTime
    public var particulars: PlanParticulars
    public var version: Int

    /// A plan as stored.
    public init(
        id: Identifier<Plan>, accountID: Int64, code: String?, createDate: LocalDateTime,
        particulars: PlanParticulars, version: Int
    ) {
        self.id = id
        self.accountID = accountID
        self.code = code
        self.createDate = createDate
        self.particulars = particulars
        self.version = version
    }
}

/// The fields of a plan that a caller may write (spec 2.3, mode W).
public struct PlanParticulars: Hashable, Sendable {
    public var name = ""
    public var cycle = BillingCycle(.monthly)
    /// The total of each billing.
    public var amount = Money.zero
    /// The part of the amount that is tax.
    public var taxAmount = Money.zero
    /// An inactive plan takes no new subscriptions.
    public var isActive = true

    /// Nothing written yet.
    public init() {}
}

/// What a caller sends about a plan.
public struct PlanForm: Sendable {
    public var accountID: Int64?
    public var code: String?
    public var particulars = PlanParticulars()

    /// An empty form for ~create.
    public init() {}

    /// The form as ~modify finds it: what is stored.
    public init(_ plan: Plan) {
        accountID = plan.accountID
        code = plan.code ?? plan.id.description
        particulars = plan.particulars
    }
}

/// What ~find of plans filters by (spec 1.3).
public struct PlanFilter: Sendable {
    public var accountID: Int64?
    public var name: String?
    public var cycleUnit: CycleUnit?
    public var createDateFrom: LocalDateTime?
    /// The first instant that is too late.
    public var createDateBefore: LocalDateTime?
    public var amountFrom: Money?
    public var amountTo: Money?
    public var isActive: Bool?
    public var code: String?

    /// No filter.
    public init() {}
}
