import Postgres
import Testing

@testable import Domain
@testable import Persistence

/// Transactions, attempts, allocations and what follows from them, written and read back.
@Suite struct TransactionStoreTests {
    let database: BooksDatabase
    let books: PostgresBooks

    init() throws {
        database = try BooksDatabase()
        books = database.books()
    }

    @Test func invoicesAttemptsAndSettlesABatch() throws {
        let ids = try invoice([1, 2, 3])
        try attempt(ids, state: .open)
        try store { store throws in
            let open = try store.openAttempts(of: [customer(1), customer(3)], account: 2001)
            #expect(open.map { $0.id } == [ids[3].rawValue, ids[5].rawValue])
            #expect(open[0].facts.namedIDs == [ids[0]] && open[0].sendings == 1)
            #expect(open[0].facts.orderKey == "t\(ids[3])")
            #expect(open[0].facts.email == "a@b.example")
            #expect(!open[0].isShownPending)
            #expect(open[0].businessDate == january)
        }
        try settle(ids)
        try store { store throws in
            let first = try #require(
                try store.transaction(of: customer(1), account: 2001, .id(ids[0].rawValue)))
            #expect(first.balance == .zero)
            #expect(first.facts.cycleNumber == 1)
            #expect(first.createDate == noon.local)
            #expect(first.processing == nil)
            let payment = try #require(
                try store.transaction(of: customer(1), account: 2001, .id(ids[3].rawValue)))
            #expect(payment.status == .final)
            #expect(payment.facts.accountType == .visaCredit)
            #expect(payment.processing?.responseCode == "A01")
            #expect(payment.processing?.responseDate == noon.local)
            #expect(payment.processing?.nextAttemptDate == nil)
            let declined = try #require(
                try store.transaction(of: customer(3), account: 2001, .id(ids[5].rawValue)))
            #expect(declined.status == .declined)
            #expect(declined.balance == .zero)
            #expect(declined.processing?.responseCode == "D05")
            #expect(declined.processing?.nextAttemptDate == february)
            #expect(try store.customer(.id(1), complete: false)?.balance == .zero)
            #expect(try store.customer(.id(3), complete: false)?.balance == Money(5000))
            #expect(try store.openAttempts(of: [customer(1), customer(3)], account: 2001).isEmpty)
            let option = try store.defaultPaymentOption(of: customer(3), account: 2001)
            #expect(option?.particulars.isActive == false)
            #expect(option?.lastDeclineCode == "D05")
            let items = try store.openItems(of: [customer(1), customer(2), customer(3)], account: 2001)
            #expect(items.map { $0.id } == [ids[2]])
            #expect(items.first?.left == Money(5000))
            let allocations = try store.allocations(of: ids[3], account: 2001, Page())
            #expect(allocations.items.map { $0.targetID } == [ids[0]])
            #expect(allocations.items.map { $0.targetType } == [.invoice])
            let counts = try store.counts(account: 2001, since: ids[0].rawValue - 1)
            #expect(counts.invoices == 3 && counts.payments == 2 && counts.declines == 1 && counts.fees == 0)
            #expect(counts.amountCollected == Money(10_000))
            #expect(try store.lastTransactionID() == ids[5].rawValue)
            #expect(try store.subscription(of: customer(1), account: 2001, .id(201))?.collectedCount == 1)
            #expect(try store.subscription(of: customer(3), account: 2001, .id(203))?.collectedCount == 0)
            let collections = try store.collections(of: Array(ids[0...2]), account: 2001)
            #expect(collections.map { $0.state } == [.closed, .closed, .waiting])
        }
        #expect(try database.violations() == [])
    }

    /// Of whoever has nothing to use, nothing is read, whatever he owes; of the others debts and credits.
    @Test func creditedItemsAreOfThoseWhoHaveCredit() throws {
        let owner = try database.connection("billing_owner")
        try owner.script(FilledBooks.few)
        try owner.script(FilledBooks.many)
        try store { store throws in
            let all = (1...4).map { customer($0) }
            let items = try store.openItems(of: all, account: 2001)
            let credited = Set(items.filter { !$0.type.isDebt }.map(\.customerID))
            let expected = items.filter { credited.contains($0.customerID) }
            #expect(!credited.isEmpty && expected.contains { $0.type.isDebt } && expected.count < items.count)
            let found = try store.creditedItems(of: all, account: 2001)
            #expect(found.sorted { $0.id < $1.id } == expected.sorted { $0.id < $1.id })
            let others = all.filter { !credited.contains($0) }
            #expect(try store.creditedItems(of: others, account: 2001).isEmpty)
        }
    }

    @Test func settlesAPendingPaymentOnce() throws {
        let ids = try invoice([1])
        try attempt(ids, state: .open)
        try store { store throws in
            var changes = newChanges()
            changes.add(ids[1], of: customer(1), payment(ids[1]), status: .pending)
            try store.write(changes)
        }
        try store { store throws in
            #expect(try store.openAttempts(of: [customer(1)], account: 2001)[0].isShownPending)
            let shown = try store.transaction(of: customer(1), account: 2001, .id(ids[1].rawValue))
            #expect(shown?.status == .pending)
            #expect(shown?.processing?.responseCode == nil)
        }
        #expect(try database.violations() == [])
        func settlePending() throws {
            try store { store throws in
                _ = try store.lockOpenAttempts([ids[1]], account: 2001)
                var changes = newChanges()
                changes.add(ids[1], of: customer(1), payment(ids[1], 3000), settlesPending: true)
                changes.settlements = [settlement(ids[1], "A05", 3000)]
                changes.allocations = [allocation(1, ids[1], ids[0], 3000)]
                changes.collections = [collection(ids[0], 1, .closed)]
                try store.write(changes)
            }
        }
        try settlePending()
        #expect(throws: (any Error).self) { try settlePending() }
        try store { store throws in
            #expect(try store.openItems(of: [customer(1)], account: 2001).map { $0.left } == [Money(2000)])
            #expect(try store.lockOpenAttempts([ids[1]], account: 2001).isEmpty)
        }
        #expect(try database.violations() == [])
    }

    @Test func endsAllocationsAndOpensBothSides() throws {
        let ids = try invoice([1])
        try attempt(ids, state: .open)
        try settle(ids)
        let made = try store { try $0.allocations(of: ids[0], account: 2001, Page()).items[0].id }
        try store { store throws in
            let void = try store.reserveTransactionIDs(1)[0]
            var changes = newChanges()
            var facts = TransactionFacts(type: .void, amount: Money(5000), dueDate: january)
            facts.accountType = .visaCredit
            facts.sourceID = ids[1]
            changes.add(void, of: customer(1), facts)
            changes.endedAllocations = [made]
            changes.allocations = [allocation(1, ids[1], void, 5000)]
            changes.reversed = [ids[1]]
            try store.write(changes)
        }
        try store { store throws in
            let items = try store.openItems(of: [customer(1)], account: 2001)
            #expect(items.map { $0.id } == [ids[0]] && items[0].left == Money(5000))
            let all = try store.allocations(of: ids[1], account: 2001, Page()).items
            #expect(all.map { $0.endDate == nil } == [false, true])
        }
        #expect(try database.violations() == [])
    }

    /// V29 comes before anything moves money, with the number of the transaction that has the code.
    @Test func refusesTakenCodes() throws {
        func begin(_ code: String, _ id: Identifier<Transaction>) throws {
            try store { store throws in
                var changes = newChanges()
                var attempt = newAttempt(id, 1, of: nil)
                attempt.code = code
                changes.attempts = [attempt]
                try store.write(changes)
            }
        }
        func record(_ codes: [String?]) throws -> [Identifier<Transaction>] {
            try store { store throws in
                let ids = try store.reserveTransactionIDs(codes.count)
                var changes = newChanges()
                for (id, code) in zip(ids, codes) {
                    var facts = TransactionFacts(type: .credit, amount: Money(100), dueDate: january)
                    facts.code = code
                    changes.add(id, of: customer(1), facts)
                }
                try store.write(changes)
                return ids
            }
        }
        let ids = try store { try $0.reserveTransactionIDs(2) }
        try begin("c-1", ids[0])
        let uncoded = try record([nil])[0]
        func expectDuplicate(of id: Identifier<Transaction>, _ body: () throws -> Void) {
            let refusal = #expect(throws: Refusal.self) { try body() }
            #expect(refusal?.faults.first?.code == .duplicate)
            #expect(refusal?.faults.first?.message.contains("transaction \(id) ") == true)
        }
        expectDuplicate(of: ids[0]) { try begin("c-1", ids[1]) }
        expectDuplicate(of: ids[0]) { _ = try record(["c-0", "c-1"]) }
        expectDuplicate(of: uncoded) { _ = try record(["\(uncoded)"]) }
        #expect(throws: Refusal.self) { _ = try record(["c-2", "c-2"]) }
        // What the attempt becomes keeps the code, and is found by it; the refused took none.
        try store { store throws in
            var changes = newChanges()
            var facts = payment(ids[0])
            facts.code = "c-1"
            changes.add(ids[0], of: customer(1), facts)
            changes.settlements = [settlement(ids[0], "A01", 5000)]
            try store.write(changes)
        }
        let coded = try record(["c-0"])[0]
        try store { store throws in
            let found = ["*c-1", "*c-0", "*\(uncoded)", "*c-2", "\(coded)", "*\(coded)"].map { text in
                Reference(text).flatMap {
                    (try? store.transaction(of: customer(1), account: 2001, $0))?.id
                }
            }
            #expect(found == [ids[0], coded, uncoded, nil, coded, nil])
        }
        #expect(try database.violations() == [])
    }

    @Test func refusesASecondOpenAttempt() throws {
        let ids = try invoice([1])
        try attempt(ids, state: .open)
        let refusal = #expect(throws: Refusal.self) {
            try store { store throws in
                var changes = newChanges()
                changes.attempts = [newAttempt(try store.reserveTransactionIDs(1)[0], 1, of: ids[0])]
                try store.write(changes)
            }
        }
        #expect(refusal?.faults.first?.code == .outcomeOpen)
    }

    @Test func findsTransactions() throws {
        let ids = try invoice([1])
        try attempt(ids, state: .open)
        try settle(ids)
        let later = try store { store throws in
            let later = try store.reserveTransactionIDs(1)[0]
            var changes = newChanges()
            changes.add(
                later, of: customer(1),
                TransactionFacts(type: .serviceFee, amount: Money(300), dueDate: february))
            try store.write(changes)
            return later
        }
        var filters: [(TransactionFilter, [Identifier<Transaction>])] = [(TransactionFilter(), ids + [later])]
        func add(_ expected: [Identifier<Transaction>], _ set: (inout TransactionFilter) -> Void) {
            var filter = TransactionFilter()
            set(&filter)
            filters.append((filter, expected))
        }
        add([ids[0]]) { $0.type = .invoice }
        add(ids) { $0.subscription = .id(201) }
        add(ids) { $0.subscription = .code("201") }
        add([]) { $0.subscription = .id(202) }
        add([later]) { $0.dueDateFrom = february }
        add(ids) { $0.dueDateTo = january }
        add([later]) { $0.isOpen = true }
        add(ids) { $0.isOpen = false }
        add(ids + [later]) { $0.createDateFrom = noon.local }
        add([]) { $0.createDateBefore = noon.local }
        add([]) { $0.createDateFrom = LocalDateTime("2026-01-31 07:00:01") }
        try store { store throws in
            for (filter, expected) in filters {
                let found = try store.transactions(of: customer(1), account: 2001, filter, Page())
                #expect(found.items.map { $0.id } == expected)
            }
            let page = try store.transactions(
                of: customer(1), account: 2001, TransactionFilter(), Page(limit: 2))
            #expect(page.items.map { $0.id } == ids && page.hasMore)
            let next = try store.transactions(
                of: customer(1), account: 2001, TransactionFilter(), Page(limit: 2, after: ids[1].rawValue))
            #expect(next.items.map { $0.id } == [later] && !next.hasMore)
            #expect(try store.transaction(of: customer(2), account: 2001, .id(ids[0].rawValue)) == nil)
        }
    }

    /// A payment for a subscription that is not billed yet waits for its first invoice (spec 5.9).
    @Test func holdsPaymentsForUnbilledSubscriptions() throws {
        try store { store throws in
            let id = try store.reserveTransactionIDs(1)[0]
            var changes = newChanges()
            var facts = TransactionFacts(type: .payment, amount: Money(5000), dueDate: january)
            facts.accountType = .cash
            facts.subscriptionID = Identifier(201)
            changes.add(id, of: customer(1), facts)
            try store.write(changes)
        }
        try store { store throws in
            #expect(try store.openItems(of: [customer(1)], account: 2001)[0].heldFor == Identifier(201))
        }
        _ = try invoice([1])
        try store { store throws in
            let items = try store.openItems(of: [customer(1)], account: 2001)
            #expect(items.map { $0.heldFor } == [nil, nil])
        }
    }

    @Test func findsTheSigningPaymentOnce() throws {
        let ids = try invoice([1])
        try attempt(ids, state: .open)
        try settle(ids)
        let subscription = Identifier<Subscription>(201)
        try store { store throws in
            let found = try #require(
                try store.unclaimedSigningPayment(of: subscription, account: 2001, on: january))
            #expect(found.id == ids[1] && found.amount == Money(5000))
            #expect(try store.unclaimedSigningPayment(of: subscription, account: 2001, on: february) == nil)
            try store.claimSigningPayment(found.id, account: 2001)
            #expect(try store.unclaimedSigningPayment(of: subscription, account: 2001, on: january) == nil)
        }
    }

    /// A thousand transactions take the same statements as one.
    @Test func writesALargeBatch() throws {
        try store { store throws in
            let ids = try store.reserveTransactionIDs(1000)
            var changes = newChanges()
            for (index, id) in ids.enumerated() {
                let number = Int64(index % 4 + 1)
                let type: TransactionType = index < 500 ? .serviceFee : .credit
                changes.add(
                    id, of: customer(number),
                    TransactionFacts(type: type, amount: Money(Int64(index % 500 + 1)), dueDate: january))
            }
            for index in 0..<500 {
                changes.allocations.append(
                    allocation(Int64(index % 4 + 1), ids[500 + index], ids[index], Int64(index + 1)))
            }
            try store.write(changes)
        }
        try store { store throws in
            #expect(try store.openItems(of: (1...4).map { customer($0) }, account: 2001).isEmpty)
        }
        #expect(try database.violations() == [])
    }
}
