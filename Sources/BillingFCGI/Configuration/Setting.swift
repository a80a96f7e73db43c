/// One row of the table of settings (spec 6.4): all that is known of a `BILLING_*` name.
struct Setting: Sendable {
    /// What a value looks like; decides how it is checked.
    enum Form: Sendable {
        /// Any text that is not empty.
        case text
        /// A whole number in this range.
        case integer(ClosedRange<Int>)
        /// Seconds in this range, with up to three decimals.
        case seconds(ClosedRange<Int>)
        /// A Unix socket's path or `host:port`.
        case address
        /// A path that begins with `/`.
        case path
        /// An address that begins with `https://` or `http://`.
        case url
        /// One of these words.
        case word([String])
    }

    /// Its name in the environment and in the file.
    let name: String
    /// The value when nothing is set.
    let defaultValue: String
    /// The unit of the value, nil where it has none.
    let unit: String?
    /// Which values are possible.
    let form: Form
    /// Whether the value is never shown.
    let isSecret: Bool
    /// One sentence for the operator.
    let meaning: String

    init(
        _ name: String, _ form: Form, default: String, unit: String? = nil, isSecret: Bool = false,
        _ meaning: String
    ) {
        self.name = name
        self.form = form
        self.defaultValue = `default`
        self.unit = unit
        self.isSecret = isSecret
        self.meaning = meaning
    }

    /// What is wrong with a value, as the end of a sentence: `give a whole number from 1 to 64`; nil when possible.
    func complaint(about value: String) -> String? {
        switch form {
        case .text:
            return value.isEmpty ? "give a value" : nil
        case .integer(let range):
            if let number = Self.integer(value), range.contains(number) { return nil }
            let what = unit.map { "a number of \($0)" } ?? "a whole number"
            return "give \(what) from \(range.lowerBound) to \(range.upperBound)"
        case .seconds(let range):
            if let milliseconds = Self.milliseconds(value),
                milliseconds > 0, milliseconds >= range.lowerBound * 1_000,
                milliseconds <= range.upperBound * 1_000
            {
                return nil
            }
            let least = range.lowerBound == 0 ? "0.001" : String(range.lowerBound)
            return "give a number of seconds from \(least) to \(range.upperBound)"
        case .address:
            return value.isListenAddress
                ? nil : "give the absolute path of a Unix socket (at most 107 bytes) or host:port"
        case .path:
            return value.hasPrefix("/") && !value.utf8.contains(0) ? nil : "give an absolute path"
        case .url:
            let rest = ["https://", "http://"].first { value.hasPrefix($0) }.map { value.dropFirst($0.count) }
            guard let rest, let first = rest.first, first != "/",
                value.utf8.allSatisfy({ $0 > 32 && $0 < 127 })
            else { return "give an address that begins with https://" }
            return nil
        case .word(let words):
            return words.contains(value) ? nil : "give one of \(words.joined(separator: ", "))"
        }
    }

    /// A whole number without a sign and without anything else.
    static func integer(_ text: some StringProtocol) -> Int? {
        guard !text.isEmpty, text.utf8.allSatisfy({ (48...57).contains($0) }) else { return nil }
        return Int(text)
    }

    /// `20` or `0.25` seconds in milliseconds; nil for anything else.
    static func milliseconds(_ text: String) -> Int? {
        let parts = text.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
        guard let whole = integer(parts[0]), whole < 1_000_000_000 else { return nil }
        guard parts.count == 2 else { return whole * 1_000 }
        guard (1...3).contains(parts[1].utf8.count), let decimals = integer(parts[1]) else { return nil }
        return whole * 1_000 + decimals * [100, 10, 1][parts[1].utf8.count - 1]
    }
}
