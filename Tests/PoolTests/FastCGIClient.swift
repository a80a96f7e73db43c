import Glibc

/// Records as nginx writes them, and as nobody should.
enum Wire {
    static func record(_ type: UInt8, _ content: [UInt8] = [], id: Int = 1, version: UInt8 = 1) -> [UInt8] {
        let length = content.count
        return [
            version, type, UInt8(id >> 8), UInt8(id & 255), UInt8(length >> 8), UInt8(length & 255), 0, 0,
        ] + content
    }

    static func begin(keep: Bool = true, role: UInt8 = 1, id: Int = 1) -> [UInt8] {
        record(1, [0, role, keep ? 1 : 0, 0, 0, 0, 0, 0], id: id)
    }

    static func length(_ count: Int) -> [UInt8] {
        count < 128
            ? [UInt8(count)]
            : [
                UInt8(count >> 24) | 0x80, UInt8(count >> 16 & 255), UInt8(count >> 8 & 255),
                UInt8(count & 255),
            ]
    }

    static func pair(_ name: String, _ value: String) -> [UInt8] {
        length(name.utf8.count) + length(value.utf8.count) + Array(name.utf8) + Array(value.utf8)
    }

    static func params(_ pairs: [(String, String)]) -> [UInt8] {
        stream(4, pairs.flatMap { pair($0.0, $0.1) })
    }

    /// A stream of records, ended by an empty one.
    static func stream(_ type: UInt8, _ content: [UInt8], id: Int = 1) -> [UInt8] {
        var bytes: [UInt8] = []
        var rest = content[...]
        while !rest.isEmpty {
            bytes += record(type, Array(rest.prefix(32_000)), id: id)
            rest = rest.dropFirst(32_000)
        }
        return bytes + record(type, id: id)
    }

    static func head(
        _ method: String, _ uri: String, length: String, keep: Bool = true, more: [(String, String)] = []
    ) -> [UInt8] {
        begin(keep: keep)
            + params([("REQUEST_METHOD", method), ("REQUEST_URI", uri), ("CONTENT_LENGTH", length)] + more)
    }

    static func request(
        _ method: String, _ uri: String, body: [UInt8] = [], keep: Bool = true, more: [(String, String)] = []
    ) -> [UInt8] {
        head(method, uri, length: body.isEmpty ? "" : String(body.count), keep: keep, more: more)
            + stream(5, body)
    }
}

/// An answer in CGI form.
struct Answer: Equatable {
    var status: Int
    var head: String
    var body: [UInt8]
    var text: String { String(decoding: body, as: UTF8.self) }

    init?(_ bytes: [UInt8]) {
        var end = 0
        while end + 4 <= bytes.count, bytes[end..<end + 4] != [13, 10, 13, 10] { end += 1 }
        guard end + 4 <= bytes.count else { return nil }
        head = String(decoding: bytes[..<end], as: UTF8.self)
        guard head.hasPrefix("Status: "), let status = Int(head.dropFirst(8).prefix(3)) else { return nil }
        self.status = status
        body = Array(bytes[(end + 4)...])
    }
}

/// A connection to a pool. Every wait ends after ten seconds.
final class Client {
    let descriptor: Int32

    init?(path: String) {
        descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        guard open(&address) else { return nil }
    }

    init?(port: UInt16) {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        guard open(&address) else { return nil }
    }

    private func open<Address>(_ address: inout Address) -> Bool {
        var limit = timeval(tv_sec: 10, tv_usec: 0)
        let size = socklen_t(MemoryLayout<timeval>.size)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, size)
        setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, size)
        return withUnsafeBytes(of: &address) {
            guard let base = $0.baseAddress else { return false }
            return connect(
                descriptor, base.assumingMemoryBound(to: sockaddr.self), socklen_t(MemoryLayout<Address>.size)
            ) == 0
        }
    }

    deinit { close(descriptor) }

    /// Sends everything; false when the other side is gone.
    @discardableResult func send(_ bytes: [UInt8]) -> Bool {
        var sent = 0
        while sent < bytes.count {
            let count = bytes.withUnsafeBytes {
                Glibc.send(
                    descriptor, $0.baseAddress?.advanced(by: sent), $0.count - sent,
                    Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { return false }
            sent += count
        }
        return true
    }

    private func take(_ count: Int) -> [UInt8]? {
        var bytes = [UInt8](repeating: 0, count: count)
        var filled = 0
        while filled < count {
            let got = bytes.withUnsafeMutableBytes {
                recv(descriptor, $0.baseAddress?.advanced(by: filled), count - filled, 0)
            }
            guard got > 0 else { return nil }
            filled += got
        }
        return bytes
    }

    /// The next answer; nil when the connection ends before it is complete.
    func receive() -> Answer? {
        var output: [UInt8] = []
        while let head = take(8) {
            guard let content = take(Int(head[4]) << 8 | Int(head[5])), take(Int(head[6])) != nil else {
                return nil
            }
            if head[1] == 6 { output += content }
            if head[1] == 3 { return Answer(output) }
        }
        return nil
    }

    func exchange(_ bytes: [UInt8]) -> Answer? {
        send(bytes) ? receive() : nil
    }

    func get(_ uri: String) -> Answer? { exchange(Wire.request("GET", uri)) }

    /// Whether something arrived, or the end.
    func isReadable(within milliseconds: Int32) -> Bool {
        var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        return poll(&entry, 1, milliseconds) > 0
    }

    /// Whether the other side closed without a word.
    var isClosed: Bool {
        var byte: UInt8 = 0
        return recv(descriptor, &byte, 1, 0) <= 0 && errno != EAGAIN
    }
}
