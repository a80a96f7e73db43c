internal import Postgres

/// What the metrics show of all accounts together (spec 6.6).
public struct OperatingFigures: Hashable, Sendable {
    /// Now less the due time of the oldest unbilled charge, in seconds; 0 when none is due.
    public var billingLagSeconds: Int64
    /// Attempts whose outcome is not known, those of this moment included.
    public var attemptsOpen: Int64
    /// Of them, those older than a minute.
    public var attemptsUnknown: Int64
    /// Of them, those older than an hour: for a person (spec 5.6).
    public var attemptsForAPerson: Int64
    /// Subscriptions whose step failed.
    public var subscriptionsSetAside: Int64
}

// What the health checks and the jobs processes read and write.
extension OperatorStore {
    private static let beat = Statement(
        "jobs.heartbeat",
        """
        insert into jobs_processes (process_id, host, pid)
        values ($1::text::uuid, $2, $3)
        on conflict (process_id) do update set heartbeat_at = clock_timestamp()
        """)
    private static let end = Statement(
        "jobs.end", "delete from jobs_processes where process_id = $1::text::uuid")
    private static let bury = Statement(
        "jobs.bury",
        """
        delete from jobs_processes
         where heartbeat_at not between clock_timestamp() - $1 * interval '1 second'
                                    and clock_timestamp() + interval '1 minute'
        """)
    private static let youngest = Statement(
        "jobs.youngest_heartbeat",
        """
        select floor(extract(epoch from clock_timestamp() - max(heartbeat_at)))::bigint
          from jobs_processes
         where heartbeat_at < clock_timestamp() + interval '1 minute'
        """)
    private static let missed = Statement("jobs.missed_bills", "select missed_bill_count($1)")

    /// Tells that a jobs process is alive.
    ///
    /// - Parameter process: its UUID, made when it started.
    public func noteHeartbeat(of process: String, host: String, pid: Int32) throws {
        try connection.run(Self.beat, [.text(process), .text(host), .int32(pid)])
    }

    /// Tells that a jobs process has ended properly.
    public func noteEnd(of process: String) throws {
        try connection.run(Self.end, [.text(process)])
    }

    /// Housekeeping: forgets jobs processes that have been silent for so long.
    public func forgetSilentProcesses(seconds: Int) throws {
        try connection.run(Self.bury, [.int(Int64(seconds))])
    }

    /// Seconds since the youngest heartbeat of any jobs process; nil when there is none.
    public func secondsSinceHeartbeat() throws -> Int? {
        try connection.rows(Self.youngest).first?.optionalInt(0).map { Int($0) }
    }

    /// How many bills of all accounts should have been made for longer than this and were not, without a reason
    /// (spec 5.2). Accounts whose clock was moved do not count: their time stands still.
    public func missedBills(olderThan seconds: Int) throws -> Int {
        Int(try connection.rows(Self.missed, [.int(Int64(seconds))])[0].int(0))
    }

    private static let figures = Statement(
        "health.figures",
        """
        select billing_lag_seconds, attempts_open, attempts_unknown, attempts_for_a_person, subscriptions_set_aside
          from operating_figures()
        """)

    private static let forgetKeys = Statement(
        "idempotency.forget",
        """
        delete from idempotency_keys
         where transaction_id is null and create_date < now() - interval '30 days'
        """)

    /// Housekeeping: forgets the idempotency keys of requests that moved no money, after 30 days (spec 4.5).
    public func forgetOldKeys() throws {
        try connection.run(Self.forgetKeys)
    }

    /// What the metrics show of all accounts together.
    public func figures() throws -> OperatingFigures {
        let row = try connection.rows(Self.figures)[0]
        return OperatingFigures(
            billingLagSeconds: row.int(0), attemptsOpen: row.int(1), attemptsUnknown: row.int(2),
            attemptsForAPerson: row.int(3), subscriptionsSetAside: row.int(4))
    }

    private static let dueWork = Statement(
        "jobs.accounts_with_work",
        """
        select a.account_id, a.processor
          from merchant_accounts a
         where \(PostgresStore.hasWork(takingUpAll: "false"))
            or exists (select 1 from attempts t where t.account_id = a.account_id offset 0)
               and not exists (select 1 from account_rounds r
                                where r.account_id = a.account_id and r.notices_through = business_date(a)
                                  and r.next_notices between clock_timestamp() and clock_timestamp() + interval '5 minutes' offset 0)
            or (a.late_fee_amount > 0 or a.write_off_days > 0)
               and not exists (select 1 from account_rounds r
                                where r.account_id = a.account_id and r.ageing_through = business_date(a)
                                  and r.ageing_after = 0 offset 0)
         order by a.account_id
        """)

    /// The merchant accounts that have something due to be billed, collected or asked for, or whose round of a business date
    /// is still to be made, with their processors.
    public func accountsWithWork() throws -> [(account: Int64, processor: String)] {
        try connection.rows(Self.dueWork).map { ($0.int(0), $0.text(1)) }
    }

    /// How the schema stands to this program.
    public func schemaState() throws -> SchemaState {
        try Migrator.state(on: connection)
    }
}
