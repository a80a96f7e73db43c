internal import CPostgres

/// One connection to the database, for one process. It sends in pipelines: what is queued goes out with the next
/// call that needs an answer, in one round trip.
///
/// ```
/// try connection.transaction {
///     let found = try connection.rows(Customer.lock, [.int(id)])     // begin + select: one round trip
///     connection.enqueue(Entry.insert, …)                            // queued
///     connection.enqueue(Customer.update, …)                         // queued
/// }                                                                  // both + commit: one round trip
/// ```
///
/// - Failures: the first statement of a pipeline that fails makes the server skip the rest of it; its failure is
///   thrown by the call that sent the pipeline. Within a transaction nothing but ``rollback()`` works then.
/// - Without ``begin()`` the statements of one round trip are one transaction: all of them, or none.
/// - After a failure with `connectionIsGone` every call throws `connectionLost`: make a new connection.
public final class Connection {
    /// How far the transaction is.
    enum Phase {
        case none
        /// `begin()` was called, nothing was sent yet.
        case wanted
        case open
    }

    var link: ServerLink?
    var phase = Phase.none
    var pipeline: [Sent] = []
    var prepared = PreparedStatements()
    var buffer = ParameterBuffer()
    var ahead = ReadingAhead()
    /// Why the connection is of no use any more.
    var end: DatabaseFailure?
    let networkTimeout: UInt64
    /// Is called once in a round trip whose answer has not come after 20 ms: somebody holds a lock, say.
    public var whenSlow: (() -> Void)?
    /// When that is, for the round trip under way.
    var slowAt: UInt64?

    /// Nanoseconds after which an answer is slow.
    static let slow: UInt64 = 20_000_000

    /// Connects, with the limits and settings given, within the connect time-out.
    public init(_ settings: ConnectionSettings) throws(DatabaseFailure) {
        networkTimeout = UInt64(settings.networkTimeout) * 1_000_000
        link = try ServerLink(settings)
    }

    /// Whether the connection is lost or closed.
    public var isBroken: Bool { link == nil }

    /// Whether a transaction was begun and neither committed nor rolled back.
    public var inTransaction: Bool { phase != .none }

    /// The server's number of this session (`pg_stat_activity.pid`), 0 when broken.
    public var backendID: Int32 { link.map { PQbackendPID($0.handle) } ?? 0 }

    /// Begins a transaction. Costs nothing by itself: it goes out with the first statement.
    ///
    /// There is none yet, and nothing is queued: both are faults of the program.
    public func begin() {
        precondition(phase == .none, "a transaction is open already")
        ahead.forget()
        precondition(pipeline.isEmpty, "statements queued outside a transaction wait to be flushed")
        if link != nil { phase = .wanted }
    }

    /// Queues a statement whose rows do not matter. Its failure is thrown by the next call that sends.
    public func enqueue(_ statement: Statement, _ parameters: [Parameter]) {
        if !statement.isRead { ahead.change() }
        send(statement, parameters, keepsRows: false)
    }

    /// Sends what is queued and this statement, in one round trip, and gives back this one's rows.
    public func rows(_ statement: Statement, _ parameters: [Parameter] = []) throws(DatabaseFailure) -> Rows {
        if let rows = ahead.take(statement, parameters) { return rows }
        if !statement.isRead { ahead.change() }
        send(statement, parameters, keepsRows: true)
        for reading in ahead.wanted { send(reading.statement, reading.parameters, keepsRows: true) }
        let found = try receive()
        if !ahead.wanted.isEmpty { ahead.keep(found.dropFirst()) }
        return found[0]
    }

    /// Has these read in the round trip of the next statement whose rows somebody asks for, behind it. Whoever then asks for just the
    /// same gets what came, unless anything was changed meanwhile that may touch it.
    public func readAhead(_ readings: [ReadingAhead.Reading]) { ahead.want(readings) }

    /// Sends what is queued and this statement, in one round trip, and gives back how many rows it touched.
    @discardableResult
    public func run(_ statement: Statement, _ parameters: [Parameter] = []) throws(DatabaseFailure) -> Int {
        try rows(statement, parameters).affected
    }

    /// Sends what is queued and these statements, in one round trip, and gives back the rows of each of these.
    public func all(_ batch: [(Statement, [Parameter])]) throws(DatabaseFailure) -> [Rows] {
        if !batch.allSatisfy(\.0.isRead) { ahead.change() }
        for (statement, parameters) in batch { send(statement, parameters, keepsRows: true) }
        return try receive()
    }

    /// Sends what is queued, if anything, in one round trip.
    public func flush() throws(DatabaseFailure) {
        _ = try receive()
    }

    /// Sends what is queued and COMMIT, in one round trip. Afterwards no transaction is open, whatever happened.
    ///
    /// Throws `outcomeUnknown` when the connection is lost before the answer to COMMIT. Any other failure says
    /// that nothing was committed, also when an earlier failure in the transaction was passed over (25P02).
    public func commit() throws(DatabaseFailure) {
        ahead.forget()
        if phase == .wanted {
            phase = .none
            return
        }
        if link != nil {
            precondition(phase == .open, "there is no transaction to commit")
            send(.commit, [], keepsRows: false, role: .commit)
        }
        do throws(DatabaseFailure) {
            _ = try receive()
        } catch {
            rollback()
            throw error
        }
    }

    /// Gives up the transaction, with what is queued in it, in one round trip; none when nothing was sent.
    ///
    /// Never throws: afterwards the connection is ready for the next transaction, or broken. Outside a
    /// transaction it sends what is queued and passes over its failure.
    public func rollback() {
        ahead.forget()
        if phase == .wanted { phase = .none }
        guard link != nil, phase == .open || !pipeline.isEmpty else { return }
        // A failure in what is queued must not make the server skip the ROLLBACK: it gets a pipeline of its own.
        if !pipeline.isEmpty { endPipeline() }
        if phase == .open {
            send(.rollback, [], keepsRows: false, role: .rollback)
        }
        _ = try? receive()
        if phase != .none {
            breakOff(DatabaseFailure(.connectionLost, message: "the transaction could not be rolled back"))
        }
    }

    /// Runs the body between ``begin()`` and ``commit()``; any error rolls back and is thrown on.
    public func transaction<Result>(_ body: () throws -> Result) throws -> Result {
        begin()
        do {
            let result = try body()
            try commit()
            return result
        } catch {
            rollback()
            throw error
        }
    }

    /// Prepares statements ahead of their first use, in one round trip: at connect time.
    public func prepare(_ statements: [Statement]) throws(DatabaseFailure) {
        for statement in statements where !prepared.has(statement) { prepareAhead(statement) }
        _ = try receive()
    }

    /// Runs several statements, separated by semicolons, as text: for migrations.
    ///
    /// Outside a transaction they are one, unless the text itself begins and commits. No COPY.
    public func script(_ sql: String) throws(DatabaseFailure) {
        if phase == .wanted { openTransaction() }
        _ = try receive()
        try runScript(sql)
    }

    /// Whether the connection still stands, by a look at the socket: no round trip. For use after idling.
    ///
    /// A server that ended properly, or ended this session, has said so by then; a frozen one shows only by the
    /// network time-out of the next call.
    public func isAliveNow() -> Bool {
        guard let link else { return false }
        if link.isAlive() { return true }
        breakOff(lost(link))
        return false
    }

    /// Closes the connection; the server rolls an open transaction back.
    public func close() {
        breakOff(DatabaseFailure(.connectionLost, message: "the connection was closed"))
    }
}
