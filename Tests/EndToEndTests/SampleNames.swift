import Foundation

/// The names that stand for what is different in every run of a sample: ids, tokens, cursors, the service user.
///
/// A script names what it speaks of; the rest is named after its class, in the order in which it appears: `{card}`, `{invoice1}`.
struct SampleNames {
    /// Values by their names.
    private(set) var values: [String: String]
    private var names: [String: String] = [:]
    private let account: String

    init(account: Int, user: String) {
        self.account = "\(account)"
        values = ["account": "\(account)", "user": user]
        names[user] = "user"
    }

    /// The text with the names replaced by what they stand for.
    func filled(_ text: String) -> String {
        values.reduce(text) { $0.replacingOccurrences(of: "{\($1.key)}", with: $1.value) }
    }

    // MARK: What a script expects

    /// Whether a text is like the pattern; takes what new names stand for.
    mutating func match(_ pattern: String, _ text: String) -> Bool {
        var expression = ""
        var found: [String] = []
        var rest = filled(pattern)[...]
        while let character = rest.first {
            if let name = rest.prefixMatch(of: #/\{([A-Za-z]\w*)\}/#) {
                expression += #"([^/?&>\s"]+)"#
                found.append(String(name.1))
                rest = rest[name.range.upperBound...]
            } else {
                expression +=
                    character == "…"
                    ? ".*?" : NSRegularExpression.escapedPattern(for: String(character))
                rest.removeFirst()
            }
        }
        let range = NSRange(text.startIndex..., in: text)
        guard
            let matcher = try? NSRegularExpression(
                pattern: "^\(expression)$", options: .dotMatchesLineSeparators),
            let match = matcher.firstMatch(in: text, range: range)
        else { return false }
        for (index, name) in found.enumerated() {
            guard let range = Range(match.range(at: index + 1), in: text) else { return false }
            bind(String(text[range]), to: name)
        }
        return true
    }

    /// What of an answer is not as a script expects it, each with its path. Whether a scalar has quotes does not count.
    mutating func differences(_ expected: Document, _ actual: Document?, at path: String = "") -> [String] {
        if expected == .anything { return [] }
        switch (expected, actual) {
        case (.object(let wanted), let found?) where found.scalar == nil && found.items.isEmpty:
            var all: [String] = []
            for member in wanted where member.name != "…" {
                all += differences(member.value, found[member.name], at: "\(path).\(member.name)")
            }
            if !wanted.contains(where: { $0.name == "…" }) {
                let known = Set(wanted.map(\.name))
                all += found.members.filter { !known.contains($0.name) && $0.value.neutral != nil }.map {
                    "\(path).\($0.name) is not expected"
                }
            }
            return all
        case (.list(let wanted), let found) where found?.items.isEmpty == false || found?.neutral == nil:
            let isOpen = wanted.last == .anything
            let given = isOpen ? wanted.dropLast() : wanted[...]
            let items = found?.items ?? []
            if items.count < given.count || !isOpen && items.count > given.count {
                return ["\(path) has \(items.count) items, not \(given.count)"]
            }
            return zip(given, items).enumerated().flatMap { index, pair in
                differences(pair.0, pair.1, at: "\(path)[\(index)]")
            }
        case (.text(let pattern), let found?), (.bare(let pattern), let found?):
            guard let text = found.scalar else { return ["\(path) is no scalar"] }
            return match(pattern, text) ? [] : ["\(path) is \(text), not \(filled(pattern))"]
        default: return [actual == nil ? "\(path) is missing" : "\(path) is of another kind"]
        }
    }

    // MARK: Names of what appears

    private mutating func bind(_ value: String, to name: String) {
        values[name] = value
        names[value] = name
    }

    /// Names a value that has no name yet.
    private mutating func take(_ value: String?, as base: String, numbered: Bool = false) {
        guard let value, !value.isEmpty, names[value] == nil else { return }
        var name = base
        var number = 1
        if numbered { name = "\(base)1" }
        while values[name] != nil {
            number += 1
            name = "\(base)\(number)"
        }
        bind(value, to: name)
    }

    /// Names what an answer brings. `kind` is the class that the request's path speaks of.
    mutating func take(_ document: Document, of kind: String) {
        if case .list(let items) = document {
            for item in items { take(item, of: kind) }
            return
        }
        let type = document["type"]?.scalar ?? ""
        switch kind {
        case "processing-info", "account": break
        case "payment-option": take(document["id"]?.scalar, as: type.hasPrefix("B") ? "bank" : "card")
        case "transaction": takeTransaction(document["id"]?.scalar, type)
        case "adjustment":
            let words = ["F": "freeze", "C": "cancellation", "P": "pause"]
            take(document["id"]?.scalar, as: words[type] ?? "adjustment")
        case "allocation": take(document["id"]?.scalar, as: "allocation", numbered: true)
        default: take(document["id"]?.scalar, as: kind)
        }
        take(document["tokenCode"]?.scalar, as: "token")
        takeTransaction(document["sourceId"]?.scalar, document["sourceTransactionType"]?.scalar ?? "")
        takeTransaction(document["targetId"]?.scalar, document["targetTransactionType"]?.scalar ?? "")
        takeTransaction(document["transactionId"]?.scalar, "")
        for (field, kind) in [
            ("customerId", "customer"), ("planId", "plan"), ("subscriptionId", "subscription"),
            ("paymentOptionId", "card"), ("adjustmentId", "adjustment"), ("token", "token"),
        ] {
            take(document[field]?.scalar, as: kind)
        }
        for (field, kind) in [
            ("paymentOptions", "payment-option"), ("subscriptions", "subscription"),
            ("adjustments", "adjustment"), ("processingInfo", "processing-info"),
        ] {
            if let inner = document[field] { take(inner, of: kind) }
        }
    }

    private mutating func takeTransaction(_ id: String?, _ type: String) {
        let words = [
            "RI": "invoice", "RC": "credit", "RF": "fee", "RL": "lateFee", "RA": "accessFee", "AP": "payment",
            "AC": "claim", "AD": "decline", "AR": "refund", "AV": "void", "AG": "chargeback",
            "AS": "chargebackReversal", "AA": "writeOff", "RR": "reversal", "RX": "reversal",
            "AX": "reversal",
        ]
        take(id, as: words[type] ?? "transaction", numbered: true)
    }

    // MARK: Abstracting

    /// What says nothing and is different in every run.
    private static let noise: Set = [
        "requestId", "approvalCode", "gatewayTransactionId", "ETag", "temporaryPassword",
    ]

    /// The value of a field with names in place of what varies.
    func abstracted(_ field: String, _ value: Document) -> Document {
        guard let text = value.scalar else { return value }
        if Self.noise.contains(field) { return value.withScalar("…") }
        if field == "accountId" || field == "id", text == account { return value.withScalar("{account}") }
        if text.allSatisfy(\.isNumber) {
            let isID = field == "id" || field.hasSuffix("Id")
            // What an explanation's inputs are is said by their names.
            guard isID || field == "code" || field == "value" && text.count > 5 else { return value }
            if let name = names[text] { return value.withScalar("{\(name)}") }
            return isID ? value.withScalar("…") : value
        }
        return value.withScalar(abstracted(text))
    }

    /// A text with names in place of the values that stand in it as whole words.
    func abstracted(_ text: String) -> String {
        names.sorted { $0.key.count > $1.key.count }.reduce(text) { text, pair in
            // A short number may be a part of a date, or an amount.
            guard pair.key.count > 4, text.contains(pair.key) else { return text }
            let word = NSRegularExpression.escapedPattern(for: pair.key)
            return text.replacingOccurrences(
                of: "(?<![A-Za-z0-9])\(word)(?![A-Za-z0-9])", with: "{\(pair.value)}",
                options: .regularExpression)
        }
    }
}

extension Document {
    fileprivate func withScalar(_ text: String) -> Document {
        if case .bare = self { return .bare(text) }
        return .text(text)
    }
}
