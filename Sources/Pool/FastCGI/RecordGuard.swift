/// Looks a request over before libfcgi may read it.
///
/// libfcgi 2.4.2 trusts whoever is connected: it waits without end for missing parameters, answers management
/// records from a small stack buffer, and believes every length. So the worker looks at the bytes that wait in
/// the socket, without taking them, and hands over only what nginx would send:
///
///     BEGIN_REQUEST  PARAMS … PARAMS(empty)  STDIN … STDIN(empty)
///
/// A body that does not fit into the window is checked as far as it can be seen.
struct RecordGuard {
    /// Bytes that are looked at; the parameters of a request must fit.
    static let window = 64 * 1024
    /// With this much of a long body in sight, and all parameters, the request is handed over.
    static let enough = 32 * 1024

    enum Verdict: Equatable {
        /// A part is missing that may still come.
        case incomplete
        /// May be handed over. `whole`: the end was seen. `more`: something follows the request's end.
        case ready(whole: Bool, more: Bool)
        /// Given up by nginx before it was complete.
        case aborted
        /// Not a request; the reason is constant text for the log.
        case refused(String)
    }

    private static let version: UInt8 = 1
    private static let headerLength = 8
    private enum Kind {
        static let begin: UInt8 = 1
        static let abort: UInt8 = 2
        static let params: UInt8 = 4
        static let stdin: UInt8 = 5
    }
    private static let responder = 1

    /// The verdict on the bytes at the head of a connection's input.
    static func examine(_ bytes: UnsafeRawBufferPointer) -> Verdict {
        guard bytes.count >= headerLength * 2 else {
            return bytes.isEmpty || bytes[0] == version ? .incomplete : .refused("not FastCGI")
        }
        guard bytes[0] == version, bytes[1] == Kind.begin else { return .refused("not a request") }
        let request = number(bytes, 2)
        guard request != 0, number(bytes, 4) == 8 else { return .refused("malformed begin record") }
        guard number(bytes, 8) == responder else { return .refused("not a responder request") }

        var offset = headerLength + 8 + Int(bytes[6])
        var pairs = PairLengths()
        var inBody = false
        while offset + headerLength <= bytes.count {
            guard bytes[offset] == version else { return .refused("unknown protocol version") }
            guard number(bytes, offset + 2) == request else { return .refused("another request inside") }
            let length = number(bytes, offset + 4)
            let content = offset + headerLength
            let end = content + length + Int(bytes[offset + 6])
            switch bytes[offset + 1] {
            case Kind.abort: return .aborted
            case Kind.params where !inBody:
                if length == 0 {
                    guard pairs.areComplete else { return .refused("parameters cut short") }
                    inBody = true
                }
                let seen = min(content + length, bytes.count)
                guard pairs.take(UnsafeRawBufferPointer(rebasing: bytes[content..<seen])) else {
                    return .refused("parameter too long")
                }
            case Kind.stdin where inBody:
                if length == 0, end <= bytes.count { return .ready(whole: true, more: end < bytes.count) }
            default: return .refused("unexpected record")
            }
            offset = end
        }
        if inBody, bytes.count >= enough { return .ready(whole: false, more: false) }
        return bytes.count >= window ? .refused("parameters too long") : .incomplete
    }

    private static func number(_ bytes: UnsafeRawBufferPointer, _ offset: Int) -> Int {
        Int(bytes[offset]) << 8 | Int(bytes[offset + 1])
    }
}

/// Follows the lengths of name-value pairs through records that may cut them anywhere.
private struct PairLengths {
    /// The length of a name, while that of its value is still to come.
    private var nameLength: Int?
    private var partial = 0
    private var partialBytes = 0
    private var remaining = 0

    /// Whether the last pair has ended.
    var areComplete: Bool { remaining == 0 && partialBytes == 0 && nameLength == nil }

    /// Takes the next bytes; false when a pair claims to be longer than any window.
    mutating func take(_ bytes: UnsafeRawBufferPointer) -> Bool {
        var offset = 0
        while offset < bytes.count {
            if remaining > 0 {
                let step = min(remaining, bytes.count - offset)
                remaining -= step
                offset += step
                continue
            }
            let byte = bytes[offset]
            offset += 1
            if partialBytes > 0 {
                partial = partial << 8 | Int(byte)
                partialBytes -= 1
            } else if byte & 0x80 == 0 {
                partial = Int(byte)
            } else {
                partial = Int(byte & 0x7F)
                partialBytes = 3
            }
            guard partialBytes == 0 else { continue }
            if let name = nameLength {
                remaining = name + partial
                nameLength = nil
                if remaining > RecordGuard.window { return false }
            } else {
                nameLength = partial
            }
        }
        return true
    }
}
