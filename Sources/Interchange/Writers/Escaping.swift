// Each function reserves for the worst case once and then writes byte by byte: the texts are short.

@inline(__always)
private func hexDigit(_ nibble: UInt8) -> UInt8 {
    nibble < 10 ? 48 + nibble : 55 + nibble
}

extension ByteWriter {
    /// Appends text for the inside of a JSON string.
    mutating func appendJSON(_ text: String) {
        let bytes = text.utf8Span.span
        reserve(bytes.count * 6)
        for index in bytes.indices {
            let byte = bytes[unchecked: index]
            if byte >= 0x20, byte != UInt8(ascii: "\""), byte != UInt8(ascii: "\\") {
                put(byte)
                continue
            }
            put(UInt8(ascii: "\\"))
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"): put(byte)
            case 0x0A: put(UInt8(ascii: "n"))
            case 0x0D: put(UInt8(ascii: "r"))
            case 0x09: put(UInt8(ascii: "t"))
            default:
                append("u00")
                put(hexDigit(byte >> 4))
                put(hexDigit(byte & 15))
            }
        }
    }

    /// Appends text for the inside of an XML attribute in double quotes.
    ///
    /// Characters that XML 1.0 cannot carry (refused on input, so only a fault elsewhere brings them here)
    /// become U+FFFD: an answer stays well-formed.
    mutating func appendXML(_ text: String) {
        let bytes = text.utf8Span.span
        let count = bytes.count
        reserve(count * 6)
        var index = 0
        while index < count {
            let byte = bytes[unchecked: index]
            index += 1
            switch byte {
            case UInt8(ascii: "&"): append("&amp;")
            case UInt8(ascii: "<"): append("&lt;")
            case UInt8(ascii: ">"): append("&gt;")
            case UInt8(ascii: "\""): append("&quot;")
            case 0x09: append("&#9;")
            case 0x0A: append("&#10;")
            case 0x0D: append("&#13;")
            case 0..<0x20: append("\u{FFFD}")
            case 0xEF where index + 1 < count && bytes[index] == 0xBF && bytes[index + 1] >= 0xBE:
                append("\u{FFFD}")
                index += 2
            default: put(byte)
            }
        }
    }

    /// Appends text for an xurl value: letters, digits and `*-._` as they are, space as `+`, the rest
    /// percent-encoded.
    mutating func appendForm(_ text: String) {
        let bytes = text.utf8Span.span
        reserve(bytes.count * 3)
        for index in bytes.indices {
            let byte = bytes[unchecked: index]
            switch byte {
            case 48...57, 65...90, 97...122, 42, 45, 46, 95: put(byte)
            case 32: put(UInt8(ascii: "+"))
            default:
                put(UInt8(ascii: "%"))
                put(hexDigit(byte >> 4))
                put(hexDigit(byte & 15))
            }
        }
    }
}
