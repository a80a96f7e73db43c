public import Domain
internal import Postgres

extension PostgresStore: AccountStore {
    private static let load = Statement(
        "account.load",
        """
        select \(MerchantAccountRow.columns)
          from merchant_accounts a
         where a.account_id = $1
        """)
    private static let lock = Statement(
        "account.lock",
        """
        select \(MerchantAccountRow.columns)
          from merchant_accounts a
         where a.account_id = $1
           for no key update of a
        """)
    private static let find = Statement(
        "account.find",
        """
        select \(MerchantAccountRow.columns)
          from merchant_accounts a
         where a.account_id = any ($1) and a.account_id > $2
         order by a.account_id
         limit $3 offset $4
        """)
    private static let updatePolicy = Statement(
        "account.update",
        """
        update merchant_accounts
           set name = $2, time_zone = $3, processor = $4, balancing_algorithm = $5, invoice_lead_days = $6,
               close_sales_days = $7, retry_days = $8, on_retries_exhausted = $9, late_fee_amount = $10,
               late_fee_grace_days = $11, soft_decline_fee = $12, hard_decline_fee = $13, retry_fee = $14,
               chargeback_fee = $15, enrollment_fee = $16, cancellation_fee = $17, freeze_flat_fee = $18,
               freeze_recurring_fee = $19, write_off_days = $20, claim_return_days = $21,
               settlement_time = $22::text::time
         where account_id = $1
        """)
    static let zones = Statement(
        "account.time_zones",
        """
        select name
          from pg_timezone_names
         where name !~ '^(posix|right)/' and name not in ('localtime', 'posixrules', 'Factory')
         order by name
        """)
    private static let moveClock = Statement(
        "account.clock.move",
        """
        update merchant_accounts a
           set clock_at = $2::timestamptz at time zone 'UTC' at time zone a.time_zone
         where a.account_id = $1
        returning \(MerchantAccountRow.columns)
        """)
    private static let insertNote = Statement(
        "audit.note",
        """
        insert into audit_log (account_id, actor, request_id, action, object_type, object_id)
        values ($1, $2, $3, $4, $5, $6)
        """)

    /// Reads the account with its clock.
    public func account(_ id: Int64) throws -> AccountState? {
        guard accounts.contains(id) else { return nil }
        return try connection.rows(Self.load, [.int(id)]).first.map { MerchantAccountRow.state($0) }
    }

    /// Locks and reads the account with its clock.
    public func lockedAccount(_ id: Int64) throws -> AccountState? {
        guard accounts.contains(id) else { return nil }
        return try connection.rows(Self.lock, [.int(id)]).first.map { MerchantAccountRow.state($0) }
    }

    /// Reads the accounts within reach.
    public func merchantAccounts(_ page: Page) throws -> Found<MerchantAccount> {
        let rows = try connection.rows(
            Self.find,
            [reach, .int(page.after ?? 0), .int(Int64(page.limit) + 1), .int(Int64(page.offset))])
        return Found(rows.map { MerchantAccountRow.account($0) }, page: page)
    }

    /// Queues the change of an account's policy; V21 for a value that is not allowed.
    public func updateAccount(_ account: MerchantAccount) throws {
        connection.enqueue(
            Self.updatePolicy,
            [.int(account.id), .text(account.name), .text(account.timeZone)]
                + MerchantAccountRow.policy(account))
    }

    /// The IANA names that the database knows.
    public func timeZones() throws -> [String] {
        try connection.rows(Self.zones).map { $0.text(0) }
    }

    /// Moves the clock; V24 out of reach, V30 for a live account.
    public func setClock(of account: Int64, to local: LocalDateTime) throws -> AccountState {
        guard accounts.contains(account),
            let row = try connection.rows(Self.moveClock, [.int(account), local.wallClock]).first
        else { throw Refusal(.notFound, "there is no merchant account \(account)") }
        return MerchantAccountRow.state(row)
    }

    /// Queues a row of the audit log.
    public func note(
        _ action: String, on object: String, _ id: Int64, of account: Int64, by actor: Actor
    ) throws {
        connection.enqueue(
            Self.insertNote,
            [
                .int(account), .text(actor.name), .text(actor.requestID), .text(action), .text(object),
                .int(id),
            ])
    }
}

/// How a merchant account with its clock is read.
enum MerchantAccountRow {
    /// The columns, from a table under the alias `a`; as many as ``count``.
    static let columns = """
        a.account_id, a.name, a.mode, a.time_zone, a.currency, a.processor, a.balancing_algorithm,
               a.invoice_lead_days, a.close_sales_days, a.retry_days, a.on_retries_exhausted,
               a.late_fee_amount, a.late_fee_grace_days, a.soft_decline_fee, a.hard_decline_fee, a.retry_fee,
               a.chargeback_fee, a.enrollment_fee, a.cancellation_fee, a.freeze_flat_fee,
               a.freeze_recurring_fee, a.write_off_days, a.claim_return_days,
               to_char(a.settlement_time, 'HH24:MI') as settlement_time,
               coalesce(a.clock_at, now()) as moment,
               coalesce(a.clock_at, now()) at time zone a.time_zone at time zone 'UTC' as wall_clock,
               a.clock_at is not null as is_frozen, a.policy_version
        """
    /// How many columns these are.
    static let count = 28

    /// The account, from these columns beginning at a position.
    static func account(_ row: Row, at start: Int = 0) -> MerchantAccount {
        guard let currency = Currency(code: row.text(start + 4)) else {
            preconditionFailure("a merchant account has a currency that ISO 4217 does not know")
        }
        var account = MerchantAccount(id: row.int(start), name: row.text(start + 1), currency: currency)
        account.mode = row.code(start + 2)
        account.timeZone = row.text(start + 3)
        account.processor = row.text(start + 5)
        account.balancingAlgorithm = row.code(start + 6)
        account.invoiceLeadDays = Int(row.int(start + 7))
        account.closeSalesDays = Int(row.int(start + 8))
        account.retryDays = row.int32s(start + 9).map { Int($0) }
        account.onRetriesExhausted = row.code(start + 10)
        account.lateFeeAmount = row.money(start + 11)
        account.lateFeeGraceDays = Int(row.int(start + 12))
        account.softDeclineFee = row.money(start + 13)
        account.hardDeclineFee = row.money(start + 14)
        account.retryFee = row.money(start + 15)
        account.chargebackFee = row.money(start + 16)
        account.enrollmentFee = row.money(start + 17)
        account.cancellationFee = row.money(start + 18)
        account.freezeFlatFee = row.money(start + 19)
        account.freezeRecurringFee = row.money(start + 20)
        account.writeOffDays = Int(row.int(start + 21))
        account.claimReturnDays = Int(row.int(start + 22))
        account.settlementTime = row.text(start + 23)
        account.policyVersion = Int(row.int(start + 27))
        return account
    }

    /// What stands after the currency, in the order of ``columns``, from the processor on.
    static func policy(_ account: MerchantAccount) -> [Parameter] {
        [
            .text(account.processor), .text(account.balancingAlgorithm.rawValue),
            .int(Int64(account.invoiceLeadDays)), .int(Int64(account.closeSalesDays)),
            .int32s(account.retryDays.map { Int32(clamping: $0) }),
            .text(account.onRetriesExhausted.rawValue), .money(account.lateFeeAmount),
            .int(Int64(account.lateFeeGraceDays)), .money(account.softDeclineFee),
            .money(account.hardDeclineFee), .money(account.retryFee), .money(account.chargebackFee),
            .money(account.enrollmentFee), .money(account.cancellationFee), .money(account.freezeFlatFee),
            .money(account.freezeRecurringFee), .int(Int64(account.writeOffDays)),
            .int(Int64(account.claimReturnDays)), .text(account.settlementTime),
        ]
    }

    /// What the account's clock shows.
    static func moment(_ row: Row, at start: Int = 0) -> Moment {
        Moment(
            now: Timestamp(microsecondsSince1970: row.microseconds(start + 24)),
            local: row.localDateTime(start + 25))
    }

    /// The account with its clock.
    static func state(_ row: Row) -> AccountState {
        AccountState(account: account(row), moment: moment(row), isFrozen: row.bool(26))
    }
}
