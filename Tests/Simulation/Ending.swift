import Domain

/// What must hold when all faults are over and nothing is under way: nothing lost, nothing twice.
struct Ending {
    private let simulation: Simulation
    private var state: MemoryState { simulation.books.state }

    init(_ simulation: Simulation) { self.simulation = simulation }

    /// What does not hold.
    func faults() -> [String] {
        var checker = Checker(state, simulation.processor)
        checker.charges(isAtEnd: true)
        return checker.broken + acknowledged() + finished() + collected() + balanced()
    }

    /// Every request that was answered is there exactly once; one that was refused is not there.
    private func acknowledged() -> [String] {
        var faults: [String] = []
        for request in simulation.requests {
            let count = effects(of: request.key)
            switch request.answer {
            case nil: faults.append("\(request.key) \(request.label) got no answer")
            case .refused(let code):
                if count > 0 { faults.append("\(request.key) \(request.label): \(code), and was done") }
            case .done(let answer):
                if count > 1 { faults.append("\(request.key) \(request.label) was done \(count) times") }
                if !isThere(answer) { faults.append("\(request.key): \(answer) is not there") }
                if count == 0, request.label.hasPrefix("creates") || request.label.hasPrefix("records") {
                    faults.append("\(request.key) \(request.label) was answered and is lost")
                }
            }
        }
        return faults
    }

    /// How often something carries the key.
    private func effects(of key: String) -> Int {
        max(
            state.transactions.rows.count { $0.facts.note == key },
            state.attempts.rows.count { $0.facts.note == key })
            + state.customers.rows.count { $0.code == key }
            + state.subscriptions.rows.count { $0.subscription.code == key }
            + state.options.rows.count { $0.option.code == key }
            + state.adjustments.rows.count { $0.adjustment.note == key }
    }

    private func isThere(_ answer: String) -> Bool {
        let words = answer.split(separator: " ")
        guard words.count > 1, let id = Int64(words[words.count - 1]) else { return true }
        return switch words[words.count - 2] {
        case "transaction": state.transactions[id] != nil
        case "customer": state.customers[id] != nil
        case "subscription": state.subscriptions[id] != nil
        case "option": state.options[id] != nil
        default: true
        }
    }

    /// Nothing is open, nothing that is due is unbilled or uncollected.
    private func finished() -> [String] {
        var faults: [String] = []
        let today = state.moment.businessDate
        for row in state.attempts.rows where row.outcome == .open {
            faults.append("attempt \(row.facts.transactionID) is open")
        }
        for row in state.subscriptions.rows {
            let status = state.customers[row.subscription.customerID.rawValue]?.status
            if let next = row.subscription.progress.nextBillingDate, next <= today, status != .inactive {
                faults.append("subscription \(row.subscription.id) is due since \(next) and not billed")
            }
        }
        for row in state.collections.rows where row.state == .due {
            guard let customer = state.customers[row.customerID.rawValue], customer.status != .inactive,
                customer.balance > .zero, let day = row.collectOn, day <= today
            else { continue }
            faults.append("invoice \(row.invoiceID) was to be collected on \(day)")
        }
        for row in state.transactions.rows
        where row.facts.cycleNumber != nil && state.collections[row.id.rawValue] == nil {
            faults.append("nobody collects invoice \(row.id)")
        }
        for report in simulation.processor.reports
        where report.notice.date <= today && !report.isAcknowledged {
            faults.append("notice \(report.notice.id) was not taken")
        }
        return faults
    }

    /// What the run collected for an invoice, and did not give back, is no more than the invoice with its fees.
    private func collected() -> [String] {
        var taken: [Int64: Int64] = [:]
        for row in state.attempts.rows
        where row.outcome == .approved && row.facts.creatorCode == RunBilling.actor {
            let id = row.facts.transactionID
            guard let invoice = row.facts.invoiceID?.rawValue,
                state.transactions[id.rawValue]?.status == .final,
                !state.transactions.rows.contains(where: {
                    $0.facts.sourceID == id && $0.status == .final
                        && ($0.facts.type == .chargeback || $0.facts.type == .refund)
                })
            else { continue }
            let fees = row.facts.feeIDs.reduce(Int64(0)) {
                $0 + (state.transactions[$1.rawValue]?.facts.amount.minorUnits ?? 0)
            }
            taken[invoice, default: 0] += (row.response?.approvedAmount.minorUnits ?? 0) - fees
        }
        return state.transactions.rows.compactMap { row in
            guard let sum = taken[row.id.rawValue], sum > row.facts.amount.minorUnits else { return nil }
            return "invoice \(row.id) of \(row.facts.amount.minorUnits): \(sum) was collected for it"
        }
    }

    /// No customer owes something and has credit that could pay it.
    private func balanced() -> [String] {
        state.customers.rows.compactMap { customer in
            let own = state.transactions.rows.filter { $0.customerID == customer.id && $0.balance > .zero }
            let debt = own.first { $0.facts.type.isDebt }
            let credit = own.first { !$0.facts.type.isDebt && !isHeld($0) }
            guard let debt, let credit else { return nil }
            return "credit \(credit.id) is unused while \(debt.id) is open"
        }
    }

    private func isHeld(_ credit: Transaction) -> Bool {
        guard let id = credit.facts.subscriptionID?.rawValue,
            credit.facts.type == .payment || credit.facts.type == .claim,
            credit.facts.accountType != .writeOff, credit.facts.creatorCode != RunBilling.actor
        else { return false }
        return state.subscriptions[id]?.subscription.progress.awaitsFirstBill ?? false
    }
}
