import CLinux
import Domain
import Glibc
import Logging
import Persistence
import Pool
import Vault

/// `billing jobs`: billing passes over all merchant accounts, and housekeeping (spec 6.2). Any number of them may run, on any
/// number of machines: they share the work through the database.
enum JobsProgram {
    /// Batches that one account gets before the next one has its turn.
    static let turn = 4
    /// Seconds between two rounds of housekeeping.
    static let housekeeping = 600
    /// How often a batch waits for a lock, 2 s each time. What is given up then is taken up again by later rounds: other accounts
    /// do not wait for it.
    static let lockTries = 2

    /// Runs until TERM, INT, QUIT or HUP: then it finishes the batch in hand. Whoever supervises it starts it again, after
    /// a HUP with the new program and configuration.
    ///
    /// - Returns: the exit status.
    static func run(_ configuration: Configuration) -> Int32 {
        let logger = JSONLog.logger(label: "billing.jobs", level: configuration.logLevel)
        do {
            // A core file would hold card numbers.
            var none = rlimit(rlim_cur: 0, rlim_max: 0)
            setrlimit(__rlimit_resource_t(RLIMIT_CORE.rawValue), &none)
            Signals.ignore([SIGPIPE])
            let signals = try Signals([SIGTERM, SIGINT, SIGQUIT, SIGHUP])
            let services = try Services(
                configuration, database: configuration.connection(as: .jobs), processorLimit: 15_000,
                lockTries: JobsProgram.lockTries, logger: logger)
            logger.info("jobs started")
            Jobs(services, signals: signals).run(every: configuration.jobsInterval)
            logger.info("jobs ended")
            return 0
        } catch {
            logger.critical("jobs cannot start", metadata: ["error": "\(error)"])
            return 1
        }
    }
}

/// The loop of a jobs process.
private final class Jobs {
    private let services: Services
    private let signals: Signals
    private let process = Random.uuid()
    private var isStopping = false
    private var nextHousekeeping = 0

    init(_ services: Services, signals: Signals) {
        self.services = services
        self.signals = signals
    }

    func run(every interval: Duration) {
        let milliseconds = Int32(interval / .milliseconds(1))
        while !isStopping {
            do {
                try beat()
                while try round() { if stopWanted() { break } }
            } catch {
                services.logger.error("jobs round failed", metadata: ["error": "\(error)"])
            }
            if !stopWanted() { signals.wait(milliseconds: milliseconds) }
            _ = stopWanted()
        }
        try? services.books.operating { try $0.noteEnd(of: process) }
    }

    /// Gives each account that has work one turn; whether any of them did some.
    private func round() throws -> Bool {
        let waiting = try services.books.operating { try $0.accountsWithWork() }
        var didWork = false
        for (account, processor) in waiting {
            if stopWanted() { return false }
            do {
                let pass = try services.pass(
                    over: account, processor: processor, batches: JobsProgram.turn, waiting: false)
                guard let report = pass else { continue }
                for one in report.failures {
                    services.logger.error(
                        "not taken into the books", metadata: ["account": "\(account)", "what": "\(one)"])
                }
                guard report.didWork else { continue }
                didWork = true
                services.logger.info(
                    "billing pass",
                    metadata: [
                        "account": "\(account)", "invoices": "\(report.invoicesMade)",
                        "attempts": "\(report.attemptsMade)", "recovered": "\(report.outcomesRecovered)",
                        "notices": "\(report.noticesTaken)", "aged": "\(report.agedInvoices)",
                    ])
                for one in report.setAside {
                    services.logger.error(
                        "subscription set aside",
                        metadata: ["account": "\(account)", "subscription": "\(one)"])
                }
            } catch {
                services.logger.error(
                    "billing pass failed", metadata: ["account": "\(account)", "error": "\(error)"])
                // What is locked or slow in one account does not hold up the next.
                if Services.isOutage(error) { throw error }
            }
            try beat()
        }
        return didWork
    }

    private var lastBeat = 0

    /// Tells that this process is alive, every few seconds.
    private func beat() throws {
        let now = Int(RealClock.now().microsecondsSince1970 / 1_000_000)
        guard now - lastBeat >= 5 || now < lastBeat else { return }
        try services.books.operating { store in
            try store.noteHeartbeat(of: process, host: hostName(), pid: getpid())
            if now >= nextHousekeeping || now < nextHousekeeping - JobsProgram.housekeeping {
                try store.forgetSilentProcesses(seconds: 3600)
                try store.forgetOldKeys()
                try store.forgetEndedTemporaryPasswords()
                nextHousekeeping = now + JobsProgram.housekeeping
            }
        }
        lastBeat = now
    }

    private func stopWanted() -> Bool {
        while signals.next() != nil { isStopping = true }
        return isStopping
    }

    private func hostName() -> String {
        var name = [CChar](repeating: 0, count: 256)
        guard gethostname(&name, name.count - 1) == 0 else { return "unknown" }
        return String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
