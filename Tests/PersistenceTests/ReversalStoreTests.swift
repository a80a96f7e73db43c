import Postgres
import Testing

@testable import Domain
@testable import Persistence

/// What undoing, notices, ageing and explanations read and write (spec 5.8, 5.2 steps 6 and 7, 2.12).
@Suite struct ReversalStoreTests {
    let tests: TransactionStoreTests
    let ids: [Identifier<Transaction>]

    /// Invoices 0 to 2 of customers 1 to 3, of 50.00; the first two are paid by 3 and 4, the third was declined as 5.
    init() throws {
        tests = try TransactionStoreTests()
        ids = try tests.invoice([1, 2, 3])
        try tests.attempt(ids, state: .open)
        try tests.settle(ids)
    }

    /// A refund of payment 3, as the settling writes it.
    private func refund(_ amount: Int64) throws -> Identifier<Transaction> {
        try tests.store { store throws in
            let id = try store.reserveTransactionIDs(1)[0]
            let living = try store.livingAllocations(of: [ids[3]], account: 2001)
            var balances = Balances(try store.openItems(of: [Identifier(1)], account: 2001))
            var facts = TransactionFacts(type: .refund, amount: Money(amount), dueDate: january)
            facts.accountType = .cash
            facts.sourceID = ids[3]
            facts.taxAmount = Money(40)
            var changes = tests.newChanges()
            changes.add(id, of: Identifier(1), facts)
            balances.add(OpenItem(id, of: Identifier(1), facts))
            balances.free(Money(amount), of: ids[3], from: living)
            balances.use(ids[3], on: id, Money(amount))
            changes.take(balances)
            try store.write(changes)
            return id
        }
    }

    @Test func readsWhatWasUndone() throws {
        let refunds = try [refund(2000), refund(500)]
        try tests.store { store throws in
            let found = try store.reversalSources([ids[4], ids[3], ids[0], ids[5]], account: 2001)
            #expect(found.map(\.id) == [ids[0], ids[3], ids[4], ids[5]])
            #expect(found.map(\.refunded) == [0, 2500, 0, 0].map { Money($0) })
            #expect(found.map(\.refundedTax) == [0, 80, 0, 0].map { Money($0) })
            #expect(found.map(\.left) == [5000, 2500, 5000, 0].map { Money($0) })
            #expect(found.map(\.isProcessed) == [false, true, true, true])
            #expect(found.map(\.status) == [.final, .final, .final, .declined])
            #expect(
                found[0].lines == [
                    LedgerLine(debit: "receivable", credit: "revenue:recurring", amount: Money(4600)),
                    LedgerLine(debit: "receivable", credit: "tax-payable", amount: Money(400)),
                ])
            #expect(found[3].lines.isEmpty)
            let living = try store.livingAllocations(of: [ids[3]], account: 2001)
            #expect(
                Set(living.map { [$0.target.id.rawValue, $0.amount.minorUnits] })
                    == [[ids[0].rawValue, 2500], [refunds[0].rawValue, 2000], [refunds[1].rawValue, 500]])
            #expect(living.map(\.target.type).filter { $0 == .refund }.count == 2)
            let before = try refunds.map { try store.givenBack(of: ids[3], before: $0, account: 2001) }
            #expect(before.map(\.refunded) == [Money(0), Money(2000)])
        }
        #expect(
            throws: Refusal(.amountTooLarge, "the refunds of a payment cannot exceed it", field: "amount")
        ) {
            _ = try refund(2501)
        }
        #expect(try tests.database.violations() == [])
    }

    @Test func takesANoticeOnce() throws {
        try tests.store { store throws in
            let attempt = try #require(try store.noticedAttempt(ids[3], account: 2001))
            #expect(attempt.customerID == Identifier(1) && attempt.invoiceID == ids[0])
            #expect(attempt.isByRun && !attempt.isOpen)
            #expect(try store.noticedAttempt(Identifier(999_999), account: 2001) == nil)
            let notice = ProcessorNotice(
                id: 8, orderKey: "t\(ids[3])", code: "Z02", message: "Chargeback", amount: Money(5000),
                date: january)
            #expect(try !store.hasNotice(8, of: "sandbox", account: 2001))
            try store.insert(
                TakenNotice(notice: notice, processor: "sandbox", attempt: attempt), account: 2001,
                at: noon)
            #expect(try store.hasNotice(8, of: "sandbox", account: 2001))
            #expect(try !store.hasNotice(8, of: "other", account: 2001))
        }
        #expect(throws: (any Error).self) {
            try tests.store { store throws in
                let notice = ProcessorNotice(
                    id: 8, orderKey: "x", code: "Z02", message: "", amount: Money(1), date: january)
                try store.insert(
                    TakenNotice(notice: notice, processor: "sandbox"), account: 2001, at: noon)
            }
        }
    }

    @Test func findsOpenInvoicesByTheirAge() throws {
        try tests.store { store throws in
            func customers(_ due: CalendarDate, after: Int64 = 0) throws -> [Int64] {
                try store.customersWithAgedInvoices(account: 2001, due: due, after: after, limit: 10)
                    .map(\.rawValue)
            }
            // Only the third invoice is open.
            #expect(try customers(january) == [3])
            #expect(try customers(january.adding(days: -1)) == [])
            #expect(try customers(january, after: 3) == [])
            let all = (1...3).map { Identifier<Customer>($0) }
            let found = try store.agedInvoices(of: all, account: 2001, due: january)
            #expect(found.map(\.id) == [ids[2]] && !found[0].hasLateFee && !found[0].wasWrittenOff)
            let fee = TransactionFacts.fee(
                .lateFee, Money(500), for: ids[2], subscription: nil, on: january)
            var changes = tests.newChanges()
            changes.add(try store.reserveTransactionIDs(1)[0], of: Identifier(3), fee)
            try store.write(changes)
            #expect(try store.agedInvoices(of: all, account: 2001, due: january)[0].hasLateFee)
        }
        #expect(try tests.database.violations() == [])
    }

    @Test func keepsWhatAnAttemptWasComputedFrom() throws {
        try tests.store { store throws in
            let id = try store.reserveTransactionIDs(1)[0]
            var attempt = tests.newAttempt(id, 3, of: ids[2])
            attempt.number = 2
            attempt.openAmounts = [Money(5000), Money(300)]
            attempt.namedIDs = [ids[2]]
            attempt.owed = Money(5200)
            var changes = tests.newChanges()
            changes.attempts = [attempt]
            try store.write(changes)
            let found = try #require(try store.explainedAttempt(id, account: 2001))
            #expect(found.openAmounts == [Money(5000), Money(300)] && found.owed == Money(5200))
            #expect(found.invoiceID == ids[2] && found.feeIDs == [ids[2]] && found.number == 2)
            #expect(found.approvedAmount == nil && found.invoiceDueDate == january)
            #expect(found.fullAmounts == [Money(5000), Money(5000)])
            let declines = try store.declines(of: ids[2], before: id, account: 2001)
            #expect(
                declines == [
                    ExplanationFacts.Decline(
                        id: ids[5], date: january, next: february, retryDays: [3, 5, 7])
                ])
            #expect(try store.declines(of: ids[2], before: ids[5], account: 2001) == [])
            let actor = Actor(name: "api-x", requestID: "r-1")
            try store.note("reverse", on: "transaction", ids[1].rawValue, of: 2001, by: actor)
            let origin = try #require(try store.origin(of: ids[1], account: 2001))
            #expect(origin.request?.actor.requestID == "r-1" && origin.request?.action == "reverse")
            #expect(origin.policyVersion == 1 && origin.businessDate == january)
            #expect(try store.origin(of: ids[0], account: 2001)?.request == nil)
        }
    }
}
