/// A change to a subscription, not to money: who asked for it, when and why (spec 2.5). Never deleted.
public struct SubscriptionAdjustment: Hashable, Sendable {
    /// What is changed (spec 3.5).
    public enum Kind: String, CaseIterable, Sendable {
        case freeze = "F"
        case cancellation = "C"
        case pause = "P"
    }
    /// How far it has come.
    ///
    /// ```
    /// pending ──▶ effective ──▶ ended          a cancellation stays effective for ever
    ///    └──────▶ withdrawn
    /// ```
    public enum State: String, CaseIterable, Sendable {
        /// Its day is still to come.
        case pending
        /// In force.
        case effective
        /// In force once, over now.
        case ended
        /// Taken back before its day: it never had an effect.
        case withdrawn
    }

    public var id: Identifier<SubscriptionAdjustment>
    public var createDate: LocalDateTime
    public var kind: Kind
    /// The first day it is in force.
    public var effectiveDate: CalendarDate
    /// The last day: of a freeze its last skipped billing date, of what ended early the day it ended. Before the effective date
    /// when it was withdrawn; nil while open.
    public var endDate: CalendarDate?
    /// Payments skipped; freezes only.
    public var length: Int?
    public var note: String?
    /// The service user who asked for it.
    public var creatorCode: String
    public var state: State
    /// Who ended or withdrew it, where a person did, and why.
    public var endedBy: String?
    public var endNote: String?

    /// An adjustment that is to come.
    public init(
        id: Identifier<SubscriptionAdjustment>, createDate: LocalDateTime, kind: Kind,
        effectiveDate: CalendarDate, endDate: CalendarDate? = nil, length: Int? = nil, note: String? = nil,
        creatorCode: String, state: State = .pending
    ) {
        self.id = id
        self.createDate = createDate
        self.kind = kind
        self.effectiveDate = effectiveDate
        self.endDate = endDate
        self.length = length
        self.note = note
        self.creatorCode = creatorCode
        self.state = state
    }

    /// Whether it is pending or in force, so that it has a say in what becomes of the subscription.
    public var isAlive: Bool { state == .pending || state == .effective }

    /// Whether it has a say in what is billed of this day: also when it is over, of the days on which it was in force. What was
    /// withdrawn never was.
    public func decides(_ date: CalendarDate) -> Bool { state != .withdrawn && covers(date) }

    /// Whether a day lies within it, from the effective date to the end date, both included.
    public func covers(_ date: CalendarDate) -> Bool {
        effectiveDate <= date && (endDate.map { date <= $0 } ?? true)
    }
}
