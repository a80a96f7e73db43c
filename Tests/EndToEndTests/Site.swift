import Foundation
import TestSupport

/// A page of the documentation, as text.
struct SitePage {
    let text: String
    /// Every `id`.
    let anchors: Set<String>
    /// Those that stand there more than once.
    let repeatedAnchors: [String]
    /// Every `href` and `src`.
    let targets: [String]

    init(_ text: String) {
        self.text = text
        let ids = text.matches(of: #/\bid="([^"]+)"/#).map { String($0.1) }
        anchors = Set(ids)
        repeatedAnchors = Dictionary(grouping: ids, by: { $0 }).filter { $0.value.count > 1 }.keys.sorted()
        targets = text.matches(of: #/\b(?:href|src)="([^"]*)"/#).map {
            String($0.1).replacingOccurrences(of: "&amp;", with: "&")
        }
    }
}

/// The documentation, built in a temporary folder from the program under test.
final class Site: Sendable {
    let folder: String
    /// By their paths below the folder: `objects/customer/index.html`.
    let pages: [String: SitePage]
    /// What `billing describe` says.
    let interface: Tree

    private let home: TemporaryFolder

    static var program: String {
        environmentValue("BILLING_BINARY") ?? "\(packageFolder)/.build/release/billing"
    }

    init() throws {
        home = try TemporaryFolder(prefix: "billing-docs")
        folder = "\(home.path)/docs"
        let built = shell("Scripts/docs/build '\(folder)'")
        guard built.status == 0 else { throw SetupFailure("\(built)") }
        let described = try Subprocess.run(Self.program, ["describe"])
        guard let interface = Tree(json: described.output) else { throw SetupFailure(described.errors) }
        self.interface = interface
        var pages: [String: SitePage] = [:]
        for path in FileManager.default.enumerator(atPath: folder)?.compactMap({ $0 as? String }) ?? [] {
            if path.hasSuffix(".html"), let text = readText("\(folder)/\(path)") {
                pages[path] = SitePage(text)
            }
        }
        self.pages = pages
    }

    /// The text of a file.
    func text(_ path: String) -> String { readText("\(folder)/\(path)") ?? "" }

    /// What is wrong with a link on a page; nil when it leads somewhere, or outside.
    func complaint(about target: String, on path: String) -> String? {
        let parts = target.split(separator: "#", maxSplits: 1, omittingEmptySubsequences: false)
        let address = String(parts[0].prefix { $0 != "?" })
        if ["https", "http", "mailto"].contains(where: { address.hasPrefix("\($0):") }) {
            return path == "changelog/index.html" || target.hasPrefix("https://")
                ? nil : "not an address for here"
        }
        var steps = address.hasPrefix("/docs/") ? [] : path.split(separator: "/").dropLast().map(String.init)
        if address.isEmpty {
            guard parts.count == 2 else { return "empty" }
            return isAnchor(String(parts[1]), of: path) ? nil : "no such anchor"
        }
        for step in address.replacingOccurrences(of: "/docs/", with: "").split(separator: "/") {
            switch step {
            case ".": continue
            case "..":
                if steps.isEmpty { return "above the documentation" }
                steps.removeLast()
            default: steps.append(String(step))
            }
        }
        var file = steps.joined(separator: "/")
        if address.hasSuffix("/") || address == "." || file.isEmpty {
            file = (steps + ["index.html"]).joined(separator: "/")
        }
        guard access("\(folder)/\(file)", F_OK) == 0 else { return "no such file" }
        if parts.count == 2, !isAnchor(String(parts[1]), of: file) { return "no such anchor" }
        return nil
    }

    private func isAnchor(_ name: String, of path: String) -> Bool {
        pages[path]?.anchors.contains(name.removingPercentEncoding ?? name) == true
    }
}
