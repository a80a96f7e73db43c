internal import Domain
internal import Postgres

extension LocalDateTime {
    /// A wall clock that the SQL hands over as if it were UTC: `create_date at time zone zone at time zone 'UTC'`.
    init(wallClock microseconds: Int64) {
        let seconds = Self.floor(microseconds, by: 1_000_000)
        let days = Self.floor(seconds, by: 86_400)
        self.init(
            date: CalendarDate(daysSince1970: Int32(days)), secondOfDay: Int32(seconds - days * 86_400))
    }

    /// This wall clock as a `timestamptz` in UTC; the SQL moves it into a zone:
    /// `$1::timestamptz at time zone 'UTC' at time zone zone`.
    var wallClock: Parameter {
        .timestamp((Int64(date.daysSince1970) * 86_400 + Int64(secondOfDay)) * 1_000_000)
    }

    private static func floor(_ value: Int64, by divisor: Int64) -> Int64 {
        let (quotient, remainder) = value.quotientAndRemainder(dividingBy: divisor)
        return remainder < 0 ? quotient - 1 : quotient
    }
}

extension PostgresStore {
    /// The first instant at which a wall clock in a zone shows this, as SQL. PostgreSQL takes the second one where clocks are put
    /// back over it; with the offset of the day before it is the first.
    ///
    /// ```
    ///   23:59 ── 00:00 ─────── 00:59 ─ 00:00 ─────── 00:59 ── 01:00
    ///            first                 PostgreSQL's
    /// ```
    static func firstInstant(of shown: String, in zone: String) -> String {
        let early = "((\(shown) - interval '24 hours') at time zone \(zone)) + interval '24 hours'"
        return """
            case when \(early) < \(shown) at time zone \(zone) and (\(early)) at time zone \(zone) = \(shown)
                      then \(early) else \(shown) at time zone \(zone) end
            """
    }
}

extension Row {
    /// A wall clock, see ``LocalDateTime/init(wallClock:)``.
    func localDateTime(_ column: Int) -> LocalDateTime { LocalDateTime(wallClock: microseconds(column)) }

    /// A wall clock, or null.
    func optionalLocalDateTime(_ column: Int) -> LocalDateTime? {
        optionalMicroseconds(column).map { LocalDateTime(wallClock: $0) }
    }

    /// A `date`.
    func date(_ column: Int) -> CalendarDate { CalendarDate(daysSince1970: days(column)) }

    /// A `date`, or null.
    func optionalDate(_ column: Int) -> CalendarDate? {
        optionalDays(column).map { CalendarDate(daysSince1970: $0) }
    }

    /// An amount in minor units.
    func money(_ column: Int) -> Money { Money(int(column)) }

    /// An object's number.
    func identifier<Subject>(_ column: Int) -> Identifier<Subject> { Identifier(int(column)) }

    /// An object's number, or null.
    func optionalIdentifier<Subject>(_ column: Int) -> Identifier<Subject>? {
        optionalInt(column).map { Identifier($0) }
    }

    /// A code of an enumeration; the schema's checks know the same codes.
    func code<Code: RawRepresentable>(_ column: Int) -> Code where Code.RawValue == String {
        let text = text(column)
        guard let code = Code(rawValue: text) else {
            preconditionFailure("\(Code.self) has no case for what the database allows")
        }
        return code
    }
}

extension Parameter {
    /// A `date`.
    static func day(_ date: CalendarDate?) -> Parameter { .date(date?.daysSince1970) }

    /// A `timestamptz`.
    static func instant(_ instant: Timestamp) -> Parameter { .timestamp(instant.microsecondsSince1970) }

    /// An amount in minor units.
    static func money(_ money: Money) -> Parameter { .int(money.minorUnits) }

    /// An object's number.
    static func id<Subject>(_ id: Identifier<Subject>?) -> Parameter { .int(id?.rawValue) }
}
