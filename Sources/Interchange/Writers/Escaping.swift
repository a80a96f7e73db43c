// Each function reserves for the worst case once and then writes byte by byte: the texts are short.

extension ByteWriter {
    /// Appends text for the inside of a JSON string.
    mutating func appendJSON(_ text: String) {
        let bytes = text.utf8Span.span
        reserve(bytes.count * 6)
        var tip = tip
        for index in bytes.indices {
            let byte = bytes[unchecked: index]
            if byte >= 0x20, byte != UInt8(ascii: "\""), byte != UInt8(ascii: "\\") {
                put(byte, &tip)
                continue
            }
            switch byte {
            case UInt8(ascii: "\""): put("\\\"", &tip)
            case UInt8(ascii: "\\"): put("\\\\", &tip)
            case 0x0A: put("\\n", &tip)
            case 0x0D: put("\\r", &tip)
            case 0x09: put("\\t", &tip)
            default:
                put("\\u00", &tip)
                putHex(byte, &tip)
            }
        }
        advance(to: tip)
    }

    /// Appends text for the inside of an XML attribute in double quotes.
    ///
    /// Characters that XML 1.0 cannot carry (refused on input, so only a fault elsewhere brings them here)
    /// become U+FFFD: an answer stays well-formed.
    mutating func appendXML(_ text: String) {
        let bytes = text.utf8Span.span
        let count = bytes.count
        reserve(count * 6)
        var tip = tip
        var index = 0
        while index < count {
            let byte = bytes[unchecked: index]
            index += 1
            switch byte {
            case UInt8(ascii: "&"): put("&amp;", &tip)
            case UInt8(ascii: "<"): put("&lt;", &tip)
            case UInt8(ascii: ">"): put("&gt;", &tip)
            case UInt8(ascii: "\""): put("&quot;", &tip)
            case 0x09: put("&#9;", &tip)
            case 0x0A: put("&#10;", &tip)
            case 0x0D: put("&#13;", &tip)
            case 0..<0x20: put("\u{FFFD}", &tip)
            case 0xEF where index + 1 < count && bytes[index] == 0xBF && bytes[index + 1] >= 0xBE:
                put("\u{FFFD}", &tip)
                index += 2
            default: put(byte, &tip)
            }
        }
        advance(to: tip)
    }

    /// Appends text for an xurl value: letters, digits and `*-._` as they are, space as `+`, the rest
    /// percent-encoded.
    mutating func appendForm(_ text: String) {
        let bytes = text.utf8Span.span
        reserve(bytes.count * 3)
        var tip = tip
        for index in bytes.indices {
            let byte = bytes[unchecked: index]
            switch byte {
            case 48...57, 65...90, 97...122, 42, 45, 46, 95: put(byte, &tip)
            case 32: put(UInt8(ascii: "+"), &tip)
            default:
                put(UInt8(ascii: "%"), &tip)
                putHex(byte, &tip)
            }
        }
        advance(to: tip)
    }
}

@inline(__always)
private func put(_ byte: UInt8, _ tip: inout UnsafeMutablePointer<UInt8>) {
    tip.pointee = byte
    tip += 1
}

private func put(_ literal: StaticString, _ tip: inout UnsafeMutablePointer<UInt8>) {
    tip.update(from: literal.utf8Start, count: literal.utf8CodeUnitCount)
    tip += literal.utf8CodeUnitCount
}

private func putHex(_ byte: UInt8, _ tip: inout UnsafeMutablePointer<UInt8>) {
    func digit(_ nibble: UInt8) -> UInt8 { nibble < 10 ? 48 + nibble : 55 + nibble }
    put(digit(byte >> 4), &tip)
    put(digit(byte & 15), &tip)
}
