import Domain
import Testing

/// Oracle: the tables of spec 3.2 (effect) and 5.3 (accounts).
struct LedgerTests {
    /// Effect on the customer's balance; nil: the lines are taken from another transaction.
    private static let effects: [(TransactionType, Int64)] = [
        (.invoice, 1), (.credit, -1), (.serviceFee, 1), (.lateFee, 1), (.accessFee, 1), (.collectionsFee, 1),
        (.collectionsReturnFee, 1), (.payment, -1), (.claim, -1), (.void, 1), (.refund, 1), (.decline, 1),
        (.chargeback, 1), (.writeOff, -1),
    ]
    /// What reverses, and the effect it has then.
    private static let reversing: [(TransactionType, of: TransactionType, Int64)] = [
        (.invoiceReversal, .invoice, -1), (.creditReversal, .credit, 1), (.refundReversal, .refund, -1),
        (.chargebackReversal, .chargeback, -1),
    ]

    private func facts(
        _ type: TransactionType, by means: AccountType? = nil, _ amount: Int64 = 1000, tax: Int64 = 0,
        subscription: Int64? = nil
    ) -> TransactionFacts {
        var facts = TransactionFacts(type: type, amount: Money(amount), dueDate: day("2027-01-31"))
        facts.accountType = means
        facts.taxAmount = Money(tax)
        facts.subscriptionID = subscription.map { Identifier($0) }
        return facts
    }

    /// Sum of the postings to the customer's receivable.
    private func effect(_ lines: [LedgerLine]) -> Int64 {
        lines.reduce(0) { sum, line in
            sum + (line.debit == Ledger.receivable ? line.amount.minorUnits : 0)
                - (line.credit == Ledger.receivable ? line.amount.minorUnits : 0)
        }
    }

    @Test func `every type changes what the customer owes by its amount, in its direction`() throws {
        #expect(Self.effects.count + Self.reversing.count == TransactionType.allCases.count)
        for (type, sign) in Self.effects {
            for tax in [0, 80, 1000] as [Int64] {
                let lines = try #require(
                    Ledger.lines(of: facts(type, by: .visaCredit, tax: tax), processor: "sandbox"))
                #expect(effect(lines) == sign * 1000, "\(type)")
                #expect(lines.allSatisfy { $0.amount > .zero }, "\(type)")
                #expect(
                    lines.allSatisfy { ($0.debit == "receivable") != ($0.credit == "receivable") }, "\(type)")
                #expect(type.isDebt == (sign > 0), "\(type)")
            }
        }
        for (type, source, sign) in Self.reversing {
            #expect(Ledger.lines(of: facts(type), processor: "sandbox") == nil)
            let lines = try #require(Ledger.lines(of: facts(source, tax: 80), processor: "sandbox"))
            #expect(effect(Ledger.reversing(lines)) == sign * 1000, "\(type)")
            #expect(Ledger.reversing(Ledger.reversing(lines)) == lines, "\(type)")
            #expect(type.isDebt == (sign > 0), "\(type)")
        }
    }

    @Test func `debts go to revenue, their tax to tax payable`() {
        let accounts: [(TransactionType, Int64?, String)] = [
            (.invoice, 51, "revenue:recurring"), (.invoice, nil, "revenue:other"),
            (.serviceFee, 51, "revenue:fees"), (.lateFee, nil, "revenue:fees"),
            (.accessFee, nil, "revenue:fees"), (.collectionsFee, nil, "revenue:fees"),
            (.collectionsReturnFee, nil, "revenue:fees"),
        ]
        for (type, subscription, revenue) in accounts {
            let plain = Ledger.lines(of: facts(type, subscription: subscription), processor: "sandbox")
            #expect(plain == [LedgerLine(debit: "receivable", credit: revenue, amount: Money(1000))])
            let taxed = Ledger.lines(of: facts(type, tax: 80, subscription: subscription), processor: "p")
            #expect(
                taxed == [
                    LedgerLine(debit: "receivable", credit: revenue, amount: Money(920)),
                    LedgerLine(debit: "receivable", credit: "tax-payable", amount: Money(80)),
                ])
        }
    }

    @Test func `money comes from and goes back to the account of its means`() {
        let accounts: [(AccountType?, String)] =
            [
                (.cash, "cash"), (.check, "checks"), (.external, "external"),
                (.allowance, "expense:allowance"),
                (.writeOff, "expense:write-off"), (nil, "clearing:acme"),
            ] + AccountType.allCases.filter(\.isProcessed).map { ($0, "clearing:acme") }
        for (means, account) in accounts {
            for type in [TransactionType.payment, .claim] {
                #expect(
                    Ledger.lines(of: facts(type, by: means), processor: "acme")
                        == [LedgerLine(debit: account, credit: "receivable", amount: Money(1000))])
            }
            for type in [TransactionType.void, .refund, .decline] {
                #expect(
                    Ledger.lines(of: facts(type, by: means), processor: "acme")
                        == [LedgerLine(debit: "receivable", credit: account, amount: Money(1000))])
            }
        }
        #expect(AccountType.allCases.filter(\.isProcessed).count == 11)
    }

    @Test func `credits, write-offs and chargebacks have accounts of their own`() {
        #expect(
            Ledger.lines(of: facts(.credit), processor: "p")
                == [LedgerLine(debit: "revenue:credits", credit: "receivable", amount: Money(1000))])
        #expect(
            Ledger.lines(of: facts(.writeOff), processor: "p")
                == [LedgerLine(debit: "expense:write-off", credit: "receivable", amount: Money(1000))])
        #expect(
            Ledger.lines(of: facts(.chargeback), processor: "p")
                == [LedgerLine(debit: "receivable", credit: "clearing:chargebacks", amount: Money(1000))])
    }

    /// Spec 5.3: an attempt that was declined, and one whose outcome is not known, have no entry.
    @Test func `only what counts is written into the ledger`() throws {
        var changes = BookChanges(
            under: try accountState(on: "2027-01-31").account, at: noon(of: "2027-01-31"))
        for status in TransactionStatus.allCases {
            changes.add(Identifier(1), of: Identifier(7), facts(.payment, by: .visaCredit), status: status)
        }
        let written = changes.transactions.map { ($0.status, $0.lines.isEmpty) }
        #expect(written.map(\.0) == TransactionStatus.allCases)
        #expect(written.map(\.1) == TransactionStatus.allCases.map { $0 != .final })
        let lines = [LedgerLine(debit: "revenue:other", credit: "receivable", amount: Money(5))]
        changes.add(Identifier(2), of: Identifier(7), facts(.invoiceReversal, 5), lines: lines)
        #expect(changes.transactions.last?.lines == lines)
    }
}
