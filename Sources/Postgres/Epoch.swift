/// Between our epoch, 1970-01-01, and PostgreSQL's, 2000-01-01. Infinities are the outermost values on both
/// sides.
enum Epoch {
    /// Days from 1970-01-01 to 2000-01-01.
    static let days: Int32 = 10_957
    /// Microseconds from 1970-01-01 to 2000-01-01.
    static let microseconds: Int64 = 946_684_800_000_000

    /// Days since 2000 for days since 1970. Below the server's first day the result stays below it, and the
    /// server refuses.
    static func serverDays(_ days: Int32) -> Int32 {
        if days == .max || days == .min { return days }
        let (shifted, overflow) = days.subtractingReportingOverflow(Epoch.days)
        return overflow ? .min + 1 : shifted
    }

    /// Microseconds since 2000 for microseconds since 1970; out of range as in ``serverDays(_:)``.
    static func serverMicroseconds(_ microseconds: Int64) -> Int64 {
        if microseconds == .max || microseconds == .min { return microseconds }
        let (shifted, overflow) = microseconds.subtractingReportingOverflow(Epoch.microseconds)
        return overflow ? .min + 1 : shifted
    }

    /// Days since 1970 for the server's days. The server's last day, in the year 5874897, fits.
    static func days(fromServer days: Int32) -> Int32 {
        if days == .max || days == .min { return days }
        return days + Epoch.days
    }

    /// Microseconds since 1970 for the server's microseconds. The server's last, in the year 294276, fits.
    static func microseconds(fromServer microseconds: Int64) -> Int64 {
        if microseconds == .max || microseconds == .min { return microseconds }
        return microseconds + Epoch.microseconds
    }
}
