import Domain
import Testing

struct BillingCycleTests {
    /// Oracle: `schedule.csv` of the contract: first date, unit, interval, then the dates of cycles 2 to 5.
    @Test func `billing dates are those of the contract's table`() throws {
        let rows = try fixture("schedule.csv")
        #expect(rows.count == 8)
        for row in rows {
            let unit = try #require(CycleUnit(rawValue: row[1]))
            let cycle = BillingCycle(unit, every: try #require(Int(row[2])))
            let first = day(row[0])
            #expect(cycle.date(of: 1, from: first) == first)
            for (index, expected) in row[3...].enumerated() {
                #expect(cycle.date(of: index + 2, from: first) == day(expected), "\(row)")
            }
        }
    }

    /// Spec 5.1: the day of the month is the anchor's or the month's last, however many cycles lie between; a week is 7 days.
    @Test func `no schedule drifts, whatever its anchor, unit and interval`() {
        let months: [CycleUnit: Int] = [.monthly: 1, .quarterly: 3, .semiannually: 6, .annually: 12]
        let anchors = (0..<366).map { day("2027-12-01").adding(days: $0) }
        for unit in CycleUnit.allCases {
            for interval in [1, 2, 3, 5, 12, 36] {
                let cycle = BillingCycle(unit, every: interval)
                for anchor in anchors {
                    let (year, month, dayOfMonth) = anchor.components
                    for number in [1, 2, 3, 12, 13, 25, 49, 120] {
                        let date = cycle.date(of: number, from: anchor)
                        guard let step = months[unit] else {
                            if date != anchor.adding(days: 7 * interval * (number - 1)) {
                                Issue.record(
                                    "\(unit) × \(interval) from \(anchor): cycle \(number) is \(date)")
                            }
                            continue
                        }
                        let index = year * 12 + month - 1 + step * interval * (number - 1)
                        let parts = date.components
                        let last = CalendarDate.daysIn(month: index % 12 + 1, of: index / 12)
                        if parts != (index / 12, index % 12 + 1, min(dayOfMonth, last)) {
                            Issue.record("\(unit) × \(interval) from \(anchor): cycle \(number) is \(date)")
                        }
                    }
                }
            }
        }
    }

    @Test func `the dates of a schedule rise`() {
        for unit in CycleUnit.allCases {
            let cycle = BillingCycle(unit)
            let dates = (1...60).map { cycle.date(of: $0, from: day("2028-02-29")) }
            #expect(zip(dates, dates.dropFirst()).allSatisfy { $0 < $1 }, "\(unit)")
        }
    }
}
