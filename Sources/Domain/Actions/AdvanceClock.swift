/// Moves a sandbox account's clock forward through every billing day in between, running each as the jobs process would
/// (spec 1.6, 6.5).
public struct AdvanceClock {
    let account: Int64
    let target: LocalDateTime

    /// Moves the clock of this account to this wall-clock time in its zone.
    public init(account: Int64, to target: LocalDateTime) {
        self.account = account
        self.target = target
    }

    /// - Parameters:
    ///   - runDay: runs the billing of the day that the clock shows until nothing more is due.
    ///   - askForOutcomes: asks the processor for all unknown outcomes; whether any became known.
    /// - Throws: `Refusal`: V24 no such account; V30 a live account; V21 backwards.
    public func execute(
        _ books: any Books, reaching accounts: [Int64], by actor: Actor, runDay: () throws -> Void,
        askForOutcomes: () throws -> Bool
    ) throws -> AccountClock {
        try books.withoutPasses(of: account) {
            let (start, first) = try books.transaction(reaching: accounts) { store in
                (try state(in: store, reaching: accounts), try store.lastTransactionID())
            }
            try runDay()
            var counts = AdvanceCounts()
            var day = start.moment.businessDate
            let target = isToday(target, at: start) ? start.moment.local : target
            while day < target.date {
                try endDay(in: books, runDay, askForOutcomes)
                day = day.adding(days: 1)
                // A day is billed at its midnight, whatever the time at which the clock is to stop.
                let midnight = LocalDateTime(date: day)
                _ = try books.transaction(reaching: accounts) { try $0.setClock(of: account, to: midnight) }
                try runDay()
                counts.daysRun += 1
            }
            let goesOn =
                target > start.moment.local && (counts.daysRun == 0 || target > LocalDateTime(date: day))
            if goesOn { try endDay(in: books, runDay, askForOutcomes) }
            return try books.transaction(reaching: accounts) { store in
                if goesOn {
                    _ = try store.setClock(of: account, to: target)
                }
                let days = counts.daysRun
                counts = try store.counts(account: account, since: first)
                counts.daysRun = days
                try store.note("advance", on: "clock", account, of: account, by: actor)
                let end = try state(in: store, reaching: accounts, isDone: true)
                // The passes of its days asked for notices and did not note it.
                _ = try store.takeNoticeRound(account: account, on: end.moment.businessDate)
                return AccountClock(
                    accountID: account, moment: end.moment, timeZone: end.account.timeZone,
                    isFrozen: end.isFrozen, advance: counts)
            }
        }
    }

    /// Before the clock moves on, what has no known outcome is asked for, as within a minute of it (spec 5.6), and what follows
    /// from the answers is done on their day. When the clock stops, the outcomes of its last moment are still open.
    ///
    /// What a sender has in hand is waited for: mostly he is done at once. Of one that ended on the way nothing is noted: his attempt is
    /// asked for when its window of doubt is over (``UnknownOutcome/windowOfDoubt``). What others begin meanwhile is theirs.
    private func endDay(
        in books: any Books, _ runDay: () throws -> Void, _ askForOutcomes: () throws -> Bool
    ) throws {
        // Mostly nothing is open, and one question tells.
        guard try books.reading(reaching: [account], { try $0.hasOpenAttempts(account: account) }) else {
            return
        }
        func inHand() throws -> Set<Identifier<Transaction>> {
            try books.reading(reaching: [account]) { try $0.attemptsInHand(account: account) }
        }
        while try askForOutcomes() { try runDay() }
        let waitedFor = try inHand()
        guard !waitedFor.isEmpty else { return }
        while try !inHand().isDisjoint(with: waitedFor), books.waitForOthers() {}
        while try askForOutcomes() { try runDay() }
    }

    private func state(in store: any Store, reaching accounts: [Int64], isDone: Bool = false) throws
        -> AccountState
    {
        guard accounts.contains(account), let state = try store.account(account) else {
            throw Refusal(.notFound, "there is no merchant account \(account)")
        }
        guard state.account.mode == .sandbox else {
            throw Refusal(.stateForbids, "only a sandbox account's clock can be moved")
        }
        guard isDone || target >= state.moment.local || isToday(target, at: state) else {
            throw Refusal(
                .valueNotAllowed, "to must not be before the account's clock, \(state.moment.local)",
                field: "to")
        }
        return state
    }

    /// Whether the target is the date that the clock shows already, named without a time: nothing is to be moved.
    private func isToday(_ target: LocalDateTime, at state: AccountState) -> Bool {
        target == LocalDateTime(date: state.moment.businessDate)
    }
}
