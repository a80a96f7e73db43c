import Foundation

/// A body in one of the three formats, with its order kept: read and written here, by nothing of the program.
///
/// In json `{name}` and `…` may stand without quotes where a value would; `…` as a member or an item of its own stands for any
/// further ones.
indirect enum Document: Hashable, Sendable {
    case object([Member])
    case list([Document])
    /// A text: in quotes in json.
    case text(String)
    /// A number, `true`, `false`, or a name that stands for a number: without quotes in json.
    case bare(String)

    struct Member: Hashable, Sendable {
        var name: String
        var value: Document

        init(_ name: String, _ value: Document) { (self.name, self.value) = (name, value) }
    }

    static let anything = Document.bare("…")

    /// A member of an object.
    subscript(_ name: String) -> Document? {
        guard case .object(let members) = self else { return nil }
        return members.first { $0.name == name }?.value
    }

    /// A scalar as it is written.
    var scalar: String? {
        switch self {
        case .text(let text), .bare(let text): text
        case .object, .list: nil
        }
    }

    /// The members of an object.
    var members: [Member] {
        if case .object(let members) = self { return members }
        return []
    }

    /// The items of a list.
    var items: [Document] {
        if case .list(let items) = self { return items }
        return []
    }

    /// The same document with its members sorted by name.
    var sorted: Document {
        switch self {
        case .object(let members):
            .object(members.map { Member($0.name, $0.value.sorted) }.sorted { $0.name < $1.name })
        case .list(let items): .list(items.map(\.sorted))
        case .text, .bare: self
        }
    }

    /// What all formats have in common: sorted, scalars as texts, a list of scalars as one, without empty objects and lists,
    /// which xurl cannot say.
    var neutral: Document? {
        switch self {
        case .object(let members):
            let kept = members.compactMap { member in member.value.neutral.map { Member(member.name, $0) } }
            return kept.isEmpty ? nil : .object(kept.sorted { $0.name < $1.name })
        case .list(let items):
            let kept = items.compactMap(\.neutral)
            let texts = kept.compactMap(\.scalar)
            if !kept.isEmpty, texts.count == kept.count { return .text(texts.joined(separator: ",")) }
            return kept.isEmpty ? nil : .list(kept)
        case .text(let text), .bare(let text): return .text(text)
        }
    }

    /// Every scalar replaced; the closure gets the name of the member that it belongs to, and whether it is bare.
    func mapScalars(of name: String = "", _ change: (String, Document) -> Document) -> Document {
        switch self {
        case .object(let members):
            .object(members.map { Member($0.name, $0.value.mapScalars(of: $0.name, change)) })
        case .list(let items): .list(items.map { $0.mapScalars(of: name, change) })
        case .text, .bare: change(name, self)
        }
    }
}

// MARK: json

extension Document {
    /// Reads json, with names and `…` in place of values; nil when it is not well-formed.
    init?(json text: String) {
        var reader = JSONText(rest: text[...])
        guard let document = reader.value(), reader.isAtEnd else { return nil }
        self = document
    }
}

/// A cursor over json.
private struct JSONText {
    var rest: Substring

    var isAtEnd: Bool {
        mutating get {
            skipSpace()
            return rest.isEmpty
        }
    }

    mutating func value() -> Document? {
        skipSpace()
        if let name = rest.prefixMatch(of: #/\{[A-Za-z]\w*\}|…|-?[0-9][-+.0-9eE]*|true|false|null/#) {
            rest = rest[name.range.upperBound...]
            return .bare(String(name.0))
        }
        switch rest.first {
        case "\"": return string().map { .text($0) }
        case "{": return object()
        case "[": return list()
        default: return nil
        }
    }

    private mutating func object() -> Document? {
        rest.removeFirst()
        var members: [Document.Member] = []
        if take("}") { return .object([]) }
        repeat {
            if take("…") {
                members.append(.init("…", .anything))
                continue
            }
            skipSpace()
            guard rest.first == "\"", let name = string(), take(":"), let value = value() else { return nil }
            members.append(.init(name, value))
        } while take(",")
        return take("}") ? .object(members) : nil
    }

    private mutating func list() -> Document? {
        rest.removeFirst()
        var items: [Document] = []
        if take("]") { return .list([]) }
        repeat {
            guard let value = value() else { return nil }
            items.append(value)
        } while take(",")
        return take("]") ? .list(items) : nil
    }

    /// Foundation undoes the escapes.
    private mutating func string() -> String? {
        guard let found = rest.prefixMatch(of: #/"(?:[^"\\]|\\.)*"/#) else { return nil }
        rest = rest[found.range.upperBound...]
        guard found.0.contains("\\") else { return String(found.0.dropFirst().dropLast()) }
        return try? JSONDecoder().decode(String.self, from: Data(found.0.utf8))
    }

    private mutating func skipSpace() { rest = rest.drop { $0.isWhitespace } }

    private mutating func take(_ character: Character) -> Bool {
        skipSpace()
        guard rest.first == character else { return false }
        rest.removeFirst()
        return true
    }
}

// MARK: xurl

/// The pairs of an xurl document, decoded, in their order.
struct Pairs: Hashable, Sendable {
    var all: [Document.Member]

    /// Reads xurl; line feeds between pairs do not count. Nil when an escape is malformed.
    init?(_ text: String) {
        all = []
        let joined = text.split(separator: "\n").map { $0.trimmingCharacters(in: .whitespaces) }.joined()
        for pair in joined.split(separator: "&") {
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let decoded = parts.map { $0.replacingOccurrences(of: "+", with: " ").removingPercentEncoding }
            guard decoded.count == 2, let name = decoded[0], let value = decoded[1] else { return nil }
            all.append(.init(name, .text(value)))
        }
    }

    /// The pairs that stand for a document: dotted names, items by their numbers.
    init(_ document: Document) {
        all = []
        func add(_ document: Document, _ path: String) {
            let prefix = path.isEmpty ? "" : path + "."
            switch document {
            case .object(let members): for member in members { add(member.value, prefix + member.name) }
            case .list(let items): for (index, item) in items.enumerated() { add(item, "\(prefix)\(index)") }
            case .text(let text), .bare(let text): all.append(.init(path, .text(text)))
            }
        }
        add(document, "")
    }

    /// The document that they stand for.
    var document: Document {
        var root = Document.object([])
        for pair in all { root.insert(pair.value, at: pair.name.split(separator: ".").map(String.init)[...]) }
        return root.withLists
    }
}

extension Document {
    fileprivate mutating func insert(_ value: Document, at path: ArraySlice<String>) {
        guard let name = path.first else {
            self = value
            return
        }
        var members = members
        let index = members.firstIndex { $0.name == name } ?? members.count
        if index == members.count { members.append(Member(name, .object([]))) }
        members[index].value.insert(value, at: path.dropFirst())
        self = .object(members)
    }

    /// Objects whose names are 0, 1, 2, … are lists.
    fileprivate var withLists: Document {
        guard case .object(let members) = self else { return self }
        let values = members.map(\.value.withLists)
        let isList = members.enumerated().allSatisfy { $0.element.name == "\($0.offset)" }
        if isList, !members.isEmpty { return .list(values) }
        return .object(zip(members, values).map { Member($0.name, $1) })
    }
}
