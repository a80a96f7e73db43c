/// The number of a stored object, distinct for each class: a customer's cannot be given where a plan's is meant.
///
/// Positive, rising with time of creation, unique within its class on the whole server.
public struct Identifier<Subject>: Hashable, Comparable, Sendable {
    /// The number as the interface shows it, 1 to 2^53−1.
    public let rawValue: Int64

    /// Wraps a number read from the database or from a request.
    public init(_ rawValue: Int64) {
        self.rawValue = rawValue
    }

    /// Older objects come first.
    public static func < (left: Identifier, right: Identifier) -> Bool {
        left.rawValue < right.rawValue
    }
}

extension Identifier: CustomStringConvertible {
    /// The number in decimal digits.
    public var description: String { String(rawValue) }
}

/// How a caller names an object: by its number or by the code it gave it (`*gold_monthly`; spec 1).
public enum Reference: Hashable, Sendable {
    /// The number the server gave.
    case id(Int64)
    /// The caller's own code, without the star.
    case code(String)

    /// Reads `123` or `*code`; nil when the text is neither.
    public init?(_ text: String) {
        if text.utf8.first == UInt8(ascii: "*") {
            let code = String(text.dropFirst())
            guard Code.isValid(code) else { return nil }
            self = .code(code)
        } else {
            guard !text.isEmpty, text.utf8.allSatisfy({ (48...57).contains($0) }),
                let number = Int64(text), number > 0, number <= 9_007_199_254_740_991
            else { return nil }
            self = .id(number)
        }
    }
}

extension Reference: CustomStringConvertible {
    /// As the caller writes it, for messages; the digits of what could be a card number put in the wrong place are
    /// hidden.
    public var description: String {
        let text =
            switch self {
            case .id(let number): String(number)
            case .code(let code): "*\(code)"
            }
        guard text.utf8.count >= 12, text.utf8.count(where: { (48...57).contains($0) }) >= 12 else {
            return text
        }
        return String(decoding: text.utf8.map { (48...57).contains($0) ? 42 : $0 }, as: UTF8.self)
    }
}

/// The form of a caller's own identifier (spec 2): 1–60 of `A-Z a-z 0-9 . _ : @ -`.
public enum Code {
    /// Whether the text may serve as a code.
    public static func isValid(_ text: String) -> Bool {
        !text.isEmpty && text.utf8.count <= 60
            && text.utf8.allSatisfy { byte in
                switch byte {
                case 48...57, 65...90, 97...122, 46, 95, 58, 64, 45: true
                default: false
                }
            }
    }
}
