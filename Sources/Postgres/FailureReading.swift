internal import CPostgres

/// Makes failures of what libpq reports.
enum FailureReading {
    /// The failure that a result with an error tells of, taken as a refusal that leaves the connection usable.
    static func failure(_ result: OpaquePointer, statement: String?) -> DatabaseFailure {
        let state = field(result, "C")
        let constraint = field(result, "n")
        let table = field(result, "t")
        var message = field(result, "M") ?? firstLine(of: PQresultErrorMessage(result))
        guard let state else {
            return DatabaseFailure(.other, statement: statement, message: message)
        }
        // Class 22 is about values, and quotes them.
        if state.hasPrefix("22") { message = DatabaseFailure.blankingQuotes(message) }
        return DatabaseFailure(
            DatabaseFailure.kind(
                of: state, constraint: constraint, table: table, column: field(result, "c")),
            sqlState: state, constraint: constraint, table: table, statement: statement, message: message)
    }

    /// Whether the server ends the connection with this message.
    static func isFatal(_ result: OpaquePointer) -> Bool {
        let severity = field(result, "V")
        return severity == "FATAL" || severity == "PANIC"
    }

    /// The failure of a connection attempt, from libpq's verbose text. A refusal of the server reads
    /// `…: FATAL:  53300: sorry, too many clients already`.
    static func refusedConnection(_ text: String, _ connectionString: String) -> DatabaseFailure {
        var message = text.split(whereSeparator: \.isNewline).first.map { String($0) } ?? "no reason given"
        var state: String?
        for line in text.split(whereSeparator: \.isNewline) {
            guard let refusal = refusal(in: Array(line.utf8)) else { continue }
            (state, message) = refusal
        }
        // A misread string may take a piece of the password for a host or a port, and quote it.
        if connectionString.contains("password") || connectionString.contains("://") {
            message = DatabaseFailure.blankingQuotes(message)
        }
        return DatabaseFailure(
            state == "53300" ? .tooManyConnections : .cannotConnect, sqlState: state, message: message)
    }

    /// The SQLSTATE and the message behind it in a line of verbose text: `:`, two spaces, five digits or capital
    /// letters, `:`, a space.
    private static func refusal(in line: [UInt8]) -> (String?, String)? {
        let colon = UInt8(ascii: ":")
        let space = UInt8(ascii: " ")
        for start in line.indices where line[start] == colon && start + 10 <= line.count {
            let state = line[(start + 3)..<(start + 8)]
            let isState = state.allSatisfy { (0x30...0x39).contains($0) || (0x41...0x5A).contains($0) }
            guard line[start + 1] == space, line[start + 2] == space, isState,
                line[start + 8] == colon, line[start + 9] == space
            else { continue }
            return (
                String(decoding: state, as: UTF8.self),
                String(decoding: line[(start + 10)...], as: UTF8.self)
            )
        }
        return nil
    }

    /// One field of an error; the codes are those of `PG_DIAG_…` in libpq.
    private static func field(_ result: OpaquePointer, _ code: Unicode.Scalar) -> String? {
        PQresultErrorField(result, Int32(code.value)).map { String(cString: $0) }
    }

    private static func firstLine(of text: UnsafePointer<CChar>?) -> String {
        guard let text else { return "no reason given" }
        return String(String(cString: text).prefix { !$0.isNewline })
    }
}
