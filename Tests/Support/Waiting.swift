internal import Glibc

/// Waits until a condition holds, looking every few milliseconds; false when the time is over.
///
/// Tests wait for what they need, never for a time.
public func waitUntil(timeout seconds: Double = 10, _ condition: () throws -> Bool) rethrows -> Bool {
    let end = monotonicSeconds() + seconds
    while true {
        if try condition() { return true }
        if monotonicSeconds() >= end { return false }
        poll(nil, 0, 2)
    }
}

/// Seconds of a clock that never jumps, for time-outs and measurements.
public func monotonicSeconds() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
}

/// What kept a test's surroundings from coming about.
public struct SetupFailure: Error, CustomStringConvertible {
    /// What was tried, and what came of it.
    public let description: String

    /// Describes a failure.
    public init(_ description: String) { self.description = description }

    /// A system call that failed, with the reason in `errno`.
    static func systemCall(_ name: String, code: Int32 = errno) -> SetupFailure {
        SetupFailure("\(name): \(String(cString: strerror(code)))")
    }
}
