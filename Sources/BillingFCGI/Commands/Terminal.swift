import ArgumentParser
import Glibc
import Interchange

/// `--json`, which every command that answers has.
struct AnswerOptions: ParsableArguments {
    @Flag(help: "Answer with one JSON document, for programs.")
    var json = false

    /// Shows an answer: the document with `--json`, else the text for people.
    func show(_ document: @autoclosure () -> Value, text: () -> String) {
        if json {
            Terminal.write(Terminal.line(document()), to: STDOUT_FILENO)
        } else {
            let text = text()
            if !text.isEmpty { Terminal.write(text + "\n", to: STDOUT_FILENO) }
        }
    }
}

/// What goes to the terminal, or to whatever stands in its place.
enum Terminal {
    /// One sentence on standard error.
    static func complain(_ sentence: String) {
        write("billing: \(sentence)\n", to: STDERR_FILENO)
    }

    /// Tells people at a terminal what work has begun; programs hear nothing.
    static func announce(_ text: String) {
        if isatty(STDERR_FILENO) == 1 { write("\(text) …\n", to: STDERR_FILENO) }
    }

    /// Writes all of a text.
    static func write(_ text: String, to descriptor: Int32) {
        _ = write(Array(text.utf8), to: descriptor)
    }

    /// Writes all of these bytes; false where that is not possible, for the reason in `errno`.
    static func write(_ bytes: [UInt8], to descriptor: Int32) -> Bool {
        var rest = bytes[...]
        while !rest.isEmpty {
            let put = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if put > 0 { rest = rest.dropFirst(put) } else if put == 0 || errno != EINTR { return false }
        }
        return true
    }

    /// A document as one line.
    static func line(_ document: Value) -> String {
        var writer = ByteWriter()
        document.writeJSON(into: &writer)
        return String(decoding: writer.bytes, as: UTF8.self) + "\n"
    }

    /// Rows in columns: each as wide as its widest cell, two spaces between, none at the end of a line.
    static func columns(_ rows: [[String]]) -> String {
        var widths: [Int] = []
        for row in rows {
            for (index, cell) in row.enumerated() {
                if index == widths.count { widths.append(0) }
                widths[index] = max(widths[index], cell.count)
            }
        }
        return rows.map { row in
            var line = ""
            for (index, cell) in row.enumerated() {
                line += cell
                if row[(index + 1)...].contains(where: { !$0.isEmpty }) {
                    line += String(repeating: " ", count: widths[index] - cell.count + 2)
                }
            }
            return line
        }.joined(separator: "\n")
    }

    /// The members of an object, a line each.
    static func fields(of object: Value) -> String {
        guard case .object(let members) = object else { return "" }
        return columns(members.map { [$0.name, text(of: $0.value)] })
    }

    private static func text(of value: Value) -> String {
        switch value {
        case .null: "-"
        case .boolean(let value): value ? "yes" : "no"
        case .integer(let number): String(number)
        case .real(let number): String(number)
        case .text(let text): text
        case .list(let items): items.isEmpty ? "-" : items.map { self.text(of: $0) }.joined(separator: ", ")
        case .object(let members):
            members.map { "\($0.name) \(self.text(of: $0.value))" }.joined(separator: ", ")
        }
    }
}
