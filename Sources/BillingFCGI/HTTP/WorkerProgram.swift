import Glibc
import Logging
import Persistence
import Pool

/// A worker process: one request at a time, one connection to the database (spec 6.2).
enum WorkerProgram {
    /// Runs until the master ends it.
    ///
    /// - Parameters:
    ///   - slot: the worker's slot on the scoreboard.
    ///   - pool: `main`, or `long` for the requests that may take minutes.
    /// - Returns: the exit status.
    static func run(_ configuration: Configuration, slot: Int, pool: String) -> Int32 {
        let logger = JSONLog.logger(label: "billing.worker", level: configuration.logLevel)
        let settings = WorkerSettings(
            slot: slot, pool: pool, bodyLimit: configuration.bodyLimit,
            requestDeadline: configuration.requestDeadline, runUser: configuration.runUser)
        return runWorker(settings, logger: logger) { slot in
            // The long pool moves clocks: its statements may take as long as those of the jobs.
            let database = configuration.connection(
                as: .api, for: "\(pool) worker \(slot.index)", statementSeconds: pool == "long" ? 60 : nil)
            // An order and, when that gets no answer, the question about it: 15 seconds together, within the request's deadline.
            let services = try Services(
                configuration, database: database, processorLimit: 7_500, logger: logger)
            // Whoever waits for a lock lets the others have the connections that nginx keeps to this worker.
            services.books.whenSlow = { slot.standAside() }
            // Connected before it is called ready; a database that is down is the requests' matter.
            try? services.books.connect()
            let router = Router(
                services, scoreboard: slot.scoreboard, place: WorkerPlace(slot, configuration))
            return { router.answer($0) }
        }
    }
}
