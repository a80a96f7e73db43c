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
            over the processor's notices, charges late fees. Safe beside it. With --date it runs on that business date of the account only.
            """)

    @Option(help: "The merchant account.")
    var account: Int64

    @Option(
        help: "Refuse unless this is the account's business date, yyyy-MM-dd.", transform: RunCommand.date)
    var date: CalendarDate?

    @OptionGroup var answer: AnswerOptions

    func run() throws {
        let configuration = try Configuration.read()
        if let date { try Self.require(date, of: account, configuration) }
        try Privileges.drop(to: configuration.runUser)
        Terminal.announce("running the billing of merchant account \(account)")
        let report = try JobsProgram.runOnce(configuration, account: account)
        let document = Value.object([
            .init("accountId", .integer(account)), .init("invoices", .integer(Int64(report.invoicesMade))),
            .init("attempts", .integer(Int64(report.attemptsMade))),
            .init("outcomesRecovered", .integer(Int64(report.outcomesRecovered))),
            .init("noticesTaken", .integer(Int64(report.noticesTaken))),
            .init("agedInvoices", .integer(Int64(report.agedInvoices))),
            .init("setAside", .list(report.setAside.map { .text($0) })),
            .init("failures", .list(report.failures.map { .text($0) })),
        ])
        answer.show(document) { Terminal.fields(of: document) }
    }

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
