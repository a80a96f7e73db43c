import Glibc
import Testing

@testable import Pool

/// Kept connections of a worker that is slow: other workers take them over, and nothing is lost on the way.
@Suite(.serialized) struct HandOverTests {
    static func milliseconds() -> Int {
        var now = timespec()
        clock_gettime(CLOCK_MONOTONIC, &now)
        return now.tv_sec * 1000 + now.tv_nsec / 1_000_000
    }

    /// The worker that answers on a connection.
    static func server(of client: Client) -> pid_t? {
        client.get("/pid")?.text.split(separator: " ").first.flatMap { pid_t($0) }
    }

    /// Has a process stand still, and waits until it does.
    static func freeze(_ pid: pid_t) -> Bool {
        kill(pid, SIGSTOP)
        return eventually { ProbeServer.contents("/proc/\(pid)/stat").contains(") T ") }
    }

    /// Kept connections, so many at each worker: the others stand still while one takes its own.
    static func spread(_ server: ProbeServer, workers: Int, each: Int) throws -> [pid_t: [Client]] {
        let pids = server.workers().map(\.pid)
        try #require(pids.count == workers)
        var clients: [pid_t: [Client]] = [:]
        for pid in pids {
            let rest = pids.filter { $0 != pid }
            defer { for other in rest { kill(other, SIGCONT) } }
            for other in rest { try #require(freeze(other)) }
            for _ in 0..<each {
                let client = try #require(server.connect())
                #expect(Self.server(of: client) == pid)
                clients[pid, default: []].append(client)
            }
        }
        return clients
    }

    /// Makes one worker slow; it, its connection, and its other ones.
    static func slow(_ server: ProbeServer, _ clients: [pid_t: [Client]], _ path: String) throws -> (
        pid: pid_t, busy: Client, others: [Client]
    ) {
        let (pid, own) = try #require(clients.first)
        own[0].send(Wire.request("GET", path))
        try #require(eventually { server.executed.contains(path + " stood aside") })
        return (pid, own[0], Array(own[1...]))
    }

    @Test func slowRequestHoldsNoOtherConnection() throws {
        let server = ProbeServer(workers: 3)
        #expect(server.areReady(3))
        let clients = try Self.spread(server, workers: 3, each: 8)
        let (pid, busy, others) = try Self.slow(server, clients, "/aside/2000")
        let start = Self.milliseconds()
        for _ in 0..<3 {
            let rest = others + clients.filter { $0.key != pid }.values.joined()
            for client in rest { client.send(Wire.request("GET", "/pid")) }
            for client in rest {
                let answer = client.receive()
                #expect(answer?.status == 200 && answer?.text.hasPrefix("\(pid) ") == false)
            }
            #expect(rest.count == 23)
        }
        #expect(Self.milliseconds() - start < 1000)
        #expect(!busy.isReadable(within: 0), "still in its request")
        #expect(busy.receive()?.status == 200)
        #expect(Self.server(of: busy) == pid, "the connection in hand stays")
    }

    @Test func slowOnesOneAfterTheOtherAndAllAtOnce() throws {
        let server = ProbeServer(workers: 2)
        #expect(server.areReady(2))
        let clients = try Self.spread(server, workers: 2, each: 4).values.joined()
        // Both workers slow: what they gave away waits for the first that is free.
        for client in clients { client.send(Wire.request("GET", "/aside/50")) }
        for client in clients { #expect(client.receive()?.status == 200) }
        #expect(server.executed.split(separator: "\n").filter { $0 == "/aside/50" }.count == 8)
        for client in clients { #expect(client.get("/echo")?.status == 200) }
    }

    @Test func unreadRequestsGoAlongAndAreAnsweredOnce() throws {
        let server = ProbeServer(workers: 2)
        #expect(server.areReady(2))
        let clients = try Self.spread(server, workers: 2, each: 12)
        let (pid, own) = try #require(clients.first)
        // The worker stands still, so everything is there when it goes on: the slow request and those behind it.
        #expect(Self.freeze(pid))
        own[0].send(Wire.request("GET", "/aside/1500"))
        let half = Wire.request("POST", "/half", body: WorkerTests.bytes(100))
        for (index, client) in own.enumerated() where index > 0 {
            client.send(
                index == 11
                    ? Array(half.prefix(50))
                    : Wire.request("POST", "/once/\(index)", body: WorkerTests.bytes(9000)))
        }
        let start = Self.milliseconds()
        kill(pid, SIGCONT)
        for client in own[1..<11] { #expect(client.receive()?.status == 200) }
        own[11].send(Array(half.dropFirst(50)))
        #expect(own[11].receive()?.status == 200)
        #expect(Self.milliseconds() - start < 1000)
        #expect(own[0].receive()?.status == 200)
        let lines = server.executed.split(separator: "\n")
        for index in 1..<11 { #expect(lines.filter { $0 == "/once/\(index)" }.count == 1) }
        #expect(lines.filter { $0 == "/half" }.count == 1)
    }

    @Test func workerKilledAfterHandingOverLosesNoConnection() throws {
        for workers in [1, 2] {
            let server = ProbeServer(workers: workers)
            #expect(server.areReady(workers))
            let clients = try Self.spread(server, workers: workers, each: 6)
            // Nobody is there to take the connections before the worker is killed.
            let rest = clients.dropFirst().map(\.key)
            for pid in rest { #expect(Self.freeze(pid)) }
            let (pid, busy, others) = try Self.slow(server, clients, "/aside/60000")
            for client in others { client.send(Wire.request("GET", "/after")) }
            kill(pid, SIGKILL)
            #expect(busy.receive() == nil)
            for pid in rest { kill(pid, SIGCONT) }
            for client in others { #expect(client.receive()?.status == 200) }
            #expect(server.executed.split(separator: "\n").filter { $0 == "/after" }.count == 5)
        }
    }

    /// Told to leave while all is slow: what was given away is taken back and served.
    @Test(arguments: [SIGTERM, SIGQUIT, SIGHUP]) func leavingLosesNothing(signal: Int32) throws {
        let server = ProbeServer(workers: 2)
        #expect(server.areReady(2))
        let clients = try Self.spread(server, workers: 2, each: 6)
        let all = Array(clients.values.joined())
        let busy = clients.values.map { $0[0] }
        for client in busy { client.send(Wire.request("GET", "/aside/400")) }
        #expect(
            eventually {
                server.executed.split(separator: "\n").filter { $0.hasSuffix("stood aside") }.count == 2
            })
        let others = all.filter { client in !busy.contains { $0 === client } }
        for client in others { client.send(Wire.request("GET", "/after")) }
        server.signal(signal)
        for client in busy { #expect(client.receive()?.status == 200) }
        for client in others { #expect(client.receive()?.status == 200) }
        #expect(server.executed.split(separator: "\n").filter { $0 == "/after" }.count == 10)
        if signal == SIGHUP {
            for client in all { #expect(client.get("/echo")?.status == 200) }
        } else {
            for client in all { shutdown(client.descriptor, Int32(SHUT_RDWR)) }
            #expect(server.exitStatus() == 0)
        }
    }

    @Test func leavingWorkerTakesNothingOver() throws {
        let server = ProbeServer(workers: 2)
        #expect(server.areReady(2))
        let clients = try Self.spread(server, workers: 2, each: 4)
        let staying = try #require(clients.first)
        let leaving = try #require(clients.first { $0.key != staying.key })
        // It keeps the connections that it has, so it stays for a while.
        kill(leaving.key, SIGQUIT)
        #expect(
            eventually {
                let states = server.workers()
                return states.count == 3
                    && states.contains { $0.pid == leaving.key && $0.state == "draining" }
                    && !states.contains { $0.state == "starting" }
            })
        let successor = server.workers().map(\.pid).first { $0 != staying.key && $0 != leaving.key }
        #expect(Self.freeze(try #require(successor)))
        let (_, busy, others) = try Self.slow(server, [staying.key: staying.value], "/aside/300")
        for client in others { client.send(Wire.request("GET", "/pid")) }
        for client in leaving.value { #expect(Self.server(of: client) == leaving.key) }
        #expect(busy.receive()?.status == 200)
        for client in others { #expect(client.receive()?.text.hasPrefix("\(staying.key) ") == true) }
        kill(try #require(successor), SIGCONT)
    }

    @Test func whatFindsNoRoomOnTheWayStays() throws {
        let way = try HandOver.make()
        defer {
            close(way.sender)
            close(way.receiver)
        }
        var ends: [Int32] = [-1, -1]
        #expect(pipe(&ends) == 0)
        var count = 0
        while count < 5000, way.put(ends[1]) { count += 1 }
        #expect(count >= 256 && count < 5000, "room for \(count)")
        close(ends[1])
        for _ in 0..<count {
            let taken = try #require(way.take())
            #expect(fcntl(taken, F_GETFD) == FD_CLOEXEC)
            #expect(write(taken, "x", 1) == 1)
            close(taken)
        }
        #expect(way.take() == nil)
        close(ends[0])
    }
}
