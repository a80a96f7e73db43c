/// The frozen code of a refusal (spec 3.11). Never reused, never renumbered.
public enum FailureCode: String, CaseIterable, Sendable {
    case processorSilent = "E02"
    case noCredentials = "L01"
    case wrongCredentials = "L02"
    case privilegeMissing = "L03"
    case tokensOnly = "L04"
    case tooManyRequests = "L05"
    case malformedBody = "F01"
    case unsupportedMediaType = "F02"
    case notAcceptable = "F03"
    case unknownField = "F04"
    case wrongForm = "F05"
    case repeatedField = "F06"
    case bodyTooLarge = "F09"
    case requiredFieldMissing = "V01"
    case valueNotAllowed = "V21"
    case notFound = "V24"
    case duplicate = "V29"
    case stateForbids = "V30"
    case createOnly = "V31"
    case amountTooLarge = "V32"
    case inactive = "V33"
    case salesClosed = "V34"
    case idempotencyKeyReused = "V35"
    case outcomeOpen = "V36"
    case preconditionFailed = "V37"
    case configurationLacks = "O01"
    case noSuchAction = "U01"
    case methodNotSupported = "U02"
    case forbiddenXML = "Q01"
    case internalError = "S01"
    case databaseUnavailable = "S02"
}

/// One fault of a request: what is wrong, and in which field.
public struct Fault: Hashable, Sendable {
    /// The frozen code.
    public var code: FailureCode
    /// A sentence for the caller's programmer; holds no card data, no SQL, no foreign data.
    public var message: String
    /// The field's name as the caller wrote it (`paymentOptions.0.accountNumber`), where one is at fault.
    public var field: String?
    /// The other fields of the same object that a rule between fields went by: where one of them is at fault itself, the rule
    /// cannot be judged.
    public var reads: [String]

    /// A fault with its code, its sentence and the field.
    public init(_ code: FailureCode, _ message: String, field: String? = nil, reads: [String] = []) {
        self.code = code
        self.message = message
        self.field = field
        self.reads = reads
    }
}

/// A request was refused: nothing of it was done. Thrown by decoding, by authorization and by every action.
public struct Refusal: Error, Hashable, Sendable {
    /// All that is wrong with the request, at least one; the first decides the answer's status.
    public var faults: [Fault]
    /// Whether it may be otherwise in a moment: what stands in the way is being done just now.
    public var isPassing = false

    /// A refusal for these faults; there must be at least one.
    public init(_ faults: [Fault]) {
        precondition(!faults.isEmpty, "a refusal needs a reason")
        self.faults = faults
    }

    /// A refusal for a single fault.
    public init(_ code: FailureCode, _ message: String, field: String? = nil) {
        self.init([Fault(code, message, field: field)])
    }

    /// The same, which passes in a moment or does not.
    func passing(_ isPassing: Bool) -> Refusal {
        var other = self
        other.isPassing = isPassing
        return other
    }
}
