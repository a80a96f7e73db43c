/// The three formats of requests and answers (spec 4.2).
public enum Format: String, CaseIterable, Sendable {
    /// JavaScript object notation.
    case json
    /// XML with scalars as attributes.
    case xml
    /// `application/x-www-form-urlencoded`, names dotted.
    case xurl

    /// The media type that answers in this format carry, with their encoding where the type knows one.
    public var contentType: String {
        switch self {
        case .json: "application/json"
        case .xml: "application/xml; charset=utf-8"
        case .xurl: "application/x-www-form-urlencoded"
        }
    }

    /// The format of a body with this `Content-Type`; nil when the type is not ours, or names another
    /// encoding than UTF-8 (refused with F02).
    public static func forContentType(_ header: String) -> Format? {
        let parts = header.utf8.split(separator: UInt8(ascii: ";"), omittingEmptySubsequences: false)
        guard let first = parts.first, let format = forMediaType(Token.lowercased(first)) else { return nil }
        for part in parts.dropFirst() {
            let parameter = Token.lowercased(part)
            guard parameter.hasPrefix("charset=") else { continue }
            let charset = parameter.dropFirst("charset=".count)
            guard charset == "utf-8" || charset == "\"utf-8\"" else { return nil }
        }
        return format
    }

    static func forMediaType(_ type: String) -> Format? {
        switch type {
        case "application/json": .json
        case "application/xml", "text/xml": .xml
        case "application/x-www-form-urlencoded": .xurl
        default: nil
        }
    }
}

/// Pieces of a header's value.
enum Token {
    /// The piece without white space around it, ASCII capitals made small.
    static func lowercased(_ piece: Substring.UTF8View) -> String {
        var piece = piece
        while let byte = piece.first, byte == 32 || byte == 9 { piece.removeFirst() }
        while let byte = piece.last, byte == 32 || byte == 9 { piece.removeLast() }
        return String(
            decoding: piece.map { (65...90).contains($0) ? $0 + 32 : $0 }, as: UTF8.self)
    }
}
