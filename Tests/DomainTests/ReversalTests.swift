import Testing

@testable import Domain

/// Oracle: the table of spec 5.8, the settlement of 2.11, and 5.4 for what ends.
struct ReversalTests {
    private func source(
        _ type: TransactionType, by means: AccountType? = nil, _ status: TransactionStatus = .final,
        refunded: Int64 = 0, chargedBack: Int64 = 0, paidOut: Int64 = 0
    ) -> ReversalSource {
        var facts = TransactionFacts(type: type, amount: Money(4999), dueDate: day("2027-01-10"))
        facts.accountType = means
        if means?.isProcessed == true { facts.attemptID = 71 }
        var source = ReversalSource(id: Identifier(71), facts: facts, status: status)
        source.refunded = Money(refunded)
        source.chargedBack = Money(chargedBack)
        source.paidOut = Money(paidOut)
        return source
    }

    private func at(_ text: String) throws -> LocalDateTime { try #require(LocalDateTime(text)) }

    /// What ~reverse makes of it, in words.
    private func reverse(_ source: ReversalSource, settled: Bool = false) throws -> String {
        let settles = source.isProcessed ? try at("2027-01-10 17:00:00") : nil
        let now = try at(settled ? "2027-01-10 17:00:00" : "2027-01-10 16:59:59")
        do throws(Refusal) {
            switch try Reversal.of(source, settles: settles, at: now) {
            case .record(let type): return type.rawValue
            case .void: return "void"
            case .refund(let amount): return "refund \(amount.minorUnits)"
            }
        } catch {
            return error.faults[0].code.rawValue
        }
    }

    @Test func `each type by the table`() throws {
        let rows: [(ReversalSource, String, settled: String)] = [
            (source(.invoice), "RR", "RR"), (source(.serviceFee), "RR", "RR"), (source(.lateFee), "RR", "RR"),
            (source(.accessFee), "RR", "RR"), (source(.credit), "RX", "RX"),
            (source(.payment, by: .visaCredit), "void", "refund 4999"),
            (source(.claim, by: .checking), "void", "refund 4999"),
            (source(.payment, by: .visaCredit, refunded: 2000), "refund 2999", "refund 2999"),
            (source(.payment, by: .visaCredit, chargedBack: 4999), "V30", "V30"),
            (source(.payment, by: .visaCredit, refunded: 4999), "V30", "V30"),
            (source(.payment, by: .cash), "AV", "AV"), (source(.payment, by: .check), "AV", "AV"),
            (source(.payment, by: .external), "AV", "AV"), (source(.payment, by: .allowance), "AV", "AV"),
            (source(.payment, by: .writeOff), "AV", "AV"), (source(.writeOff), "AV", "AV"),
            (source(.payment, by: .cash, refunded: 1), "AR", "AR"),
            (source(.payment, by: .check, paidOut: 4998), "AR", "AR"),
            (source(.payment, by: .cash, paidOut: 4999), "V30", "V30"),
            (source(.payment, by: .cash, .reversed, refunded: 4999), "V30", "V30"),
            (source(.payment, by: .visaCredit, refunded: 2000, chargedBack: 4999), "V30", "V30"),
            (source(.refund, by: .cash), "AX", "AX"), (source(.refund, by: .visaCredit), "V30", "V30"),
            (source(.chargeback, by: .visaCredit), "AS", "AS"),
            (source(.decline, by: .checking), "V30", "V30"), (source(.invoiceReversal), "V30", "V30"),
            (source(.creditReversal), "V30", "V30"), (source(.void, by: .visaCredit), "V30", "V30"),
            (source(.refundReversal), "V30", "V30"), (source(.chargebackReversal), "V30", "V30"),
            (source(.invoice, .reversed), "V30", "V30"),
            (source(.payment, by: .visaCredit, .reversed), "V30", "V30"),
            (source(.payment, by: .visaCredit, .pending), "V36", "V36"),
            (source(.decline, by: .visaCredit, .declined), "V30", "V30"),
        ]
        for (source, before, after) in rows {
            #expect(try reverse(source) == before, "\(source.facts.type) \(source.status)")
            #expect(try reverse(source, settled: true) == after, "\(source.facts.type), settled")
        }
    }

    @Test func `a payment settles at the next settlement time`() throws {
        let rows = [
            ("2027-01-10 00:00:00", "17:00", "2027-01-10 17:00:00"),
            ("2027-01-10 16:59:59", "17:00", "2027-01-10 17:00:00"),
            ("2027-01-10 17:00:00", "17:00", "2027-01-11 17:00:00"),
            ("2027-12-31 23:59:59", "00:00", "2028-01-01 00:00:00"),
            ("2027-12-31 00:00:00", "00:00", "2028-01-01 00:00:00"),
        ]
        for (paid, time, settled) in rows {
            #expect(try Reversal.settlement(of: at(paid), at: time) == at(settled), "\(paid) at \(time)")
        }
    }

    @Test func `banking days leave out Saturday and Sunday`() {
        let rows = [
            ("2027-01-15", 0, "2027-01-15"), ("2027-01-15", 1, "2027-01-18"), ("2027-01-15", 3, "2027-01-20"),
            ("2027-01-16", 1, "2027-01-18"), ("2027-01-17", 5, "2027-01-22"),
            ("2027-01-11", 10, "2027-01-25"),
        ]
        for (from, count, to) in rows {
            #expect(BankingDays.date(count, after: day(from)) == day(to), "\(from) + \(count)")
        }
    }

    /// Payment 1 of 100, used on the invoices 11 (40), then 12 (30); refund 21 of 10 before; 20 unused.
    private var living: [LivingAllocation] {
        func allocation(_ id: Int64, _ target: OpenItem, _ amount: Int64) -> LivingAllocation {
            LivingAllocation(
                id: id, source: item(1, .payment, 0), target: target, amount: Money(amount),
                givesBack: target.type == .refund)
        }
        return [
            allocation(1, item(11, .invoice, 0), 40), allocation(2, item(21, .refund, 0), 10),
            allocation(3, item(12, .invoice, 0), 30),
        ]
    }

    @Test func `what is unused goes first, then the newest allocation`() {
        let rows: [(Int64, ended: [Int64], made: [[Int64]], reopened: [Int64])] = [
            (0, [], [], []), (20, [], [], []), (21, [3], [[1, 12, 29]], [12]), (50, [3], [], [12]),
            (60, [3, 1], [[1, 11, 30]], [12, 11]), (90, [3, 1], [], [12, 11]),
            // Refunds stay, whatever is asked for.
            (95, [3, 1], [], [12, 11]),
        ]
        for (amount, ended, made, reopened) in rows {
            var balances = Balances([item(1, .payment, 20)])
            balances.free(Money(amount), of: Identifier(1), from: living)
            #expect(balances.ended == ended, "\(amount)")
            #expect(
                balances.made.map { [$0.sourceID.rawValue, $0.targetID.rawValue, $0.amount.minorUnits] }
                    == made,
                "\(amount)")
            #expect(balances.reopened.map(\.rawValue) == reopened, "\(amount)")
            #expect(balances.left(of: Identifier(1)) == Money(max(20, min(amount, 90))), "\(amount)")
        }
        var balances = Balances([item(1, .payment, 20)])
        balances.free(Money(100), of: Identifier(1), from: living, withRefunds: true)
        #expect(balances.ended == [3, 1, 2], "the bank took all of it")
    }

    @Test func `a payment pays its own refunds before what others paid of them`() {
        // Refund 21 of 30, refund 22 of 50: of 21 payment 8 paid 10, then payment 9 paid 20; 22 is open, or paid by 9.
        func allocation(_ id: Int64, _ source: Int64, _ target: Int64, _ amount: Int64) -> LivingAllocation {
            LivingAllocation(
                id: id, source: item(source, .payment, 0), target: item(target, .refund, 0),
                amount: Money(amount))
        }
        let living = [allocation(1, 8, 21, 10), allocation(2, 9, 21, 20)]
        let rows: [(left: Int64, ended: [Int64], made: [[Int64]])] = [
            (0, [], []), (5, [2], [[1, 21, 5], [9, 21, 15]]), (20, [2], [[1, 21, 20]]),
            (25, [2, 1], [[1, 21, 25], [8, 21, 5]]), (80, [2, 1], [[1, 21, 30], [1, 22, 50]]),
        ]
        for (left, ended, made) in rows {
            var balances = Balances([item(1, .payment, left), item(22, .refund, 50)])
            for refund in [Int64(21), 22] {
                balances.settle(Identifier(refund), by: Identifier(1), from: living)
            }
            #expect(balances.ended == ended, "\(left)")
            #expect(
                balances.made.map { [$0.sourceID.rawValue, $0.targetID.rawValue, $0.amount.minorUnits] }
                    == made, "\(left)")
        }
    }

    @Test(arguments: [
        (1000, 0, 0, 1000, 0, 100), (1000, 400, 0, 600, 150, 0), (1000, 400, 0, 600, 60, 40),
        (1000, 950, 0, 50, 0, 50), (1000, 400, 1000, 0, 0, 0),
    ])
    func `what is left is never less than nothing`(
        amount: Int64, refunded: Int64, chargedBack: Int64, left: Int64, tax: Int64, leftTax: Int64
    ) {
        var source = source(.payment, by: .cash, refunded: refunded, chargedBack: chargedBack)
        (source.facts.amount, source.facts.taxAmount) = (Money(amount), Money(100))
        source.refundedTax = Money(tax)
        #expect(source.left == Money(left) && source.leftTax == Money(leftTax))
    }

    @Test func `what is free again pays what else is open`() {
        var balances = Balances([item(13, .invoice, due: "2027-01-05", 25)])
        balances.add(item(31, .invoiceReversal, 40))
        balances.unpay(Identifier(11), from: living)
        balances.use(Identifier(31), on: Identifier(11), Money(40))
        balances.balance(by: .ageBased)
        #expect(balances.ended == [1])
        #expect(
            balances.made.map { [$0.sourceID.rawValue, $0.targetID.rawValue, $0.amount.minorUnits] } == [
                [31, 11, 40], [1, 13, 25],
            ])
        #expect(balances.left(of: Identifier(1)) == Money(15))
    }

    @Test func `what a notice does, by what its payment has come to`() {
        let claim = source(.claim, by: .checking)
        let card = source(.payment, by: .visaCredit)
        let rows: [(String, ReversalSource?, NoticeEffect)] = [
            ("N01", claim, .returned(isHard: false)), ("N02", claim, .returned(isHard: true)),
            ("N07", claim, .returned(isHard: true)), ("N01", card, .none), ("N01", nil, .none),
            ("N01", source(.claim, by: .checking, .reversed), .none),
            ("Z02", card, .chargeback), ("Z02", claim, .chargeback),
            ("Z02", source(.payment, by: .visaCredit, chargedBack: 4999), .none),
            ("Z02", source(.payment, by: .visaCredit, .reversed), .none),
            ("Z02", source(.payment, by: .visaCredit, .reversed, refunded: 4999), .chargeback),
            ("Z02", source(.decline, by: .visaCredit, .declined), .none),
            ("N08", claim, .correction), ("N09", nil, .correction), ("X01", claim, .none),
        ]
        for (code, source, effect) in rows { #expect(NoticeEffect.of(code, on: source) == effect, "\(code)") }
    }

    @Test func `age leads to one late fee, and then to the write-off`() throws {
        let rows: [(date: String, hasFee: Bool, wasWrittenOff: Bool, made: [String])] = [
            ("2027-01-19", false, false, []), ("2027-01-20", false, false, ["RL 500"]),
            ("2027-01-25", false, false, ["RL 500"]), ("2027-01-25", true, false, []),
            ("2027-02-09", true, false, ["AA 8200"]), ("2027-02-09", true, true, []),
            ("2027-02-09", false, true, ["RL 500"]), ("2027-02-09", false, false, ["RL 500", "AA 8200"]),
        ]
        for (date, hasFee, wasWrittenOff, made) in rows {
            var state = try accountState(on: date)
            state.account.lateFeeAmount = Money(500)
            state.account.writeOffDays = 30
            var ageing = Ageing(
                state: state, balances: Balances([item(1, .invoice, due: "2027-01-10", 8200)]))
            ageing.execute(
                [
                    AgedInvoice(
                        id: Identifier(1), customerID: Identifier(7), subscriptionID: nil,
                        dueDate: day("2027-01-10"), hasLateFee: hasFee, wasWrittenOff: wasWrittenOff)
                ], ids: [Identifier(91), Identifier(92)])
            #expect(
                ageing.changes.transactions.map {
                    "\($0.facts.type.rawValue) \($0.facts.amount.minorUnits)"
                } == made, "\(date)")
            #expect(ageing.writtenOff == (made.contains("AA 8200") ? [Identifier(1)] : []), "\(date)")
        }
    }
}
