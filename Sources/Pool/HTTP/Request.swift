import Glibc

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

    /// A request made by hand, as tests of the router do.
    public init(
        method: String, path: String, query: String = "", body: [UInt8] = [], bodyProblem: BodyProblem? = nil,
        contentType: String? = nil, accept: String? = nil, authorization: String? = nil,
        idempotencyKey: String? = nil, ifMatch: String? = nil, requestID: String? = nil,
        remoteAddress: String? = nil
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
    }
}

/// The name of a FastCGI parameter as it lies in memory: no text is made of the many that nobody asks for.
struct ParameterName {
    let start: UnsafePointer<CChar>
    let count: Int

    static func ~= (known: StaticString, name: ParameterName) -> Bool {
        known.utf8CodeUnitCount == name.count && memcmp(known.utf8Start, name.start, name.count) == 0
    }
}

extension Request {
    /// Takes in one parameter from the wire, where it is one of ours.
    mutating func take(_ name: ParameterName, _ value: UnsafePointer<CChar>) {
        switch name {
        case "REQUEST_METHOD": method = String(cString: value)
        case "REQUEST_URI":
            let mark = strchr(value, Int32(UInt8(ascii: "?")))
            let length = mark.map { UnsafePointer($0) - value } ?? strlen(value)
            path = String(decoding: UnsafeRawBufferPointer(start: value, count: length), as: UTF8.self)
            query = mark.map { String(cString: $0 + 1) } ?? ""
        case "CONTENT_TYPE", "HTTP_CONTENT_TYPE":
            if value.pointee != 0 { contentType = String(cString: value) }
        case "HTTP_ACCEPT": accept = String(cString: value)
        case "HTTP_AUTHORIZATION":
            if authorization != nil { repeatedHeader = "Authorization" }
            authorization = String(cString: value)
        case "HTTP_IDEMPOTENCY_KEY":
            if idempotencyKey != nil { repeatedHeader = "Idempotency-Key" }
            idempotencyKey = String(cString: value)
        case "HTTP_IF_MATCH":
            let value = String(cString: value)
            ifMatch = ifMatch.map { "\($0), \(value)" } ?? value
        case "HTTP_X_REQUEST_ID": requestID = String(cString: value)
        case "REMOTE_ADDR": remoteAddress = String(cString: value)
        default: break
        }
    }
}
