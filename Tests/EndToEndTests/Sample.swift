import Foundation
import TestSupport

/// A use case of spec 7 as a text that reads like documentation: the script that it is run from, or its record in one format.
///
/// The form is described in Samples/README.md.
struct Sample: Equatable {
    var title = ""
    /// What stands before the first step.
    var prose: [String] = []
    var steps: [Step] = []
    var end = End()

    struct Step: Equatable {
        var title: String
        var prose: [String] = []
        /// The same request as a command; only in a record.
        var command: [String] = []
        var method = ""
        var path = ""
        var headers: [String] = []
        var body: [String] = []
        var status = 0
        /// The answer comes within seconds: asked for until it is there.
        var isAwaited = false
        var answerHeaders: [String] = []
        var answer: [String] = []

        var bodyText: String { body.joined(separator: "\n") }
        var answerText: String { answer.joined(separator: "\n") }
    }

    /// What holds in the end, line by line.
    struct End: Equatable {
        var lines: [String] = []
    }

    static let endTitle = "In the end"

    /// The day that the merchant account's clock shows at first.
    var clock: String {
        let text = prose.joined(separator: " ")
        guard let found = text.range(of: #"(?<=clock at )\d{4}-\d\d-\d\d"#, options: .regularExpression)
        else { return "2027-01-01" }
        return String(text[found])
    }

    init() {}

    /// Reads a script or a record.
    init(_ text: String) throws {
        enum Part { case intro, prose, command, request, headers, body, answerHeaders, answer, end }
        var part = Part.intro
        for line in text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init) {
            if line == "## \(Self.endTitle)" {
                part = .end
                continue
            }
            if line.hasPrefix("## ") {
                steps.append(Step(title: String(line.dropFirst(3))))
                part = .prose
                continue
            }
            let last = steps.count - 1
            switch part {
            case .intro:
                if title.isEmpty { title = line } else if !line.hasPrefix("===") { prose.append(line) }
            case .prose where line.hasPrefix("curl "):
                part = .command
                steps[last].command.append(line)
            case .command: if line.isEmpty { part = .request } else { steps[last].command.append(line) }
            case .prose, .request:
                let words = line.split(separator: " ")
                guard words.count == 2, ["GET", "PUT", "POST", "DELETE"].contains(words[0]),
                    words[1].hasPrefix("/")
                else {
                    if part == .prose { steps[last].prose.append(line) }
                    continue
                }
                (steps[last].method, steps[last].path) = (String(words[0]), String(words[1]))
                part = .headers
            case .headers, .body:
                if line.hasPrefix("--> ") {
                    let words = line.split(separator: " ")
                    guard let status = Int(words[1]) else { throw SetupFailure("no status: \(line)") }
                    steps[last].status = status
                    steps[last].isAwaited = line.hasSuffix(" soon")
                    part = .answerHeaders
                } else if part == .headers, !line.isEmpty {
                    steps[last].headers.append(line)
                } else {
                    part = .body
                    steps[last].body.append(line)
                }
            case .answerHeaders:
                if line.isEmpty { part = .answer } else { steps[last].answerHeaders.append(line) }
            case .answer: steps[last].answer.append(line)
            case .end: end.lines.append(line)
            }
        }
        guard !steps.isEmpty, steps.allSatisfy({ $0.status > 0 }), !end.lines.isEmpty else {
            throw SetupFailure("\(title): no steps, one without request and answer, or no end")
        }
        trim()
    }

    private mutating func trim() {
        prose = Self.trimmed(prose)
        end.lines = Self.trimmed(end.lines)
        for index in steps.indices {
            steps[index].prose = Self.trimmed(steps[index].prose)
            steps[index].body = Self.trimmed(steps[index].body)
            steps[index].answer = Self.trimmed(steps[index].answer)
        }
    }

    private static func trimmed(_ lines: [String]) -> [String] {
        Array(lines.drop { $0.isEmpty }.reversed().drop { $0.isEmpty }.reversed())
    }

    /// The text as it is kept in a file.
    var text: String {
        var blocks = [[title, String(repeating: "=", count: title.count)], prose]
        for step in steps {
            blocks.append(["## \(step.title)"])
            blocks.append(step.prose)
            blocks.append(step.command)
            blocks.append(["\(step.method) \(step.path)"] + step.headers)
            blocks.append(step.body)
            blocks.append(["--> \(step.status)\(step.isAwaited ? " soon" : "")"] + step.answerHeaders)
            blocks.append(step.answer)
        }
        blocks += [["## \(Self.endTitle)"], end.lines]
        return blocks.filter { !$0.isEmpty }.map { $0.joined(separator: "\n") }.joined(separator: "\n\n")
            + "\n"
    }

    /// What of another record is different: texts as they stand, answers by what they say.
    func differences(from recorded: Sample, in format: Media) -> [String] {
        if (title, prose, end) != (recorded.title, recorded.prose, recorded.end) {
            return ["the texts before and after the steps are not those of the script"]
        }
        if steps.count != recorded.steps.count {
            return ["\(recorded.steps.count) steps are recorded, there were \(steps.count)"]
        }
        for (mine, kept) in zip(steps, recorded.steps) {
            var (one, other) = (mine, kept)
            (one.answer, other.answer) = ([], [])
            if one != other { return ["## \(mine.title)\nis recorded as \(other)\nand was \(one)"] }
            if mine.answer == kept.answer { continue }
            guard let answer = SampleBody(mine.answerText, in: format),
                let wanted = SampleBody(kept.answerText, in: format)
            else { return ["## \(mine.title)\nan answer that is not well-formed is recorded"] }
            if !answer.isSame(as: wanted) {
                return ["## \(mine.title)\nis recorded as\n\(kept.answerText)\nand was\n\(mine.answerText)"]
            }
        }
        return []
    }
}
