import Foundation
import TestSupport

/// One run of a scenario, with a merchant account of its own.
final class EventRun {
    private let scenario: EventScenario
    private let line: EventLine
    private let place: EventStack
    private let account: Int
    private let isRecording: Bool
    private var names = EventNames()
    private var ids: [Int] = []
    private var now = EventSnapshot()
    /// The account's business date.
    private var today: String
    private var journalled: Set<String> = []
    /// The scenario as it went: with what each step caused in fact.
    private(set) var record: EventScenario
    /// What was otherwise than written.
    private(set) var differences: [String] = []

    init(_ scenario: EventScenario, _ place: EventStack, _ line: EventLine, isRecording: Bool) throws {
        self.scenario = scenario
        self.place = place
        self.line = line
        self.isRecording = isRecording
        account = try place.account(of: scenario)
        today = scenario.clock
        record = scenario
        record.steps = []
    }

    /// Runs all steps; the first one that goes otherwise ends it, unless the run is recorded.
    func run() throws {
        if let policy = scenario.policy {
            let answer = try line.call("POST", "/accounts/\(account)", policy)
            guard answer.status == 200 else { throw SetupFailure("\(scenario.name): \(answer.tree)") }
        }
        for body in try scenario.customers() {
            let filled = body.replacingOccurrences(of: "{stamp}", with: "\(account)-\(ids.count)")
            let answer = try line.call(
                "PUT", "/customers",
                filled.replacingOccurrences(of: #"{"first"#, with: #"{"accountId":\#(account),"first"#))
            guard answer.status == 201, let id = answer.tree["id"]?.integer else {
                throw SetupFailure("\(scenario.name): \(answer.tree)")
            }
            ids.append(id)
        }
        now = try EventSnapshot(line, account: account, customers: ids)
        names.take(now)
        for step in scenario.steps {
            try run(step)
            if !differences.isEmpty, !isRecording { return }
        }
        let end = try EventSnapshot(line, account: account, customers: ids, isWhole: true)
        if end != now { differences.append("in the end: something changed that no step showed") }
        differences += end.contradictions.map { "in the end: \($0)" }
    }

    private func run(_ step: EventScenario.Step) throws {
        var went = step
        went.days = []
        switch step.kind {
        case .clock(let target):
            if isRecording {
                try recordDays(to: target, &went)
            } else {
                try passDays(step, to: target, &went)
            }
        case .jump(let target):
            try place.stack.sql(
                "update billing.merchant_accounts set clock_at = '\(target)'::timestamp at time zone time_zone"
                    + " where account_id = \(account)")
            today = String(target.prefix(10))
            try look(&went)
        case .run:
            try advance(to: today)
            try look(&went)
        case .request(let method, let path, let body):
            let named = filled(path)
            let answer = try line.call(method, named, body.map(filled))
            went.answer = [String(answer.status), answer.tree["failureCode"]?.scalar].compactMap { $0 }
                .joined(separator: " ")
            if answer.status == 201, let id = answer.tree["id"]?.integer {
                if named == "/customers" { ids.append(id) }
                if named == "/plans" { names.add(.plan, id, "plan") }
            }
            if went.answer != step.answer {
                differences.append("> \(step.title)\n  answered \(answer.status) \(answer.tree.brief)")
            }
            try look(&went)
        case .journal:
            let lines = try journal()
            if !lines.isEmpty { went.days.append(.init(date: "", events: lines)) }
        }
        compare(step, went)
        record.steps.append(went)
    }

    /// A text with ids in place of names in braces, `{account}` among them.
    private func filled(_ text: String) -> String {
        names.filled(text).replacingOccurrences(of: "{account}", with: "\(account)")
    }

    // MARK: Days

    /// Goes from one day on which something is to happen to the next: the days between are run at once, and nothing happens then.
    private func passDays(_ step: EventScenario.Step, to target: String, _ went: inout EventScenario.Step)
        throws
    {
        for day in step.days.map(\.date) {
            if day > today {
                let eve = Self.day(before: day)
                if eve > today {
                    try advance(to: eve)
                    try look(&went)
                }
                try advance(to: day == target.prefix(10) ? target : day)
            } else {
                try advance(to: today)
            }
            try look(&went)
        }
        if target > today {
            try advance(to: target)
            try look(&went)
        }
    }

    private func recordDays(to target: String, _ went: inout EventScenario.Step) throws {
        try advance(to: today)
        try look(&went)
        while today < target.prefix(10) {
            let next = Self.day(after: today)
            try advance(to: next == target.prefix(10) ? target : next)
            try look(&went)
        }
        if today == target.prefix(10), target.count > 10 { try advance(to: target) }
    }

    private func advance(to day: String) throws {
        let answer = try line.call("POST", "/accounts/\(account)/clock/~advance", #"{"to":"\#(day)"}"#)
        guard answer.status == 200 else {
            throw SetupFailure("\(scenario.name): clock to \(day): \(answer.tree)")
        }
        today = answer.tree["businessDate"]?.scalar ?? day
    }

    /// Takes a snapshot and puts down what is different from the last one.
    private func look(_ went: inout EventScenario.Step) throws {
        let after = try EventSnapshot(line, account: account, customers: ids, before: now)
        if after == now { return }
        names.take(after)
        let lines = EventDifference(before: now, after: after, names: names, day: today, user: place.user)
            .lines
        now = after
        guard !lines.isEmpty else { return }
        let isDated = if case .clock = went.kind { true } else { false }
        went.days.append(.init(date: isDated ? today : "", events: lines))
    }

    private static func day(before day: String) -> String { moved(day, by: -1) }
    private static func day(after day: String) -> String { moved(day, by: 1) }

    private static func moved(_ day: String, by days: Int) -> String {
        let parts = day.split(separator: "-").compactMap { Int($0) }
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = TimeZone(secondsFromGMT: 0) ?? .current
        let date = calendar.date(from: DateComponents(year: parts[0], month: parts[1], day: parts[2] + days))
        let found = calendar.dateComponents([.year, .month, .day], from: date ?? Date())
        return String(format: "%04d-%02d-%02d", found.year ?? 0, found.month ?? 0, found.day ?? 0)
    }

    // MARK: The ledger

    /// `RI#1 debit receivable credit revenue:recurring 4599`, what is new in the journal.
    private func journal() throws -> [String] {
        let all = try line.get("/ledger?accountId=\(account)&limit=1000")
        return all.items.compactMap { item in
            guard let id = item["id"]?.scalar, journalled.insert(id).inserted else { return nil }
            let name = names.name(.transaction, item["transactionId"]?.integer) ?? "?"
            return
                "\(name) debit \(item["debitAccount"]?.scalar ?? "-") credit \(item["creditAccount"]?.scalar ?? "-")"
                + " \(item["amount"]?.scalar ?? "-")"
        }
    }

    // MARK: Comparing

    /// All lines must be there and no others; transactions and the ledger's lines in their order.
    private func compare(_ step: EventScenario.Step, _ went: EventScenario.Step) {
        var complaints: [String] = []
        let dates = Set(step.days.map(\.date) + went.days.map(\.date)).sorted()
        for date in dates {
            let wanted = step.days.filter { $0.date == date }.flatMap(\.events)
            let got = went.days.filter { $0.date == date }.flatMap(\.events)
            var missing = wanted
            var extra: [String] = []
            for line in got {
                if let index = missing.firstIndex(of: line) {
                    missing.remove(at: index)
                } else {
                    extra.append(line)
                }
            }
            var lines = missing.map { "  missing  \($0)" } + extra.map { "  extra    \($0)" }
            if lines.isEmpty, wanted.filter(Self.isOrdered) != got.filter(Self.isOrdered) {
                lines = ["  in another order:"] + got.filter(Self.isOrdered).map { "    \($0)" }
            }
            if !lines.isEmpty { complaints += (date.isEmpty ? [] : [date]) + lines }
        }
        if !complaints.isEmpty {
            differences.append((["> \(step.title)"] + complaints).joined(separator: "\n"))
        }
    }

    private static func isOrdered(_ line: String) -> Bool {
        line.prefixMatch(of: /\+ [AR][A-Z]#/) != nil || line.contains(" debit ")
    }

    // MARK: The table

    /// What there is in the end, in short: `RI 2 (01-10 … 02-10), AD 1 (01-10); S#1 C; balance 15400`.
    var summary: String {
        let kinds = Dictionary(grouping: now.transactions.values) { $0["type"]?.scalar ?? "?" }
        let order = ["RI", "RC", "RF", "RL", "AP", "AC", "AD", "AG", "AV", "AR", "AA", "RR"]
        let money = order.compactMap { kind -> String? in
            guard let made = kinds[kind] else { return nil }
            let days = made.map { String($0["dueDate"]?.scalar ?? "-") }.sorted()
            let shown =
                days.count <= 4 ? days.joined(separator: ", ") : "\(days[0]) … \(days[days.count - 1])"
            let amounts = Set(made.compactMap { $0["amount"]?.integer }).sorted().map { "\($0)" }
            return "\(made.count) \(kind) of \(amounts.joined(separator: "/")) (\(shown))"
        }
        let agreed = now.subscriptions.sorted { $0.key < $1.key }.map { $0.value["status"]?.scalar ?? "-" }
        let options = now.options.sorted { $0.key < $1.key }.map {
            $0.value["isActive"]?.isTrue == true ? "active" : "inactive"
        }
        let balances = now.customers.sorted { $0.key < $1.key }.map { $0.value["balance"]?.scalar ?? "-" }
        return
            (money + [
                "subscription \(agreed.joined(separator: " "))", "option \(options.joined(separator: " "))",
                "balance \(balances.joined(separator: " "))",
            ]).joined(separator: "; ")
    }
}

extension Tree {
    /// An answer in few words.
    fileprivate var brief: String {
        if let message = self["failureMessage"]?.scalar { return message }
        return ["type", "status", "amount"].compactMap { self[$0]?.scalar }.joined(separator: " ")
    }
}
