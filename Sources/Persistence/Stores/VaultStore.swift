public import Domain
internal import Postgres

// Data keys and sealed numbers: the third part of the port of customers.
extension PostgresStore {
    static let readVaultKey = Statement(
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

    private static let fingerprint = Statement(
        "vault.fingerprint",
        "select fingerprint from vault_entries where account_id = $1 and payment_option_id = $2")
    private static let eraseNumber = Statement(
        "vault.erase", "delete from vault_entries where account_id = $1 and payment_option_id = $2")
    private static let eraseOption = Statement(
        "payment_option.erase",
        """
        update payment_options
           set is_active = false, is_default = false, erase_date = $3, version = version + 1
         where account_id = $1 and payment_option_id = $2
        """)
    private static let subscriptionUsing = Statement(
        "payment_option.subscription_using",
        """
        select s.subscription_id
          from subscriptions s
         where s.account_id = $1 and s.customer_id = $2 and s.status not in ('N', 'E')
           and (s.payment_option_id = $3 or $4 and s.payment_option_id is null)
         order by s.subscription_id
         limit 1
        """)
    /// Somebody else's attempt may go by the token.
    private static let attemptUsing = Statement(
        "payment_option.attempt_using",
        """
        select p.transaction_id
          from attempts p
         where p.account_id = $1 and p.outcome = 'open' and (p.payment_option_id = $2 or p.token = $3)
         order by p.transaction_id
         limit 1
        """)

    /// Reads the keyed hash of an option's number.
    public func numberFingerprint(of option: Identifier<PaymentOption>, account: Int64) throws -> [UInt8]? {
        guard accounts.contains(account) else { return nil }
        return try connection.rows(Self.fingerprint, [.int(account), .id(option)]).first?.bytes(0)
    }

    /// Queues the erasing: first the number, then the mark that it is gone.
    public func erasePaymentOption(_ option: PaymentOption, at moment: Moment) throws {
        let key: [Parameter] = [.int(option.accountID), .id(option.id)]
        connection.enqueue(Self.eraseNumber, key)
        connection.enqueue(Self.eraseOption, key + [.instant(moment.now)])
    }

    /// Reads what still needs the option.
    public func use(of option: PaymentOption) throws -> PaymentOptionUse? {
        let account: Parameter = .int(option.accountID)
        let found = try connection.all([
            (
                Self.subscriptionUsing,
                [account, .id(option.customerID), .id(option.id), .bool(option.particulars.isDefault)]
            ),
            (Self.attemptUsing, [account, .id(option.id), .text(option.tokenCode)]),
        ])
        if let row = found[1].first { return .attempt(row.identifier(0)) }
        return found[0].first.map { .subscription($0.identifier(0)) }
    }

    /// Reads the account's wrapped data key.
    public func vaultKey(of account: Int64) throws -> [UInt8]? {
        guard accounts.contains(account) else { return nil }
        return try connection.rows(Self.readVaultKey, [.int(account)]).first?.bytes(0)
    }

    /// Stores the key unless there is one, and reads the one that counts.
    public func insertVaultKey(_ wrapped: [UInt8], for account: Int64) throws -> [UInt8] {
        connection.enqueue(Self.insertKey, [.int(account), .bytes(wrapped)])
        guard let row = try connection.rows(Self.readVaultKey, [.int(account)]).first else {
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
