import Interchange

/// The methods that actions are called by (spec 1).
enum Method: String, CaseIterable, Sendable {
    case get = "GET"
    case put = "PUT"
    case post = "POST"
    case delete = "DELETE"
}

/// One row of the URL table: an action on a resource.
struct Route: Sendable {
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
    /// Whether a long deadline is allowed, as nginx gives to the second pool.
    let isLong: Bool
    let run: @Sendable (Call) throws -> Answer

    let segments: [String]

    init(
        _ methods: [Method], _ resource: String, _ action: String, explicit: Bool = false, long: Bool = false,
        parameters: ParameterList = .none, run: @escaping @Sendable (Call) throws -> Answer
    ) {
        self.methods = methods
        self.resource = resource
        self.action = action
        isImplicit = !explicit
        isReading = action == "find" || action == "load"
        isLong = long
        self.parameters = parameters
        self.run = run
        segments = resource.utf8.split(separator: UInt8(ascii: "/")).map { String(Substring($0)) }
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

extension ParameterList {
    /// No parameters.
    static let none = ParameterList([])
}
