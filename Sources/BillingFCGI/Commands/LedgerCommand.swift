import ArgumentParser
import Domain
import Glibc
import Persistence

/// `billing ledger …`: the double-entry journal (spec 5.3).
struct LedgerCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ledger", abstract: "Exports the double-entry journal.", subcommands: [Export.self])

    /// `billing ledger export`.
    struct Export: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Writes a merchant account's journal as plain text that hledger reads.",
            discussion: """
                The journal is read and written piece by piece, however long it is: \
                `billing ledger export --account 2001 | hledger -f - balance`.
                """)

        @Option(help: "The merchant account's number.")
        var account: Int64

        @Option(help: "First day, yyyy-MM-dd.", transform: Export.day)
        var from: CalendarDate?

        @Option(help: "Last day, yyyy-MM-dd.", transform: Export.day)
        var to: CalendarDate?

        func run() throws {
            let books = PostgresBooks(
                try Configuration.read().connection(as: .readonly, for: "ledger export"))
            defer { books.close() }
            guard let state = try books.reading(reaching: [account], { try $0.account(account) }) else {
                throw Refusal(.notFound, "there is no merchant account \(account)")
            }
            let range = LedgerRange(accountID: account, from: from, to: to)
            Terminal.announce("exporting the journal")
            try Journal(account: state.account, range: range).write(
                reading: { after in
                    try books.reading(reaching: [account]) {
                        try $0.ledgerEntries(range, after: after, offset: 0, limit: LedgerEndpoint.chunk)
                    }
                }
            ) { piece in
                guard Terminal.write(piece, to: STDOUT_FILENO) else {
                    throw CommandRefusal("the journal cannot be written: \(String(cString: strerror(errno)))")
                }
            }
        }

        private static func day(_ text: String) throws -> CalendarDate {
            guard let date = CalendarDate(text) else {
                throw ValidationError("'\(text)' is no date: give yyyy-MM-dd.")
            }
            return date
        }
    }
}
