import ArgumentParser
import Glibc

/// `billing describe`: everything that the program knows of its interface, for tools. The documentation is made from it.
struct DescribeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "describe",
        abstract:
            "Describes the interface as one JSON document: actions, objects, enumerations, failure codes.")

    func run() {
        Terminal.write(Terminal.line(SelfDescription.document), to: STDOUT_FILENO)
    }
}
