import Glibc
import Postgres
import TestSupport
import Testing

/// Time-outs, lost connections, and what each says about the changes under way.
@Suite struct LossTests {
    static let nap = Statement("nap", "select 1 from pg_sleep(60)")
    static let end = Statement("end", "select pg_terminate_backend($1::integer)")
    static let waiting = Statement(
        "waiting", "select count(*) from pg_stat_activity where pid = $1::integer and wait_event = $2")

    /// Runs `body` in another thread.
    final class Thread {
        private var id = pthread_t()
        private final class Work {
            let body: () -> Void; init(_ body: @escaping () -> Void) { self.body = body }
        }

        init(_ body: @escaping () -> Void) {
            let work = Unmanaged.passRetained(Work(body)).toOpaque()
            pthread_create(
                &id, nil,
                { context in
                    if let context { Unmanaged<Work>.fromOpaque(context).takeRetainedValue().body() }
                    return nil
                }, work)
        }

        func join() { pthread_join(id, nil) }
    }

    /// Waits until the session sleeps in `event`, ends it from another, and gives back what it had thrown.
    private func failure(
        endedIn event: String, of connection: Connection, _ database: TestDatabase,
        _ body: @escaping (Connection) throws -> Void
    ) throws -> DatabaseFailure? {
        let killer = try database.connect()
        let session = Parameter.int32(connection.backendID)
        nonisolated(unsafe) var thrown: DatabaseFailure?
        nonisolated(unsafe) let connection = connection
        let thread = Thread { thrown = PostgresTests.failure { try body(connection) } }
        #expect(try waitUntil { try killer.rows(Self.waiting, [session, .text(event)])[0].int(0) == 1 })
        try killer.run(Self.end, [session])
        thread.join()
        return thrown
    }

    @Test func aSessionEndedInATransactionIsLostForSure() throws {
        let database = try TestDatabase()
        let connection = try database.connectWithAccounts()
        connection.begin()
        try connection.run(Account.add, [1, 1])
        let thrown = try failure(endedIn: "PgSleep", of: connection, database) { connection in
            connection.enqueue(Self.nap, [])
            connection.enqueue(Account.add, [1, 1])
            try connection.commit()
        }
        #expect(thrown?.kind == .connectionLost)
        #expect(thrown?.sqlState == "57P01")
        #expect(connection.isBroken && !connection.inTransaction && connection.backendID == 0)
        #expect(PostgresTests.failure { try connection.run(Account.add, [1, 1]) }?.kind == .connectionLost)
        connection.rollback()
        let again = try database.connect()
        #expect(try again.rows(Account.load, [1])[0].int(2) == 100)
    }

    @Test func aSessionEndedInACommitHasAnUnknownOutcome() throws {
        let database = try TestDatabase()
        let connection = try database.connectWithAccounts()
        try connection.script(
            """
            create function linger() returns trigger language plpgsql
                as $$ begin perform pg_sleep(60); return null; end $$;
            create constraint trigger linger after update on account
                deferrable initially deferred for each row execute function linger()
            """)
        for inTransaction in [true, false] {
            let connection = try database.connect(statementTimeout: 0)
            let thrown = try failure(endedIn: "PgSleep", of: connection, database) { connection in
                if inTransaction { connection.begin() }
                connection.enqueue(Account.add, [1, 1])
                if inTransaction { try connection.commit() } else { try connection.flush() }
            }
            #expect(thrown?.kind == .outcomeUnknown, "in a transaction: \(inTransaction)")
            #expect(connection.isBroken)
        }
    }

    @Test func aLostReadHasNothingUnknown() throws {
        let database = try TestDatabase()
        let connection = try database.connect()
        let thrown = try failure(endedIn: "PgSleep", of: connection, database) { connection in
            _ = try connection.rows(Self.nap)
        }
        #expect(thrown?.kind == .connectionLost)
        #expect(thrown?.isWorthRetrying == true)
    }

    @Test func aSessionEndedWhileIdleIsSeenWithoutARoundTrip() throws {
        let database = try TestDatabase()
        let connection = try database.connect()
        #expect(connection.isAliveNow())
        let killer = try database.connect()
        try killer.run(Self.end, [.int32(connection.backendID)])
        #expect(waitUntil { !connection.isAliveNow() })
        #expect(connection.isBroken)
        #expect(PostgresTests.failure { try connection.flush() }?.sqlState == "57P01")
    }

    @Test func idlingInATransactionEndsItForSure() throws {
        let database = try TestDatabase()
        let setup = try database.connectWithAccounts()
        let connection = try Connection(
            ConnectionSettings(database.connectionString, idleInTransactionTimeout: 20))
        connection.begin()
        try connection.run(Account.add, [1, 1])
        let session = Statement("session", "select count(*) from pg_stat_activity where pid = $1::integer")
        let id = Parameter.int32(connection.backendID)
        #expect(try waitUntil { try setup.rows(session, [id])[0].int(0) == 0 })
        let thrown = PostgresTests.failure { try connection.commit() }
        #expect(thrown?.kind == .connectionLost)
        #expect(connection.isBroken)
    }

    @Test func aLongStatementIsStopped() throws {
        let connection = try TestDatabase().connect(statementTimeout: 30)
        let thrown = PostgresTests.failure { try connection.run(Self.nap) }
        #expect(thrown?.kind == .timeout)
        #expect(!connection.isBroken)
        #expect(try connection.rows(Statement("one", "select 1"))[0].int(0) == 1)
    }

    @Test func aLockThatIsNotToBeHadIsGivenUp() throws {
        let database = try TestDatabase()
        let holder = try database.connectWithAccounts()
        holder.begin()
        try holder.run(Account.add, [1, 1])
        let other = try database.connect(lockTimeout: 30)
        #expect(PostgresTests.failure { try other.run(Account.add, [1, 1]) }?.kind == .lockTimeout)
        holder.rollback()
        #expect(try other.run(Account.add, [1, 1]) == 1)
    }

    @Test func aWriteThatCrossesAnotherIsWorthRetrying() throws {
        let database = try TestDatabase()
        let one = try database.connectWithAccounts()
        let two = try database.connect(settings: [("default_transaction_isolation", "repeatable read")])
        two.begin()
        _ = try two.rows(Account.load, [1])
        try one.run(Account.add, [1, 1])
        let thrown = PostgresTests.failure { try two.run(Account.add, [1, 1]) }
        #expect(thrown?.kind == .serialization)
        #expect(thrown?.isWorthRetrying == true)
        two.rollback()
        #expect(try two.run(Account.add, [1, 1]) == 1)
    }

    @Test func aReadOnlySessionSaysSo() throws {
        let database = try TestDatabase()
        _ = try database.connectWithAccounts()
        let reader = try database.connect(settings: [("default_transaction_read_only", "on")])
        #expect(PostgresTests.failure { try reader.run(Account.add, [1, 1]) }?.kind == .readOnly)
    }

    @Test func aFrozenServerIsGivenUpAfterTheNetworkTimeOut() throws {
        let server = try PrivateServer()
        let settings = ConnectionSettings(
            try server.createDatabase(), connectTimeout: 1, networkTimeout: 200)
        let connection = try Connection(settings)
        _ = try connection.rows(Statement("one", "select 1"))
        let frozen = server.processes
        for id in frozen { kill(id, SIGSTOP) }
        defer { for id in frozen { kill(id, SIGCONT) } }
        let start = monotonicSeconds()
        let thrown = PostgresTests.failure { _ = try connection.rows(Statement("two", "select 2")) }
        #expect(thrown?.kind == .connectionLost)
        #expect(monotonicSeconds() - start >= 0.2)
        #expect(connection.isBroken)
        // Nor does a new connection wait for ever.
        #expect(PostgresTests.failure { _ = try Connection(settings) }?.kind == .cannotConnect)
    }

    @Test func aServerThatCrashedOrStoppedServesAgain() throws {
        let server = try PrivateServer()
        let settings = ConnectionSettings(try server.createDatabase(), connectTimeout: 2)
        for stop in [server.crash, { server.stop(immediately: true) }, { server.stop() }] {
            let connection = try Connection(settings)
            connection.begin()
            _ = try connection.rows(Statement("one", "select 1"))
            stop()
            #expect(PostgresTests.failure { try connection.commit() }?.connectionIsGone == true)
            #expect(PostgresTests.failure { _ = try Connection(settings) }?.kind == .cannotConnect)
            try server.start()
            #expect(try Connection(settings).rows(Statement("one", "select 1")).count == 1)
        }
    }
}
