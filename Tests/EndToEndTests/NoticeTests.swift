import TestSupport
import Testing

/// What the processor reports later, and what ages (spec 5.2 steps 6 and 7, 5.5): the scenarios with known answers 8, 9, 14.
@Suite(.enabled(if: programIsKnown, "needs BILLING_BINARY"))
struct NoticeTests {
    @Test("8: a claim is good at once")
    func claim() throws {
        let merchant = try Merchant()
        let customer = try merchant.createBankCustomer(amount: 4999, first: "2027-01-15")
        try merchant.advance(to: "2027-01-20")
        #expect(try merchant.lines(of: customer) == ["RI 2027-01-15 4999 0", "AC 2027-01-15 4999 0"])
        #expect(try merchant.entries(of: customer, "&type=AC")[0].tree["status"]?.scalar == "final")
        try merchant.expect(customer, balance: 0, subscription: "C")
        try merchant.expectSoundBooks()
    }

    @Test("9: a claim comes back on the next banking day, once, and is tried again")
    func returnedClaim() throws {
        let merchant = try Merchant(settings: ["softDeclineFee=100"])
        // Each notice comes under two numbers.
        try merchant.stack.sql(
            "insert into sandbox.disturbance (account, answers_twice) values (\(merchant.account), true)")
        let customer = try merchant.createBankCustomer(amount: 7200, first: "2027-01-15")
        try merchant.advance(to: "2027-01-17")
        try merchant.expect(customer, balance: 0, subscription: "C")
        try merchant.advance(to: "2027-01-20")
        #expect(
            try merchant.lines(of: customer) == [
                "RI 2027-01-15 7200 7200", "AC 2027-01-15 7200 0", "RF 2027-01-18 100 100",
                "AD 2027-01-18 7200 0",
            ])
        let decline = try merchant.entries(of: customer, "&type=AD")[0].tree
        #expect(decline["processingInfo"]?["responseCode"]?.scalar == "N01", "\(decline)")
        #expect(decline["processingInfo"]?["nextAttemptDate"]?.scalar == "2027-01-21", "\(decline)")
        let claim = try merchant.entries(of: customer, "&type=AC")[0]
        #expect(decline["sourceId"]?.integer == claim.id && claim.tree["status"]?.scalar == "reversed")
        try merchant.expect(customer, balance: 7300, subscription: "C")
        let reversal = try merchant.reverse(claim.id, of: customer)
        #expect(reversal.status == 409 && reversal["failureCode"] == "V30", "\(reversal)")
        // With the fee along it is another amount: the sandbox sends that back too, on 01-22.
        try merchant.advance(to: "2027-01-21")
        #expect(try merchant.lines(of: customer, "&type=AC").last == "AC 2027-01-21 7300 0")
        try merchant.expect(customer, balance: 0, subscription: "C")
        try merchant.advance(to: "2027-01-22")
        try merchant.expect(customer, balance: 7400, subscription: "C")
        #expect(
            try merchant.stack.sql(
                "select count(*) from sandbox.notice where account = \(merchant.account) and acknowledged_at is null"
            ) == "0")
        try merchant.expectSoundBooks()
    }

    @Test("a claim that the bank returns for good: the option ends")
    func hardReturn() throws {
        let merchant = try Merchant()
        let customer = try merchant.createBankCustomer(amount: 9700, first: "2027-01-15")
        try merchant.advance(to: "2027-01-25")
        #expect(
            try merchant.lines(of: customer) == [
                "RI 2027-01-15 9700 9700", "AC 2027-01-15 9700 0", "AD 2027-01-18 9700 0",
            ])
        try merchant.expect(customer, balance: 9700, optionIsActive: false, subscription: "C")
        try merchant.expectSoundBooks()
    }

    @Test("a chargeback, its fee, and its reversal")
    func chargeback() throws {
        let merchant = try Merchant(settings: ["chargebackFee=1500"])
        let customer = try merchant.createCustomer(
            card: "4000000000000259", amount: 4999, first: "2027-01-10")
        try merchant.advance(to: "2027-01-12")
        let charged = [
            "RI 2027-01-10 4999 4999", "AP 2027-01-10 4999 0", "RF 2027-01-11 1500 1500",
            "AG 2027-01-11 4999 0",
        ]
        #expect(try merchant.lines(of: customer) == charged)
        let chargeback = try merchant.entries(of: customer, "&type=AG")[0]
        #expect(chargeback.tree["processingInfo"]?["responseCode"]?.scalar == "Z02")
        let payment = try merchant.entries(of: customer, "&type=AP")[0]
        #expect(chargeback.tree["sourceId"]?.integer == payment.id)
        try merchant.expect(customer, balance: 6499, subscription: "C")
        let nothing = try merchant.reverse(payment.id, of: customer)
        #expect(nothing.status == 409 && nothing["failureCode"] == "V30", "\(nothing)")
        let won = try merchant.reverse(chargeback.id, of: customer)
        #expect(won.status == 200 && won["type"] == "AS", "\(won)")
        // The payment pays its invoice again; the fee stays.
        #expect(
            try merchant.lines(of: customer) == [
                "RI 2027-01-10 4999 0", "AP 2027-01-10 4999 0", "RF 2027-01-11 1500 1500",
                "AG 2027-01-11 4999 0", "AS 2027-01-12 4999 0",
            ])
        try merchant.advance(to: "2027-01-20")
        try merchant.expect(customer, balance: 1500, subscription: "C")
        try merchant.expectSoundBooks()
    }

    @Test("14: a late fee, once for an invoice; then the debt is written off")
    func lateFee() throws {
        let merchant = try Merchant(
            settings: ["lateFeeAmount=500", "lateFeeGraceDays=10", "writeOffDays=25"])
        let customer = try merchant.createCustomer(amount: 8200, first: "2027-01-10", length: 1)
        try merchant.advance(to: "2027-01-21")
        #expect(try merchant.lines(of: customer, "&type=RL") == ["RL 2027-01-20 500 500"])
        try merchant.advance(to: "2027-02-03")
        #expect(try merchant.lines(of: customer, "&type=RL") == ["RL 2027-01-20 500 500"])
        try merchant.advance(to: "2027-02-06")
        #expect(try merchant.lines(of: customer, "&type=AA") == ["AA 2027-02-04 8200 0"])
        try merchant.expectBalance(of: customer, 500)
        // Reversed by a person, it is not written off again.
        let writeOff = try merchant.entries(of: customer, "&type=AA")[0]
        let invoice = try merchant.entries(of: customer, "&type=RI")[0]
        let first = try merchant.reverse(invoice.id, of: customer)
        #expect(first.status == 409 && first["failureCode"] == "V30", "\(first)")
        #expect(try merchant.reverse(writeOff.id, of: customer)["type"] == "AV")
        try merchant.advance(to: "2027-02-08")
        #expect(try merchant.entries(of: customer, "&type=AA").count == 1)
        try merchant.expectBalance(of: customer, 8700)
        try merchant.expectSoundBooks()
    }

    @Test("decline and retry fees, and what follows when the retries are used up")
    func declineFees() throws {
        let merchant = try Merchant(
            settings: [
                "softDeclineFee=100", "hardDeclineFee=200", "retryFee=50", "onRetriesExhausted=cancel",
            ])
        // Declined twice, then approved.
        let recovers = try merchant.createCustomer(
            card: "4000000000009995", amount: 4999, first: "2027-01-10")
        let fails = try merchant.createCustomer(card: "4000000000000002", amount: 4999, first: "2027-01-10")
        let hard = try merchant.createCustomer(card: Card.expired, amount: 4999, first: "2027-01-10")
        try merchant.advance(to: "2027-01-27")
        #expect(
            try merchant.lines(of: recovers) == [
                "RI 2027-01-10 4999 0", "RF 2027-01-10 100 0", "AD 2027-01-10 4999 0",
                "RF 2027-01-13 100 0", "AD 2027-01-13 5099 0", "RF 2027-01-18 50 50", "AP 2027-01-18 5199 0",
            ])
        try merchant.expect(recovers, balance: 50, subscription: "C")
        try merchant.expect(fails, balance: 5399, subscription: "N")
        try merchant.expect(hard, balance: 5199, optionIsActive: false, subscription: "C")
        try merchant.expectSoundBooks()
    }

    @Test("a correction of the bank changes the option on file")
    func correction() throws {
        let merchant = try Merchant()
        let customer = try merchant.createBankCustomer(amount: 4999, first: "2027-01-15")
        try merchant.advance(to: "2027-01-15")
        try merchant.stack.sql(
            """
            insert into sandbox.notice (account, movement_id, code, message, amount, date, corrected_accessory)
            select account, id, 'N08', 'Branch was transferred', 0, '2027-01-18', '011000015'
              from sandbox.movement where account = \(merchant.account)
            """)
        try merchant.advance(to: "2027-01-18")
        let option = try merchant.call("GET", "\(customer.path)/payment-options/\(customer.option)")
        #expect(option["accountAccessory"] == "*****0015", "\(option)")
        try merchant.expect(customer, balance: 0, subscription: "C")
        try merchant.advance(to: "2027-02-15")
        try merchant.expect(customer, balance: 0, subscription: "C")
        try merchant.expectSoundBooks()
    }

    @Test("a chargeback of a part of a payment: reported each time, until a person has booked it")
    func partOfAPayment() throws {
        let merchant = try Merchant()
        let customer = try merchant.createCustomer(amount: 4999, first: "2027-01-15")
        try merchant.advance(to: "2027-01-15")
        try merchant.stack.sql(
            """
            insert into sandbox.notice (account, movement_id, code, message, amount, date)
            select account, id, 'Z02', 'Chargeback', 1000, '2027-01-18' from sandbox.movement where account = \(merchant.account)
            """)
        try merchant.advance(to: "2027-01-20")
        let waiting =
            "select count(*) from sandbox.notice where account = \(merchant.account) and acknowledged_at is null"
        #expect(try merchant.stack.sql(waiting) == "1")
        // The jobs process may be the one that asks.
        let isReported = try waitUntil(timeout: 20) {
            try merchant.stack.sql(
                "update billing.account_rounds set next_notices = clock_timestamp() - interval '1 s' where account_id = \(merchant.account)"
            )
            let run = try merchant.stack.billing(["run", "--account", "\(merchant.account)", "--json"])
            return run.output.contains("a chargeback of 1000, a part of payment")
        }
        #expect(isReported)
        #expect(try merchant.entries(of: customer).map(\.type) == ["RI", "AP"])
        try merchant.expect(customer, balance: 0, subscription: "C")
        try merchant.expectSoundBooks()
    }

    @Test("a notice that was taken over and not acknowledged: it has its effect once")
    func takenTwice() throws {
        let merchant = try Merchant(settings: ["chargebackFee=1500"])
        let customer = try merchant.createCustomer(
            card: "4000000000000259", amount: 4999, first: "2027-01-10")
        try merchant.advance(to: "2027-01-11")
        let lines = try merchant.lines(of: customer)
        #expect(lines.count == 4)
        for day in ["2027-01-12", "2027-01-13"] {
            // As after a crash between the commit and the acknowledgement.
            try merchant.stack.sql(
                "update sandbox.notice set acknowledged_at = null where account = \(merchant.account)")
            try merchant.advance(to: day)
            #expect(try merchant.lines(of: customer) == lines)
            #expect(
                try merchant.stack.sql(
                    "select count(*) from sandbox.notice where account = \(merchant.account) and acknowledged_at is null"
                ) == "0")
        }
        try merchant.expectSoundBooks()
    }
}
