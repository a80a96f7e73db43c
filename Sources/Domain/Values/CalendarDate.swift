/// A day of the proleptic Gregorian calendar, without a time and without a zone.
///
/// Held as days since 1970-01-01, so that comparing and adding days are integer operations. Years 1 to 9999.
public struct CalendarDate: Hashable, Comparable, Sendable {
    /// Days since 1970-01-01; negative before it.
    public let daysSince1970: Int32

    /// The first day this server works with, 0001-01-01.
    public static let earliest = CalendarDate(daysSince1970: -719_162)
    /// The last day this server works with, 9999-12-31.
    public static let latest = CalendarDate(daysSince1970: 2_932_896)

    /// The day that lies `daysSince1970` days after 1970-01-01.
    public init(daysSince1970: Int32) {
        self.daysSince1970 = daysSince1970
    }

    /// The day with this year, month 1–12 and day of the month, or nil when the calendar has no such day.
    public init?(year: Int, month: Int, day: Int) {
        guard (1...9999).contains(year), (1...12).contains(month), day >= 1,
            day <= CalendarDate.daysIn(month: month, of: year)
        else { return nil }
        self.init(daysSince1970: CalendarDate.daysSince1970(year: year, month: month, day: day))
    }

    /// The day written as `yyyy-MM-dd`, exactly; nil for anything else.
    public init?(_ text: some StringProtocol) {
        var digits = (year: 0, month: 0, day: 0)
        var position = 0
        for byte in text.utf8 {
            if position == 4 || position == 7 {
                guard byte == UInt8(ascii: "-") else { return nil }
            } else {
                guard byte >= 48, byte <= 57 else { return nil }
                let digit = Int(byte) - 48
                switch position {
                case 0..<4: digits.year = digits.year * 10 + digit
                case 5..<7: digits.month = digits.month * 10 + digit
                default: digits.day = digits.day * 10 + digit
                }
            }
            position += 1
            if position > 10 { return nil }
        }
        guard position == 10 else { return nil }
        self.init(year: digits.year, month: digits.month, day: digits.day)
    }

    /// Year, month 1–12 and day of the month.
    public var components: (year: Int, month: Int, day: Int) {
        // Days are counted in eras of 400 years that begin on 1 March, so that the leap day comes last.
        let shifted = Int(daysSince1970) + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let marchMonth = (5 * dayOfYear + 2) / 153
        let day = dayOfYear - (153 * marchMonth + 2) / 5 + 1
        let month = marchMonth < 10 ? marchMonth + 3 : marchMonth - 9
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, day)
    }

    /// 1 for Monday to 7 for Sunday.
    public var weekday: Int {
        let fromMonday = (Int(daysSince1970) + 3) % 7
        return (fromMonday < 0 ? fromMonday + 7 : fromMonday) + 1
    }

    /// The day `days` days later (earlier when negative).
    public func adding(days: Int) -> CalendarDate {
        CalendarDate(daysSince1970: daysSince1970 + Int32(days))
    }

    /// The same day of the month `months` months later, clamped to that month's length: 31 Jan + 1 → 28 or 29 Feb.
    public func adding(months: Int) -> CalendarDate {
        let (year, month, day) = components
        let index = year * 12 + (month - 1) + months
        let targetYear = index / 12
        let targetMonth = index % 12 + 1
        let last = CalendarDate.daysIn(month: targetMonth, of: targetYear)
        return CalendarDate(
            daysSince1970: CalendarDate.daysSince1970(
                year: targetYear, month: targetMonth, day: min(day, last)))
    }

    /// The number of days in a month: 28 to 31.
    public static func daysIn(month: Int, of year: Int) -> Int {
        switch month {
        case 4, 6, 9, 11: 30
        case 2: isLeap(year) ? 29 : 28
        default: 31
        }
    }

    private static func isLeap(_ year: Int) -> Bool {
        year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
    }

    private static func daysSince1970(year: Int, month: Int, day: Int) -> Int32 {
        let marchYear = month <= 2 ? year - 1 : year
        let era = (marchYear >= 0 ? marchYear : marchYear - 399) / 400
        let yearOfEra = marchYear - era * 400
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        return Int32(era * 146_097 + dayOfEra - 719_468)
    }

    /// Earlier days come first.
    public static func < (left: CalendarDate, right: CalendarDate) -> Bool {
        left.daysSince1970 < right.daysSince1970
    }
}

extension CalendarDate: CustomStringConvertible {
    /// `yyyy-MM-dd`.
    public var description: String {
        let (year, month, day) = components
        return String(unsafeUninitializedCapacity: 10) { bytes in
            var rest = year
            for index in stride(from: 3, through: 0, by: -1) {
                bytes[index] = UInt8(48 + rest % 10)
                rest /= 10
            }
            bytes[4] = 45
            bytes[5] = UInt8(48 + month / 10)
            bytes[6] = UInt8(48 + month % 10)
            bytes[7] = 45
            bytes[8] = UInt8(48 + day / 10)
            bytes[9] = UInt8(48 + day % 10)
            return 10
        }
    }
}
