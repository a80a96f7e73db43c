import Domain
import Testing

@testable import Processing

struct SandboxRulesTests {
    /// One row of spec 5.10: first and last amount in cents, what a card says, what a bank returns.
    struct Range: Sendable {
        var first: Int64
        var last: Int64
        var card: String
        var bank: String?
    }

    static let ranges = [
        Range(first: 1, last: 4_99, card: "A01"),
        Range(first: 5_00, last: 69_99, card: "A01"),
        Range(first: 70_00, last: 74_99, card: "D01", bank: "N01"),
        Range(first: 75_00, last: 79_99, card: "D02", bank: "N07"),
        Range(first: 80_00, last: 84_99, card: "D03", bank: "N01"),
        Range(first: 85_00, last: 89_99, card: "D04", bank: "N07"),
        Range(first: 90_00, last: 94_99, card: "D05", bank: "N04"),
        Range(first: 95_00, last: 99_99, card: "D06", bank: "N02"),
        Range(first: 100_00, last: 104_99, card: "A01"),
        Range(first: 105_00, last: 109_99, card: "D09", bank: "N07"),
        Range(first: 110_00, last: 114_99, card: "D10", bank: "N07"),
        Range(first: 115_00, last: 119_99, card: "D16", bank: "N07"),
        Range(first: 120_00, last: 124_99, card: "D17", bank: "N07"),
        Range(first: 125_00, last: 129_99, card: "D18", bank: "N07"),
        Range(first: 130_00, last: 134_99, card: "A01"),
        Range(first: 135_00, last: 139_99, card: "D27", bank: "N07"),
        Range(first: 140_00, last: 144_99, card: "D29", bank: "N07"),
        Range(first: 145_00, last: 149_99, card: "A01"),
        Range(first: 170_00, last: 999_999_999_99, card: "A01"),
    ]

    @Test(arguments: ranges)
    func `the amount decides`(range: Range) {
        let tuesday = "2026-03-03"
        for cents in Set([range.first, range.first + 1, (range.first + range.last) / 2, range.last]) {
            for currency in ["USD", "JPY", "KWD"] {
                let card = SandboxRules.decide(order("k", .payment, cents, on: tuesday, currency: currency))
                #expect(
                    card
                        == SandboxDecision(
                            code: range.card, approved: range.card == "A01" ? Money(cents) : .zero),
                    "\(cents)")
            }
            for claim in [
                order("k", .claim, cents, on: tuesday), order("k", .claim, cents, type: "BS", on: tuesday),
                order("k", .payment, cents, type: "BC", on: tuesday),
            ] {
                let report = range.bank.map {
                    SandboxDecision.Report(code: $0, date: claim.businessDate.adding(days: 1))
                }
                #expect(
                    SandboxRules.decide(claim)
                        == SandboxDecision(code: "A01", approved: Money(cents), report: report), "\(cents)")
            }
        }
    }

    @Test(
        arguments: [
            (99_99, "123", "D06"), (100_00, "123", "D08"), (104_99, "9", "D08"), (100_00, "", "A01"),
            (100_00, nil, "A01"), (105_00, "123", "D09"),
        ] as [(Int64, String?, String)])
    func `a security code is wrong from 100 to 104.99`(cents: Int64, csc: String?, code: String) {
        #expect(SandboxRules.decide(order("k", .payment, cents, csc: csc)).code == code)
    }

    @Test(
        arguments: [
            (149_99, "A01", 149_99), (150_00, "A05", 75_00), (150_01, "A05", 75_00), (159_99, "A05", 79_99),
            (160_00, "A01", 160_00),
        ] as [(Int64, String, Int64)])
    func `half is approved from 150 to 159.99`(cents: Int64, code: String, approved: Int64) {
        let decision = SandboxRules.decide(order("k", .payment, cents))
        #expect(decision.code == code && decision.approved == Money(approved))
        #expect(SandboxRules.decide(order("k", .claim, cents)).approved == Money(cents))
    }

    @Test(arguments: [(159_99, false), (160_00, true), (169_99, true), (170_00, false)] as [(Int64, Bool)])
    func `160 to 169.99 is charged back the day after, on any day of the week`(cents: Int64, isCharged: Bool)
    {
        for kind in [ProcessorOrder.Kind.payment, .claim] {
            let friday = order("k", kind, cents, on: "2026-03-06")
            let report = SandboxRules.decide(friday).report
            #expect((report?.code == "Z02") == isCharged)
            #expect((report?.date.description == "2026-03-07") == isCharged)
        }
    }

    @Test(
        arguments: [
            ("4000000000000002", 1, "D01", .answered), ("4000000000000002", 9, "D01", .answered),
            ("4000000000009995", 1, "D03", .answered), ("4000000000009995", 2, "D03", .answered),
            ("4000000000009995", 3, "A01", .answered), ("4000000000000069", 1, "D16", .answered),
            ("4000000000000119", 1, "A01", .answerLost), ("4000000000000127", 1, "A01", .requestLost),
            ("4000000000000259", 1, "A01", .answered), ("5499740000000057", 1, "D04", .answered),
        ] as [(String, Int, String, SandboxDecision.Delivery)])
    func `some cards decide whatever the amount`(
        number: String, attempt: Int, code: String, delivery: SandboxDecision.Delivery
    ) {
        let decision = SandboxRules.decide(order("k", .payment, 85_00, number: number, attempt: attempt))
        #expect(decision.code == code)
        #expect(decision.delivery == delivery)
        #expect((decision.report?.code == "Z02") == (number == "4000000000000259"))
        let moves = code == "A01" && delivery != .requestLost
        #expect(decision.approved == (moves ? Money(85_00) : .zero))
    }

    ///     Mon   Tue   Wed   Thu   Fri   Sat   Sun   Mon
    ///      2     3     4     5     6     7     8     9     March 2026
    @Test(arguments: [
        ("2026-03-02", "2026-03-03"), ("2026-03-04", "2026-03-05"), ("2026-03-05", "2026-03-06"),
        ("2026-03-06", "2026-03-09"), ("2026-03-07", "2026-03-09"), ("2026-03-08", "2026-03-09"),
        ("2026-12-31", "2027-01-01"),
    ])
    func `claims come back on the next banking day`(day: String, expected: String) {
        #expect(SandboxRules.decide(order("k", .claim, 95_00, on: day)).report?.date.description == expected)
    }

    static let paid = SandboxOriginal(
        id: 1, kind: .payment, approved: Money(20_00), givenBack: .zero, reportedOn: nil)

    static func original(_ change: (inout SandboxOriginal) -> Void) -> SandboxOriginal {
        var original = paid
        change(&original)
        return original
    }

    @Test(
        arguments: [
            ("unknown", nil, 20_00, "D27", "D27"),
            ("whole", paid, 20_00, "A02", "A03"),
            ("part", paid, 5_00, "A02", "D18"),
            ("more", paid, 20_01, "D18", "D18"),
            ("nothing", paid, 0, "D18", "D18"),
            ("less than nothing", paid, -1, "D18", "D18"),
            ("rest", original { $0.givenBack = Money(15_00) }, 5_00, "A02", "D27"),
            ("more than the rest", original { $0.givenBack = Money(15_00) }, 5_01, "D18", "D27"),
            ("all given back", original { $0.givenBack = Money(20_00) }, 1, "D27", "D27"),
            ("declined", original { $0.approved = .zero }, 1, "D27", "D27"),
            ("a claim", original { $0.kind = .claim }, 20_00, "A02", "A03"),
            ("a refund", original { $0.kind = .refund }, 20_00, "D27", "D27"),
            ("a void", original { $0.kind = .void }, 20_00, "D27", "D27"),
            (
                "comes back tomorrow", original { $0.reportedOn = CalendarDate("2026-03-06") }, 20_00, "A02",
                "A03"
            ),
            ("came back today", original { $0.reportedOn = CalendarDate("2026-03-05") }, 20_00, "D27", "D27"),
            ("amounts do not decide", original { $0.approved = Money(500_00) }, 70_00, "A02", "D18"),
        ] as [(String, SandboxOriginal?, Int64, String, String)])
    func `no more is given back than was charged`(
        name: String, original: SandboxOriginal?, cents: Int64, refund: String, void: String
    ) {
        for (kind, code) in [(ProcessorOrder.Kind.refund, refund), (.void, void)] {
            let decision = SandboxRules.decide(order("k", kind, cents, of: "o"), original: original)
            let moves = code.first == "A"
            #expect(
                decision == SandboxDecision(code: code, approved: moves ? Money(cents) : .zero), "\(kind)")
        }
    }

    @Test func `approval codes and numbers do not repeat`() {
        let ids = Array(Int64(1)...20_000) + Array(Int64(1 << 30) - 20_000..<Int64(1 << 30))
        #expect(Set(ids.map(SandboxWords.approvalCode)).count == ids.count)
        #expect(ids.allSatisfy { SandboxWords.approvalCode($0).utf8.count == 6 })
        #expect(SandboxWords.gatewayTransactionID(42) == "SB000000000042")
        #expect(SandboxWords.gatewayTransactionID(.max) == "SB9223372036854775807")
    }
}
