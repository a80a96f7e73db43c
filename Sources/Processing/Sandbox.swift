public import Domain
internal import Glibc
public import Postgres

/// The built-in processor (spec 5.10): an outside system that happens to live in our database.
///
/// It has its own schema and its own connection, commits on its own, and remembers every key for ever;
/// nothing of ours that is rolled back or killed undoes what it did. It stores masked numbers only and no
/// security codes.
///
/// It connects at its first use: make it, or at least use it first, after `fork`. Not for several threads.
public final class Sandbox: Processor {
    private let settings: ConnectionSettings
    private let timeLimit: Int
    private var connection: Connection?

    /// A sandbox reached by these settings.
    ///
    /// - Parameter timeLimit: how many milliseconds the caller waits for a delayed answer; then the outcome
    ///   is unknown.
    public init(_ settings: ConnectionSettings, timeLimit: Int = 15_000) {
        self.settings = settings
        self.timeLimit = timeLimit
    }

    /// Makes or completes the sandbox's schema; may be repeated.
    ///
    /// Where the role `billing_sandbox` exists, the schema becomes its own, or is granted to it when the
    /// connection's user may not give it away.
    public static func migrate(_ connection: Connection) throws(DatabaseFailure) {
        try connection.script(SandboxSchema.sql)
    }

    /// `sandbox`.
    public var name: String { Self.processorName }
    /// What it is called in a merchant account's `processor`.
    public static let processorName = "sandbox"

    /// Carries out orders by the rules of spec 5.10.
    ///
    /// Two round trips for a batch without refunds and voids, three with. An unreachable or disturbed sandbox
    /// is `.unknown`.
    public func submit(_ orders: [ProcessorOrder]) -> [ProcessorAnswer] {
        guard !orders.isEmpty else { return [] }
        do throws(DatabaseFailure) {
            // Trying again under the same keys cannot do anything twice.
            let exchange = try attempt { connection throws(DatabaseFailure) in
                try carryOut(orders, on: connection)
            }
            guard wait(exchange.delay) else {
                return orders.map { _ in .unknown(reason: "sandbox: no answer within \(timeLimit) ms") }
            }
            return exchange.answers
        } catch {
            return orders.map { _ in .unknown(reason: "sandbox: \(error)") }
        }
    }

    /// What became of orders: found with the first answer, or never received.
    public func lookUp(account: Int64, keys: [String]) -> [ProcessorFinding] {
        guard !keys.isEmpty else { return [] }
        let silence = keys.map { _ in ProcessorFinding.unreachable }
        do throws(DatabaseFailure) {
            let (disturbance, known) = try attempt { connection throws(DatabaseFailure) in
                try SandboxBook.lookUp(account: account, keys: keys, on: connection)
            }
            guard !disturbance.isDown, wait(disturbance.delay) else { return silence }
            return Self.findings(keys, of: account, in: known)
        } catch {
            return silence
        }
    }

    /// Takes the keys of orders that have not arrived: should they arrive, nothing is carried out and nobody is answered.
    public func withdraw(account: Int64, keys: [String]) -> [ProcessorFinding] {
        guard !keys.isEmpty else { return [] }
        do throws(DatabaseFailure) {
            let known = try attempt { connection throws(DatabaseFailure) in
                try SandboxBook.withdraw(account: account, keys: keys, on: connection)
            }
            guard let known else { return keys.map { _ in .unreachable } }
            return Self.findings(keys, of: account, in: known)
        } catch {
            return keys.map { _ in .unreachable }
        }
    }

    private static func findings(
        _ keys: [String], of account: Int64, in known: [SandboxKey: ProcessorResponse]
    ) -> [ProcessorFinding] {
        keys.map { key in
            known[SandboxKey(account: account, key: key)]
                .flatMap { $0.code == SandboxWords.withdrawn ? nil : .found($0) } ?? .notFound
        }
    }

    /// Returned claims and chargebacks whose date has come, oldest first.
    public func notices(account: Int64, through: CalendarDate, limit: Int) -> [ProcessorNotice]? {
        do throws(DatabaseFailure) {
            return try attempt { connection throws(DatabaseFailure) in
                try SandboxBook.notices(account: account, through: through, limit: limit, on: connection)
            }
        } catch {
            return nil
        }
    }

    /// Marks notices as taken over.
    public func acknowledge(account: Int64, notices: [Int64]) -> Bool {
        guard !notices.isEmpty else { return true }
        do throws(DatabaseFailure) {
            return try attempt { connection throws(DatabaseFailure) in
                try SandboxBook.acknowledge(account: account, notices: notices, on: connection)
            }
        } catch {
            return false
        }
    }

    /// Sets what goes wrong for a merchant account from now on; the counting of orders begins anew.
    public func disturb(account: Int64, _ disturbance: SandboxDisturbance) throws(DatabaseFailure) {
        try attempt { connection throws(DatabaseFailure) in
            try SandboxBook.setDisturbance(disturbance, of: account, on: connection)
        }
    }

    /// What goes wrong for a merchant account at present.
    public func disturbance(account: Int64) throws(DatabaseFailure) -> SandboxDisturbance {
        try attempt { connection throws(DatabaseFailure) in
            try SandboxBook.disturbance(of: account, on: connection)
        }
    }

    /// Closes the connection; the next use makes another.
    public func close() {
        connection?.close()
        connection = nil
    }
}

/// Carrying out a batch.
extension Sandbox {
    private struct Exchange {
        var answers: [ProcessorAnswer]
        var delay: Int
    }

    private func carryOut(
        _ orders: [ProcessorOrder], on connection: Connection
    ) throws(DatabaseFailure) -> Exchange {
        // Without a refund or void nothing needs a lock: each round trip is a transaction of its own.
        let needsLock = orders.contains { $0.originalKey != nil }
        if needsLock { connection.begin() }
        do throws(DatabaseFailure) {
            let situation = try SandboxBook.read(for: orders, on: connection)
            var batch = SandboxBatch(situation)
            for order in orders { batch.take(order) }
            let movements = batch.movements
            if !movements.isEmpty {
                let written = try SandboxBook.write(movements, on: connection)
                if written.count < movements.count {
                    let others = Set(
                        movements.map { SandboxKey(account: $0.order.account, key: $0.order.key) }
                    )
                    .subtracting(written)
                    batch.replaceAnswers(by: try SandboxBook.find(others, on: connection))
                }
            }
            if needsLock { try connection.commit() }
            return Exchange(answers: batch.answers, delay: batch.delay)
        } catch {
            if needsLock { connection.rollback() }
            throw error
        }
    }
}

/// Reaching the database.
extension Sandbox {
    /// Runs the body on a live connection; once more on a fresh one when the connection was lost or had to
    /// give way to another.
    private func attempt<Result>(
        _ body: (Connection) throws(DatabaseFailure) -> Result
    ) throws(DatabaseFailure) -> Result {
        do throws(DatabaseFailure) {
            return try body(connect())
        } catch {
            switch error.kind {
            case .connectionLost, .outcomeUnknown, .serialization: return try body(connect())
            default: throw error
            }
        }
    }

    private func connect() throws(DatabaseFailure) -> Connection {
        if let connection, connection.isAliveNow() { return connection }
        connection = nil
        let fresh = try Connection(settings)
        connection = fresh
        return fresh
    }

    /// Waits as the disturbance says; false when the caller's patience ends before.
    private func wait(_ milliseconds: Int) -> Bool {
        let bounded = min(milliseconds, timeLimit)
        var rest = timespec(tv_sec: bounded / 1000, tv_nsec: bounded % 1000 * 1_000_000)
        var left = rest
        while bounded > 0, nanosleep(&rest, &left) != 0, errno == EINTR { rest = left }
        return milliseconds < timeLimit
    }
}
