public import Domain

/// A refusal as it is answered (spec 4.4): all the faults of a request, the first one repeated at the top.
public struct ExceptionDocument: Sendable {
    /// What is wrong.
    public let refusal: Refusal
    /// The request's id, as in `X-Request-Id` and the log.
    public let requestId: String?

    /// The answer to a refused request.
    public init(_ refusal: Refusal, requestId: String?) {
        self.refusal = refusal
        self.requestId = requestId
    }

    /// Writes it as a document.
    public func encode(as format: Format, into writer: inout ByteWriter) {
        ExceptionDocument.description.encode(self, as: format, into: &writer)
    }

    private static let codes = EnumerationFacts(
        "failureCode", FailureCode.allCases.map { EnumerationCode($0.rawValue, $0.meaning) })

    /// Its description, for the documentation too; the XML element is `exception`.
    public static let description = ObjectDescription<Void, ExceptionDocument>(
        "Exception", plural: "Exceptions", meaning: "The answer to a request that was refused."
    ) {
        Field.text("responseType", 10, meaning: "Always `exception`.", get: { _ in "exception" })
        Field.enumeration(
            "failureCode", codes, meaning: "The code of the first fault.", get: { $0.refusal.faults[0].code })
        Field.text(
            "failureMessage", 1000, meaning: "What is wrong, in a sentence.",
            get: { $0.refusal.faults[0].message })
        Field.text(
            "field", 250, meaning: "The field at fault, where there is one.",
            get: { $0.refusal.faults[0].field })
        Field.list("errors", of: fault, meaning: "All the faults of the request.", get: { $0.refusal.faults })
        Field.text(
            "requestId", 255, mark: .extended, meaning: "The id of the request, as in the log.",
            get: { $0.requestId })
    }

    private static let fault = ObjectDescription<Void, Fault>(
        "Error", plural: "Errors", meaning: "One fault of a request."
    ) {
        Field.enumeration("failureCode", codes, meaning: "The code of the fault.", get: { $0.code })
        Field.text("field", 250, meaning: "The field at fault, where there is one.", get: { $0.field })
        Field.text("failureMessage", 1000, meaning: "What is wrong, in a sentence.", get: { $0.message })
    }
}
