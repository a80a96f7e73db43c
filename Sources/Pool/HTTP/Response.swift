import Glibc

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
        let length = String(body.count)
        var size = 64
        for (name, value) in headers { size += name.utf8.count + value.utf8.count + 4 }
        return [UInt8](unsafeUninitializedCapacity: size) { room, count in
            func put(fixed text: StaticString) {
                let end = count + text.utf8CodeUnitCount
                precondition(end <= room.count, "the head has more room")
                memcpy(room.baseAddress! + count, text.utf8Start, text.utf8CodeUnitCount)
                count = end
            }
            func put(_ text: String) {
                let end = count + text.utf8.count
                precondition(end <= room.count, "the head has more room")
                text.utf8Span.span.withUnsafeBytes { bytes in
                    guard let start = bytes.baseAddress else { return }
                    memcpy(room.baseAddress! + count, start, bytes.count)
                }
                for index in count..<end where room[index] < 0x20 || room[index] == 0x7F {
                    room[index] = 0x20
                }
                count = end
            }
            put(fixed: "Status: ")
            put(String(status))
            for (name, value) in headers {
                put(fixed: "\r\n")
                put(name)
                put(fixed: ": ")
                put(value)
            }
            if status != 204, status != 304 {
                put(fixed: "\r\nContent-Length: ")
                put(length)
            }
            put(fixed: "\r\n\r\n")
        }
    }
}
