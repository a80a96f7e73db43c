import ArgumentParser
import Interchange
import Persistence
import Processing

/// `billing status`: how the database, the jobs and the books stand.
struct StatusCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status",
        abstract: "Shows how the database, the jobs and the books stand.",
        discussion: """
            Lists what is for a person: subscriptions whose step failed, and payments, refunds and voids whose outcome \
            has been unknown for more than an hour. With --check every rule of the books is tested over all data, and the exit status is 1 when one is broken. \
            Workers and requests are counted on /metrics.
            """)

    /// Most subscriptions and attempts that are listed each.
    static let most = 1_000

    @Flag(help: "Test the invariants of the books; exit status 1 when one is broken.")
    var check = false

    @OptionGroup var answer: AnswerOptions

    func run() throws {
        let configuration = try Configuration.read()
        let state = try configuration.operating { try $0.schemaState() }
        guard case .current = state else {
            try show(Standing(schema: state))
            throw CommandRefusal(Self.advice(on: state))
        }
        var standing = Standing(schema: state)
        try configuration.operating { store in
            standing.heartbeat = try store.secondsSinceHeartbeat()
            standing.missedBills = try store.missedBills(olderThan: configuration.missedBillMinutes * 60)
            standing.oversight = try store.oversight()
            standing.setAside = try store.setAsideSubscriptions(limit: Self.most)
            standing.longOpen = try store.longOpenAttempts(limit: Self.most)
        }
        if check {
            Terminal.announce("checking the books")
            // Reads everything: no limit but that of patience.
            standing.broken = try configuration.operating(statementSeconds: 3_600) { store in
                try store.brokenInvariants()
                    + (configuration.sandboxDatabaseURL == nil
                        ? store.brokenSandboxInvariants()
                        : store.brokenSandboxInvariants { try configuration.copySandboxBook(into: $0) })
            }
        }
        try show(standing)
        guard let broken = standing.broken, !broken.isEmpty else { return }
        let names = Set(broken.map(\.name)).sorted().joined(separator: ", ")
        throw CommandRefusal("\(broken.count) violations of the books' invariants: \(names)")
    }

    private func show(_ standing: Standing) throws {
        answer.show(standing.document) { Terminal.columns(standing.rows) }
    }

    private static func advice(on state: SchemaState) -> String {
        switch state {
        case .current: ""
        case .behind: "migrations are missing: run `billing migrate`"
        case .ahead: "the database is of a newer version: run that version of the program or a later one"
        case .changed: "an applied migration differs from this program's: run the version that applied it"
        }
    }
}

/// What `billing status` has found.
private struct Standing {
    let schema: SchemaState
    /// Seconds since any jobs process gave a sign of life; nil when none runs.
    var heartbeat: Int?
    var missedBills = 0
    var oversight: Oversight?
    var setAside: [SetAsideSubscription] = []
    var longOpen: [LongOpenAttempt] = []
    /// Broken invariants; nil when they were not tested.
    var broken: [BrokenInvariant]?

    init(schema: SchemaState) { self.schema = schema }

    private var schemaWords: (state: String, migrations: [String]) {
        switch schema {
        case .current: ("current", [])
        case .behind(let names): ("behind", names)
        case .ahead(let names): ("ahead", names)
        case .changed(let name): ("changed", [name])
        }
    }

    var document: Value {
        let (state, migrations) = schemaWords
        var members: [Value.Member] = [
            .init("version", .text(Version.current)),
            .init("database", .text("reachable")),
            .init(
                "schema",
                .object([
                    .init("state", .text(state)), .init("migrations", .list(migrations.map { .text($0) })),
                ])),
        ]
        if let oversight {
            members += [
                .init("secondsSinceHeartbeat", heartbeat.map { .integer(Int64($0)) } ?? .null),
                .init("missedBills", .integer(Int64(missedBills))),
                .init("setAsideSubscriptions", .integer(Int64(oversight.setAside))),
                .init("oldOpenAttempts", .integer(Int64(oversight.oldOpenAttempts))),
                .init("setAside", .list(setAside.map(\.document))),
                .init("attemptsForAPerson", .list(longOpen.map(\.document))),
            ]
        }
        if let broken {
            members.append(
                .init(
                    "brokenInvariants",
                    .list(
                        broken.map {
                            .object([
                                .init("name", .text($0.name)), .init("accountId", .integer($0.account)),
                                .init("detail", .text($0.detail)),
                            ])
                        })))
        }
        return .object(members)
    }

    var rows: [[String]] {
        let (state, migrations) = schemaWords
        var rows = [
            ["version", Version.current], ["database", "reachable"],
            ["schema", ([state] + migrations).joined(separator: ", ")],
        ]
        if let oversight {
            rows += [
                ["jobs", heartbeat.map { "alive \($0) s ago" } ?? "none runs"],
                ["missed bills", String(missedBills)],
                ["subscriptions set aside", String(oversight.setAside)],
            ]
            // Of each kind the first tell enough on a terminal.
            rows += setAside.prefix(100).map { one in
                [
                    "  subscription \(one.subscription)",
                    "account \(one.account), customer \(one.customer): \(one.reason); tried again \(one.until) UTC",
                ]
            }
            rows.append(["attempts open over an hour", String(oversight.oldOpenAttempts)])
            rows += longOpen.prefix(100).map { one in
                [
                    "  \(one.kind) \(one.transaction)",
                    "account \(one.account), customer \(one.customer): \(one.amount) since \(one.opened) UTC, "
                        + "asked \(one.lookUps) times, again \(one.nextLookUp) UTC",
                ]
            }
        }
        if let broken {
            rows.append(["invariants", broken.isEmpty ? "all hold" : "\(broken.count) violations"])
            // The names of all are in the sentence that follows; of the details the first tell enough.
            rows += broken.prefix(100).map { ["  \($0.name)", "account \($0.account): \($0.detail)"] }
        }
        return rows
    }
}

extension Configuration {
    /// Reads the sandbox's book out of its own database.
    fileprivate func copySandboxBook(into copy: ProcessorBookCopy) throws {
        let page = 10_000
        let book = try SandboxCopy(sandboxConnection)
        defer { book.close() }
        var entries = try book.entries(after: 0, limit: page)
        while let last = entries.last {
            try copy.add(
                entries.map {
                    CopiedMovement(
                        id: $0.id, account: $0.account, key: $0.key, kind: $0.kind, amount: $0.amount,
                        currency: $0.currency, accountType: $0.accountType, maskedNumber: $0.maskedNumber,
                        originalKey: $0.originalKey, code: $0.code, approvalCode: $0.approvalCode,
                        approvedAmount: $0.approvedAmount, givenBack: $0.givenBack)
                })
            entries = try book.entries(after: last.id, limit: page)
        }
        var notices = try book.reports(after: 0, limit: page)
        while let last = notices.last {
            try copy.add(
                notices.map {
                    CopiedNotice(
                        id: $0.id, account: $0.account, movement: $0.entry, code: $0.code,
                        amount: $0.amount, day: $0.day,
                        isAcknowledged: $0.isAcknowledged)
                })
            notices = try book.reports(after: last.id, limit: page)
        }
    }
}

extension SetAsideSubscription {
    fileprivate var document: Value {
        .object([
            .init("accountId", .integer(account)), .init("customerId", .integer(customer)),
            .init("subscriptionId", .integer(subscription)), .init("reason", .text(reason)),
            .init("times", .integer(Int64(times))), .init("triedAgain", .text(until)),
        ])
    }
}

extension LongOpenAttempt {
    fileprivate var document: Value {
        .object([
            .init("accountId", .integer(account)), .init("customerId", .integer(customer)),
            .init("transactionId", .integer(transaction)), .init("kind", .text(kind)),
            .init("amount", .integer(amount)), .init("openedAt", .text(opened)),
            .init("lookUps", .integer(Int64(lookUps))), .init("nextLookUp", .text(nextLookUp)),
        ])
    }
}
