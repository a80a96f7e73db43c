import ArgumentParser
import Interchange
import Persistence

/// `billing routes`: the URL table.
struct RoutesCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "routes", abstract: "Lists the resources and actions of the interface, below /api/v01.")

    @OptionGroup var answer: AnswerOptions

    func run() {
        let routes = Route.table
        let document = Value.list(
            routes.map { route in
                .object([
                    .init("methods", .list(route.methods.map { .text($0.rawValue) })),
                    .init("resource", .text(route.resource)), .init("action", .text(route.action)),
                    .init("explicit", .boolean(!route.isImplicit)),
                    .init("privilege", .text(route.privilege)),
                    .init("parameters", .list(route.parameters.facts.map { .text($0.name) })),
                ])
            })
        answer.show(document) {
            Terminal.columns(
                [["METHODS", "RESOURCE", "ACTION", "PRIVILEGE", "PARAMETERS"]]
                    + routes.map { route in
                        [
                            route.methods.map(\.rawValue).joined(separator: " "), route.resource,
                            "~\(route.action)", route.privilege,
                            route.parameters.facts.map(\.name).joined(separator: " "),
                        ]
                    })
        }
    }
}
