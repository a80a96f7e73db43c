import Domain
import Testing

@testable import BillingFCGI

@Suite struct RoutingTests {
    /// Spec 1, *paths*.
    @Test(arguments: [
        ("/api/v01", []), ("/api/v01/", []), ("/api/v01/customers", ["customers"]),
        ("/api/v01/customers/", ["customers"]), ("/api/v01//", [""]), ("/api/v01//x", ["", "x"]),
        ("/api/v01/customers/a%2Fb/~load", ["customers", "a/b", "~load"]),
    ])
    func `a path has these segments`(path: String, segments: [String]) throws {
        #expect(try RequestPath.segments(of: path) == segments)
    }

    @Test(arguments: ["", "/", "/api", "/api/v011", "/api/v01\u{301}/customers", "/api/v01?", "/api/v01/%4"])
    func `a path is refused`(path: String) {
        #expect(throws: Refusal.self) { try RequestPath.segments(of: path) }
    }

    @Test func `every row of the table is found by its methods and path`() {
        for (index, route) in Route.table.enumerated() {
            let path = route.segments.map { $0.hasPrefix("{") ? "7" : $0 } + ["~\(route.action)"]
            for method in route.methods {
                guard case .row(let found, let items) = Route.find(method.rawValue, path) else {
                    Issue.record("\(method) \(route.resource) \(route.action)")
                    continue
                }
                #expect(found == index && items.allSatisfy { $0 == "7" })
            }
        }
        guard case .nothing = Route.find("GET", ["{customer-id}"]), case .nothing = Route.find("GET", [])
        else {
            Issue.record("a resource that is none was found")
            return
        }
    }
}
