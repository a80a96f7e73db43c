import Foundation
import TestSupport
import Testing

/// One run of a sample's script, in one format, with a merchant account of its own.
///
/// Every request is made by the command that the record shows, in a shell where the names are variables.
struct SampleRun {
    let format: Media
    /// The sample as it was in this format, with names in place of what varies.
    private(set) var record = Sample()
    /// What each answer says, whatever the format, and the customers in the end.
    private(set) var said: [Document?] = []

    /// The account that the script was run with.
    let merchant: Merchant
    private var names: SampleNames

    static let shownHeaders = ["Location", "Link", "X-Has-More", "Idempotent-Replay", "Retry-After"]
    static let words: [Media: String] = [.json: "JSON", .xml: "XML", .xurl: "xurl"]

    init(_ format: Media, clock: String) throws {
        self.format = format
        merchant = try Merchant(clock: clock)
        names = SampleNames(account: merchant.account, user: merchant.user)
    }

    /// Runs the script to its end or its first difference; gives back what was different.
    mutating func run(_ script: Sample) throws -> [String] {
        record = script
        record.title += ", in \(Self.words[format] ?? "")"
        record.steps = []
        for step in script.steps {
            let differences = try run(step)
            if !differences.isEmpty {
                return ["\(format): ## \(step.title) (\(step.method) \(step.path))"] + differences
            }
        }
        let end = try end(script.end)
        record.end = end
        if end == script.end { return [] }
        return ["\(format): in the end there is"] + end.lines + ["and not"] + script.end.lines
    }

    // MARK: A step

    private mutating func run(_ step: Sample.Step) throws -> [String] {
        let kind = Self.kind(of: step.path)
        var step = step
        let expected = try document(step.answerText, of: step.title)
        let patterns = step.answerHeaders
        var headers = step.headers.filter { !$0.hasPrefix("Content-Type: ") }
        headers.insert("Accept: \(format.rawValue)", at: 0)
        var compact: String?
        if let document = try document(step.bodyText, of: step.title) {
            let body = SampleBody(document, in: format, root: kind.root)
            step.body = body.pretty.split(separator: "\n").map(String.init)
            compact = body.compact
            headers.insert("Content-Type: \(format.rawValue)", at: 0)
            merchant.stack.secrets.keep(ofBody: body.compact)
        }
        step.headers = headers
        step.command = command(step, compact)
        var answer = try call(step)
        var (known, differences) = compare(answer, step.status, patterns, expected)
        if step.isAwaited, !differences.isEmpty {
            _ = try waitUntil(timeout: 30) {
                answer = try call(step)
                (known, differences) = compare(answer, step.status, patterns, expected)
                return differences.isEmpty
            }
        }
        names = known
        guard differences.isEmpty else { return differences + ["\(answer)"] }
        try keep(answer, step, kind.answer)
        return []
    }

    private func document(_ text: String, of title: String) throws -> Document? {
        if text.isEmpty { return nil }
        guard let document = Document(json: text) else {
            throw SetupFailure("\(title): the script's json is not well-formed: \(text)")
        }
        return document
    }

    private func compare(
        _ answer: Answer, _ status: Int, _ headers: [String], _ expected: Document?
    ) -> (SampleNames, [String]) {
        var known = names
        var differences: [String] = []
        if answer.status != status { differences.append("the status is \(answer.status)") }
        for header in headers {
            let parts = header.components(separatedBy: ": ")
            let value = answer.headers[parts[0].lowercased()] ?? ""
            if !known.match(parts.dropFirst().joined(separator: ": "), value) {
                differences.append("\(parts[0]) is \(value)")
            }
        }
        if let expected {
            let body = answer.body.isEmpty ? nil : SampleBody(answer.body, in: format)?.document
            differences += known.differences(expected, body)
        }
        return (known, differences)
    }

    /// Puts the step and its answer into the record.
    private mutating func keep(_ answer: Answer, _ step: Sample.Step, _ kind: String) throws {
        var kept = step
        kept.answerHeaders = []
        kept.answer = []
        var body: SampleBody?
        if !answer.body.isEmpty {
            let read = try #require(SampleBody(answer.body, in: format), "\(step.title): \(answer.body)")
            #expect(
                answer.body.hasSuffix(read.compact), "\(step.title): written in another way:\n\(answer.body)")
            if answer.status < 300 { names.take(read.document, of: kind) }
            let known = names
            body = read.mapScalars { known.abstracted($0, $1) }
        }
        for name in Self.shownHeaders {
            guard let value = answer.headers[name.lowercased()] else { continue }
            let text = names.abstracted(value).replacingOccurrences(
                of: #"(?<=after=)[^&>{]+"#, with: "…", options: .regularExpression)
            kept.answerHeaders.append("\(name): \(text)")
        }
        kept.answer = body?.pretty.split(separator: "\n").map(String.init) ?? []
        record.steps.append(kept)
        said.append(body?.document.neutral)
    }

    // MARK: The command

    /// The class that a path speaks of: the name of a request's root element, and what the answer is of.
    static func kind(of path: String) -> (root: String, answer: String) {
        let parts = path.prefix { $0 != "?" }.split(separator: "/").dropFirst(2).map(String.init)
        let action = parts.last { $0.hasPrefix("~") }
        let resources = parts.filter { !$0.hasPrefix("~") }
        let collection = resources.enumerated().last { $0.offset % 2 == 0 }?.element ?? ""
        let kind = collection.hasSuffix("s") ? String(collection.dropLast()) : collection
        switch action {
        case nil: return (kind == "account" ? "merchant-account" : kind, kind)
        case "~process": return ("processing-request", kind)
        case "~preview": return ("parameters", "charge")
        case "~explain": return ("parameters", "explanation")
        default: return ("parameters", kind)
        }
    }

    /// The request as a command for a shell that knows the `BILLING_…` variables and the names of earlier answers.
    private func command(_ step: Sample.Step, _ body: String?) -> [String] {
        let path = step.path.replacingOccurrences(of: "/api/v01", with: "")
        var words = ["\"$BILLING_URL\(Self.variables(path))\""]
        if step.method != "GET" { words.insert("-X \(step.method)", at: 0) }
        words += step.headers.map { "-H \(Self.quoted($0))" }
        if let body { words.append("-d \(Self.quoted(body))") }
        var lines = [#"curl --cacert "$BILLING_CA" -u "$BILLING_USER:$BILLING_PASSWORD""#]
        for word in words {
            let last = lines.count - 1
            if last > 0, lines[last].count + word.count + 3 <= 100 {
                lines[last] += " \(word)"
            } else {
                lines[last] += " \\"
                lines.append("  \(word)")
            }
        }
        return lines
    }

    /// Names in braces as variables of a shell, inside double quotes.
    private static func variables(_ text: String) -> String {
        text.replacingOccurrences(of: "{account}", with: "$BILLING_ACCOUNT_ID")
            .replacingOccurrences(of: #"\{(\w+)\}(?!\w)"#, with: "\\$$1", options: .regularExpression)
            .replacingOccurrences(of: #"\{(\w+)\}(?=\w)"#, with: "\\${$1}", options: .regularExpression)
    }

    /// One word of a shell, single quotes around all but the names.
    private static func quoted(_ text: String) -> String {
        let escaped = text.replacingOccurrences(of: "'", with: #"'\''"#)
        let word = escaped.replacingOccurrences(
            of: #"\{([A-Za-z]\w*)\}"#, with: #"'\$$1'"#, options: .regularExpression)
        let whole = "'\(word)'"
        return whole.hasSuffix("''") && whole.contains("$") ? String(whole.dropLast(2)) : whole
    }

    private func call(_ step: Sample.Step) throws -> Answer {
        let known =
            names.values.filter { $0.key != "user" } + [
                ("BILLING_URL", "https://localhost:\(merchant.stack.port)/api/v01"),
                ("BILLING_USER", merchant.user), ("BILLING_PASSWORD", merchant.password),
                ("BILLING_CA", "\(merchant.stack.folder)/ca.pem"),
                ("BILLING_ACCOUNT_ID", "\(merchant.account)"),
            ]
        let script =
            known.map { "\($0.0)='\($0.1)'\n" }.joined()
            + "curl() { command curl -sS -i --noproxy '*' --max-time 120 \"$@\"; }\n"
            + step.command.joined(separator: "\n") + "\n"
        let output = try merchant.stack.withFiles([script]) { files in
            try Subprocess.run("/bin/bash", ["-eu", files[0]])
        }
        guard output.status == 0 else { throw SetupFailure("\(step.title): \(output.errors)") }
        return try merchant.read(output.output, of: step.title)
    }

    // MARK: The end

    /// What holds in the end of the customers that a script speaks of, in the words of the script.
    private mutating func end(_ wanted: Sample.End) throws -> Sample.End {
        var lines = Array(wanted.lines.prefix { !$0.hasPrefix("- ") })
        for line in wanted.lines {
            guard let name = line.prefixMatch(of: #/- customer (\{\w+\}):/#)?.1 else { continue }
            let path = "/customers/\(names.filled(String(name)))"
            let customer = try read(path, of: "customer")
            lines.append("- customer \(name): \(Self.words(of: customer, ["balance", "status"]))")
            for option in customer["paymentOptions"]?.items ?? [] {
                let state = option["isActive"]?.scalar == "true" ? "active" : "inactive"
                lines.append("- payment option \(option["id"]?.scalar ?? "?"): \(state)")
            }
            for subscription in customer["subscriptions"]?.items ?? [] {
                let fields = ["status", "billedCount", "collectedCount", "nextBillingDate"]
                lines.append(
                    "- subscription \(subscription["id"]?.scalar ?? "?"): \(Self.words(of: subscription, fields))"
                )
            }
            let transactions = try read("\(path)/transactions?limit=1000", of: "transaction").items
            if !transactions.isEmpty { lines.append("- transactions of \(name):") }
            for transaction in transactions {
                let words = ["type", "dueDate", "amount", "balance"].compactMap {
                    transaction[$0]?.scalar
                }
                lines.append("  " + words.joined(separator: " "))
            }
        }
        return Sample.End(lines: lines)
    }

    private mutating func read(_ path: String, of kind: String) throws -> Document {
        let answer = try merchant.call("GET", path)
        guard answer.status == 200, let document = Document(json: answer.body) else {
            throw SetupFailure("\(path): \(answer)")
        }
        names.take(document, of: kind)
        let known = names
        let abstracted = document.mapScalars { known.abstracted($0, $1) }
        said.append(abstracted.neutral)
        return abstracted
    }

    /// `status C, billed 2`: fields and their values.
    private static func words(of document: Document, _ fields: [String]) -> String {
        fields.compactMap { field in
            document[field]?.scalar.map { value in
                let word = field.replacingOccurrences(of: "Count", with: "")
                return "\(word == "nextBillingDate" ? "next" : word) \(value)"
            }
        }.joined(separator: ", ")
    }
}
