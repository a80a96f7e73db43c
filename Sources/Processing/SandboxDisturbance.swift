/// What goes wrong at the sandbox for one merchant account (spec 5.10), until it is set otherwise.
///
/// From outside, a row of `sandbox.disturbance` does the same at run time.
public struct SandboxDisturbance: Hashable, Sendable {
    /// Each answer comes this many milliseconds late.
    public var delay: Int
    /// Every nth order never arrives: unknown, and not carried out. 0 for none, 1 for all.
    public var losesRequestEvery: Int
    /// Every nth order is carried out, but its answer is lost: unknown. 0 for none, 1 for all.
    public var losesAnswerEvery: Int
    /// Each notice is reported twice, under two numbers.
    public var answersTwice: Bool
    /// Nothing arrives, and nothing can be asked.
    public var isDown: Bool

    /// Disturbances; by default none.
    public init(
        delay: Int = 0, losesRequestEvery: Int = 0, losesAnswerEvery: Int = 0, answersTwice: Bool = false,
        isDown: Bool = false
    ) {
        self.delay = delay
        self.losesRequestEvery = losesRequestEvery
        self.losesAnswerEvery = losesAnswerEvery
        self.answersTwice = answersTwice
        self.isDown = isDown
    }

    /// Nothing goes wrong.
    public static let none = SandboxDisturbance()
}
