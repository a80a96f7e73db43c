import ArgumentParser
import Interchange

/// `billing check-config`: the settings as they take effect (spec 6.4).
struct CheckConfigCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check-config",
        abstract: "Shows every setting with its value, where that comes from, and what it means.")

    @OptionGroup var answer: AnswerOptions

    func run() throws {
        let configuration = try Configuration.read()
        answer.show(.list(configuration.effective.map(\.document))) {
            configuration.effective.map(\.text).joined(separator: "\n\n")
        }
    }
}

extension Configuration.Effective {
    /// The value as it may be seen: not at all when it is secret and was set.
    private var shown: String {
        setting.isSecret && source != .builtIn && !value.isEmpty ? "(secret)" : value
    }

    fileprivate var document: Value {
        .object([
            .init("name", .text(setting.name)), .init("value", .text(shown)),
            .init("source", .text(source.description)), .init("default", .text(setting.defaultValue)),
            .init("unit", setting.unit.map { .text($0) } ?? .null),
            .init("isSecret", .boolean(setting.isSecret)),
            .init("meaning", .text(setting.meaning)),
        ])
    }

    fileprivate var text: String {
        let unit = setting.unit.map { " \($0)" } ?? ""
        let value = shown.isEmpty ? "(not set)" : shown + unit
        return "\(setting.name)  \(value)  [\(source)]\n    \(setting.meaning)"
    }
}
