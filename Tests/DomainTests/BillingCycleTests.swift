import Domain
import Glibc
import Testing

/// What a program prints, in the package's folder; nil when it fails.
private func printed(_ command: String) -> [UInt8]? {
    let folder = #filePath.split(separator: "/").dropLast(3).joined(separator: "/")
    guard let pipe = popen("cd '/\(folder)' && \(command) 2>/dev/null", "r") else { return nil }
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 65_536)
    while case let count = fread(&buffer, 1, buffer.count, pipe), count > 0 { bytes += buffer[..<count] }
    return pclose(pipe) == 0 ? bytes : nil
}

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
            let expected = row[3...].joined(separator: " ")
            let got = (2...5).map { cycle.date(of: $0, from: first).description }.joined(separator: " ")
            print("schedule: \(row[..<3].joined(separator: " ")): expected \(expected), got \(got)")
            #expect(got == expected, "\(row)")
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

    /// Oracle: python-dateutil, by `Scripts/billing-dates-fixture`.
    @Test func `every start day of seven years has the dates of another calendar`() throws {
        let rows = try fixture("billing-dates.csv")
        // 2,557 days × 5 cycles; 163 days × 5 cycles × 6 intervals.
        #expect(rows.count == 17_675)
        var wrong: [String] = []
        for row in rows {
            let unit = try #require(CycleUnit(rawValue: row[1]))
            let cycle = BillingCycle(unit, every: try #require(Int(row[2])))
            let first = day(row[0])
            var lines: [UInt8] = []
            lines.reserveCapacity(440)
            for number in 1...40 {
                if number > 1 { lines.append(10) }
                lines += cycle.date(of: number, from: first).description.utf8
            }
            if checksum(lines) != row[3] { wrong.append(row[..<3].joined(separator: " ")) }
        }
        for row in wrong.prefix(20) { Issue.record("Scripts/billing-dates-fixture --show \(row)") }
        #expect(wrong.isEmpty, "\(wrong.count) of \(rows.count)")
    }

    @Test(
        .enabled(
            if: printed("python3 -c 'import dateutil.relativedelta'") != nil, "needs python3-dateutil"))
    func `the script writes the same billing dates again`() throws {
        let fresh = try #require(printed("Scripts/billing-dates-fixture --print"))
        #expect(fresh.count > 400_000)
        #expect(printed("cat Tests/DomainTests/Fixtures/billing-dates.csv") == fresh)
        let shown = try #require(printed("Scripts/billing-dates-fixture --show 2024-01-31 M 1"))
        #expect(String(decoding: shown, as: UTF8.self).hasPrefix("2024-01-31\n2024-02-29\n2024-03-31\n"))
    }

    /// Oracle: counting through the dates themselves, day by day.
    @Test func `the first cycle on or after a day is found by counting, for every day`() {
        var days = 0
        for unit in CycleUnit.allCases {
            for interval in [1, 2, 3, 5, 7, 12, 36] {
                let cycle = BillingCycle(unit, every: interval)
                for first in ["2023-03-15", "2023-12-31", "2024-01-30", "2024-02-29", "2025-08-31"].map(day) {
                    var number = 1
                    var next = cycle.date(of: number, from: first)
                    var date = first.adding(days: -40)
                    for _ in 0..<1_200 {
                        while next < date {
                            number += 1
                            next = cycle.date(of: number, from: first)
                        }
                        let found = cycle.firstNumber(onOrAfter: date, from: first)
                        if found != number {
                            Issue.record(
                                "\(unit) × \(interval) from \(first), \(date): \(found), not \(number)")
                        }
                        date = date.adding(days: 1)
                        days += 1
                    }
                    // Far away, where a rounding error would have grown: the day before, the day, and the day after.
                    for number in [25, 40, 60] {
                        let far = cycle.date(of: number, from: first)
                        let around = [-1, 0, 1].map {
                            cycle.firstNumber(onOrAfter: far.adding(days: $0), from: first)
                        }
                        #expect(
                            around == [number, number, number + 1], "\(unit) × \(interval) from \(first)")
                    }
                }
            }
        }
        #expect(days == 210_000)
    }
}
