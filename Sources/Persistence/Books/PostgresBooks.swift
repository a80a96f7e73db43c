public import Postgres

/// The books in PostgreSQL, over one connection of one process.
///
/// The connection is opened with the first use, and again after it was lost: 50 ms … 2 s apart as long as it fails.
/// Every error that leaves a transaction is a `Refusal`, an ``OutcomeUnknown``, a ``DatabaseTrouble`` or what the
/// body threw itself.
public final class PostgresBooks {
    private let settings: ConnectionSettings
    /// How long one call waits for the database to come back, in milliseconds.
    private let patience: Int
    /// How often a transaction is tried in all when it has waited too long for a lock.
    private let lockTries: Int
    private var connection: Connection?
    /// The tenants that the session is known to have; nil when that is not known.
    private var sessionTenants: [Int64]?
    private var backoff = Backoff()
    /// Before this time of ``Pause/now()`` connecting is not tried again.
    private var nextTry = 0
    private var lastRefusal: DatabaseFailure?
    /// Whose login is still to be asked for.
    private var unproven: ServiceUser?
    /// When the session's plans are made anew, and how long they served before: both in milliseconds.
    private var nextPlanning = 0
    private var planAge = 0
    /// Is called when an answer of the database takes longer than 20 ms, once in each round trip.
    public var whenSlow: (() -> Void)?

    /// How often a transaction is tried in all when it collides with others (40001, 40P01).
    static let tries = 6
    static let discardPlans = Statement("session.discard_plans", "discard plans")
    /// What holds in a session unless the settings say otherwise. Statements are planned once, not for each execution:
    /// `= any ($1)` makes the server plan a read by key each time, and that costs four times the read. Compiling a plan
    /// to machine code and starting parallel workers take longer than the statements here run. No plan may read a table
    /// from end to end: it was made while the table was small, and a billing run on a new database then took 800 us for a
    /// subscription in place of 100, and more with each.
    static let sessionSettings = [
        ("search_path", "billing"), ("plan_cache_mode", "force_generic_plan"), ("jit", "off"),
        ("max_parallel_workers_per_gather", "0"), ("enable_seqscan", "off"), ("random_page_cost", "1.1"),
        ("default_transaction_isolation", "read committed"),
    ]
    static let setTenants = Statement(
        "session.tenants", "select set_config('billing.accounts', $1, false)")

    /// Books that connect with the first use.
    ///
    /// - Parameters:
    ///   - settings: how to connect, and the limits of statements, locks and idling.
    ///   - patience: how long one call waits for a database that is gone, in milliseconds; then S02.
    ///   - lockTries: how often a transaction is tried in all when it has waited too long for a lock. Between the tries it
    ///     holds nothing that others wait for.
    public init(_ settings: ConnectionSettings, patience: Int = 250, lockTries: Int = 1) {
        var settings = settings
        for (name, value) in Self.sessionSettings
        where !settings.runtimeSettings.contains(where: { $0.name == name }) {
            settings.runtimeSettings.append((name: name, value: value))
        }
        self.settings = settings
        self.patience = patience
        self.lockTries = lockTries
    }

    /// Runs the body in one transaction: all of it is kept, or none of it when it throws.
    ///
    /// The whole body runs again when the transaction collides with another, and once when the connection was lost
    /// before the commit; so it changes nothing outside the store.
    public func withStore<Result>(
        reaching accounts: [Int64], _ body: (PostgresStore) throws -> Result
    ) throws -> Result {
        try attempt { connection in
            connection.begin()
            self.renewPlans(on: connection)
            let tenants = accounts.sorted()
            self.queueTenants(tenants, on: connection)
            self.queueProof(on: connection)
            do {
                let result = try body(PostgresStore(connection, reaching: tenants))
                try connection.commit()
                self.sessionTenants = tenants
                self.unproven = nil
                return result
            } catch {
                connection.rollback()
                throw error
            }
        }
    }

    /// Runs a body that only reads, without begin and commit: each reading is one round trip and one snapshot.
    ///
    /// Not for bodies that lock, and not for several readings that must agree with each other.
    public func reading<Result>(
        reaching accounts: [Int64], _ body: (PostgresStore) throws -> Result
    ) throws -> Result {
        try attempt { connection in
            self.renewPlans(on: connection)
            let tenants = accounts.sorted()
            self.queueTenants(tenants, on: connection)
            self.queueProof(on: connection)
            do {
                let result = try body(PostgresStore(connection, reaching: tenants))
                try connection.flush()
                self.sessionTenants = tenants
                self.unproven = nil
                return result
            } catch {
                connection.rollback()
                throw error
            }
        }
    }

    /// Runs the body with what login, commands and health checks need, outside any tenant.
    ///
    /// Each method of the store is atomic by itself.
    public func operating<Result>(_ body: (OperatorStore) throws -> Result) throws -> Result {
        try attempt { connection in
            do {
                return try body(OperatorStore(connection))
            } catch {
                connection.rollback()
                throw error
            }
        }
    }

    /// Goes by a login that was seen a short while ago: the round trip of the next transaction or reading asks whether it still is
    /// what it was, and ends with ``LoginChanged`` where it is not, before anything else. nil: by none.
    public func go(by user: ServiceUser?) { unproven = user }

    /// Asks for the login that is still to be asked for, if any.
    ///
    /// - Throws: ``LoginChanged``.
    public func proveLogin() throws {
        guard let user = unproven else { return }
        try reading(reaching: user.accounts) { _ in }
    }

    private func queueProof(on connection: Connection) {
        guard let user = unproven else { return }
        connection.enqueue(
            OperatorStore.proof, [.text(user.name), .int(user.revision)])
    }

    /// Connects now, unless the connection stands: before a worker says that it is ready.
    public func connect() throws {
        do {
            _ = try standingConnection()
        } catch let failure as DatabaseFailure {
            throw FailureTable.error(for: failure)
        }
    }

    /// Closes the connection; the next use opens it again.
    public func close() {
        connection?.close()
        connection = nil
        sessionTenants = nil
    }

    /// Runs one try after the other until one succeeds, or fails for good.
    func attempt<Result>(_ body: (Connection) throws -> Result) throws -> Result {
        var tries = 1
        var lockTriesLeft = lockTries
        var reconnected = false
        while true {
            do {
                return try body(standingConnection())
            } catch let failure as DatabaseFailure {
                sessionTenants = nil
                if failure.kind == .serialization, tries < Self.tries {
                    Pause.sleep(milliseconds: Int.random(in: 0...(5 << tries)))
                    tries += 1
                } else if failure.kind == .lockTimeout, lockTriesLeft > 1 {
                    // Who queued behind what was held here comes first.
                    Pause.sleep(milliseconds: Int.random(in: 100...300))
                    lockTriesLeft -= 1
                } else if failure.kind == .connectionLost, !reconnected {
                    reconnected = true
                } else {
                    throw FailureTable.error(for: failure)
                }
            } catch {
                sessionTenants = nil
                throw error
            }
        }
    }

    /// Queues the setting of the tenants where the session has others, in the round trip of what follows.
    ///
    /// The setting goes back when its transaction is rolled back: it is known only after a success.
    private func queueTenants(_ tenants: [Int64], on connection: Connection) {
        guard tenants != sessionTenants else { return }
        sessionTenants = nil
        connection.enqueue(
            Self.setTenants, [.text(tenants.map(String.init).joined(separator: ","))])
    }

    /// Queues that plans are made anew, where their time has come: after 1/4 s, 1/2 s … and then every minute.
    ///
    /// A plan is made once in a session and suits the tables of then: none is older than half its session, so that at
    /// first, when tables grow fastest, they hardly more than double meanwhile.
    private func renewPlans(on connection: Connection) {
        guard Pause.now() >= nextPlanning else { return }
        if planAge > 0 { connection.enqueue(Self.discardPlans, []) }
        planAge = min(max(planAge * 2, 250), 60_000)
        nextPlanning = Pause.now() + planAge
    }

    /// The connection, made anew where it is lost.
    private func standingConnection() throws -> Connection {
        if let connection, connection.isAliveNow() { return connection }
        connection = nil
        sessionTenants = nil
        let deadline = Pause.now() + patience
        while true {
            if let lastRefusal, nextTry > deadline { throw lastRefusal }
            Pause.sleep(milliseconds: nextTry - Pause.now())
            do {
                let fresh = try Connection(settings)
                fresh.whenSlow = whenSlow
                connection = fresh
                backoff = Backoff()
                nextTry = 0
                lastRefusal = nil
                nextPlanning = 0
                planAge = 0
                return fresh
            } catch let failure {
                lastRefusal = failure
                nextTry = Pause.now() + backoff.next()
            }
        }
    }
}
