/// Creates a customer, with the payment options and subscriptions that its form carries: all or nothing (spec 1.1).
public struct CreateCustomer {
    let form: CustomerForm

    /// Creates the customer of this form.
    public init(_ form: CustomerForm) {
        self.form = form
    }

    /// - Returns: the customer as ~load shows it.
    /// - Throws: `Refusal`: V01 no account chosen; V24 account, plan or option out of reach; V29 code in use; V21, V33 nested.
    public func execute(
        in store: any Store, reaching accounts: [Int64], vault: any NumberVault, by actor: Actor
    ) throws -> Customer {
        if !form.paymentOptions.isEmpty,
            let account = form.accountID ?? (accounts.count == 1 ? accounts[0] : nil)
        {
            store.foresee([.paymentOptionIDs(form.paymentOptions.count), .vaultKey], account: account)
        }
        let state = try AccountChoice.state(of: form.accountID, among: accounts, in: store)
        let account = state.account.id
        let id = try store.insertCustomer(
            account: account, code: form.code, form.particulars, status: form.isActive ? .active : .inactive,
            at: state.moment)
        let options = try PaymentOptionIntake(
            forms: form.paymentOptions, customer: id, account: account, isFirst: true, moment: state.moment,
            path: "paymentOptions"
        ).store(in: store, vault: vault)
        for (index, subscription) in form.subscriptions.enumerated() {
            do {
                _ = try SubscriptionIntake(
                    form: subscription, customer: id, account: account, moment: state.moment,
                    newOptions: options
                ).store(in: store)
            } catch let refusal as Refusal {
                throw refusal.inside("subscriptions.\(index)")
            }
        }
        try store.note("create", on: "customer", id.rawValue, of: account, by: actor)
        guard let customer = try store.customer(.id(id.rawValue), complete: true) else {
            preconditionFailure("a customer just stored is there")
        }
        return customer
    }
}

/// Which merchant account a new object goes to (spec 2.1 accountId).
public enum AccountChoice {
    /// The account named, or the only one within reach.
    ///
    /// - Throws: `Refusal`: V01 none is named of several; V24 out of reach.
    public static func state(of named: Int64?, among accounts: [Int64], in store: any Store) throws
        -> AccountState
    {
        guard let id = named ?? (accounts.count == 1 ? accounts[0] : nil) else {
            throw Refusal(
                .requiredFieldMissing,
                "accountId is required: these credentials see several merchant accounts",
                field: "accountId")
        }
        guard accounts.contains(id), let state = try store.account(id) else {
            throw Refusal(.notFound, "there is no merchant account \(id)", field: "accountId")
        }
        return state
    }
}
