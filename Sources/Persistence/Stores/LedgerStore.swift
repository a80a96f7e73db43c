public import Domain
internal import Postgres

extension PostgresStore: LedgerStore {
    /// Lines are read in the order of their index, and of each its transaction: the plan is the same for any part.
    private static let find = Statement(
        "ledger.find",
        """
        select l.entry_date, l.account_id, l.customer_id, l.transaction_id, l.line, t.type, t.code, t.source_id,
               l.debit, l.credit, l.amount
          from (select * from ledger_entries l
                 where l.account_id = $1 and l.entry_date >= $2 and l.entry_date <= $3
                   and (l.entry_date, l.transaction_id, l.line) > ($4, $5, $6)
                 order by l.entry_date, l.transaction_id, l.line
                 limit $7 offset $8) l
         cross join lateral (
               select * from transactions k
                where k.account_id = l.account_id and k.transaction_id = l.transaction_id offset 0) t
         order by l.entry_date, l.transaction_id, l.line
        """)
    /// 0001-01-01 and 9999-12-31.
    private static let firstDay = CalendarDate(daysSince1970: -719_162)
    private static let lastDay = CalendarDate(daysSince1970: 2_932_896)

    /// Reads a part of an account's journal.
    public func ledgerEntries(
        _ range: LedgerRange, after: LedgerPosition?, offset: Int, limit: Int
    ) throws -> [LedgerEntry] {
        guard accounts.contains(range.accountID) else { return [] }
        let from = range.from ?? Self.firstDay
        let behind = after ?? LedgerPosition(date: from, transactionID: Identifier(0), line: 0)
        return try connection.rows(
            Self.find,
            [
                .int(range.accountID), .day(max(from, behind.date)), .day(range.to ?? Self.lastDay),
                .day(behind.date), .id(behind.transactionID), .int(Int64(behind.line)), .int(Int64(limit)),
                .int(Int64(offset)),
            ]
        ).map { row in
            LedgerEntry(
                date: row.date(0), accountID: row.int(1), customerID: row.identifier(2),
                transactionID: row.identifier(3), line: Int(row.int(4)), type: row.code(5),
                code: row.optionalText(6), sourceID: row.optionalIdentifier(7),
                move: LedgerLine(debit: row.text(8), credit: row.text(9), amount: row.money(10)))
        }
    }
}
