import Domain

extension MemoryStore {
    func customer(_ reference: Reference, complete: Bool) throws -> Customer? {
        try call()
        guard var customer = match(state.customers, reference, code: { $0.code }) else { return nil }
        if complete {
            let id = customer.id
            customer.paymentOptions = state.options.rows
                .filter { $0.option.customerID == id && !$0.isErased }.map(\.option)
            customer.subscriptions = state.subscriptions.rows
                .filter { $0.subscription.customerID == id }.map(\.subscription)
        }
        return customer
    }

    func lockedCustomer(_ reference: Reference) throws -> CustomerState? {
        try call()
        return match(state.customers, reference, code: { $0.code }).map {
            CustomerState(customer: $0, account: state.account, moment: state.moment)
        }
    }

    func customers(_ filter: CustomerFilter, _ page: Page) throws -> Found<Customer> {
        try call()
        return Found(state.customers.rows, page: page)
    }

    func insertCustomer(
        account: Int64, code: String?, _ particulars: CustomerParticulars, status: Customer.Status,
        at moment: Moment
    ) throws -> Identifier<Customer> {
        try call()
        try refuseCode(
            code, "customer", state.customers.rows.first { code != nil && $0.code == code }?.id.rawValue)
        let id = Identifier<Customer>(world.next(.common))
        state.customers[id.rawValue] = Customer(
            id: id, accountID: account, code: code, createDate: moment.local, particulars: particulars,
            balance: .zero, status: status, version: 1)
        return id
    }

    func updateCustomer(
        _ customer: Customer, _ particulars: CustomerParticulars, status: Customer.Status
    ) throws {
        try call()
        state.customers.change(customer.id.rawValue) {
            $0.particulars = particulars
            $0.status = status
            $0.version += 1
        }
    }

    func paymentOption(
        of customer: Identifier<Customer>, account: Int64, _ reference: Reference
    ) throws -> PaymentOption? {
        try call()
        guard let row = match(state.options, reference, code: { $0.option.code }),
            row.option.customerID == customer, !row.isErased
        else { return nil }
        return row.option
    }

    func defaultPaymentOption(of customer: Identifier<Customer>, account: Int64) throws -> PaymentOption? {
        try call()
        return state.options.rows.first {
            $0.option.customerID == customer && $0.option.particulars.isDefault
        }?.option
    }

    func paymentOptions(
        of customer: Identifier<Customer>, account: Int64, _ filter: PaymentOptionFilter, _ page: Page
    ) throws -> Found<PaymentOption> {
        try call()
        return Found(
            state.options.rows.filter { $0.option.customerID == customer && !$0.isErased }.map(\.option),
            page: page)
    }

    func reservePaymentOptionIDs(_ count: Int) throws -> [Identifier<PaymentOption>] {
        try call()
        return (0..<count).map { _ in Identifier(world.next(.options)) }
    }

    func insert(_ options: [NewPaymentOption]) throws {
        try call()
        for new in options {
            try refuseCode(
                new.code, "payment option",
                state.options.rows.first { new.code != nil && $0.option.code == new.code }?.option.id.rawValue
            )
            if new.particulars.isDefault,
                state.options.rows.contains(where: {
                    $0.option.customerID == new.customerID && $0.option.particulars.isDefault
                })
            {
                throw DatabaseRefused(constraint: "payment_options_one_default", detail: "\(new.customerID)")
            }
            state.options[new.id.rawValue] = OptionRow(
                option: PaymentOption(
                    id: new.id, accountID: new.accountID, customerID: new.customerID, code: new.code,
                    createDate: state.moment.local, type: new.type, accountMask: new.accountMask,
                    accessoryShown: new.accessoryShown, tokenCode: new.tokenCode,
                    particulars: new.particulars, lastDeclineCode: nil, lastDeclineDate: nil, version: 1),
                sealed: new.sealed, fingerprint: new.fingerprint)
        }
    }

    func updatePaymentOption(
        _ option: PaymentOption, _ particulars: PaymentOptionParticulars, accessoryShown: String,
        sealed: [UInt8]?
    ) throws {
        try call()
        state.options.change(option.id.rawValue) {
            $0.option.particulars = particulars
            $0.option.accessoryShown = accessoryShown
            $0.option.version += 1
            if let sealed { $0.sealed = sealed }
        }
    }

    func correctNumber(of option: PaymentOption, mask: String, fingerprint: [UInt8]) throws {
        try call()
        state.options.change(option.id.rawValue) {
            $0.option.accountMask = mask
            $0.fingerprint = fingerprint
        }
    }

    func clearDefaultOption(of customer: Identifier<Customer>, account: Int64) throws {
        try call()
        state.options.changeAll {
            if $0.option.customerID == customer { $0.option.particulars.isDefault = false }
        }
    }

    func vaultKey(of account: Int64) throws -> [UInt8]? {
        try call()
        return state.vaultKey
    }

    func insertVaultKey(_ wrapped: [UInt8], for account: Int64) throws -> [UInt8] {
        try call()
        let key = state.vaultKey ?? wrapped
        state.vaultKey = key
        return key
    }

    func sealedNumbers(
        of options: [Identifier<PaymentOption>], account: Int64
    ) throws -> [Identifier<PaymentOption>: [UInt8]] {
        try call()
        return options.reduce(into: [:]) { $0[$1] = state.options[$1.rawValue]?.sealed }
    }

    func numberFingerprint(of option: Identifier<PaymentOption>, account: Int64) throws -> [UInt8]? {
        try call()
        return state.options[option.rawValue].flatMap { $0.isErased ? nil : $0.fingerprint }
    }

    func erasePaymentOption(_ option: PaymentOption, at moment: Moment) throws {
        try call()
        state.options.change(option.id.rawValue) {
            $0.sealed = nil
            $0.isErased = true
            $0.option.particulars.isActive = false
            $0.option.particulars.isDefault = false
        }
    }

    func use(of option: PaymentOption) throws -> PaymentOptionUse? {
        try call()
        if let row = state.attempts.rows.first(where: {
            $0.outcome == .open
                && ($0.facts.paymentOptionID == option.id || $0.facts.token == option.tokenCode)
        }) {
            return .attempt(row.facts.transactionID)
        }
        let using = state.subscriptions.rows.map(\.subscription).first {
            $0.customerID == option.customerID && $0.progress.status != .cancelled
                && $0.progress.status != .expired
                && ($0.paymentOptionID == option.id
                    || option.particulars.isDefault && $0.paymentOptionID == nil)
        }
        return using.map { .subscription($0.id) }
    }

    func paymentOption(token: String, account: Int64) throws -> PaymentOption? {
        try call()
        return state.options.rows.first { $0.option.tokenCode == token && !$0.isErased }?.option
    }

    func wakeCollections(of customer: Identifier<Customer>, account: Int64, on date: CalendarDate) throws {
        try call()
        state.collections.changeAll {
            if $0.customerID == customer, $0.state == .waiting {
                $0.state = .due
                $0.collectOn = date
            }
        }
    }
}
