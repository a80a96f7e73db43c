import ArgumentParser
import Glibc
import Interchange

/// `billing`: everything an operator does (spec 6.3).
struct BillingCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "billing",
        abstract: "A self-hosted recurring billing server.",
        discussion: """
            Settings are read from BILLING_* in the environment, over the file billing.env of the folder that \
            BILLING_RUN_DIR names (else the file that BILLING_CONFIG_FILE names, else /etc/billing/billing.env), over \
            defaults: `billing check-config` shows them.

            Exit status: 0 done, 1 refused (the reason is on standard error), 2 wrong usage.
            """,
        version: Version.current,
        subcommands: [
            ServeCommand.self, JobsCommand.self, MigrateCommand.self, StatusCommand.self, RunCommand.self,
            AccountCommand.self, UserCommand.self, AuditCommand.self, LedgerCommand.self, RoutesCommand.self,
            DescribeCommand.self, CheckConfigCommand.self, VersionCommand.self,
        ])

    /// Runs a command line, without the program's name; the exit status.
    static func execute(_ arguments: [String]) -> Int32 {
        var command: any ParsableCommand
        do {
            command = try parseAsRoot(arguments)
        } catch {
            return finish(error)
        }
        do {
            try command.run()
            return 0
        } catch {
            // Help and wrong usage may come out of here, too; the parser knows its own errors.
            guard exitCode(for: error) == .failure, !(error is ExitCode) else { return finish(error) }
            Terminal.complain(Reason.sentence(of: error))
            return 1
        }
    }

    /// Shows what the parser has to say: help on standard output, complaints on standard error. Its status for wrong
    /// usage, 64, becomes 2.
    private static func finish(_ error: any Error) -> Int32 {
        if let code = error as? ExitCode { return code.rawValue }
        let text = fullMessage(for: error)
        guard exitCode(for: error) == .success else {
            Terminal.write(text + "\n", to: STDERR_FILENO)
            return 2
        }
        Terminal.write(text + "\n", to: STDOUT_FILENO)
        return 0
    }
}

/// `billing version`.
struct VersionCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "version", abstract: "Shows the program's version.")

    @OptionGroup var answer: AnswerOptions

    func run() {
        answer.show(.object([.init("version", .text(Version.current))])) { Version.current }
    }
}
