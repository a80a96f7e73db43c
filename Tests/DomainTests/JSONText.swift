/// What a json file of vectors holds, as far as they need it: whole numbers only, no escapes in texts.
indirect enum JSONValue: Hashable, Sendable {
    case object([String: JSONValue])
    case list([JSONValue])
    case text(String)
    case number(Int64)

    /// A member of an object.
    subscript(_ name: String) -> JSONValue? {
        if case .object(let members) = self { return members[name] }
        return nil
    }

    var items: [JSONValue] {
        if case .list(let items) = self { return items }
        return []
    }

    var members: [String: JSONValue] {
        if case .object(let members) = self { return members }
        return [:]
    }

    var text: String? {
        if case .text(let text) = self { return text }
        return nil
    }

    var number: Int64? {
        if case .number(let number) = self { return number }
        return nil
    }

    /// Reads a whole document; nil when it is anything else.
    init?(_ bytes: [UInt8]) {
        var reader = JSONText(rest: bytes[...])
        guard let value = reader.value(), reader.next() == nil else { return nil }
        self = value
    }
}

/// A cursor over json.
private struct JSONText {
    var rest: ArraySlice<UInt8>

    /// The next byte that is no space.
    mutating func next() -> UInt8? {
        rest = rest.drop { $0 == 32 || $0 == 10 || $0 == 13 || $0 == 9 }
        return rest.first
    }

    mutating func take(_ character: Unicode.Scalar) -> Bool {
        guard next() == UInt8(ascii: character) else { return false }
        rest.removeFirst()
        return true
    }

    mutating func value() -> JSONValue? {
        if take("{") {
            var members: [String: JSONValue] = [:]
            if take("}") { return .object(members) }
            repeat {
                guard let name = text(), take(":"), let value = value(), members[name] == nil else {
                    return nil
                }
                members[name] = value
            } while take(",")
            return take("}") ? .object(members) : nil
        }
        if take("[") {
            var items: [JSONValue] = []
            if take("]") { return .list(items) }
            repeat {
                guard let value = value() else { return nil }
                items.append(value)
            } while take(",")
            return take("]") ? .list(items) : nil
        }
        if next() == UInt8(ascii: "\"") { return text().map { .text($0) } }
        let digits = rest.prefix { $0 == 45 || (48...57).contains($0) }
        rest = rest.dropFirst(digits.count)
        return Int64(String(decoding: digits, as: UTF8.self)).map { .number($0) }
    }

    private mutating func text() -> String? {
        guard take("\"") else { return nil }
        let inside = rest.prefix { $0 != UInt8(ascii: "\"") }
        guard !inside.contains(UInt8(ascii: "\\")), inside.endIndex < rest.endIndex else { return nil }
        rest = rest[(inside.endIndex + 1)...]
        return String(decoding: inside, as: UTF8.self)
    }
}
