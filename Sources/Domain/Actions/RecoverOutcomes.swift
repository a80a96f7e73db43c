/// How long and how often the outcome of an attempt is waited for (spec 5.6).
///
/// ```
/// real time     0 s         20 s              40 s              60 s
///               ├─ sent ─────┼─ asked: never ──┼─ asked: never ──┼─ asked: never came
///               │  no answer │  came; sent     │  came; sent     │  given up: nothing
///               │  pending   │  again          │  again          │  was charged
/// ```
/// The key is the same each time. What the processor has on record is taken over at the first asking; one that cannot be asked is
/// asked at growing intervals.
public enum UnknownOutcome {
    /// Seconds after a sending before it counts as never received: longer than anybody waits for the processor (15 s), so that
    /// nothing is on its way any more. The first window is the default of `attempts.next_look_up`.
    public static let windowOfDoubt = 20
    /// How often one order is sent in all before it is given up.
    public static let sendings = 3
}

/// Recovery of unknown outcomes (spec 5.6).
extension RunBilling {
    /// Asks for all unknown outcomes before the clock of a sandbox account moves on: by its time the minute has passed.
    ///
    /// An attempt still in its window of doubt is asked for only when its sender has noted that no answer came, or somebody has asked
    /// since: what the sandbox has not on record then, it will never have, for it decides before the sender's call returns.
    ///
    /// - Returns: what was done; with outcomes recovered, further work may be due.
    public func recoverEarly() throws -> Report {
        var report = Report()
        while try recover(&report, early: true) {}
        return report
    }

    /// - Parameter early: ``recoverEarly()``.
    /// - Returns: whether any attempt was settled or sent again.
    @discardableResult
    func recover(_ report: inout Report, early: Bool = false) throws -> Bool {
        let found = try books.transaction(reaching: [account]) { store -> (AccountState, [OpenAttempt])? in
            let attempts = try store.attemptsToLookUp(
                account: account, limit: RunBilling.batchSize, early: early)
            guard !attempts.isEmpty, let state = try store.account(account) else { return nil }
            return (state, attempts)
        }
        guard let (state, attempts) = found else { return false }
        let findings = processor.lookUp(account: account, keys: attempts.map(\.facts.orderKey))
        var known: [(Identifier<Transaction>, SettleAttempts.Known)] = []
        var lost: [OpenAttempt] = []
        for (attempt, finding) in zip(attempts, findings) {
            switch finding {
            case .found(let response):
                known.append((attempt.facts.transactionID, .answer(.answered(response))))
            case .unreachable:
                known.append(
                    (attempt.facts.transactionID, .answer(.unknown(reason: "the processor cannot be asked"))))
            case .notFound: lost.append(attempt)
            }
        }
        let again = try sendAgain(lost, at: state, &report)
        known += again.known
        let settled = known.filter { if case .answer(.unknown) = $0.1 { false } else { true } }.count
        report.outcomesRecovered += settled
        try settle(known, at: state, &report)
        return settled > 0 || again.wasSent
    }

    /// What is given up is withdrawn at the processor first: its sender may have been stopped on the way and go on later. What has
    /// arrived after all counts; of what cannot be withdrawn now nothing is known.
    private func withdrawn(
        _ given: [(Identifier<Transaction>, SettleAttempts.Known)]
    ) -> [(Identifier<Transaction>, SettleAttempts.Known)] {
        let findings = processor.withdraw(
            account: account, keys: given.map { NewAttempt.orderKey(of: $0.0) })
        return zip(given, findings).map { one, finding in
            switch finding {
            case .found(let response): (one.0, .answer(.answered(response)))
            case .notFound: one
            case .unreachable: (one.0, .answer(.unknown(reason: "the processor cannot be asked")))
            }
        }
    }

    /// What the processor never received is sent again, with the same key and never another, as long as it is still wanted and not
    /// too often. What is not wanted, and payments by raw account data, of which nothing was kept, are abandoned; what was lost each
    /// time is given up: nothing was charged.
    private func sendAgain(
        _ attempts: [OpenAttempt], at state: AccountState, _ report: inout Report
    ) throws -> (known: [(Identifier<Transaction>, SettleAttempts.Known)], wasSent: Bool) {
        guard !attempts.isEmpty else { return ([], false) }
        let collecting = attempts.map(\.facts).filter { $0.kind.collects }
        let wanted = try books.transaction(reaching: [account]) {
            try $0.stillWanted(collecting.map(\.transactionID), account: account)
        }
        var known: [(Identifier<Transaction>, SettleAttempts.Known)] = []
        var orders: [OpenedOrder] = []
        for attempt in attempts {
            let facts = attempt.facts
            // A refund or void stays wanted: nothing else could be done about its payment meanwhile.
            if facts.kind.collects, !wanted.contains(facts.transactionID) {
                known.append(
                    (
                        facts.transactionID,
                        .abandoned(reason: "the processor never received the request; nothing was charged")
                    ))
            } else if attempt.sendings >= UnknownOutcome.sendings {
                known.append(
                    (
                        facts.transactionID,
                        .undelivered(
                            reason:
                                "the processor received none of \(attempt.sendings) requests; nothing was moved"
                        )
                    ))
            } else if facts.kind.collects {
                do {
                    orders += try books.transaction(reaching: [account]) {
                        try self.orders(for: [facts], at: state, in: $0)
                    }
                } catch  where !isTrouble(error) {
                    report.failures.append("attempt \(facts.transactionID): \(error)")
                }
            } else {
                orders.append(
                    OpenedOrder(
                        transactionID: facts.transactionID,
                        order: ProcessorOrder(
                            givingBack: facts, account: state.account, moment: state.moment)))
            }
        }
        known = withdrawn(known)
        guard !orders.isEmpty else { return (known, false) }
        // Counted before it is sent: a crash in between costs one sending, never one too many.
        let open = try books.transaction(reaching: [account]) {
            try $0.noteSending(orders.map(\.transactionID), account: account)
        }
        orders.removeAll { !open.contains($0.transactionID) }
        let answers = processor.submit(orders.map(\.order))
        known += zip(orders.map(\.transactionID), answers.map(SettleAttempts.Known.answer))
        return (known, !orders.isEmpty)
    }
}
