import Domain

extension MemoryStore {
    func write(_ changes: BookChanges) throws {
        try call()
        try takeCodes(changes)
        for settlement in changes.settlements { try settle(settlement) }
        for new in changes.transactions { try insert(new) }
        for id in changes.reversed {
            state.transactions.change(id.rawValue) { if $0.status == .final { $0.status = .reversed } }
        }
        for id in changes.restored {
            state.transactions.change(id.rawValue) { if $0.status == .reversed { $0.status = .final } }
        }
        for attempt in changes.attempts { try insert(attempt) }
        for id in changes.endedAllocations { try end(id) }
        for new in changes.allocations { try insert(new) }
        for collection in changes.collections {
            state.collections[collection.invoiceID.rawValue] = collection
        }
        for move in changes.progress { try advance(move.id.rawValue, to: move.to) }
        for moved in changes.adjustments { try move(moved.adjustment, dueOn: moved.dueOn) }
        let now = state.moment.local
        for declined in changes.declinedOptions {
            state.options.change(declined.id.rawValue) {
                $0.option.lastDeclineCode = declined.code
                $0.option.lastDeclineDate = now
                if declined.isHard { $0.option.particulars.isActive = false }
                $0.option.version += 1
            }
        }
    }

    private func takeCodes(_ changes: BookChanges) throws {
        let coded =
            changes.attempts.compactMap { row in row.code.map { ($0, row.transactionID.rawValue) } }
            + changes.transactions.compactMap { row in row.facts.code.map { ($0, row.id.rawValue) } }
            + changes.takenCodes.map { ($0.code, $0.id.rawValue) }
        for (code, id) in coded {
            if let owner = state.codes[code], owner != id { try refuseCode(code, "transaction", owner) }
            state.codes[code] = id
        }
    }

    private func settle(_ settlement: Settlement) throws {
        let id = settlement.attemptID
        guard let row = state.attempts[id], row.outcome == .open else {
            throw DatabaseRefused(constraint: "attempts_state_moves", detail: "attempt \(id) is settled")
        }
        state.attempts.change(id) {
            switch settlement.outcome {
            case .approved(let response): ($0.outcome, $0.response) = (.approved, response)
            case .declined(let response): ($0.outcome, $0.response) = (.declined, response)
            case .abandoned: $0.outcome = .abandoned
            }
            $0.nextAttemptDate = settlement.nextAttemptDate
        }
    }

    private func insert(_ new: NewTransaction) throws {
        let id = new.id.rawValue
        let existing = state.transactions[id]
        guard (existing != nil) == new.settlesPending, existing.map({ $0.status == .pending }) ?? true else {
            throw DatabaseRefused(
                constraint: "transactions_key", detail: "transaction \(id) is there, or is not pending")
        }
        try refuseUnique(new)
        if new.facts.type == .invoice, new.facts.cycleNumber != nil { invoiced.append(id) }
        let isOpen = new.status == .final
        var row = Transaction(
            id: new.id, accountID: state.account.id, customerID: new.customerID,
            createDate: state.moment.local, facts: new.facts, balance: isOpen ? new.facts.amount : .zero,
            status: new.status, processing: nil)
        if let existing {
            // What a pending one becomes changes no more than this.
            row.createDate = existing.createDate
        }
        state.transactions[id] = row
        guard new.status == .final else { return }
        let total = new.lines.reduce(Money.zero) { $0 + $1.amount }
        guard total == new.facts.amount, !new.lines.isEmpty else {
            throw DatabaseRefused(constraint: "ledger_entries_match", detail: "transaction \(id)")
        }
        state.lines[id] = new.lines
        let owed = new.lines.reduce(Money.zero) {
            $1.debit == Ledger.receivable ? $0 + $1.amount : $0 - $1.amount
        }
        state.customers.change(new.customerID.rawValue) { $0.balance = $0.balance + owed }
        if new.facts.type == .refund || new.facts.type == .void { try refuseAbovePayment(new.facts.sourceID) }
    }

    private func refuseUnique(_ new: NewTransaction) throws {
        let facts = new.facts
        if facts.type == .invoice, let cycle = facts.cycleNumber,
            state.transactions.rows.contains(where: {
                $0.facts.type == .invoice && $0.facts.cycleNumber == cycle
                    && $0.facts.subscriptionID == facts.subscriptionID
            })
        {
            throw DatabaseRefused(
                constraint: "transactions_one_invoice_a_cycle",
                detail: "cycle \(cycle) of subscription \(facts.subscriptionID?.description ?? "")")
        }
        guard let source = facts.sourceID else { return }
        let others = state.transactions.rows.filter { $0.facts.sourceID == source && $0.id != new.id }
        switch facts.type {
        case .invoiceReversal, .creditReversal, .void, .chargebackReversal, .refundReversal:
            if new.status == .final,
                others.contains(where: { $0.facts.type.reverses && $0.status == .final })
            {
                throw Refusal(.stateForbids, "the transaction was reversed already")
            }
        case .decline where new.status == .final:
            if others.contains(where: { $0.facts.type == .decline && $0.status == .final }) {
                throw DatabaseRefused(constraint: "transactions_one_return", detail: "of \(source)")
            }
        case .serviceFee, .lateFee:
            if others.contains(where: { $0.facts.type == facts.type }) {
                throw DatabaseRefused(constraint: "transactions_one_fee_a_cause", detail: "for \(source)")
            }
        default: break
        }
    }

    private func insert(_ attempt: NewAttempt) throws {
        for row in state.attempts.rows where row.outcome == .open {
            if attempt.kind.isCollecting, row.facts.kind.isCollecting,
                attempt.debts.contains(where: { row.facts.debts.contains($0) })
            {
                throw Refusal(.outcomeOpen, "another attempt to collect this invoice or fee is open")
            }
            if let source = attempt.sourceID, row.facts.sourceID == source {
                throw Refusal(.outcomeOpen, "another refund or void of this transaction is open")
            }
        }
        guard state.attempts[attempt.transactionID.rawValue] == nil, attempt.amount > .zero else {
            throw DatabaseRefused(constraint: "attempts_key", detail: "\(attempt.transactionID)")
        }
        try refuseDebts(of: attempt)
        state.attempts[attempt.transactionID.rawValue] = AttemptState(
            facts: attempt, businessDate: state.moment.businessDate, nextLookUp: world.time + 20)
        try refuseAbovePayment(attempt.sourceID)
    }

    /// The run collects fees along with an invoice; a caller names debts of its own customer.
    private func refuseDebts(of attempt: NewAttempt) throws {
        func isOwn(_ id: Identifier<Transaction>, orInvoice: Bool) -> Bool {
            guard let row = state.transactions[id.rawValue] else { return false }
            return row.customerID == attempt.customerID
                && (row.facts.type.isFee || orInvoice && row.facts.type == .invoice)
        }
        let further = attempt.feeIDs + attempt.namedIDs
        if !attempt.feeIDs.allSatisfy({ isOwn($0, orInvoice: false) })
            || !attempt.namedIDs.allSatisfy({ isOwn($0, orInvoice: true) })
            || !further.isEmpty && (attempt.invoiceID == nil || !attempt.kind.isCollecting)
            || !attempt.feeIDs.isEmpty && !attempt.namedIDs.isEmpty
        {
            throw DatabaseRefused(constraint: "attempts_of_debts", detail: "\(attempt.transactionID)")
        }
    }

    private func refuseAbovePayment(_ source: Identifier<Transaction>?) throws {
        guard let source, let payment = state.transactions[source.rawValue] else { return }
        var gone = Money.zero
        for row in state.transactions.rows
        where row.facts.sourceID == source && row.status == .final
            && (row.facts.type == .refund || row.facts.type == .void)
        {
            gone = gone + row.facts.amount
        }
        for row in state.attempts.rows where row.facts.sourceID == source && row.outcome == .open {
            gone = gone + row.facts.amount
        }
        guard gone <= payment.facts.amount else {
            throw Refusal(.amountTooLarge, "the refunds of a payment cannot exceed it", field: "amount")
        }
    }

    private func end(_ id: Int64) throws {
        guard let row = state.allocations[id], !row.isEnded else {
            throw DatabaseRefused(constraint: "allocations_unchanged", detail: "allocation \(id)")
        }
        state.allocations.change(id) { $0.isEnded = true }
        for side in [row.source, row.target] {
            state.transactions.change(side) { $0.balance = $0.balance + row.amount }
        }
    }

    private func insert(_ new: NewAllocation) throws {
        let id = world.next(.allocations)
        for side in [new.sourceID, new.targetID] {
            guard let row = state.transactions[side.rawValue], row.balance >= new.amount,
                row.customerID == new.customerID, new.amount > .zero
            else {
                throw DatabaseRefused(
                    constraint: "allocations_within_balance",
                    detail: "\(new.amount.minorUnits) of \(new.sourceID) on \(new.targetID)")
            }
            state.transactions.change(side.rawValue) { $0.balance = $0.balance - new.amount }
        }
        state.allocations[id] = AllocationRow(
            id: id, customerID: new.customerID, source: new.sourceID.rawValue, target: new.targetID.rawValue,
            amount: new.amount)
    }

    private func advance(_ id: Int64, to progress: SubscriptionProgress) throws {
        guard let before = state.subscriptions[id]?.subscription.progress else { return }
        guard before.status == progress.status || before.status.mayBecome(progress.status) else {
            throw Refusal(.stateForbids, "the subscription's status does not allow this move")
        }
        state.subscriptions.change(id) {
            $0.subscription.progress = progress
            $0.subscription.version += 1
        }
        try refuseOutOfStep(id, from: before)
    }

    private func move(_ adjustment: SubscriptionAdjustment, dueOn: CalendarDate?) throws {
        let id = adjustment.id.rawValue
        guard let row = state.adjustments[id] else {
            throw DatabaseRefused(constraint: "subscription_adjustments_key", detail: "\(id)")
        }
        let before = row.adjustment
        let isMove =
            before.state == .pending && adjustment.state != .pending
            || before.state == .effective && adjustment.state == .ended
        let isLonger = before.endDate.flatMap { end in adjustment.endDate.map { $0 > end } } ?? false
        let isWhole =
            switch adjustment.state {
            case .withdrawn: adjustment.endDate.map { $0 <= adjustment.effectiveDate } ?? false
            case .ended: adjustment.endDate.map { $0 >= adjustment.effectiveDate } ?? false
            default: true
            }
        guard isMove, !isLonger, isWhole else {
            throw DatabaseRefused(constraint: "subscription_adjustments_moves", detail: "\(id)")
        }
        state.adjustments.change(id) {
            $0.adjustment.state = adjustment.state
            $0.adjustment.endDate = adjustment.endDate
            $0.dueOn = dueOn
            $0.adjustment.endedBy = adjustment.endedBy ?? $0.adjustment.endedBy
            $0.adjustment.endNote = adjustment.endNote ?? $0.adjustment.endNote
        }
        try refuseAdjustments(of: row.subscriptionID)
    }
}

extension TransactionType {
    /// Whether it undoes another one in our books, once.
    var reverses: Bool {
        switch self {
        case .invoiceReversal, .creditReversal, .void, .chargebackReversal, .refundReversal: true
        default: false
        }
    }
}
