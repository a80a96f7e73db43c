import Postgres
import TestSupport
import Testing

/// Connections that do not come about.
@Suite struct ConnectTests {
    @Test func aRefusalHasItsStateAndNoSecret() throws {
        let server = try PrivateServer.shared
        let good = server.administration.connectionString
        let cases: [(String, DatabaseFailure.Kind, String?)] = [
            ("\(good) dbname=nowhere password=hush4711", .cannotConnect, "3D000"),
            ("\(good) user=nobody_here password=hush4711", .cannotConnect, "28000"),
            ("host=/nonexistent password=hush4711", .cannotConnect, nil),
            ("postgresql://user:hush/4711@host/db", .cannotConnect, nil),
            ("postgresql://user:hu@hush4711.invalid:1/db?connect_timeout=1", .cannotConnect, nil),
            ("host=localhost hush4711", .cannotConnect, nil),
            ("port=hush4711 host=localhost password=x", .cannotConnect, nil),
        ]
        for (text, kind, state) in cases {
            let thrown = failure { _ = try Connection(ConnectionSettings(text)) }
            #expect(thrown?.kind == kind)
            #expect(thrown?.sqlState == state, "\(thrown?.description ?? "")")
            #expect(thrown?.description.contains("4711") == false, "\(thrown?.description ?? "")")
            #expect(thrown?.message.isEmpty == false)
        }
    }

    @Test func theConnectionLimitIsNamed() throws {
        let server = try PrivateServer()
        let settings = ConnectionSettings(try server.createDatabase())
        var kept: [Connection] = []
        var thrown: DatabaseFailure?
        while thrown == nil && kept.count < 200 {
            thrown = failure { kept.append(try Connection(settings)) }
        }
        #expect(thrown?.kind == .tooManyConnections)
        #expect(thrown?.sqlState == "53300")
    }
}
