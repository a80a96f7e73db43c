/// Puts a card or bank account on file of a customer (spec 1.2 ~create).
public struct CreatePaymentOption {
    let form: PaymentOptionForm

    /// Creates the option of this form.
    public init(_ form: PaymentOptionForm) {
        self.form = form
    }

    /// Open invoices that waited for a usable option are collected at the next pass (spec 5.2 step 4 c).
    ///
    /// - Throws: `Refusal`: V21 expired or malformed; V24 unknown token; V29 code in use.
    public func execute(
        _ state: CustomerState, in store: any Store, vault: any NumberVault, by actor: Actor
    ) throws -> PaymentOption {
        let customer = state.customer
        let isFirst = try PaymentOptionIntake.takesDefault(
            of: customer.id, account: customer.accountID, in: store)
        let stored = try PaymentOptionIntake(
            forms: [form], customer: customer.id, account: customer.accountID, isFirst: isFirst,
            moment: state.moment
        ).store(in: store, vault: vault)
        if form.particulars.isActive {
            try store.wakeCollections(
                of: customer.id, account: customer.accountID, on: state.moment.businessDate)
        }
        try store.note(
            "create", on: "payment-option", stored[0].id.rawValue, of: customer.accountID, by: actor)
        guard
            let option = try store.paymentOption(
                of: customer.id, account: customer.accountID, .id(stored[0].id.rawValue))
        else { preconditionFailure("an option just stored is there") }
        return option
    }
}

/// Changes what may change of a payment option (spec 1.2 ~modify).
public struct ModifyPaymentOption {
    let option: PaymentOption
    let form: PaymentOptionForm

    /// Writes this form over the option.
    public init(_ option: PaymentOption, _ form: PaymentOptionForm) {
        self.option = option
        self.form = form
    }

    /// - Throws: `Refusal`: V21 accessory malformed or past; V30 no default left; V31 another number.
    public func execute(
        _ state: CustomerState, in store: any Store, vault: any NumberVault, by actor: Actor
    ) throws -> PaymentOption {
        let account = option.accountID
        if let number = form.claimedNumber {
            let key = try VaultKey.of(account, in: store, vault: vault)
            let claimed = try vault.fingerprint(of: number, account: account, key: key)
            guard try store.numberFingerprint(of: option.id, account: account) == claimed else {
                throw Refusal(.createOnly, "accountNumber cannot be changed", field: "accountNumber")
            }
        }
        var accessoryShown = option.accessoryShown
        var sealed: [UInt8]?
        if let accessory = form.accountAccessory, accessory != option.accessoryShown {
            try AccountAccessory.check(accessory, of: option.type, on: state.moment.businessDate)
            accessoryShown = AccountAccessory.shown(accessory, of: option.type)
            let key = try VaultKey.of(account, in: store, vault: vault)
            guard let current = try store.sealedNumbers(of: [option.id], account: account)[option.id] else {
                throw Refusal(.stateForbids, "the account data of this option have been erased")
            }
            var numbers = try vault.open(current, account: account, option: option.id.rawValue, key: key)
            numbers.accessory = accessory
            sealed = try vault.seal(numbers, account: account, option: option.id.rawValue, key: key)
        }
        guard form.particulars.isDefault || !option.particulars.isDefault else {
            throw Refusal(
                .stateForbids,
                "this is the customer's default option: set isDefault of another one instead",
                field: "isDefault")
        }
        if form.particulars.isDefault, !option.particulars.isDefault {
            try store.clearDefaultOption(of: option.customerID, account: account)
        }
        try store.updatePaymentOption(
            option, form.particulars, accessoryShown: accessoryShown, sealed: sealed)
        if form.particulars.isActive {
            try store.wakeCollections(of: option.customerID, account: account, on: state.moment.businessDate)
        }
        try store.note("modify", on: "payment-option", option.id.rawValue, of: account, by: actor)
        guard
            let changed = try store.paymentOption(
                of: option.customerID, account: account, .id(option.id.rawValue))
        else { preconditionFailure("a stored option is there") }
        return changed
    }
}
