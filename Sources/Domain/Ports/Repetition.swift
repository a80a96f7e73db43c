/// A request that its caller may repeat safely: it carries an `Idempotency-Key` (spec 4.5).
public struct RepeatableRequest: Hashable, Sendable {
    /// The service user, whose own the key is.
    public var user: String
    /// 1–255 printable characters.
    public var key: String
    /// SHA-256 of what the request asks for, however it is written: another request under the same key is refused.
    public var fingerprint: [UInt8]

    /// A request with its key.
    public init(user: String, key: String, fingerprint: [UInt8]) {
        self.user = user
        self.key = key
        self.fingerprint = fingerprint
    }
}

/// What was answered to the first of repeated requests.
public struct FirstAnswer: Hashable, Sendable {
    /// The HTTP status.
    public var status: Int
    /// The media type.
    public var contentType: String
    /// The `Location` header, where there was one.
    public var location: String?
    public var body: [UInt8]

    /// An answer as it was sent.
    public init(status: Int, contentType: String, location: String?, body: [UInt8]) {
        self.status = status
        self.contentType = contentType
        self.location = location
        self.body = body
    }
}

/// What is known of a key that was used before with the same request.
public enum Repetition: Hashable, Sendable {
    /// It was answered so.
    case answered(FirstAnswer)
    /// It became this transaction; its answer is not on record: it is not settled yet, or the server ended before it was written.
    case became(Identifier<Transaction>, customer: Identifier<Customer>, account: Int64)
}

/// The first request under an `Idempotency-Key` has begun and is not finished: its answer is not known yet (spec 4.5).
public struct FirstStillRunning: Error {
    /// The first one runs.
    public init() {}
}

/// A request was repeated under its `Idempotency-Key` while the first one is at the processor, or was cut off there: what it became
/// is shown as soon as it is known (V36, spec 4.5).
public struct FirstOutcomeOpen: Error {
    /// Nothing is known yet.
    public init() {}
}

/// Keys of requests that may be repeated; they live and die with the work they stand for, in one transaction.
public protocol RepetitionStore: AnyObject {
    /// Takes the key for this request; waits for a transaction that is taking it at this moment, as long as for any lock
    /// (2 s).
    ///
    /// - Returns: nil when the key is new; else what became of the first request under it.
    /// - Throws: `Refusal`: V35 when the key was used with another request; `FirstStillRunning`.
    func begin(_ request: RepeatableRequest) throws -> Repetition?
    /// Notes that the request became a transaction: from then on its key never expires.
    func note(
        _ request: RepeatableRequest, became id: Identifier<Transaction>, of customer: Identifier<Customer>,
        account: Int64)
        throws
    /// Puts the answer on record.
    func note(_ request: RepeatableRequest, answered answer: FirstAnswer) throws
}
