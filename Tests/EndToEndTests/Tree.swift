import Foundation
import FoundationXML

/// An answer's body as read by Foundation: another reader than ours.
///
/// An XML element is an object of its attributes, with its name under `<name>` and its children under `<children>`. An xurl
/// document is an object of its names as they stand, dots and all.
indirect enum Tree: Hashable, Sendable {
    case object([String: Tree])
    case list([Tree])
    case text(String)
    case number(String)
    case boolean(Bool)
    case null

    /// A member of an object.
    subscript(_ name: String) -> Tree? {
        if case .object(let members) = self { return members[name] }
        return nil
    }

    /// An item of a list.
    subscript(_ index: Int) -> Tree? {
        if case .list(let items) = self, items.indices.contains(index) { return items[index] }
        return nil
    }

    /// The items of a list.
    var items: [Tree] {
        if case .list(let items) = self { return items }
        return []
    }

    /// A scalar as it is written.
    var scalar: String? {
        switch self {
        case .text(let text), .number(let text): text
        case .boolean(let value): String(value)
        default: nil
        }
    }

    /// A number, sent as one or as text.
    var integer: Int? { scalar.flatMap { Int($0) } }

    /// Reads json strictly; nil when it is not well-formed.
    init?(json: String) {
        guard let read = try? JSONDecoder().decode(DecodedTree.self, from: Data(json.utf8)) else {
            return nil
        }
        self = read.tree
    }

    /// Reads XML; nil when it is not well-formed.
    init?(xml: String) {
        let reader = ElementReader()
        let parser = XMLParser(data: Data(xml.utf8))
        parser.delegate = reader
        guard parser.parse(), let root = reader.root else { return nil }
        self = root
    }

    /// Reads xurl; nil when an escape is malformed or a name comes twice.
    init?(form: String) {
        var members: [String: Tree] = [:]
        for pair in form.split(separator: "&") {
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let decoded = parts.map { $0.replacingOccurrences(of: "+", with: " ").removingPercentEncoding }
            guard decoded.count == 2, let name = decoded[0], let value = decoded[1], members[name] == nil
            else {
                return nil
            }
            members[name] = .text(value)
        }
        self = .object(members)
    }
}

private struct DecodedTree: Decodable {
    let tree: Tree

    init(from decoder: any Decoder) throws {
        let value = try decoder.singleValueContainer()
        if value.decodeNil() {
            tree = .null
        } else if let flag = try? value.decode(Bool.self) {
            tree = .boolean(flag)
        } else if let number = try? value.decode(Int64.self) {
            tree = .number(String(number))
        } else if let number = try? value.decode(Double.self) {
            tree = .number(String(number))
        } else if let text = try? value.decode(String.self) {
            tree = .text(text)
        } else if let items = try? value.decode([DecodedTree].self) {
            tree = .list(items.map(\.tree))
        } else {
            tree = .object(try value.decode([String: DecodedTree].self).mapValues(\.tree))
        }
    }
}

private final class ElementReader: NSObject, XMLParserDelegate {
    var root: Tree?
    private var open: [(members: [String: Tree], children: [Tree])] = []

    func parser(
        _ parser: XMLParser, didStartElement name: String, namespaceURI: String?, qualifiedName: String?,
        attributes: [String: String]
    ) {
        var members = attributes.mapValues { Tree.text($0) }
        members["<name>"] = .text(name)
        open.append((members, []))
    }

    func parser(
        _ parser: XMLParser, didEndElement name: String, namespaceURI: String?, qualifiedName: String?
    ) {
        guard var (members, children) = open.popLast() else { return }
        if !children.isEmpty { members["<children>"] = .list(children) }
        if open.isEmpty {
            root = .object(members)
        } else {
            open[open.count - 1].children.append(.object(members))
        }
        children = []
    }
}
