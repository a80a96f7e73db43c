/// One line of a journal entry: the same amount debited to one ledger account and credited to another.
///
/// An entry made of such lines cannot fail to sum to zero.
public struct LedgerLine: Hashable, Sendable {
    public var debit: String
    public var credit: String
    public var amount: Money

    /// So much from the credited to the debited account.
    public init(debit: String, credit: String, amount: Money) {
        self.debit = debit
        self.credit = credit
        self.amount = amount
    }
}

/// The double-entry journal of each transaction (spec 5.3).
public enum Ledger {
    /// The ledger account that customers' balances are the sum of.
    public static let receivable = "receivable"

    /// The lines that a transaction of one of the types that stand on their own writes.
    ///
    /// - Parameters:
    ///   - facts: the transaction.
    ///   - processor: the processor whose clearing account the money passes; used for cards and bank accounts only.
    /// - Returns: nil for the types that take their lines from another transaction (`reversing`).
    public static func lines(of facts: TransactionFacts, processor: String) -> [LedgerLine]? {
        switch facts.type {
        case .invoice:
            debt(facts, to: facts.subscriptionID == nil ? "revenue:other" : "revenue:recurring")
        case .serviceFee, .lateFee, .accessFee, .collectionsFee, .collectionsReturnFee:
            debt(facts, to: "revenue:fees")
        case .credit:
            [LedgerLine(debit: "revenue:credits", credit: receivable, amount: facts.amount)]
        case .payment, .claim:
            [LedgerLine(debit: means(facts.accountType, processor), credit: receivable, amount: facts.amount)]
        case .writeOff:
            [LedgerLine(debit: "expense:write-off", credit: receivable, amount: facts.amount)]
        case .chargeback:
            [LedgerLine(debit: receivable, credit: "clearing:chargebacks", amount: facts.amount)]
        case .void, .refund, .decline:
            [LedgerLine(debit: receivable, credit: means(facts.accountType, processor), amount: facts.amount)]
        case .invoiceReversal, .creditReversal, .refundReversal, .chargebackReversal: nil
        }
    }

    /// The lines of the transaction that reverses the one with these lines: the same with the sides exchanged.
    public static func reversing(_ lines: [LedgerLine]) -> [LedgerLine] {
        lines.map { LedgerLine(debit: $0.credit, credit: $0.debit, amount: $0.amount) }
    }

    private static func debt(_ facts: TransactionFacts, to revenue: String) -> [LedgerLine] {
        [
            LedgerLine(debit: receivable, credit: revenue, amount: facts.amount - facts.taxAmount),
            LedgerLine(debit: receivable, credit: "tax-payable", amount: facts.taxAmount),
        ].filter { $0.amount > .zero }
    }

    private static func means(_ type: AccountType?, _ processor: String) -> String {
        switch type {
        case .cash: "cash"
        case .check: "checks"
        case .external: "external"
        case .allowance: "expense:allowance"
        case .writeOff: "expense:write-off"
        default: "clearing:\(processor)"
        }
    }
}
