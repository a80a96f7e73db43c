public import Domain
public import Postgres

/// Everything the actions read and write, inside one transaction of ``PostgresBooks``.
///
/// Each part of the port is an extension in a file of its own under `Stores/`, its SQL next to its row mapping. What
/// reads sends at once, with all that is queued; what writes is queued and goes out with the next reading or with the
/// commit. Failures of the database are thrown as they are: the books turn them into what they stand for.
public final class PostgresStore {
    /// The connection, inside a transaction whose tenants are set.
    public let connection: Connection
    /// The merchant accounts within reach, ascending. They stand in the SQL besides row-level security, so that keys
    /// are used.
    public let accounts: [Int64]

    /// A store over a connection on which row-level security already lets these accounts through.
    public init(_ connection: Connection, reaching accounts: [Int64]) {
        self.connection = connection
        self.accounts = accounts
    }

    /// The accounts within reach, as a parameter for `account_id = any ($n)`.
    var reach: Parameter { .ints(accounts) }

    /// The accounts within reach, narrowed to one where a filter names it; empty when it is out of reach.
    func reach(narrowedTo account: Int64?) -> [Int64] {
        guard let account else { return accounts }
        return accounts.contains(account) ? [account] : []
    }
}

extension PostgresStore {
    /// Numbers for objects about to be stored. Those that are somebody's code already are passed over: an object without a code
    /// goes by its number (spec 2 code).
    func reserve<Subject>(_ count: Int, by statement: Statement) throws -> [Identifier<Subject>] {
        var numbers: [Identifier<Subject>] = []
        while numbers.count < count {
            numbers += try connection.rows(statement, reservation(count - numbers.count))
                .map { $0.identifier(0) }
        }
        return numbers
    }

    private func reservation(_ count: Int) -> [Parameter] { [.int(Int64(count)), .ints(accounts)] }

    public func foresee(_ readings: [ForeseenReading], account: Int64) {
        guard accounts.contains(account) else { return }
        connection.readAhead(
            readings.map { reading in
                switch reading {
                case .openItems(let customer): .init(Self.readOpenItems, [.int(account), .ids([customer])])
                case .openAttempts(let customer):
                    .init(Self.readOpenAttempts, [.int(account), .ids([customer])])
                case .transactionIDs(let count):
                    .init(Self.reserveTransactions, reservation(count), lasts: true)
                case .paymentOptionIDs(let count): .init(Self.reserveOptions, reservation(count), lasts: true)
                case .paymentOption(let customer, let reference):
                    .init(Self.loadOption[reference], [.int(account), .id(customer)] + reference.parameters)
                case .defaultPaymentOption(let customer):
                    .init(Self.loadDefaultOption, [.int(account), .id(customer)])
                case .vaultKey: .init(Self.readVaultKey, [.int(account)], lasts: true)
                }
            })
    }
}
