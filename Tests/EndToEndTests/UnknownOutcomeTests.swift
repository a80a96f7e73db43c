import TestSupport
import Testing

/// Exactly one charge, whatever gets lost between the processor and us (spec 5.6).
@Suite(.enabled(if: programIsKnown, "needs BILLING_BINARY"))
struct UnknownOutcomeTests {
    /// What the processor has carried out for an account: amounts in the order of receipt.
    private func movements(_ merchant: Merchant) throws -> [String] {
        try merchant.stack.sql(
            "select approved_amount from sandbox.movement where account = \(merchant.account) and code <> 'E02' order by id"
        ).split(separator: "\n").map(String.init)
    }

    /// Makes the processor unreachable for an account, or reachable again.
    private func setDown(_ isDown: Bool, _ merchant: Merchant) throws {
        try merchant.stack.sql(
            """
            insert into sandbox.disturbance (account, is_down) values (\(merchant.account), \(isDown))
            on conflict (account) do update set is_down = \(isDown)
            """)
    }

    /// Brings the next question about open attempts forward, and waits until it was asked.
    private func awaitLookUp(_ merchant: Merchant, until done: () throws -> Bool) throws -> Bool {
        try merchant.stack.sql(
            """
            update billing.attempts set next_look_up = clock_timestamp()
             where account_id = \(merchant.account) and outcome = 'open'
            """)
        return try waitUntil(timeout: 20, done)
    }

    private func lookUps(_ merchant: Merchant) throws -> Int {
        Int(
            try merchant.stack.sql(
                "select coalesce(sum(look_ups), 0) from billing.attempts where account_id = \(merchant.account)"
            ))
            ?? -1
    }

    @Test func theAnswerIsLost() throws {
        let merchant = try Merchant(clock: "2027-01-10")
        let customer = try merchant.createCustomer(card: Card.losesAnswer)
        let paid = try merchant.process(4999, of: customer)
        #expect(paid.status == 202 && paid["status"] == "pending", "\(paid)")
        #expect(paid.tree["processingInfo"]?["responseCode"] == .text("E02"), "\(paid)")
        // A payment on account may go to anything: nothing else is paid by then.
        FailureTests.expect(try merchant.process(4999, of: customer), "V36", 409)
        let settled = try awaitLookUp(merchant) {
            try merchant.call("GET", "\(customer.transactions)/\(paid.id)")["status"] == "final"
        }
        #expect(settled)
        #expect(try merchant.lines(of: customer) == ["AP 2027-01-10 4999 4999"])
        #expect(try movements(merchant) == ["4999"])
        try merchant.expectSoundBooks()
    }

    /// The answer of then is no last word and is not kept: the key stands for the payment itself.
    @Test func aRepetitionIsToldWhatTheFirstBecame() throws {
        let merchant = try Merchant(clock: "2027-01-10")
        let customer = try merchant.createCustomer(card: Card.losesAnswer)
        func pay() throws -> Answer {
            try merchant.call(
                "POST", "\(customer.transactions)/~process", #"{"amount":4999}"#,
                headers: ["Idempotency-Key: once"])
        }
        let first = try pay()
        #expect(first.status == 202 && first["status"] == "pending", "\(first)")
        _ = try awaitLookUp(merchant) {
            try merchant.call("GET", "\(customer.transactions)/\(first.id)")["status"] == "final"
        }
        let again = try pay()
        #expect(again.status == 201 && again.id == first.id, "\(again)")
        #expect(again.headers["idempotent-replay"] == "true", "\(again)")
        #expect(try movements(merchant) == ["4999"])
        try merchant.expectSoundBooks()
    }

    @Test func theAnswerToTheRunIsLost() throws {
        let merchant = try Merchant(clock: "2027-01-10")
        let customer = try merchant.createCustomer(
            card: Card.losesAnswer, amount: 4999, first: "2027-01-10", length: 3)
        try merchant.advance(to: "2027-03-10")
        let days = ["2027-01-10", "2027-02-10", "2027-03-10"]
        // The days before are asked for within ~advance; the last one by the jobs process.
        let lines = days.flatMap { ["RI \($0) 4999 0", "AP \($0) 4999 0"] }
        #expect(try merchant.lines(of: customer).prefix(4) == lines.prefix(4))
        _ = try awaitLookUp(merchant) { try merchant.lines(of: customer) == lines }
        try merchant.awaitLines(of: customer, lines)
        #expect(try movements(merchant) == ["4999", "4999", "4999"])
        try merchant.expect(customer, balance: 0, subscription: "E")
        try merchant.expectSoundBooks()
    }

    @Test func theRequestIsLost() throws {
        let merchant = try Merchant(clock: "2027-01-10")
        let customer = try merchant.createCustomer(card: Card.losesRequest)
        let invoice = try merchant.call("PUT", customer.transactions, #"{"type":"RI","amount":4999}"#).id
        let first = try merchant.process(4999, of: customer, #","invoiceList":"\#(invoice)""#)
        #expect(first.status == 202 && first["status"] == "pending", "\(first)")
        #expect(first.tree["processingInfo"]?["responseCode"] == .text("E02"), "\(first)")
        let waiting = ["RI 2027-01-10 4999 4999", "AP 2027-01-10 4999 4999"]
        #expect(try merchant.lines(of: customer).map { $0.prefix(18) } == waiting.map { $0.prefix(18) })

        // Nobody else may try, however he is to pay.
        let option = try merchant.call(
            "PUT", "\(customer.path)/payment-options",
            #"{"accountNumber":"\#(Card.visa)","accountAccessory":"1233","holderName":"Ann Lee"}"#
        ).id
        let second = try merchant.process(
            4999, of: customer, #","invoiceList":"\#(invoice)","paymentOptionId":\#(option)"#)
        FailureTests.expect(second, "V36", 409)

        // The processor is asked, knows nothing, gets the same order under the same key, and loses it again, twice; then it
        // is given up, and the invoice can be paid.
        for asked in 1...2 {
            #expect(try awaitLookUp(merchant) { try lookUps(merchant) >= asked })
            #expect(try merchant.entries(of: customer).map(\.type) == ["RI", "AP"])
            let attempts = "from billing.attempts where account_id = \(merchant.account)"
            #expect(try merchant.stack.sql("select sendings, outcome \(attempts)") == "\(asked + 1)|open")
            let doubt = try merchant.stack.sql(
                "select extract(epoch from next_look_up - clock_timestamp())::integer between 10 and 20 \(attempts)"
            )
            #expect(doubt == "t", "another window of doubt")
        }
        #expect(
            try awaitLookUp(merchant) { try merchant.entries(of: customer).map(\.type) == ["RI", "AD"] })
        let ended = try merchant.call("GET", "\(customer.transactions)/\(first.id)")
        #expect(ended["status"] == "declined", "\(ended)")
        #expect(ended.tree["processingInfo"]?["responseCode"] == .text("E02"), "\(ended)")
        #expect(try movements(merchant) == [])
        let refused =
            "select count(*) from sandbox.movement where account = \(merchant.account) and code = 'E02'"
        #expect(try merchant.stack.sql(refused) == "1", "a late order would not be carried out")
        let customerNow = try merchant.call("GET", customer.path)
        #expect(customerNow["balance"] == "4999", "\(customerNow)")
        let third = try merchant.process(
            4999, of: customer, #","invoiceList":"\#(invoice)","paymentOptionId":\#(option)"#)
        #expect(third.status == 201 && third["status"] == "final", "\(third)")
        #expect(try movements(merchant) == ["4999"])
        try merchant.expectSoundBooks()
    }

    @Test func theProcessorIsDownForAWhile() throws {
        let merchant = try Merchant(clock: "2027-01-10")
        let customer = try merchant.createCustomer(amount: 4999, first: "2027-01-31")
        try setDown(true, merchant)
        let pending = try merchant.process(
            4999, of: customer, #","subscriptionId":\#(customer.subscription)"#)
        #expect(pending.status == 202 && pending["status"] == "pending", "\(pending)")
        let again = try merchant.process(4999, of: customer, #","subscriptionId":\#(customer.subscription)"#)
        FailureTests.expect(again, "V36", 409, field: "subscriptionId")
        // While it is down, the invoice falls due: the run does not collect beside the open attempt.
        try merchant.setClock("2027-01-31")
        #expect(try waitUntil(timeout: 20) { try merchant.entries(of: customer, "&type=RI").count == 1 })
        #expect(try awaitLookUp(merchant) { try lookUps(merchant) >= 1 })
        #expect(try movements(merchant) == [])

        try setDown(false, merchant)
        let settled = try awaitLookUp(merchant) {
            try merchant.call("GET", "\(customer.transactions)/\(pending.id)")["status"] == "final"
        }
        #expect(settled)
        try merchant.awaitLines(of: customer, ["AP 2027-01-10 4999 0", "RI 2027-01-31 4999 0"])
        #expect(try movements(merchant) == ["4999"])
        try merchant.expect(customer, balance: 0, subscription: "C")
        try merchant.expectSoundBooks()
    }

    @Test func theProcessorIsDownForTheRun() throws {
        let merchant = try Merchant(clock: "2027-01-10")
        let customer = try merchant.createCustomer(amount: 4999, first: "2027-01-31")
        try setDown(true, merchant)
        try merchant.setClock("2027-01-31")
        #expect(try waitUntil(timeout: 20) { try merchant.entries(of: customer, "&type=AP").count == 1 })
        #expect(try merchant.entries(of: customer, "&type=AP")[0].tree["status"] == .text("pending"))
        try setDown(false, merchant)
        _ = try awaitLookUp(merchant) { try movements(merchant) == ["4999"] }
        try merchant.awaitLines(of: customer, ["RI 2027-01-31 4999 0", "AP 2027-01-31 4999 0"])
        #expect(try movements(merchant) == ["4999"])
        try merchant.expect(customer, balance: 0, subscription: "C")
        try merchant.expectSoundBooks()
    }
}
