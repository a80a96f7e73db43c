import CLinux

/// The two clocks of the pool. Deadlines and ages use the monotonic one, which all processes of a machine
/// share and nobody can set; log lines use the other.
enum Clock {
    /// Nanoseconds since the machine started.
    static func monotonic() -> Int64 { read(CLOCK_MONOTONIC) }

    /// Milliseconds since the machine started: the unit of the scoreboard.
    static func monotonicMilliseconds() -> Int64 { read(CLOCK_MONOTONIC) / 1_000_000 }

    /// Milliseconds since 1970, UTC.
    static func unixMilliseconds() -> Int64 { read(CLOCK_REALTIME) / 1_000_000 }

    private static func read(_ clock: clockid_t) -> Int64 {
        var time = timespec()
        clock_gettime(clock, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }
}

extension Duration {
    /// Whole milliseconds, rounded down.
    var milliseconds: Int64 {
        components.seconds * 1000 + components.attoseconds / 1_000_000_000_000_000
    }
}
