/// Takes over what the processor reports unasked: returned claims, chargebacks, corrections (spec 5.2 step 6, 5.5).
///
/// ```
/// processor ──notices──▶ our books, each in a transaction of its own ──▶ acknowledged
/// ```
/// Whatever dies in between, a notice has its effect once: it is acknowledged after the commit, and its number is a key in our
/// books. The same thing reported under two numbers has its effect once, too.
struct TakeNotices {
    let account: Int64
    let books: any Books
    let processor: any Processor
    let vault: any NumberVault
    /// Whether a failure is trouble of the database as a whole rather than one notice's.
    let isTrouble: (any Error) -> Bool
    /// Notices that could not be taken over, each with the reason: they come again with the next round.
    private(set) var failures: [String] = []

    init(
        account: Int64, books: any Books, processor: any Processor, vault: any NumberVault,
        isTrouble: @escaping (any Error) -> Bool
    ) {
        self.account = account
        self.books = books
        self.processor = processor
        self.vault = vault
        self.isTrouble = isTrouble
    }

    static let batchSize = 500

    /// When the processor is asked: with each business date and every five minutes, which is noted, or in any case, which is
    /// not.
    enum Time {
        case whenDue, now
    }

    /// - Returns: how many notices were taken over.
    mutating func execute(_ time: Time) throws -> Int {
        let today = try books.transaction(reaching: [account]) { store -> CalendarDate? in
            guard let state = try store.account(account) else { return nil }
            let today = state.moment.businessDate
            return try time == .now || store.takeNoticeRound(account: account, on: today) ? today : nil
        }
        guard let today else { return 0 }
        var taken = 0
        while let notices = processor.notices(account: account, through: today, limit: Self.batchSize),
            !notices.isEmpty
        {
            var done: [Int64] = []
            for notice in notices {
                do {
                    let isDone = try books.transaction(reaching: [account]) { try take(notice, in: $0) }
                    if isDone { done.append(notice.id) }
                } catch  where !isTrouble(error) {
                    failures.append("notice \(notice.id): \(error)")
                }
            }
            taken += done.count
            guard !done.isEmpty, processor.acknowledge(account: account, notices: done),
                notices.count == Self.batchSize, done.count == notices.count
            else { break }
        }
        return taken
    }

    /// - Returns: false where it is too early: the outcome of the attempt itself is not known yet.
    private func take(_ notice: ProcessorNotice, in store: any Store) throws -> Bool {
        guard let state = try store.account(account) else { return false }
        var taken = TakenNotice(notice: notice, processor: processor.name)
        if let id = NewAttempt.transaction(of: notice.orderKey) {
            taken.attempt = try store.noticedAttempt(id, account: account)
        }
        guard taken.attempt?.isOpen != true else { return false }
        guard try !store.hasNotice(notice.id, of: processor.name, account: account) else { return true }
        if let attempt = taken.attempt {
            let source = try store.reversalSources([attempt.transactionID], account: account).first
            switch NoticeEffect.of(notice.code, on: source) {
            case .returned(let isHard):
                if let source { try takeBack(&taken, attempt, source, isHard: isHard, state, in: store) }
            case .chargeback:
                if let source { try chargeBack(&taken, attempt, source, state, in: store) }
            case .correction: try correct(notice, attempt, in: store)
            case .none: break
            }
        }
        try store.insert(taken, account: account, at: state.moment)
        return true
    }

    /// A claim came back: AD, its allocations end, and the run tries again as after any decline (spec 5.5). Was it a retry, then it
    /// has not succeeded: the fee for that is reversed.
    private func takeBack(
        _ taken: inout TakenNotice, _ attempt: NoticedAttempt, _ source: ReversalSource, isHard: Bool,
        _ state: AccountState, in store: any Store
    ) throws {
        var undoing = try Undoing(.decline, of: source, source.facts.amount, attempt, state, in: store)
        undoing.changes.reversed = [source.id]
        let fee = Fees.decline(isHard: isHard, by: state.account)
        try undoing.charge(fee, in: store)
        try undoing.takeBackFee(for: source.id, in: store)
        undoing.balances.balance(by: state.account.balancingAlgorithm)
        var exhausted: [InvoiceCollection] = []
        if attempt.isByRun, let invoice = attempt.invoiceID, undoing.balances.left(of: invoice) > .zero,
            var collection = try store.collections(of: [invoice], account: account).first,
            collection.state == .closed
        {
            collection.state = .open
            collection.decline(
                isHard: isHard, on: state.moment.businessDate, retryDays: state.account.retryDays)
            taken.nextAttemptDate = collection.collectOn
            undoing.changes.collections = [collection]
            if collection.isExhausted(by: state.account.retryDays) { exhausted = [collection] }
        }
        if let option = attempt.paymentOptionID {
            undoing.changes.declinedOptions = [(option, taken.notice.code, isHard)]
        }
        taken.transactionID = undoing.id
        try undoing.write(in: store)
        try RetriesExhausted(account: state.account, moment: state.moment).execute(exhausted, in: store)
    }

    /// A payment was charged back: AG of all of it, and the fee for it. What it had paid is open again and left to a person. A
    /// notice of less than the payment cannot be taken over: it stays with the processor, and is reported, until a person has seen to it.
    private func chargeBack(
        _ taken: inout TakenNotice, _ attempt: NoticedAttempt, _ source: ReversalSource,
        _ state: AccountState, in store: any Store
    ) throws {
        guard taken.notice.amount >= source.facts.amount else {
            // Not acknowledged, it comes again and is reported each time: the bank has taken money that nobody has booked.
            throw Refusal(
                .stateForbids,
                "a chargeback of \(taken.notice.amount.minorUnits), a part of payment \(source.id), is for a person to book"
            )
        }
        var undoing = try Undoing(
            .chargeback, of: source, source.facts.amount, attempt, state, in: store)
        try undoing.charge(state.account.chargebackFee, in: store)
        undoing.balances.balance(by: state.account.balancingAlgorithm)
        taken.transactionID = undoing.id
        try undoing.write(in: store)
    }

    /// The bank says how the account data on file are to be written from now on.
    private func correct(_ notice: ProcessorNotice, _ attempt: NoticedAttempt, in store: any Store) throws {
        let accessory = notice.correctedAccessory.flatMap {
            BankAccount.isValidRoutingNumber($0) ? $0 : nil
        }
        let number = notice.correctedNumber.flatMap { BankAccount.isValidNumber($0) ? $0 : nil }
        guard accessory != nil || number != nil, let id = attempt.paymentOptionID,
            let option = try store.paymentOption(
                of: attempt.customerID, account: account, .id(id.rawValue)),
            option.type.isBank,
            let sealed = try store.sealedNumbers(of: [id], account: account)[id]
        else { return }
        let key = try VaultKey.of(account, in: store, vault: vault)
        var numbers = try vault.open(sealed, account: account, option: id.rawValue, key: key)
        numbers.accessory = accessory ?? numbers.accessory
        numbers.number = number ?? numbers.number
        try store.updatePaymentOption(
            option, option.particulars,
            accessoryShown: AccountAccessory.shown(numbers.accessory, of: option.type),
            sealed: try vault.seal(numbers, account: account, option: id.rawValue, key: key))
        if number != nil {
            try store.correctNumber(
                of: option, mask: BankAccount.mask(numbers.number),
                fingerprint: try vault.fingerprint(of: numbers.number, account: account, key: key))
        }
        try store.note(
            "correct", on: "payment-option", id.rawValue, of: account,
            by: Actor(name: RunBilling.actor, requestID: "notice-\(notice.id)"))
    }
}

/// What a notice does to our books, by its code and by what its payment has come to.
enum NoticeEffect: Hashable {
    /// A claim comes back.
    case returned(isHard: Bool)
    case chargeback
    case correction
    /// Nothing: it was reported before, or does not fit what we know. It is kept for a person.
    case none

    /// - Parameter source: the payment as it stands; nil where the attempt became none.
    static func of(_ code: String, on source: ReversalSource?) -> NoticeEffect {
        switch code {
        case "N08", "N09": return .correction
        case "Z02":
            guard let source, source.facts.type == .payment || source.facts.type == .claim,
                source.status == .final || source.isRefunded, source.chargedBack == .zero
            else { return .none }
            return .chargeback
        case "N01", "N02", "N03", "N04", "N05", "N06", "N07":
            guard let source, source.facts.type == .claim, source.status == .final || source.isRefunded,
                source.chargedBack == .zero
            else { return .none }
            if case .hardDecline = ResponseKind(code: code) { return .returned(isHard: true) }
            return .returned(isHard: false)
        default: return .none
        }
    }
}

/// Money that the outside took back from a payment: the transaction that says so, and what becomes open.
private struct Undoing {
    let id: Identifier<Transaction>
    private let facts: TransactionFacts
    private let customer: Identifier<Customer>
    var changes: BookChanges
    var balances: Balances

    init(
        _ type: TransactionType, of source: ReversalSource, _ amount: Money, _ attempt: NoticedAttempt,
        _ state: AccountState, in store: any Store
    ) throws {
        let account = state.account.id
        id = try store.reserveTransactionIDs(1)[0]
        customer = attempt.customerID
        var facts = TransactionFacts(type: type, amount: amount, dueDate: state.moment.businessDate)
        facts.accountType = source.facts.accountType
        facts.accountMask = source.facts.accountMask
        facts.taxAmount = min(source.facts.taxAmount, amount)
        facts.subscriptionID = source.facts.subscriptionID
        facts.sourceID = source.id
        facts.creatorCode = RunBilling.actor
        self.facts = facts
        changes = BookChanges(under: state.account, at: state.moment)
        changes.add(
            id, of: customer, facts,
            lines: type == .chargeback ? nil : Ledger.givingBack(amount, of: source.lines))
        balances = Balances(try store.openItems(of: [customer], account: account))
        balances.add(OpenItem(id, of: customer, facts))
        balances.free(
            amount, of: source.id, from: try store.livingAllocations(of: [source.id], account: account),
            withRefunds: true)
        balances.use(source.id, on: id, amount)
    }

    mutating func charge(_ fee: Money, in store: any Store) throws {
        guard fee > .zero else { return }
        let number = try store.reserveTransactionIDs(1)[0]
        let fee = TransactionFacts.fee(
            .serviceFee, fee, for: id, subscription: facts.subscriptionID, on: facts.dueDate)
        changes.add(number, of: customer, fee)
        balances.add(OpenItem(number, of: customer, fee))
    }

    /// Reverses the fee that was charged because this payment succeeded, unless that was done before (spec 2.11 retryFee).
    mutating func takeBackFee(for payment: Identifier<Transaction>, in store: any Store) throws {
        let account = changes.accountID
        guard let id = try store.serviceFee(for: payment, account: account),
            let fee = try store.reversalSources([id], account: account).first, fee.status == .final
        else { return }
        let number = try store.reserveTransactionIDs(1)[0]
        var reversal = TransactionFacts(
            type: .invoiceReversal, amount: fee.facts.amount, dueDate: facts.dueDate)
        reversal.taxAmount = fee.facts.taxAmount
        reversal.subscriptionID = fee.facts.subscriptionID
        reversal.sourceID = id
        reversal.creatorCode = RunBilling.actor
        changes.add(number, of: customer, reversal, lines: Ledger.reversing(fee.lines))
        changes.reversed.append(id)
        balances.add(OpenItem(number, of: customer, reversal))
        balances.unpay(id, from: try store.livingAllocations(of: [id], account: account))
        balances.use(number, on: id, fee.facts.amount)
    }

    mutating func write(in store: any Store) throws {
        changes.take(balances)
        try changes.leaveToAPerson(balances.reopened, in: store)
        try store.write(changes)
    }
}
