import Foundation
import Synchronization
import TestSupport
import Testing

/// The billing rules as lists of events: each scenario says what a step causes, none missing, none extra (spec 5).
///
/// `BILLING_TEST_EVENTS=12,86` runs only those whose names begin so; `BILLING_RECORD=1` writes what happened in place of what
/// was expected, and fails the run; `BILLING_TABLE` names a file for a line a scenario: given, expected, got.
@Suite(.enabled(if: programIsKnown, "needs BILLING_BINARY"))
struct EventTests {
    private static let folder = "\(packageFolder)/Tests/EndToEndTests/Events/scenarios"
    private static let writing = Mutex(())
    /// How many scenarios are still to end.
    private static let waiting = Mutex(names.count)

    static let names: [String] = {
        let files = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        let wanted = (environmentValue("BILLING_TEST_EVENTS") ?? "").split(separator: ",")
        return files.filter { name in
            name.hasSuffix(".txt") && (wanted.isEmpty || wanted.contains { name.hasPrefix($0) })
        }.map { String($0.dropLast(4)) }.sorted()
    }()

    private static func read(_ name: String) throws -> EventScenario {
        try EventScenario(try #require(readText("\(folder)/\(name).txt")), name: name)
    }

    @Test func `every scenario of the contract is there`() {
        guard environmentValue("BILLING_TEST_EVENTS") == nil else { return }
        let numbers = Set(Self.names.compactMap { Int($0.prefix { $0.isNumber }) })
        #expect(numbers.isSuperset(of: 1...15))
        #expect(Self.names.count >= 75)
    }

    @Test(arguments: names)
    func scenario(_ name: String) throws {
        let isRecording = environmentValue("BILLING_RECORD") != nil
        let place = try EventStack.shared(try Self.names.map { try Self.read($0) })
        let scenario = try Self.read(name)
        #expect(try EventScenario(scenario.text, name: name).text == scenario.text)
        try EventLine.use(place) { line in
            let run = try EventRun(scenario, place, line, isRecording: isRecording)
            try run.run()
            let isAsWritten = run.differences.isEmpty
            Self.report(scenario, run.summary, isAsWritten)
            if isRecording {
                try run.record.text.write(
                    toFile: "\(Self.folder)/\(name).txt", atomically: true, encoding: .utf8)
                Issue.record("\(name) was recorded: look at the difference, then run without BILLING_RECORD")
            }
            #expect(isAsWritten, "\(name):\n\(run.differences.joined(separator: "\n"))")
        }
        let left = Self.waiting.withLock { count in
            count -= 1
            return count
        }
        guard left == 0 else { return }
        // Each has an account of its own, in which nothing happens after its end: one look at the end of all is one at each end.
        let check = try place.stack.billing(["status", "--check"])
        #expect(check.status == 0, "\(check.output)\(check.errors)")
    }

    /// A line for the closing table: name, given, expected, got.
    private static func report(_ scenario: EventScenario, _ got: String, _ isAsWritten: Bool) {
        func told(_ word: String) -> String? {
            scenario.prose.first { $0.hasPrefix("\(word): ") }.map { String($0.dropFirst(word.count + 2)) }
        }
        let line =
            "| \(scenario.name) | \(told("Given") ?? scenario.title) | \(told("Expected") ?? "the events as listed") | "
            + "\(isAsWritten ? "as expected" : "OTHERWISE"): \(got) |"
        writing.withLock { _ in
            print(line)
            guard let path = environmentValue("BILLING_TABLE") else { return }
            guard let file = fopen(path, "a") else { return }
            defer { fclose(file) }
            fputs(line + "\n", file)
        }
    }
}
