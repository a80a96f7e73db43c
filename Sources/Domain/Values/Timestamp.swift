/// An instant, in microseconds since 1970-01-01 00:00:00 UTC.
public struct Timestamp: Hashable, Comparable, Sendable {
    /// Microseconds since 1970-01-01 00:00:00 UTC; negative before it.
    public let microsecondsSince1970: Int64

    /// The instant this many microseconds after 1970-01-01 00:00:00 UTC.
    public init(microsecondsSince1970: Int64) {
        self.microsecondsSince1970 = microsecondsSince1970
    }

    /// The instant this many seconds later (earlier when negative).
    public func adding(seconds: Int) -> Timestamp {
        Timestamp(microsecondsSince1970: microsecondsSince1970 + Int64(seconds) * 1_000_000)
    }

    /// Earlier instants come first.
    public static func < (left: Timestamp, right: Timestamp) -> Bool {
        left.microsecondsSince1970 < right.microsecondsSince1970
    }
}

/// A date and a time of day as a wall clock in some zone shows them.
public struct LocalDateTime: Hashable, Comparable, Sendable {
    /// The calendar day.
    public var date: CalendarDate
    /// Seconds since that day's midnight on the wall clock, 0 to 86,399.
    public var secondOfDay: Int32

    /// This day at this second, 0 to 86,399.
    public init(date: CalendarDate, secondOfDay: Int32 = 0) {
        self.date = date
        self.secondOfDay = secondOfDay
    }

    /// Reads `yyyy-MM-dd` (midnight) or `yyyy-MM-dd HH:mm:ss`; nil for anything else (spec 4.2).
    public init?(_ text: String) {
        let bytes = Array(text.utf8)
        guard bytes.count == 10 || bytes.count == 19, let date = CalendarDate(text.prefix(10)) else {
            return nil
        }
        self.init(date: date)
        guard bytes.count == 19 else { return }
        func two(_ at: Int) -> Int32? {
            guard (48...57).contains(bytes[at]), (48...57).contains(bytes[at + 1]) else { return nil }
            return Int32(bytes[at] - 48) * 10 + Int32(bytes[at + 1] - 48)
        }
        guard bytes[10] == 32, bytes[13] == 58, bytes[16] == 58,
            let hour = two(11), let minute = two(14), let second = two(17),
            hour < 24, minute < 60, second < 60
        else { return nil }
        secondOfDay = hour * 3600 + minute * 60 + second
    }

    /// Earlier wall-clock readings come first.
    public static func < (left: LocalDateTime, right: LocalDateTime) -> Bool {
        (left.date, left.secondOfDay) < (right.date, right.secondOfDay)
    }
}

extension LocalDateTime: CustomStringConvertible {
    /// `yyyy-MM-dd HH:mm:ss`.
    public var description: String {
        func two(_ value: Int32) -> String { value < 10 ? "0\(value)" : "\(value)" }
        return "\(date) \(two(secondOfDay / 3600)):\(two(secondOfDay / 60 % 60)):\(two(secondOfDay % 60))"
    }
}
