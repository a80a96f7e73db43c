public import Domain
internal import Postgres

// Data keys and sealed numbers: the third part of the port of customers.
extension PostgresStore {
    private static let key = Statement(
        "vault.key", "select wrapped from vault_keys where account_id = $1")
    private static let insertKey = Statement(
        "vault.key.insert",
        "insert into vault_keys (account_id, wrapped) values ($1, $2) on conflict (account_id) do nothing")
    private static let sealed = Statement(
        "vault.load",
        """
        select payment_option_id, sealed
          from vault_entries
         where account_id = $1 and payment_option_id = any ($2)
        """)

    /// Reads the account's wrapped data key.
    public func vaultKey(of account: Int64) throws -> [UInt8]? {
        guard accounts.contains(account) else { return nil }
        return try connection.rows(Self.key, [.int(account)]).first?.bytes(0)
    }

    /// Stores the key unless there is one, and reads the one that counts.
    public func insertVaultKey(_ wrapped: [UInt8], for account: Int64) throws -> [UInt8] {
        connection.enqueue(Self.insertKey, [.int(account), .bytes(wrapped)])
        guard let row = try connection.rows(Self.key, [.int(account)]).first else {
            throw Refusal(.notFound, "there is no merchant account \(account)")
        }
        return row.bytes(0)
    }

    /// Reads sealed numbers, by option.
    public func sealedNumbers(
        of options: [Identifier<PaymentOption>], account: Int64
    ) throws -> [Identifier<PaymentOption>: [UInt8]] {
        guard accounts.contains(account), !options.isEmpty else { return [:] }
        let rows = try connection.rows(Self.sealed, [.int(account), .ints(options.map(\.rawValue))])
        return Dictionary(uniqueKeysWithValues: rows.map { ($0.identifier(0), $0.bytes(1)) })
    }
}
