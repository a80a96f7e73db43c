/// Gives a part or all of a payment back, at the processor in real time (spec 1.5 ~process with AR, 5.8).
public struct RefundPayment {
    let request: ProcessingRequest
    let customer: Reference
    let repeatable: RepeatableRequest?

    /// Runs the refund of this request for this customer; once, however often it is repeated under its key.
    public init(_ request: ProcessingRequest, customer: Reference, repeatable: RepeatableRequest? = nil) {
        self.request = request
        self.customer = customer
        self.repeatable = repeatable
    }

    /// - Returns: the refund, or the record of the decline; pending when the processor's answer is not known (E02).
    /// - Throws: `Refusal`: V24; V29; V30 for what no processor moved; V32 above what is left; V36 while an attempt for the
    ///   payment is open; O01 without a processor.
    public func execute(
        _ books: any Books, reaching accounts: [Int64], processors: @escaping (String) -> (any Processor)?,
        by actor: Actor
    ) throws -> Transaction {
        try RunAtProcessor(books: books, accounts: accounts, processors: processors).execute { store in
            try open(among: accounts, in: store, by: actor)
        }
    }

    private func open(among accounts: [Int64], in store: any Store, by actor: Actor) throws -> OpenedMovement
    {
        let (state, earlier) = try RunAtProcessor.begin(
            repeatable, for: customer, among: accounts, in: store,
            foreseeing: { [.openAttempts($0), .transactionIDs(1)] })
        if let earlier { return earlier }
        let account = state.account.id
        guard let amount = request.amount else {
            throw Refusal(.requiredFieldMissing, "amount is required", field: "amount")
        }
        guard let reference = request.source else {
            throw Refusal(.requiredFieldMissing, "sourceId is required for AR", field: "sourceId")
        }
        let (found, source) = try RefundSource.of(state, reference, in: store)
        guard found.facts.type == .payment || found.facts.type == .claim, let paid = found.processing else {
            throw Refusal(
                .stateForbids,
                "transaction \(found.id) is no payment that a processor made: record its refund with ~create",
                field: "sourceId")
        }
        let id = try store.reserveTransactionIDs(1)[0]
        var attempt = NewAttempt(
            givingBack: amount, of: found, paid, as: .refund, transactionID: id,
            dueDate: request.dueDate ?? state.moment.businessDate)
        attempt.taxAmount = request.taxAmount ?? .zero
        attempt.code = request.code
        attempt.creatorCode = request.creatorCode ?? actor.name
        attempt.note = request.note
        var changes = BookChanges(under: state.account, at: state.moment)
        if request.code != nil {
            // A code that is in use is refused first (V29): a repetition learns what became of the original.
            changes.takenCodes = [(request.code ?? "", id)]
            try store.write(changes)
            changes.takenCodes = []
        }
        try RefundSource.refuse(amount, of: source)
        try GivingBack.refuseWhileOpen(
            found.id, among: try store.openAttempts(of: [state.customer.id], account: account))
        changes.attempts = [attempt]
        try store.write(changes)
        if let repeatable {
            try store.note(repeatable, became: id, of: state.customer.id, account: account)
        }
        try store.note("process", on: "transaction", id.rawValue, of: account, by: actor)
        return OpenedMovement(
            state: state, transactionID: id,
            order: OpenedOrder(
                transactionID: id,
                order: ProcessorOrder(givingBack: attempt, account: state.account, moment: state.moment)))
    }
}

/// The payment that a refund names (spec 2.6, 2.7 sourceId).
enum RefundSource {
    /// - Throws: `Refusal`: V24; V30 for what is no payment.
    static func of(_ state: CustomerState, _ reference: Reference, in store: any Store) throws
        -> (Transaction, ReversalSource)
    {
        let account = state.account.id
        guard let found = try store.transaction(of: state.customer.id, account: account, reference) else {
            throw Refusal(.notFound, "this customer has no transaction \(reference)", field: "sourceId")
        }
        guard let source = try store.reversalSources([found.id], account: account).first else {
            preconditionFailure("a transaction just read is there")
        }
        return (found, source)
    }

    /// Together never more than the payment.
    static func refuse(_ amount: Money, of source: ReversalSource) throws(Refusal) {
        switch source.status {
        case .pending:
            throw Refusal(.outcomeOpen, "the outcome of transaction \(source.id) is not known yet")
        case .declined:
            throw Refusal(
                .stateForbids, "transaction \(source.id) moved no money: there is nothing to refund",
                field: "sourceId")
        case .reversed where !source.isRefunded:
            throw Refusal(
                .stateForbids, "transaction \(source.id) was reversed: there is nothing to refund",
                field: "sourceId")
        case .final, .reversed: break
        }
        guard amount <= source.left else {
            throw Refusal(
                .amountTooLarge, "\(source.left.minorUnits) is left to refund of transaction \(source.id)",
                field: "amount")
        }
    }
}
