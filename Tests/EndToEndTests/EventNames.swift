import Foundation

/// Names that stay: `RI#1` is the first invoice of a scenario, `O#2` its second payment option.
struct EventNames {
    private(set) var names: [String: String] = [:]
    private var counts: [String: Int] = [:]

    /// The name of an object, by the letter of its class and its id.
    func name(_ kind: Kind, _ id: Int) -> String { names["\(kind) \(id)"] ?? "?" }
    func name(_ kind: Kind, _ id: Int?) -> String? { id.map { name(kind, $0) } }

    enum Kind { case customer, option, subscription, adjustment, transaction, plan }

    /// Gives what is new its name, in the order of the ids.
    mutating func take(_ snapshot: EventSnapshot) {
        for id in snapshot.customers.keys.sorted() { add(.customer, id, "C") }
        for id in snapshot.options.keys.sorted() { add(.option, id, "O") }
        for id in snapshot.subscriptions.keys.sorted() { add(.subscription, id, "S") }
        for (id, adjustment) in snapshot.adjustments.sorted(by: { $0.key < $1.key }) {
            let words = ["F": "freeze", "P": "pause", "C": "cancel"]
            add(.adjustment, id, words[adjustment.tree["type"]?.scalar ?? ""] ?? "?")
        }
        for (id, transaction) in snapshot.transactions.sorted(by: { $0.key < $1.key }) {
            add(.transaction, id, transaction["type"]?.scalar ?? "?")
        }
    }

    /// Names one object; what has its name keeps it, also when a pending transaction becomes one of another type.
    mutating func add(_ kind: Kind, _ id: Int, _ word: String) {
        guard names["\(kind) \(id)"] == nil else { return }
        counts[word, default: 0] += 1
        names["\(kind) \(id)"] = "\(word)#\(counts[word, default: 0])"
    }

    /// A text with ids in place of names in braces: `./transactions/{AP#1}`.
    func filled(_ text: String) -> String {
        var text = text.replacingOccurrences(of: "./", with: "/customers/{C#1}/", options: .anchored)
        for (key, name) in names {
            text = text.replacingOccurrences(of: "{\(name)}", with: key.split(separator: " ")[1])
        }
        return text
    }
}

/// What is different between two snapshots, as lines of a scenario.
struct EventDifference {
    let before: EventSnapshot
    let after: EventSnapshot
    let names: EventNames
    /// The business date: what is due then does not say so.
    let day: String
    /// The service user of the steps: what somebody else made says who.
    let user: String

    /// The transactions made first, in the order of their numbers; then all the rest.
    var lines: [String] {
        transactions + allocations + subscriptions + adjustments + options + customers
    }

    // MARK: Money

    private var transactions: [String] {
        let tokens = Dictionary(
            after.options.map { ($0.value["tokenCode"]?.scalar ?? "", $0.key) }, uniquingKeysWith: { $1 })
        var made: [String] = []
        var changed: [String] = []
        for (id, now) in after.transactions.sorted(by: { $0.key < $1.key }) {
            let name = names.name(.transaction, id)
            guard let old = before.transactions[id] else {
                made.append("+ \(name) \(facts(of: now, tokens).joined(separator: ", "))")
                continue
            }
            var words: [String] = []
            if old["type"] != now["type"] { words.append("is \(now["type"]?.scalar ?? "")") }
            if old["balance"] != now["balance"] { words.append("left \(now["balance"]?.scalar ?? "-")") }
            if old["status"] != now["status"] { words.append(now["status"]?.scalar ?? "-") }
            words += differences(old, now, ["amount", "dueDate", "taxAmount", "cycleNumber"])
            if old["sourceId"] != now["sourceId"] {
                words.append("of \(names.name(.transaction, now["sourceId"]?.integer) ?? "none")")
            }
            words += differences(
                old["processingInfo"] ?? .null, now["processingInfo"] ?? .null,
                ["responseCode", "nextAttemptDate", "attemptNumber"])
            if !words.isEmpty { changed.append("~ \(name) \(words.joined(separator: ", "))") }
        }
        let gone = before.transactions.keys.filter { after.transactions[$0] == nil }
        return made + changed + gone.map { "- \(names.name(.transaction, $0))" }
    }

    private func facts(of now: Tree, _ tokens: [String: Int]) -> [String] {
        func text(_ name: String) -> String? { now[name]?.scalar }
        var words = ["\(text("amount") ?? "-")"]
        if let due = text("dueDate"), due != day { words[0] += " due \(due)" }
        words[0] += " left \(text("balance") ?? "-")"
        for part in ["tax", "fee"] {
            if let amount = now["\(part)Amount"]?.integer, amount != 0 { words.append("\(part) \(amount)") }
        }
        if let source = names.name(.transaction, now["sourceId"]?.integer) { words.append("of \(source)") }
        if let subscription = names.name(.subscription, now["subscriptionId"]?.integer) {
            words.append(subscription + (text("cycleNumber").map { " cycle \($0)" } ?? ""))
        }
        if let adjustment = names.name(.adjustment, now["adjustmentId"]?.integer) {
            words.append("for \(adjustment)")
        }
        let info = now["processingInfo"]
        if let option = info?["token"]?.scalar.flatMap({ tokens[$0] }) {
            words.append("by \(names.name(.option, option))")
        } else if let means = text("accountType") {
            words.append(means)
        }
        if let status = text("status"), status != "final" { words.append(status) }
        if let code = info?["responseCode"]?.scalar, !["A01", "A02", "A03"].contains(code) {
            words.append(code + (info?["declineType"]?.scalar.map { " \($0)" } ?? ""))
        }
        if let next = info?["nextAttemptDate"]?.scalar { words.append("again \(next)") }
        if text("creatorCode") == "billing-run", let note = text("note") { words.append("\"\(note)\"") }
        return words
    }

    private var allocations: [String] {
        var lines: [String] = []
        for (id, now) in after.allocations.sorted(by: { $0.key < $1.key }) {
            let old = before.allocations[id]
            let ends = ["sourceId", "targetId"].map { names.name(.transaction, now[$0]?.integer) ?? "-" }
            let line = "\(ends[0]) > \(ends[1]) \(now["amount"]?.scalar ?? "-")"
            if old == nil { lines.append("+ \(line)") }
            if now["endDate"] != nil, old?["endDate"] == nil { lines.append("- \(line)") }
        }
        return lines
    }

    // MARK: What is agreed

    private var subscriptions: [String] {
        after.subscriptions.sorted { $0.key < $1.key }.compactMap { id, now in
            let old = before.subscriptions[id]
            var words: [String] = []
            if old?["status"] != now["status"] { words.append(now["status"]?.scalar ?? "-") }
            if old?["nextBillingDate"] != now["nextBillingDate"] {
                words.append("next \(now["nextBillingDate"]?.scalar ?? "none")")
            }
            for (field, word) in [("billedCount", "billed"), ("collectedCount", "collected")]
            where old?[field] != now[field] && !(old == nil && now[field]?.integer == 0) {
                words.append("\(word) \(now[field]?.scalar ?? "-")")
            }
            if old?["pendingAdjustmentType"] != now["pendingAdjustmentType"] {
                words.append("pending \(now["pendingAdjustmentType"]?.scalar ?? "none")")
            }
            if old?["paymentOptionId"] != now["paymentOptionId"] {
                words.append("by \(names.name(.option, now["paymentOptionId"]?.integer) ?? "the default")")
            }
            if old != nil {
                words += differences(old ?? .null, now, ["amount", "length", "firstBillingDate"])
            }
            return line(old == nil, names.name(.subscription, id), words)
        }
    }

    private var adjustments: [String] {
        after.adjustments.sorted { $0.key < $1.key }.compactMap { id, adjustment in
            let now = adjustment.tree
            let old = before.adjustments[id]?.tree
            let (from, end) = (now["effectiveDate"]?.scalar ?? "-", now["endDate"]?.scalar)
            var words: [String] = []
            if old == nil {
                words.append("from \(from)" + (end.map { " to \($0)" } ?? ""))
                if let length = now["length"]?.scalar { words.append("length \(length)") }
                if let maker = now["creatorCode"]?.scalar, maker != user { words.append("by \(maker)") }
            } else if old?["endDate"] != now["endDate"] {
                words.append((end ?? "-") < from ? "withdrawn" : "ends \(end ?? "-")")
            }
            return line(old == nil, names.name(.adjustment, id), words)
        }
    }

    // MARK: Who pays

    private var options: [String] {
        let gone = before.options.keys.filter { after.options[$0] == nil }.sorted()
        return after.options.sorted { $0.key < $1.key }.compactMap { id, now in
            let old = before.options[id]
            var words: [String] = []
            if old == nil { words.append(now["type"]?.scalar ?? "-") }
            if old.map({ $0["isActive"]?.isTrue != now["isActive"]?.isTrue })
                ?? (now["isActive"]?.isTrue == false)
            {
                words.append(now["isActive"]?.isTrue == true ? "active" : "inactive")
            }
            if old.map({ $0["isDefault"]?.isTrue != now["isDefault"]?.isTrue })
                ?? (now["isDefault"]?.isTrue == true)
            {
                words.append(now["isDefault"]?.isTrue == true ? "default" : "not default")
            }
            if let code = now["lastDeclineCode"]?.scalar, old?["lastDeclineCode"] != now["lastDeclineCode"] {
                words.append("declined \(code)")
            }
            if old != nil {
                words += differences(old ?? .null, now, ["accountNumber", "accountAccessory", "tokenCode"])
            }
            return line(old == nil, names.name(.option, id), words)
        } + gone.map { "- \(names.name(.option, $0))" }
    }

    private var customers: [String] {
        after.customers.sorted { $0.key < $1.key }.compactMap { id, now in
            let old = before.customers[id]
            var words: [String] = []
            if old?["status"] != now["status"] { words.append(now["status"]?.scalar ?? "-") }
            if (old?["balance"]?.integer ?? 0) != now["balance"]?.integer {
                words.append("balance \(now["balance"]?.scalar ?? "-")")
            }
            return line(old == nil, names.name(.customer, id), words)
        }
    }

    private func line(_ isNew: Bool, _ name: String, _ words: [String]) -> String? {
        if words.isEmpty, !isNew { return nil }
        return ([isNew ? "+" : "~", name].joined(separator: " ") + " " + words.joined(separator: ", "))
            .trimmingCharacters(in: .whitespaces)
    }

    /// Fields that are otherwise not shown: `accountNumber ******9993`.
    private func differences(_ old: Tree, _ now: Tree, _ fields: [String]) -> [String] {
        fields.filter { (old[$0] ?? .null) != (now[$0] ?? .null) }.map {
            "\($0) \(now[$0]?.scalar ?? "none")"
        }
    }
}
