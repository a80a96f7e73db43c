import Domain

extension MemoryStore {
    func subscription(
        of customer: Identifier<Customer>, account: Int64, _ reference: Reference
    ) throws -> Subscription? {
        try call()
        guard var found = match(state.subscriptions, reference, code: { $0.subscription.code })?.subscription,
            found.customerID == customer
        else { return nil }
        found.invoiceLeadDays = state.account.invoiceLeadDays
        return found
    }

    func lockedSubscription(
        of customer: Identifier<Customer>, account: Int64, _ reference: Reference
    ) throws -> Subscription? {
        try subscription(of: customer, account: account, reference)
    }

    func subscriptions(
        of customer: Identifier<Customer>, account: Int64, _ filter: SubscriptionFilter, _ page: Page
    ) throws -> Found<Subscription> {
        try call()
        return Found(
            state.subscriptions.rows.map(\.subscription).filter { $0.customerID == customer }, page: page)
    }

    func subscriptions(_ filter: SubscriptionFilter, _ page: Page) throws -> Found<Subscription> {
        try call()
        return Found(state.subscriptions.rows.map(\.subscription), page: page)
    }

    func insertSubscription(
        account: Int64, customer: Identifier<Customer>, code: String?, terms: SubscriptionTerms,
        paymentOption: Identifier<PaymentOption>?, note: String?, at moment: Moment
    ) throws -> Identifier<Subscription> {
        try call()
        try refuseCode(
            code, "subscription",
            state.subscriptions.rows.first { code != nil && $0.subscription.code == code }?.subscription.id
                .rawValue)
        state.customers.change(customer.rawValue) { if $0.status == .expired { $0.status = .active } }
        let id = Identifier<Subscription>(world.next(.common))
        state.subscriptions[id.rawValue] = SubscriptionRow(
            subscription: Subscription(
                id: id, accountID: account, customerID: customer, code: code, createDate: moment.local,
                terms: terms, paymentOptionID: paymentOption, note: note,
                progress: SubscriptionProgress(beginningOn: terms.firstBillingDate), collectedCount: 0,
                version: 1))
        return id
    }

    func updateSubscription(
        _ subscription: Subscription, paymentOption: Identifier<PaymentOption>?, note: String?
    ) throws {
        try call()
        state.subscriptions.change(subscription.id.rawValue) {
            $0.subscription.paymentOptionID = paymentOption
            $0.subscription.note = note
            $0.subscription.version += 1
        }
    }

    func adjustments(
        of subscription: Identifier<Subscription>, account: Int64, _ page: Page
    ) throws -> Found<SubscriptionAdjustment> {
        try call()
        return Found(
            state.adjustments.rows.filter { $0.subscriptionID == subscription.rawValue }.map(\.adjustment),
            page: page)
    }

    func decidingAdjustments(
        of subscriptions: [Identifier<Subscription>], account: Int64
    ) throws -> [Identifier<Subscription>: [SubscriptionAdjustment]] {
        try call()
        return Set(subscriptions).reduce(into: [:]) { deciding, id in
            let own = decidingAdjustments(of: id.rawValue)
            if !own.isEmpty { deciding[id] = own }
        }
    }

    /// Those that are pending or in force, and those that are over and reach to the last bill or beyond.
    private func decidingAdjustments(of subscription: Int64) -> [SubscriptionAdjustment] {
        guard let owner = state.subscriptions[subscription]?.subscription else { return [] }
        let last = owner.progress.lastBillingDate ?? owner.terms.firstBillingDate
        return state.adjustments.rows.filter { $0.subscriptionID == subscription }.map(\.adjustment).filter {
            $0.isAlive || $0.state == .ended && ($0.endDate.map { $0 >= last } ?? false)
        }
    }

    func insertAdjustment(
        _ adjustment: SubscriptionAdjustment, of subscription: Subscription, at moment: Moment
    ) throws -> Identifier<SubscriptionAdjustment> {
        try call()
        var stored = adjustment
        stored.id = Identifier(world.next(.adjustments))
        stored.createDate = moment.local
        stored.state = .pending
        state.adjustments[stored.id.rawValue] = AdjustmentRow(
            adjustment: stored, subscriptionID: subscription.id.rawValue, dueOn: stored.effectiveDate)
        try refuseAdjustments(of: subscription.id.rawValue)
        return stored.id
    }

    /// The constraints between the adjustments of one subscription.
    func refuseAdjustments(of subscription: Int64) throws {
        let all = state.adjustments.rows.filter { $0.subscriptionID == subscription }.map(\.adjustment)
        let freezes = all.filter { $0.kind == .freeze && $0.state != .withdrawn }
        for (index, one) in freezes.enumerated() {
            for other in freezes.dropFirst(index + 1)
            where one.effectiveDate <= (other.endDate ?? .latest)
                && other.effectiveDate <= (one.endDate ?? .latest)
            {
                throw Refusal(.stateForbids, "freezes must not overlap", field: "effectiveDate")
            }
        }
        let pending = all.filter { $0.state == .pending }
        let ends = all.filter { $0.kind == .cancellation && $0.isAlive }
        let pauses = all.filter { $0.kind == .pause && $0.isAlive }
        if pending.count(where: { $0.kind != .cancellation }) > 1 || ends.count > 1 || pauses.count > 1 {
            throw Refusal(.stateForbids, "another adjustment is scheduled already")
        }
    }

    // MARK: The billing run

    func dueAdjustments(account: Int64, through date: CalendarDate, limit: Int) throws -> [DueSubscription] {
        try call()
        var due: [(CalendarDate, Int64)] = []
        for row in state.adjustments.rows {
            guard let day = row.dueOn, day <= date, let owner = state.subscriptions[row.subscriptionID],
                owner.asideReason == nil
            else { continue }
            let waits =
                !isBilled(owner) && row.adjustment.kind != .cancellation
                && owner.subscription.progress.nextBillingDate.map { $0 < day } ?? false
            if !waits { due.append((day, row.subscriptionID)) }
        }
        return dueSubscriptions(due, limit)
    }

    func dueSubscriptions(account: Int64, through date: CalendarDate, limit: Int) throws -> [DueSubscription]
    {
        try call()
        var due: [(CalendarDate, Int64)] = []
        for row in state.subscriptions.rows where row.asideReason == nil && isBilled(row) {
            if let next = row.subscription.progress.nextBillingDate, next <= date {
                due.append((next, row.subscription.id.rawValue))
            }
        }
        return dueSubscriptions(due, limit)
    }

    private func isBilled(_ row: SubscriptionRow) -> Bool {
        let status = state.customers[row.subscription.customerID.rawValue]?.status
        return status == .active || status == .expired
    }

    private func dueSubscriptions(_ due: [(CalendarDate, Int64)], _ limit: Int) -> [DueSubscription] {
        var seen: Set<Int64> = []
        return due.sorted { $0 < $1 }.prefix(limit).filter { seen.insert($0.1).inserted }.compactMap {
            _, id in
            guard let row = state.subscriptions[id] else { return nil }
            return DueSubscription(
                id: row.subscription.id, customerID: row.subscription.customerID,
                course: SubscriptionCourse(
                    terms: row.subscription.terms, progress: row.subscription.progress,
                    adjustments: decidingAdjustments(of: id)),
                isBilled: isBilled(row))
        }
    }

    func expire(customers: [Identifier<Customer>], account: Int64) throws {
        try call()
        for customer in customers {
            state.subscriptions.changeAll { row in
                if row.subscription.customerID == customer, row.subscription.progress.status == .current,
                    row.subscription.progress.billedCount == row.subscription.terms.length
                {
                    row.subscription.progress.status = .expired
                }
            }
            let own = state.subscriptions.rows.map(\.subscription).filter { $0.customerID == customer }
            let hasEnded = own.allSatisfy {
                $0.progress.status == .cancelled || $0.progress.status == .expired
            }
            if !own.isEmpty, hasEnded {
                state.customers.change(customer.rawValue) { if $0.status == .active { $0.status = .expired } }
            }
        }
    }

    func setAside(_ subscription: Identifier<Subscription>, account: Int64, reason: String) throws {
        try call()
        state.subscriptions.change(subscription.rawValue) {
            $0.asideReason = reason
            $0.asideTimes += 1
            $0.asideUntil = world.time + Int64(60 * min(60, 1 << min($0.asideTimes - 1, 10)))
        }
    }

    func takeUpAgain(account: Int64, all: Bool) throws {
        try call()
        let now = world.time
        guard state.subscriptions.rows.contains(where: { $0.asideReason != nil }) else { return }
        state.subscriptions.changeAll { if all || $0.asideUntil <= now { $0.asideReason = nil } }
    }
}
