/// What a merchant account's clock shows: the *now* that is given to every rule (spec 5.1).
public struct Moment: Hashable, Sendable {
    /// The instant.
    public var now: Timestamp
    /// The wall clock in the account's time zone at that instant.
    public var local: LocalDateTime
    /// The business date: the local date.
    public var businessDate: CalendarDate { local.date }

    /// A reading of the clock.
    public init(now: Timestamp, local: LocalDateTime) {
        self.now = now
        self.local = local
    }
}
