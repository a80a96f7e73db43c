import Postgres
import TestSupport
import Testing

@Test func smoke() throws {
    let settings = ConnectionSettings(try PrivateServer.shared.createDatabase())
    let connection = try Connection(settings)
    #expect(try connection.rows(Statement("x", "select $1::bigint + 1"), [41])[0].int(0) == 42)
}
