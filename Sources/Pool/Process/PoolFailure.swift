import Glibc

/// Why the pool cannot start, as one sentence for the operator that says what to do.
public struct PoolFailure: Error, CustomStringConvertible, Sendable {
    /// The sentence.
    public let description: String

    init(_ description: String) { self.description = description }

    /// A failed system call: what was attempted, and the system's reason.
    static func system(_ attempt: String, _ code: Int32 = errno) -> PoolFailure {
        PoolFailure("\(attempt): \(String(cString: strerror(code))).")
    }
}
