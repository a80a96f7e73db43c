import Glibc
import Testing

/// One worker behind a real socket, spoken to as nginx does and as nginx never would.
@Suite(.serialized) struct WorkerTests {
    static func bytes(_ count: Int) -> [UInt8] { (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 7) } }

    @Test func severalRequestsInTurnOnOneKeptConnection() throws {
        let server = ProbeServer()
        let client = try #require(server.connect())
        let rows: [(method: String, uri: String, body: [UInt8], more: [(String, String)], head: String)] = [
            ("GET", "/echo", [], [], "GET|/echo||-|-|-|-|-|-|-"),
            (
                "POST", "/a%2Fb/c?d=e&f=%20?g", Array("x".utf8), [("CONTENT_TYPE", "text/xml")],
                "POST|/a%2Fb/c|d=e&f=%20?g|text/xml|-|-|-|-|-|-"
            ),
            (
                "PUT", "/echo?", Self.bytes(300_000),
                [("HTTP_ACCEPT", "*/*"), ("HTTP_AUTHORIZATION", "Basic x")],
                "PUT|/echo||-|*/*|Basic x|-|-|-|-"
            ),
            (
                "POST", "/echo", Self.bytes(1 << 20),
                [("HTTP_IDEMPOTENCY_KEY", "k"), ("HTTP_IF_MATCH", "\"3\"")],
                "POST|/echo||-|-|-|k|\"3\"|-|-"
            ),
            (
                "DELETE", "/echo", [],
                [("HTTP_X_REQUEST_ID", "r"), ("REMOTE_ADDR", "::1"), ("HTTP_X_OTHER", "o")],
                "DELETE|/echo||-|-|-|-|-|r|::1"
            ),
            (
                "GET", "/echo", [],
                [("HTTP_X_OTHER", "o"), ("HTTP_ACCEPT", String(repeating: "o", count: 40_000))],
                "GET|/echo||-|" + String(repeating: "o", count: 40_000) + "|-|-|-|-|-"
            ),
        ]
        for row in rows {
            let answer = try #require(
                client.exchange(Wire.request(row.method, row.uri, body: row.body, more: row.more)))
            #expect(answer.status == 200)
            #expect(answer.body == Array(row.head.utf8) + [10] + row.body, "\(row.method) \(row.uri)")
        }
    }

    @Test func answersOfEverySizeAndNone() throws {
        let server = ProbeServer()
        let client = try #require(server.connect())
        for size in [0, 1, 8_183, 8_184, 8_185, 65_536, 2_000_000] {
            let answer = try #require(client.get("/big/\(size)"))
            #expect(answer.body.count == size)
            #expect(answer.head.contains("Content-Length: \(size)"))
            #expect(answer.body.indices.allSatisfy { answer.body[$0] == UInt8(truncatingIfNeeded: $0 &* 31) })
        }
        let head = try #require(client.exchange(Wire.request("HEAD", "/big/4711")))
        #expect(head.body.isEmpty && head.head.contains("Content-Length: 4711"))
        #expect(client.get("/echo")?.status == 200)
    }

    @Test func connectionEndsWhenNotToBeKept() throws {
        let server = ProbeServer()
        let client = try #require(server.connect())
        #expect(client.exchange(Wire.request("GET", "/echo", keep: false))?.status == 200)
        #expect(client.isClosed)
    }

    @Test func bodiesThatTheHandlerMustRefuse() throws {
        let server = ProbeServer(workers: 1, ["--body-limit", "1000"])
        for (length, body, status) in [
            ("1001", 1001, 413), ("500000", 500_000, 413), ("12x", 3, 400), ("-1", 0, 400),
        ] {
            let client = try #require(server.connect())
            let bytes = Wire.head("POST", "/echo", length: length) + Wire.stream(5, Self.bytes(body))
            #expect(client.exchange(bytes)?.status == status, "\(length)")
            #expect(client.isClosed)
        }
    }

    @Test func whatIsNoWholeRequestIsNeverExecuted() throws {
        let server = ProbeServer(workers: 1, ["--peer-timeout", "400"])
        #expect(server.areReady(1))
        let before = server.workers().map(\.pid)
        let head = Wire.head("POST", "/bad", length: "10")
        let management = Wire.record(
            9, (0..<20).flatMap { _ in Wire.pair("FCGI_MPXS_CONNS", "") }, id: 0)
        let rows: [(name: String, bytes: [UInt8])] = [
            ("body too short", head + Wire.stream(5, Self.bytes(9))),
            ("body too long", head + Wire.stream(5, Self.bytes(11))),
            ("body missing", head + Wire.stream(5, [])),
            ("body without length", Wire.head("POST", "/bad", length: "") + Wire.stream(5, Self.bytes(4))),
            ("body stalls", head + Wire.record(5, Self.bytes(5))),
            (
                "long body stalls",
                Wire.head("POST", "/bad", length: "90000") + Wire.record(5, Self.bytes(60_000))
            ),
            ("parameters stall", Wire.begin() + Wire.record(4, Wire.pair("REQUEST_URI", "/bad"))),
            ("aborted", head + Wire.record(5, Self.bytes(5)) + Wire.record(2)),
            ("aborted before the body", head + Wire.record(2)),
            ("garbage", Self.bytes(4096)),
            ("http", Array("GET /bad HTTP/1.1\r\nHost: x\r\n\r\n".utf8)),
            ("unknown version", Wire.record(1, [0, 1, 1, 0, 0, 0, 0, 0], version: 2) + head),
            ("management record", management),
            ("management record inside", head + management + Wire.stream(5, Self.bytes(10))),
            ("another request inside", head + Wire.begin(id: 2) + Wire.stream(5, Self.bytes(10))),
            ("filter", Wire.begin(role: 3) + Wire.params([("REQUEST_URI", "/bad")]) + Wire.record(5)),
            ("request zero", Wire.begin(id: 0) + Wire.params([("REQUEST_URI", "/bad")]) + Wire.record(5)),
            ("pair cut short", Wire.begin() + Wire.stream(4, [200, 0, 0]) + Wire.record(5)),
            (
                "pair of two gigabytes",
                Wire.begin() + Wire.stream(4, [255, 255, 255, 255, 255, 255, 255, 255, 65]) + Wire.record(5)
            ),
            (
                "too many parameters",
                Wire.begin()
                    + Wire.params([("REQUEST_URI", "/bad"), ("X", String(repeating: "x", count: 70_000))])
                    + Wire.record(5)
            ),
            ("body before parameters", Wire.begin() + Wire.record(5)),
        ]
        for row in rows {
            let client = try #require(server.connect())
            client.send(row.bytes)
            #expect(client.receive() == nil, "\(row.name)")
        }
        for length in stride(from: 1, to: head.count, by: 7) {
            let client = try #require(server.connect())
            client.send(Array(head[..<length]))
            shutdown(client.descriptor, Int32(SHUT_WR))
            #expect(client.receive() == nil, "cut after \(length)")
        }
        #expect(server.workers().map(\.pid) == before)
        #expect(!server.executed.contains("/bad"))
    }

    @Test func requestInPiecesIsExecutedOnce() throws {
        let server = ProbeServer()
        let client = try #require(server.connect())
        let bytes = Wire.request("POST", "/pieces", body: Self.bytes(40))
        for byte in bytes { client.send([byte]) }
        #expect(client.receive()?.status == 200)
        #expect(server.executed == "/pieces\n")
    }

    @Test func idleAndBusyConnectionsLeaveRoomForNewOnes() throws {
        let server = ProbeServer()
        let kept = try (0..<8).map { _ in try #require(server.connect()) }
        for client in kept { #expect(client.get("/echo")?.status == 200) }
        for _ in 0..<20 { #expect(server.connect()?.get("/echo")?.status == 200) }
        // Each of three kept connections has always one request waiting.
        let busy = kept[..<3]
        for client in busy { client.send(Wire.request("GET", "/slow/2")) }
        let fresh = try #require(server.connect())
        fresh.send(Wire.request("GET", "/echo"))
        var rounds = 0
        while !fresh.isReadable(within: 0), rounds < 50 {
            rounds += 1
            for client in busy {
                #expect(client.receive() != nil)
                client.send(Wire.request("GET", "/slow/2"))
            }
        }
        #expect(rounds <= 5)
        #expect(fresh.receive()?.status == 200)
        for client in kept[3...] { #expect(client.get("/echo")?.status == 200) }
    }

    @Test func newConnectionsComeThroughWhenThereIsNoRoomToKeepThem() throws {
        let server = ProbeServer(workers: 1, ["--kept", "4"])
        let kept = try (0..<4).map { _ in try #require(server.connect()) }
        for client in kept { #expect(client.get("/echo")?.status == 200) }
        let fifth = try #require(server.connect())
        #expect(fifth.get("/echo")?.status == 200)
        #expect(fifth.isClosed)
        for client in kept { #expect(client.get("/echo")?.status == 200) }
    }

    @Test func onePeerThatStallsDoesNotHoldTheOthers() throws {
        let server = ProbeServer(workers: 1, ["--peer-timeout", "300"])
        let half = try #require(server.connect())
        half.send(Array(Wire.request("GET", "/bad").dropLast(9)))
        let deaf = try #require(server.connect())
        deaf.send(Wire.request("GET", "/big/9000000"))
        for _ in 0..<5 { #expect(server.connect()?.get("/echo")?.status == 200) }
        #expect(half.isClosed)
        #expect(deaf.receive() == nil)
        #expect(!server.executed.contains("/bad"))
    }

    @Test(arguments: [SIGTERM, SIGQUIT]) func keptConnectionIsServedAfterTheOrderToLeave(signal: Int32) throws
    {
        let server = ProbeServer()
        let client = try #require(server.connect())
        let first = try #require(client.get("/pid")?.text)
        let pid = try #require(first.split(separator: " ").first.flatMap { pid_t($0) })
        client.send(Wire.request("GET", "/slow/100"))
        kill(pid, signal)
        #expect(client.receive()?.status == 200)
        #expect(client.get("/pid")?.text == first)
        // The next connection goes to the successor, while this one still works after QUIT.
        let isSucceeded = eventually {
            let answer = server.connect()?.get("/pid")
            #expect(answer?.status == 200)
            return answer?.text != first
        }
        #expect(isSucceeded)
        if signal == SIGQUIT { #expect(client.get("/pid")?.text == first) }
        shutdown(client.descriptor, Int32(SHUT_RDWR))
        #expect(eventually { !isAlive(pid) })
    }
}
