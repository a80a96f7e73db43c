internal import CPostgres
internal import Glibc

/// One handle of libpq in non-blocking mode: gets connected, and waits for the socket with a deadline. Knows
/// nothing of statements.
final class ServerLink {
    /// What came of waiting.
    enum Wait {
        /// Something was read or could be sent.
        case progress
        /// The other side closed, or the network failed.
        case lost
        /// The deadline passed.
        case late
    }

    let handle: OpaquePointer

    /// The last FATAL message that arrived while no statement was waiting: why the server hung up.
    private(set) var farewell: DatabaseFailure?

    /// Connects.
    init(_ settings: ConnectionSettings) throws(DatabaseFailure) {
        handle = try Self.connect(settings)
        // Error texts stay short: no DETAIL, which quotes rows, ever gets into one.
        PQsetErrorVerbosity(handle, PQERRORS_TERSE)
        PQsetnonblocking(handle, 1)
        PQsetNoticeReceiver(
            handle,
            { context, result in
                guard let context, let result else { return }
                let link = Unmanaged<ServerLink>.fromOpaque(context).takeUnretainedValue()
                if FailureReading.isFatal(result) {
                    link.farewell = FailureReading.failure(result, statement: nil)
                }
            }, Unmanaged.passUnretained(self).toOpaque())
        PQenterPipelineMode(handle)
    }

    deinit { PQfinish(handle) }

    /// Sends what libpq holds back and waits for news, until a time of ``now()``; nil waits for ever.
    ///
    /// Reads while it writes: a server that blocks on its answers, because nobody reads them, would stop reading
    /// ours.
    func wait(until deadline: UInt64?) -> Wait {
        let unsent = PQflush(handle)
        guard unsent >= 0 else { return .lost }
        let events = Int16(POLLIN) | (unsent > 0 ? Int16(POLLOUT) : 0)
        guard let found = Self.poll(PQsocket(handle), events, until: deadline) else { return .late }
        if found & Int16(POLLIN | POLLHUP | POLLERR | POLLNVAL) != 0 {
            return PQconsumeInput(handle) == 1 ? .progress : .lost
        }
        return .progress
    }

    /// Looks, without waiting, whether the server has hung up.
    func isAlive() -> Bool {
        // Rarely is anything there to read: a changed setting, or the farewell.
        for _ in 0..<16 {
            guard PQstatus(handle) == CONNECTION_OK else { return false }
            guard Self.poll(PQsocket(handle), Int16(POLLIN), until: 0) != nil else { break }
            guard PQconsumeInput(handle) == 1 else { return false }
            // Makes libpq read what it took in.
            _ = PQisBusy(handle)
        }
        return PQstatus(handle) == CONNECTION_OK && farewell == nil
    }

    /// libpq's own words about the last failure, one line.
    var lastMessage: String {
        let text = PQerrorMessage(handle).map { String(cString: $0) } ?? ""
        return String(text.prefix { !$0.isNewline })
    }

    /// Nanoseconds of a clock that never jumps.
    static func now() -> UInt64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }

    /// Waits for events on a descriptor; nil when the deadline has passed. Goes on after signals.
    private static func poll(_ descriptor: Int32, _ events: Int16, until deadline: UInt64?) -> Int16? {
        guard descriptor >= 0 else { return Int16(POLLHUP) }
        var entry = pollfd(fd: descriptor, events: events, revents: 0)
        while true {
            var milliseconds: Int32 = -1
            if let deadline {
                let now = deadline == 0 ? 0 : now()
                // Rounded up: never wakes early to find nothing.
                let left = deadline > now ? (deadline - now + 999_999) / 1_000_000 : 0
                milliseconds = Int32(clamping: left)
            }
            let count = Glibc.poll(&entry, 1, milliseconds)
            if count > 0 { return entry.revents }
            if count == 0 { return nil }
            if errno != EINTR { return Int16(POLLERR) }
        }
    }

    private static func connect(_ settings: ConnectionSettings) throws(DatabaseFailure) -> OpaquePointer {
        guard let given = parsedOptions(settings.connectionString) else {
            throw DatabaseFailure(.cannotConnect, message: "the connection string cannot be read")
        }
        // What stands before the connection string is overridden by it, what stands behind overrides it.
        let user = settings.defaultUser.map { [("user", $0)] } ?? []
        let words =
            user + [
                ("dbname", settings.connectionString),
                ("application_name", settings.applicationName),
                ("client_encoding", "UTF8"),
                ("options", settings.serverOptions(after: given)),
            ]
        let handle = withCStrings(words.map(\.0)) { keywords in
            withCStrings(words.map(\.1)) { values in PQconnectStartParams(keywords, values, 1) }
        }
        guard let handle else { throw DatabaseFailure(.cannotConnect, message: "out of memory") }
        // The SQLSTATE of a refused connection stands in the verbose text only.
        PQsetErrorVerbosity(handle, PQERRORS_VERBOSE)
        let deadline =
            settings.connectTimeout > 0 ? now() + UInt64(settings.connectTimeout) * 1_000_000_000 : nil
        var next = PQstatus(handle) == CONNECTION_BAD ? PGRES_POLLING_FAILED : PGRES_POLLING_WRITING
        while next != PGRES_POLLING_OK {
            var failure: DatabaseFailure?
            if next == PGRES_POLLING_FAILED {
                let text = PQerrorMessage(handle).map { String(cString: $0) } ?? ""
                failure = FailureReading.refusedConnection(text, settings.connectionString)
            } else {
                let events = Int16(next == PGRES_POLLING_READING ? POLLIN : POLLOUT)
                if poll(PQsocket(handle), events, until: deadline) == nil {
                    failure = DatabaseFailure(
                        .cannotConnect,
                        message: "no connection to the database within \(settings.connectTimeout) s")
                }
            }
            if let failure {
                PQfinish(handle)
                throw failure
            }
            next = PQconnectPoll(handle)
        }
        return handle
    }

    /// The `options` of a connection string, empty without; nil when libpq cannot read the string.
    private static func parsedOptions(_ connectionString: String) -> String? {
        var complaint: UnsafeMutablePointer<CChar>?
        guard let list = PQconninfoParse(connectionString, &complaint) else {
            PQfreemem(complaint)
            return nil
        }
        defer { PQconninfoFree(list) }
        var entry = list
        while let keyword = entry.pointee.keyword {
            if String(cString: keyword) == "options", let value = entry.pointee.val {
                return String(cString: value)
            }
            entry += 1
        }
        return ""
    }

    /// Hands over an array of C strings that ends with nil.
    private static func withCStrings<Answer>(
        _ strings: [String], _ body: (UnsafePointer<UnsafePointer<CChar>?>) -> Answer
    ) -> Answer {
        let copies = strings.map { strdup($0) }
        defer { for copy in copies { free(copy) } }
        var pointers: [UnsafePointer<CChar>?] = copies.map { UnsafePointer($0) }
        pointers.append(nil)
        return pointers.withUnsafeBufferPointer { body($0.baseAddress!) }
    }
}
