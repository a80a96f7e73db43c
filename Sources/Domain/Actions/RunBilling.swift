/// One pass of the billing run over one merchant account (spec 5.2): lets adjustments begin and end, turns due charges into
/// invoices, balances them, collects what remains, asks for unknown outcomes, takes over the processor's notices, and
/// charges late fees.
///
/// ```
/// adjustments ─▶ due charges ─▶ invoices + balancing ─▶ attempts ─▶ processor ─▶ payments, declines ─▶ adjustments
///                              (a transaction a batch)  (a tr.)    (none open)  (a transaction)
/// ```
/// It may be killed at any point and run again, and any number of processes may run it at once: rows that one holds are
/// passed over by the others, and the database holds that no cycle is invoiced and no invoice attempted twice.
public struct RunBilling {
    /// How many subscriptions or invoices one transaction takes.
    public static let batchSize = 500
    /// Stands as creator of everything the run makes.
    public static let actor = "billing-run"

    /// What a pass did.
    public struct Report: Hashable, Sendable {
        /// Subscriptions that were moved on: charges billed, adjustments begun or ended.
        public var subscriptionsMoved = 0
        public var invoicesMade = 0
        public var attemptsMade = 0
        public var outcomesRecovered = 0
        public var noticesTaken = 0
        /// Late fees and write-offs.
        public var agedInvoices = 0
        /// Subscriptions whose step failed and that were set aside, each with its reason.
        public var setAside: [String] = []
        /// Attempts and notices that could not be taken into the books, each with its reason: they stay as they are and come
        /// again.
        public var failures: [String] = []
        /// Whether nothing more was due when the pass ended, as far as it could see: what others had locked is theirs.
        public var isDone = false

        /// Whether anything was done.
        public var didWork: Bool {
            subscriptionsMoved + attemptsMade + outcomesRecovered + noticesTaken + agedInvoices
                + setAside.count
                > 0
        }

        /// Nothing was done.
        public init() {}
    }

    /// The merchant account.
    public let account: Int64
    let books: any Books
    let processor: any Processor
    let vault: any NumberVault
    /// Whether a failure is trouble of the database as a whole, which ends the pass, rather than one subscription's.
    let isTrouble: (any Error) -> Bool
    /// Is told after each batch what has been done so far.
    public var progress: (Report) -> Void = { _ in }

    /// Whether each pass asks the processor for notices, without noting it: for who lets one business date follow the other.
    public var asksForNoticesEachTime = false

    /// A pass over this account.
    public init(
        account: Int64, books: any Books, processor: any Processor, vault: any NumberVault,
        isTrouble: @escaping (any Error) -> Bool
    ) {
        self.account = account
        self.books = books
        self.processor = processor
        self.vault = vault
        self.isTrouble = isTrouble
    }

    /// Runs until nothing more is due or `batches` batches of each step are done: then other accounts have their turn.
    ///
    /// A pass without such a limit tries at once what was set aside; others when its time has come.
    public func execute(batches: Int = .max) throws -> Report {
        let all = batches == .max
        let hasWork = try hasWork(all: all)
        if hasWork {
            try books.transaction(reaching: [account]) { try $0.takeUpAgain(account: account, all: all) }
        }
        return try run(batches, hasWork: hasWork, takingNotices: asksForNoticesEachTime ? .now : .whenDue)
    }

    /// One question in place of a transaction for each step: on most days nothing of an account is due.
    private func hasWork(all: Bool) throws -> Bool {
        try books.reading(reaching: [account]) { try $0.hasWork(account: account, all: all) }
    }

    /// Whether invoices are still to be looked through for their age on this business date (spec 5.2 step 7).
    public func hasAgeing() throws -> Bool {
        try books.transaction(reaching: [account]) { store in
            guard let state = try store.account(account),
                state.account.lateFeeAmount > .zero || state.account.writeOffDays > 0
            else { return false }
            return try store.agedSoFar(account: account, on: state.moment.businessDate) != nil
        }
    }

    /// Charges late fees and writes off. For a process that is the account's only pass meanwhile: what is still to be collected
    /// or to be reported today is not late yet, whoever has it in hand. So it looks once more for that before.
    public func age(batches: Int = .max) throws -> Report {
        var report = try run(batches, hasWork: hasWork(all: false), takingNotices: .now)
        guard report.isDone else { return report }
        report.agedInvoices += try AgeInvoices(account: account, books: books).execute(batches: batches)
        return report
    }

    private func run(_ batches: Int, hasWork: Bool, takingNotices time: TakeNotices.Time) throws -> Report {
        var report = Report()
        // Whether a step came to its end.
        func ended(_ step: (inout Report) throws -> Bool) rethrows -> Bool {
            var round = 0
            while round < batches, try step(&report) {
                round += 1
                progress(report)
            }
            return round < batches
        }
        report.isDone = true
        if hasWork {
            _ = try ended { try bill(.adjustments, &$0) }
            let allBilled = try ended { try bill(.charges, &$0) }
            let allCollected = try ended { try collect(&$0) }
            report.isDone = allBilled && allCollected
            try recover(&report)
        }
        var notices = TakeNotices(
            account: account, books: books, processor: processor, vault: vault, isTrouble: isTrouble)
        report.noticesTaken += try notices.execute(time)
        report.failures += notices.failures
        // Where retries were used up, what follows begins today.
        if report.attemptsMade + report.outcomesRecovered + report.noticesTaken > 0 {
            _ = try ended { try bill(.adjustments, &$0) }
        }
        return report
    }

    // MARK: Adjustments, invoicing and balancing (spec 5.2 steps 1 to 3)

    /// Why a subscription is looked at. All that is due of it happens then, whatever the reason.
    private enum Occasion {
        case adjustments, charges
    }

    private func bill(_ occasion: Occasion, _ report: inout Report) throws -> Bool {
        do {
            let done = try billBatch(occasion, limit: RunBilling.batchSize)
            report.add(done)
            return done.subscriptions > 0
        } catch  where !isTrouble(error) {
            // One of the batch cannot be billed: go through them one by one and set aside what fails.
            return try billSingly(occasion, &report)
        }
    }

    private func billSingly(_ occasion: Occasion, _ report: inout Report) throws -> Bool {
        var moved = 0
        for _ in 0..<RunBilling.batchSize {
            var current: Identifier<Subscription>?
            do {
                let one = try billBatch(occasion, limit: 1) { current = $0 }
                if one.subscriptions == 0 { break }
                report.add(one)
                moved += one.subscriptions
            } catch  where !isTrouble(error) {
                guard let failed = current else { throw error }
                try setAside(failed, for: error, &report)
            }
        }
        return moved > 0
    }

    private func setAside(
        _ failed: Identifier<Subscription>, for error: any Error, _ report: inout Report
    ) throws {
        let reason = "\(error)"
        try books.transaction(reaching: [account]) {
            try $0.setAside(failed, account: account, reason: String(reason.prefix(500)))
        }
        report.setAside.append("\(failed): \(reason)")
    }

    private func billBatch(
        _ occasion: Occasion, limit: Int, noting: (Identifier<Subscription>) -> Void = { _ in }
    ) throws -> BillSubscriptions.Done {
        try books.transaction(reaching: [account]) { store in
            guard let state = try store.account(account) else { return BillSubscriptions.Done() }
            let today = state.moment.businessDate
            let due =
                switch occasion {
                case .adjustments: try store.dueAdjustments(account: account, through: today, limit: limit)
                case .charges:
                    try store.dueSubscriptions(
                        account: account, through: today.adding(days: state.account.invoiceLeadDays),
                        limit: limit)
                }
            due.forEach { noting($0.id) }
            return try BillSubscriptions(account: state.account, moment: state.moment).execute(due, in: store)
        }
    }

    // MARK: Collecting (spec 5.2 steps 4 to 6)

    private func collect(_ report: inout Report) throws -> Bool {
        do {
            return try collectBatch(limit: RunBilling.batchSize, &report)
        } catch  where !isTrouble(error) {
            // One of the batch cannot be collected: go through them one by one and set aside what fails.
            return try collectSingly(&report)
        }
    }

    private func collectSingly(_ report: inout Report) throws -> Bool {
        var moved = false
        for _ in 0..<RunBilling.batchSize {
            var current: Identifier<Subscription>?
            do {
                guard try collectBatch(limit: 1, &report, noting: { current = $0 }) else { break }
                moved = true
            } catch  where !isTrouble(error) {
                guard let failed = current else { throw error }
                try setAside(failed, for: error, &report)
            }
        }
        return moved
    }

    private func collectBatch(
        limit: Int, _ report: inout Report, noting: (Identifier<Subscription>?) -> Void = { _ in }
    ) throws -> Bool {
        guard let batch = try openAttempts(limit: limit, noting: noting) else { return false }
        if !batch.orders.isEmpty {
            report.attemptsMade += batch.orders.count
            let answers = processor.submit(batch.orders.map(\.order))
            try settle(
                zip(batch.orders.map(\.transactionID), answers.map(SettleAttempts.Known.answer)),
                at: batch.state, &report)
        }
        return batch.didMove
    }

    private struct Batch {
        let state: AccountState
        let orders: [OpenedOrder]
        /// Whether any invoice was moved on; otherwise the same ones would come again.
        let didMove: Bool
    }

    private func openAttempts(
        limit: Int, noting: (Identifier<Subscription>?) -> Void
    ) throws -> Batch? {
        try books.transaction(reaching: [account]) { store in
            guard let state = try store.account(account) else { return nil }
            let due = try store.dueCollections(
                account: account, through: state.moment.businessDate, limit: limit)
            guard !due.isEmpty else { return nil }
            due.forEach { noting($0.collection.subscriptionID) }
            let customers = Array(Set(due.map(\.collection.customerID))).sorted()
            let items = try store.openItems(of: customers, account: account)
            let ids = try store.reserveTransactionIDs(due.count)
            var collecting = CollectInvoices(
                state: state, items: items, open: try store.openAttempts(of: customers, account: account))
            let changes = collecting.execute(due, ids: ids)
            try store.write(changes)
            let orders = try self.orders(for: changes.attempts, at: state, in: store)
            return Batch(state: state, orders: orders, didMove: !changes.collections.isEmpty)
        }
    }

    func orders(for attempts: [NewAttempt], at state: AccountState, in store: any Store) throws
        -> [OpenedOrder]
    {
        guard !attempts.isEmpty else { return [] }
        let key = try VaultKey.of(account, in: store, vault: vault)
        let sealed = try store.sealedNumbers(of: attempts.compactMap(\.paymentOptionID), account: account)
        return try attempts.compactMap { attempt in
            guard let option = attempt.paymentOptionID, let bytes = sealed[option] else { return nil }
            let numbers = try vault.open(bytes, account: account, option: option.rawValue, key: key)
            return OpenedOrder(
                transactionID: attempt.transactionID,
                order: ProcessorOrder(attempt, account: state.account, numbers: numbers, moment: state.moment)
            )
        }
    }

    /// Takes answers into the books, all together; one by one where one of them cannot be: that one stays open, is asked for
    /// again, and is listed for a person after an hour.
    func settle(
        _ answers: some Sequence<(Identifier<Transaction>, SettleAttempts.Known)>, at state: AccountState,
        _ report: inout Report
    ) throws {
        let answers = Dictionary(uniqueKeysWithValues: answers.map { ($0, $1) })
        do {
            try settle(answers, at: state)
        } catch  where !isTrouble(error) {
            for (id, answer) in answers.sorted(by: { $0.key < $1.key }) {
                do {
                    try settle([id: answer], at: state)
                } catch  where !isTrouble(error) {
                    report.failures.append("attempt \(id): \(error)")
                }
            }
        }
    }

    private func settle(
        _ answers: [Identifier<Transaction>: SettleAttempts.Known], at state: AccountState
    ) throws {
        _ = try books.transaction(reaching: [account]) { store in
            try SettleAttempts(account: state.account, moment: state.moment, answers: answers)
                .execute(in: store)
        }
    }
}

extension RunBilling.Report {
    fileprivate mutating func add(_ done: BillSubscriptions.Done) {
        subscriptionsMoved += done.subscriptions
        invoicesMade += done.invoices
    }

    /// Takes in what a further pass did; whether something is left is what that one found.
    public mutating func add(_ other: RunBilling.Report) {
        subscriptionsMoved += other.subscriptionsMoved
        invoicesMade += other.invoicesMade
        attemptsMade += other.attemptsMade
        outcomesRecovered += other.outcomesRecovered
        noticesTaken += other.noticesTaken
        agedInvoices += other.agedInvoices
        setAside += other.setAside
        failures += other.failures
        isDone = other.isDone
    }
}
