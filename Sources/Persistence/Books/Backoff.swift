internal import Glibc

/// Waiting between tries: 50 ms at first, twice as long each time, 2 s at most, each shortened by up to a half at
/// random so that many processes do not try in step.
struct Backoff {
    /// Milliseconds before the next try, without the random part.
    private(set) var step = 50

    /// How long to wait before the next try, in milliseconds.
    mutating func next() -> Int {
        defer { step = min(step * 2, 2_000) }
        return Int.random(in: (step / 2)...step)
    }
}

/// A clock that never jumps, and waiting by it.
enum Pause {
    /// Milliseconds since some moment in the past.
    static func now() -> Int {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return time.tv_sec * 1_000 + time.tv_nsec / 1_000_000
    }

    /// Sleeps, also across signals.
    static func sleep(milliseconds: Int) {
        guard milliseconds > 0 else { return }
        var rest = timespec(tv_sec: milliseconds / 1_000, tv_nsec: milliseconds % 1_000 * 1_000_000)
        var left = timespec()
        while nanosleep(&rest, &left) == -1, errno == EINTR { rest = left }
    }
}
