/// One HTTP answer.
public struct Response: Sendable {
    /// HTTP status, 200 … 599.
    public var status: Int
    /// Header fields in order. `Status` and `Content-Length` are added when the answer is written.
    public var headers: [(name: String, value: String)]
    /// The body; left out for HEAD, whose `Content-Length` still tells its size.
    public var body: [UInt8]
    /// Row of the scoreboard that counts this request: the index of the route, 0 when none was found.
    public var route: Int

    /// An answer with its counting row.
    public init(
        status: Int, headers: [(name: String, value: String)] = [], body: [UInt8] = [], route: Int = 0
    ) {
        self.status = status
        self.headers = headers
        self.body = body
        self.route = route
    }

    /// The head in CGI form: `Status`, the header fields, `Content-Length`, an empty line.
    ///
    /// Control characters inside a field become spaces, so no value can add a field of its own.
    func head() -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(256)
        bytes += "Status: ".utf8
        bytes += String(status).utf8
        bytes += "\r\n".utf8
        for (name, value) in headers {
            Self.append(name, to: &bytes)
            bytes += ": ".utf8
            Self.append(value, to: &bytes)
            bytes += "\r\n".utf8
        }
        if status != 204, status != 304 {
            bytes += "Content-Length: ".utf8
            bytes += String(body.count).utf8
            bytes += "\r\n".utf8
        }
        bytes += "\r\n".utf8
        return bytes
    }

    private static func append(_ text: String, to bytes: inout [UInt8]) {
        for byte in text.utf8 {
            bytes.append(byte < 0x20 || byte == 0x7F ? 0x20 : byte)
        }
    }
}
