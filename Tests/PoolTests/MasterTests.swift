import Glibc
import Testing

/// The real master with its workers, treated as operators and accidents treat them.
@Suite(.serialized) struct MasterTests {
    @Test func deadWorkerIsReplacedAndReported() throws {
        let server = ProbeServer(workers: 2)
        #expect(server.areReady(2))
        let victim = try #require(server.workers().first?.pid)
        kill(victim, SIGKILL)
        #expect(eventually { server.areReady(2) && !server.workers().map(\.pid).contains(victim) })
        #expect(
            server.log.contains(#""worker.pid":\#(victim)"#)
                && server.log.contains(#""worker.signal":"KILL""#))
        let client = try #require(server.connect())
        #expect(client.get("/crash") == nil)
        #expect(
            eventually { server.log.split(separator: "\n").filter { $0.contains("worker ended") }.count == 2 }
        )
        #expect(server.areReady(2))
        // Registers and the memory behind them stay out of the report of the crash.
        #expect(!server.log.contains("rsp 0x") && !server.log.contains("sp 0x"))
    }

    @Test func countersOutliveTheirWorkers() throws {
        let server = ProbeServer()
        for _ in 0..<3 { #expect(server.connect()?.get("/echo")?.status == 200) }
        let victim = try #require(server.workers().first?.pid)
        kill(victim, SIGKILL)
        #expect(eventually { server.areReady(1) && server.workers().first?.pid != victim })
        #expect(server.connect()?.get("/slots")?.text.contains("route 2 [0, 0, 3, 0, 0, 0] 3") == true)
    }

    @Test func requestBeyondItsDeadlineEndsItsWorker() throws {
        let server = ProbeServer(workers: 1, ["--deadline", "300"])
        #expect(server.areReady(1))
        let pid = server.workers().first?.pid
        #expect(server.connect()?.get("/long/800")?.status == 200, "asked for more time")
        #expect(server.workers().first?.pid == pid)
        #expect(server.connect()?.get("/slow/8000") == nil)
        #expect(eventually { server.areReady(1) && server.workers().first?.pid != pid })
        #expect(server.log.contains(#""worker.ended_for":"request deadline""#))
    }

    @Test func reloadReplacesEveryWorkerAndLosesNoRequest() throws {
        let server = ProbeServer(workers: 2)
        #expect(server.areReady(2))
        for _ in 0..<3 {
            let old = Set(server.workers().map(\.pid))
            var kept = try (0..<4).map { _ in try #require(server.connect()) }
            for client in kept { #expect(client.get("/pid")?.status == 200) }
            let busy = try #require(server.connect())
            busy.send(Wire.request("GET", "/slow/200"))
            server.signal(SIGHUP)
            let finished = eventually {
                for client in kept { #expect(client.get("/pid")?.status == 200) }
                #expect(server.connect()?.get("/pid")?.status == 200)
                return Set(server.workers().filter { $0.state != "draining" }.map(\.pid)).isDisjoint(
                    with: old)
            }
            #expect(finished)
            #expect(busy.receive()?.status == 200)
            shutdown(busy.descriptor, Int32(SHUT_RDWR))
            kept = []
            #expect(eventually { old.allSatisfy { !isAlive($0) } }, "nginx has closed: the old ones leave")
            #expect(server.areReady(2))
        }
    }

    @Test func newWorkerIsReadyBeforeTheOldOneLeaves() throws {
        let server = ProbeServer(workers: 1, ["--prepare", "1000"])
        let old = try #require(server.connect()?.get("/pid")?.text)
        server.signal(SIGHUP)
        var slowest = 0
        let isReplaced = eventually {
            guard let client = server.connect() else { return false }
            client.send(Wire.request("GET", "/pid"))
            while !client.isReadable(within: 50), slowest < 10 { slowest += 1 }
            return client.receive()?.text != old
        }
        #expect(isReplaced)
        #expect(slowest < 10, "half a second without a worker")
    }

    @Test func reloadKeepsTheOldWorkersWhenNewOnesCannotStart() throws {
        let server = ProbeServer(workers: 2)
        #expect(server.areReady(2))
        let old = Set(server.workers().map(\.pid))
        ProbeServer.touch(server.failFile)
        server.signal(SIGHUP)
        #expect(eventually { server.log.contains("reload given up") })
        #expect(Set(server.workers().map(\.pid)) == old)
        unlink(server.failFile)
        server.signal(SIGHUP)
        #expect(eventually { Set(server.workers().map(\.pid)).isDisjoint(with: old) && server.areReady(2) })
    }

    @Test func workersThatCannotStartAreTriedLaterAndLater() throws {
        let folder = ProbeServer.makeFolder()
        ProbeServer.touch(folder + "/fail")
        let server = ProbeServer(workers: 1, in: folder)
        #expect(eventually { server.log.contains("worker cannot start") })
        #expect(
            eventually { server.log.split(separator: "\n").filter { $0.contains("worker ended") }.count >= 3 }
        )
        // 100 + 200 + 400 ms have to pass before the fourth.
        let times = server.log.split(separator: "\n").filter { $0.contains("worker ended") }.count
        #expect(times <= 5)
        unlink(folder + "/fail")
        #expect(server.areReady(1))
    }

    @Test func oneWorkerMoreOrLess() {
        let server = ProbeServer(workers: 2)
        #expect(server.areReady(2))
        server.signal(SIGTTIN)
        #expect(server.areReady(3))
        server.signal(SIGTTOU)
        #expect(server.areReady(2))
        server.signal(SIGTTOU)
        #expect(server.areReady(1))
        server.signal(SIGTTOU)
        let resized = { server.log.split(separator: "\n").filter { $0.contains("pool resized") }.count }
        #expect(eventually { resized() == 4 })
        server.signal(SIGTTIN)
        #expect(server.areReady(2), "never less than one")
    }

    @Test func longRequestsHaveWorkersOfTheirOwn() throws {
        let folder = ProbeServer.makeFolder()
        let server = ProbeServer(
            workers: 1, in: folder, ["--long", folder + "/long.sock", "--long-workers", "1"])
        let long = try #require(server.connect(to: server.longSocket))
        long.send(Wire.request("GET", "/slow/700"))
        #expect(server.connect()?.get("/echo")?.status == 200)
        #expect(!long.isReadable(within: 0))
        #expect(long.receive()?.status == 200)
    }

    @Test(arguments: [SIGTERM, SIGINT, SIGQUIT]) func stopFinishesWhatIsInHand(signal: Int32) throws {
        let server = ProbeServer(workers: 2)
        #expect(server.areReady(2))
        let pids = server.workers().map(\.pid)
        let client = try #require(server.connect())
        client.send(Wire.request("GET", "/slow/400", keep: false))
        #expect(eventually { server.executed.contains("/slow/400") })
        server.signal(signal)
        #expect(client.receive()?.status == 200)
        #expect(server.exitStatus() == 0)
        #expect(pids.allSatisfy { !isAlive($0) })
        #expect(access(server.socket, F_OK) != 0)
    }

    @Test func stopDoesNotWaitForeverForARequest() throws {
        let server = ProbeServer(workers: 1, ["--stop-grace", "300"])
        let client = try #require(server.connect())
        client.send(Wire.request("GET", "/slow/60000"))
        #expect(eventually { server.executed.contains("/slow") })
        server.signal(SIGTERM)
        #expect(server.exitStatus() == 0)
        #expect(server.log.contains("leaving deadline"))
    }

    @Test func workersGoWhenTheMasterIsKilledAndTheSocketIsTakenOver() throws {
        let server = ProbeServer(workers: 2)
        #expect(server.areReady(2))
        let pids = server.workers().map(\.pid)
        server.signal(SIGKILL)
        #expect(server.exitStatus() == -SIGKILL)
        #expect(eventually { pids.allSatisfy { !isAlive($0) } })
        #expect(access(server.socket, F_OK) == 0, "nobody was left to remove it")
        server.ownsFolder = false
        let next = ProbeServer(workers: 1, in: server.folder)
        #expect(next.areReady(1))
    }

    @Test func secondMasterOnTheSameSocketIsRefused() throws {
        let server = ProbeServer()
        #expect(server.areReady(1))
        let second = ProbeServer(workers: 1, in: server.folder)
        second.ownsFolder = false
        #expect(second.exitStatus() == 1)
        #expect(server.log.contains("Another master serves"))
        #expect(server.connect()?.get("/echo")?.status == 200)
    }

    @Test func fileThatIsNoSocketIsLeftAlone() {
        let folder = ProbeServer.makeFolder()
        ProbeServer.touch(folder + "/main.sock")
        let server = ProbeServer(workers: 1, in: folder)
        #expect(server.exitStatus() == 1)
        #expect(server.log.contains("is not a socket"))
        #expect(access(folder + "/main.sock", F_OK) == 0)
    }

    @Test func tcpPortServesOneMasterOnly() throws {
        let port = UInt16(20_000 + Int(getpid()) % 20_000)
        let first = ProbeServer(workers: 1, ["--socket", "127.0.0.1:\(port)"])
        #expect(eventually { Client(port: port)?.get("/echo")?.status == 200 })
        let client = try #require(Client(port: port))
        #expect(
            client.exchange(Wire.request("POST", "/echo", body: WorkerTests.bytes(900_000)))?.status == 200)
        let second = ProbeServer(workers: 1, ["--socket", "127.0.0.1:\(port)"])
        #expect(second.exitStatus() == 1)
        #expect(second.log.contains("Port \(port) on 127.0.0.1 is taken"))
        first.signal(SIGTERM)
        #expect(first.exitStatus() == 0)
    }

    @Test(.enabled(if: geteuid() == 0)) func rootIsGivenUpBeforeTheFirstRequest() throws {
        let server = ProbeServer()
        let text = try #require(server.connect()?.get("/pid")?.text)
        let fields = text.split(separator: " ")
        let nobody = try #require(getpwnam("nobody"))
        #expect(fields[2] == "\(nobody.pointee.pw_uid)" && fields[3] == "\(nobody.pointee.pw_gid)")
        var status = stat()
        #expect(stat(server.socket, &status) == 0 && status.st_mode & 0o777 == 0o660)
        for (user, sentence) in [("root", "has root's rights"), ("nosuchuser", "is no user of this machine")]
        {
            let refused = ProbeServer(workers: 1, ["--user", user])
            #expect(eventually { refused.log.contains(sentence) })
        }
    }
}
