public import Domain

/// A request's body (or query string) after reading: well-formed, within the limits, not yet checked
/// against a description.
public struct Body: Hashable, Sendable {
    /// The format it came in.
    public let format: Format
    /// What it holds.
    public let content: Content

    /// The two shapes of a document.
    public enum Content: Hashable, Sendable {
        /// json, whose scalars carry types, or xurl, whose scalars are all text.
        case value(Value)
        /// XML: the root element.
        case element(Element)
    }

    /// Reads a body.
    ///
    /// Refuses with F01 (not well-formed, too deep), F05 (an integer beyond 64 bits, text between XML
    /// elements, gaps in a list), F06 (a field twice), F09 (too many values), Q01 (XML with a document type
    /// or XInclude). No message repeats a value of the body, because it may be card data.
    public init(reading bytes: [UInt8], as format: Format) throws(Refusal) {
        self.format = format
        switch format {
        case .json: content = .value(try JSONReader.read(bytes))
        case .xml: content = .element(try XMLReader.read(bytes))
        case .xurl: content = .value(try FormReader.read(bytes, of: "the body"))
        }
    }

    /// Reads a query string, without its question mark. Empty is an object without members.
    public init(query: [UInt8]) throws(Refusal) {
        format = .xurl
        content = .value(try FormReader.read(query, of: "the query string"))
    }

    /// An object without members, for a request without a body.
    public static let empty = Body(format: .xurl, content: .value(.object([])))

    private init(format: Format, content: Content) {
        self.format = format
        self.content = content
    }

    /// The document as the decoder takes it.
    var sent: Sent {
        switch content {
        case .value(let value): format == .json ? .typed(value) : .plain(value)
        case .element(let element): .element(element)
        }
    }
}

/// A piece of a request on its way into a field.
enum Sent {
    /// From json: its scalars have types.
    case typed(Value)
    /// From xurl or an XML attribute: its scalars are text.
    case plain(Value)
    /// From XML: an object or a list.
    case element(Element)
}
