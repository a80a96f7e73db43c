/// A line of the double-entry journal: an amount from the credited to the debited ledger account (spec 5.3).
public struct LedgerEntry: Sendable {
    /// The day in the books.
    public var date: CalendarDate
    public var accountID: Int64
    public var customerID: Identifier<Customer>
    public var transactionID: Identifier<Transaction>
    /// Its place among the lines of its transaction, from 1.
    public var line: Int
    public var type: TransactionType
    /// The transaction's code; nil when none was given.
    public var code: String?
    /// The transaction that this one reverses, refunds, declines or charges back.
    public var sourceID: Identifier<Transaction>?
    public var move: LedgerLine

    /// A line as stored.
    public init(
        date: CalendarDate, accountID: Int64, customerID: Identifier<Customer>,
        transactionID: Identifier<Transaction>, line: Int, type: TransactionType, code: String?,
        sourceID: Identifier<Transaction>?, move: LedgerLine
    ) {
        self.date = date
        self.accountID = accountID
        self.customerID = customerID
        self.transactionID = transactionID
        self.line = line
        self.type = type
        self.code = code
        self.sourceID = sourceID
        self.move = move
    }

    /// Where it stands in the journal.
    public var position: LedgerPosition {
        LedgerPosition(date: date, transactionID: transactionID, line: line)
    }
}

/// A place in an account's journal, which goes by date, transaction and line.
public struct LedgerPosition: Hashable, Sendable {
    public var date: CalendarDate
    public var transactionID: Identifier<Transaction>
    public var line: Int

    /// The place of this line.
    public init(date: CalendarDate, transactionID: Identifier<Transaction>, line: Int) {
        self.date = date
        self.transactionID = transactionID
        self.line = line
    }

    /// Reads what ``description`` wrote; nil for anything else.
    public init?(_ text: String) {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 3, let date = CalendarDate(String(parts[0])), let id = Int64(parts[1]), id > 0,
            let line = Int16(parts[2]), line > 0
        else { return nil }
        self.init(date: date, transactionID: Identifier(id), line: Int(line))
    }
}

extension LedgerPosition: CustomStringConvertible {
    /// `2027-01-31.650001.1`.
    public var description: String { "\(date).\(transactionID).\(line)" }
}

/// Which part of an account's journal is wanted; both dates inclusive.
public struct LedgerRange: Hashable, Sendable {
    public var accountID: Int64
    public var from: CalendarDate?
    public var to: CalendarDate?

    /// The journal of an account between two dates.
    public init(accountID: Int64, from: CalendarDate? = nil, to: CalendarDate? = nil) {
        self.accountID = accountID
        self.from = from
        self.to = to
    }
}
