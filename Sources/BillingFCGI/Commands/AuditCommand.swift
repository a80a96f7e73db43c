import ArgumentParser
import Domain
import Interchange
import Persistence

/// `billing audit`: who did what to a merchant account.
struct AuditCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "audit", abstract: "Lists who did what in a merchant account, the latest first.",
        discussion: "Times are UTC and real, whatever a sandbox account's clock shows.")

    @Option(help: "The merchant account's number.")
    var account: Int64

    @Option(help: "How many rows at most.")
    var limit = 100

    @Option(help: "Only rows with smaller numbers than this: what came before a list.")
    var before: Int64?

    @OptionGroup var answer: AnswerOptions

    func validate() throws {
        guard (1...10_000).contains(limit) else {
            throw ValidationError("Give a --limit from 1 to 10000.")
        }
    }

    func run() throws {
        let rows = try Configuration.read().operating { store in
            _ = try store.existingAccount(account)
            return try store.auditRows(of: account, before: before, limit: limit)
        }
        answer.show(.list(rows.map(\.document))) {
            guard !rows.isEmpty else { return "nothing was done in merchant account \(account)" }
            return Terminal.columns(
                [["NUMBER", "TIME", "BY", "ACTION", "OBJECT", "REQUEST"]]
                    + rows.map { row in
                        [
                            String(row.id), row.at.description, row.actor, row.action,
                            "\(row.objectType) \(row.objectID)", row.requestID,
                        ]
                    })
        }
    }
}

extension AuditRow {
    fileprivate var document: Value {
        .object([
            .init("id", .integer(id)), .init("time", .text(at.description)), .init("actor", .text(actor)),
            .init("requestId", .text(requestID)), .init("action", .text(action)),
            .init("objectType", .text(objectType)), .init("objectId", .integer(objectID)),
        ])
    }
}
