public import Domain

extension Descriptions {
    /// spec 1.6 ledger, 5.3.
    public static let ledgerEntry = ObjectDescription<Void, LedgerEntry>(
        "LedgerEntry", plural: "LedgerEntries",
        meaning:
            "A line of the double-entry journal: an amount from the credited to the debited ledger account. The lines of a transaction make its journal entry."
    ) {
        Field.text(
            "id", 40, mark: .extended,
            meaning: "Number of the transaction and place of the line among its lines, 650001-1.",
            get: { "\($0.transactionID)-\($0.line)" })
        Field.date("date", mark: .extended, meaning: "The day in the books.", get: { $0.date })
        Field.integer("accountId", mark: .extended, meaning: "Merchant account.", get: { $0.accountID })
        Field.identifier(
            "customerId", mark: .extended, meaning: "The customer, whose balance is the sum of receivable.",
            get: { $0.customerID })
        Field.identifier(
            "transactionId", mark: .extended, meaning: "The transaction.", get: { $0.transactionID })
        Field.enumeration(
            "transactionType", Enumerations.transactionType, mark: .extended, meaning: "Its type.",
            get: { $0.type })
        Field.text(
            "transactionCode", 60, mark: .extended, meaning: "Its code, your own identifier.",
            get: { $0.code ?? $0.transactionID.description })
        Field.identifier(
            "sourceId", mark: .extended,
            meaning: "The transaction that it reverses, refunds, declines or charges back.",
            get: { $0.sourceID })
        Field.text(
            "debitAccount", 60, mark: .extended,
            meaning: "Ledger account that is debited: receivable, clearing:sandbox, cash, and others.",
            get: { $0.move.debit })
        Field.text(
            "creditAccount", 60, mark: .extended,
            meaning:
                "Ledger account that is credited: receivable, revenue:recurring, tax-payable, and others.",
            get: { $0.move.credit })
        Field.money("amount", mark: .extended, meaning: "Cents, above 0.", get: { $0.move.amount })
    }
}

extension Enumerations {
    /// spec 1.6 ledger.
    public static let ledgerFormat = EnumerationFacts(
        "ledgerFormat",
        [
            EnumerationCode("json", "objects, in the format of the answer: json, xml or xurl"),
            EnumerationCode("journal", "plain-text accounting, which hledger reads"),
        ])
}
