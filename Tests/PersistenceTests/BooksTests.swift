import Domain
@testable import Persistence
import Postgres
import TestSupport
import Testing

@Suite struct BooksTests {
    @Test func rowLevelSecurityHidesOtherAccountsWhenTheSQLForgets() throws {
        let books = try Fixture().books()
        try books.withStore(reaching: [2001, 2002]) { store in
            try store.addCustomer(account: 2001)
            try store.addCustomer(account: 2002)
        }
        let everything = Statement("test.all_customers", "select count(*) from customers")
        func seen(_ accounts: [Int64]) throws -> Int64 {
            try books.withStore(reaching: accounts) { try $0.connection.rows(everything)[0].int(0) }
        }
        #expect(try seen([2001]) == 1)
        #expect(try seen([2001, 2002]) == 2)
        #expect(try seen([2002]) == 1)
        #expect(try seen([]) == 0)
        #expect(try seen([2003]) == 0)
        // A row of an account out of reach cannot be written either.
        #expect(throws: DatabaseTrouble.self) {
            try books.withStore(reaching: [2001]) { try $0.addCustomer(account: 2002) }
        }
        // Whoever sets no tenant sees nothing.
        let fixture = try Fixture()
        try fixture.books().withStore(reaching: [2001]) { _ = try $0.addCustomer() }
        let bare = try Connection(
            ConnectionSettings(
                "\(fixture.database) user=billing_api",
                runtimeSettings: [(name: "search_path", value: "billing")]))
        #expect(try bare.rows(everything)[0].int(0) == 0)
    }

    @Test func aRefusedBodyLeavesNothingAndTheTenantIsSetAgain() throws {
        struct Stop: Error {}
        let books = try Fixture().books()
        for _ in 0..<2 {
            #expect(throws: Stop.self) {
                try books.withStore(reaching: [2002]) { store in
                    try store.addCustomer(account: 2002, code: "x")
                    throw Stop()
                }
            }
            let found = try books.withStore(reaching: [2002]) { try $0.customer(.code("x"), complete: false) }
            #expect(found == nil)
            let empty = try books.withStore(reaching: [2001]) {
                try $0.customers(CustomerFilter(), Page()).items
            }
            #expect(empty.isEmpty)
        }
    }

    @Test func aReadingNeedsNoTransaction() throws {
        let fixture = try Fixture()
        let books = fixture.books()
        let id = try books.withStore(reaching: [2001]) { try $0.addCustomer() }
        try books.reading(reaching: [2001]) { store in
            let found = try store.customer(.id(id.rawValue), complete: true)
            #expect(found?.id == id)
            #expect(!store.connection.inTransaction)
        }
        // Of another tenant afterwards, without and with a transaction.
        let hidden = try books.reading(reaching: [2002]) { try $0.customer(.id(id.rawValue), complete: true) }
        #expect(hidden == nil)
        #expect(throws: DatabaseTrouble.self) {
            try books.reading(reaching: [2001]) {
                try $0.connection.run(Statement("test.fails", "select 1 / 0"))
            }
        }
        let seen = try books.reading(reaching: [2001]) { try $0.customer(.id(id.rawValue), complete: true) }
        #expect(seen?.id == id)
    }

    @Test func aTerminatedSessionIsReplaced() throws {
        let fixture = try Fixture()
        let books = fixture.books()
        let administrator = try fixture.administrator()
        func terminate() throws {
            _ = try administrator.rows(
                Statement(
                    "test.terminate",
                    """
                    select pg_terminate_backend(pid, 5000)
                      from pg_stat_activity
                     where application_name = 'billing test' and datname = current_database()
                    """))
        }
        let id = try books.withStore(reaching: [2001]) { try $0.addCustomer() }
        // While idle.
        try terminate()
        #expect(
            try books.withStore(reaching: [2001]) { try $0.customer(.id(id.rawValue), complete: false) }
                != nil)
        try terminate()
        #expect(
            try books.reading(reaching: [2001]) { try $0.customer(.id(id.rawValue), complete: false) } != nil)
        // In the middle of a transaction: the body runs once more, and what it did counts once.
        var runs = 0
        try books.withStore(reaching: [2001]) { store in
            runs += 1
            try store.addCustomer("Twice", code: "once")
            if runs == 1 { try terminate() }
            _ = try store.customer(.id(id.rawValue), complete: false)
        }
        #expect(runs == 2)
        let named = Statement("test.count", "select count(*) from customers where code = 'once'")
        #expect(try administrator.rows(named)[0].int(0) == 1)
        // Again and again: it is given up as trouble.
        #expect(throws: DatabaseTrouble.self) {
            try books.withStore(reaching: [2001]) { store in
                _ = try store.customer(.id(id.rawValue), complete: false)
                try terminate()
                _ = try store.customer(.id(id.rawValue), complete: false)
            }
        }
    }

    @Test func collisionsAreTriedAgain() throws {
        let books = try Fixture().books()
        let collide = Statement(
            "test.collide", "do $$ begin raise exception 'x' using errcode = 'serialization_failure'; end $$")
        var runs = 0
        try books.withStore(reaching: [2001]) { store in
            runs += 1
            try store.addCustomer(code: "again")
            if runs < 4 { try store.connection.run(collide) }
        }
        #expect(runs == 4)
        runs = 0
        #expect(throws: DatabaseTrouble.self) {
            try books.withStore(reaching: [2001]) { store in
                runs += 1
                try store.connection.run(collide)
            }
        }
        #expect(runs == PostgresBooks.tries)
    }

    @Test func aMissingDatabaseIsTroubleAndComesBack() throws {
        let server = try PrivateServer()
        let database = try server.createDatabase()
        try Fixture.prepare(database)
        _ = try Migrator(Fixture.settings(database, as: "billing_owner")).migrate()
        let books = PostgresBooks(Fixture.settings(database, as: "billing_api"), patience: 0)
        #expect(try books.reading(reaching: [2001]) { try $0.account(2001) } == nil)
        server.stop()
        for _ in 0..<3 {
            do {
                _ = try books.reading(reaching: [2001]) { try $0.account(2001) }
                Issue.record("there is no database")
            } catch let trouble as DatabaseTrouble {
                #expect(trouble.code == .databaseUnavailable)
            }
        }
        try server.start()
        let isBack = waitUntil(timeout: 5) { (try? books.connect()) != nil }
        #expect(isBack)
        #expect(try books.reading(reaching: [2001]) { try $0.account(2001) } == nil)
    }

    @Test func eachConstraintHasItsPlaceInTheTable() throws {
        let administrator = try Fixture().administrator()
        let rows = try administrator.rows(
            Statement(
                "test.constraints",
                """
                select conname::text from pg_constraint where connamespace = 'billing'::regnamespace
                 union
                select i.indexrelid::regclass::text
                  from pg_index i join pg_class c on c.oid = i.indexrelid
                 where c.relnamespace = 'billing'::regnamespace and i.indisunique
                 union
                select (regexp_matches(p.prosrc, 'constraint = ''([a-z_]+)''', 'g'))[1]
                  from pg_proc p where p.pronamespace = 'billing'::regnamespace
                 union
                select c.relname || '_append_only'
                  from pg_trigger t join pg_class c on c.oid = t.tgrelid
                 where t.tgname like '%append_only'
                 union
                select t.tgname::text from pg_trigger t where t.tgname like '%key_unchanged'
                """))
        let schema = Set(rows.map { $0.text(0) })
        let refused = Set(FailureTable.refusals.keys)
        #expect(schema.count > 150)
        #expect(schema.subtracting(refused).subtracting(FailureTable.internalConstraints) == [])
        #expect(refused.union(FailureTable.internalConstraints).subtracting(schema) == [])
        #expect(refused.intersection(FailureTable.internalConstraints) == [])
    }

    @Test func eachKindOfFailureHasItsError() throws {
        let cases: [(DatabaseFailure.Kind, FailureCode)] = [
            (.cannotConnect, .databaseUnavailable), (.tooManyConnections, .databaseUnavailable),
            (.connectionLost, .databaseUnavailable), (.timeout, .databaseUnavailable),
            (.lockTimeout, .databaseUnavailable), (.serialization, .databaseUnavailable),
            (.diskFull, .databaseUnavailable), (.readOnly, .databaseUnavailable), (.other, .internalError),
            (.constraint("customers_key"), .internalError), (.constraint("unheard_of"), .internalError),
        ]
        for (kind, code) in cases {
            let error = FailureTable.error(for: DatabaseFailure(kind, message: "m"))
            #expect((error as? DatabaseTrouble)?.code == code)
        }
        let open = FailureTable.error(
            for: DatabaseFailure(.constraint("attempts_one_open_an_invoice"), message: "m"))
        #expect((open as? Refusal)?.faults.first?.code == .outcomeOpen)
        #expect(FailureTable.error(for: DatabaseFailure(.outcomeUnknown, message: "m")) is OutcomeUnknown)
    }
}
