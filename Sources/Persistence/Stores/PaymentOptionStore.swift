public import Domain
internal import Postgres

// Payment options: the second half of the port of customers.
extension PostgresStore {
    static let optionsOfNamedCustomer = ByReference("payment_option.of_named_customer") { form in
        """
        select \(PaymentOptionRow.columns)
          from \(form.rows(of: "payment_options", where: "x.erase_date is null"))
        """
    }
    static let loadOption = ByReference("payment_option.load") { form in
        """
        select \(PaymentOptionRow.columns)
          from payment_options x
          join merchant_accounts a on a.account_id = x.account_id
         where x.account_id = $1 and x.customer_id = $2 and x.erase_date is null
           and \(form.condition("x", id: "payment_option_id", from: 3))\(form.order("x", limit: 1))
        """
    }
    static let loadDefaultOption = Statement(
        "payment_option.load_default",
        """
        select \(PaymentOptionRow.columns)
          from payment_options x
          join merchant_accounts a on a.account_id = x.account_id
         where x.account_id = $1 and x.customer_id = $2 and x.is_default
        """)
    private static let loadByToken = Statement(
        "payment_option.load_by_token",
        """
        select \(PaymentOptionRow.columns)
          from payment_options x
          join merchant_accounts a on a.account_id = x.account_id
         where x.account_id = $1 and x.token_code = $2 and x.erase_date is null
        """)
    static let reserveOptions = Statement(
        "payment_option.reserve_ids",
        """
        select n.id
          from (select nextval('payment_option_ids') as id from generate_series(1, $1)) n
         where not exists (select from payment_options o where o.account_id = any ($2) and o.code = n.id::text offset 0)
        """)
    private static let insertOptions = Statement(
        "payment_option.insert",
        """
        insert into payment_options (account_id, payment_option_id, customer_id, code, type, account_mask,
               accessory_shown, token_code, holder_name, is_active, is_default, street1, street2, city, state,
               zip_code, country_code, create_date)
        select n.*
          from unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)
               as n (account_id, payment_option_id, customer_id, code, type, account_mask, accessory_shown,
                     token_code, holder_name, is_active, is_default, street1, street2, city, state, zip_code,
                     country_code, create_date)
         where not exists (
               select from payment_options o
                where o.account_id = n.account_id and o.code is null
                  and o.payment_option_id = case when n.code ~ '^[1-9][0-9]{0,17}$' then n.code::bigint end offset 0)
         order by n.payment_option_id
        on conflict (account_id, code) where code is not null do nothing
        returning payment_option_id
        """)
    private static let owner = Statement(
        "payment_option.owner_of_code",
        """
        select payment_option_id
          from payment_options
         where account_id = $1 and (code = $2 or code is null and payment_option_id = $3)
         order by code is null
         limit 1
        """)
    private static let insertSealed = Statement(
        "vault.insert",
        """
        insert into vault_entries (account_id, payment_option_id, sealed, fingerprint)
        select * from unnest($1, $2, $3, $4)
        """)
    private static let update = Statement(
        "payment_option.update",
        """
        update payment_options
           set accessory_shown = $3, holder_name = $4, is_active = $5, is_default = $6, street1 = $7, street2 = $8,
               city = $9, state = $10, zip_code = $11, country_code = $12, version = version + 1
         where account_id = $1 and payment_option_id = $2
        """)
    private static let updateSealed = Statement(
        "vault.update",
        "update vault_entries set sealed = $3 where account_id = $1 and payment_option_id = $2")
    private static let correctMask = Statement(
        "payment_option.correct_mask",
        "update payment_options set account_mask = $3 where account_id = $1 and payment_option_id = $2")
    private static let correctFingerprint = Statement(
        "vault.correct_fingerprint",
        "update vault_entries set fingerprint = $3 where account_id = $1 and payment_option_id = $2")
    private static let clearDefault = Statement(
        "payment_option.clear_default",
        """
        update payment_options
           set is_default = false, version = version + 1
         where account_id = $1 and customer_id = $2 and is_default
        """)
    private static let wake = Statement(
        "collection.wake",
        """
        update collections
           set state = 'due', collect_on = $3
         where account_id = $1 and customer_id = $2 and state = 'waiting'
        """)

    /// Reads an option of this customer.
    public func paymentOption(
        of customer: Identifier<Customer>, account: Int64, _ reference: Reference
    ) throws -> PaymentOption? {
        guard accounts.contains(account) else { return nil }
        return try connection.rows(
            Self.loadOption[reference], [.int(account), .id(customer)] + reference.parameters
        ).first.map { PaymentOptionRow.option($0) }
    }

    /// Reads the customer's default option.
    public func defaultPaymentOption(
        of customer: Identifier<Customer>, account: Int64
    ) throws -> PaymentOption? {
        guard accounts.contains(account) else { return nil }
        return try connection.rows(Self.loadDefaultOption, [.int(account), .id(customer)]).first
            .map { PaymentOptionRow.option($0) }
    }

    /// Finds options of this customer by id.
    public func paymentOptions(
        of customer: Identifier<Customer>, account: Int64, _ filter: PaymentOptionFilter, _ page: Page
    ) throws -> Found<PaymentOption> {
        guard accounts.contains(account) else { return Found([], page: page) }
        var search = Search(
            "payment_option.find", "payment_options", id: "payment_option_id", in: [account], page)
        search.require("c", "x.customer_id = ? and x.erase_date is null", .id(customer))
        if let isActive = filter.isActive { search.require("a", "x.is_active = ?", .bool(isActive)) }
        if let type = filter.type { search.require("t", "x.type = ?", .text(type.rawValue)) }
        let rows = try search.rows(PaymentOptionRow.columns, on: connection)
        return Found(rows.map { PaymentOptionRow.option($0) }, page: page)
    }

    /// Takes numbers from the sequence, rising.
    public func reservePaymentOptionIDs(_ count: Int) throws -> [Identifier<PaymentOption>] {
        try reserve(count, by: Self.reserveOptions)
    }

    /// Inserts options and queues their sealed numbers; V29 with the owner of a code that is taken.
    public func insert(_ options: [NewPaymentOption]) throws {
        guard !options.isEmpty else { return }
        let inserted = try connection.rows(Self.insertOptions, PaymentOptionRow.parameters(options))
        if inserted.count < options.count {
            let stored = Set(inserted.map { $0.int(0) })
            for option in options where !stored.contains(option.id.rawValue) {
                throw try duplicate(
                    Self.owner,
                    [
                        .int(option.accountID), .text(option.code),
                        .int(option.code.flatMap(Reference.number)),
                    ],
                    option.code, "payment option")
            }
        }
        connection.enqueue(
            Self.insertSealed,
            [
                .ints(options.map(\.accountID)), .ints(options.map(\.id.rawValue)),
                .bytesArray(options.map(\.sealed)), .bytesArray(options.map(\.fingerprint)),
            ])
    }

    /// Queues the change of an option whose customer is locked.
    public func updatePaymentOption(
        _ option: PaymentOption, _ particulars: PaymentOptionParticulars, accessoryShown: String,
        sealed: [UInt8]?
    ) throws {
        connection.enqueue(
            Self.update,
            [
                .int(option.accountID), .id(option.id), .text(accessoryShown), .text(particulars.holderName),
                .bool(particulars.isActive), .bool(particulars.isDefault), .text(particulars.street1),
                .text(particulars.street2), .text(particulars.city), .text(particulars.state),
                .text(particulars.zipCode), .text(particulars.countryCode),
            ])
        if let sealed {
            connection.enqueue(
                Self.updateSealed, [.int(option.accountID), .id(option.id), .bytes(sealed)])
        }
    }

    /// Queues what follows from a corrected number; the number itself is sealed by ``updatePaymentOption(_:_:accessoryShown:sealed:)``.
    public func correctNumber(of option: PaymentOption, mask: String, fingerprint: [UInt8]) throws {
        connection.enqueue(Self.correctMask, [.int(option.accountID), .id(option.id), .text(mask)])
        connection.enqueue(
            Self.correctFingerprint, [.int(option.accountID), .id(option.id), .bytes(fingerprint)])
    }

    /// Queues taking the mark from the default option.
    public func clearDefaultOption(of customer: Identifier<Customer>, account: Int64) throws {
        connection.enqueue(Self.clearDefault, [.int(account), .id(customer)])
    }

    /// Reads the option whose token this is.
    public func paymentOption(token: String, account: Int64) throws -> PaymentOption? {
        guard accounts.contains(account) else { return nil }
        return try connection.rows(Self.loadByToken, [.int(account), .text(token)]).first
            .map { PaymentOptionRow.option($0) }
    }

    /// Queues making the invoices due that waited for an option.
    public func wakeCollections(
        of customer: Identifier<Customer>, account: Int64, on date: CalendarDate
    ) throws {
        connection.enqueue(Self.wake, [.int(account), .id(customer), .day(date)])
    }
}

/// How a payment option is read and written. The number itself is in the vault.
enum PaymentOptionRow {
    /// The columns, from the option under the alias `x` and its account under `a`; as many as ``count``.
    static let columns = """
        x.payment_option_id, x.account_id, x.customer_id, x.code,
               x.create_date at time zone a.time_zone at time zone 'UTC' as created, x.type, x.account_mask,
               x.accessory_shown, x.token_code, x.holder_name, x.is_active, x.is_default, x.street1, x.street2,
               x.city, x.state, x.zip_code, x.country_code, x.last_decline_code,
               x.last_decline_date at time zone a.time_zone at time zone 'UTC' as declined, x.version
        """
    /// How many columns these are.
    static let count = 21

    /// The option, from these columns beginning at a position.
    static func option(_ row: Row, at start: Int = 0) -> PaymentOption {
        var particulars = PaymentOptionParticulars()
        particulars.holderName = row.text(start + 9)
        particulars.isActive = row.bool(start + 10)
        particulars.isDefault = row.bool(start + 11)
        particulars.street1 = row.optionalText(start + 12)
        particulars.street2 = row.optionalText(start + 13)
        particulars.city = row.optionalText(start + 14)
        particulars.state = row.optionalText(start + 15)
        particulars.zipCode = row.optionalText(start + 16)
        particulars.countryCode = row.optionalText(start + 17)
        return PaymentOption(
            id: row.identifier(start), accountID: row.int(start + 1), customerID: row.identifier(start + 2),
            code: row.optionalText(start + 3), createDate: row.localDateTime(start + 4),
            type: row.code(start + 5), accountMask: row.text(start + 6),
            accessoryShown: row.text(start + 7), tokenCode: row.text(start + 8), particulars: particulars,
            lastDeclineCode: row.optionalText(start + 18),
            lastDeclineDate: row.optionalLocalDateTime(start + 19), version: Int(row.int(start + 20)))
    }

    /// New options, a column each.
    static func parameters(_ options: [NewPaymentOption]) -> [Parameter] {
        [
            .ints(options.map(\.accountID)), .ints(options.map(\.id.rawValue)),
            .ints(options.map(\.customerID.rawValue)), .optionalTexts(options.map(\.code)),
            .texts(options.map(\.type.rawValue)), .texts(options.map(\.accountMask)),
            .texts(options.map(\.accessoryShown)), .texts(options.map(\.tokenCode)),
            .texts(options.map(\.particulars.holderName)), .bools(options.map(\.particulars.isActive)),
            .bools(options.map(\.particulars.isDefault)), .optionalTexts(options.map(\.particulars.street1)),
            .optionalTexts(options.map(\.particulars.street2)),
            .optionalTexts(options.map(\.particulars.city)),
            .optionalTexts(options.map(\.particulars.state)),
            .optionalTexts(options.map(\.particulars.zipCode)),
            .optionalTexts(options.map(\.particulars.countryCode)),
            .timestamps(options.map(\.createDate.microsecondsSince1970)),
        ]
    }
}
