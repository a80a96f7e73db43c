import Testing

@testable import Domain

/// Oracle: spec 1.4 ~preview and 2.10, cases worked out by hand.
struct PreviewTests {
    private struct Row {
        let name: String
        var length: Int?
        var progress = SubscriptionProgress(
            status: .current, nextCycle: 3, nextBillingDate: day("2027-03-31"),
            lastBillingDate: day("2027-02-28"), billedCount: 2)
        var adjustments: [SubscriptionAdjustment] = []
        var change: (inout MerchantAccount) -> Void = { _ in }
        var credit: Int64 = 0
        var fees: Int64 = 0
        var invoiced: [Int: Int64] = [:]
        /// When a further subscription of 500, annual, is billed first.
        var another: String?
        /// A payment that waits for that one.
        var held: Int64 = 0
        var option: PaymentOption? = DomainTests.option()
        var today = "2027-03-10"
        var count = 4
        let lines: [String]
    }

    @Test func `what is to come is shown with what will be collected`() throws {
        let frozen = freeze(1, "2027-04-30", to: "2027-05-31", 2)
        let rows = [
            Row(
                name: "perpetual",
                lines: [
                    "3 P 2027-03-31 1000 planned 1000", "4 P 2027-04-30 1000 planned 1000",
                    "5 P 2027-05-31 1000 planned 1000", "6 P 2027-06-30 1000 planned 1000",
                ]),
            Row(
                name: "credit is used first, fees go along with the first", length: 4, credit: 1500,
                fees: 200,
                lines: ["3 F 2027-03-31 1000 planned 0", "4 F 2027-04-30 1000 planned 700"]),
            Row(
                name: "overdue, today's and later ones",
                progress: SubscriptionProgress(
                    status: .unbilled, nextCycle: 1, nextBillingDate: day("2027-01-31"), lastBillingDate: nil,
                    billedCount: 0), change: { $0.enrollmentFee = Money(50) }, today: "2027-02-28", count: 3,
                lines: [
                    "1 P 2027-01-31 1000 planned 1050", "2 P 2027-02-28 1000 planned 1000",
                    "3 P 2027-03-31 1000 planned 1000",
                ]),
            Row(
                name: "frozen", adjustments: [frozen], change: { $0.freezeFlatFee = Money(30) },
                lines: [
                    "3 P 2027-03-31 1000 planned 1000", "4 R 2027-04-30 0 skipped 0",
                    "5 R 2027-05-31 0 skipped 0", "6 P 2027-06-30 1000 planned 1030",
                ]),
            Row(
                name: "frozen for a fee, and cancelled",
                adjustments: [frozen, cancellation(2, "2027-05-31")],
                change: { $0.freezeRecurringFee = Money(70) },
                lines: ["3 P 2027-03-31 1000 planned 1000", "4 Z 2027-04-30 70 planned 70"]),
            Row(
                name: "frozen without a fee, before the account asked for one",
                progress: SubscriptionProgress(
                    status: .frozen, nextCycle: 6, nextBillingDate: day("2027-06-30"),
                    lastBillingDate: day("2027-03-31"), billedCount: 3), adjustments: [begun(frozen)],
                change: { $0.freezeRecurringFee = Money(70) }, today: "2027-05-01", count: 2,
                lines: ["5 R 2027-05-31 0 skipped 0", "6 P 2027-06-30 1000 planned 1000"]),
            Row(
                name: "paused",
                progress: SubscriptionProgress(
                    status: .paused, nextCycle: 3, nextBillingDate: nil, lastBillingDate: day("2027-02-28"),
                    billedCount: 2), adjustments: [begun(pause(1, "2027-03-01"))], today: "2027-04-01",
                count: 2,
                lines: ["4 S 2027-04-30 0 skipped 0", "5 S 2027-05-31 0 skipped 0"]),
            Row(
                name: "invoiced early, partly paid", length: 4,
                progress: SubscriptionProgress(
                    status: .current, nextCycle: 4, nextBillingDate: day("2027-04-30"),
                    lastBillingDate: day("2027-03-31"), billedCount: 3),
                change: { $0.invoiceLeadDays = 30 }, invoiced: [3: 400],
                lines: ["3 F 2027-03-31 1000 billed 400", "4 F 2027-04-30 1000 planned 1000"]),
            Row(
                name: "ended, with its last payment invoiced ahead", length: 3,
                progress: SubscriptionProgress(
                    status: .expired, nextCycle: 4, nextBillingDate: nil, lastBillingDate: day("2027-03-31"),
                    billedCount: 3),
                change: { $0.invoiceLeadDays = 30 }, invoiced: [3: 1000],
                lines: ["3 F 2027-03-31 1000 billed 1000"]),
            Row(
                name: "another subscription uses the credit first, and takes a fee along", credit: 600,
                fees: 200,
                another: "2027-03-20",
                lines: [
                    "3 P 2027-03-31 1000 planned 1000", "4 P 2027-04-30 1000 planned 1000",
                    "5 P 2027-05-31 1000 planned 1000", "6 P 2027-06-30 1000 planned 1000",
                ]),
            Row(
                name: "a payment waits for another subscription: the rest is collected when that is billed",
                another: "2027-05-05", held: 700, count: 1,
                lines: ["3 P 2027-03-31 1000 planned 1000"]),
            // 31 March: 600 more than is owed; 30 April: 400 are owed; 5 May: 1100 are free, 500 are owed.
            Row(
                name: "more waits than is owed, and what is too much pays the oldest",
                another: "2027-05-05", held: 1600, count: 3,
                lines: [
                    "3 P 2027-03-31 1000 planned 400", "4 P 2027-04-30 1000 planned 500",
                    "5 P 2027-05-31 1000 planned 1000",
                ]),
            Row(
                name: "nothing to collect with", option: nil, count: 1,
                lines: ["3 P 2027-03-31 1000 planned 0"]),
            Row(
                name: "ended",
                progress: SubscriptionProgress(
                    status: .cancelled, nextCycle: 3, nextBillingDate: nil, lastBillingDate: nil,
                    billedCount: 2),
                lines: []),
        ]
        for row in rows {
            var policy = try accountState(on: row.today).account
            row.change(&policy)
            let terms = SubscriptionTerms(
                cycle: BillingCycle(.monthly), amount: Money(1000), firstBillingDate: day("2027-01-31"),
                length: row.length)
            var outlook = CustomerOutlook(of: Identifier(7))
            outlook.agreements = [
                CustomerOutlook.Agreement(
                    id: Identifier(51),
                    course: SubscriptionCourse(
                        terms: terms, progress: row.progress, adjustments: row.adjustments),
                    option: row.option)
            ]
            if let another = row.another {
                outlook.agreements.append(
                    CustomerOutlook.Agreement(
                        id: Identifier(52),
                        course: SubscriptionCourse(
                            terms: SubscriptionTerms(
                                cycle: BillingCycle(.annually), amount: Money(500),
                                firstBillingDate: day(another)),
                            progress: SubscriptionProgress(beginningOn: day(another))), option: option()))
            }
            if row.held > 0 {
                outlook.items.append(item(93, .payment, row.held, subscription: 52, heldFor: 52))
            }
            if row.credit > 0 { outlook.items.append(item(91, .credit, row.credit)) }
            if row.fees > 0 { outlook.items.append(item(92, .serviceFee, row.fees)) }
            for (cycle, left) in row.invoiced {
                let due = terms.cycle.date(of: cycle, from: terms.firstBillingDate)
                outlook.items.append(item(77, .invoice, due: due.description, left, subscription: 51))
                outlook.collections.append(
                    InvoiceCollection(
                        invoiceID: Identifier(77), customerID: Identifier(7), subscriptionID: Identifier(51),
                        state: .due, collectOn: due))
            }
            var preview = Preview(of: Identifier(51), in: outlook, under: policy, on: day(row.today))
            for cycle in row.invoiced.keys {
                let charge = Charge(
                    cycleNumber: cycle,
                    billingDate: terms.cycle.date(of: cycle, from: terms.firstBillingDate), kind: .fixed,
                    amount: terms.amount, taxAmount: .zero)
                preview.invoiced[cycle] = (charge, Identifier(77))
            }
            let lines = preview.charges(row.count).map { planned in
                let charge = planned.charge
                return
                    "\(charge.cycleNumber) \(charge.kind.rawValue) \(charge.billingDate) \(charge.amount.minorUnits) \(planned.status.rawValue) \(planned.expectedCollection.minorUnits)"
            }
            #expect(lines == row.lines, "\(row.name)")
        }
    }
}
