public import Domain

/// Writes ledger entries as plain-text accounting that hledger and its kin read (spec 1.6 ledger).
///
/// Entries come in any number of pieces, by date, transaction and line, and leave in any number; a transaction's lines
/// make one journal entry, with one posting a ledger account. Amounts are those of the books, in units of the currency.
public struct JournalWriter {
    private let currency: Currency
    private var entry: [LedgerEntry] = []
    private var bytes: [UInt8] = []

    /// How many transactions have been written.
    public private(set) var transactions = 0

    /// A journal with its head: what it holds, and what kind of account each one is.
    public init(account: MerchantAccount, range: LedgerRange) {
        currency = account.currency
        var head = "; Journal of merchant account \(account.id)"
        if let from = range.from { head += ", from \(from)" }
        if let to = range.to { head += ", to \(to)" }
        head += "\n; Minor units are \(currency.exponent) decimals of \(currency.code).\n\n"
        head += "decimal-mark .\n"
        head +=
            "commodity \(currency.exponent == 0 ? "1000." : currency.format(Money(Self.thousand(currency)))) "
        head += "\(currency.code)\n\n"
        for (name, type) in Self.kinds { head += "account \(name)  ; type: \(type)\n" }
        bytes = Array(head.utf8)
    }

    /// Adds a line. The lines of a transaction must follow one another.
    public mutating func add(_ line: LedgerEntry) {
        if let last = entry.last, last.transactionID != line.transactionID || last.date != line.date {
            writeEntry()
        }
        entry.append(line)
    }

    /// Writes what is left of the last transaction.
    public mutating func finish() {
        if !entry.isEmpty { writeEntry() }
    }

    /// What has been written since this was asked for the last time.
    public mutating func take() -> [UInt8] {
        defer { bytes.removeAll(keepingCapacity: true) }
        return bytes
    }

    /// How many bytes wait to be taken.
    public var count: Int { bytes.count }

    private mutating func writeEntry() {
        let first = entry[0]
        var text =
            "\n\(first.date) * (\(first.transactionID)) \(first.type.rawValue) \(Self.name(of: first.type))"
        // Tags end at a comma. A caller's text comes last, and only what cannot be taken for a tag or a date.
        text +=
            "  ; transaction:\(first.transactionID), customer:\(first.customerID), type:\(first.type.rawValue)"
        if let source = first.sourceID { text += ", source:\(source)" }
        if let code = first.code { text += ", code:\(Self.plain(code))" }
        text += "\n"
        for (name, amount) in postings() {
            text += "    \(name)  \(currency.format(amount)) \(currency.code)\n"
        }
        bytes += text.utf8
        transactions += 1
        entry.removeAll(keepingCapacity: true)
    }

    /// What the entry adds to each ledger account, debits above zero, in the order in which the accounts come.
    private func postings() -> [(name: String, amount: Money)] {
        var postings: [(name: String, amount: Money)] = []
        for line in entry {
            for (account, amount) in [
                (line.move.debit, line.move.amount), (line.move.credit, -line.move.amount),
            ] {
                let name = account == Ledger.receivable ? "\(account):\(line.customerID)" : account
                if let index = postings.firstIndex(where: { $0.name == name }) {
                    postings[index].amount += amount
                } else {
                    postings.append((name, amount))
                }
            }
        }
        return postings
    }

    /// A text of a caller that stays one word of a comment, whatever it holds.
    static func plain(_ text: String) -> String {
        String(
            String.UnicodeScalarView(
                text.unicodeScalars.map { scalar in
                    switch scalar {
                    case "A"..."Z", "a"..."z", "0"..."9", ".", "_", ":", "@", "-": scalar
                    default: "_"
                    }
                }))
    }

    private static func name(of type: TransactionType) -> String {
        let meaning = Enumerations.transactionType.codes.first { $0.code == type.rawValue }?.meaning ?? ""
        return String(meaning.prefix { $0 != "," && $0 != ":" && $0 != ";" })
    }

    private static func thousand(_ currency: Currency) -> Int64 {
        (0..<currency.exponent).reduce(1000) { product, _ in product * 10 }
    }

    /// The kinds of the ledger accounts of spec 5.3, in hledger's letters.
    private static let kinds: [(name: String, type: String)] = [
        ("receivable", "A"), ("clearing", "A"), ("cash", "C"), ("checks", "A"), ("external", "A"),
        ("tax-payable", "L"), ("revenue", "R"), ("expense", "X"),
    ]
}
