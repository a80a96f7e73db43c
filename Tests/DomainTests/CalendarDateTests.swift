import Testing

@testable import Domain

struct CalendarDateTests {
    /// Oracle: Python's datetime, by `Scripts/calendar-fixture`; the lengths of the months by the almanac.
    @Test func `every day of 1900 to 2200 is the one that another calendar knows`() throws {
        let years = try fixture("calendar.csv")
        #expect(years.count == 301)
        var walked = 0
        for row in years {
            let year = row.prefix(4).compactMap { Int($0) }
            try #require(year.count == 4 && row.count == 5)
            let (number, isLeap) = (year[0], year[3] == 1)
            var days = year[1]
            var weekday = year[2]
            for (index, length) in [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31].enumerated()
            {
                let month = index + 1
                guard CalendarDate.daysIn(month: month, of: number) == length else {
                    Issue.record("\(number)-\(month) has \(length) days")
                    continue
                }
                for day in 1...length {
                    let date = CalendarDate(daysSince1970: Int32(days))
                    let text = "\(number)-\(month < 10 ? "0" : "")\(month)-\(day < 10 ? "0" : "")\(day)"
                    if date.components != (number, month, day) || date.weekday != weekday
                        || date.description != text || CalendarDate(text) != date
                        || CalendarDate(year: number, month: month, day: day) != date
                    {
                        Issue.record("day \(days) is \(text), weekday \(weekday): \(date), \(date.weekday)")
                    }
                    days += 1
                    weekday = weekday % 7 + 1
                    walked += 1
                }
                #expect(CalendarDate(year: number, month: month, day: length + 1) == nil)
            }
        }
        #expect(walked == 109_938)
    }

    /// Oracle: Python's datetime, by `Scripts/calendar-fixture`, which shows the days of a year with `--show`.
    @Test func `every date, weekday and banking day of 1900 to 2200 is another calendar's`() throws {
        var date = day("1900-01-01")
        for row in try fixture("calendar.csv") {
            var lines: [UInt8] = []
            while date.components.year == Int(row[0]) {
                let banking = [1, 3].map { BankingDays.date($0, after: date).description }
                if !lines.isEmpty { lines.append(10) }
                lines += "\(date) \(date.weekday) \(banking[0]) \(banking[1])".utf8
                date = date.adding(days: 1)
            }
            if checksum(lines) != row[4] { Issue.record("year \(row[0]): Scripts/calendar-fixture --show") }
        }
        #expect(date == day("2201-01-01"))
    }

    /// Every way back is the way there: a day before, a month before, as many banking days as lie between.
    @Test func `every day of 1900 to 2200 is found from the day after it`() {
        var date = day("2200-12-31")
        var walked = 0
        while date >= day("1900-01-01") {
            let before = date.adding(days: -1)
            let (year, month, dayOfMonth) = date.components
            let (otherYear, otherMonth, otherDay) = before.components
            let isFirst = dayOfMonth == 1
            let isFollowed =
                isFirst
                ? otherDay == CalendarDate.daysIn(month: otherMonth, of: otherYear)
                    && year * 12 + month == otherYear * 12 + otherMonth + 1
                : (otherYear, otherMonth, otherDay) == (year, month, dayOfMonth - 1)
            let monthBefore = date.adding(months: -1).components
            let isClamped =
                monthBefore.year * 12 + monthBefore.month == year * 12 + month - 1
                && monthBefore.day
                    == min(dayOfMonth, CalendarDate.daysIn(month: monthBefore.month, of: monthBefore.year))
            if !(before < date) || before.adding(days: 1) != date || date.weekday != before.weekday % 7 + 1
                || !isFollowed || !isClamped || BankingDays.date(0, after: date) != date
            {
                Issue.record("\(before) and \(date)")
            }
            date = before
            walked += 1
        }
        #expect(walked == 109_938)
    }

    @Test func `the calendar goes from year 1 to year 9999`() {
        #expect(CalendarDate.earliest.description == "0001-01-01")
        #expect(CalendarDate.earliest.weekday == 1)
        #expect(CalendarDate.latest.description == "9999-12-31")
        #expect(CalendarDate.latest.weekday == 5)
        #expect(CalendarDate("0001-01-01") == .earliest)
        #expect(CalendarDate("9999-12-31") == .latest)
        #expect(CalendarDate(year: 0, month: 12, day: 31) == nil)
        #expect(CalendarDate(year: 10_000, month: 1, day: 1) == nil)
        #expect(CalendarDate(daysSince1970: -1).weekday == 3)
    }

    @Test(arguments: [
        "", "2027", "2027-1-1", "2027-01-1", "2027-01-011", "27-01-01", "2027/01/01", "20270101",
        "2027-01-32",
        "2027-02-29", "2100-02-29", "2028-02-30", "2027-04-31", "2027-00-10", "2027-13-01", "2027-01-00",
        "0000-01-01", "-027-01-01", "+027-01-01", " 2027-01-01", "2027-01-01 ", "2027-01-0a", "2027-01_01",
        "٢٠٢٧-٠١-٠١", "2027-01-01T", "2027-01-01\u{0}", "2027-01-01-", "10000-01-01",
    ])
    func `no other text is a day`(text: String) {
        #expect(CalendarDate(text) == nil)
    }

    @Test(arguments: [
        ("2027-01-31", 1, "2027-02-28"), ("2028-01-31", 1, "2028-02-29"), ("2027-01-31", 2, "2027-03-31"),
        ("2027-03-31", -1, "2027-02-28"), ("2027-12-15", 1, "2028-01-15"), ("2027-01-15", -1, "2026-12-15"),
        ("2028-02-29", 12, "2029-02-28"), ("2028-02-29", 48, "2032-02-29"), ("1896-02-29", 48, "1900-02-28"),
        ("2027-05-31", 0, "2027-05-31"), ("2027-10-31", 13, "2028-11-30"),
    ])
    func `months are added to the month, the day is clamped`(from: String, months: Int, to: String) {
        #expect(day(from).adding(months: months).description == to)
    }

    @Test func `days are added across months and years`() {
        #expect(day("2027-12-31").adding(days: 1) == day("2028-01-01"))
        #expect(day("2028-02-28").adding(days: 1) == day("2028-02-29"))
        #expect(day("1970-01-01").adding(days: -1) == day("1969-12-31"))
        #expect(day("2027-01-31") < day("2027-02-01"))
    }
}
