internal import Postgres

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
        "delete from jobs_processes where heartbeat_at < clock_timestamp() - $1 * interval '1 second'")
    private static let youngest = Statement(
        "jobs.youngest_heartbeat",
        """
        select floor(extract(epoch from clock_timestamp() - max(heartbeat_at)))::bigint
          from jobs_processes
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

    /// How the schema stands to this program.
    public func schemaState() throws -> SchemaState {
        try Migrator.state(on: connection)
    }
}
