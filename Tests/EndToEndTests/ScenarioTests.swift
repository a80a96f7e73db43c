import TestSupport
import Testing

/// Scenarios with known answers beside a running jobs process, and what ~advance counts; the rest are event lists (``EventTests``).
@Suite(.enabled(if: programIsKnown, "needs BILLING_BINARY"))
struct ScenarioTests {
    /// Monthly from 2027-01-31: the day is clamped to the month's length, never carried over.
    static let monthEnds = [
        "2027-01-31", "2027-02-28", "2027-03-31", "2027-04-30", "2027-05-31", "2027-06-30", "2027-07-31",
        "2027-08-31", "2027-09-30", "2027-10-31", "2027-11-30", "2027-12-31",
    ]

    /// Twelve invoices and twelve payments, one on each month's end, each payment for the invoice of its day.
    private func expectTwelve(
        _ merchant: Merchant, _ customer: TestCustomer, signedOn first: String = "2027-01-31",
        _ location: SourceLocation = #_sourceLocation
    ) throws {
        let invoices = try merchant.entries(of: customer, "&type=RI")
        let payments = try merchant.entries(of: customer, "&type=AP")
        #expect(
            invoices.map(\.description) == Self.monthEnds.map { "RI \($0) 4999 0" }, sourceLocation: location)
        #expect(
            payments.map(\.description).sorted()
                == ([first] + Self.monthEnds.dropFirst()).map { "AP \($0) 4999 0" }, sourceLocation: location)
        #expect(try merchant.entries(of: customer).count == 24, sourceLocation: location)
        for (invoice, payment) in zip(invoices, payments.sorted { $0.dueDate < $1.dueDate }) {
            let expected = [Merchant.Allocation(source: payment.id, target: invoice.id, amount: 4999)]
            #expect(try merchant.allocations(of: payment, customer) == expected, sourceLocation: location)
            #expect(try merchant.allocations(of: invoice, customer) == expected, sourceLocation: location)
        }
        let cycles = invoices.map { $0.tree["cycleNumber"]?.integer }
        #expect(cycles == Array(1...12), sourceLocation: location)
        try merchant.expect(customer, balance: 0, subscription: "E", location)
        try merchant.expectSoundBooks(location)
    }

    @Test("1: a year of twelve payments, at the months' ends")
    func aYear() throws {
        let merchant = try Merchant()
        let customer = try merchant.createCustomer(amount: 4999, length: 12)
        let clock = try merchant.advance(to: "2028-01-31")
        #expect(clock["invoices"] == "12" && clock["payments"] == "12" && clock["amountCollected"] == "59988")
        #expect(clock["daysRun"] == "395" && clock["businessDate"] == "2028-01-31")
        try expectTwelve(merchant, customer)
    }

    @Test("2: due at signing, on the day that the jobs process bills: whoever is first")
    func signedMeanwhile() throws {
        let merchant = try Merchant(clock: "2027-01-31")
        let customer = try merchant.createCustomer(amount: 4999, length: 12)
        let signed = try merchant.process(4999, of: customer, #","subscriptionId":\#(customer.subscription)"#)
        #expect(signed.status == 201 && signed["type"] == "AP" && signed["amount"] == "4999", "\(signed)")
        try merchant.awaitLines(of: customer, ["RI 2027-01-31 4999 0", "AP 2027-01-31 4999 0"])
        try merchant.advance(to: "2028-01-31")
        try expectTwelve(merchant, customer)
    }

    @Test("2: due at signing, after the jobs process has collected: its payment is the answer")
    func signedAfter() throws {
        let merchant = try Merchant(clock: "2027-01-31")
        let customer = try merchant.createCustomer(amount: 4999, length: 12)
        let day = ["RI 2027-01-31 4999 0", "AP 2027-01-31 4999 0"]
        try merchant.awaitLines(of: customer, day)
        let signed = try merchant.process(4999, of: customer, #","subscriptionId":\#(customer.subscription)"#)
        #expect(signed.status == 201 && signed["balance"] == "0", "\(signed)")
        #expect(try merchant.entries(of: customer, "&type=AP").map(\.id) == [signed.id])
        #expect(try merchant.lines(of: customer) == day)
        try merchant.advance(to: "2028-01-31")
        try expectTwelve(merchant, customer)
    }

    @Test("15: nothing was billed for 70 days: each cycle on its own date, collected on the day of return")
    func seventyDaysLate() throws {
        let merchant = try Merchant()
        let customer = try merchant.createCustomer(amount: 4999, first: "2027-01-05")
        try merchant.setClock("2027-03-16")
        let late =
            ["2027-01-05", "2027-02-05", "2027-03-05"].map { "RI \($0) 4999 0" }
            + Array(repeating: "AP 2027-03-16 4999 0", count: 3)
        try merchant.awaitLines(of: customer, late)
        let next = try merchant.call("GET", "\(customer.path)/subscriptions/\(customer.subscription)")
        #expect(next["nextBillingDate"] == "2027-04-05" && next["billedCount"] == "3", "\(next)")
        try merchant.advance(to: "2027-04-05")
        #expect(
            try merchant.lines(of: customer) == late + ["RI 2027-04-05 4999 0", "AP 2027-04-05 4999 0"])
        try merchant.expect(customer, balance: 0, subscription: "C")
        try merchant.expectSoundBooks()
    }

    @Test("15: `billing run` beside the jobs process bills nothing twice")
    func runByHand() throws {
        let merchant = try Merchant()
        let customer = try merchant.createCustomer(amount: 4999, first: "2027-01-05")
        try merchant.setClock("2027-03-16")
        for _ in 1...3 {
            let run = try merchant.stack.billing(["run", "--account", "\(merchant.account)", "--json"])
            #expect(run.status == 0, "\(run.output)\(run.errors)")
        }
        try merchant.awaitLines(
            of: customer,
            ["2027-01-05", "2027-02-05", "2027-03-05"].map { "RI \($0) 4999 0" }
                + Array(repeating: "AP 2027-03-16 4999 0", count: 3))
        try merchant.expectSoundBooks()
    }
}
