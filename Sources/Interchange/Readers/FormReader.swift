import Domain

/// Reads xurl: `name=value` pairs joined by `&`, percent-encoded, names dotted
/// (`paymentOptions.0.holderName`).
///
/// All scalars are text. A container whose names are all numbers is a list; its indexes must run from 0
/// without gaps, in any order of sending. Empty pairs are skipped; a name without `=` has an empty value.
enum FormReader {
    /// Reads one document; see `Body.init(reading:as:)` for the refusals. `subject` is what the refusals
    /// call it.
    static func read(_ bytes: [UInt8], of subject: String) throws(Refusal) -> Value {
        let root = FormNode()
        var nodes = 1
        var start = 0
        while start <= bytes.count {
            let end = bytes[start...].firstIndex(of: UInt8(ascii: "&")) ?? bytes.count
            if end > start {
                let equals = bytes[start..<end].firstIndex(of: UInt8(ascii: "=")) ?? end
                let name = try decoded(bytes, start..<equals, of: subject)
                let value = try decoded(bytes, min(equals + 1, end)..<end, of: subject)
                guard !name.isEmpty else { throw malformed(subject, "a name is empty", at: start) }
                try add(value, under: name, to: root, &nodes, of: subject)
            }
            start = end + 1
        }
        return try root.value(path: "")
    }

    private static func add(
        _ value: String, under name: String, to root: FormNode, _ nodes: inout Int, of subject: String
    ) throws(Refusal) {
        var node = root
        var depth = 0
        var rest = name[...]
        while true {
            let dot = rest.utf8.firstIndex(of: UInt8(ascii: "."))
            let segment = rest[..<(dot ?? rest.endIndex)]
            guard !segment.isEmpty else {
                throw Refusal(.wrongForm, "\(Shown.name(name)) is not a field name", field: Shown.name(name))
            }
            depth += 1
            guard depth <= Limits.depth else { throw Excess.depth(subject) }
            guard node.text == nil else { throw repeated(name) }
            let (child, isNew) = node.child(String(segment))
            if isNew { nodes += 1 }
            guard nodes <= Limits.nodes else { throw Excess.nodes(subject) }
            node = child
            guard let dot else { break }
            rest = rest[rest.utf8.index(after: dot)...]
        }
        guard node.text == nil, node.below.isEmpty else { throw repeated(name) }
        node.text = value
    }

    private static func repeated(_ name: String) -> Refusal {
        let name = Shown.name(name)
        return Refusal(.repeatedField, "\(name) is given twice", field: name)
    }

    private static func malformed(_ subject: String, _ what: String, at offset: Int) -> Refusal {
        Refusal(
            .malformedBody, "\(subject) is not well-formed xurl: \(what), at line 1, column \(offset + 1)")
    }

    private static func decoded(
        _ bytes: [UInt8], _ range: Range<Int>, of subject: String
    ) throws(Refusal) -> String {
        let raw = bytes[range]
        if !raw.contains(where: { $0 == UInt8(ascii: "%") || $0 == UInt8(ascii: "+") }) {
            guard let text = String(validating: raw, as: UTF8.self) else {
                throw malformed(subject, "it is not UTF-8", at: range.lowerBound)
            }
            return text
        }
        var out: [UInt8] = []
        out.reserveCapacity(range.count)
        var index = range.lowerBound
        while index < range.upperBound {
            switch bytes[index] {
            case UInt8(ascii: "+"): out.append(32)
            case UInt8(ascii: "%"):
                guard index + 2 < range.upperBound, let high = hex(bytes[index + 1]),
                    let low = hex(bytes[index + 2])
                else { throw malformed(subject, "% is not followed by two hexadecimal digits", at: index) }
                out.append(high << 4 | low)
                index += 2
            case let byte: out.append(byte)
            }
            index += 1
        }
        guard let text = String(validating: out, as: UTF8.self) else {
            throw malformed(subject, "it is not UTF-8", at: range.lowerBound)
        }
        return text
    }

    private static func hex(_ byte: UInt8) -> UInt8? {
        switch byte {
        case 48...57: byte - 48
        case 65...70: byte - 55
        case 97...102: byte - 87
        default: nil
        }
    }
}

/// A name's place in an xurl document: either a text, or further names below it.
private final class FormNode {
    var text: String?
    /// The names below, in the order they were first sent.
    private(set) var below: [(name: String, node: FormNode)] = []
    private var places: [String: Int] = [:]

    func child(_ name: String) -> (FormNode, isNew: Bool) {
        if let place = places[name] { return (below[place].node, false) }
        let child = FormNode()
        places[name] = below.count
        below.append((name, child))
        return (child, true)
    }

    func value(path: String) throws(Refusal) -> Value {
        if let text { return .text(text) }
        let numbers = below.count { $0.name.utf8.allSatisfy { (48...57).contains($0) } }
        if numbers == 0 {
            var members: [Value.Member] = []
            members.reserveCapacity(below.count)
            for (name, node) in below {
                members.append(Value.Member(name, try node.value(under: name, path)))
            }
            return .object(members)
        }
        guard numbers == below.count else {
            throw refusal(path, "has both numbered and named parts")
        }
        guard numbers <= Limits.items else {
            throw refusal(path, "has more than \(Limits.items) items")
        }
        var items: [Value] = []
        items.reserveCapacity(numbers)
        for index in 0..<numbers {
            let name = String(index)
            guard let place = places[name] else {
                throw refusal(path, "must be numbered from 0 without gaps")
            }
            items.append(try below[place].node.value(under: name, path))
        }
        return .list(items)
    }

    private func value(under name: String, _ path: String) throws(Refusal) -> Value {
        if let text { return .text(text) }
        return try value(path: path.isEmpty ? name : "\(path).\(name)")
    }

    private func refusal(_ path: String, _ what: String) -> Refusal {
        let name = Shown.name(path)
        return Refusal(
            .wrongForm, path.isEmpty ? "the list \(what)" : "\(name) \(what)",
            field: path.isEmpty ? nil : name)
    }
}
