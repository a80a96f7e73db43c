import Foundation
import TestSupport

/// A conversation with the server, kept as a text file that reads like documentation.
///
/// ```
/// A title, and prose. The merchant account has its clock at 2027-01-15.
///
/// ## A step
/// Prose.
///
/// PUT /api/v01/customers
/// Content-Type: application/json
///
/// {"firstName": "Ann", "lastName": "Lee"}
///
/// --> 201
/// Location: /api/v01/customers/{customer}
///
/// {"id": {customer}, "firstName": "Ann", …}
/// ```
/// `{name}` stands for what varies: the first time it takes what is there, later it must be the same; `{account}` and
/// `{user}` are known from the start. `…` stands for any text, or, as a member of its own, for any further ones
/// (`etc="…"` in XML, `…=…` in xurl). Whitespace between the parts of a body does not matter, nor do line breaks in xurl.
struct Conversation {
    struct Step {
        var title: String
        var method = ""
        var path = ""
        var headers: [String] = []
        var body = ""
        var status = 0
        var answerHeaders: [String] = []
        var answerBody = ""
    }

    /// The day that the account's clock shows at first.
    var clock = "2027-01-01"
    var steps: [Step] = []

    /// Reads a conversation.
    init(_ text: String) throws {
        enum Part { case prose, headers, body, answerHeaders, answerBody }
        var part = Part.prose
        for line in text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init) {
            if line.hasPrefix("## ") {
                steps.append(Step(title: String(line.dropFirst(3))))
                part = .prose
                continue
            }
            if steps.isEmpty {
                if let found = line.range(of: #"(?<=clock at )\d{4}-\d\d-\d\d"#, options: .regularExpression)
                {
                    clock = String(line[found])
                }
                continue
            }
            let last = steps.count - 1
            if line.hasPrefix("--> "), part == .headers || part == .body {
                guard let status = Int(line.dropFirst(4)) else { throw SetupFailure("no status: \(line)") }
                steps[last].status = status
                part = .answerHeaders
                continue
            }
            switch part {
            case .prose:
                let words = line.split(separator: " ")
                guard words.count == 2, ["GET", "PUT", "POST", "DELETE"].contains(words[0]),
                    words[1].hasPrefix("/")
                else { continue }
                (steps[last].method, steps[last].path) = (String(words[0]), String(words[1]))
                part = .headers
            case .headers: if line.isEmpty { part = .body } else { steps[last].headers.append(line) }
            case .body: steps[last].body += line + "\n"
            case .answerHeaders:
                if line.isEmpty { part = .answerBody } else { steps[last].answerHeaders.append(line) }
            case .answerBody: steps[last].answerBody += line + "\n"
            }
        }
        guard !steps.isEmpty, steps.allSatisfy({ $0.status > 0 }) else {
            throw SetupFailure("the conversation has no steps, or one without request and answer")
        }
    }

    /// Has the conversation with a merchant account of its own; gives back what was different from the text.
    func run(as merchant: Merchant) throws -> [String] {
        var names = Placeholders(known: ["account": "\(merchant.account)", "user": merchant.user])
        for step in steps {
            var body: String? = step.body.trimmingCharacters(in: .whitespacesAndNewlines)
            if body?.isEmpty == true { body = nil }
            var type: String?
            var others: [String] = []
            for header in step.headers {
                if header.hasPrefix("Content-Type: ") {
                    type = String(header.dropFirst(14))
                } else {
                    others.append(header)
                }
            }
            if type == Media.xurl.rawValue { body = body.map(Self.joined) }
            let answer = try merchant.call(
                step.method, names.filled(step.path), body.map { names.filled($0) }, type: type,
                headers: others)
            var differences: [String] = []
            if answer.status != step.status { differences.append("the status is \(answer.status)") }
            for header in step.answerHeaders {
                let parts = header.components(separatedBy: ": ")
                let value = answer.headers[parts[0].lowercased()] ?? ""
                if !names.match(parts.dropFirst().joined(separator: ": "), value) {
                    differences.append("\(parts[0]) is \(value)")
                }
            }
            let text = step.answerBody.trimmingCharacters(in: .whitespacesAndNewlines)
            if !text.isEmpty {
                guard let expected = Self.expected(text, answer.headers["content-type"] ?? "") else {
                    throw SetupFailure("\(step.title): the text of the answer is not well-formed")
                }
                differences += names.differences(expected, answer.tree, at: "")
            }
            // What follows builds on this step.
            guard differences.isEmpty else {
                return ["\(step.title) (\(step.method) \(step.path))"] + differences + ["\(answer)"]
            }
        }
        return []
    }

    private static func joined(_ text: String) -> String {
        text.split(separator: "\n").map { $0.trimmingCharacters(in: .whitespaces) }.joined()
    }

    private static func expected(_ text: String, _ type: String) -> Tree? {
        if type.hasPrefix(Media.json.rawValue) { return Tree(json: quoted(text)) }
        if type.hasPrefix(Media.xml.rawValue) { return Tree(xml: text) }
        return Tree(form: joined(text))
    }

    /// The json text with its bare `{name}` and `…` put into quotes; bare names stand for numbers.
    private static func quoted(_ text: String) -> String {
        var out = ""
        var isInside = false
        var containers: [Character] = []
        var previous: Character = " "
        var rest = text[...]
        while let character = rest.first {
            if isInside {
                if character == "\\" {
                    out += rest.prefix(2)
                    rest = rest.dropFirst(2)
                    continue
                }
                isInside = character != "\""
                out.append(character)
                rest = rest.dropFirst()
            } else if let name = rest.prefixMatch(of: #/\{([A-Za-z]\w*)\}/#) {
                out += "\"\(Placeholders.number)\(name.0)\""
                rest = rest[name.range.upperBound...]
            } else if character == "…" {
                out += containers.last == "{" && previous != ":" ? #""…":"…""# : #""…""#
                rest = rest.dropFirst()
            } else {
                if character == "\"" { isInside = true }
                if character == "{" || character == "[" { containers.append(character) }
                if character == "}" || character == "]" { _ = containers.popLast() }
                if !character.isWhitespace { previous = character }
                out.append(character)
                rest = rest.dropFirst()
            }
        }
        return out
    }
}

/// What the placeholders of a conversation have come to stand for.
struct Placeholders {
    /// Marks a blank that stood without quotes: a number is wanted.
    static let number = "\u{E000}"

    private var known: [String: String]

    init(known: [String: String]) { self.known = known }

    /// The text with the known names filled in.
    func filled(_ text: String) -> String {
        known.reduce(text) { $0.replacingOccurrences(of: "{\($1.key)}", with: $1.value) }
    }

    /// Whether a text is like the pattern; takes what new names stand for.
    mutating func match(_ pattern: String, _ text: String) -> Bool {
        var expression = ""
        var names: [String] = []
        var rest = filled(pattern)[...]
        while !rest.isEmpty {
            if let name = rest.prefixMatch(of: #/\{([A-Za-z]\w*)\}/#) {
                expression += #"([^/?&\s"]+)"#
                names.append(String(name.1))
                rest = rest[name.range.upperBound...]
            } else if rest.first == "…" {
                expression += ".*?"
                rest.removeFirst()
            } else {
                expression += NSRegularExpression.escapedPattern(for: String(rest.removeFirst()))
            }
        }
        guard
            let matcher = try? NSRegularExpression(
                pattern: "^\(expression)$", options: .dotMatchesLineSeparators),
            let found = matcher.firstMatch(in: text, range: NSRange(text.startIndex..., in: text))
        else { return false }
        for (index, name) in names.enumerated() {
            guard let range = Range(found.range(at: index + 1), in: text) else { return false }
            known[name] = String(text[range])
        }
        return true
    }

    /// What of an answer is not as expected, each with its path.
    mutating func differences(_ expected: Tree, _ actual: Tree?, at path: String) -> [String] {
        guard let actual else { return ["\(path) is missing"] }
        switch (expected, actual) {
        case (.text("…"), _): return []
        case (.text(let pattern), .number(let number)) where pattern.hasPrefix(Self.number):
            return match(String(pattern.dropFirst()), number) ? [] : ["\(path) is \(number)"]
        case (.text(let pattern), .text(let text)):
            return match(pattern, text) ? [] : ["\(path) is \"\(text)\", not \"\(filled(pattern))\""]
        case (.object(let wanted), .object(let found)):
            var all: [String] = []
            let isOpen = wanted["…"] != nil || wanted["etc"] == .text("…")
            for (name, value) in wanted.sorted(by: { $0.key < $1.key }) where name != "…" && name != "etc" {
                all += differences(value, found[name], at: "\(path).\(name)")
            }
            if !isOpen {
                all += found.keys.filter { wanted[$0] == nil }.sorted().map {
                    "\(path).\($0) is not expected"
                }
            }
            return all
        case (.list(let wanted), .list(let found)):
            var all: [String] = []
            let isOpen = wanted.last == .text("…")
            let given = isOpen ? wanted.dropLast() : wanted[...]
            if found.count < given.count || !isOpen && found.count > given.count {
                all.append("\(path) has \(found.count) items, not \(given.count)")
            }
            for (index, (value, item)) in zip(given, found).enumerated() {
                all += differences(value, item, at: "\(path)[\(index)]")
            }
            return all
        default: return expected == actual ? [] : ["\(path) is \(actual), not \(expected)"]
        }
    }
}
