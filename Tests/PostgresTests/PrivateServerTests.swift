import Glibc
import Postgres
import TestSupport
import Testing

/// The tests' own server leaves nothing behind.
@Suite struct PrivateServerTests {
    @Test(arguments: [false, true])
    func theFilesGoWithTheServer(isStopped: Bool) throws {
        var server: PrivateServer? = try PrivateServer()
        let log = try #require(server?.logFile)
        #expect(access(log, F_OK) == 0)
        if isStopped { server?.stop() }
        server = nil
        #expect(access(log, F_OK) != 0)
    }

    @Test func aTemplateIsFilledOnceAndCopied() throws {
        let server = try PrivateServer.shared
        var fills = 0
        for _ in 0..<2 {
            let template = try server.template("numbers") { database in
                fills += 1
                let connection = try Connection(ConnectionSettings(database))
                try connection.script("create table number as select 7::bigint as n")
                connection.close()
            }
            let copy = try Connection(ConnectionSettings(try server.createDatabase(template: template)))
            #expect(try copy.rows(Statement("number", "select n from number"))[0].int(0) == 7)
        }
        #expect(fills == 1)
    }

    @Test func aProgramIsFedAndHeard() throws {
        let long = String(repeating: "line\n", count: 100_000)
        let echo = try Subprocess.run("/bin/cat", input: long)
        #expect(echo.status == 0 && echo.output == long)
        let failed = try Subprocess.run("/bin/sh", ["-c", "echo out; echo err >&2; exit 3"])
        #expect(failed.status == 3 && failed.output == "out\n" && failed.errors == "err\n")
        let killed = try Subprocess("/bin/sleep", ["60"])
        #expect(killed.isRunning)
        #expect(killed.stop(SIGKILL) == 128 + SIGKILL)
    }
}
