import TestSupport
import Testing

/// Never more money back than came in, whichever way it is asked for (spec 5.8); and which option stands in for one that is no good.
@Suite(.enabled(if: programIsKnown, "needs BILLING_BINARY"))
struct MoneyBackTests {
    private func refused(_ answer: Answer, _ code: String) -> Bool {
        answer.status == (code == "V30" ? 409 : 422) && answer["failureCode"] == code
    }

    @Test func aRefundWithoutASourceCountsAgainstWhatItTookItsCreditFrom() throws {
        let merchant = try Merchant(clock: "2027-01-10")
        let customer = try merchant.createCustomer()
        let payment = try merchant.process(4000, of: customer)
        let cash = try merchant.call(
            "PUT", customer.transactions, #"{"type":"AR","accountType":"K","amount":3000}"#)
        #expect(cash.status == 201, "\(cash)")
        let refund = { (amount: Int) in
            try merchant.call(
                "POST", "\(customer.transactions)/~process",
                #"{"type":"AR","amount":\#(amount),"sourceId":\#(payment.id)}"#)
        }
        #expect(refused(try refund(1001), "V32"))
        #expect(try refund(1000).status == 201)
        #expect(refused(try refund(1), "V32"))
        #expect(refused(try merchant.reverse(payment.id, of: customer), "V30"))
        // Once the cash came back, so may the rest go.
        #expect(try merchant.reverse(cash.id, of: customer).status == 200)
        #expect(try refund(3000).status == 201)
        try merchant.expectBalance(of: customer, 0)
        try merchant.expectSoundBooks()
    }

    @Test func whatCameAsNoMoneyGoesBackAsNone() throws {
        let merchant = try Merchant(clock: "2027-01-10")
        let customer = try merchant.createCustomer()
        let put = { (body: String) in try merchant.call("PUT", customer.transactions, body) }
        #expect(try put(#"{"type":"AP","accountType":"L","amount":300}"#).status == 201)
        #expect(refused(try put(#"{"type":"AR","accountType":"K","amount":1}"#), "V32"))
        #expect(refused(try put(#"{"type":"AA","amount":1}"#), "V32"))
        #expect(refused(try put(#"{"type":"AP","accountType":"W","amount":1}"#), "V32"))
        #expect(try put(#"{"type":"RI","amount":1000}"#).status == 201)
        #expect(refused(try put(#"{"type":"AA","amount":701}"#), "V32"))
        #expect(try put(#"{"type":"AA","amount":700}"#).status == 201)
        try merchant.expectBalance(of: customer, 0)
        try merchant.expectSoundBooks()
    }

    @Test func aClaimThatComesBackAfterARefundLeavesSoundBooks() throws {
        let merchant = try Merchant(clock: "2027-01-14")
        let customer = try merchant.createBankCustomer(amount: 7200, first: "2027-01-14")
        try merchant.advance(to: "2027-01-14 18:00:00")
        let claim = try merchant.entries(of: customer, "&type=AC")[0]
        let refund = try merchant.call(
            "POST", "\(customer.transactions)/~process",
            #"{"type":"AR","amount":7000,"sourceId":\#(claim.id)}"#)
        #expect(refund.status == 201, "\(refund)")
        try merchant.advance(to: "2027-01-15")
        // The bank took the whole claim back, and 7000 had been given back before: both are owed.
        try merchant.expectBalance(of: customer, 14200)
        try merchant.expectSoundBooks()
    }

    /// What a refusal for the amount says.
    private func message(_ answer: Answer) -> String { answer["failureMessage"] ?? "" }

    @Test func aChargebackLeavesNothingToRefundAndWaitsForTheWriteOff() throws {
        let merchant = try Merchant(clock: "2027-01-10")
        let customer = try merchant.createCustomer(card: "4000000000000259")
        let payment = try merchant.process(5000, of: customer)
        let put = { (body: String) in try merchant.call("PUT", customer.transactions, body) }
        let cash = #"{"type":"AR","accountType":"K","amount":2000,"sourceId":\#(payment.id)}"#
        #expect(try put(cash).status == 201)
        try merchant.advance(to: "2027-01-11")
        let refused = try put(cash)
        #expect(refused["failureCode"] == "V32" && message(refused).hasPrefix("0 is left"), "\(refused)")
        let byCard = try merchant.call(
            "POST", "\(customer.transactions)/~process",
            #"{"type":"AR","amount":1,"sourceId":\#(payment.id)}"#)
        #expect(byCard["failureCode"] == "V32" && message(byCard).hasPrefix("0 is left"), "\(byCard)")
        // The refund is owed and written off: given up, the chargeback finds that first.
        let writeOff = try put(#"{"type":"AA","amount":2000}"#)
        #expect(writeOff.status == 201, "\(writeOff)")
        let chargeback = try merchant.entries(of: customer, "&type=AG")[0]
        #expect(self.refused(try merchant.reverse(chargeback.id, of: customer), "V30"))
        #expect(try merchant.reverse(writeOff.id, of: customer).status == 200)
        #expect(try merchant.reverse(chargeback.id, of: customer).status == 200)
        try merchant.expectBalance(of: customer, -3000)
        try merchant.expectSoundBooks()
    }

    @Test func aRefundTakenBackBesideFurtherRefunds() throws {
        let merchant = try Merchant(clock: "2027-01-10")
        let customer = try merchant.createCustomer()
        for _ in 1...3 {
            let payment = try merchant.process(1000, of: customer)
            let refund = try merchant.call(
                "PUT", customer.transactions,
                #"{"type":"AR","accountType":"K","amount":400,"sourceId":\#(payment.id)}"#)
            let process = { (amount: Int) in
                SharedRequest(
                    path: "\(customer.transactions)/~process",
                    body: #"{"type":"AR","amount":\#(amount),"sourceId":\#(payment.id)}"#)
            }
            let undo = SharedRequest(path: "\(customer.transactions)/\(refund.id)/~reverse", body: "{}")
            #expect(try merchant.atOnce([process(600)])[0].status == 201)
            let answers = try merchant.atOnce([undo, process(400), undo, process(400), process(300)])
            #expect(answers.count { $0.status == 200 } == 1, "\(answers)")
            let given = answers.filter { $0.status == 201 }.compactMap { $0.body["amount"]?.integer }
            #expect(given.count <= 1, "\(answers)")
            let left = 400 - given.reduce(0, +)
            let now = try merchant.call("GET", "\(customer.transactions)/\(payment.id)")
            #expect(now["status"] == (left == 0 ? "reversed" : "final"), "\(answers)")
            #expect(now["balance"] == "\(left)", "\(answers)")
            #expect(try merchant.atOnce([process(left + 1)])[0].description == "422 V32")
        }
        try merchant.expectSoundBooks()
    }

    @Test func aClaimRefundedInWholeThatComesBackIsOwedTwice() throws {
        let merchant = try Merchant(clock: "2027-01-14")
        let customer = try merchant.createBankCustomer(amount: 7200, first: "2027-01-14")
        try merchant.advance(to: "2027-01-14 18:00:00")
        let claim = try merchant.entries(of: customer, "&type=AC")[0]
        let refund = try merchant.call(
            "PUT", customer.transactions,
            #"{"type":"AR","accountType":"K","amount":7200,"sourceId":\#(claim.id)}"#)
        #expect(refund.status == 201, "\(refund)")
        let path = "\(customer.transactions)/\(claim.id)"
        #expect(try merchant.call("GET", path)["status"] == "reversed")
        try merchant.advance(to: "2027-01-15")
        try merchant.expectBalance(of: customer, 14400)
        // The refund was a mistake; the claim stays returned.
        #expect(try merchant.reverse(refund.id, of: customer).status == 200)
        #expect(try merchant.call("GET", path)["status"] == "reversed")
        try merchant.expectBalance(of: customer, 7200)
        try merchant.expectSoundBooks()
    }

    @Test func aNewOptionTakesThePlaceOfADeadDefault() throws {
        let merchant = try Merchant(clock: "2027-01-10")
        let customer = try merchant.createCustomer(
            card: Card.expired, amount: 4999, first: "2027-01-11")
        try merchant.advance(to: "2027-01-12")
        try merchant.expect(customer, balance: 4999, optionIsActive: false, subscription: "C")
        let new = try merchant.call(
            "PUT", "\(customer.path)/payment-options",
            #"{"accountNumber":"\#(Card.visa)","accountAccessory":"1233","holderName":"Ann Lee"}"#)
        #expect(new.status == 201 && new["isDefault"] == "true", "\(new)")
        let none = try merchant.call(
            "POST", "\(customer.path)/payment-options/\(new.id)", #"{"isDefault":false}"#)
        #expect(refused(none, "V30"), "\(none)")
        try merchant.advance(to: "2027-01-13")
        try merchant.expectBalance(of: customer, 0)
        try merchant.expectSoundBooks()
    }

    @Test func aPlansTaxIsNotCutSilently() throws {
        let merchant = try Merchant(clock: "2027-01-10")
        let customer = try merchant.createCustomer()
        let plan = try merchant.call("PUT", "/plans", #"{"name":"Gold","amount":5000,"taxAmount":500}"#)
        let body = #""planId":\#(plan.id),"amount":400,"firstBillingDate":"2027-02-01""#
        let refusal = try merchant.call("PUT", "\(customer.path)/subscriptions", "{\(body)}")
        #expect(refused(refusal, "V21") && refusal["field"] == "taxAmount", "\(refusal)")
        let made = try merchant.call("PUT", "\(customer.path)/subscriptions", "{\(body),\"taxAmount\":40}")
        #expect(made.status == 201 && made["taxAmount"] == "40", "\(made)")
    }
}
