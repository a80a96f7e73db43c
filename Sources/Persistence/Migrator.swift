public import Postgres

/// How the schema of a database stands to this program.
public enum SchemaState: Hashable, Sendable {
    /// Every migration of this program is applied, and no other.
    case current
    /// These are not applied yet.
    case behind([String])
    /// A newer program has applied these.
    case ahead([String])
    /// The text of this migration is not the one that was applied.
    case changed(String)
}

/// Why migrations are refused.
public enum MigrationRefusal: Error, Hashable, Sendable, CustomStringConvertible {
    /// The database has migrations that this program does not know.
    case databaseIsNewer([String])
    /// An applied migration's file was edited.
    case textChanged(String)

    /// One sentence that says what to do.
    public var description: String {
        switch self {
        case .databaseIsNewer(let names):
            "the database has \(names.joined(separator: ", ")) of a newer version: run that version or a later one"
        case .textChanged(let name):
            "migration \(name) differs from what was applied: an applied migration is never edited"
        }
    }
}

/// Brings the schema up to this program's version: forward only, each migration one transaction.
///
/// Any number of processes may run it at once: an advisory lock lets one after the other look and apply.
public struct Migrator {
    private let settings: ConnectionSettings
    private let migrations: [Migration]

    private static let lock = Statement(
        "migrations.lock", "select pg_advisory_xact_lock(hashtext('billing migrations'))")
    private static let prepareTable = """
        create schema if not exists billing;
        create table if not exists billing.billing_migrations (
          number      integer     not null constraint billing_migrations_key primary key,
          name        text        not null,
          checksum    text        not null,
          applied_at  timestamptz not null default now()
        );
        """
    private static let note = Statement(
        "migrations.note",
        "insert into billing.billing_migrations (number, name, checksum) values ($1, $2, md5($3))")
    private static let exists = Statement(
        "migrations.exists", "select to_regclass('billing.billing_migrations') is not null")
    private static let applied = Statement(
        "migrations.applied",
        """
        select m.number, m.name, m.checksum = md5(own.sql) as is_same
          from billing.billing_migrations m
          left join unnest($1, $2) as own (number, sql) on own.number = m.number
         order by m.number
        """)

    /// A migrator that connects as the owner of the schema, without limits of time.
    public init(_ settings: ConnectionSettings) {
        self.init(settings, Migration.all)
    }

    init(_ settings: ConnectionSettings, _ migrations: [Migration]) {
        var settings = settings
        settings.statementTimeout = 0
        settings.lockTimeout = 0
        settings.idleInTransactionTimeout = 0
        settings.networkTimeout = 0
        self.settings = settings
        self.migrations = migrations
    }

    /// Applies what is missing and gives back what that was. Throws ``MigrationRefusal`` and ``DatabaseTrouble``.
    public func migrate() throws -> [String] {
        do {
            let connection = try Connection(settings)
            defer { connection.close() }
            var done: [String] = []
            while let next = try applyNext(on: connection) { done.append(next) }
            return done
        } catch let failure as DatabaseFailure {
            throw FailureTable.error(for: failure)
        }
    }

    /// How the schema stands.
    public func state() throws -> SchemaState {
        do throws(DatabaseFailure) {
            let connection = try Connection(settings)
            defer { connection.close() }
            return try Self.state(on: connection, migrations)
        } catch {
            throw FailureTable.error(for: error)
        }
    }

    /// Applies the first missing migration in one transaction; nil when none is missing.
    private func applyNext(on connection: Connection) throws -> String? {
        try connection.transaction {
            _ = try connection.rows(Self.lock)
            switch try Self.state(on: connection, migrations) {
            case .current: return nil
            case .ahead(let names): throw MigrationRefusal.databaseIsNewer(names)
            case .changed(let name): throw MigrationRefusal.textChanged(name)
            case .behind(let names):
                guard let next = migrations.first(where: { $0.label == names[0] }) else { return nil }
                try connection.script(Self.prepareTable)
                try connection.script(next.sql)
                connection.enqueue(
                    Self.note, [.int(Int64(next.number)), .text(next.name), .text(next.sql)])
                return next.label
            }
        }
    }

    /// How the schema stands, seen over this connection.
    static func state(
        on connection: Connection, _ migrations: [Migration] = Migration.all
    ) throws(DatabaseFailure) -> SchemaState {
        guard try connection.rows(exists)[0].bool(0) else { return .behind(migrations.map(\.label)) }
        let rows = try connection.rows(
            applied,
            [.int32s(migrations.map { Int32($0.number) }), .texts(migrations.map(\.sql))])
        var unknown: [String] = []
        var known: Set<Int> = []
        for row in rows {
            let number = Int(row.int(0))
            guard let isSame = row.optionalBool(2) else {
                unknown.append("\(number) \(row.text(1))")
                continue
            }
            guard isSame else { return .changed("\(number) \(row.text(1))") }
            known.insert(number)
        }
        if !unknown.isEmpty { return .ahead(unknown) }
        let missing = migrations.filter { !known.contains($0.number) }.map(\.label)
        return missing.isEmpty ? .current : .behind(missing)
    }
}
