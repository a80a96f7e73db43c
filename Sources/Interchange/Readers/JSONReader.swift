import CJansson
import Domain

/// Reads json by jansson: strict UTF-8, no duplicate names, no trailing text.
enum JSONReader {
    /// Reads one document; see `Body.init(reading:as:)` for the refusals.
    static func read(_ bytes: [UInt8]) throws(Refusal) -> Value {
        var error = json_error_t()
        let flags = Int(JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL | JSON_DECODE_ANY)
        let root = bytes.withUnsafeBytes { buffer in
            // jansson takes a missing buffer for a mistake of its caller; an empty body has none.
            guard let start = buffer.baseAddress, !buffer.isEmpty else {
                return json_loads("", flags, &error)
            }
            return json_loadb(start, buffer.count, flags, &error)
        }
        guard let root else { throw refusal(for: error, in: bytes) }
        defer { json_decref(root) }
        var nodes = 0
        return try convert(root, depth: 1, &nodes)
    }

    private static func convert(
        _ json: UnsafeMutablePointer<json_t>, depth: Int, _ nodes: inout Int
    ) throws(Refusal) -> Value {
        nodes += 1
        guard nodes <= Limits.nodes else { throw Excess.nodes("the body") }
        switch json.pointee.type {
        case JSON_OBJECT:
            guard depth <= Limits.depth else { throw Excess.depth("the body") }
            var members: [Value.Member] = []
            members.reserveCapacity(json_object_size(json))
            var iterator = json_object_iter(json)
            while let current = iterator {
                let name = text(json_object_iter_key(current), json_object_iter_key_len(current))
                if let value = json_object_iter_value(current) {
                    members.append(Value.Member(name, try convert(value, depth: depth + 1, &nodes)))
                }
                iterator = json_object_iter_next(json, current)
            }
            return .object(members)
        case JSON_ARRAY:
            guard depth <= Limits.depth else { throw Excess.depth("the body") }
            let count = json_array_size(json)
            guard count <= Limits.nodes else { throw Excess.nodes("the body") }
            var items: [Value] = []
            items.reserveCapacity(count)
            for index in 0..<count {
                if let item = json_array_get(json, index) {
                    items.append(try convert(item, depth: depth + 1, &nodes))
                }
            }
            return .list(items)
        case JSON_STRING: return .text(text(json_string_value(json), json_string_length(json)))
        case JSON_INTEGER: return .integer(Int64(json_integer_value(json)))
        case JSON_REAL: return .real(json_real_value(json))
        case JSON_TRUE: return .boolean(true)
        case JSON_FALSE: return .boolean(false)
        default: return .null
        }
    }

    /// jansson has checked the bytes to be UTF-8.
    private static func text(_ start: UnsafePointer<CChar>?, _ count: Int) -> String {
        String(decoding: UnsafeRawBufferPointer(start: start, count: count), as: UTF8.self)
    }

    /// Only the kind and the place are taken from jansson: its own sentence quotes the body.
    private static func refusal(for error: json_error_t, in bytes: [UInt8]) -> Refusal {
        let kind = withUnsafeBytes(of: error.text) { UInt32($0[$0.count - 1]) }
        let place = "at line \(max(1, error.line)), column \(max(0, error.column))"
        switch kind {
        case json_error_duplicate_key.rawValue:
            let name = Shown.name(key(endingAt: Int(error.position), in: bytes))
            return Refusal(.repeatedField, "\(name) is given twice, \(place)", field: name)
        case json_error_numeric_overflow.rawValue:
            return Refusal(.wrongForm, "the number \(place) is out of range")
        case json_error_stack_overflow.rawValue:
            return Excess.depth("the body")
        case json_error_invalid_utf8.rawValue:
            return Refusal(.malformedBody, "the body is not UTF-8, \(place)")
        case json_error_premature_end_of_input.rawValue:
            return Refusal(.malformedBody, "the body is not well-formed json: it ends too early, \(place)")
        case json_error_end_of_input_expected.rawValue:
            return Refusal(
                .malformedBody, "the body is not well-formed json: something follows its end, \(place)")
        default:
            return Refusal(.malformedBody, "the body is not well-formed json, \(place)")
        }
    }

    /// The name whose closing quote is the last byte before `position`, as it is written.
    private static func key(endingAt position: Int, in bytes: [UInt8]) -> String {
        let quote = UInt8(ascii: "\"")
        var end = min(position, bytes.count) - 1
        while end >= 0, bytes[end] != quote { end -= 1 }
        var start = end - 1
        while start >= 0 {
            if bytes[start] == quote {
                var escapes = 0
                while start - escapes > 0, bytes[start - escapes - 1] == UInt8(ascii: "\\") { escapes += 1 }
                if escapes % 2 == 0 { break }
            }
            start -= 1
        }
        guard start >= 0, start < end else { return "" }
        return String(decoding: bytes[(start + 1)..<end], as: UTF8.self)
    }
}

/// The refusals of documents that hold more than `Limits`.
enum Excess {
    static func depth(_ subject: String) -> Refusal {
        Refusal(.malformedBody, "\(subject) is nested deeper than \(Limits.depth) levels")
    }

    static func nodes(_ subject: String) -> Refusal {
        Refusal(.bodyTooLarge, "\(subject) holds more than \(Limits.nodes) values")
    }
}
