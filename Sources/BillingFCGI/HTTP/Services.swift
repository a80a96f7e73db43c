import Domain
import Logging
import Persistence
import Pool
import Postgres
import Processing
import Vault

/// What one process of the server works with: the books, the vault, the processors. Nothing of it is shared between processes.
final class Services {
    let configuration: Configuration
    let books: PostgresBooks
    let vault: AccountVault
    let logger: Logger
    private let sandbox: Sandbox

    /// - Parameters:
    ///   - database: how this process connects, as the role api or jobs.
    ///   - processorLimit: how long one call to a processor may take, in milliseconds.
    ///   - lockTries: how often a transaction is tried in all when it has waited too long for a lock.
    init(
        _ configuration: Configuration, database: ConnectionSettings, processorLimit: Int,
        lockTries: Int = 1, logger: Logger
    ) throws {
        self.configuration = configuration
        self.logger = logger
        books = PostgresBooks(database, lockTries: lockTries)
        vault = AccountVault(try MasterKey.read(from: configuration.keyFile))
        sandbox = Sandbox(configuration.sandboxConnection, timeLimit: processorLimit)
    }

    /// The processors that this program has.
    static let processorNames = [Sandbox.processorName]

    /// The processor of this name (spec 2.11 processor); nil when this server has none such.
    func processor(named name: String) -> (any Processor)? {
        name == sandbox.name ? sandbox : nil
    }

    /// Whether an error is trouble of the database as a whole rather than one object's.
    static func isTrouble(_ error: any Error) -> Bool {
        if let trouble = error as? DatabaseTrouble { return trouble.code == .databaseUnavailable }
        return error is OutcomeUnknown
    }

    /// Whether the database cannot be worked with at all at present, for no merchant account.
    static func isOutage(_ error: any Error) -> Bool {
        guard let trouble = error as? DatabaseTrouble else { return error is OutcomeUnknown }
        return switch trouble.failure.kind {
        case .timeout, .lockTimeout, .serialization: false
        default: trouble.code == .databaseUnavailable
        }
    }

    /// A billing pass over one account until nothing more is due, or for so many batches.
    ///
    /// What is done once a business date, when all else is done, needs the account for itself: it is left to the next
    /// pass while others run, unless this one is to wait for them.
    ///
    /// - Parameter isOneOfMany: whether the passes of other business dates follow at once.
    /// - Returns: what was done; nil while the account's clock is being moved.
    func pass(
        over account: Int64, processor name: String, batches: Int = .max, waiting: Bool = true,
        isOneOfMany: Bool = false
    ) throws -> RunBilling.Report? {
        var run = try run(over: account, processor: name)
        run.asksForNoticesEachTime = isOneOfMany
        let begun = try books.asPass(of: account, waiting: waiting) { try run.execute(batches: batches) }
        guard var report = begun else { return nil }
        try age(run, &report, batches: batches, waiting: waiting)
        return report
    }

    /// The end of a pass: what is done once a business date.
    func age(_ run: RunBilling, _ report: inout RunBilling.Report, batches: Int = .max, waiting: Bool = true)
        throws
    {
        guard report.isDone, try run.hasAgeing() else { return }
        let account = run.account
        if let aged = try books.asOnlyPass(of: account, waiting: waiting, { try run.age(batches: batches) }) {
            report.add(aged)
        }
    }

    /// The billing run of one merchant account, by the processor of this name.
    ///
    /// - Throws: `Refusal`: O01 when the processor is not set up here.
    func run(over account: Int64, processor name: String) throws -> RunBilling {
        guard let processor = processor(named: name) else {
            throw Refusal(
                .configurationLacks, "the merchant account's processor, \(name), is not set up here")
        }
        return RunBilling(
            account: account, books: books, processor: processor, vault: vault, isTrouble: Services.isTrouble)
    }
}

/// The vault as the actions see it.
final class AccountVault: NumberVault {
    private let vault: Vault

    init(_ key: MasterKey) {
        vault = Vault(key)
    }

    func newKey(for account: Int64) throws -> [UInt8] {
        try vault.newDataKey(account: account).bytes
    }

    func seal(_ numbers: AccountNumbers, account: Int64, option: Int64, key: [UInt8]) throws -> [UInt8] {
        try vault.seal(
            "\(numbers.number)/\(numbers.accessory)", account: account, row: option, key: wrapped(key)
        ).bytes
    }

    func open(_ sealed: [UInt8], account: Int64, option: Int64, key: [UInt8]) throws -> AccountNumbers {
        guard let secret = SealedSecret(bytes: sealed) else { throw VaultFailure.notAuthentic }
        return try vault.open(secret, account: account, row: option, key: wrapped(key)).withString { text in
            let parts = text.split(separator: "/", omittingEmptySubsequences: false)
            guard parts.count == 2 else { throw VaultFailure.notAuthentic }
            return AccountNumbers(number: String(parts[0]), accessory: String(parts[1]))
        }
    }

    func fingerprint(of number: String, account: Int64, key: [UInt8]) throws -> [UInt8] {
        try vault.fingerprint(of: number, account: account, key: wrapped(key))
    }

    func newToken() throws -> String { Random.token() }

    private func wrapped(_ key: [UInt8]) throws -> WrappedKey {
        guard let wrapped = WrappedKey(bytes: key) else { throw VaultFailure.notAuthentic }
        return wrapped
    }
}
