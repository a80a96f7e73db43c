import Domain
import Postgres
import TestSupport
import Testing

@testable import Processing

struct SandboxDisturbanceTests {
    @Test func `every nth request or answer is lost, counted from when it was set`() throws {
        let fixture = try SandboxFixture()
        let rows: [(SandboxDisturbance, answered: [Bool], carriedOut: [Bool])] = [
            (.none, [true, true, true, true, true, true], [true, true, true, true, true, true]),
            (
                SandboxDisturbance(losesRequestEvery: 2), [true, false, true, false, true, false],
                [true, false, true, false, true, false]
            ),
            (
                SandboxDisturbance(losesAnswerEvery: 3), [true, true, false, true, true, false],
                [true, true, true, true, true, true]
            ),
            (
                SandboxDisturbance(losesRequestEvery: 3, losesAnswerEvery: 2),
                [true, false, false, false, true, false], [true, true, false, true, true, false]
            ),
            (
                SandboxDisturbance(losesRequestEvery: 1), [false, false, false, false, false, false],
                [false, false, false, false, false, false]
            ),
            (
                SandboxDisturbance(isDown: true), [false, false, false, false, false, false],
                [false, false, false, false, false, false]
            ),
        ]
        for (index, row) in rows.enumerated() {
            try fixture.sandbox.disturb(account: 2001, row.0)
            #expect(try fixture.sandbox.disturbance(account: 2001) == row.0)
            let orders = (0..<6).map { order("\(index).\($0)") }
            // In two calls, so that the count goes on from one to the next.
            let answers =
                fixture.sandbox.submit(Array(orders[..<2])) + fixture.another().submit(Array(orders[2...]))
            #expect(answers.map { $0.code != nil } == row.answered, "row \(index)")
            // Another account is not disturbed.
            #expect(fixture.submit(order("\(index)", account: 2002)).map(\.code) == ["A01"])
            try fixture.sandbox.disturb(account: 2001, .none)
            let found = fixture.sandbox.lookUp(account: 2001, keys: orders.map(\.key))
            #expect(found.map { $0.code != nil } == row.carriedOut, "row \(index)")
            // Sent again with the same keys, everything is carried out once.
            #expect(fixture.sandbox.submit(orders).allSatisfy { $0.code == "A01" })
        }
        #expect(try fixture.number("select count(*) from sandbox.movement") == Int64(rows.count * 7))
        #expect(try fixture.number("select count(*) from sandbox.disturbance") == 0)
    }

    @Test func `down means that nothing can be asked either`() throws {
        let fixture = try SandboxFixture()
        let day = try #require(CalendarDate("2026-03-06"))
        _ = fixture.submit(order("a", .claim, 95_00))
        let ids = try #require(fixture.sandbox.notices(account: 2001, through: day, limit: 10)).map(\.id)
        #expect(ids.count == 1)
        // Set from outside, at run time.
        try fixture.connect().script("insert into sandbox.disturbance (account, is_down) values (2001, true)")
        #expect(fixture.sandbox.lookUp(account: 2001, keys: ["a", "b"]) == [.unreachable, .unreachable])
        #expect(fixture.sandbox.notices(account: 2001, through: day, limit: 10) == nil)
        #expect(!fixture.sandbox.acknowledge(account: 2001, notices: ids))
        #expect(fixture.submit(order("b"))[0].reason == "sandbox: it is down")
        #expect(fixture.submit(order("c", .refund, 1, of: "a"))[0].reason == "sandbox: it is down")
        #expect(fixture.sandbox.lookUp(account: 2002, keys: ["a"]) == [.notFound])
        try fixture.connect().script("delete from sandbox.disturbance")
        #expect(fixture.sandbox.lookUp(account: 2001, keys: ["a", "b"]).map(\.code) == ["A01", nil])
        #expect(fixture.sandbox.notices(account: 2001, through: day, limit: 10)?.map(\.id) == ids)
    }

    @Test func `answers come late, or too late`() throws {
        let fixture = try SandboxFixture(timeLimit: 50)
        let clock = ContinuousClock()
        try fixture.sandbox.disturb(account: 2001, SandboxDisturbance(delay: 30))
        let waited = clock.measure { #expect(fixture.submit(order("a")).map(\.code) == ["A01"]) }
        #expect(waited >= .milliseconds(30))
        #expect(clock.measure { _ = fixture.sandbox.lookUp(account: 2001, keys: ["a"]) } >= .milliseconds(30))
        try fixture.sandbox.disturb(account: 2001, SandboxDisturbance(delay: 3_600_000))
        let bounded = clock.measure {
            #expect(fixture.submit(order("b")) == [.unknown(reason: "sandbox: no answer within 50 ms")])
            #expect(fixture.sandbox.lookUp(account: 2001, keys: ["b"]) == [.unreachable])
        }
        #expect(bounded >= .milliseconds(100) && bounded < .seconds(60))
        try fixture.sandbox.disturb(account: 2001, .none)
        #expect(fixture.sandbox.lookUp(account: 2001, keys: ["b"]).map(\.code) == ["A01"])
    }

    @Test func `notices come twice`() throws {
        let fixture = try SandboxFixture()
        try fixture.sandbox.disturb(account: 2001, SandboxDisturbance(answersTwice: true))
        _ = fixture.submit(order("a", .claim, 95_00), order("b", .payment, 20_00))
        #expect(fixture.notices(through: "2026-03-06") == ["a N02 2026-03-06 9500", "a N02 2026-03-06 9500"])
    }

    @Test func `a lost connection is made anew, and what was under way is not done twice`() throws {
        let fixture = try SandboxFixture()
        #expect(fixture.submit(order("a")).map(\.code) == ["A01"])
        let outside = try fixture.connect()
        let end = """
            select count(pg_terminate_backend(pid, 10000)) from pg_stat_activity
            where datname = current_database() and pid <> pg_backend_pid()
            """
        #expect(try outside.rows(Statement("test.end", end))[0].int(0) == 1)
        #expect(fixture.submit(order("b")).map(\.code) == ["A01"])

        // The session ends in the middle of the first insert, then lives.
        try outside.script(
            """
            create sequence public.turn;
            create table public.limits as select 1 as times;
            create function public.hang_up() returns trigger language plpgsql as $$
            begin
                if nextval('public.turn') <= (select times from public.limits) then
                    perform pg_terminate_backend(pg_backend_pid());
                end if;
                return new;
            end
            $$;
            create trigger hang_up before insert on sandbox.movement
            for each row execute function public.hang_up();
            """)
        #expect(fixture.submit(order("c"), order("d")).map(\.code) == ["A01", "A01"])
        try outside.script("alter sequence public.turn restart")
        #expect(fixture.submit(order("r", .refund, 5_00, of: "a")).map(\.code) == ["A02"])
        #expect(try fixture.number("select given_back from sandbox.movement where key = 'a'") == 5_00)
        #expect(try fixture.number("select count(*) from sandbox.movement") == 5)

        // The session ends each time: unknown, and in truth not done.
        try outside.script("update public.limits set times = 1000")
        #expect(fixture.submit(order("e")).map(\.code) == [nil])
        #expect(fixture.sandbox.lookUp(account: 2001, keys: ["e"]) == [.notFound])
    }

    @Test func `a server that is gone makes everything unknown until it is back`() throws {
        let server = try PrivateServer()
        let database = try server.createDatabase()
        let connection = try Connection(ConnectionSettings(database))
        try Sandbox.migrate(connection)
        connection.close()
        let sandbox = Sandbox(ConnectionSettings(database))
        #expect(sandbox.submit([order("a")]).map(\.code) == ["A01"])
        server.stop()
        #expect(sandbox.submit([order("b"), order("a")]).map(\.code) == [nil, nil])
        #expect(sandbox.lookUp(account: 2001, keys: ["a"]) == [.unreachable])
        #expect(sandbox.notices(account: 2001, through: .latest, limit: 1) == nil)
        #expect(!sandbox.acknowledge(account: 2001, notices: [1]))
        try server.start()
        #expect(sandbox.lookUp(account: 2001, keys: ["a", "b"]).map(\.code) == ["A01", nil])
        sandbox.close()
        #expect(sandbox.submit([order("b")]).map(\.code) == ["A01"])
        sandbox.close()
    }
}
