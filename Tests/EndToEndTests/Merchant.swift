import Foundation
import Synchronization
import TestSupport
import Testing

/// The three formats of the interface, by their media types.
enum Media: String, CaseIterable, Sendable, CustomTestStringConvertible {
    case json = "application/json"
    case xml = "application/xml"
    case xurl = "application/x-www-form-urlencoded"

    var testDescription: String { "\(self)" }
}

/// An answer that came through nginx.
struct Answer: CustomStringConvertible, Sendable {
    let status: Int
    /// By names in small letters; the values of a name that comes several times are joined by commas.
    let headers: [String: String]
    let body: String
    /// The body, read by Foundation in the format that its Content-Type names.
    let tree: Tree

    /// A member of the body's object, as it is written.
    subscript(_ name: String) -> String? { tree[name]?.scalar }

    /// An id in the body.
    var id: Int { tree["id"]?.integer ?? -1 }

    var description: String { "\(status) \(body.prefix(1500))" }
}

/// A merchant account of one test, with a service user of its own: tests share a stack and nothing else.
///
/// Its clock stands still, at first on 2027-01-01: what a test expects does not depend on the day it runs.
struct Merchant: Sendable {
    let stack: RunningStack
    let account: Int
    let user: String
    let password: String

    /// Makes the account, by the `billing` command, in the shared stack unless another is given.
    ///
    /// - Parameters:
    ///   - clock: nil for real time.
    ///   - settings: fields of spec 2.11, `lateFeeAmount=500`.
    init(
        in given: RunningStack? = nil, clock: String? = "2027-01-01", mode: String = "sandbox",
        settings: [String] = []
    )
        throws
    {
        stack = try given ?? RunningStack.shared
        account = stack.nextAccount()
        let made = try stack.billing(
            ["account", "create", "--id", "\(account)", "--name", "Blue Gym", "--mode", mode, "--json"]
                + settings.flatMap { ["--set", $0] })
        guard made.status == 0 else { throw SetupFailure("account create: \(made.errors)") }
        user = "api-test-\(account)"
        password = try Merchant.makeUser(user, of: [account], in: stack)
        if let clock { try setClock(clock) }
    }

    private init(stack: RunningStack, account: Int, user: String, password: String) {
        (self.stack, self.account, self.user, self.password) = (stack, account, user, password)
    }

    /// Another service user of the account, and of others.
    func anotherUser(
        _ suffix: String, privilege: String = "management-api", also others: [Int] = []
    ) throws -> Merchant {
        let name = "\(user)-\(suffix)"
        let password = try Merchant.makeUser(name, of: [account] + others, privilege: privilege, in: stack)
        return Merchant(stack: stack, account: account, user: name, password: password)
    }

    /// The same user with this password, right or wrong.
    func with(password: String) -> Merchant {
        Merchant(stack: stack, account: account, user: user, password: password)
    }

    private static func makeUser(
        _ name: String, of accounts: [Int], privilege: String = "management-api", in stack: RunningStack
    ) throws -> String {
        let made = try stack.billing(
            ["user", "create", name, "--privilege", privilege, "--json"]
                + accounts.flatMap { ["--account", "\($0)"] })
        guard made.status == 0, let password = Tree(json: made.output)?["password"]?.scalar else {
            throw SetupFailure("user create: \(made.errors)")
        }
        stack.secrets.keep(password)
        return password
    }

    /// Puts the account's clock to midnight of a day without running the days in between, as after an outage.
    func setClock(_ day: String) throws {
        try stack.sql(
            "update billing.merchant_accounts set clock_at = '\(day) 00:00Z' where account_id = \(account)")
    }

    /// Calls an action with this user's credentials and reads the answer.
    ///
    /// Every answer is looked through: for the headers that all have, for secrets, and XML by xmllint.
    @discardableResult
    func call(
        _ method: String, _ path: String, _ body: String? = nil, type: String? = nil, accept: String? = nil,
        headers: [String] = [], credentials: Bool = true,
        head: Bool = false, http1: Bool = false
    ) throws -> Answer {
        var lines = [
            "url = \"https://localhost:\(stack.port)\(path.hasPrefix("/api/") ? "" : "/api/v01")\(path)\"",
            "request = \(method)", "cacert = \"\(stack.folder)/ca.pem\"", "globoff", "path-as-is",
            "max-time = 120",
        ]
        if http1 { lines.append("http1.1") }
        if credentials { lines.append("user = \"\(user):\(password)\"") }
        if body != nil { lines.append("header = \"Content-Type: \(type ?? Media.json.rawValue)\"") }
        if let accept { lines.append("header = \"Accept: \(accept)\"") }
        lines += headers.map { "header = \"\($0)\"" }
        stack.secrets.keep(ofBody: body ?? "")
        // Credentials and bodies go through files, so that no list of processes shows them.
        let output = try stack.withFiles([lines.joined(separator: "\n"), body ?? ""]) { files in
            try Subprocess.run(
                "/usr/bin/curl",
                ["-sS", head ? "-I" : "-i", "--noproxy", "*", "--config", files[0]]
                    + (body == nil ? [] : ["--data-binary", "@\(files[1])"]))
        }
        guard output.status == 0 else { throw SetupFailure("\(method) \(path): \(output.errors)") }
        return try read(output.output, of: "\(method) \(path)")
    }

    /// Reads an answer as `curl -i` prints it.
    func read(_ text: String, of request: String) throws -> Answer {
        var parts = text.components(separatedBy: "\r\n\r\n")
        while parts.count > 2, parts[0].hasPrefix("HTTP/1.1 100") { parts.removeFirst() }
        let lines = parts[0].components(separatedBy: "\r\n")
        let words = lines[0].split(separator: " ")
        guard words.count >= 2, let status = Int(words[1]) else {
            throw SetupFailure("\(request): \(lines[0])")
        }
        var headers: [String: String] = [:]
        for line in lines.dropFirst() {
            guard let colon = line.firstIndex(of: ":") else { continue }
            let name = line[..<colon].lowercased()
            let value = line[line.index(after: colon)...].trimmingCharacters(in: .whitespaces)
            headers[name] = headers[name].map { "\($0), \(value)" } ?? value
        }
        let body = parts.dropFirst().joined(separator: "\r\n\r\n")
        #expect(headers["cache-control"] == "no-store", "\(request): \(headers)")
        #expect(headers["x-request-id"]?.isEmpty == false, "\(request): \(headers)")
        #expect(stack.secrets.found(in: text).isEmpty, "\(request): a secret stands in the answer")
        let tree = try Merchant.tree(of: body, type: headers["content-type"] ?? "", request)
        return Answer(status: status, headers: headers, body: body, tree: tree)
    }

    private static func tree(of body: String, type: String, _ request: String) throws -> Tree {
        if body.isEmpty { return .null }
        let read: Tree?
        switch Media.allCases.first(where: { type.hasPrefix($0.rawValue) }) {
        case .json: read = Tree(json: body)
        case .xml:
            let lint = try Subprocess.run("/usr/bin/xmllint", ["--noout", "--nonet", "-"], input: body)
            #expect(lint.status == 0, "\(request): \(lint.errors)")
            read = Tree(xml: body)
        case .xurl: read = Tree(form: body)
        case nil where type == "text/plain; charset=utf-8": read = .text(body)
        case nil: read = nil
        }
        return try #require(read, "\(request): no well-formed \(type): \(body.prefix(500))")
    }

    /// Runs the invariants over the whole database.
    func expectSoundBooks(_ location: SourceLocation = #_sourceLocation) throws {
        let answer = try stack.billing(["status", "--check"])
        #expect(answer.status == 0, "\(answer.output)\(answer.errors)", sourceLocation: location)
    }
}
