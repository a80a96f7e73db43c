import Domain

/// What must hold at any moment (spec 5.3 a to h), said over the state in memory as `invariants.sql` says it over the tables.
struct Checker {
    let state: MemoryState
    let processor: MemoryProcessor
    private(set) var broken: [String] = []

    init(_ state: MemoryState, _ processor: MemoryProcessor) {
        self.state = state
        self.processor = processor
    }

    /// Everything that holds between two steps.
    mutating func check() {
        ledger()
        allocations()
        undoing()
        subscriptions()
        invoices()
        attempts()
        charges(isAtEnd: false)
    }

    private mutating func fail(_ name: String, _ detail: String) { broken.append("\(name): \(detail)") }

    /// (a, c) What counts is in the ledger with its amount; a customer's balance is its receivable.
    private mutating func ledger() {
        var owed: [Int64: Int64] = [:]
        for row in state.transactions.rows {
            let id = row.id.rawValue
            let counts = row.status == .final || row.status == .reversed
            guard let lines = state.lines[id] else {
                if counts { fail("transactions_in_ledger", "transaction \(id) is not") }
                continue
            }
            let sum = lines.reduce(Int64(0)) {
                $0 + ($1.debit == Ledger.receivable ? $1.amount.minorUnits : -$1.amount.minorUnits)
            }
            let says = row.facts.type.isDebt ? row.facts.amount.minorUnits : -row.facts.amount.minorUnits
            if !counts || sum != says { fail("transactions_in_ledger", "transaction \(id): \(sum), \(says)") }
            owed[row.customerID.rawValue, default: 0] += sum
        }
        for customer in state.customers.rows
        where customer.balance.minorUnits != owed[customer.id.rawValue, default: 0] {
            fail("customer_balance", "customer \(customer.id)")
        }
    }

    /// (d) Balances are amounts less living allocations, which use a credit on a debt of the same customer.
    private mutating func allocations() {
        var used: [Int64: Int64] = [:]
        for row in state.allocations.rows where !row.isEnded {
            used[row.source, default: 0] += row.amount.minorUnits
            used[row.target, default: 0] += row.amount.minorUnits
            guard let source = state.transactions[row.source], let target = state.transactions[row.target],
                !source.facts.type.isDebt, target.facts.type.isDebt, source.customerID == row.customerID,
                target.customerID == row.customerID
            else {
                fail("allocation_sides", "allocation \(row.id)")
                continue
            }
        }
        for row in state.transactions.rows {
            let counts = row.status == .final || row.status == .reversed
            let left =
                (counts ? row.facts.amount.minorUnits : 0) - used[row.id.rawValue, default: 0]
            if left != row.balance.minorUnits || left < 0 {
                fail("transaction_balance", "transaction \(row.id): \(left), \(row.balance.minorUnits)")
            }
        }
    }

    /// (d) Refunds stay within their payment; what is reversed is undone in whole and used on what undid it.
    private mutating func undoing() {
        var gone: [Int64: Int64] = [:]
        var undone: [Int64: (whole: Int64, refunds: Int64, charged: Int64, isWhole: Bool)] = [:]
        for row in state.transactions.rows where row.status == .final {
            guard let source = row.facts.sourceID?.rawValue else { continue }
            let amount = row.facts.amount.minorUnits
            switch row.facts.type {
            case .refund:
                gone[source, default: 0] += amount
                undone[source, default: (0, 0, 0, false)].refunds += amount
            case .chargeback: undone[source, default: (0, 0, 0, false)].charged += amount
            case .decline:
                undone[source, default: (0, 0, 0, false)].whole += amount
                undone[source]?.isWhole = true
            case let type where type.reverses:
                if type == .void { gone[source, default: 0] += amount }
                undone[source, default: (0, 0, 0, false)].whole += amount
                undone[source]?.isWhole = true
            default: break
            }
        }
        for row in state.attempts.rows where row.outcome == .open {
            if let source = row.facts.sourceID?.rawValue {
                gone[source, default: 0] += row.facts.amount.minorUnits
            }
        }
        for row in state.transactions.rows {
            let id = row.id.rawValue
            let amount = row.facts.amount.minorUnits
            if gone[id, default: 0] > amount { fail("money_going_back", "of transaction \(id)") }
            let by = undone[id]
            let isPayment = row.facts.type == .payment || row.facts.type == .claim
            if row.status == .reversed {
                let whole = by.map { $0.isWhole ? $0.whole : $0.refunds } ?? 0
                if amount != whole {
                    fail("reversed_by_another", "transaction \(id) of \(amount): \(whole) is undone")
                }
                usedUp(row)
            } else if by?.isWhole == true || isPayment && by?.refunds == amount {
                fail("reversed_by_another", "transaction \(id) is \(row.status)")
            }
            if isPayment, let by { refunding(row, by.refunds, charged: by.charged, taken: by.whole) }
        }
    }

    /// Refunds take the credit of the payment that they name, as far as a void, return or chargeback left it.
    private mutating func refunding(_ payment: Transaction, _ refunded: Int64, charged: Int64, taken: Int64) {
        var (refunding, payingOut, charging) = (Int64(0), Int64(0), Int64(0))
        for row in state.allocations.rows where row.source == payment.id.rawValue && !row.isEnded {
            guard let target = state.transactions[row.target],
                target.facts.sourceID == nil || target.facts.sourceID == payment.id
            else { continue }
            switch target.facts.type {
            case .refund where target.facts.sourceID == nil: payingOut += row.amount.minorUnits
            case .refund: refunding += row.amount.minorUnits
            case .chargeback: charging += row.amount.minorUnits
            default: break
            }
        }
        let left = max(payment.facts.amount.minorUnits - charged - taken, 0) - payingOut
        if charging != charged || refunding != min(refunded, left) {
            fail(
                "refund_uses_its_payment",
                "refunds of \(refunded) use \(refunding) of \(payment.id), chargebacks of \(charged) \(charging)"
            )
        }
    }

    private mutating func usedUp(_ row: Transaction) {
        let id = row.id.rawValue
        var used: Int64 = 0
        for allocation in state.allocations.rows where !allocation.isEnded {
            if row.facts.type.isDebt, allocation.target == id,
                let other = state.transactions[allocation.source], other.facts.sourceID == row.id,
                other.facts.type.reverses
            {
                used += allocation.amount.minorUnits
            } else if !row.facts.type.isDebt, allocation.source == id,
                let other = state.transactions[allocation.target]
            {
                switch other.facts.type {
                case .void, .decline, .refund, .chargeback, .creditReversal:
                    used += allocation.amount.minorUnits
                default: break
                }
            }
        }
        if used != row.facts.amount.minorUnits {
            fail("undone_is_used_up", "transaction \(id) (\(row.facts.type)): \(used)")
        }
    }

    /// (e, g) A subscription is where its invoices and adjustments say.
    private mutating func subscriptions() {
        for row in state.subscriptions.rows {
            let one = row.subscription
            let (id, progress, terms) = (one.id.rawValue, one.progress, one.terms)
            let own = state.adjustments.rows.filter { $0.subscriptionID == id }.map(\.adjustment)
            let inForce = own.filter { $0.state == .effective }.map(\.kind)
            let expected: [SubscriptionAdjustment.Kind] =
                switch progress.status {
                case .frozen: [.freeze]
                case .paused: [.pause]
                case .cancelled: [.cancellation]
                default: []
                }
            if inForce != expected { fail("adjustment_in_force", "subscription \(id) \(progress.status)") }
            let invoices = state.transactions.rows.filter {
                $0.facts.type == .invoice && $0.facts.subscriptionID?.rawValue == id
                    && $0.facts.cycleNumber != nil
            }
            let cycles = Set(invoices.compactMap(\.facts.cycleNumber))
            if cycles.count != invoices.count { fail("one_invoice_a_cycle", "subscription \(id)") }
            for cycle in 1..<max(1, progress.nextCycle) where !cycles.contains(cycle) {
                let date = Almanac.date(of: cycle, terms)
                let isSkipped = own.contains {
                    $0.kind != .cancellation && $0.state != .withdrawn && $0.covers(date)
                }
                if !isSkipped, terms.amount > .zero { fail("no_cycle_skipped", "\(cycle) of \(id)") }
            }
            let billed = invoices.count { $0.facts.adjustmentID == nil }
            if terms.amount > .zero, billed != progress.billedCount {
                fail("subscription_progress", "subscription \(id): \(billed), \(progress.billedCount)")
            }
            if let last = cycles.max(), last >= progress.nextCycle {
                fail("subscription_progress", "subscription \(id) is before cycle \(last)")
            }
            nextBilling(one, own)
        }
        for customer in state.customers.rows where customer.status == .expired {
            if state.subscriptions.rows.contains(where: {
                $0.subscription.customerID == customer.id && $0.subscription.progress.status != .cancelled
                    && $0.subscription.progress.status != .expired
            }) {
                fail("customer_status", "customer \(customer.id)")
            }
        }
    }

    private mutating func nextBilling(_ one: Subscription, _ own: [SubscriptionAdjustment]) {
        let (progress, terms) = (one.progress, one.terms)
        let stops = own.filter { $0.isAlive && $0.kind != .freeze }
        if let next = progress.nextBillingDate {
            if next != Almanac.date(of: progress.nextCycle, terms)
                || stops.contains(where: { next >= $0.effectiveDate })
            {
                fail("next_billing_date", "subscription \(one.id) on \(next)")
            }
        } else if [.unbilled, .current, .frozen].contains(progress.status),
            progress.billedCount != terms.length, stops.isEmpty
        {
            fail("subscription_goes_on", "subscription \(one.id)")
        }
        let wasFrozen = own.contains { $0.kind == .freeze && $0.state == .ended }
        if progress.status == .unbilled && progress.billedCount > 0
            || progress.status == .current && progress.billedCount == 0 && !wasFrozen
            || progress.status == .expired && progress.billedCount != terms.length
        {
            fail("subscription_status", "subscription \(one.id)")
        }
    }

    /// (e) An invoice of a cycle has its date and price.
    private mutating func invoices() {
        for row in state.transactions.rows where row.facts.type == .invoice {
            guard let cycle = row.facts.cycleNumber, let id = row.facts.subscriptionID,
                let one = state.subscriptions[id.rawValue]?.subscription
            else { continue }
            let date = Almanac.date(of: cycle, one.terms)
            let freezes = state.adjustments.rows.filter {
                $0.subscriptionID == id.rawValue && $0.adjustment.kind == .freeze
            }.map(\.adjustment)
            let isOfItsCycle =
                if let adjustment = row.facts.adjustmentID {
                    freezes.contains { $0.id.rawValue == adjustment && date >= $0.effectiveDate }
                } else {
                    row.facts.amount == one.terms.amount
                        && !freezes.contains { $0.state != .withdrawn && $0.covers(date) }
                }
            if row.facts.dueDate != date || !isOfItsCycle {
                fail("invoice_of_its_cycle", "invoice \(row.id) of cycle \(cycle) of subscription \(id)")
            }
        }
    }

    /// (f) One open attempt for an invoice; an attempt and its transaction agree.
    private mutating func attempts() {
        var open: Set<Int64> = []
        var collected: Set<Int64> = []
        for row in state.attempts.rows {
            if row.outcome == .open, row.facts.sourceID == nil {
                for debt in row.facts.debts
                where !collected.insert(debt.rawValue).inserted {
                    fail("one_open_attempt", "debt \(debt) is in two of them")
                }
            }
            let id = row.facts.transactionID.rawValue
            let transaction = state.transactions[id]
            if row.outcome == .open, let invoice = row.facts.invoiceID?.rawValue,
                !open.insert(invoice).inserted
            {
                fail("one_open_attempt", "invoice \(invoice)")
            }
            let agrees: Bool
            switch row.outcome {
            case .open: agrees = transaction.map { $0.status == .pending } ?? true
            case .approved:
                agrees =
                    transaction.map {
                        ($0.status == .final || $0.status == .reversed) && $0.facts.type != .decline
                            && $0.facts.amount == row.response?.approvedAmount
                    } ?? false
            case .declined, .abandoned: agrees = transaction?.status == .declined
            }
            if !agrees { fail("attempt_has_transaction", "attempt \(id) \(row.outcome)") }
        }
        for row in state.collections.rows where row.state == .open && !open.contains(row.invoiceID.rawValue) {
            fail("open_collection_has_attempt", "invoice \(row.invoiceID)")
        }
    }

    /// The processor's book against ours, both ways. A charge whose attempt is open is normal until the end.
    mutating func charges(isAtEnd: Bool) {
        for key in processor.keys {
            guard let movement = processor.movements[key] else { continue }
            if processor.carriedOut[key] != 1 { fail("charged_once", "key \(key)") }
            guard let id = Int64(key.dropFirst()), let row = state.attempts[id] else {
                fail("charge_settled", "key \(key) has no attempt")
                continue
            }
            if row.outcome == .open, !isAtEnd { continue }
            let isSame =
                row.response?.code == movement.response.code
                && row.response?.approvedAmount == movement.response.approvedAmount
                && row.facts.amount == movement.order.amount
            if !isSame { fail("settled_attempt_at_processor", "attempt \(id) \(row.outcome)") }
        }
        for row in state.attempts.rows where row.outcome == .approved || row.outcome == .declined {
            if processor.movements[row.facts.orderKey] == nil {
                fail("settled_attempt_at_processor", "attempt \(row.facts.transactionID) is not there")
            }
        }
        for report in processor.reports
        where report.isAcknowledged && state.notices[report.notice.id] == nil {
            fail("notice_taken", "notice \(report.notice.id)")
        }
    }
}
