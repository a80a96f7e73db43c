/// Why a request reaches the handler without its body.
public enum BodyProblem: Sendable, Equatable {
    /// The body is longer than `limit` bytes; it was read past and thrown away. Answer 413.
    case tooLarge(limit: Int)
    /// `CONTENT_LENGTH` is not a number of bytes. Answer 400.
    case lengthUnreadable
}

/// One HTTP request as nginx handed it over.
///
/// Everything is as the caller sent it: the path and the query are not decoded. A request whose body
/// arrived short or long of its `CONTENT_LENGTH` never becomes a `Request`.
public struct Request: Sendable {
    /// `GET`, `POST`, … in the caller's spelling.
    public var method: String
    /// Path without the query, undecoded: `/api/v01/customers/7`.
    public var path: String
    /// What follows the first `?`, undecoded; empty when there is none.
    public var query: String
    /// The body, complete; empty when there is none or when `bodyProblem` is set.
    public var body: [UInt8]
    /// Set when the body could not be taken.
    public var bodyProblem: BodyProblem?
    /// `Content-Type`.
    public var contentType: String?
    /// `Accept`.
    public var accept: String?
    /// `Authorization`: a secret, never to be logged.
    public var authorization: String?
    /// `Idempotency-Key`.
    public var idempotencyKey: String?
    /// `If-Match`.
    public var ifMatch: String?
    /// `X-Request-Id`, made by nginx; goes into every log line of the request.
    public var requestID: String?
    /// A header of which only one may be sent and several were.
    public var repeatedHeader: String?
    /// Address of the caller, as text.
    public var remoteAddress: String?
    /// All other FastCGI parameters, by their CGI name (`HTTP_USER_AGENT`, `SERVER_NAME`).
    public var parameters: [(name: String, value: String)]

    /// A request made by hand, as tests of the router do.
    public init(
        method: String, path: String, query: String = "", body: [UInt8] = [], bodyProblem: BodyProblem? = nil,
        contentType: String? = nil, accept: String? = nil, authorization: String? = nil,
        idempotencyKey: String? = nil, ifMatch: String? = nil, requestID: String? = nil,
        remoteAddress: String? = nil, parameters: [(name: String, value: String)] = []
    ) {
        self.method = method
        self.path = path
        self.query = query
        self.body = body
        self.bodyProblem = bodyProblem
        self.contentType = contentType
        self.accept = accept
        self.authorization = authorization
        self.idempotencyKey = idempotencyKey
        self.ifMatch = ifMatch
        self.requestID = requestID
        self.remoteAddress = remoteAddress
        self.parameters = parameters
    }

    /// Value of a FastCGI parameter that has no property of its own, by its CGI name.
    public func parameter(_ name: String) -> String? {
        parameters.first { $0.name == name }?.value
    }

    /// Value of an HTTP header that has no property of its own: `header("User-Agent")`.
    public func header(_ name: String) -> String? {
        var cgi = "HTTP_"
        for byte in name.utf8 {
            let isLower = byte >= UInt8(ascii: "a") && byte <= UInt8(ascii: "z")
            let mapped = byte == UInt8(ascii: "-") ? UInt8(ascii: "_") : isLower ? byte - 32 : byte
            cgi.unicodeScalars.append(Unicode.Scalar(mapped))
        }
        return parameter(cgi)
    }
}

extension Request {
    /// Takes in one parameter from the wire.
    mutating func take(name: String, value: String) {
        switch name {
        case "REQUEST_METHOD": method = value
        case "REQUEST_URI":
            let bytes = value.utf8
            if let mark = bytes.firstIndex(of: UInt8(ascii: "?")) {
                path = String(value[..<mark])
                query = String(value[bytes.index(after: mark)...])
            } else {
                path = value
                query = ""
            }
        case "CONTENT_TYPE", "HTTP_CONTENT_TYPE": if !value.isEmpty { contentType = value }
        case "HTTP_ACCEPT": accept = value
        case "HTTP_AUTHORIZATION":
            if authorization != nil { repeatedHeader = "Authorization" }
            authorization = value
        case "HTTP_IDEMPOTENCY_KEY":
            if idempotencyKey != nil { repeatedHeader = "Idempotency-Key" }
            idempotencyKey = value
        case "HTTP_IF_MATCH": ifMatch = ifMatch.map { "\($0), \(value)" } ?? value
        case "HTTP_X_REQUEST_ID": requestID = value
        case "REMOTE_ADDR": remoteAddress = value
        default: parameters.append((name, value))
        }
    }
}
