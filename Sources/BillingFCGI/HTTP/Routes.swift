import Domain
import Interchange

extension Route {
    /// The whole URL table below `/api/v01`: method, resource, action. The index of a row is its counter on the scoreboard,
    /// plus one.
    static let table: [Route] =
        CustomerEndpoint.routes + PaymentOptionEndpoint.routes + PlanEndpoint.routes
        + SubscriptionEndpoint.routes + TransactionEndpoint.routes + AccountEndpoint.routes
        + ClockEndpoint.routes + OverviewEndpoint.routes + UserEndpoint.routes + LedgerEndpoint.routes
        + AdjustmentEndpoint.routes

    /// What a method and a path below `/api/v01` call.
    enum Called {
        /// This row, with what stands for `{…}` in its resource. HEAD calls what an implicit GET calls: it only reads.
        case row(index: Int, items: [String])
        /// The resource is there; its rows answer to other methods than this one.
        case otherMethods(allow: String)
        /// No row has this path.
        case nothing
    }

    /// The rows of the table by the first segment of their resources, in its order.
    private static let rows = Dictionary(grouping: table.indices) { table[$0].segments[0] }

    /// Looks the table up.
    static func find(_ method: String, _ path: [String]) -> Called {
        var resource = path
        var named: String?
        if let last = path.last, last.utf8.first == UInt8(ascii: "~") {
            named = String(last.dropFirst())
            resource.removeLast()
        }
        var methods: Set<Method> = []
        var answersToHead = false
        for index in rows[path.first ?? "", default: []] {
            let route = table[index]
            guard let items = route.match(resource) else { continue }
            if let named { if named != route.action { continue } } else if !route.isImplicit { continue }
            if route.answers(to: method) { return .row(index: index, items: items) }
            methods.formUnion(route.methods)
            answersToHead = answersToHead || route.answers(to: "HEAD")
        }
        guard !methods.isEmpty else { return .nothing }
        var allowed = Method.allCases.filter(methods.contains).map(\.rawValue)
        if answersToHead { allowed.append("HEAD") }
        return .otherMethods(allow: (allowed + ["OPTIONS"]).joined(separator: ", "))
    }

    /// HEAD is answered where GET is implicit and reads: no explicit action is ever executed by it (spec 1).
    private func answers(to method: String) -> Bool {
        if method == "HEAD" { return isImplicit && isReading && methods.contains(.get) }
        return methods.contains { $0.rawValue == method }
    }
}

extension ParameterList {
    /// `offset`, `limit` and the opaque continuation of the `next` link (spec 4.3).
    static let paging = ParameterList(pagingParameters)

    /// The paging parameters and these filters.
    static func find(_ filters: [ParameterDescription]) -> ParameterList {
        ParameterList(pagingParameters + filters)
    }

    private static let pagingParameters = [
        ParameterDescription(
            "offset", .integer(0...1_000_000_000), default: "0", "Index of the first object wanted."),
        ParameterDescription(
            "limit", .integer(1...1000), default: "100", "Number of objects wanted at most."),
        ParameterDescription(
            "after", .integer(0...9_007_199_254_740_991), mark: .decided,
            "Continues a list; given by the next link, not made by callers."),
    ]
}

extension Parameters {
    /// The page that the parameters ask for.
    var page: Page {
        let after = integer("after")
        return Page(
            offset: after == nil ? Int(integer("offset") ?? 0) : 0, limit: Int(integer("limit") ?? 100),
            after: after)
    }
}
