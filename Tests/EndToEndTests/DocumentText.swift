import Foundation

/// A body as it stands in a sample: in one of the formats, its values replaced by names where they vary.
enum SampleBody: Hashable, Sendable {
    case json(Document)
    case xml(XMLText)
    case xurl(Pairs)

    /// Reads a body; nil when it is not well-formed.
    init?(_ text: String, in format: Media) {
        let read: SampleBody?
        switch format {
        case .json: read = Document(json: text).map { .json($0) }
        case .xml: read = XMLText(document: text).map { .xml($0) }
        case .xurl: read = Pairs(text).map { .xurl($0) }
        }
        guard let read else { return nil }
        self = read
    }

    /// Translates a document into a format; in XML its root has this name.
    init(_ document: Document, in format: Media, root: String) {
        switch format {
        case .json: self = .json(document)
        case .xml: self = .xml(XMLText(document, as: root))
        case .xurl: self = .xurl(Pairs(document))
        }
    }

    /// What it says, whatever the format.
    var document: Document {
        switch self {
        case .json(let document): document
        case .xml(let element): element.document
        case .xurl(let pairs): pairs.document
        }
    }

    /// Every scalar replaced, as `Document.mapScalars`.
    func mapScalars(_ change: (String, Document) -> Document) -> SampleBody {
        switch self {
        case .json(let document): return .json(document.mapScalars(change))
        case .xml(let element): return .xml(element.mapScalars(change))
        case .xurl(var pairs):
            pairs.all = pairs.all.map { pair in
                let field = pair.name.split(separator: ".").last { Int($0) == nil }
                return .init(pair.name, change(String(field ?? ""), pair.value))
            }
            return .xurl(pairs)
        }
    }

    /// Whether two bodies say the same: the order of members and attributes does not count, that of pairs does.
    func isSame(as other: SampleBody) -> Bool {
        switch (self, other) {
        case (.json(let mine), .json(let others)): mine.sorted == others.sorted
        case (.xml(let mine), .xml(let others)): mine.canonical == others.canonical
        case (.xurl(let mine), .xurl(let others)): mine == others
        default: false
        }
    }

    /// In as few bytes as it takes, as a caller sends it.
    var compact: String {
        switch self {
        case .json(let document): document.compact
        case .xml(let element): element.compact
        case .xurl(let pairs): pairs.texts.joined(separator: "&")
        }
    }

    /// In lines, for people.
    var pretty: String {
        switch self {
        case .json(let document): document.pretty(indent: 0).joined(separator: "\n")
        case .xml(let element):
            (["<?xml version=\"1.0\" encoding=\"UTF-8\"?>"] + element.pretty(indent: 0)).joined(
                separator: "\n")
        case .xurl(let pairs): pairs.pretty.joined(separator: "\n")
        }
    }
}

/// The width of a sample's lines.
private let width = 100

/// Puts pieces on as few lines as they need, each indented.
private func filled(_ pieces: [String], separator: String, indent: Int) -> [String] {
    let margin = String(repeating: " ", count: indent)
    var lines: [String] = []
    for piece in pieces {
        if let last = lines.last, last.count + separator.count + piece.count <= width {
            lines[lines.count - 1] += separator + piece
        } else {
            if !lines.isEmpty { lines[lines.count - 1] += separator.trimmingCharacters(in: .whitespaces) }
            lines.append(margin + piece)
        }
    }
    return lines
}

extension Document {
    fileprivate var compact: String {
        switch self {
        case .object(let members):
            "{" + members.map { "\(Self.quoted($0.name)):\($0.value.compact)" }.joined(separator: ",") + "}"
        case .list(let items): "[" + items.map(\.compact).joined(separator: ",") + "]"
        case .text(let text): Self.quoted(text)
        case .bare(let text): text
        }
    }

    /// On one line, with spaces.
    private var line: String {
        switch self {
        case .object(let members): "{" + members.map(Self.line).joined(separator: ", ") + "}"
        case .list(let items): "[" + items.map(\.line).joined(separator: ", ") + "]"
        case .text, .bare: compact
        }
    }

    private static func line(_ member: Member) -> String { "\(quoted(member.name)): \(member.value.line)" }

    /// On one line where it is short and flat; else its scalars fill lines, and each object or list in it has lines of its own.
    fileprivate func pretty(indent: Int) -> [String] {
        let margin = String(repeating: " ", count: indent)
        switch self {
        case .text, .bare: return [margin + compact]
        case .list(let items):
            if items.allSatisfy({ $0.scalar != nil }), indent + line.count <= width { return [margin + line] }
            var blocks = items.map { $0.pretty(indent: indent + 2) }
            for index in blocks.indices.dropLast() { blocks[index][blocks[index].count - 1] += "," }
            return [margin + "["] + blocks.flatMap { $0 } + [margin + "]"]
        case .object(let members):
            let isFlat = members.allSatisfy { $0.value.scalar != nil }
            if isFlat, indent + line.count <= width { return [margin + line] }
            var blocks: [[String]] = []
            var scalars: [String] = []
            func flush() {
                if !scalars.isEmpty { blocks.append(filled(scalars, separator: ", ", indent: indent + 2)) }
                scalars = []
            }
            for member in members {
                if member.value.scalar != nil {
                    scalars.append(Self.line(member))
                } else {
                    flush()
                    var lines = member.value.pretty(indent: indent + 2)
                    lines[0].insert(
                        contentsOf: "\(Self.quoted(member.name)): ",
                        at: lines[0].index(lines[0].startIndex, offsetBy: indent + 2))
                    blocks.append(lines)
                }
            }
            flush()
            for index in blocks.indices.dropLast() { blocks[index][blocks[index].count - 1] += "," }
            return [margin + "{"] + blocks.flatMap { $0 } + [margin + "}"]
        }
    }

    private static func quoted(_ text: String) -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = .withoutEscapingSlashes
        return (try? encoder.encode(text)).map { String(decoding: $0, as: UTF8.self) } ?? "\"\""
    }
}

extension XMLText {
    private var words: [String] {
        attributes.map { "\($0.name)=\"\(Self.escaped($0.value.scalar ?? ""))\"" }
    }

    fileprivate var compact: String {
        let start = (["<\(name)"] + words).joined(separator: " ")
        if children.isEmpty { return start + "/>" }
        return start + ">" + children.map(\.compact).joined() + "</\(name)>"
    }

    fileprivate func pretty(indent: Int) -> [String] {
        let margin = String(repeating: " ", count: indent)
        let all = ["<\(name)"] + words
        var lines: [String] = [margin + all[0]]
        for word in all.dropFirst() {
            if lines[lines.count - 1].count + word.count + 3 <= width {
                lines[lines.count - 1] += " " + word
            } else {
                lines.append(margin + "   " + word)
            }
        }
        lines[lines.count - 1] += children.isEmpty ? "/>" : ">"
        if children.isEmpty { return lines }
        return lines + children.flatMap { $0.pretty(indent: indent + 2) } + ["\(margin)</\(name)>"]
    }
}

extension Pairs {
    fileprivate var texts: [String] {
        all.map { "\($0.name)=\(Self.escaped($0.value.scalar ?? ""))" }
    }

    /// Pairs fill the lines; an item of a list begins a new one.
    fileprivate var pretty: [String] {
        var groups: [[String]] = []
        var last: Substring?
        for (pair, text) in zip(all, texts) {
            let item = pair.name.first?.isNumber == true ? pair.name.prefix { $0 != "." } : nil
            if groups.isEmpty || item != last { groups.append([]) }
            groups[groups.count - 1].append(text)
            last = item
        }
        var lines = groups.map { filled($0, separator: "&", indent: 0) }
        for index in lines.indices.dropLast() { lines[index][lines[index].count - 1] += "&" }
        return lines.flatMap { $0 }
    }

    /// As a form is encoded, but for names in braces and `…`.
    static func escaped(_ text: String) -> String {
        var out = ""
        var rest = text[...]
        while let scalar = rest.unicodeScalars.first {
            if let name = rest.prefixMatch(of: #/\{[A-Za-z]\w*\}|…/#) {
                out += name.0
                rest = rest[name.range.upperBound...]
                continue
            }
            switch scalar {
            case "a"..."z", "A"..."Z", "0"..."9", "*", "-", ".", "_": out.unicodeScalars.append(scalar)
            case " ": out += "+"
            default: for byte in String(scalar).utf8 { out += "%" + String(format: "%02X", byte) }
            }
            rest.unicodeScalars.removeFirst()
        }
        return out
    }
}
