import TestSupport
import Testing

/// Nothing is charged twice and nothing is left uncollected, in the corners where both were once seen.
@Suite(.enabled(if: programIsKnown, "needs BILLING_BINARY"))
struct ExactlyOnceTests {
    private func loseRequests(_ merchant: Merchant, _ every: Int) throws {
        try merchant.stack.sql(
            """
            insert into sandbox.disturbance (account, loses_request_every) values (\(merchant.account), \(every))
            on conflict (account) do update set loses_request_every = \(every)
            """)
    }

    private func movements(_ merchant: Merchant) throws -> String {
        try merchant.stack.sql(
            "select coalesce(string_agg(approved_amount::text, ' ' order by id), '') from sandbox.movement where account = \(merchant.account) and code <> 'E02'"
        )
    }

    private func askNow(_ merchant: Merchant) throws {
        try merchant.stack.sql(
            "update billing.attempts set next_look_up = clock_timestamp() where account_id = \(merchant.account) and outcome = 'open'"
        )
    }

    @Test func creditHeldForOneSubscriptionPutsOffAPartOfAnother() throws {
        let merchant = try Merchant(clock: "2027-01-01")
        let customer = try merchant.createCustomer(amount: 4999, first: "2027-02-10", length: 1)
        let other = try merchant.call(
            "PUT", "\(customer.path)/subscriptions",
            #"{"billingCycleType":"M","amount":3000,"firstBillingDate":"2027-03-10","length":1}"#)
        _ = try merchant.process(3000, of: customer, #","subscriptionId":\#(other.id)"#)
        try merchant.advance(to: "2027-06-30")
        #expect(
            try merchant.lines(of: customer) == [
                "AP 2027-01-01 3000 0", "RI 2027-02-10 4999 0", "AP 2027-02-10 1999 0",
                "RI 2027-03-10 3000 0", "AP 2027-03-10 3000 0",
            ])
        #expect(try movements(merchant) == "3000 1999 3000")
        try merchant.expectSoundBooks()
    }

    /// The jobs process goes on meanwhile: what is on its way is not asked for a second time, with another invoice.
    @Test func whatIsOnItsWayCountsAsTakenFromTheBalance() throws {
        let merchant = try Merchant(clock: "2027-02-01")
        let customer = try merchant.createCustomer(amount: 4999, first: "2027-02-10", length: 1)
        func subscribe(_ first: String) throws -> Int {
            try merchant.call(
                "PUT", "\(customer.path)/subscriptions",
                #"{"billingCycleType":"M","amount":3000,"firstBillingDate":"\#(first)","length":1}"#
            ).id
        }
        _ = try subscribe("2027-02-10")
        let later = try subscribe("2027-03-10")
        let cash = try merchant.call(
            "PUT", customer.transactions,
            #"{"type":"AP","accountType":"K","amount":4000,"subscriptionId":\#(later)}"#)
        #expect(cash.status == 201, "\(cash)")
        try loseRequests(merchant, 1)
        try merchant.advance(to: "2027-02-10")
        #expect(try merchant.entries(of: customer, "&type=AP").map(\.amount) == [4000, 3999])
        try loseRequests(merchant, 0)
        try askNow(merchant)
        try merchant.awaitLines(
            of: customer,
            [
                "AP 2027-02-01 4000 4000", "RI 2027-02-10 4999 1000", "RI 2027-02-10 3000 3000",
                "AP 2027-02-10 3999 0",
            ])
        #expect(try movements(merchant) == "3999")
        try merchant.advance(to: "2027-03-10")
        #expect(
            try merchant.lines(of: customer) == [
                "AP 2027-02-01 4000 0", "RI 2027-02-10 4999 0", "RI 2027-02-10 3000 0",
                "AP 2027-02-10 3999 0", "RI 2027-03-10 3000 0", "AP 2027-03-10 3000 0",
            ])
        #expect(try movements(merchant) == "3999 3000")
        try merchant.expectSoundBooks()
    }

    @Test(arguments: [
        (#"{"type":"RF","amount":500}"#, "5499"), (#"{"type":"AP","accountType":"K","amount":1000}"#, "3999"),
    ])
    func aBillCollectedAtSigningIsNotCollectedAgain(_ before: String, _ collected: String) throws {
        let merchant = try Merchant(clock: "2027-01-31")
        let customer = try merchant.createCustomer()
        _ = try merchant.call("PUT", customer.transactions, before)
        let subscription = try merchant.call(
            "PUT", "\(customer.path)/subscriptions",
            #"{"billingCycleType":"M","amount":4999,"firstBillingDate":"2027-01-31"}"#)
        #expect(try waitUntil(timeout: 20) { try movements(merchant) == collected })
        #expect(
            try waitUntil(timeout: 20) { try merchant.call("GET", customer.path)["balance"] == "0" })
        let signed = try merchant.process(
            4999, of: customer, #","subscriptionId":\#(subscription.id),"code":"sign-\#(merchant.account)""#)
        #expect(signed.status == 201 && signed["amount"] == collected, "\(signed)")
        let again = try merchant.process(
            4999, of: customer, #","subscriptionId":\#(subscription.id),"code":"sign-\#(merchant.account)""#)
        #expect(again.status == 409 && again["failureCode"] == "V29", "\(again)")
        #expect(try movements(merchant) == collected)
        try merchant.expectSoundBooks()
    }

    @Test func aRequestThatWasLostIsNotSentAgainForADebtPaidSince() throws {
        let merchant = try Merchant(clock: "2027-01-10")
        let customer = try merchant.createCustomer(amount: 4999, first: "2027-01-11", length: 1)
        try loseRequests(merchant, 1)
        try merchant.advance(to: "2027-01-11")
        // On account it would go to the bill whose attempt is open.
        let onAccount = try merchant.process(4999, of: customer)
        #expect(onAccount.status == 409 && onAccount["failureCode"] == "V36", "\(onAccount)")
        _ = try merchant.call("PUT", customer.transactions, #"{"type":"AP","accountType":"K","amount":4999}"#)
        try loseRequests(merchant, 0)
        try askNow(merchant)
        try merchant.awaitLines(
            of: customer, ["RI 2027-01-11 4999 0", "AP 2027-01-11 4999 0", "AD 2027-01-11 4999 0"])
        #expect(try movements(merchant) == "")
        try merchant.expectSoundBooks()
    }

    @Test(arguments: [#"{"isActive":false}"#, "option"])
    func aRequestThatWasLostIsNotSentAgainForAnInactiveOne(_ change: String) throws {
        let merchant = try Merchant(clock: "2027-01-10")
        let customer = try merchant.createCustomer(amount: 4999, first: "2027-01-11", length: 1)
        try loseRequests(merchant, 1)
        try merchant.advance(to: "2027-01-11")
        let path = change == "option" ? "\(customer.path)/payment-options/\(customer.option)" : customer.path
        #expect(try merchant.call("POST", path, #"{"isActive":false}"#).status == 200)
        try loseRequests(merchant, 0)
        try askNow(merchant)
        try merchant.awaitLines(of: customer, ["RI 2027-01-11 4999 4999", "AD 2027-01-11 4999 0"])
        #expect(try movements(merchant) == "")
        try merchant.expectSoundBooks()
    }

    @Test func aRequestThatWasLostIsSentAgainWhileItIsWanted() throws {
        let merchant = try Merchant(clock: "2027-01-10")
        let customer = try merchant.createCustomer(amount: 4999, first: "2027-01-11", length: 1)
        try loseRequests(merchant, 1)
        try merchant.advance(to: "2027-01-11")
        try loseRequests(merchant, 0)
        try askNow(merchant)
        try merchant.awaitLines(of: customer, ["RI 2027-01-11 4999 0", "AP 2027-01-11 4999 0"])
        #expect(try movements(merchant) == "4999")
        try merchant.expectSoundBooks()
    }

    @Test func cyclesOfNothingAndLostRawCardsLeaveSoundBooks() throws {
        let merchant = try Merchant(clock: "2027-01-10")
        let customer = try merchant.createCustomer(amount: 0, first: "2027-01-11", length: 2)
        let lost = try merchant.process(
            4999, of: customer,
            #","accountNumber":"\#(Card.losesRequest)","accountAccessory":"1233","holderName":"Ann Lee""#)
        #expect(lost.status == 202, "\(lost)")
        try merchant.advance(to: "2027-03-01")
        try askNow(merchant)
        try merchant.awaitLines(of: customer, ["AD 2027-01-10 4999 0"])
        try merchant.expect(customer, balance: 0, subscription: "E")
        try merchant.expectSoundBooks()
    }

    @Test func aRepetitionUnderItsKeyGetsTheFirstAnswer() throws {
        let merchant = try Merchant(clock: "2027-01-10")
        let customer = try merchant.createCustomer()
        for (method, path, body, another) in [
            ("POST", "\(customer.transactions)/~process", #"{"amount":1234}"#, #"{"amount":1235}"#),
            (
                "PUT", customer.transactions, #"{"type":"RI","amount":500}"#,
                #"{"type":"RF","amount":500}"#
            ),
            (
                "PUT", "/customers", #"{"firstName":"Bo","lastName":"Ek"}"#,
                #"{"firstName":"Bo","lastName":"Ek","city":"Kiel"}"#
            ),
            ("POST", customer.path, #"{"city":"Kiel"}"#, #"{"city":"kiel"}"#),
        ] {
            let key = ["Idempotency-Key: key \(path)"]
            let first = try merchant.call(method, path, body, headers: key)
            #expect(
                (200...201).contains(first.status) && first.headers["idempotent-replay"] == nil, "\(first)")
            let second = try merchant.call(method, path, body, accept: "application/xml", headers: key)
            #expect(second.status == first.status && second.body == first.body, "\(second)")
            #expect(second.headers["idempotent-replay"] == "true", "\(second)")
            #expect(second.headers["location"] == first.headers["location"])
            let spaced = try merchant.call(method, path, " " + body + "\n", headers: key)
            #expect(spaced.body == first.body && spaced.headers["idempotent-replay"] == "true", "\(spaced)")
            let other = try merchant.call(method, path, another, headers: key)
            #expect(other.status == 409 && other["failureCode"] == "V35", "\(other)")
        }
        #expect(try movements(merchant) == "1234")
        #expect(try merchant.lines(of: customer) == ["RI 2027-01-10 500 0", "AP 2027-01-10 1234 734"])
        try merchant.expectSoundBooks()
    }

    @Test func aRefusalUsesUpNoKey() throws {
        let merchant = try Merchant(clock: "2027-01-10")
        let customer = try merchant.createCustomer()
        let key = ["Idempotency-Key: once"]
        let body = #"{"amount":1234,"paymentOptionId":\#(customer.option)}"#
        let option = "\(customer.path)/payment-options/\(customer.option)"
        _ = try merchant.call("POST", option, #"{"isActive":false}"#)
        let refused = try merchant.call("POST", "\(customer.transactions)/~process", body, headers: key)
        #expect(refused["failureCode"] == "V33", "\(refused)")
        _ = try merchant.call("POST", option, #"{"isActive":true}"#)
        #expect(
            try merchant.call("POST", "\(customer.transactions)/~process", body, headers: key).status == 201)
        #expect(try movements(merchant) == "1234")
        let bad = try merchant.call(
            "PUT", "/customers", #"{"firstName":"Bo","lastName":"Ek"}"#,
            headers: ["Idempotency-Key: \(String(repeating: "x", count: 256))"])
        #expect(bad.status == 400, "\(bad)")
    }

    @Test func manyAtOnceUnderOneKeyChargeOnce() throws {
        let merchant = try Merchant(clock: "2027-01-10")
        let customer = try merchant.createCustomer()
        let answers = merchant.stack.run(
            """
            for i in 1 2 3 4 5 6 7 8; do
              curl -sS -m 30 --cacert "$BILLING_RUN_DIR/ca.pem" -u '\(merchant.user):\(merchant.password)' -o /dev/null -w '%{http_code} %header{idempotent-replay}\\n' \
                -X POST -H 'Content-Type: application/json' -H 'Idempotency-Key: all' -d '{"amount":777}' \
                'https://localhost:\(merchant.stack.port)/api/v01\(customer.transactions)/~process' &
            done
            wait
            """)
        // One did it; the others repeat it, or came while it was still running.
        let lines = answers.output.split(separator: "\n")
        #expect(lines.count == 8 && lines.filter { $0 == "201 " }.count == 1, "\(answers)")
        #expect(
            lines.allSatisfy { $0 == "201 " || $0 == "201 true" || $0.hasPrefix("409") }, "\(answers)")
        #expect(try movements(merchant) == "777")
        try merchant.expectSoundBooks()
    }
}
