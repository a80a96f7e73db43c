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

    /// The number of the first cycle whose billing date is `date` or later.
    public func firstNumber(onOrAfter date: CalendarDate, from first: CalendarDate) -> Int {
        guard date > first else { return 1 }
        let unitMonths =
            switch unit {
            case .weekly: 0
            case .monthly: 1
            case .quarterly: 3
            case .semiannually: 6
            case .annually: 12
            }
        if unitMonths == 0 {
            let days = Int(date.daysSince1970) - Int(first.daysSince1970)
            return (days + 7 * interval - 1) / (7 * interval) + 1
        }
        let (year, month, _) = date.components
        let (firstYear, firstMonth, _) = first.components
        // The cycle of the same month or the last one before it; its day may still lie before the date.
        let number = ((year - firstYear) * 12 + month - firstMonth) / (unitMonths * interval) + 1
        return self.date(of: number, from: first) < date ? number + 1 : number
    }
}
