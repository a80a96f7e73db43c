import Foundation
import Synchronization
import TestSupport

/// A connection to a stack that stays open, for the thousands of small requests that snapshots are made of.
///
/// Used by one test at a time; the process behind it ends with the test process.
final class EventLine: @unchecked Sendable {
    private let process: Subprocess
    private let socket: Int32
    private var buffer: [UInt8] = []

    private static let idle = Mutex<[EventLine]>([])

    /// Runs a body with a connection of its own, one that was used before where there is any.
    static func use<Result>(_ place: EventStack, _ body: (EventLine) throws -> Result) throws -> Result {
        let line = try idle.withLock { $0.popLast() } ?? EventLine(place)
        let result = try body(line)
        // After an error it is not known what still waits in it.
        idle.withLock { $0.append(line) }
        return result
    }

    private init(_ place: EventStack) throws {
        var ends: [Int32] = [-1, -1]
        guard socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0, &ends) == 0
        else { throw SetupFailure("socketpair: \(errno)") }
        defer { close(ends[1]) }
        socket = ends[0]
        process = try Subprocess(
            "/usr/bin/python3", ["\(packageFolder)/Tests/EndToEndTests/Events/exchange.py"],
            input: .descriptor(ends[1]), output: .descriptor(ends[1]))
        try send([
            "port": Int(place.stack.port), "ca": "\(place.stack.folder)/ca.pem", "user": place.user,
            "password": place.password,
        ])
    }

    deinit {
        close(socket)
        process.stop(SIGKILL)
    }

    /// The status and the body of an answer.
    func call(_ method: String, _ path: String, _ body: String? = nil) throws -> (status: Int, tree: Tree) {
        var request: [String: Any] = ["method": method, "path": path]
        request["body"] = body
        try send(request)
        let answer = try JSONSerialization.jsonObject(with: receive()) as? [String: Any]
        guard let status = answer?["status"] as? Int, let text = answer?["body"] as? String else {
            throw SetupFailure("\(method) \(path): no answer")
        }
        if text.isEmpty { return (status, .null) }
        return (status, Tree(try JSONSerialization.jsonObject(with: Data(text.utf8))))
    }

    /// The body of a GET, which must succeed.
    func get(_ path: String) throws -> Tree {
        let answer = try call("GET", path)
        guard answer.status == 200 else { throw SetupFailure("GET \(path): \(answer.status) \(answer.tree)") }
        return answer.tree
    }

    private func send(_ object: [String: Any]) throws {
        var rest = Array(try JSONSerialization.data(withJSONObject: object) + [0x0A])[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes {
                Glibc.send(socket, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { throw SetupFailure("the line to the stack is broken") }
            rest = rest.dropFirst(count)
        }
    }

    private func receive() throws -> Data {
        var chunk = [UInt8](repeating: 0, count: 65_536)
        while true {
            if let end = buffer.firstIndex(of: 0x0A) {
                defer { buffer.removeFirst(end + 1) }
                return Data(buffer[..<end])
            }
            let count = read(socket, &chunk, chunk.count)
            guard count > 0 else { throw SetupFailure("the line to the stack is broken") }
            buffer += chunk[..<count]
        }
    }
}

extension Tree {
    /// What JSONSerialization has read; booleans come as words or as 0 and 1.
    init(_ read: Any) {
        switch read {
        case let members as [String: Any]: self = .object(members.mapValues { Tree($0) })
        case let items as [Any]: self = .list(items.map { Tree($0) })
        case let text as String: self = .text(text)
        case let number as NSNumber: self = .number(number.stringValue)
        default: self = .null
        }
    }

    /// Whether a boolean read by JSONSerialization is true.
    var isTrue: Bool { ["true", "1"].contains(scalar ?? "") }
}

/// The stack of the event lists: its jobs process rests, so that nothing happens but what a step causes.
final class EventStack: Sendable {
    let stack: RunningStack
    let user = "api-events"
    let password: String
    private let accounts: [String: Int]

    private static let one = Mutex<EventStack?>(nil)

    /// Started at first use.
    static func shared(_ scenarios: [EventScenario]) throws -> EventStack {
        try one.withLock { kept in
            if let kept { return kept }
            let made = try EventStack(scenarios)
            kept = made
            return made
        }
    }

    /// One merchant account a scenario, and one service user that sees them all.
    private init(_ scenarios: [EventScenario]) throws {
        let stack = try RunningStack(settings: ["BILLING_JOBS_INTERVAL=3600"])
        self.stack = stack
        // All at once: a command for each would take longer than the scenarios.
        let accounts = Dictionary(
            scenarios.map { ($0.name, stack.nextAccount()) }, uniquingKeysWith: { $1 })
        let rows = scenarios.map { scenario in
            let zone = scenario.setting("timeZone") ?? "UTC"
            let currency = scenario.setting("currency") ?? "USD"
            return "(\(accounts[scenario.name] ?? 0), 'Blue Gym', '\(zone)', '\(currency)', "
                + "'\(scenario.clock)'::timestamp at time zone '\(zone)')"
        }
        try stack.sql(
            "insert into billing.merchant_accounts (account_id, name, time_zone, currency, clock_at) values "
                + rows.joined(separator: ", "))
        self.accounts = accounts
        let made = try stack.billing(
            ["user", "create", user, "--json"] + accounts.values.flatMap { ["--account", "\($0)"] })
        guard made.status == 0, let password = Tree(json: made.output)?["password"]?.scalar else {
            throw SetupFailure("user create: \(made.errors)")
        }
        self.password = password
        stack.secrets.keep(password)
    }

    /// The merchant account of a scenario.
    func account(of scenario: EventScenario) throws -> Int {
        guard let number = accounts[scenario.name] else {
            throw SetupFailure("no account for \(scenario.name)")
        }
        return number
    }
}
