import Domain

/// Billing dates counted a second time and in another way (spec 5.1), so that an error of the schedule cannot hide in the checker.
enum Almanac {
    /// The date of a cycle: month by month from the anchor, the day cut to the month.
    static func date(of cycle: Int, _ terms: SubscriptionTerms) -> CalendarDate {
        let first = terms.firstBillingDate
        let steps = (cycle - 1) * terms.cycle.interval
        let months: Int
        switch terms.cycle.unit {
        case .weekly: return CalendarDate(daysSince1970: first.daysSince1970 + Int32(steps * 7))
        case .monthly: months = steps
        case .quarterly: months = steps * 3
        case .semiannually: months = steps * 6
        case .annually: months = steps * 12
        }
        var (year, month, day) = first.components
        for _ in 0..<months {
            month += 1
            if month > 12 { (year, month) = (year + 1, 1) }
        }
        while day > 0 {
            if let date = CalendarDate(year: year, month: month, day: day) { return date }
            day -= 1
        }
        preconditionFailure("every month has a first day")
    }
}
