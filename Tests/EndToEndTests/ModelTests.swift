import TestSupport
import Testing

/// Random histories, played in the reference model (`Model/`) and through the REST interface, must not differ.
///
/// The model is written from the contract alone, in Python. It holds every entry, allocation, subscription, adjustment,
/// payment option, balance and the ledger of each customer against what the interface shows, after each step; each
/// request and answer is in a format drawn by lot (spec 4.2: json, xml and xurl mean the same).
///
/// `MODEL_SEED` repeats a history or begins elsewhere, `MODEL_HISTORIES` says how many are played.
@Suite struct ModelTests {
    @Test func theProductDoesWhatTheModelSays() throws {
        let stack = try RunningStack.shared
        let seed = environmentValue("MODEL_SEED") ?? "1"
        let histories = environmentValue("MODEL_HISTORIES") ?? "5"
        let program = environmentValue("BILLING_BINARY") ?? "\(packageFolder)/.build/release/billing"
        let answer = try Subprocess.run(
            "/usr/bin/env",
            [
                "PYTHONDONTWRITEBYTECODE=1", "python3",
                "\(packageFolder)/Tests/EndToEndTests/Model/differ.py",
                "--run-dir", stack.folder, "--port", "\(stack.port)", "--binary", program, "--seed", seed,
                "--histories", histories, "--minutes", "0.4", "--length", "25", "--account", "700000",
                "--shorten", "20", "--settle",
            ])
        print(answer.output)
        #expect(answer.status == 0, "\(answer.output)\(answer.errors)")
        let books = try stack.billing(["status", "--check"])
        #expect(books.status == 0, "\(books.output)\(books.errors)")
    }

    // What the model found, each as a history of its own.

    @Test func aLateFeeComesBeforeTheWriteOffOfItsDay() throws {
        let merchant = try Merchant(settings: ["lateFeeAmount=500", "lateFeeGraceDays=10", "writeOffDays=10"])
        let customer = try customer(of: merchant, options: "", first: "2027-01-01")
        try advance(merchant, to: "2027-01-11")
        #expect(try types(of: customer, of: merchant) == ["RI", "RL", "AA"])
        try merchant.expectSoundBooks()
    }

    @Test func aDayIsBilledAtItsMidnightWhereverTheClockStops() throws {
        let merchant = try Merchant()
        let customer = try customer(of: merchant, options: Self.card, first: "2027-01-05")
        try advance(merchant, to: "2027-01-05 18:00:00")
        let payment = try #require(try entries(of: customer, of: merchant).last)
        #expect(payment["createDate"]?.scalar == "2027-01-05 00:00:00")
        // Settled at 17:00: it can be refunded and no longer voided.
        let id = try #require(payment["id"]?.integer)
        let reversal = try merchant.call("POST", "/customers/\(customer)/transactions/\(id)/~reverse")
        #expect(reversal["type"] == "AR", "\(reversal)")
        try merchant.expectSoundBooks()
    }

    @Test func whatTheRunCollectedPaysTheOldestDebtWhenItIsCreditAgain() throws {
        let merchant = try Merchant()
        let customer = try customer(of: merchant, options: "", first: "2027-01-02")
        try advance(merchant, to: "2027-01-02")
        let weekly = """
            {"billingCycleType":"W","amount":3000,"firstBillingDate":"2027-01-03","length":2}
            """
        #expect(try merchant.call("PUT", "/customers/\(customer)/subscriptions", weekly).status == 201)
        // The second subscription is paid, the first one's invoice left alone: its payment was voided.
        let paid = try merchant.call(
            "PUT", "/customers/\(customer)/transactions", #"{"type":"AP","accountType":"K","amount":4999}"#)
        _ = try merchant.call("POST", "/customers/\(customer)/transactions/\(paid.id)/~reverse")
        let option = try merchant.call("PUT", "/customers/\(customer)/payment-options", Self.card)
        _ = try merchant.call(
            "POST", "/customers/\(customer)/payment-options/\(option.id)", #"{"isActive":true}"#)
        try advance(merchant, to: "2027-01-03")
        _ = try merchant.call(
            "POST", "/customers/\(customer)/payment-options/\(option.id)", #"{"isActive":false}"#)
        try advance(merchant, to: "2027-01-10")
        var all = try entries(of: customer, of: merchant)
        let invoice = try #require(
            all.first { $0["dueDate"]?.scalar == "2027-01-03" && $0["type"]?.scalar == "RI" })
        _ = try merchant.call(
            "POST", "/customers/\(customer)/transactions/\(try #require(invoice["id"]?.integer))/~reverse")
        all = try entries(of: customer, of: merchant).filter { $0["type"]?.scalar == "RI" }
        #expect(
            all.map { "\($0["dueDate"]?.scalar ?? "") \($0["balance"]?.scalar ?? "")" } == [
                "2027-01-02 1999", "2027-01-03 0", "2027-01-10 3000",
            ])
        try merchant.expectSoundBooks()
    }

    @Test func aCustomerMadeActiveAgainAfterAllHasEndedIsExpired() throws {
        let merchant = try Merchant()
        let customer = try customer(of: merchant, options: "", first: "2027-02-01")
        _ = try merchant.call("POST", "/customers/\(customer)", #"{"isActive":false}"#)
        let subscription = try #require(
            try merchant.call("GET", "/customers/\(customer)/subscriptions").tree[0]?["id"]?.integer)
        _ = try merchant.call(
            "POST", "/customers/\(customer)/subscriptions/\(subscription)/~cancel",
            #"{"effectiveDate":"2027-01-01"}"#)
        let again = try merchant.call("POST", "/customers/\(customer)", #"{"isActive":true}"#)
        #expect(again["status"] == "E", "\(again)")
    }

    @Test(arguments: [
        ("~pause", "", ["2027-01-05", "2027-02-05", "2027-04-05"]),
        ("~freeze", #""effectiveDate":"2027-03-05","length":1"#, ["2027-01-05", "2027-02-05", "2027-04-05"]),
    ])
    func whatFellDueWhileTheCustomerWasInactiveComesBeforeThePause(
        action: String, body: String, billed: [String]
    ) throws {
        let merchant = try Merchant()
        let customer = try customer(of: merchant, options: "", first: "2027-01-05")
        let subscription = try #require(
            try merchant.call("GET", "/customers/\(customer)/subscriptions").tree[0]?["id"]?.integer)
        let path = "/customers/\(customer)/subscriptions/\(subscription)"
        try advance(merchant, to: "2027-02-01")
        _ = try merchant.call("POST", "/customers/\(customer)", #"{"isActive":false}"#)
        try advance(merchant, to: "2027-02-10")
        let adjusted = try merchant.call("POST", "\(path)/\(action)", "{\(body)}")
        #expect(adjusted.status == 200 && adjusted["status"] == "C", "\(adjusted)")
        try advance(merchant, to: "2027-03-06")
        _ = try merchant.call("POST", "/customers/\(customer)", #"{"isActive":true}"#)
        try advance(merchant, to: "2027-03-08")
        #expect(try merchant.call("GET", path)["status"] == (action == "~pause" ? "P" : "F"))
        #expect(try merchant.call("POST", "\(path)/~resume", "{}").status == 200)
        try advance(merchant, to: "2027-04-06")
        let invoices = try entries(of: customer, of: merchant).filter { $0["type"]?.scalar == "RI" }
        #expect(invoices.map { $0["dueDate"]?.scalar ?? "" } == billed)
        try merchant.expectSoundBooks()
    }

    private static let card =
        #"{"accountNumber":"4111111111111111","accountAccessory":"1239","holderName":"Ada Byron"}"#

    /// A customer with a subscription to 4999 a month; its id.
    private func customer(of merchant: Merchant, options: String, first: String) throws -> Int {
        let made = try merchant.call(
            "PUT", "/customers",
            """
            {"firstName":"Ada","lastName":"Byron","paymentOptions":[\(options)],
             "subscriptions":[{"billingCycleType":"M","amount":4999,"firstBillingDate":"\(first)"}]}
            """)
        #expect(made.status == 201, "\(made)")
        return made.id
    }

    private func advance(_ merchant: Merchant, to moment: String) throws {
        let moved = try merchant.call(
            "POST", "/accounts/\(merchant.account)/clock/~advance", #"{"to":"\#(moment)"}"#)
        #expect(moved.status == 200, "\(moved)")
    }

    private func entries(of customer: Int, of merchant: Merchant) throws -> [Tree] {
        let found = try merchant.call("GET", "/customers/\(customer)/transactions").tree
        return found.items
    }

    private func types(of customer: Int, of merchant: Merchant) throws -> [String] {
        try entries(of: customer, of: merchant).compactMap { $0["type"]?.scalar }
    }
}
