import Foundation

/// An XML element with the order of its attributes: Foundation's reader loses it.
struct XMLText: Hashable, Sendable {
    var name: String
    var attributes: [Document.Member] = []
    var children: [XMLText] = []

    /// Reads a document that another reader has found well-formed; nil when it holds anything but elements and attributes.
    init?(document text: String) {
        var rest = text[...]
        if let declaration = rest.prefixMatch(of: #/\s*<\?xml[^>]*\?>/#) {
            rest = rest[declaration.range.upperBound...]
        }
        guard let root = XMLText(&rest), rest.allSatisfy(\.isWhitespace) else { return nil }
        self = root
    }

    private init?(_ rest: inout Substring) {
        guard let start = rest.prefixMatch(of: #/\s*<([A-Za-z][-A-Za-z0-9]*)/#) else { return nil }
        name = String(start.1)
        rest = rest[start.range.upperBound...]
        while let attribute = rest.prefixMatch(of: #/\s+([A-Za-z]\w*)="([^"<]*)"/#) {
            attributes.append(.init(String(attribute.1), .text(Self.unescaped(String(attribute.2)))))
            rest = rest[attribute.range.upperBound...]
        }
        if let end = rest.prefixMatch(of: #/\s*/>/#) {
            rest = rest[end.range.upperBound...]
            return
        }
        guard let open = rest.prefixMatch(of: #/\s*>/#) else { return nil }
        rest = rest[open.range.upperBound...]
        while true {
            if let end = rest.prefixMatch(of: #/\s*</([A-Za-z][-A-Za-z0-9]*)\s*>/#) {
                rest = rest[end.range.upperBound...]
                guard end.1 == name else { return nil }
                return
            }
            guard let child = XMLText(&rest) else { return nil }
            children.append(child)
        }
    }

    private init(name: String) { self.name = name }

    /// The element that stands for an object or a list of the interface: scalars are attributes, objects and lists child elements
    /// named with dashes, and an item is named after its list, without the `s`.
    init(_ document: Document, as name: String) {
        self.init(name: name)
        switch document {
        case .object(let members):
            for member in members {
                switch member.value {
                case .text, .bare: attributes.append(member)
                case .object, .list: children.append(XMLText(member.value, as: Self.dashed(member.name)))
                }
            }
        case .list(let items):
            let item = name.hasSuffix("s") ? String(name.dropLast()) : name
            children = items.map { XMLText($0, as: item) }
        case .text, .bare: attributes = [.init("value", document)]
        }
    }

    /// The object or list that it stands for. A list is an element without attributes whose children are of one name.
    var document: Document {
        if attributes.isEmpty, children.allSatisfy({ $0.name == children[0].name }) {
            return .list(children.map(\.item))
        }
        return .object(attributes + children.map { .init(Self.joined($0.name), $0.document) })
    }

    private var item: Document {
        if children.isEmpty, attributes.count == 1, attributes[0].name == "value" {
            return attributes[0].value
        }
        return document
    }

    /// The same with its attributes sorted by name.
    var canonical: XMLText {
        var sorted = self
        sorted.attributes.sort { $0.name < $1.name }
        sorted.children = children.map(\.canonical)
        return sorted
    }

    /// Every attribute's value replaced, as `Document.mapScalars`.
    func mapScalars(_ change: (String, Document) -> Document) -> XMLText {
        var changed = self
        changed.attributes = attributes.map { .init($0.name, change($0.name, $0.value)) }
        changed.children = children.map { $0.mapScalars(change) }
        return changed
    }

    /// `paymentOptions` as `payment-options`.
    static func dashed(_ name: String) -> String {
        name.reduce(into: "") { $0 += $1.isUppercase ? "-" + $1.lowercased() : String($1) }
    }

    /// `payment-options` as `paymentOptions`.
    static func joined(_ name: String) -> String {
        let parts = name.split(separator: "-")
        return (parts.prefix(1).map(String.init) + parts.dropFirst().map(\.capitalized)).joined()
    }

    private static let entities = [
        ("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&apos;", "'"), ("&#10;", "\n"), ("&#9;", "\t"),
        ("&#13;", "\r"), ("&amp;", "&"),
    ]

    private static func unescaped(_ text: String) -> String {
        guard text.contains("&") else { return text }
        return entities.reduce(text) { $0.replacingOccurrences(of: $1.0, with: $1.1) }
    }

    /// The text as it stands in an attribute.
    static func escaped(_ text: String) -> String {
        let order = ["&", "<", ">", "\"", "\n", "\t", "\r"]
        return order.reduce(text) { text, character in
            let entity = entities.first { $0.1 == character }?.0 ?? character
            return text.replacingOccurrences(of: character, with: entity)
        }
    }
}
