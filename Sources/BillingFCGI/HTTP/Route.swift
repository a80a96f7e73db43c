import Domain
import Interchange

/// The methods that actions are called by (spec 1).
enum Method: String, CaseIterable, Sendable {
    case get = "GET"
    case put = "PUT"
    case post = "POST"
    case delete = "DELETE"
}

/// One row of the URL table: an action on a resource.
///
/// A class, so that a request that goes by a row copies one reference and not a dozen.
final class Route: Sendable {
    /// Methods that the action answers to.
    let methods: [Method]
    /// `/customers/{customer-id}/subscriptions`, below `/api/v01`.
    let resource: String
    /// The action's name, `create`.
    let action: String
    /// Whether the method alone decides (spec 1): then naming the action is harmless.
    let isImplicit: Bool
    /// Whether `management-api-read` is enough.
    let isReading: Bool
    /// Query or body parameters; an empty list takes none.
    let parameters: ParameterList
    /// One sentence for the documentation.
    let meaning: String
    /// Where the action comes from.
    let mark: Mark
    /// The class of the object that the body holds; nil where the action takes none.
    let consumes: ObjectFacts?
    /// What a success answers with.
    let returns: Returned
    /// Failure codes beyond those that follow from the rest of the row; `failureCodes` has all.
    let failures: [FailureCode]
    /// Whether a POST carries its user's password in the body, in place of HTTP authentication.
    let takesPassword: Bool
    /// Whether the answer may be plain text, for callers that accept nothing else.
    let givesText: Bool
    /// Whether a long deadline is allowed, as nginx gives to the second pool.
    let isLong: Bool
    /// Whether it changes one item that ~load shows, so that the caller's `If-Match` can be held against it.
    let changesAnItem: Bool
    /// Whether the answer carries an `ETag`: one item as it is now (spec 4.6). What a clock reads is never the same twice.
    let tagsItsAnswer: Bool
    let run: @Sendable (Call) throws -> Answer

    let segments: [String]

    init(
        _ methods: [Method], _ resource: String, _ action: String, explicit: Bool = false,
        reading: Bool = false, long: Bool = false, takesPassword: Bool = false, givesText: Bool = false,
        mark: Mark = .vendor, parameters: ParameterList = .none,
        consumes: ObjectFacts? = nil, returns: Returned, failures: [FailureCode] = [], meaning: String,
        run: @escaping @Sendable (Call) throws -> Answer
    ) {
        self.methods = methods
        self.resource = resource
        self.action = action
        isImplicit = !explicit
        isReading = reading || action == "find" || action == "load"
        isLong = long
        self.takesPassword = takesPassword
        self.givesText = givesText
        self.parameters = parameters
        self.meaning = meaning
        self.mark = mark
        self.consumes = consumes
        self.returns = returns
        self.failures = failures
        self.run = run
        changesAnItem = ["modify", "delete", "cancel", "freeze", "pause", "resume"].contains(action)
        var showsOne = false
        if case .one = returns { showsOne = !resource.hasSuffix("/clock") }
        tagsItsAnswer = showsOne && (action == "load" || changesAnItem && action != "delete")
        segments = resource.utf8.split(separator: UInt8(ascii: "/")).map { String(Substring($0)) }
        precondition(
            segments.first?.utf8.first != UInt8(ascii: "{"), "\(resource): its first segment is a name")
    }

    /// What the path's segments hold where the resource has `{…}`; nil when it is another resource.
    func match(_ path: [String]) -> [String]? {
        guard path.count == segments.count else { return nil }
        var items: [String] = []
        for (segment, part) in zip(segments, path) {
            if segment.utf8.first == UInt8(ascii: "{") {
                items.append(part)
            } else if segment != part {
                return nil
            }
        }
        return items
    }
}

/// What an action that succeeds answers with (spec 1, *returns*).
enum Returned: Sendable {
    /// One object of this class.
    case one(ObjectFacts)
    /// A part of a list of them, with the headers of paging.
    case many(ObjectFacts)

    /// The class.
    var facts: ObjectFacts {
        switch self {
        case .one(let facts), .many(let facts): facts
        }
    }
}

extension Route {
    /// The HTTP status of a success: 201 where the action creates what it answers with.
    var status: Int { action == "create" || action == "process" ? 201 : 200 }

    /// Every failure code that the action can answer with, in the order of spec 3.11; for the documentation.
    var failureCodes: [FailureCode] {
        var codes: Set<FailureCode> = [
            .noCredentials, .wrongCredentials, .tooManyRequests, .notAcceptable, .unknownField,
            .internalError, .databaseUnavailable,
        ]
        if !isReading { codes.insert(.privilegeMissing) }
        if resource.utf8.contains(UInt8(ascii: "{")) { codes.insert(.notFound) }
        if !parameters.facts.isEmpty { codes.formUnion([.wrongForm, .repeatedField, .valueNotAllowed]) }
        if consumes != nil || methods.contains(.post) {
            codes.formUnion([
                .malformedBody, .unsupportedMediaType, .wrongForm, .repeatedField, .bodyTooLarge,
                .valueNotAllowed, .forbiddenXML, .idempotencyKeyReused,
            ])
        }
        if consumes != nil || parameters.facts.contains(where: { $0.required == .always }) {
            codes.insert(.requiredFieldMissing)
        }
        if action == "create" { codes.formUnion([.duplicate, .notFound]) }
        if action == "modify" { codes.insert(.createOnly) }
        if changesAnItem { codes.insert(.preconditionFailed) }
        if !isReading, methods.contains(.put) || methods.contains(.post) {
            codes.formUnion([.idempotencyKeyReused, .stateForbids, .repeatedField])
        }
        codes.formUnion(failures)
        return FailureCode.allCases.filter(codes.contains)
    }
}

extension ParameterList {
    /// No parameters.
    static let none = ParameterList([])
}
