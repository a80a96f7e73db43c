import Domain
import Interchange

/// `/ledger`: the double-entry journal (spec 1.6, 5.3).
enum LedgerEndpoint {
    static let routes = [
        Route(
            [.get], "/ledger", "find", givesText: true, mark: .extended, parameters: parameters,
            returns: .many(Descriptions.ledgerEntry.facts),
            failures: [.requiredFieldMissing, .notFound, .amountTooLarge],
            meaning: """
                Reads a merchant account's journal, by date, transaction and line: as objects page by page, or all of a \
                range as plain text that hledger reads. A journal of more than \(most / 1_048_576) MiB is refused \
                (V32): ask for fewer days at a time, or use billing ledger export.
                """,
            run: find)
    ]

    /// Longest journal in one answer, in bytes: a worker holds it in memory.
    static let most = 16 * 1_048_576
    /// Lines read at a time.
    static let chunk = 5_000

    private static let parameters = ParameterList([
        ParameterDescription(
            "accountId", .integer(1...2_147_483_647), mark: .extended,
            "Merchant account; required where the credentials see several."),
        ParameterDescription("dateFrom", .date, mark: .extended, "Entries of this day or later."),
        ParameterDescription("dateTo", .date, mark: .extended, "Entries of this day or earlier."),
        ParameterDescription(
            "format", .enumeration(Enumerations.ledgerFormat), mark: .extended,
            "json when absent, unless only text/plain is accepted. A journal is not paged."),
        ParameterDescription(
            "offset", .integer(0...1_000_000_000), default: "0", mark: .extended,
            "Index of the first line wanted."),
        ParameterDescription(
            "limit", .integer(1...1000), default: "100", mark: .extended, "Number of lines wanted at most."),
        ParameterDescription(
            "after", .text(maxLength: 60, form: position), mark: .extended,
            "Continues a list; given by the next link, not made by callers."),
    ])

    private static let position = TextForm(
        "must be taken from a next link", pattern: "^[0-9-]+\\.[0-9]+\\.[0-9]+$", code: .valueNotAllowed,
        accepts: { LedgerPosition($0) != nil })

    static func find(_ call: Call) throws -> Answer {
        let parameters = try call.parameters()
        let format = parameters.text("format") ?? (call.wantsText ? "journal" : "json")
        guard format == "journal" || !call.wantsText else {
            throw Refusal(.notAcceptable, "format=json is not answered as text/plain")
        }
        let account = try call.reading { store in
            try AccountChoice.state(
                of: parameters.integer("accountId"), among: call.accounts, in: store
            ).account
        }
        let range = LedgerRange(
            accountID: account.id, from: parameters.date("dateFrom"), to: parameters.date("dateTo"))
        if format == "journal" { return try journal(of: account, range, call) }
        let after = parameters.text("after").flatMap { LedgerPosition($0) }
        let page = Page(
            offset: after == nil ? Int(parameters.integer("offset") ?? 0) : 0,
            limit: Int(parameters.integer("limit") ?? 100))
        let rows = try call.reading {
            try $0.ledgerEntries(range, after: after, offset: page.offset, limit: page.limit + 1)
        }
        return Answer(Descriptions.ledgerEntry, Found(rows, page: page), of: call, parameters) {
            $0.position.description
        }
    }

    private static func journal(of account: MerchantAccount, _ range: LedgerRange, _ call: Call) throws
        -> Answer
    {
        var text: [UInt8] = []
        try Journal(account: account, range: range).write(
            reading: { after in
                try call.reading { try $0.ledgerEntries(range, after: after, offset: 0, limit: chunk) }
            }
        ) { piece in
            text += piece
            guard text.count <= most else {
                throw Refusal(
                    .amountTooLarge,
                    "the journal of these days is longer than \(most / 1_048_576) MiB: ask for fewer days, by dateFrom and dateTo",
                    field: "dateTo")
            }
        }
        return Answer(text: text, contentType: "text/plain; charset=utf-8")
    }
}

/// An account's journal, read piece by piece and written as plain text: by ~find and by `billing ledger export`.
struct Journal {
    let account: MerchantAccount
    let range: LedgerRange

    /// Writes the whole of it.
    ///
    /// - Parameters:
    ///   - read: the next lines behind a place; none at the end.
    ///   - put: takes the text of these lines.
    /// - Returns: how many transactions there were.
    @discardableResult
    func write(
        reading read: (LedgerPosition?) throws -> [LedgerEntry], _ put: ([UInt8]) throws -> Void
    ) throws -> Int {
        var writer = JournalWriter(account: account, range: range)
        var after: LedgerPosition?
        while true {
            let lines = try read(after)
            guard let last = lines.last else { break }
            for line in lines { writer.add(line) }
            after = last.position
            try put(writer.take())
        }
        writer.finish()
        try put(writer.take())
        return writer.transactions
    }
}
