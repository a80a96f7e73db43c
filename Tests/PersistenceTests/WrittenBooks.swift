import Testing

@testable import Domain
@testable import Persistence

// What the tests write.
extension TransactionStoreTests {
    @discardableResult
    func store<Result>(_ body: (PostgresStore) throws -> Result) throws -> Result {
        try books.withStore(reaching: [2001], body)
    }

    func customer(_ number: Int64) -> Identifier<Customer> { Identifier(number) }

    func newChanges() -> BookChanges { BookChanges(under: .plain(2001), at: noon) }

    /// The first invoice of these customers' subscriptions: their numbers, then as many for payments of them.
    func invoice(_ customers: [Int64]) throws -> [Identifier<Transaction>] {
        try store { store throws in
            let ids = try store.reserveTransactionIDs(customers.count * 2)
            var changes = newChanges()
            for (id, number) in zip(ids, customers) {
                var facts = TransactionFacts(type: .invoice, amount: Money(5000), dueDate: january)
                facts.taxAmount = Money(400)
                facts.subscriptionID = Identifier(number + 200)
                facts.cycleNumber = 1
                changes.add(id, of: customer(number), facts)
                changes.progress.append(
                    (
                        id: Identifier(number + 200),
                        to: SubscriptionProgress(
                            status: .current, nextCycle: 2, nextBillingDate: number == 4 ? nil : february,
                            lastBillingDate: january, billedCount: 1)
                    ))
                changes.collections.append(collection(id, number, .due, on: january))
            }
            try store.write(changes)
            return ids
        }
    }

    /// Attempts to collect the invoices that ``invoice(_:)`` made.
    func attempt(_ ids: [Identifier<Transaction>], state: InvoiceCollection.State) throws {
        let half = ids.count / 2
        try store { store throws in
            var changes = newChanges()
            for index in 0..<half {
                var attempt = newAttempt(ids[half + index], Int64(index + 1), of: ids[index])
                if half > 1 { attempt.namedIDs = [ids[index]] }
                changes.attempts.append(attempt)
                changes.collections.append(collection(ids[index], Int64(index + 1), state))
            }
            try store.write(changes)
        }
    }

    /// The payments are approved; the third is declined.
    func settle(_ ids: [Identifier<Transaction>]) throws {
        let half = ids.count / 2
        try store { store throws in
            let open = try store.lockOpenAttempts(Array(ids[half...]), account: 2001)
            #expect(open.count == half)
            var changes = newChanges()
            for (index, attempt) in open.enumerated() {
                let number = Int64(index + 1)
                if index < 2 {
                    changes.add(
                        ids[half + index], of: customer(number), payment(ids[half + index], of: number))
                    changes.allocations.append(allocation(number, ids[half + index], ids[index], 5000))
                    changes.settlements.append(settlement(attempt.facts.transactionID, "A01", 5000))
                    changes.collections.append(collection(ids[index], number, .closed))
                } else {
                    var facts = payment(ids[half + index], of: number)
                    facts.type = .decline
                    facts.sourceID = ids[index]
                    changes.add(ids[half + index], of: customer(number), facts, status: .declined)
                    changes.settlements.append(
                        settlement(attempt.facts.transactionID, "D05", 0, next: february))
                    changes.collections.append(collection(ids[index], number, .waiting))
                    changes.declinedOptions = [
                        (id: Identifier(number + 100), code: "D05", isHard: true),
                        (id: Identifier(number + 100), code: "D05", isHard: false),
                    ]
                }
            }
            try store.write(changes)
        }
    }

    func payment(
        _ id: Identifier<Transaction>, _ amount: Int64 = 5000, of customer: Int64 = 1
    ) -> TransactionFacts {
        var facts = TransactionFacts(type: .payment, amount: Money(amount), dueDate: january)
        facts.accountType = .visaCredit
        facts.accountMask = "4***********1111"
        facts.subscriptionID = Identifier(customer + 200)
        facts.attemptID = id.rawValue
        return facts
    }

    /// Cash of a customer that pays nothing yet.
    func credit(_ amount: Int64, of number: Int64) throws -> Identifier<Transaction> {
        try store { store throws in
            let id = try store.reserveTransactionIDs(1)[0]
            var facts = TransactionFacts(type: .payment, amount: Money(amount), dueDate: january)
            facts.accountType = .cash
            var changes = newChanges()
            changes.add(id, of: customer(number), facts)
            try store.write(changes)
            return id
        }
    }

    func newAttempt(
        _ id: Identifier<Transaction>, _ number: Int64, of invoice: Identifier<Transaction>?
    ) -> NewAttempt {
        var attempt = NewAttempt(
            customerID: customer(number), transactionID: id, kind: .payment, amount: Money(5000),
            accountType: .visaCredit, accountMask: "4***********1111", accessoryShown: "1229",
            holderName: "A Holder", dueDate: january)
        attempt.invoiceID = invoice
        attempt.subscriptionID = Identifier(number + 200)
        attempt.paymentOptionID = Identifier(number + 100)
        attempt.creatorCode = "billing-run"
        attempt.owed = Money(5000)
        attempt.email = "a@b.example"
        return attempt
    }

    func settlement(
        _ id: Identifier<Transaction>, _ code: String, _ amount: Int64, next: CalendarDate? = nil
    ) -> Settlement {
        let response = ProcessorResponse(
            code: code, message: "said", approvalCode: nil, gatewayTransactionID: "g-\(id)",
            approvedAmount: Money(amount), date: noon.now)
        return Settlement(
            attemptID: id.rawValue, outcome: amount > 0 ? .approved(response) : .declined(response),
            nextAttemptDate: next)
    }

    func allocation(
        _ number: Int64, _ source: Identifier<Transaction>, _ target: Identifier<Transaction>, _ amount: Int64
    ) -> NewAllocation {
        NewAllocation(
            customerID: customer(number), sourceID: source, targetID: target, amount: Money(amount))
    }

    func collection(
        _ invoice: Identifier<Transaction>, _ number: Int64, _ state: InvoiceCollection.State,
        on date: CalendarDate? = nil
    ) -> InvoiceCollection {
        InvoiceCollection(
            invoiceID: invoice, customerID: customer(number), subscriptionID: Identifier(number + 200),
            state: state, collectOn: date)
    }
}
