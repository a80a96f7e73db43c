import Postgres
import TestSupport
import Testing

/// What goes out together, what fails together.
@Suite struct PipelineTests {
    @Test func severalStatementsAndCommitTakeEffectTogether() throws {
        let database = try TestDatabase()
        let connection = try database.connectWithAccounts()
        let observer = try database.connect()
        connection.begin()
        #expect(connection.inTransaction)
        let row = try connection.rows(Account.load, [1])[0]
        #expect(row.int(2) == 100)
        connection.enqueue(Account.add, [1, -30])
        connection.enqueue(Account.add, [2, 30])
        try connection.flush()
        #expect(try observer.rows(Account.load, [2])[0].int(2) == 200)
        try connection.commit()
        #expect(!connection.inTransaction)
        #expect(try observer.rows(Account.load, [2])[0].int(2) == 230)
    }

    @Test func rowsOfABatchComeInOrder() throws {
        let connection = try TestDatabase().connectWithAccounts()
        connection.enqueue(Account.add, [1, 1])
        let rows = try connection.all([
            (Account.load, [1]), (Account.add, [2, 5]), (Account.load, [3]), (Account.load, [2]),
        ])
        #expect(rows.map(\.count) == [1, 0, 0, 1])
        #expect(rows.map(\.affected) == [1, 1, 0, 1])
        #expect(rows[0].first?.int(2) == 101)
        #expect(rows[3].map { $0.text(1) } == ["two"])
        #expect(try connection.all([]).isEmpty)
    }

    /// What is read ahead is what would be read: behind the lock, unless something was changed since that may touch it.
    @Test func readingsAheadGoWithTheNextStatement() throws {
        let database = try TestDatabase()
        let connection = try database.connectWithAccounts()
        let other = try database.connect()
        func read(_ id: Parameter) throws -> Int64? { try connection.rows(Account.load, [id]).first?.int(2) }
        connection.begin()
        connection.readAhead([
            .init(Account.load, [2]), .init(Account.add, [1, 7]), .init(Account.count, [], lasts: true),
        ])
        #expect(try read(1) == 100)
        try other.run(Account.add, [2, 5])
        // Read before that; the second time it is asked for.
        #expect(try read(2) == 200)
        #expect(try read(2) == 205)
        connection.readAhead([.init(Account.load, [2]), .init(Account.count, [], lasts: true)])
        #expect(try read(1) == 100)
        connection.enqueue(Account.add, [2, 1])
        try other.run(Account.insert, [3, "three", 0])
        #expect(try read(2) == 206)
        #expect(try connection.rows(Account.count)[0].int(0) == 2)
        #expect(try connection.rows(Account.count)[0].int(0) == 3)
        connection.readAhead([.init(Account.load, [1])])
        connection.rollback()
        try other.run(Account.add, [1, 1])
        connection.begin()
        #expect(try read(2) == 205)
        #expect(try read(1) == 101)
        // What nobody asked for within its transaction is not there after it.
        connection.readAhead([.init(Account.load, [1])])
        #expect(try read(2) == 205)
        try connection.commit()
        try other.run(Account.add, [1, 1])
        #expect(try read(1) == 102)
    }

    /// Whoever waits long is told once in each round trip, and goes on waiting.
    @Test func aSlowAnswerIsNoticed() throws {
        let connection = try TestDatabase().connect()
        var calls = 0
        connection.whenSlow = { calls += 1 }
        let sleep = Statement("t.sleep", "select pg_sleep($1 / 1000.0)")
        try connection.run(sleep, [0])
        #expect(calls == 0)
        for round in 1...2 {
            try connection.run(sleep, [200])
            #expect(calls == round)
        }
    }

    @Test func withoutATransactionARoundTripIsOne() throws {
        let connection = try TestDatabase().connectWithAccounts()
        connection.enqueue(Account.insert, [3, "three", 0])
        connection.enqueue(Account.insert, [1, "again", 0])
        let failure = failure { try connection.flush() }
        #expect(failure?.constraint == "account_pk")
        #expect(failure?.statement == "account.insert")
        #expect(try connection.rows(Account.count)[0].int(0) == 2)
    }

    @Test func aFailureInTheQueueReachesTheCallThatSends() throws {
        let connection = try TestDatabase().connectWithAccounts()
        connection.begin()
        connection.enqueue(Account.add, [1, -1_000])
        let first = failure { _ = try connection.rows(Account.load, [2]) }
        #expect(first?.kind == .constraint("account_balance_not_negative"))
        #expect(first?.table == "account")
        #expect(first?.sqlState == "23514")
        let second = failure { _ = try connection.rows(Account.load, [2]) }
        #expect(second?.sqlState == "25P02")
        // A commit after a failure that was passed over says that it did not take place.
        #expect(failure { try connection.commit() }?.sqlState == "25P02")
        #expect(!connection.inTransaction)
        #expect(try connection.rows(Account.load, [1])[0].int(2) == 100)
    }

    @Test func aCommitWhoseQueueFailsLeavesNoTransaction() throws {
        let connection = try TestDatabase().connectWithAccounts()
        connection.begin()
        connection.enqueue(Account.add, [1, 1])
        connection.enqueue(Account.insert, [2, .text(nil), 0])
        let failure = failure { try connection.commit() }
        #expect(failure?.kind == .constraint("account_name_not_null"))
        #expect(failure?.sqlState == "23502")
        #expect(!connection.inTransaction && !connection.isBroken)
        #expect(try connection.rows(Account.load, [1])[0].int(2) == 100)
    }

    @Test func aDeferredConstraintFailsTheCommit() throws {
        let connection = try TestDatabase().connect()
        try connection.script(
            """
            create table parent (id bigint primary key);
            create table child (
                parent bigint constraint child_parent_fk references parent deferrable initially deferred)
            """)
        let insert = Statement("child.insert", "insert into child values ($1)")
        connection.begin()
        try connection.run(insert, [1])
        #expect(failure { try connection.commit() }?.kind == .constraint("child_parent_fk"))
        // Without a transaction the end of the round trip commits, and fails.
        #expect(failure { try connection.run(insert, [1]) }?.kind == .constraint("child_parent_fk"))
        #expect(try connection.rows(Statement("child.count", "select count(*) from child"))[0].int(0) == 0)
    }

    @Test func rollbackGivesUpWhatIsQueued() throws {
        let connection = try TestDatabase().connectWithAccounts()
        struct Refusal: Error {}
        #expect(throws: Refusal.self) {
            try connection.transaction {
                connection.enqueue(Account.add, [1, 1])
                // Fails on its own: the ROLLBACK behind it must take place all the same.
                connection.enqueue(Account.insert, [1, "again", 0])
                throw Refusal()
            }
        }
        #expect(!connection.inTransaction && !connection.isBroken)
        let sum = try connection.transaction { try connection.rows(Account.load, [1])[0].int(2) }
        #expect(sum == 100)
    }

    @Test func anEmptyTransactionSendsNothing() throws {
        let connection = try TestDatabase().connect()
        let before = try sent(connection)
        connection.begin()
        try connection.commit()
        connection.begin()
        connection.rollback()
        #expect(try sent(connection) == before)
    }

    /// The number of `begin` that the session has prepared: none before one was sent.
    private func sent(_ connection: Connection) throws -> Int64 {
        let statement = Statement(
            "sent",
            "select count(*) from pg_prepared_statements where name in ('begin', 'commit', 'rollback')")
        return try connection.rows(statement)[0].int(0)
    }

    @Test func aStatementSkippedBeforeItWasPreparedIsPreparedLater() throws {
        let connection = try TestDatabase().connectWithAccounts()
        // The first fails; the second was never prepared although it was sent.
        connection.enqueue(Account.insert, [1, "again", 0])
        #expect(failure { _ = try connection.rows(Account.load, [1]) }?.constraint == "account_pk")
        #expect(try connection.rows(Account.load, [1])[0].text(1) == "one")
        // The preparation itself fails, and works once the table is there.
        let late = Statement("late.count", "select count(*) from late")
        #expect(failure { _ = try connection.rows(late) }?.sqlState == "42P01")
        try connection.script("create table late (id bigint)")
        #expect(try connection.rows(late)[0].int(0) == 0)
        #expect(
            failure { try connection.prepare([Statement("bad", "select from from")]) }?.sqlState == "42601")
        try connection.prepare([Account.count])
    }

    @Test func aChangedTableAndAForgottenStatementCostOneFailure() throws {
        let connection = try TestDatabase().connectWithAccounts()
        let all = Statement("account.all", "select * from account where id = $1")
        #expect(try connection.rows(all, [1])[0].int(0) == 1)
        try connection.script("alter table account add column note text")
        #expect(failure { _ = try connection.rows(all, [1]) }?.sqlState == "0A000")
        #expect(try connection.rows(all, [1])[0].optionalText(3) == nil)
        try connection.script("deallocate all")
        #expect(failure { _ = try connection.rows(all, [1]) }?.sqlState == "26000")
        #expect(try connection.rows(all, [1])[0].int(0) == 1)
    }

    @Test func bigBatchesDoNotDeadlock() throws {
        let connection = try TestDatabase().connect()
        let echo = Statement("echo", "select $1::text, $1::text")
        let long = String(repeating: "0123456789", count: 100_000)
        // 8 MB up and 16 MB down in one round trip: neither side's socket holds that much.
        let rows = try connection.all(Array(repeating: (echo, [.text(long)]), count: 8))
        #expect(rows.count == 8)
        #expect(rows.allSatisfy { $0[0].text(1).utf8.count == 1_000_000 })
        let numbers = Array(Int64(0)..<100_000)
        let sum = Statement(
            "sum", "select sum(n)::bigint, count(t) from unnest($1::bigint[], $2::text[]) u(n, t)")
        let texts: [String?] = numbers.map { $0 % 2 == 0 ? "number \($0)" : nil }
        let row = try connection.rows(sum, [.ints(numbers), .optionalTexts(texts)])[0]
        #expect(row.int(0) == 4_999_950_000)
        #expect(row.int(1) == 50_000)
    }

    @Test func aScriptRunsInsideAndOutsideATransaction() throws {
        let connection = try TestDatabase().connect()
        #expect(
            failure { try connection.script("create table a (); create table b (; ") }?.sqlState == "42601")
        #expect(failure { try connection.script("create table a (); select 1/0") }?.sqlState == "22012")
        try connection.script("create table a (id int)")
        connection.begin()
        try connection.script("create table b (id int); insert into b values (1)")
        #expect(connection.inTransaction)
        connection.rollback()
        #expect(failure { try connection.script("table b") }?.sqlState == "42P01")
        try connection.script("do $$ begin raise warning 'goes nowhere'; end $$")
        #expect(failure { try connection.script("copy a from stdin") }?.kind != nil)
        #expect(connection.isBroken)
    }

    @Test func settingsHoldFromTheStart() throws {
        let connection = try TestDatabase().connect(
            statementTimeout: 1234, lockTimeout: 77,
            settings: [("search_path", "one, \"t wo\""), ("work_mem", "5MB")])
        let setting = Statement("setting", "select current_setting($1)")
        let expected = [
            "statement_timeout": "1234ms", "lock_timeout": "77ms", "search_path": "one, \"t wo\"",
            "work_mem": "5MB", "TimeZone": "UTC", "application_name": "test", "client_encoding": "UTF8",
        ]
        for (name, value) in expected {
            #expect(try connection.rows(setting, [.text(name)])[0].text(0) == value, "\(name)")
        }
    }
}
