import TestSupport
import Testing

/// What comes together: callers, jobs processes and the processor at once. The suites share a stack of their own, one after the
/// other: some stop its jobs process, some kill its workers.
@Suite(.serialized, .enabled(if: programIsKnown, "needs BILLING_BINARY"))
enum TogetherTests {
    private static let kept = Result {
        try RunningStack(workers: 4, settings: ["BILLING_LIVE_REQUESTS=5"])
    }

    /// The stack, started at first use. It ends with the test process.
    static var stack: RunningStack { get throws { try kept.get() } }
}
