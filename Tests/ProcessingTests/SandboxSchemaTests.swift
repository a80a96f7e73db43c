import Domain
import Postgres
import TestSupport
import Testing

@testable import Processing

struct SandboxSchemaTests {
    @Test func `the schema is its own role's, may be applied again, and is closed to others`() throws {
        let server = try PrivateServer()
        let database = try server.createDatabase()
        let owner = try Connection(ConnectionSettings(database))
        defer { owner.close() }
        try Sandbox.migrate(owner)
        #expect(Sandbox(ConnectionSettings(database)).submit([order("a")]).map(\.code) == ["A01"])
        try owner.script(
            """
            create role billing_sandbox login;
            create role billing_api login;
            """)
        for _ in 0..<2 { try Sandbox.migrate(owner) }
        let owners = try owner.rows(
            Statement(
                "test.owners",
                """
                select distinct c.relowner::regrole::text from pg_class as c
                where c.relnamespace = 'sandbox'::regnamespace
                union
                select nspowner::regrole::text from pg_namespace where nspname = 'sandbox'
                """))
        #expect(owners.map { $0.text(0) } == ["billing_sandbox"])

        let own = Sandbox(ConnectionSettings("\(database) user=billing_sandbox"))
        #expect(own.submit([order("b", .claim, 95_00)]).map(\.code) == ["A01"])
        #expect(own.submit([order("v", .void, 95_00, of: "b")]).map(\.code) == ["A03"])
        #expect(own.lookUp(account: 2001, keys: ["a"]).map(\.code) == ["A01"])
        try own.disturb(account: 2001, SandboxDisturbance(delay: 1))
        try own.disturb(account: 2001, .none)

        let foreign = Sandbox(ConnectionSettings("\(database) user=billing_api"))
        #expect(foreign.submit([order("c")]).map(\.code) == [nil])
        #expect(foreign.lookUp(account: 2001, keys: ["a"]) == [.unreachable])
        #expect(throws: DatabaseFailure.self) { try foreign.disturbance(account: 2001) }
        own.close()
        foreign.close()
    }

    @Test func `a migration by a user who may not give the schema away grants its use`() throws {
        let server = try PrivateServer()
        let database = try server.createDatabase()
        let administrator = try Connection(ConnectionSettings(database))
        defer { administrator.close() }
        try administrator.script(
            """
            create role billing_sandbox login;
            create role billing_owner login;
            do $$
            begin
                execute format('grant create on database %I to billing_owner', current_database());
            end
            $$;
            """)
        let owner = try Connection(ConnectionSettings("\(database) user=billing_owner"))
        try Sandbox.migrate(owner)
        try Sandbox.migrate(owner)
        owner.close()
        let own = Sandbox(ConnectionSettings("\(database) user=billing_sandbox"))
        #expect(own.submit([order("b", .claim, 95_00)]).map(\.code) == ["A01"])
        #expect(own.submit([order("v", .void, 95_00, of: "b")]).map(\.code) == ["A03"])
        own.close()
    }
}
