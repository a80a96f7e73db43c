import Domain
import Glibc
import Interchange
import Persistence
import Pool

/// One whole pass over one merchant account, shared by several processes: for `billing run`.
///
/// The database deals out the work, as it does between `billing jobs`. What is done once a business date is left to the
/// process that started the others, when these have ended.
struct SharedPass {
    /// The most processes for one pass.
    static let mostProcesses = 64
    /// How often it waits for a lock, 2 s each time: longer than the database lets anybody idle in a transaction (10 s).
    static let lockTries = 6

    let configuration: Configuration
    let account: Int64
    private let helpers: [Helper]

    /// - Parameters:
    ///   - processes: how many are to share the work; nil for as many as cores, where there is more than each could take at once.
    init(_ configuration: Configuration, account: Int64, processes: Int?) throws {
        self.configuration = configuration
        self.account = account
        let wanted = try processes ?? SharedPass.suited(configuration, account)
        helpers = try (1..<wanted).map { _ in
            try Helper(arguments: ["run", "--account", "\(account)", "--part", "--json"])
        }
    }

    private static func suited(_ configuration: Configuration, _ account: Int64) throws -> Int {
        let cores = min(max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN))), mostProcesses)
        let worth = cores * RunBilling.batchSize
        guard cores > 1 else { return 1 }
        return try configuration.operating { try $0.isMoreDue(account: account, than: worth) } ? cores : 1
    }

    /// Runs the pass to its end.
    ///
    /// - Parameters:
    ///   - isPart: whether another process has asked for it, which does the rest.
    ///   - progress: is told what all processes together have done so far, after each batch of this one.
    /// - Throws: `Refusal`: V24 no such account; V30 while its clock is being moved.
    func execute(isPart: Bool, progress: @escaping (RunBilling.Report) -> Void) throws -> RunBilling.Report {
        do {
            return try pass(isPart, progress)
        } catch {
            // They end by themselves, each with the batch in hand done or not begun.
            for helper in helpers { _ = helper.finish() }
            throw error
        }
    }

    private func pass(_ isPart: Bool, _ progress: @escaping (RunBilling.Report) -> Void) throws
        -> RunBilling.Report
    {
        let logger = JSONLog.logger(label: "billing.run", level: configuration.logLevel)
        let services = try Services(
            configuration, database: configuration.connection(as: .jobs), processorLimit: 15_000,
            lockTries: SharedPass.lockTries, logger: logger)
        guard let state = try services.books.reading(reaching: [account], { try $0.account(account) }) else {
            throw Refusal(.notFound, "there is no merchant account \(account)")
        }
        var run = try services.run(over: account, processor: state.account.processor)
        run.progress = { [helpers] report in
            var all = report
            for helper in helpers {
                helper.look()
                all.add(PassReport.read(helper.lastLine))
            }
            progress(all)
        }
        var report = try work(run, services)
        for helper in helpers where !helper.finish() {
            // What it had in hand goes back to the rest as soon as the database has noticed.
            report.failures.append(
                "a process of this pass ended early: what it had in hand may be left to the next pass")
            report.add(try work(run, services))
        }
        let isDone = report.isDone
        for helper in helpers { report.add(PassReport.read(helper.lastLine)) }
        report.isDone = isDone
        if !isPart { try services.age(run, &report) }
        return report
    }

    private func work(_ run: RunBilling, _ services: Services) throws -> RunBilling.Report {
        guard let report = try services.books.asPass(of: account, waiting: true, { try run.execute() }) else {
            throw Refusal(.stateForbids, "the account's clock is being moved: try again")
        }
        return report
    }
}

/// What a pass did, as a document.
enum PassReport {
    static func document(of report: RunBilling.Report, account: Int64) -> Value {
        .object([
            .init("accountId", .integer(account)), .init("invoices", .integer(Int64(report.invoicesMade))),
            .init("attempts", .integer(Int64(report.attemptsMade))),
            .init("outcomesRecovered", .integer(Int64(report.outcomesRecovered))),
            .init("noticesTaken", .integer(Int64(report.noticesTaken))),
            .init("agedInvoices", .integer(Int64(report.agedInvoices))),
            .init("setAside", .list(report.setAside.map { .text($0) })),
            .init("failures", .list(report.failures.map { .text($0) })),
        ])
    }

    /// What the line of another process tells; nothing where there is none yet.
    static func read(_ line: [UInt8]?) -> RunBilling.Report {
        var report = RunBilling.Report()
        guard let line, let body = try? Body(reading: line, as: .json),
            case .value(let document) = body.content
        else { return report }
        report.invoicesMade = number("invoices", document)
        report.attemptsMade = number("attempts", document)
        report.outcomesRecovered = number("outcomesRecovered", document)
        report.noticesTaken = number("noticesTaken", document)
        report.agedInvoices = number("agedInvoices", document)
        report.setAside = texts("setAside", document)
        report.failures = texts("failures", document)
        return report
    }

    private static func number(_ name: String, _ document: Value) -> Int {
        guard case .integer(let number) = document[name] else { return 0 }
        return Int(number)
    }

    private static func texts(_ name: String, _ document: Value) -> [String] {
        guard case .list(let values) = document[name] else { return [] }
        return values.compactMap { if case .text(let text) = $0 { text } else { nil } }
    }
}
