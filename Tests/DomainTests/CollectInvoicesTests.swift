import Testing

@testable import Domain

/// Oracle: spec 5.2 step 4, 5.6 and 5.9.
struct CollectInvoicesTests {
    private func due(
        _ invoice: Int64, _ left: Int64, balance: Int64, of customer: Int64 = 7, subscription: Int64 = 51,
        by option: PaymentOption? = option()
    ) -> DueCollection {
        DueCollection(
            collection: InvoiceCollection(
                invoiceID: Identifier(invoice), customerID: Identifier(customer),
                subscriptionID: Identifier(subscription), state: .due, collectOn: day("2027-01-31")),
            left: Money(left), invoiceDueDate: day("2027-01-31"), customerBalance: Money(balance),
            customerStatus: .active, option: option)
    }

    private func collect(
        _ due: [DueCollection], fees: [OpenItem] = [], open: [OpenAttempt] = []
    ) throws -> BookChanges {
        var collecting = CollectInvoices(state: try accountState(on: "2027-01-31"), items: fees, open: open)
        return collecting.execute(due, ids: due.indices.map { Identifier(900 + Int64($0)) })
    }

    private func attempt(
        for invoice: Int64? = nil, fees: [Int64] = [], subscription: Int64? = nil, of customer: Int64 = 7,
        by creator: String = RunBilling.actor
    ) -> OpenAttempt {
        var facts = NewAttempt(
            customerID: Identifier(customer), transactionID: Identifier(800), kind: .payment,
            amount: Money(100), accountType: .visaCredit, accountMask: "4***********1111",
            accessoryShown: "1230", holderName: "Ada Byron", dueDate: day("2027-01-31"))
        facts.invoiceID = invoice.map { Identifier($0) }
        facts.feeIDs = fees.map { Identifier($0) }
        facts.subscriptionID = subscription.map { Identifier($0) }
        facts.creatorCode = creator
        return OpenAttempt(id: 800, facts: facts, businessDate: day("2027-01-31"), isShownPending: false)
    }

    @Test func `an invoice is charged to its option, with the open fees along`() throws {
        let changes = try collect(
            [due(1, 4999, balance: 6199)],
            fees: [item(2, .lateFee, 500), item(3, .serviceFee, 700), item(4, .lateFee, 900, of: 8)])
        let attempt = try #require(changes.attempts.first)
        #expect(changes.attempts.count == 1)
        #expect(attempt.amount == Money(6199))
        #expect(attempt.invoiceID == Identifier(1))
        #expect(attempt.feeIDs == [Identifier(2), Identifier(3)])
        #expect(attempt.kind == .payment)
        #expect(attempt.transactionID == Identifier(900))
        #expect(attempt.paymentOptionID == Identifier(31))
        #expect(attempt.subscriptionID == Identifier(51))
        #expect(attempt.number == 1)
        #expect(attempt.creatorCode == "billing-run")
        #expect(attempt.dueDate == day("2027-01-31"))
        #expect(attempt.orderKey == "t900")
        let collection = try #require(changes.collections.first)
        #expect(changes.collections.count == 1)
        #expect(collection.state == .open)
        #expect(collection.collectOn == nil)
        #expect(collection.tries == 1)
    }

    @Test func `a bank account is drawn on by claim`() throws {
        let changes = try collect([due(1, 4999, balance: 4999, by: option(type: .checking))])
        #expect(changes.attempts.map(\.kind) == [.claim])
    }

    @Test func `a later try has the next number`() throws {
        var again = due(1, 4999, balance: 4999)
        again.collection.tries = 2
        again.collection.retries = 2
        let changes = try collect([again])
        #expect(changes.attempts.map(\.number) == [3])
        #expect(changes.collections.map(\.tries) == [3])
        #expect(changes.collections.map(\.retries) == [2])
    }

    @Test func `without a usable option an invoice waits`() throws {
        for useless in [nil, option(isActive: false)] {
            let changes = try collect([due(1, 4999, balance: 4999, by: useless)])
            #expect(changes.attempts.isEmpty)
            #expect(changes.collections.map(\.state) == [.waiting])
            #expect(changes.collections.map(\.collectOn) == [nil])
            #expect(changes.collections.map(\.tries) == [0])
        }
    }

    @Test func `an invoice with nothing left is done with, option or not`() throws {
        let changes = try collect([due(1, 0, balance: 4999, by: nil), due(2, 0, balance: 4999)])
        #expect(changes.attempts.isEmpty)
        #expect(changes.collections.map(\.state) == [.closed, .closed])
        #expect(changes.collections.map(\.collectOn) == [nil, nil])
    }

    @Test func `nothing is collected of an inactive customer`() throws {
        for status in Customer.Status.allCases {
            var one = due(1, 4999, balance: 4999)
            one.customerStatus = status
            let changes = try collect([one])
            #expect(changes.attempts.isEmpty == (status == .inactive), "\(status)")
            #expect(changes.collections.isEmpty == (status == .inactive), "\(status)")
        }
    }

    @Test func `a fee goes along with one attempt only`() throws {
        let changes = try collect(
            [due(1, 1000, balance: 2500), due(2, 1000, balance: 2500)], fees: [item(3, .lateFee, 500)])
        #expect(changes.attempts.map(\.amount) == [Money(1500), Money(1000)])
        #expect(changes.attempts.map(\.feeIDs) == [[Identifier(3)], []])
        let other = try collect(
            [due(1, 1000, balance: 2500)], fees: [item(3, .lateFee, 500), item(4, .lateFee, 500)],
            open: [attempt(for: 2, fees: [3])])
        #expect(other.attempts.map(\.feeIDs) == [[Identifier(4)]])
        #expect(other.attempts.map(\.amount) == [Money(1500)])
    }

    @Test func `the attempts of a batch together stay within what the customer owes`() throws {
        // 300 of unused credit that is held for another subscription.
        let changes = try collect(
            [
                due(1, 1000, balance: 1700), due(2, 1000, balance: 1700),
                due(3, 1000, balance: 1700), due(4, 1000, balance: 5000, of: 8, by: option(of: 8)),
            ])
        #expect(changes.attempts.map(\.amount) == [Money(1000), Money(700), Money(1000)])
        #expect(changes.attempts.map(\.invoiceID) == [Identifier(1), Identifier(2), Identifier(4)])
        // What was not attempted is not moved on: it is looked at again.
        #expect(changes.collections.map(\.invoiceID) == [Identifier(1), Identifier(2), Identifier(4)])
    }

    @Test func `a customer who owes nothing on balance is not charged`() throws {
        for balance in [0, -500] as [Int64] {
            let changes = try collect([due(1, 1000, balance: balance)])
            #expect(changes.attempts.isEmpty)
            #expect(changes.collections.isEmpty)
        }
    }

    @Test func `what is under way counts as taken`() throws {
        // 1000 owed, 100 of it on its way for another invoice; what is beyond stays due.
        let cases: [(balance: Int64, amounts: [Int64])] = [
            (1000, [900]), (1100, [1000]), (100, []), (50, []),
        ]
        for row in cases {
            let changes = try collect([due(1, 1000, balance: row.balance)], open: [attempt(for: 5)])
            #expect(changes.attempts.map(\.amount.minorUnits) == row.amounts, "\(row.balance)")
            #expect(changes.attempts.allSatisfy { $0.owed == Money(row.balance - 100) })
            #expect(changes.collections.count == row.amounts.count)
        }
    }

    @Test func `no attempt is larger than a transaction may be`() throws {
        let limit = Money.transactionLimit.minorUnits
        let changes = try collect(
            [due(1, limit, balance: limit + 500)], fees: [item(2, .lateFee, 500)])
        #expect(changes.attempts.map(\.amount) == [.transactionLimit])
    }

    @Test func `an invoice that somebody's payment may pay is left until that is settled`() throws {
        let mine = "api-blue"
        let cases: [(String, OpenAttempt, isLeft: Bool)] = [
            ("for this invoice, by the run", attempt(for: 1, subscription: 51), true),
            ("for this invoice, by a caller", attempt(for: 1, by: mine), true),
            ("for this invoice beside another", attempt(for: 5, fees: [1], by: mine), true),
            ("for nothing in particular", attempt(by: mine), true),
            ("for the subscription, by a caller", attempt(subscription: 51, by: mine), true),
            ("for another invoice", attempt(for: 5, by: mine), false),
            (
                "for the subscription's earlier invoice, by a caller",
                attempt(for: 5, subscription: 51, by: mine), true
            ),
            (
                "for the subscription's earlier invoice, by the run", attempt(for: 5, subscription: 51), false
            ),
            ("for another customer", attempt(for: 1, of: 8, by: mine), false),
        ]
        for (name, open, isLeft) in cases {
            let changes = try collect([due(1, 1000, balance: 1000)], open: [open])
            #expect(changes.attempts.isEmpty == isLeft, "\(name)")
            #expect(changes.collections.isEmpty == isLeft, "\(name)")
        }
    }
}
