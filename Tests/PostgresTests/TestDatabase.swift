import Postgres
import TestSupport

/// A database for one test, and connections to it.
struct TestDatabase {
    let connectionString: String

    init() throws { connectionString = try PrivateServer.shared.createDatabase() }

    func connect(
        statementTimeout: Int = 20_000, lockTimeout: Int = 10_000, networkTimeout: Int = 30_000,
        settings: [(name: String, value: String)] = []
    ) throws -> Connection {
        try Connection(
            ConnectionSettings(
                connectionString, applicationName: "test", statementTimeout: statementTimeout,
                lockTimeout: lockTimeout, networkTimeout: networkTimeout, runtimeSettings: settings))
    }

    /// A connection to a database with one table, `account`.
    func connectWithAccounts() throws -> Connection {
        let connection = try connect()
        try connection.script(
            """
            create table account (
                id bigint constraint account_pk primary key,
                name text not null,
                balance bigint not null constraint account_balance_not_negative check (balance >= 0)
            );
            insert into account values (1, 'one', 100), (2, 'two', 200)
            """)
        return connection
    }
}

/// The statements of the tests' table.
enum Account {
    static let load = Statement("account.load", "select id, name, balance from account where id = $1")
    static let insert = Statement(
        "account.insert", "insert into account (id, name, balance) values ($1, $2, $3)")
    static let add = Statement("account.add", "update account set balance = balance + $2 where id = $1")
    static let count = Statement("account.count", "select count(*) from account")
}

/// The failure that the body throws; nil when it throws none.
func failure(of body: () throws -> Void) -> DatabaseFailure? {
    do {
        try body()
        return nil
    } catch {
        return error as? DatabaseFailure
    }
}
