import Foundation
import TestSupport

/// A scenario of the billing rules as a text that reads like documentation: what is given, then steps, each with exactly what
/// it caused. The form is explained in `Events/README.md`.
struct EventScenario {
    /// One thing that is done, and what follows from it.
    struct Step {
        enum Kind {
            /// `> clock to 2027-01-31`: the clock is moved, each business date in between is run.
            case clock(to: String)
            /// `> clock jumps to 2027-03-16`: the days in between are not run, as after an outage.
            case jump(to: String)
            /// `> run`: the business date is run (again).
            case run
            /// `> PUT ./transactions {…}`: a request; the next line is what it answers.
            case request(method: String, path: String, body: String?)
            /// `> journal`: the ledger's lines since the last time it was asked.
            case journal
        }

        let kind: Kind
        /// As it is written, without the `>`.
        let title: String
        /// Of a request: `201`, `409 V30`.
        var answer: String?
        /// What it caused, by business dates; those of a request all on one.
        var days: [Day] = []
        /// Remarks above it.
        var remarks: [String] = []
    }

    /// What happened on one business date.
    struct Day {
        let date: String
        var events: [String]
    }

    /// The file's name without its ending.
    let name: String
    let title: String
    /// The lines between the title and `given`.
    let prose: [String]
    /// Lines as they stand after `given`.
    let given: [String]
    var steps: [Step] = []

    /// What is said of the merchant account, `timeZone=America/New_York`.
    func setting(_ name: String) -> String? { settings.first { $0.name == name }?.value }

    /// The policy of the merchant account, as a body of ~modify; nil where nothing is said of it.
    var policy: String? {
        let fields = settings.filter { !["timeZone", "currency"].contains($0.name) }.map { name, value in
            if name == "retryDays" { return #""\#(name)":[\#(value)]"# }
            return Int(value) == nil ? #""\#(name)":"\#(value)""# : #""\#(name)":\#(value)"#
        }
        return fields.isEmpty ? nil : "{\(fields.joined(separator: ","))}"
    }

    private var settings: [(name: String, value: String)] {
        words("account").flatMap { $0 }.map { word in
            let parts = word.split(separator: "=", maxSplits: 1).map(String.init)
            return (parts[0], parts.count > 1 ? parts[1] : "")
        }
    }

    /// Where the clock stands at first.
    var clock: String { words("clock").first?.first ?? "2027-01-01" }

    /// The words after a word that begins a line of what is given.
    private func words(_ first: String) -> [[String]] {
        given.map { $0.split(separator: " ").map(String.init) }.filter { $0.first == first }
            .map { Array($0.dropFirst()) }
    }

    /// Reads a scenario.
    init(_ text: String, name: String) throws {
        self.name = name
        var lines = text.components(separatedBy: "\n").map { $0.trimmingCharacters(in: .whitespaces) }[...]
        guard let first = lines.popFirst(), first.hasPrefix("# ") else {
            throw SetupFailure("\(name): begins with its title, # …")
        }
        title = String(first.dropFirst(2))
        guard let begin = lines.firstIndex(of: "given") else { throw SetupFailure("\(name): no given") }
        prose = lines[..<begin].filter { !$0.isEmpty }
        let end = lines[begin...].firstIndex { $0.hasPrefix("> ") || $0.hasPrefix("# ") } ?? lines.endIndex
        given = lines[(begin + 1)..<end].filter { !$0.isEmpty }
        var remarks: [String] = []
        for line in lines[end...] where !line.isEmpty {
            if line.hasPrefix("# ") {
                remarks.append(line)
            } else if line.hasPrefix("> ") {
                let title = String(line.dropFirst(2))
                steps.append(Step(kind: try Self.kind(title, name), title: title, remarks: remarks))
                remarks = []
            } else {
                try add(line)
            }
        }
    }

    private mutating func add(_ line: String) throws {
        guard var step = steps.popLast() else { throw SetupFailure("\(name): \(line) before any step") }
        defer { steps.append(step) }
        if case .request = step.kind, step.answer == nil {
            step.answer = line
        } else if line.wholeMatch(of: /\d{4}-\d\d-\d\d/) != nil {
            step.days.append(Day(date: line, events: []))
        } else {
            if step.days.isEmpty { step.days.append(Day(date: "", events: [])) }
            step.days[step.days.count - 1].events.append(line)
        }
    }

    private static func kind(_ title: String, _ name: String) throws -> Step.Kind {
        let words = title.split(separator: " ", maxSplits: 2).map(String.init)
        switch (words[0], words.dropFirst().first) {
        case ("run", nil): return .run
        case ("journal", nil): return .journal
        case ("clock", "to"): return .clock(to: words[2])
        case ("clock", "jumps"): return .jump(to: String(words[2].dropFirst("to ".count)))
        case ("GET", .some(let path)), ("PUT", .some(let path)), ("POST", .some(let path)),
            ("DELETE", .some(let path)):
            return .request(method: words[0], path: path, body: words.count > 2 ? words[2] : nil)
        default: throw SetupFailure("\(name): what is \(title)?")
        }
    }

    /// As it is written.
    var text: String {
        var lines = ["# \(title)", ""]
        if !prose.isEmpty { lines += prose + [""] }
        lines += ["given"] + given.map { "  \($0)" }
        for step in steps {
            lines += [""] + step.remarks + ["> \(step.title)"]
            if let answer = step.answer { lines.append("  \(answer)") }
            for day in step.days {
                if !day.date.isEmpty { lines.append(day.date) }
                lines += day.events.map { "  \($0)" }
            }
        }
        return lines.joined(separator: "\n") + "\n"
    }
}

extension EventScenario {
    /// The customers of what is given, as bodies of ~create: options by their numbers, subscriptions as
    /// `4999 M from 2027-01-31 length 12 every 2 tax 400 by 2`.
    func customers() throws -> [String] {
        var bodies: [String] = []
        var options: [String] = []
        var subscriptions: [String] = []
        var isOpen = false
        func close() {
            guard isOpen else { return }
            bodies.append(
                #"{"firstName":"Ann","lastName":"Lee","paymentOptions":["#
                    + options.joined(separator: ",") + #"],"subscriptions":["#
                    + subscriptions.joined(separator: ",") + "]}")
        }
        for line in given {
            let words = line.split(separator: " ").map(String.init)
            switch words[0] {
            case "customer":
                close()
                isOpen = true
                subscriptions = []
                options = words.dropFirst().enumerated().map { Self.option($0.element, $0.offset + 1) }
            case "subscription": subscriptions.append(try subscription(Array(words.dropFirst())))
            case "account", "clock": break
            default: throw SetupFailure("\(name): what is \(line)?")
            }
        }
        close()
        return bodies
    }

    /// `4111111111111111` is a card, `4099999992/021000021` a bank account. Its code says which one of the request it is.
    private static func option(_ word: String, _ place: Int) -> String {
        let parts = word.split(separator: "/")
        let number = parts[0]
        let rest =
            parts.count > 1
            ? #""type":"BC","accountAccessory":"\#(parts[1])""# : #""accountAccessory":"1233","csc":"847""#
        return
            #"{"accountNumber":"\#(number)",\#(rest),"holderName":"Ann Lee","code":"option-\#(place)-{stamp}"}"#
    }

    private func subscription(_ words: [String]) throws -> String {
        var words = words[...]
        guard let amount = words.popFirst(), let cycle = words.popFirst() else {
            throw SetupFailure("\(name): subscription AMOUNT CYCLE from DATE")
        }
        var fields = [#""amount":\#(amount)"#, #""billingCycleType":"\#(cycle)""#]
        while let word = words.popFirst(), let value = words.popFirst() {
            switch word {
            case "from": fields.append(#""firstBillingDate":"\#(value)""#)
            case "length": fields.append(#""length":\#(value)"#)
            case "every": fields.append(#""billingInterval":\#(value)"#)
            case "tax": fields.append(#""taxAmount":\#(value)"#)
            case "by": fields.append(#""paymentOptionId":"*option-\#(value)-{stamp}""#)
            default: throw SetupFailure("\(name): subscription … \(word)?")
            }
        }
        return "{\(fields.joined(separator: ","))}"
    }
}
