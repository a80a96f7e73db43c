/// Runs a payment at the processor in real time and records it (spec 1.5 ~process, 5.6).
///
/// How it goes to the processor and back: ``RunAtProcessor``.
public struct ProcessPayment {
    let request: ProcessingRequest
    let customer: Reference
    let repeatable: RepeatableRequest?

    /// Runs the payment of this request for this customer; once, however often it is repeated under its key.
    public init(_ request: ProcessingRequest, customer: Reference, repeatable: RepeatableRequest? = nil) {
        self.request = request
        self.customer = customer
        self.repeatable = repeatable
    }

    /// - Returns: the payment, or the record of the decline; pending when the processor's answer is not known (E02). For a first
    ///   invoice that the run has collected today already, the run's payment: nothing is charged twice (spec 5.9).
    /// - Throws: `Refusal`: V21, V24, V29, V30, V33; O01 without a processor; V36 when an attempt is open for an invoice it names.
    public func execute(
        _ books: any Books, reaching accounts: [Int64], processors: @escaping (String) -> (any Processor)?,
        vault: any NumberVault, by actor: Actor
    ) throws -> Transaction {
        try RunAtProcessor(books: books, accounts: accounts, processors: processors).execute { store in
            try open(among: accounts, in: store, vault: vault, by: actor)
        }
    }

    private func open(
        among accounts: [Int64], in store: any Store, vault: any NumberVault, by actor: Actor
    ) throws -> OpenedMovement {
        let (state, earlier) = try RunAtProcessor.begin(
            repeatable, for: customer, among: accounts, in: store, foreseeing: foreseen)
        if let earlier { return earlier }
        let payer = state.customer
        guard payer.status != .inactive else {
            throw Refusal(.stateForbids, "customer \(customer) is inactive: nothing is collected")
        }
        guard let amount = request.amount else {
            throw Refusal(.requiredFieldMissing, "amount is required", field: "amount")
        }
        let subscription = try request.subscription.map { try SubscriptionChoice.of(payer, $0, in: store) }
        let named = try InvoiceList.read(request.invoiceList, of: payer, in: store)
        if let subscription,
            let signed = try store.unclaimedSigningPayment(
                of: subscription.id, account: payer.accountID, on: state.moment.businessDate),
            amount == signed.amount || amount == signed.invoiced
        {
            try store.claimSigningPayment(signed.id, account: payer.accountID)
            if let code = request.code {
                // A repetition under this code must not charge: it is refused with the payment's id (V29).
                var changes = BookChanges(under: state.account, at: state.moment)
                changes.takenCodes = [(code, signed.id)]
                try store.write(changes)
            }
            try noteRepeatable(signed.id, of: payer, in: store)
            try store.note("process", on: "transaction", signed.id.rawValue, of: payer.accountID, by: actor)
            return OpenedMovement(state: state, transactionID: signed.id, order: nil)
        }
        let open = try store.openItems(of: [payer.id], account: payer.accountID)
        let debts = named + own(open, of: subscription).filter { !named.contains($0) }
        let underWay = try store.openAttempts(of: [payer.id], account: payer.accountID)

        let ids = try store.reserveTransactionIDs(1)
        var (attempt, numbers) = try means(
            state: state, amount: amount, id: ids[0], in: store, vault: vault)
        attempt.customerID = payer.id
        attempt.invoiceID = debts.first
        attempt.namedIDs = Array(debts.dropFirst())
        attempt.subscriptionID = subscription?.id
        attempt.taxAmount = request.taxAmount ?? .zero
        attempt.code = request.code
        attempt.invoiceList = request.invoiceList
        attempt.creatorCode = request.creatorCode ?? actor.name
        attempt.note = request.note
        var changes = BookChanges(under: state.account, at: state.moment)
        changes.attempts = [attempt]
        // A code that is in use is refused first (V29): a repetition learns what became of the original.
        try store.write(changes)
        try refuseIfAttempted(debts, subscription: subscription, among: underWay)
        try noteRepeatable(ids[0], of: payer, in: store)
        try store.note("process", on: "transaction", ids[0].rawValue, of: payer.accountID, by: actor)
        return OpenedMovement(
            state: state, transactionID: ids[0],
            order: OpenedOrder(
                transactionID: ids[0],
                order: ProcessorOrder(
                    attempt, account: state.account, numbers: numbers, securityCode: request.csc,
                    moment: state.moment)))
    }

    /// What is read of the customer on the way of a payment.
    private func foreseen(of customer: Identifier<Customer>) -> [ForeseenReading] {
        var readings: [ForeseenReading] = [.openItems(customer), .openAttempts(customer), .transactionIDs(1)]
        if let reference = request.paymentOption {
            readings += [.paymentOption(customer, reference), .vaultKey]
        } else if request.token == nil, request.accountNumber == nil {
            readings += [.defaultPaymentOption(customer), .vaultKey]
        }
        return readings
    }

    private func noteRepeatable(_ id: Identifier<Transaction>, of payer: Customer, in store: any Store) throws
    {
        guard let repeatable else { return }
        try store.note(repeatable, became: id, of: payer.id, account: payer.accountID)
    }

    /// Open invoices of the subscription that the payment is for, oldest first.
    private func own(_ open: [OpenItem], of subscription: Subscription?) -> [Identifier<Transaction>] {
        guard let subscription else { return [] }
        return Balancing.order(
            open.filter { $0.type == .invoice && $0.subscriptionID == subscription.id }, by: .ageBased
        ).map(\.id)
    }

    /// Nothing is charged while an earlier attempt for the same debt has no known outcome (spec 5.6, V36). A payment that names no
    /// debt could go to any: it waits for all attempts to collect one, and all payments wait for it.
    private func refuseIfAttempted(
        _ debts: [Identifier<Transaction>], subscription: Subscription?, among attempts: [OpenAttempt]
    ) throws {
        let isOnAccount = debts.isEmpty && subscription == nil
        for attempt in attempts where attempt.facts.kind.collects {
            if let both = attempt.facts.debts.first(where: { isOnAccount || debts.contains($0) }) {
                throw Refusal(
                    .outcomeOpen,
                    "an attempt to collect transaction \(both) is open: its outcome is not known yet"
                ).passing(attempt.isOnItsWay)
            }
            if let subscription, attempt.facts.subscriptionID == subscription.id {
                throw Refusal(
                    .outcomeOpen,
                    "an attempt for subscription \(subscription.id) is open: its outcome is not known yet",
                    field: "subscriptionId"
                ).passing(attempt.isOnItsWay)
            }
            if attempt.facts.debts.isEmpty, isOnAccount || attempt.facts.subscriptionID == nil {
                throw Refusal(
                    .outcomeOpen,
                    "a payment of this customer is open that may go to any debt: its outcome is not known yet"
                ).passing(attempt.isOnItsWay)
            }
        }
    }

    private func means(
        state: CustomerState, amount: Money, id: Identifier<Transaction>, in store: any Store,
        vault: any NumberVault
    ) throws -> (NewAttempt, AccountNumbers) {
        let account = state.account.id
        if request.accountNumber != nil, !request.savePaymentOption {
            return try rawMeans(state: state, amount: amount, id: id)
        }
        let option = try chosenOption(state: state, in: store, vault: vault)
        guard option.particulars.isActive else {
            throw Refusal(.inactive, "payment option \(option.id) is inactive", field: "paymentOptionId")
        }
        let key = try VaultKey.of(account, in: store, vault: vault)
        guard let sealed = try store.sealedNumbers(of: [option.id], account: account)[option.id] else {
            throw Refusal(.stateForbids, "the account data of this option have been erased")
        }
        let numbers = try vault.open(sealed, account: account, option: option.id.rawValue, key: key)
        var attempt = NewAttempt(
            charging: option, amount: amount, transactionID: id,
            dueDate: request.dueDate ?? state.moment.businessDate)
        attempt.phone = request.phone
        attempt.email = request.email
        return (attempt, numbers)
    }

    private func chosenOption(state: CustomerState, in store: any Store, vault: any NumberVault) throws
        -> PaymentOption
    {
        let payer = state.customer
        if let reference = request.paymentOption {
            guard
                let option = try store.paymentOption(of: payer.id, account: payer.accountID, reference)
            else {
                throw Refusal(
                    .notFound, "this customer has no payment option \(reference)", field: "paymentOptionId")
            }
            return option
        }
        if let token = request.token {
            // A token stands for account data vaulted by this merchant account, whichever customer brought them.
            guard let option = try store.paymentOption(token: token, account: payer.accountID) else {
                throw Refusal(.notFound, "no account data stand behind this token", field: "token")
            }
            return option
        }
        if request.savePaymentOption {
            var form = PaymentOptionForm()
            form.type = request.accountType
            form.accountNumber = request.accountNumber
            form.accountAccessory = request.accountAccessory
            form.particulars.holderName = request.holderName ?? ""
            form.particulars.street1 = request.street
            form.particulars.city = request.city
            form.particulars.state = request.state
            form.particulars.zipCode = request.zipCode
            let isFirst = try PaymentOptionIntake.takesDefault(
                of: payer.id, account: payer.accountID, in: store)
            let stored = try PaymentOptionIntake(
                forms: [form], customer: payer.id, account: payer.accountID, isFirst: isFirst,
                moment: state.moment
            ).store(in: store, vault: vault)
            guard
                let option = try store.paymentOption(
                    of: payer.id, account: payer.accountID, .id(stored[0].id.rawValue))
            else { preconditionFailure("an option just stored is there") }
            return option
        }
        guard let option = try store.defaultPaymentOption(of: payer.id, account: payer.accountID) else {
            throw Refusal(
                .requiredFieldMissing, "this customer has no payment option: send one way of paying",
                field: "paymentOptionId")
        }
        return option
    }

    private func rawMeans(state: CustomerState, amount: Money, id: Identifier<Transaction>) throws -> (
        NewAttempt, AccountNumbers
    ) {
        guard let number = request.accountNumber, let accessory = request.accountAccessory,
            let type = AccountData.type(sent: request.accountType, number: number)
        else {
            throw Refusal(
                .requiredFieldMissing, "accountNumber needs its accountAccessory", field: "accountAccessory")
        }
        try AccountAccessory.check(accessory, of: type, on: state.moment.businessDate)
        var attempt = NewAttempt(
            customerID: state.customer.id, transactionID: id, kind: type.isBank ? .claim : .payment,
            amount: amount, accountType: type,
            accountMask: type.isBank ? BankAccount.mask(number) : CardNumber.mask(number),
            accessoryShown: AccountAccessory.shown(accessory, of: type), holderName: request.holderName ?? "",
            dueDate: request.dueDate ?? state.moment.businessDate)
        attempt.street = request.street
        attempt.city = request.city
        attempt.state = request.state
        attempt.zipCode = request.zipCode
        attempt.phone = request.phone
        attempt.email = request.email
        let parts = [request.street, request.city, request.state, request.zipCode].compactMap { $0 }
        attempt.address = parts.isEmpty ? nil : parts.joined(separator: ", ")
        return (attempt, AccountNumbers(number: number, accessory: accessory))
    }
}

extension NewAttempt {
    /// An attempt to charge an option on file.
    init(
        charging option: PaymentOption, amount: Money, transactionID: Identifier<Transaction>,
        dueDate: CalendarDate
    ) {
        self.init(
            customerID: option.customerID, transactionID: transactionID,
            kind: option.type.isBank ? .claim : .payment,
            amount: amount, accountType: option.type, accountMask: option.accountMask,
            accessoryShown: option.accessoryShown, holderName: option.particulars.holderName, dueDate: dueDate
        )
        paymentOptionID = option.id
        token = option.tokenCode
        street = option.particulars.street1
        city = option.particulars.city
        state = option.particulars.state
        zipCode = option.particulars.zipCode
        address = option.address
    }
}
