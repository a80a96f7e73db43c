import Domain

// What keeps subscriptions, their invoices and their adjustments in step (migrations 0009 and 0011).
extension MemoryStore {
    /// At the commit: the subscription has gone on beyond an invoiced cycle, and neither that nor the next one lies where nothing is
    /// billed.
    func refuseInvoicesOutOfStep() throws {
        for id in invoiced {
            guard let facts = state.transactions[id]?.facts, let cycle = facts.cycleNumber,
                let subscription = facts.subscriptionID?.rawValue,
                let progress = state.subscriptions[subscription]?.subscription.progress
            else { continue }
            func refuse(_ detail: String) -> DatabaseRefused {
                DatabaseRefused(constraint: "transactions_of_cycle", detail: "invoice \(id): \(detail)")
            }
            guard progress.nextCycle > cycle else { throw refuse("its subscription has not gone on") }
            for other in adjustments(of: subscription) where other.state != .withdrawn {
                let stops =
                    other.kind != .freeze && other.endDate == nil
                    && progress.nextBillingDate.map { $0 >= other.effectiveDate } ?? false
                if stops || facts.adjustmentID == nil && other.covers(facts.dueDate) {
                    throw refuse("it or the next one lies within \(other.kind) \(other.id)")
                }
            }
        }
    }

    /// At once: how far a subscription has come agrees with what was billed of it.
    func refuseOutOfStep(_ id: Int64, from before: SubscriptionProgress) throws {
        guard let one = state.subscriptions[id]?.subscription else { return }
        let (now, terms) = (one.progress, one.terms)
        guard now != before else { return }
        let invoices = state.transactions.rows.map(\.facts).filter {
            $0.type == .invoice && $0.subscriptionID?.rawValue == id && $0.cycleNumber != nil
        }
        let last = invoices.max { ($0.cycleNumber ?? 0) < ($1.cycleNumber ?? 0) }
        let own = adjustments(of: id)
        let stops = own.filter { $0.kind != .freeze && $0.isAlive }
        let costs = terms.amount > .zero
        let passed = before.nextCycle..<max(before.nextCycle, now.nextCycle)
        let made = invoices.count { passed.contains($0.cycleNumber ?? 0) && $0.adjustmentID == nil }
        let isSkippedWithoutReason = passed.contains { cycle in
            let date = Almanac.date(of: cycle, terms)
            return !invoices.contains { $0.cycleNumber == cycle }
                && !own.contains { $0.kind != .cancellation && $0.decides(date) }
        }
        let billed = now.billedCount - before.billedCount
        let goesOn = now.status == .unbilled || now.status == .current || now.status == .frozen
        let faults: [(String, Bool)] = [
            (
                "next billing date",
                now.nextBillingDate.map { $0 != Almanac.date(of: now.nextCycle, terms) } ?? false
            ),
            ("unbilled", now.status == .unbilled && now.billedCount > 0),
            (
                "current without a bill",
                (before.status == .unbilled || before.status == .paused) && now.status == .current
                    && now.billedCount == 0
            ),
            ("behind its invoices", billed < 0 || last?.cycleNumber.map { $0 >= now.nextCycle } ?? false),
            ("last billing date", costs && now.lastBillingDate != last?.dueDate),
            ("billed count", costs ? billed != made : billed > passed.count),
            ("a cycle is skipped", costs && isSkippedWithoutReason),
            (
                "billed again behind its end",
                before.nextBillingDate == nil && now.status == before.status
                    && stops.contains { stop in
                        stop.state == .effective
                            && now.nextBillingDate.map { $0 >= stop.effectiveDate } ?? false
                    }
            ),
            (
                "goes on without a date",
                goesOn && now.nextBillingDate == nil && now.billedCount != terms.length && stops.isEmpty
            ),
        ]
        if let fault = faults.first(where: \.1) {
            throw DatabaseRefused(
                constraint: "subscriptions_in_step",
                detail: "subscription \(id): \(fault.0), from \(before) to \(now)")
        }
    }

    private func adjustments(of subscription: Int64) -> [SubscriptionAdjustment] {
        state.adjustments.rows.filter { $0.subscriptionID == subscription }.map(\.adjustment)
    }
}
