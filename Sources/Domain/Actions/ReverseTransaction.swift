/// Undoes a transaction: in the books, or at the processor that moved the money (spec 1.5 ~reverse, 5.8).
public struct ReverseTransaction {
    let customer: Reference
    let transaction: Reference
    let note: String?
    let repeatable: RepeatableRequest?

    /// Reverses this transaction of this customer; once, however often it is repeated under its key.
    public init(
        _ transaction: Reference, of customer: Reference, note: String? = nil,
        repeatable: RepeatableRequest? = nil
    ) {
        self.transaction = transaction
        self.customer = customer
        self.note = note
        self.repeatable = repeatable
    }

    /// - Returns: the reversing transaction; the record of the decline where the processor refuses; pending when its answer is
    ///   not known.
    /// - Throws: `Refusal`: V24; V30 where it cannot be reversed; V36 while an attempt for it is open;
    ///   O01 without a processor.
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
        guard let found = try store.transaction(of: state.customer.id, account: account, transaction) else {
            throw Refusal(.notFound, "there is no transaction \(transaction)")
        }
        let attempts = try store.openAttempts(of: [state.customer.id], account: account)
        guard let source = try store.reversalSources([found.id], account: account).first else {
            preconditionFailure("a transaction just read is there")
        }
        let settles = found.processing.map { paid in
            Reversal.settlement(of: paid.responseDate ?? found.createDate, at: state.account.settlementTime)
        }
        let reversal = try Reversal.of(source, settles: settles, at: state.moment.local)
        try GivingBack.refuseWhileOpen(found.id, among: attempts)
        let id = try store.reserveTransactionIDs(1)[0]
        var changes = BookChanges(under: state.account, at: state.moment)
        var order: OpenedOrder?
        switch reversal {
        case .record(let type):
            try record(type, source, as: id, &changes, state, in: store, by: actor)
        case .void, .refund:
            guard let paid = found.processing else {
                preconditionFailure("a processed payment has its attempt")
            }
            let isVoid = reversal == .void
            var attempt = NewAttempt(
                givingBack: source.left, of: found, paid, as: isVoid ? .void : .refund, transactionID: id,
                dueDate: state.moment.businessDate)
            attempt.taxAmount = source.leftTax
            attempt.creatorCode = actor.name
            attempt.note = note
            changes.attempts = [attempt]
            order = OpenedOrder(
                transactionID: id,
                order: ProcessorOrder(givingBack: attempt, account: state.account, moment: state.moment))
        }
        try store.write(changes)
        if let repeatable {
            try store.note(repeatable, became: id, of: state.customer.id, account: account)
        }
        try store.note("reverse", on: "transaction", id.rawValue, of: account, by: actor)
        return OpenedMovement(state: state, transactionID: id, order: order)
    }

    /// What needs no processor: the reversing transaction uses up, or is used up by, the one it reverses.
    private func record(
        _ type: TransactionType, _ source: ReversalSource, as id: Identifier<Transaction>,
        _ changes: inout BookChanges, _ state: CustomerState, in store: any Store, by actor: Actor
    ) throws {
        let account = state.account.id
        let living = try store.livingAllocations(of: [source.id], account: account)
        try refuseWrittenOff([source.id], among: living)
        let isRefund = type == .refund
        let amount = isRefund ? source.left : source.facts.amount
        var facts = TransactionFacts(type: type, amount: amount, dueDate: state.moment.businessDate)
        facts.accountType = source.facts.accountType
        facts.taxAmount = isRefund ? source.leftTax : source.facts.taxAmount
        facts.feeAmount = isRefund ? .zero : source.facts.feeAmount
        facts.subscriptionID = source.facts.subscriptionID
        facts.sourceID = source.id
        facts.creatorCode = actor.name
        facts.note = note
        let lines =
            isRefund ? Ledger.givingBack(amount, of: source.lines) : Ledger.reversing(source.lines)
        changes.add(id, of: state.customer.id, facts, lines: lines)
        if !isRefund || source.refunded + amount == source.facts.amount { changes.reversed = [source.id] }

        var balances = Balances(try store.openItems(of: [state.customer.id], account: account))
        balances.add(
            OpenItem(
                id: id, customerID: state.customer.id, type: type, dueDate: facts.dueDate,
                left: facts.amount))
        if type.isDebt {
            balances.free(amount, of: source.id, from: living)
            balances.use(source.id, on: id, amount)
        } else {
            balances.unpay(source.id, from: living)
            balances.use(id, on: source.id, amount)
            try restorePayments(of: source, living, &changes, &balances, account: account, in: store)
        }
        balances.balance(by: state.account.balancingAlgorithm)
        changes.take(balances)
        // Not collected: the invoice that is reversed, and what a void or refund opened again (spec 5.2 step 4).
        try changes.leaveToAPerson(
            (type == .invoiceReversal ? [source.id] : [])
                + (type == .void || isRefund ? balances.reopened : []),
            in: store)
    }

    /// A write-off makes no credit: it is reversed itself before what it paid.
    private func refuseWrittenOff(
        _ debts: [Identifier<Transaction>], among living: [LivingAllocation]
    ) throws(Refusal) {
        for allocation in living
        where debts.contains(allocation.target.id) && allocation.source.type == .writeOff {
            throw Refusal(
                .stateForbids,
                "transaction \(allocation.target.id) was written off: reverse the write-off \(allocation.source.id) first"
            )
        }
    }

    /// A refund or chargeback is undone: the payment is good again where its refunds had been all of it, and pays what stands of
    /// them before anything else. So does a credit that was paid out and reversed since its own reversal.
    private func restorePayments(
        of source: ReversalSource, _ ended: [LivingAllocation], _ changes: inout BookChanges,
        _ balances: inout Balances, account: Int64, in store: any Store
    ) throws {
        guard source.facts.type == .refund || source.facts.type == .chargeback else { return }
        let paidOut = Set(
            ended.filter { $0.target.id == source.id && $0.source.type == .credit }.map(\.source.id))
        let ids = source.facts.sourceID.map { [$0] } ?? paidOut.sorted()
        for payment in try store.reversalSources(ids, account: account) {
            if source.facts.type == .refund, payment.isRefunded { changes.restored = [payment.id] }
            let refunds = payment.refunds.filter { $0 != source.id }
            let living = try store.livingAllocations(of: refunds, account: account)
            try refuseWrittenOff(refunds, among: living)
            for refund in refunds { balances.settle(refund, by: payment.id, from: living) }
        }
    }
}

/// What refunds, voids and reversals have in common.
enum GivingBack {
    /// Nothing is undone while an earlier attempt for the same thing has no known outcome (spec 5.6, V36).
    static func refuseWhileOpen(_ id: Identifier<Transaction>, among attempts: [OpenAttempt]) throws(Refusal)
    {
        for attempt in attempts
        where attempt.facts.sourceID == id || attempt.facts.debts.contains(id) {
            throw Refusal(
                .outcomeOpen, "an attempt for transaction \(id) is open: its outcome is not known yet"
            ).passing(attempt.isOnItsWay)
        }
    }
}

extension BookChanges {
    /// The allocations that end and that are made.
    mutating func take(_ balances: Balances) {
        endedAllocations += balances.ended
        allocations += balances.made
    }

    /// The billing run collects these invoices no more; whether they are paid is a person's matter (spec 5.2 step 4).
    mutating func leaveToAPerson(_ invoices: [Identifier<Transaction>], in store: any Store) throws {
        let decided = Set(collections.map(\.invoiceID))
        let mine = invoices.filter { !decided.contains($0) }
        guard !mine.isEmpty else { return }
        for var collection in try store.collections(of: mine, account: accountID)
        where collection.state == .due || collection.state == .waiting {
            collection.close()
            collections.append(collection)
        }
    }
}
