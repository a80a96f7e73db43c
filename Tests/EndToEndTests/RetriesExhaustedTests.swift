import TestSupport
import Testing

/// What follows when the retries are used up (spec 2.11 onRetriesExhausted): a pause or cancellation on record, made once.
@Suite(.enabled(if: programIsKnown, "needs BILLING_BINARY"))
struct RetriesExhaustedTests {
    /// Always declined, softly.
    private static let declined = "4000000000000002"

    private func subscription(_ merchant: Merchant, _ customer: TestCustomer) throws -> Answer {
        try merchant.call("GET", path(customer))
    }

    private func path(_ customer: TestCustomer) -> String {
        "\(customer.path)/subscriptions/\(customer.subscription)"
    }

    /// `P - -`: status, next billing date, pending adjustment.
    private func shown(_ answer: Answer) -> String {
        "\(answer["status"] ?? "-") \(answer["nextBillingDate"] ?? "-") \(answer["pendingAdjustmentType"] ?? "-")"
    }

    /// Each adjustment as `P 2027-01-18 - billing-run`: kind, first and last day, who.
    private func adjustments(_ answer: Answer) -> [String] {
        (answer.tree["adjustments"]?.items ?? []).map { item in
            ["type", "effectiveDate", "endDate", "creatorCode"].map { item[$0]?.scalar ?? "-" }
                .joined(separator: " ")
        }
    }

    @Test(
        "by a declined card and by a returned claim",
        arguments: [("pause", false), ("pause", true), ("cancel", false), ("cancel", true)])
    func usedUp(policy: String, byClaim: Bool) throws {
        let merchant = try Merchant(
            settings: ["onRetriesExhausted=\(policy)", "retryDays=3", "cancellationFee=2000"])
        // The claim of the 15th comes back on the 18th, the one of the 21st on the 22nd.
        let customer =
            try byClaim
            ? merchant.createBankCustomer(amount: 7200, first: "2027-01-15")
            : merchant.createCustomer(card: Self.declined, amount: 7200, first: "2027-01-19")
        try merchant.advance(to: "2027-01-21")
        #expect(
            try shown(subscription(merchant, customer))
                == (byClaim ? "C 2027-02-15 -" : "C 2027-02-19 -"))
        try merchant.advance(to: "2027-01-22")
        let after = try subscription(merchant, customer)
        #expect(shown(after) == (policy == "pause" ? "P - -" : "N - -"), "\(after)")
        #expect(adjustments(after) == ["\(policy == "pause" ? "P" : "C") 2027-01-22 - billing-run"])
        let invoice = try merchant.entries(of: customer, "&type=RI")[0]
        #expect(
            after.tree["adjustments"]?[0]?["note"]?.scalar
                == "The retries of invoice \(invoice.id) are used up.")
        try merchant.advance(to: "2027-04-01")
        #expect(try merchant.entries(of: customer, "&type=RI").count == 1)
        #expect(
            try merchant.lines(of: customer, "&type=RF")
                == (policy == "cancel" ? ["RF 2027-01-22 2000 2000"] : []))
        let later = try subscription(merchant, customer)
        #expect(adjustments(later) == adjustments(after))
        try merchant.expectBalance(of: customer, policy == "cancel" ? 9200 : 7200)
        let resumed = try merchant.call("POST", "\(path(customer))/~resume", "{}")
        if policy == "pause" {
            #expect(shown(resumed) == (byClaim ? "C 2027-04-15 -" : "C 2027-04-19 -"), "\(resumed)")
        } else {
            #expect(resumed.status == 409 && resumed["failureCode"] == "V30", "\(resumed)")
            let fee = try merchant.entries(of: customer, "&type=RF")[0]
            let why = try merchant.call("GET", "\(customer.transactions)/\(fee.id)/~explain")
            #expect(why["rule"] == "cancellation-fee" && why["causedBy"] == "the billing run", "\(why)")
        }
        try merchant.expectSoundBooks()
    }

    /// What the caller asks for before the retries end on 2027-01-13, or on 2027-02-19 after a freeze began.
    private struct Row {
        let policy: String
        var retryDays = "3"
        let asked: String
        /// On the day the retries end, and on 2027-03-12.
        let then: String
        let later: String
        let adjustments: [String]
    }

    @Test("subscriptions that are frozen, paused or about to be hold nothing up")
    func adjustedAlready() throws {
        let rows = [
            Row(
                policy: "pause", retryDays: "40", asked: "freeze?effectiveDate=2027-02-10&length=1",
                then: "F - P", later: "P - -",
                adjustments: ["F 2027-02-10 2027-02-10 user", "P 2027-03-10 - billing-run"]),
            Row(
                policy: "cancel", retryDays: "40", asked: "freeze?effectiveDate=2027-02-10&length=1",
                then: "N - -", later: "N - -",
                adjustments: ["F 2027-02-10 2027-02-10 user", "C 2027-02-19 - billing-run"]),
            Row(
                policy: "pause", asked: "freeze?effectiveDate=2027-02-10&length=1", then: "P - -",
                later: "P - -",
                adjustments: ["F 2027-02-10 2027-01-13 user", "P 2027-01-13 - billing-run"]),
            Row(
                policy: "pause", asked: "cancel?effectiveDate=2027-02-05", then: "P - C", later: "N - -",
                adjustments: ["C 2027-02-05 - user", "P 2027-01-13 2027-02-05 billing-run"]),
            Row(
                policy: "cancel", asked: "cancel?effectiveDate=2027-02-05", then: "N - -", later: "N - -",
                adjustments: ["C 2027-02-05 2027-01-13 user", "C 2027-01-13 - billing-run"]),
            Row(
                policy: "pause", asked: "pause?effectiveDate=2027-01-11", then: "P - -", later: "P - -",
                adjustments: ["P 2027-01-11 - user"]),
            Row(
                policy: "cancel", asked: "pause?effectiveDate=2027-01-11", then: "N - -", later: "N - -",
                adjustments: ["P 2027-01-11 2027-01-13 user", "C 2027-01-13 - billing-run"]),
            Row(
                policy: "pause", asked: "cancel?effectiveDate=2027-01-11", then: "N - -", later: "N - -",
                adjustments: ["C 2027-01-11 - user"]),
        ]
        for row in rows {
            let merchant = try Merchant(
                settings: ["onRetriesExhausted=\(row.policy)", "retryDays=\(row.retryDays)"])
            let customer = try merchant.createCustomer(
                card: Self.declined, amount: 4999, first: "2027-01-10")
            try merchant.advance(to: "2027-01-10")
            let asked = try merchant.call("POST", "\(path(customer))/~\(row.asked)")
            try #require(asked.status == 200, "\(row): \(asked)")
            try merchant.advance(to: row.retryDays == "40" ? "2027-02-19" : "2027-01-13")
            let then = try subscription(merchant, customer)
            #expect(shown(then) == row.then, "\(row): \(then)")
            try merchant.advance(to: "2027-03-12")
            let later = try subscription(merchant, customer)
            #expect(shown(later) == row.later, "\(row): \(later)")
            #expect(
                adjustments(later)
                    == row.adjustments.map { $0.replacing("user", with: merchant.user) }, "\(row)")
            try merchant.expectSoundBooks()
        }
    }
}
