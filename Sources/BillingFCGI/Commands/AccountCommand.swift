import ArgumentParser
import Domain
import Interchange
import Persistence
import Vault

/// `billing account …`: merchant accounts (spec 2.11).
struct AccountCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "account", abstract: "Creates, shows and changes merchant accounts.",
        subcommands: [Create.self, Show.self, Set.self, List.self])

    /// What the fields of an account are, for help texts.
    fileprivate static let fields =
        "Fields: "
        + Descriptions.merchantAccount.facts.fields.filter { $0.mode != .readOnly }.map(\.name).joined(
            separator: ", ") + "."

    /// `billing account create`.
    struct Create: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Creates a merchant account.", discussion: AccountCommand.fields)

        @Option(help: "Its number, from 1 to 2147483647.")
        var id: Int64

        @Option(help: "Its name.")
        var name: String

        @Option(help: "sandbox (the default) or live. Only a sandbox account's clock can be moved.")
        var mode: String?

        @Option(help: "IANA name of its time zone (default: UTC).")
        var timeZone: String?

        @Option(help: "ISO 4217 code of its currency (default: USD).")
        var currency: String?

        @Option(name: .customLong("set"), help: "Another field; may be repeated.")
        var settings: [String] = []

        @OptionGroup var answer: AnswerOptions

        func validate() throws {
            var fields = AccountFields()
            try fields.add(assignments: settings)
        }

        func run() throws {
            var fields = AccountFields()
            fields.add("name", name)
            fields.add("mode", mode)
            fields.add("timeZone", timeZone)
            fields.add("currency", currency)
            try fields.add(assignments: settings)
            guard let dollar = Currency(code: "USD") else { preconditionFailure("no dollar") }
            let start = MerchantAccount(id: id, name: name, currency: dollar)
            let created = try Configuration.read().operating { store in
                var account = start
                try fields.apply(to: &account, purpose: .create, zones: store.timeZones)
                try store.createAccount(account)
                return account
            }
            answer.show(created.document) { "created merchant account \(id)" }
        }
    }

    /// `billing account show`.
    struct Show: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Shows a merchant account.")

        @Argument(help: "Its number.")
        var id: Int64

        @OptionGroup var answer: AnswerOptions

        func run() throws {
            let document = try Configuration.read().operating { try $0.existingAccount(id) }.document
            answer.show(document) { Terminal.fields(of: document) }
        }
    }

    /// `billing account set`.
    struct Set: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Changes fields of a merchant account.",
            discussion: "\(AccountCommand.fields) An empty value sets a field back to its default.")

        @Argument(help: "Its number.")
        var id: Int64

        @Argument(help: ArgumentHelp("What to change.", valueName: "field=value"))
        var settings: [String]

        @OptionGroup var answer: AnswerOptions

        func validate() throws {
            var fields = AccountFields()
            try fields.add(assignments: settings)
        }

        func run() throws {
            var fields = AccountFields()
            try fields.add(assignments: settings)
            let changed = try Configuration.read().writing(for: id) { store in
                guard let stored = try store.lockedAccount(id)?.account else {
                    throw Refusal(.notFound, "there is no merchant account \(id)")
                }
                var account = stored
                try fields.apply(to: &account, purpose: .modify, zones: store.timeZones)
                return try ModifyMerchantAccount(stored, account).execute(
                    in: store, processors: Services.processorNames, nearest: { NearMiss.of($0, among: $1) },
                    by: Actor(name: "operator", requestID: Random.requestID()))
            }
            answer.show(changed.document) { "changed merchant account \(id)" }
        }
    }

    /// `billing account list`.
    struct List: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Lists the merchant accounts.")

        @OptionGroup var answer: AnswerOptions

        func run() throws {
            let accounts = try Configuration.read().operating { try $0.accounts() }.map(\.account)
            answer.show(.list(accounts.map(\.document))) {
                guard !accounts.isEmpty else {
                    return "there is no merchant account: `billing account create` makes one"
                }
                return Terminal.columns(
                    [["ID", "MODE", "TIME ZONE", "CURRENCY", "NAME"]]
                        + accounts.map {
                            [String($0.id), $0.mode.rawValue, $0.timeZone, $0.currency.code, $0.name]
                        })
            }
        }
    }
}

extension OperatorStore {
    /// The account; V24 when there is none such.
    func existingAccount(_ id: Int64) throws -> MerchantAccount {
        guard let state = try account(id) else {
            throw Refusal(.notFound, "there is no merchant account \(id)")
        }
        return state.account
    }
}

extension Configuration {
    /// Runs a body in one transaction with an account within reach, as the owner of the schema, over a connection of its own.
    func writing<Result>(for account: Int64, _ body: (any Store) throws -> Result) throws -> Result {
        let books = PostgresBooks(connection(as: .owner, for: "command"))
        defer { books.close() }
        return try books.transaction(reaching: [account], body)
    }

    /// Runs a body with what operators read and write, as the owner of the schema, over a connection of its own.
    func operating<Result>(
        statementSeconds: Int? = nil, _ body: (OperatorStore) throws -> Result
    ) throws -> Result {
        let books = PostgresBooks(
            connection(as: .owner, for: "command", statementSeconds: statementSeconds))
        defer { books.close() }
        return try books.operating(body)
    }
}
