import Foundation
import TestSupport
import Testing

/// The documentation and OpenAPI, built from the program under test: whole, linked, and the same as the program.
@Suite(.enabled(if: programIsKnown, "needs BILLING_BINARY"))
struct DocumentationTests {
    /// A build of its own, with a database server of its own, as `make docs` makes it; once for all tests.
    private static let site = Result { try Site() }

    private func site() throws -> Site { try Self.site.get() }

    @Test func everyLinkLeadsSomewhere() throws {
        let site = try site()
        #expect(site.pages.count > 25)
        for (path, page) in site.pages {
            for target in page.targets {
                let complaint = site.complaint(about: target, on: path)
                #expect(complaint == nil, "\(path): \(target): \(complaint ?? "")")
            }
            #expect(page.repeatedAnchors.isEmpty, "\(path): \(page.repeatedAnchors)")
            #expect(!page.text.contains(" style=") && !page.text.contains("<script>"), "\(path): inline")
        }
    }

    @Test func everythingTheProgramKnowsIsThere() throws {
        let site = try site()
        func expect(_ path: String, _ anchors: [String]) {
            let found = site.pages[path]?.anchors ?? []
            let missing = anchors.filter { !found.contains($0) }
            #expect(missing.isEmpty, "\(path) lacks \(missing)")
        }
        let interface = site.interface
        for object in interface["objects"]?.items ?? [] {
            let name = object.name("name")
            let path = "objects/\(dashed(name))/index.html"
            expect(path, (object["fields"]?.items ?? []).map { $0.name("name") })
            expect("objects/index.html", [name])
        }
        for list in interface["enumerations"]?.items ?? [] where list.name("name") != "failureCode" {
            let name = list.name("name")
            expect(
                "enumerations/index.html", (list["codes"]?.items ?? []).map { "\(name).\($0.name("code"))" })
        }
        let codes = (interface["failures"]?["codes"]?.items ?? []).map { $0.name("code") }
        #expect(codes.count > 25)
        expect("failure-codes/index.html", codes)
        for action in interface["actions"]?.items ?? [] {
            let family = action.name("resource").split(separator: "/").last { !$0.hasPrefix("{") } ?? ""
            let page = try #require(site.pages["\(family)/index.html"]).text
            let named = "\(action.name("resource"))/~\(action.name("action"))"
            #expect(page.contains(named), "\(family) lacks \(named)")
            #expect(page.contains(action.name("meaning").prefix(20)), "\(family): \(action.name("meaning"))")
            for parameter in action["parameters"]?.items ?? [] {
                #expect(page.contains(".\(parameter.name("name"))\""), "\(named): \(parameter.name("name"))")
            }
        }
        // The schema page is that of the live catalogue; fields link to it.
        let schema = try #require(site.pages["schema/index.html"])
        #expect(schema.anchors.contains("customers.first_name") && schema.text.contains("customers_code"))
        #expect(
            site.pages["objects/customer/index.html"]?.targets.contains("../../schema/#customers.first_name")
                == true)
        let index = try #require(Tree(json: site.text("assets/search.json")))
        #expect(index.items.contains { $0[0] == .text("PaymentOption.holderName") })
        for entry in index.items {
            let address = entry[1]?.scalar ?? ""
            let complaint = site.complaint(about: address, on: "index.html")
            #expect(complaint == nil, "search: \(address): \(complaint ?? "")")
        }
    }

    /// openapi.json and the router have the same operations, each in both directions.
    @Test func openAPIEqualsTheRouter() throws {
        let site = try site()
        let document = try #require(Tree(json: site.text("openapi.json")))
        let routes = try Subprocess.run(Site.program, ["routes", "--json"])
        var wanted: [String: Tree] = [:]
        for route in try #require(Tree(json: routes.output)).items {
            let path =
                route.name("resource")
                + (route["explicit"] == .boolean(true) ? "/~\(route.name("action"))" : "")
            for method in route["methods"]?.items ?? [] {
                wanted["\(method.scalar?.lowercased() ?? "") \(path)"] = route
            }
        }
        var operations: [String: Tree] = [:]
        guard case .object(let paths) = document["paths"] else { throw SetupFailure("no paths") }
        for (path, methods) in paths {
            guard case .object(let members) = methods else { continue }
            for (method, operation) in members { operations["\(method) \(path)"] = operation }
        }
        #expect(Set(wanted.keys) == Set(operations.keys))
        var names: Set<String> = []
        for (called, operation) in operations {
            #expect(names.insert(operation.name("operationId")).inserted, "\(operation.name("operationId"))")
            // Query parameters, or those of a form in the body, are the route's; so are the items of the path.
            let route = try #require(wanted[called])
            let parameters = operation["parameters"]?.items ?? []
            let inPath = parameters.filter { $0.name("in") == "path" }.map { "{\($0.name("name"))}" }
            #expect(
                inPath
                    == route.name("resource").split(separator: "/").map(String.init).filter {
                        $0.hasPrefix("{")
                    })
            var taken = parameters.filter { $0.name("in") == "query" }.map { $0.name("name") }
            let described = (route["parameters"]?.items ?? []).map { $0.scalar ?? "" }
            if taken.isEmpty, !described.isEmpty {
                let reference = operation["requestBody"]?["content"]?["application/json"]?["schema"]?.name(
                    "$ref")
                let schema = document["components"]?["schemas"]?[
                    String(reference?.split(separator: "/").last ?? "")]
                if case .object(let properties) = schema?["properties"] { taken = Array(properties.keys) }
            }
            // A password goes into the body of a POST only; the same by GET takes no parameters.
            if taken.isEmpty, called.hasPrefix("get "), described == ["password"] { continue }
            #expect(taken.sorted() == described.sorted(), "\(called)")
        }
    }

    /// A judge that is not ours: openapi-spec-validator.
    @Test func openAPIIsValid() throws {
        let folder = try site().folder
        let answer = shell(
            """
            tools=$(Scripts/python-tools) && "$tools/openapi-spec-validator" --schema 3.1 '\(folder)/openapi.json'
            """)
        #expect(answer.status == 0, "\(answer)")
    }

    /// Each example of a body is taken by the server, in all formats, in the order of the paths: what was created is what
    /// later paths name.
    @Test func theExamplesAreTaken() throws {
        let document = try #require(Tree(json: site().text("openapi.json")))
        for media in Media.allCases {
            let merchant = try Merchant()
            var numbers = ["account-id": "\(merchant.account)", "user-name": merchant.user]
            for action in try site().interface["actions"]?.items ?? []
            where ["create", "modify", "process"].contains(action.name("action")) {
                let name = action.name("action")
                let method = action["methods"]?[0]?.scalar ?? ""
                let path = action.name("resource") + (action["implicit"] == .boolean(true) ? "" : "/~\(name)")
                let content = document["paths"]?[path]?[method.lowercased()]?["requestBody"]?["content"]?[
                    media.rawValue]
                let body = try #require(content?["example"], "\(method) \(path) has no example")
                let address = numbers.reduce(path) {
                    $0.replacingOccurrences(of: "{\($1.key)}", with: $1.value)
                }
                let sent = media == .json ? body.json : media == .xml ? body.scalar ?? "" : body.form
                let answer = try merchant.call(
                    method, address, sent, type: media.rawValue, accept: "application/json")
                #expect(answer.status < 300, "\(media): \(method) \(path): \(sent)\n\(answer)")
                let item =
                    "\(path.split(separator: "/").last.map { $0.hasSuffix("s") ? String($0.dropLast()) : String($0) } ?? "")-id"
                if name == "create", answer.id > 0 { numbers[item] = "\(answer.id)" }
            }
            try merchant.expectSoundBooks()
        }
    }

    /// The pages as a reader opens them: through nginx, wide and narrow, light and dark.
    @Test func theBrowserHasNoComplaint() throws {
        let site = try site()
        let stack = try RunningStack.shared
        let base = "https://localhost:\(stack.port)/docs/"
        let addresses = site.pages.keys.filter { $0 != "404.html" }.sorted().map {
            base + $0.replacingOccurrences(of: "index.html", with: "")
        }
        let some = ["", "customers/", "objects/customer/", "schema/"].map { base + $0 }
        for (addresses, options) in [
            (addresses, ["--width", "1440", "--width", "390"]), (some, ["--width", "820", "--dark"]),
        ] {
            let answer = try Subprocess.run(
                "/usr/bin/python3",
                ["-B", "\(packageFolder)/Tests/EndToEndTests/Documentation/browse.py"] + options + addresses)
            #expect(answer.status == 0 && answer.output.isEmpty, "\(answer.output)\(answer.errors)")
        }
    }

    /// What is built from the same program and sources is not built again.
    @Test func nothingIsBuiltTwice() throws {
        let folder = try site().folder
        let answer = shell(
            "before=$(stat -c %i '\(folder)'); Scripts/docs/build '\(folder)' && [[ $(stat -c %i '\(folder)') == $before ]]"
        )
        #expect(answer.status == 0, "\(answer)")
    }
}

/// A class's name as a part of an address.
private func dashed(_ name: String) -> String {
    name.reduce(into: "") { text, letter in
        if letter.isUppercase, !text.isEmpty { text.append("-") }
        text.append(letter.lowercased())
    }
}

extension Tree {
    /// A member's text; empty where there is none.
    fileprivate func name(_ member: String) -> String { self[member]?.scalar ?? "" }

    /// The value as json.
    fileprivate var json: String {
        switch self {
        case .object(let members):
            "{" + members.map { "\(Tree.text($0.key).json):\($0.value.json)" }.joined(separator: ",") + "}"
        case .list(let items): "[" + items.map(\.json).joined(separator: ",") + "]"
        case .text(let text):
            "\""
                + text.replacingOccurrences(of: "\\", with: "\\\\").replacingOccurrences(
                    of: "\"", with: "\\\"") + "\""
        case .number(let number): number
        case .boolean(let value): String(value)
        case .null: "null"
        }
    }

    /// A flat object as a form.
    fileprivate var form: String {
        guard case .object(let members) = self else { return "" }
        return members.map { name, value in
            "\(name)=\((value.scalar ?? "").addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? "")"
        }.joined(separator: "&")
    }
}
