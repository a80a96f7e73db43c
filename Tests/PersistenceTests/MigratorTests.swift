@testable import Persistence
import Glibc
import Postgres
import Synchronization
import TestSupport
import Testing

@Suite struct MigratorTests {
    static let first = Migration(1, "first", Array("create table billing.one (a integer);".utf8))
    static let second = Migration(2, "second", Array("create table billing.two (a integer);".utf8))
    static let broken = Migration(
        2, "broken", Array("create table billing.two (a integer); select 1/0;".utf8))

    private func database() throws -> ConnectionSettings {
        let database = try PrivateServer.shared.createDatabase()
        try Fixture.prepare(database)
        return Fixture.settings(database, as: "billing_owner")
    }

    @Test func migrationsAreAppliedOnceAndInOrder() throws {
        let settings = try database()
        #expect(try Migrator(settings, [Self.first]).state() == .behind(["0001 first"]))
        #expect(try Migrator(settings, [Self.first]).migrate() == ["0001 first"])
        #expect(try Migrator(settings, [Self.first]).migrate() == [])
        let both = Migrator(settings, [Self.first, Self.second])
        #expect(try both.state() == .behind(["0002 second"]))
        #expect(try both.migrate() == ["0002 second"])
        #expect(try both.state() == .current)
        // An older program finds a newer schema.
        #expect(throws: MigrationRefusal.databaseIsNewer(["2 second"])) {
            try Migrator(settings, [Self.first]).migrate()
        }
        #expect(try Migrator(settings, [Self.first]).state() == .ahead(["2 second"]))
        // An edited file.
        let edited = Migration(1, "first", Array("create table billing.one (b integer);".utf8))
        #expect(throws: MigrationRefusal.textChanged("1 first")) {
            try Migrator(settings, [edited, Self.second]).migrate()
        }
    }

    @Test func aFailingMigrationLeavesNothing() throws {
        let settings = try database()
        #expect(throws: DatabaseTrouble.self) { try Migrator(settings, [Self.first, Self.broken]).migrate() }
        #expect(try Migrator(settings, [Self.first, Self.second]).migrate() == ["0002 second"])
    }

    @Test func manyMayMigrateAtOnce() throws {
        let settings = try database()
        let applied = Mutex<[String]>([])
        let failures = Mutex<[String]>([])
        var threads: [pthread_t] = []
        for _ in 0..<4 {
            var thread = pthread_t()
            let work = Work {
                do {
                    let done = try Migrator(settings, [Self.first, Self.second]).migrate()
                    applied.withLock { $0 += done }
                } catch {
                    failures.withLock { $0.append("\(error)") }
                }
            }
            let started = pthread_create(
                &thread, nil,
                { argument in
                    if let argument { Unmanaged<Work>.fromOpaque(argument).takeRetainedValue().body() }
                    return nil
                }, Unmanaged.passRetained(work).toOpaque())
            #expect(started == 0)
            threads.append(thread)
        }
        for thread in threads { pthread_join(thread, nil) }
        #expect(failures.withLock { $0 } == [])
        #expect(applied.withLock { $0.sorted() } == ["0001 first", "0002 second"])
    }

    @Test func theListHasEachFileOfTheFolder() throws {
        var names: [String] = []
        let file = #filePath
        let root = file.split(separator: "/").dropLast(3).joined(separator: "/")
        let folder = try #require(opendir("/\(root)/Sources/Persistence/Migrations"))
        defer { closedir(folder) }
        while let entry = readdir(folder) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name.hasSuffix(".sql") { names.append(name) }
        }
        let listed = Migration.all.map { migration in
            migration.label.split(separator: " ").joined(separator: "_") + ".sql"
        }
        #expect(names.sorted() == listed)
    }

    /// What a thread does.
    private final class Work {
        let body: () -> Void
        init(_ body: @escaping () -> Void) { self.body = body }
    }
}
