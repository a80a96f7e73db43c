extension FailureCode {
    /// When a request is answered with the code, in a clause for the documentation (spec 3.11).
    public var meaning: String {
        switch self {
        case .processorSilent:
            "the processor has not answered; the transaction exists as `pending`, is settled once the processor says what happened, and is never repeated"
        case .noCredentials: "no credentials were sent"
        case .wrongCredentials:
            "the user is unknown or the password is wrong; the answer does not say which"
        case .privilegeMissing: "the service user lacks the privilege for this action"
        case .tokensOnly: "account data were sent where only tokens are accepted"
        case .tooManyRequests:
            "too many requests, or too many failed logins; `Retry-After` says how long to wait"
        case .malformedBody: "the body is malformed; the message names line and column"
        case .unsupportedMediaType: "the body has a media type that is not read here"
        case .notAcceptable: "none of the media types in `Accept` can be written"
        case .unknownField: "a field or parameter that this action does not have"
        case .wrongForm:
            "a value of the wrong type or form: letters in a number, no such day, too long, outside its pattern"
        case .repeatedField: "a field was sent twice"
        case .bodyTooLarge: "the body is larger than the server accepts"
        case .requiredFieldMissing: "a required field is missing"
        case .valueNotAllowed: "a value that is not allowed here"
        case .notFound:
            "the object addressed or named does not exist, or belongs to a merchant account out of reach"
        case .duplicate: "an object with this `code` exists already; the message has its id"
        case .stateForbids: "the state of the object does not allow the action"
        case .createOnly: "a field that is set when the object is created cannot be changed"
        case .amountTooLarge: "the amount exceeds what is left to refund or to reverse"
        case .inactive: "the plan or payment option is inactive"
        case .salesClosed: "too close to the next billing date to change it"
        case .idempotencyKeyReused: "the idempotency key was used before, for another request"
        case .outcomeOpen:
            "an attempt to collect the same debt, or to give the same payment back, is open, and its outcome comes first"
        case .preconditionFailed:
            "the object has changed since the `ETag` in `If-Match` was given; load it again"
        case .configurationLacks:
            "the merchant account is not set up for this, for example its processor"
        case .noSuchAction: "there is no such resource or action"
        case .methodNotSupported:
            "the resource does not answer to this method; `Allow` lists those it answers to"
        case .forbiddenXML:
            "XML with a document type declaration, an external entity or an inclusion"
        case .internalError: "an internal error; the log has it under the request's id"
        case .databaseUnavailable:
            "the database cannot be reached or is busy; try again after `Retry-After`"
        }
    }

    /// Whose matter a code is, by its first letter (spec 3.11).
    public static let families: [(letter: String, meaning: String)] = [
        ("E", "the processor's"), ("L", "login and privilege"), ("F", "the form of the request"),
        ("V", "its contents"), ("O", "the merchant account's configuration"), ("U", "the address"),
        ("Q", "security"), ("S", "the server's"),
    ]
}
