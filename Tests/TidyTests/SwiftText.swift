/// A Swift file taken apart: its code without comments and string literals, and the literals.
struct SwiftText {
    /// The code, line by line; comments and the contents of literals are left out.
    private(set) var code: [String] = [""]
    /// Each literal with the line on which it begins, from 1. Interpolations are left out of it and are code.
    private(set) var literals: [(line: Int, text: String)] = []

    private let bytes: [UInt8]
    private var position = 0

    init(_ file: SourceFile) {
        bytes = Array(file.text.utf8)
        readCode(untilParenthesis: false)
    }

    private func at(_ offset: Int) -> UInt8 {
        position + offset < bytes.count ? bytes[position + offset] : 0
    }

    private func begins(_ text: StaticString) -> Bool {
        (0..<text.utf8CodeUnitCount).allSatisfy { at($0) == text.utf8Start[$0] }
    }

    private mutating func keep(_ byte: UInt8) {
        if byte == UInt8(ascii: "\n") {
            code.append("")
        } else {
            code[code.count - 1].unicodeScalars.append(Unicode.Scalar(byte))
        }
    }

    /// Reads code to the end, or to the parenthesis that ends an interpolation.
    private mutating func readCode(untilParenthesis isInterpolated: Bool) {
        var depth = 0
        while position < bytes.count {
            if begins("//") {
                while position < bytes.count, bytes[position] != UInt8(ascii: "\n") { position += 1 }
            } else if begins("/*") {
                skipComment()
            } else if let hashes = literalAhead() {
                readLiteral(hashes: hashes)
            } else {
                let byte = bytes[position]
                if isInterpolated, byte == UInt8(ascii: "(") { depth += 1 }
                if isInterpolated, byte == UInt8(ascii: ")") {
                    if depth == 0 { return }
                    depth -= 1
                }
                keep(byte)
                position += 1
            }
        }
    }

    private mutating func skipComment() {
        var depth = 0
        repeat {
            if begins("/*") {
                depth += 1
                position += 2
            } else if begins("*/") {
                depth -= 1
                position += 2
            } else {
                if bytes[position] == UInt8(ascii: "\n") { keep(bytes[position]) }
                position += 1
            }
        } while depth > 0 && position < bytes.count
    }

    /// The number of `#` before the quotation mark that is next; nil when no literal begins here.
    private func literalAhead() -> Int? {
        var hashes = 0
        while at(hashes) == UInt8(ascii: "#") { hashes += 1 }
        return at(hashes) == UInt8(ascii: "\"") ? hashes : nil
    }

    private mutating func readLiteral(hashes: Int) {
        position += hashes
        let isLong = begins("\"\"\"")
        position += isLong ? 3 : 1
        let line = code.count
        var text: [UInt8] = []
        func hasHashes(_ offset: Int) -> Bool {
            (0..<hashes).allSatisfy { at(offset + $0) == UInt8(ascii: "#") }
        }
        while position < bytes.count {
            if isLong ? begins("\"\"\"") && hasHashes(3) : begins("\"") && hasHashes(1) {
                position += (isLong ? 3 : 1) + hashes
                break
            }
            if bytes[position] == UInt8(ascii: "\\"), hasHashes(1) {
                if at(1 + hashes) == UInt8(ascii: "(") {
                    position += 2 + hashes
                    readCode(untilParenthesis: true)
                    keep(UInt8(ascii: " "))
                    text.append(UInt8(ascii: " "))
                    position += 1
                    continue
                }
                // A line break that is escaped stays a line of the code.
                if at(1 + hashes) == UInt8(ascii: "\n") { keep(UInt8(ascii: "\n")) }
                position += 2 + hashes
                text.append(UInt8(ascii: " "))
                continue
            }
            if bytes[position] == UInt8(ascii: "\n") {
                // A short literal does not go beyond its line.
                guard isLong else { break }
                keep(bytes[position])
            }
            text.append(bytes[position])
            position += 1
        }
        literals.append((line, String(decoding: text, as: UTF8.self)))
    }
}

/// Words of a text: letters, digits and `_` together.
func words(_ text: some StringProtocol) -> [Substring] {
    Substring(text).split { !($0.isLetter || $0.isNumber || $0 == "_") }
}
