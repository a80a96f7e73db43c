/// What was checked and committed before the processor is called.
struct OpenedMovement {
    let state: CustomerState
    /// What the attempt becomes.
    let transactionID: Identifier<Transaction>
    /// Nil when no money is to be moved: it was done before, or needs no processor.
    let order: OpenedOrder?
    /// Whether an earlier request under the same key did it.
    var isRepetition = false
}

/// One movement of money for a caller, exactly once (spec 5.6).
///
/// ```
/// caller ──▶ check, commit the attempt ──▶ processor ──▶ commit its answer ──▶ caller
///            (one transaction)            (none open)    (one transaction)
/// ```
/// No answer, or a crash between the two commits, leaves the attempt open: the recovery asks the processor by the attempt's key,
/// and until then nobody tries the same again (V36). See ``UnknownOutcome``.
struct RunAtProcessor {
    let books: any Books
    /// The merchant accounts within reach.
    let accounts: [Int64]
    let processors: (String) -> (any Processor)?

    /// - Parameter open: checks and writes in a transaction; everything it refuses is refused before money moves.
    /// - Returns: what the movement became; pending when the processor's answer is not known (E02).
    /// - Throws: ``MovedBefore`` with what the first request under the key became; ``FirstOutcomeOpen``; `Refusal`.
    func execute(_ open: (any Store) throws -> OpenedMovement) throws -> Transaction {
        var called: (any Processor)?
        defer { called?.leave() }
        let opening = try books.transaction(reaching: accounts) { store in
            let opening = try open(store)
            guard opening.order != nil else { return opening }
            let name = opening.state.account.processor
            guard let processor = processors(name) else {
                throw Refusal(
                    .configurationLacks, "the merchant account's processor, \(name), is not set up here")
            }
            // Not before: whoever waits for a lock in the books is not at the processor.
            called = processor
            try processor.enter()
            return opening
        }
        let state = opening.state
        if let opened = opening.order, let processor = called {
            let answer = processor.submit([opened.order])[0]
            processor.leave()
            try books.transaction(reaching: accounts) { store in
                // The attempt's customer is locked first, then the attempt; what is open is read behind that.
                store.foresee([.openItems(state.customer.id)], account: state.account.id)
                try SettleAttempts(
                    account: state.account, moment: state.moment,
                    answers: [opened.transactionID: .answer(answer)]
                ).execute(in: store)
            }
        }
        return try books.reading(reaching: accounts) { store in
            guard
                let transaction = try store.transaction(
                    of: state.customer.id, account: state.account.id, .id(opening.transactionID.rawValue))
            else {
                // Only a repetition can come here: the first request is at the processor now, or its server ended there.
                throw FirstOutcomeOpen()
            }
            if opening.isRepetition { throw MovedBefore(transaction: transaction) }
            return transaction
        }
    }

    /// The customer, locked; and what became of the first request under the key, where this one repeats it.
    ///
    /// - Parameter foreseen: what is read of the customer next.
    /// - Throws: ``AnsweredBefore`` when the answer of the first request is on record; `Refusal`: V24.
    static func begin(
        _ repeatable: RepeatableRequest?, for customer: Reference, among accounts: [Int64],
        in store: any Store,
        foreseeing foreseen: (Identifier<Customer>) -> [ForeseenReading] = { _ in [] }
    ) throws -> (state: CustomerState, earlier: OpenedMovement?) {
        let earlier = try repeatable.flatMap { try store.begin($0) }
        // Of a customer named by its number all of it comes with the lock, behind it.
        let number: Identifier<Customer>? =
            if case .id(let id) = customer, accounts.count == 1 { Identifier(id) } else { nil }
        if let number { store.foresee(foreseen(number), account: accounts[0]) }
        guard let state = try store.lockedCustomer(customer) else {
            throw Refusal(.notFound, "there is no customer \(customer)")
        }
        if number != state.customer.id {
            store.foresee(foreseen(state.customer.id), account: state.account.id)
        }
        guard let earlier else { return (state, nil) }
        guard case .became(let id, let owner, _) = earlier, owner == state.customer.id else {
            throw AnsweredBefore(repetition: earlier)
        }
        return (state, OpenedMovement(state: state, transactionID: id, order: nil, isRepetition: true))
    }
}

/// A request was repeated whose answer is not on record: what the first one became.
public struct MovedBefore: Error {
    /// The transaction; pending while its outcome is not known.
    public let transaction: Transaction
}

/// The request was answered before under its key: nothing is done again.
public struct AnsweredBefore: Error {
    /// What became of the first one.
    public let repetition: Repetition
}

extension NewAttempt {
    /// An attempt to give money of a payment back, to where it came from.
    init(
        givingBack amount: Money, of source: Transaction, _ paid: ProcessingOutcome, as kind: Kind,
        transactionID: Identifier<Transaction>, dueDate: CalendarDate
    ) {
        guard let type = source.facts.accountType else {
            preconditionFailure("a payment at a processor has its means")
        }
        self.init(
            customerID: source.customerID, transactionID: transactionID, kind: kind, amount: amount,
            accountType: type, accountMask: paid.accountMask, accessoryShown: paid.accessoryShown,
            holderName: paid.holderName, dueDate: dueDate)
        sourceID = source.id
        subscriptionID = source.facts.subscriptionID
        token = paid.token
        street = paid.street
        city = paid.city
        state = paid.state
        zipCode = paid.zipCode
        address = paid.address
        phone = paid.phone
        email = paid.email
    }
}

extension NewAttempt.Kind {
    /// Whether it takes money in; otherwise it gives some back.
    var collects: Bool { self == .payment || self == .claim }

    /// The type of the transaction that it becomes when it is approved.
    var approvedType: TransactionType {
        switch self {
        case .payment: .payment
        case .claim: .claim
        case .refund: .refund
        case .void: .void
        }
    }
}
