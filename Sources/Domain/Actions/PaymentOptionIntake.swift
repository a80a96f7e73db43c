/// Checks the account data of new payment options against the business date, vaults them and stores the options.
struct PaymentOptionIntake {
    let forms: [PaymentOptionForm]
    let customer: Identifier<Customer>
    let account: Int64
    /// Whether the customer has no option that stands where none is named: the first of these becomes the default (spec 2.2
    /// isDefault).
    let isFirst: Bool
    let moment: Moment
    /// The path of the list the forms came in; nil for a single one.
    var path: String?

    /// Whether a customer has no default, or one that a hard decline ended: that one stands for nothing any more, and gives its
    /// place up (spec 5.5).
    static func takesDefault(
        of customer: Identifier<Customer>, account: Int64, in store: any Store
    ) throws -> Bool {
        guard let existing = try store.defaultPaymentOption(of: customer, account: account) else {
            return true
        }
        guard !existing.particulars.isActive else { return false }
        try store.clearDefaultOption(of: customer, account: account)
        return true
    }

    /// - Returns: the options as stored, by id and code.
    func store(in store: any Store, vault: any NumberVault) throws -> [NewPaymentOption] {
        guard !forms.isEmpty else { return [] }
        let ids = try store.reservePaymentOptionIDs(forms.count)
        let key = try VaultKey.of(account, in: store, vault: vault)
        let chosen = forms.firstIndex(where: \.particulars.isDefault) ?? (isFirst ? 0 : nil)
        var options: [NewPaymentOption] = []
        var faults: [Fault] = []
        for (index, form) in forms.enumerated() {
            do {
                let source = try accountData(of: form, in: store, vault: vault, key: key)
                var particulars = form.particulars
                particulars.isDefault = index == chosen
                options.append(
                    NewPaymentOption(
                        id: ids[index], accountID: account, customerID: customer, code: form.code,
                        type: source.type,
                        accountMask: source.mask, accessoryShown: source.accessoryShown,
                        tokenCode: try vault.newToken(), particulars: particulars,
                        sealed: try vault.seal(
                            source.numbers, account: account, option: ids[index].rawValue, key: key),
                        fingerprint: try vault.fingerprint(
                            of: source.numbers.number, account: account, key: key),
                        createDate: moment.now))
            } catch let refusal as Refusal {
                faults += path.map { refusal.inside("\($0).\(index)").faults } ?? refusal.faults
            }
        }
        guard faults.isEmpty else { throw Refusal(faults) }
        if chosen != nil, !isFirst { try store.clearDefaultOption(of: customer, account: account) }
        try store.insert(options)
        return options
    }

    private typealias Source = (
        numbers: AccountNumbers, type: AccountType, mask: String, accessoryShown: String
    )

    private func accountData(
        of form: PaymentOptionForm, in store: any Store, vault: any NumberVault, key: [UInt8]
    ) throws -> Source {
        if let token = form.token {
            guard let origin = try store.paymentOption(token: token, account: account),
                let sealed = try store.sealedNumbers(of: [origin.id], account: account)[origin.id]
            else { throw Refusal(.notFound, "no account data stand behind this token", field: "token") }
            let numbers = try vault.open(sealed, account: account, option: origin.id.rawValue, key: key)
            return (numbers, origin.type, origin.accountMask, origin.accessoryShown)
        }
        guard let number = form.accountNumber else {
            throw Refusal(.requiredFieldMissing, "accountNumber or token is required", field: "accountNumber")
        }
        guard let accessory = form.accountAccessory else {
            throw Refusal(
                .requiredFieldMissing, "accountAccessory is required with accountNumber",
                field: "accountAccessory")
        }
        guard let type = AccountData.type(sent: form.type, number: number) else {
            throw Refusal(
                .valueNotAllowed, "the type cannot be told from this number: send it", field: "type")
        }
        try AccountAccessory.check(accessory, of: type, on: moment.businessDate)
        return (
            AccountNumbers(number: number, accessory: accessory), type,
            type.isBank ? BankAccount.mask(number) : CardNumber.mask(number),
            AccountAccessory.shown(accessory, of: type)
        )
    }
}

/// Expiry dates and routing numbers (spec 2.2 accountAccessory).
enum AccountAccessory {
    /// Refuses a malformed accessory, and a card that is past its expiry on this date.
    static func check(_ accessory: String, of type: AccountType, on date: CalendarDate) throws {
        if type.isBank {
            guard BankAccount.isValidRoutingNumber(accessory) else {
                throw Refusal(
                    .valueNotAllowed, "the routing number has 9 digits of which the last is a check digit",
                    field: "accountAccessory")
            }
        } else {
            guard let expiry = CardExpiry(accessory) else {
                throw Refusal(.valueNotAllowed, "a card's expiry is written MMYY", field: "accountAccessory")
            }
            guard !expiry.isPast(on: date) else {
                throw Refusal(.valueNotAllowed, "the card has expired", field: "accountAccessory")
            }
        }
    }

    /// As answers show it: a card's expiry, a routing number masked.
    static func shown(_ accessory: String, of type: AccountType) -> String {
        type.isBank ? BankAccount.mask(accessory) : accessory
    }
}

/// The data key of a merchant account, made when it is first needed.
enum VaultKey {
    /// The account's wrapped key.
    static func of(_ account: Int64, in store: any Store, vault: any NumberVault) throws -> [UInt8] {
        if let key = try store.vaultKey(of: account) { return key }
        return try store.insertVaultKey(vault.newKey(for: account), for: account)
    }
}
