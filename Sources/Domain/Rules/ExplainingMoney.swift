// Payments, refusals, and what takes money back.
extension Explaining {
    mutating func explainPayment() {
        guard let attempt = facts.attempt else { return }
        rule(attempt.owed == nil ? .payment : .collection)
        asked(attempt)
        answered(attempt)
        if it.type == .claim, facts.transaction.status != .pending {
            let count = account.claimReturnDays
            let final = BankingDays.date(count, after: it.dueDate)
            note("claimReturnDays", count)
            note("claimFinalDate", final)
            say(
                "A claim counts as final \(counted(count, "banking day")) after \(it.dueDate), Saturdays and Sundays left out: on \(final)."
            )
        }
    }

    mutating func explainDecline() {
        rule(.decline)
        if it.sourceID != nil { note("sourceId", it.sourceID?.description ?? "") }
        if let attempt = facts.attempt {
            note("attemptKind", attempt.kind.rawValue)
            if attempt.kind.collects { asked(attempt) } else { wanted() }
            answered(attempt)
        }
        say("No money moved: the customer's balance is unchanged.")
        if let attempt = facts.attempt { nextAttempt(after: attempt.settledOn, isByRun: attempt.owed != nil) }
    }

    mutating func explainTakenBack(_ which: Explanation.Rule) {
        rule(which)
        noteSource()
        if let code = facts.transaction.processing?.responseCode { note("responseCode", code) }
        if which == .returned {
            say(
                "The bank returned \(named(facts.source)) of \(money(facts.source?.facts.amount ?? it.amount)): the customer owes \(money(it.amount)) again."
            )
        } else {
            let claimed = facts.origin.notice?.amount ?? it.amount
            note("noticeAmount", claimed)
            say(
                "The payer's bank charged back \(money(claimed)) of \(named(facts.source)), which was \(money(facts.source?.facts.amount ?? it.amount)): the customer owes \(money(it.amount)) again."
            )
        }
        say("What the payment had paid is open again, the newest first.")
        nextAttempt(after: facts.origin.businessDate, isByRun: true)
    }

    mutating func explainGivenBack() {
        rule(it.type == .void ? .void : .refund)
        noteSource()
        guard let source = facts.source else {
            requested(it.amount, tax: it.taxAmount, due: it.dueDate)
            return say(
                "\(caller) asked for \(money(it.amount)) to be paid out of the customer's unused credit.")
        }
        wanted()
        if let paid = source.processing, it.attemptID != nil {
            let at = paid.responseDate ?? source.createDate
            let settles = Reversal.settlement(of: at, at: account.settlementTime)
            let asked = facts.attempt.map { _ in facts.transaction.processing?.createDate } ?? nil
            note("paidAt", at.description)
            note("settlementTime", account.settlementTime)
            note("settledAt", settles.description)
            if let asked {
                note("askedAt", asked.description)
                say(
                    "The payment was made at \(at) and settles at \(settles); this was asked for at \(asked), \(asked < settles ? "before" : "after") that."
                )
            }
        }
        if let attempt = facts.attempt { answered(attempt) }
        say("It took what was unused of the payment first, then what the payment had paid, the newest first.")
    }

    mutating func explainReversal() {
        rule(.reversal)
        noteSource()
        let source = facts.source?.facts
        if facts.origin.request == nil, let claim = source?.sourceID {
            note("claimId", claim.description)
            say("The retry fee \(named(facts.source)) was charged for AC \(claim), which came back.")
        }
        say(
            "\(caller) reversed \(named(facts.source)) in whole: \(money(source?.amount ?? it.amount))\(including(source?.taxAmount ?? .zero))."
        )
    }

    /// How much of a payment was to be given back, and why so much.
    private mutating func wanted() {
        guard let source = facts.source else { return }
        let given = facts.givenBack
        if it.type == .decline { noteSource() }
        note("refundedBefore", given.refunded)
        note("refundedTaxBefore", given.refundedTax)
        note("chargedBackBefore", given.chargedBack)
        note("paidOutBefore", given.paidOut)
        let left = source.facts.amount - given.total
        say(
            "\(named(source)) was \(money(source.facts.amount)); \(money(given.total)) of it was given back before, \(money(left)) was left."
        )
        guard facts.origin.request?.action == "reverse" else {
            requested(it.amount, tax: it.taxAmount, due: it.dueDate)
            return say("\(caller) asked for \(money(it.amount)) of it to be given back.")
        }
        say("\(caller) asked for all that was left: \(money(it.amount))\(including(it.taxAmount)).")
    }

    /// How much was asked of the processor, and why then.
    private mutating func asked(_ attempt: ExplanationFacts.Attempt) {
        note("attemptNumber", attempt.number)
        if let invoice = attempt.invoiceID { note("invoiceId", invoice.description) }
        guard let owed = attempt.owed else {
            requested(attempt.amount, tax: attempt.taxAmount, due: attempt.dueDate)
            return say("\(caller) asked for \(money(attempt.amount))\(including(attempt.taxAmount)).")
        }
        let items = (attempt.invoiceID.map { [$0] } ?? []) + attempt.feeIDs
        for (item, (full, open)) in zip(items, zip(attempt.fullAmounts, attempt.openAmounts)) {
            note("full.\(item)", full)
            note("open.\(item)", open)
            if full > open {
                say("Credit had paid \(money(full - open)) of transaction \(item), which was \(money(full)).")
            }
        }
        note("owed", owed)
        let sum = attempt.openAmounts.reduce(Money.zero, +)
        let parts = zip(items, attempt.openAmounts).map { "\(money($1)) was open on transaction \($0)" }
        say(
            "\(parts.joined(separator: ", "))\(parts.count > 1 ? ", together \(money(sum))" : ""); the customer owed \(money(owed)).",
            sum == owed
                ? "So \(money(attempt.amount)) was asked for."
                : "The smaller of both was asked for: \(money(attempt.amount)).")
        planned(attempt)
    }

    /// Why the run tried it on that day.
    private mutating func planned(_ attempt: ExplanationFacts.Attempt) {
        let made = facts.origin.businessDate
        guard let last = facts.declines.last else {
            guard let due = attempt.invoiceDueDate else { return }
            note("invoiceDueDate", due)
            return say(
                made <= due
                    ? "It was collected on the invoice's due date, \(due)."
                    : "The invoice was due on \(due); it was collected on \(made), when the billing run first could."
            )
        }
        note("previousDeclineId", last.id.description)
        note("previousDeclineDate", last.date)
        guard let next = last.next else {
            return say(
                "The decline \(last.id) of \(last.date) announced no retry; it was collected on \(made), when a usable payment option was there again."
            )
        }
        let retry = facts.declines.count { $0.next != nil }
        note("retryNumber", retry)
        note("retryDays", listed(last.retryDays))
        say(
            "Retry \(retry) of \(last.retryDays.count) was planned for \(counted(days(from: last.date, to: next), "day")) after the decline \(last.id) of \(last.date): \(next).",
            made > next ? "The billing run came by on \(made)." : nil)
    }

    private mutating func answered(_ attempt: ExplanationFacts.Attempt) {
        guard let said = facts.transaction.processing else { return }
        guard let code = said.responseCode else {
            let reason = said.responseMessage ?? "nothing was charged"
            return say(
                facts.transaction.status == .pending
                    ? "The processor has not said yet what became of it."
                    : "It came to nothing: \(reason).")
        }
        note("responseCode", code)
        let words = "The processor answered \(code), \(said.responseMessage ?? "without words")"
        guard let approved = attempt.approvedAmount, approved > .zero else { return say("\(words).") }
        note("approvedAmount", approved)
        say(
            approved < attempt.amount
                ? "\(words): of the \(money(attempt.amount)) asked for, \(money(approved)) moved."
                : "\(words): \(money(approved)) moved.")
    }

    /// When the run tries again.
    private mutating func nextAttempt(after date: CalendarDate, isByRun: Bool) {
        guard let next = facts.transaction.processing?.nextAttemptDate else { return }
        guard isByRun else {
            note("plannedAttemptDate", next)
            return say("The billing run goes on as planned before: it tries on \(next).")
        }
        let retry = facts.declines.count { $0.next != nil } + 1
        note("countedFrom", date)
        note("nextRetryNumber", retry)
        note("nextRetryDays", listed(account.retryDays))
        note("nextAttemptDate", next)
        say(
            "The billing run tries again \(counted(days(from: date, to: next), "day")) after \(date), as retry \(retry) of \(account.retryDays.count): on \(next)."
        )
    }

    private func listed(_ days: [Int]) -> String { days.map(\.description).joined(separator: ",") }
}
