public import Domain
public import Postgres

/// What login, the operator's commands and the health checks read and write, outside any tenant.
///
/// Each method is one round trip and atomic by itself. Merchant accounts and service users are written by the owner
/// of the schema only; logins are read and counted by the workers.
public final class OperatorStore {
    let connection: Connection

    private static let insertAccount = Statement(
        "operator.account.insert",
        """
        insert into merchant_accounts (account_id, name, mode, time_zone, currency, processor, balancing_algorithm,
               invoice_lead_days, close_sales_days, retry_days, on_retries_exhausted, late_fee_amount,
               late_fee_grace_days, soft_decline_fee, hard_decline_fee, retry_fee, chargeback_fee, enrollment_fee,
               cancellation_fee, freeze_flat_fee, freeze_recurring_fee, write_off_days, claim_return_days,
               settlement_time)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22,
               $23, $24::text::time)
        """)
    private static let listAccounts = Statement(
        "operator.account.list",
        "select \(MerchantAccountRow.columns) from merchant_accounts a order by a.account_id")
    private static let loadAccount = Statement(
        "operator.account.load",
        "select \(MerchantAccountRow.columns) from merchant_accounts a where a.account_id = $1")

    /// A store over a connection on which no transaction is open.
    public init(_ connection: Connection) {
        self.connection = connection
    }

    /// Creates a merchant account. V29 when it exists, V21 for a value that is not allowed.
    public func createAccount(_ account: MerchantAccount) throws {
        try connection.run(Self.insertAccount, Self.parameters(account))
    }

    /// The account with its clock; nil when there is none such.
    public func account(_ id: Int64) throws -> AccountState? {
        try connection.rows(Self.loadAccount, [.int(id)]).first.map { MerchantAccountRow.state($0) }
    }

    /// All merchant accounts that the role may see, by id.
    public func accounts() throws -> [AccountState] {
        try connection.rows(Self.listAccounts).map { MerchantAccountRow.state($0) }
    }

    private static func parameters(_ account: MerchantAccount) -> [Parameter] {
        [
            .int(account.id), .text(account.name), .text(account.mode.rawValue), .text(account.timeZone),
            .text(account.currency.code),
        ] + MerchantAccountRow.policy(account)
    }
}
