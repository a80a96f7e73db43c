/// The unit a subscription is billed by (spec 3.1).
public enum CycleUnit: String, CaseIterable, Sendable {
    case weekly = "W"
    case monthly = "M"
    case quarterly = "Q"
    case semiannually = "S"
    case annually = "A"
}

/// How often a subscription is billed: a unit and how many of it lie between two bills.
public struct BillingCycle: Hashable, Sendable {
    /// How many units one cycle may span (spec 2.3).
    public static let intervals = 1...36

    /// The unit.
    public var unit: CycleUnit
    /// Units from one bill to the next, 1–36: weekly × 2 is biweekly.
    public var interval: Int

    /// A cycle of `interval` units.
    public init(_ unit: CycleUnit, every interval: Int = 1) {
        self.unit = unit
        self.interval = interval
    }

    /// The billing date of cycle `number` (from 1) of a schedule that began on `first` (spec 5.1).
    ///
    /// ```
    /// first 31 Jan   cycle 2        cycle 3        cycle 4
    ///   │──────────────│──────────────│──────────────│──▶
    /// 31 Jan        28/29 Feb       31 Mar         30 Apr
    /// ```
    /// Always reckoned from the anchor, never from the bill before: a short month does not shorten the later ones.
    public func date(of number: Int, from first: CalendarDate) -> CalendarDate {
        let steps = (number - 1) * interval
        return switch unit {
        case .weekly: first.adding(days: 7 * steps)
        case .monthly: first.adding(months: steps)
        case .quarterly: first.adding(months: 3 * steps)
        case .semiannually: first.adding(months: 6 * steps)
        case .annually: first.adding(months: 12 * steps)
        }
    }
}
