import Foundation
import Synchronization
import TestSupport
import Testing

/// The use cases of spec 7, each written once and run in all three formats; every answer must be the one that is recorded.
///
/// `BILLING_RECORD=1` records anew, `BILLING_RECORD=07` only what begins so; both fail the run.
@Suite(.enabled(if: programIsKnown, "needs BILLING_BINARY"))
struct SampleTests {
    private static let folder = "\(packageFolder)/Tests/EndToEndTests/Samples"
    private static let list = "\(folder)/unrecorded.txt"
    private static let writing = Mutex(())

    static let samples: [String] = {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        return names.filter { readText("\(folder)/\($0)/script.txt") != nil }.sorted()
    }()

    /// The samples that are not recorded yet: lines of names, each with what it waits for.
    private static var unrecorded: [String] {
        (readText(list) ?? "").split(separator: "\n").map(String.init).filter { !$0.hasPrefix("#") }
    }

    private static func isListed(_ sample: String) -> Bool {
        unrecorded.contains { $0.prefix { $0 != ":" } == sample }
    }

    private static func record(of sample: String, _ format: Media) -> String {
        "\(folder)/\(sample)/\(format).txt"
    }

    /// Whether the sample is to be recorded in this run.
    private static func isRecording(_ sample: String) -> Bool {
        guard let wanted = environmentValue("BILLING_RECORD") else { return false }
        return wanted == "1" || sample.hasPrefix(wanted)
    }

    @Test func `the sixteen use cases are there, recorded or listed`() throws {
        #expect(Self.samples.map { String($0.prefix(2)) } == (1...16).map { String(format: "%02d", $0) })
        for sample in Self.samples {
            let recorded = Media.allCases.filter { readText(Self.record(of: sample, $0)) != nil }
            if Self.isListed(sample) {
                #expect(recorded.isEmpty, "\(sample) is recorded: it does not belong into unrecorded.txt")
            } else {
                #expect(recorded == Media.allCases, "\(sample) is neither recorded nor in unrecorded.txt")
            }
        }
        for line in Self.unrecorded {
            #expect(
                Self.samples.contains(String(line.prefix { $0 != ":" })),
                "unrecorded.txt: there is no \(line)")
        }
    }

    @Test(arguments: samples)
    func sample(_ sample: String) throws {
        let isLeftOut = environmentValue("BILLING_RECORD") != nil || Self.isListed(sample)
        if isLeftOut, !Self.isRecording(sample) { return }
        let script = try Sample(try #require(readText("\(Self.folder)/\(sample)/script.txt")))
        var runs: [SampleRun] = []
        for format in Media.allCases {
            var run = try SampleRun(format, clock: script.clock)
            let differences = try run.run(script)
            try #require(differences.isEmpty, "\(sample): \(differences.joined(separator: "\n"))")
            runs.append(run)
        }
        for run in runs.dropFirst() {
            try #require(runs[0].said.count == run.said.count)
            for (one, other) in zip(runs[0].said, run.said) {
                let says = [one, other].map { $0.map { SampleBody.json($0).compact } ?? "nothing" }
                try #require(
                    one == other, "\(sample): \(runs[0].format) says \(says[0]), \(run.format) \(says[1])")
            }
        }
        try runs[0].merchant.expectSoundBooks()
        if Self.isRecording(sample) { return try Self.record(sample, runs) }
        for run in runs {
            let recorded = try Sample(try #require(readText(Self.record(of: sample, run.format))))
            let differences = run.record.differences(from: recorded, in: run.format)
            #expect(differences.isEmpty, "\(sample), \(run.format): \(differences.joined(separator: "\n"))")
        }
    }

    private static func record(_ sample: String, _ runs: [SampleRun]) throws {
        try writing.withLock { _ in
            for run in runs {
                let text = run.record.text
                try text.write(toFile: record(of: sample, run.format), atomically: true, encoding: .utf8)
                // What is written must be read as what was run.
                #expect(try run.record.differences(from: Sample(text), in: run.format).isEmpty)
            }
            let lines = (readText(list) ?? "").components(separatedBy: "\n")
            try lines.filter { !$0.hasPrefix("\(sample):") }.joined(separator: "\n")
                .write(toFile: list, atomically: true, encoding: .utf8)
        }
        Issue.record("\(sample) was recorded: look at the difference, then run without BILLING_RECORD")
    }
}
