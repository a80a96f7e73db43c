import ArgumentParser
import Glibc
import Interchange
import Persistence
import Postgres
import Processing
import Vault

/// `billing migrate`: brings the database to this version, and makes the vault's key where there is none.
struct MigrateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "migrate",
        abstract: "Brings the database up to this version; makes the vault's key file where it is missing.",
        discussion: "Safe to run again, and by many at the same time: one works, the others wait.")

    @OptionGroup var answer: AnswerOptions

    func run() throws {
        let configuration = try Configuration.read()
        var owner = configuration.connection(as: .owner, for: "migrate")
        Terminal.announce("bringing the database up to date")
        let applied = try Migrator(owner).migrate()

        // Waits for others that migrate, however long they take.
        owner.statementTimeout = 0
        owner.lockTimeout = 0
        owner.networkTimeout = 0
        let sandbox = try Connection(configuration.sandboxMigration(owner))
        try Sandbox.migrate(sandbox)
        sandbox.close()

        let madeKey = try Self.makeKey(configuration)
        let document = Value.object([
            .init("applied", .list(applied.map { .text($0) })),
            .init("keyFile", .text(configuration.keyFile)),
            .init("keyFileMade", .boolean(madeKey)),
        ])
        answer.show(document) {
            var lines = applied.map { "applied \($0)" }
            if applied.isEmpty { lines.append("the database is up to date") }
            if madeKey {
                lines.append(
                    "made the vault key file \(configuration.keyFile): keep a copy apart from the backups")
            }
            return lines.joined(separator: "\n")
        }
    }

    /// Makes the key file; false when it is there already, readable or not: systemd may hand it to the services.
    private static func makeKey(_ configuration: Configuration) throws -> Bool {
        guard access(configuration.keyFile, F_OK) != 0 else { return false }
        let books = PostgresBooks(configuration.connection(as: .owner, for: "migrate"))
        defer { books.close() }
        // A fresh key would open none of the numbers that are stored: the old file must come back.
        guard try !books.operating({ try $0.oversight().hasVaultKeys }) else {
            throw CommandRefusal(
                "vault key file \(configuration.keyFile) is missing, and the database holds numbers sealed under it: "
                    + "restore the file from its copy")
        }
        _ = try MasterKey.createFile(at: configuration.keyFile)
        return true
    }
}

extension Configuration {
    /// How the sandbox's schema is made: as our owner in our database, in another one as its connection string says.
    fileprivate func sandboxMigration(_ owner: ConnectionSettings) -> ConnectionSettings {
        guard let url = sandboxDatabaseURL else { return owner }
        var settings = owner
        settings.connectionString = url
        settings.defaultUser = DatabaseRole.sandbox.user
        return settings
    }
}
