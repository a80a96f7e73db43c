import ArgumentParser
import Domain
import Interchange
import Persistence
import Pool

/// `billing run`: one billing pass by hand.
struct RunCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run",
        abstract: "Runs one billing pass over a merchant account, to its end.",
        discussion: """
            Does what `billing jobs` does by itself: invoices what is due, collects, asks for unknown outcomes, takes \
            over the processor's notices, charges late fees. Safe beside it. With --date it runs on that business date of the \
            account only. At a terminal it tells every two seconds how far it is.
            """)

    @Option(help: "The merchant account.")
    var account: Int64

    @Option(
        help: "Refuse unless this is the account's business date, yyyy-MM-dd.", transform: RunCommand.date)
    var date: CalendarDate?

    @Option(
        help: ArgumentHelp(
            "How many processes share the work, at most 64. By default as many as cores, where much is due.",
            valueName: "number"))
    var processes: Int?

    /// For the processes that the command starts: one line after each batch, and only what can be shared.
    @Flag(help: .hidden)
    var part = false

    @OptionGroup var answer: AnswerOptions

    func validate() throws {
        if let processes, !(1...SharedPass.mostProcesses).contains(processes) {
            throw ValidationError("--processes takes 1 to \(SharedPass.mostProcesses).")
        }
    }

    func run() throws {
        let configuration = try Configuration.read()
        if let date { try Self.require(date, of: account, configuration) }
        // Before privileges are dropped: each process reads the configuration by itself.
        let pass = try SharedPass(configuration, account: account, processes: part ? 1 : processes)
        try Privileges.drop(to: configuration.runUser)
        Terminal.announce("running the billing of merchant account \(account)")
        var next = RealClock.now().microsecondsSince1970 + RunCommand.pause
        let report = try pass.execute(isPart: part) { report in
            if part { return answer.show(PassReport.document(of: report, account: account)) { "" } }
            let now = RealClock.now().microsecondsSince1970
            guard now >= next else { return }
            next = now + RunCommand.pause
            Terminal.announce("\(report.invoicesMade) invoices, \(report.attemptsMade) attempts so far")
        }
        let document = PassReport.document(of: report, account: account)
        answer.show(document) { Terminal.fields(of: document) }
    }

    /// Microseconds between two words of progress.
    private static let pause: Int64 = 2_000_000

    private static func require(
        _ date: CalendarDate, of account: Int64, _ configuration: Configuration
    ) throws {
        let state = try configuration.operating { try $0.account(account) }
        guard let state else { throw Refusal(.notFound, "there is no merchant account \(account)") }
        let today = state.moment.businessDate
        guard today != date else { return }
        throw CommandRefusal(
            "the business date of merchant account \(account) is \(today), not \(date): a pass runs on "
                + "the business date only; a sandbox account's clock is moved by POST /accounts/\(account)/clock/~advance"
        )
    }

    private static func date(_ text: String) throws -> CalendarDate {
        guard let date = CalendarDate(text) else {
            throw ValidationError("'\(text)' is no date: give yyyy-MM-dd.")
        }
        return date
    }
}
