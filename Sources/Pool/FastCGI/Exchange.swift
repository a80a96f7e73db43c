import CFastCGI
import Glibc

/// What becomes of a request. It may keep what it needs between requests, a database connection above all.
public typealias Handler = (Request) -> Response

/// One request and its answer over an accepted connection, by libfcgi.
///
/// libfcgi neither accepts nor closes here. `FCGX_Accept_r` reads from `ipcFd` when that is set and
/// `keepConnection` stops it from closing first; the listening socket −1 makes a try to accept fail at once;
/// `detached` makes it close without the two seconds' wait for the other side. Found in libfcgi 2.4.2.
final class Exchange {
    /// How a request ended.
    enum Outcome {
        /// Answered; the connection may be kept.
        case answered(Response, keep: Bool)
        /// Not executed, or its answer did not arrive: the connection is of no more use.
        case dropped(String)
        /// Same, and libfcgi has closed the descriptor.
        case closed(String)
    }

    private let request: UnsafeMutablePointer<FCGX_Request>
    private let bodyLimit: Int
    /// Beyond a body that is too long, this many bytes are read past so that the answer gets through.
    private let drainLimit: Int

    init(bodyLimit: Int) throws(PoolFailure) {
        guard FCGX_Init() == 0 else { throw PoolFailure("libfcgi cannot be initialized.") }
        request = .allocate(capacity: 1)
        self.bodyLimit = bodyLimit
        drainLimit = max(8 << 20, bodyLimit * 2)
    }

    deinit { request.deallocate() }

    /// Reads one request from `descriptor`, has it handled, writes the answer.
    func serve(_ descriptor: Int32, handler: Handler) -> Outcome {
        FCGX_InitRequest(request, -1, 0)
        request.pointee.ipcFd = descriptor
        request.pointee.keepConnection = 1
        request.pointee.detached = 1
        guard FCGX_Accept_r(request) == 0 else { return .closed("request unreadable") }
        defer { FCGX_Free(request, 0) }

        var received = Request(method: "", path: "", requestID: nil)
        var length = ""
        readParameters(into: &received, length: &length)
        switch readBody(declared: length) {
        case .complete(let body): received.body = body
        case .problem(let problem): received.bodyProblem = problem
        case .cutShort(let reason): return .dropped(reason)
        }
        let keep = request.pointee.keepConnection != 0 && received.bodyProblem == nil
        let response = handler(received)
        guard write(response, withBody: received.method != "HEAD") else {
            return .dropped("answer not taken")
        }
        return .answered(response, keep: keep)
    }

    private func readParameters(into received: inout Request, length: inout String) {
        guard var entry = request.pointee.envp else { return }
        while let pair = entry.pointee {
            entry += 1
            guard let equals = strchr(pair, Int32(UInt8(ascii: "="))) else { continue }
            let name = ParameterName(start: pair, count: equals - pair)
            let value = equals + 1
            if "CONTENT_LENGTH" ~= name {
                length = String(cString: value)
            } else {
                received.take(name, value)
            }
        }
    }

    private enum Body {
        case complete([UInt8])
        case problem(BodyProblem)
        case cutShort(String)
    }

    private func readBody(declared: String) -> Body {
        guard let length = Self.length(declared) else {
            return drain() ? .problem(.lengthUnreadable) : .cutShort("body cut short")
        }
        guard length <= bodyLimit else {
            return drain() ? .problem(.tooLarge(limit: bodyLimit)) : .cutShort("body cut short")
        }
        var body: [UInt8] = []
        if length > 0 {
            body = [UInt8](unsafeUninitializedCapacity: length) { buffer, count in
                count = read(into: UnsafeMutableRawBufferPointer(buffer))
            }
        }
        guard body.count == length else { return .cutShort("body shorter than its length") }
        var beyond: UInt8 = 0
        let excess = withUnsafeMutableBytes(of: &beyond) { read(into: $0) }
        guard excess == 0 else { return .cutShort("body longer than its length") }
        guard FCGX_GetError(request.pointee.in) == 0 else { return .cutShort("body cut short") }
        return .complete(body)
    }

    /// Reads until the buffer is full or the stream ends; the number of bytes read.
    private func read(into buffer: UnsafeMutableRawBufferPointer) -> Int {
        Int(FCGX_GetStr(buffer.baseAddress, Int32(buffer.count), request.pointee.in))
    }

    /// Reads what is left of the body and forgets it; false when it breaks off or does not end.
    private func drain() -> Bool {
        withUnsafeTemporaryAllocation(byteCount: 16 * 1024, alignment: 1) { buffer in
            var left = drainLimit
            while left > 0 {
                let count = read(into: buffer)
                if count < buffer.count { return FCGX_GetError(request.pointee.in) == 0 }
                left -= count
            }
            return false
        }
    }

    private func write(_ response: Response, withBody: Bool) -> Bool {
        put(response.head())
        if withBody { put(response.body) }
        let diagnostics = FCGX_FClose(request.pointee.err)
        let output = FCGX_FClose(request.pointee.out)
        return diagnostics == 0 && output == 0
    }

    private func put(_ bytes: [UInt8]) {
        bytes.withUnsafeBytes { buffer in
            guard buffer.count > 0 else { return }
            FCGX_PutStr(buffer.baseAddress, Int32(buffer.count), request.pointee.out)
        }
    }

    /// `CONTENT_LENGTH` as a number: digits only; empty means none.
    static func length(_ text: String) -> Int? {
        guard !text.isEmpty else { return 0 }
        guard text.utf8.count <= 15, text.utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }) else { return nil }
        return Int(text)
    }
}
