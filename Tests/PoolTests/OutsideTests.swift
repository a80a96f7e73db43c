import Glibc
import Testing

@testable import Pool

/// Places for calls to other systems: never more than there are, and never lost.
@Suite(.serialized) struct OutsideTests {
    /// The workers that went outside for long, in that order.
    private static func outside(_ server: ProbeServer) -> [pid_t] {
        server.executed.split(separator: "\n").filter { $0.hasPrefix("/outside/60000 is outside: ") }
            .compactMap { $0.split(separator: " ").last.flatMap { pid_t($0) } }
    }

    @Test func noMoreThanTheLimitAndFreeAgainAfterADeath() throws {
        let folder = ProbeServer.makeFolder()
        let server = ProbeServer(
            workers: 4, in: folder, ["--long", folder + "/long.sock", "--long-workers", "1"])
        #expect(server.areReady(5))
        var inside: [Client] = []
        for count in 1...2 {
            let client = try #require(server.connect())
            client.send(Wire.request("GET", "/outside/60000?2"))
            inside.append(client)
            #expect(eventually { Self.outside(server).count == count })
        }
        #expect(server.connect()?.get("/outside/0?2")?.status == 503)
        #expect(server.connect()?.get("/outside/0?3")?.status == 200, "given back at once")
        #expect(server.connect()?.get("/outside/0?3")?.status == 200)
        #expect(server.connect(to: server.longSocket)?.get("/outside/0?1")?.status == 200, "another pool")
        let workers = Self.outside(server)
        kill(workers[0], SIGKILL)
        #expect(eventually { server.connect()?.get("/outside/0?2")?.status == 200 })
        #expect(server.connect()?.get("/outside/0?1")?.status == 503, "the other one is still outside")
        kill(workers[1], SIGKILL)
        #expect(inside.allSatisfy { $0.receive() == nil })
    }

    @Test func endOfTheRequestGivesThePlaceBack() throws {
        let server = ProbeServer(workers: 2)
        let client = try #require(server.connect())
        for _ in 0..<3 { #expect(client.get("/outside/0/forgotten?1")?.status == 200) }
        #expect(server.connect()?.get("/outside/0?1")?.status == 200)
        #expect(server.connect()?.get("/outside/0?0")?.status == 503)
    }
}
