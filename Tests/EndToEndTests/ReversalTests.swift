import TestSupport
import Testing

/// Voids, refunds and reversals through the interface (spec 5.8): the scenarios with known answers 11 to 13, and what lies between.
@Suite(.enabled(if: programIsKnown, "needs BILLING_BINARY"))
struct ReversalTests {
    @Test("11: an invoice that was paid: the payment becomes credit")
    func reversedInvoice() throws {
        let merchant = try Merchant()
        let customer = try merchant.createCustomer(amount: 4999, first: "2027-01-10")
        try merchant.advance(to: "2027-01-10")
        let invoice = try merchant.entries(of: customer, "&type=RI")[0]
        let reversed = try merchant.reverse(invoice.id, of: customer, #"{"note":"billed by mistake"}"#)
        #expect(reversed.status == 200 && reversed["type"] == "RR", "\(reversed)")
        #expect(reversed["sourceId"] == "\(invoice.id)" && reversed["note"] == "billed by mistake")
        #expect(reversed.headers["location"] == "/api/v01\(customer.transactions)/\(reversed.id)")
        #expect(
            try merchant.lines(of: customer) == [
                "RR 2027-01-10 4999 0", "RI 2027-01-10 4999 0", "AP 2027-01-10 4999 4999",
            ])
        try merchant.expect(customer, balance: -4999, subscription: "C")
        #expect(try merchant.entries(of: customer, "&type=RI")[0].tree["status"]?.scalar == "reversed")
        for method in ["GET", "POST"] {
            let again = try merchant.call(method, "\(customer.transactions)/\(invoice.id)/~reverse")
            #expect(again.status == 409 && again["failureCode"] == "V30", "\(again)")
        }
        // The credit pays the next invoice.
        try merchant.advance(to: "2027-02-10")
        try merchant.expect(customer, balance: 0, subscription: "C")
        #expect(try merchant.entries(of: customer, "&type=AP").count == 1)
        try merchant.expectSoundBooks()
    }

    @Test("12: a payment before settlement is voided, and its invoice is not collected again by the run")
    func voided() throws {
        let merchant = try Merchant()
        let customer = try merchant.createCustomer(amount: 4999, first: "2027-01-10")
        try merchant.advance(to: "2027-01-10")
        let payment = try merchant.entries(of: customer, "&type=AP")[0]
        let void = try merchant.call("GET", "\(customer.transactions)/\(payment.id)/~reverse?note=wrong")
        #expect(void.status == 200 && void["type"] == "AV" && void["amount"] == "4999", "\(void)")
        #expect(void["note"] == "wrong" && void["sourceId"] == "\(payment.id)")
        #expect(void.tree["processingInfo"]?["responseCode"] == .text("A03"), "\(void)")
        try merchant.advance(to: "2027-01-15")
        #expect(
            try merchant.lines(of: customer) == [
                "RI 2027-01-10 4999 4999", "AV 2027-01-10 4999 0", "AP 2027-01-10 4999 0",
            ])
        try merchant.expect(customer, balance: 4999, subscription: "C")
        let again = try merchant.reverse(payment.id, of: customer)
        #expect(again.status == 409 && again["failureCode"] == "V30", "\(again)")
        let voidOfVoid = try merchant.reverse(void.id, of: customer)
        #expect(voidOfVoid.status == 409 && voidOfVoid["failureCode"] == "V30", "\(voidOfVoid)")
        try merchant.expectSoundBooks()
    }

    @Test("13: partial refunds, together never more than the payment")
    func partialRefunds() throws {
        let merchant = try Merchant()
        let customer = try merchant.createCustomer(amount: 4999, first: "2027-01-10")
        try merchant.advance(to: "2027-01-12")
        let payment = try merchant.entries(of: customer, "&type=AP")[0]
        let bodies = [2000, 2000, 1000].map { #"{"type":"AR","amount":\#($0),"sourceId":\#(payment.id)}"# }
        for body in bodies[0...1] {
            let refund = try merchant.call("POST", "\(customer.transactions)/~process", body)
            #expect(refund.status == 201 && refund["type"] == "AR" && refund["balance"] == "0", "\(refund)")
            #expect(refund.tree["processingInfo"]?["responseCode"] == .text("A02"), "\(refund)")
        }
        let third = try merchant.call("POST", "\(customer.transactions)/~process", bodies[2])
        #expect(
            third.status == 422 && third["failureCode"] == "V32" && third["field"] == "amount", "\(third)")
        #expect(
            try merchant.lines(of: customer) == [
                "RI 2027-01-10 4999 4000", "AP 2027-01-10 4999 0", "AR 2027-01-12 2000 0",
                "AR 2027-01-12 2000 0",
            ])
        // The rest of a settled payment is refunded.
        let rest = try merchant.reverse(payment.id, of: customer)
        #expect(rest.status == 200 && rest["type"] == "AR" && rest["amount"] == "999", "\(rest)")
        let none = try merchant.reverse(payment.id, of: customer)
        #expect(none.status == 409 && none["failureCode"] == "V30", "\(none)")
        try merchant.advance(to: "2027-01-20")
        try merchant.expect(customer, balance: 4999, subscription: "C")
        #expect(try merchant.entries(of: customer, "&type=AP").count == 1)
        try merchant.expectSoundBooks()
    }

    @Test func aRefundTakesUnusedCreditFirst() throws {
        let merchant = try Merchant(clock: "2027-01-10")
        let customer = try merchant.createCustomer()
        let invoice = try merchant.call("PUT", customer.transactions, #"{"type":"RI","amount":3000}"#).id
        let payment = try merchant.process(5000, of: customer)
        let refund = #"{"type":"AR","amount":2500,"taxAmount":200,"sourceId":\#(payment.id),"code":"r-1"}"#
        let first = try merchant.call("POST", "\(customer.transactions)/~process", refund)
        #expect(first.status == 201 && first["taxAmount"] == "200", "\(first)")
        // 2000 was unused; the other 500 come from the invoice.
        #expect(try merchant.call("GET", "\(customer.transactions)/\(invoice)")["balance"] == "500")
        let again = try merchant.call("POST", "\(customer.transactions)/~process", refund)
        #expect(again.status == 409 && again["failureCode"] == "V29", "\(again)")
        try merchant.expectSoundBooks()
    }

    @Test("what the books alone undo, by type")
    func inTheBooks() throws {
        let merchant = try Merchant(clock: "2027-01-10")
        let customer = try merchant.createCustomer()
        let cases = [
            (#"{"type":"RI","amount":500}"#, "RR"), (#"{"type":"RF","amount":500}"#, "RR"),
            (#"{"type":"RL","amount":500}"#, "RR"), (#"{"type":"RA","amount":500,"taxAmount":40}"#, "RR"),
            (#"{"type":"RC","amount":500}"#, "RX"), (#"{"type":"AA","amount":500}"#, "AV"),
            (#"{"type":"AP","accountType":"K","amount":500}"#, "AV"),
            (#"{"type":"AP","accountType":"H","amount":500}"#, "AV"),
            (#"{"type":"AP","accountType":"E","amount":500}"#, "AV"),
            (#"{"type":"AP","accountType":"L","amount":500}"#, "AV"),
            (#"{"type":"AP","accountType":"W","amount":500}"#, "AV"),
        ]
        for (body, reversal) in cases {
            // A write-off needs a debt.
            let isWriteOff = body.contains(#""AA""#) || body.contains(#""W""#)
            let owed = isWriteOff ? try merchant.call("PUT", customer.transactions, cases[0].0).id : nil
            let made = try merchant.call("PUT", customer.transactions, body)
            #expect(made.status == 201, "\(made)")
            let undone = try merchant.reverse(made.id, of: customer)
            #expect(undone.status == 200 && undone["type"] == reversal, "\(body): \(undone)")
            #expect(undone["balance"] == "0" && undone["taxAmount"] == made["taxAmount"], "\(undone)")
            let twice = try merchant.reverse(undone.id, of: customer)
            #expect(twice.status == 409 && twice["failureCode"] == "V30", "\(twice)")
            if let owed { #expect(try merchant.reverse(owed, of: customer).status == 200) }
            try merchant.expectBalance(of: customer, 0)
        }
        // A refund in cash, and its reversal.
        let cash = try merchant.call(
            "PUT", customer.transactions, #"{"type":"AP","accountType":"K","amount":900}"#)
        let body = #"{"type":"AR","accountType":"K","amount":900,"sourceId":\#(cash.id)}"#
        let refund = try merchant.call("PUT", customer.transactions, body)
        #expect(refund.status == 201 && refund["sourceId"] == "\(cash.id)", "\(refund)")
        let tooMuch = try merchant.call("PUT", customer.transactions, body)
        #expect(tooMuch.status == 422 && tooMuch["failureCode"] == "V32", "\(tooMuch)")
        let blocked = try merchant.reverse(cash.id, of: customer)
        #expect(blocked.status == 409 && blocked["failureCode"] == "V30", "\(blocked)")
        try merchant.expectBalance(of: customer, 0)
        let back = try merchant.reverse(refund.id, of: customer)
        #expect(back.status == 200 && back["type"] == "AX", "\(back)")
        try merchant.expectBalance(of: customer, -900)
        let void = try merchant.reverse(cash.id, of: customer)
        #expect(void.status == 200 && void["type"] == "AV", "\(void)")
        try merchant.expectBalance(of: customer, 0)
        try merchant.expectSoundBooks()
    }

    @Test("what is refused, with its code")
    func refusals() throws {
        let merchant = try Merchant(clock: "2027-01-10")
        let customer = try merchant.createCustomer()
        let payment = try merchant.process(4999, of: customer)
        let invoice = try merchant.call("PUT", customer.transactions, #"{"type":"RI","amount":100}"#).id
        let declined = try merchant.process(7700, of: customer)
        let bodies = [
            (#"{"type":"AR","amount":100}"#, 422, "V01", "sourceId"),
            (#"{"type":"AR","amount":100,"sourceId":99}"#, 404, "V24", "sourceId"),
            (#"{"type":"AR","amount":100,"sourceId":\#(invoice)}"#, 409, "V30", "sourceId"),
            (#"{"type":"AR","amount":100,"sourceId":\#(declined.id)}"#, 409, "V30", "sourceId"),
            (#"{"type":"AR","amount":5000,"sourceId":\#(payment.id)}"#, 422, "V32", "amount"),
            (#"{"type":"AR","amount":100,"sourceId":\#(payment.id),"token":"x"}"#, 422, "V21", "token"),
        ]
        for (body, status, code, field) in bodies {
            let answer = try merchant.call("POST", "\(customer.transactions)/~process", body)
            #expect(answer.status == status && answer["failureCode"] == code, "\(body): \(answer)")
            #expect(answer["field"] == field, "\(body): \(answer)")
        }
        let recorded = [
            (#"{"type":"AR","amount":100}"#, 422, "V01"),
            (#"{"type":"AR","amount":100,"accountType":"VC"}"#, 422, "V21"),
            (#"{"type":"AR","amount":90000,"accountType":"K"}"#, 422, "V32"),
            (#"{"type":"AV","amount":100}"#, 422, "V21"),
        ]
        for (body, status, code) in recorded {
            let answer = try merchant.call("PUT", customer.transactions, body)
            #expect(answer.status == status && answer["failureCode"] == code, "\(body): \(answer)")
        }
        for id in [declined.id, 99] {
            let answer = try merchant.reverse(id, of: customer)
            #expect(answer.status == (id == 99 ? 404 : 409), "\(answer)")
        }
        let unknown = try merchant.call(
            "GET", "\(customer.transactions)/\(payment.id)/~reverse?reason=x")
        #expect(unknown.status == 400 && unknown["failureCode"] == "F04", "\(unknown)")
        let head = try merchant.call("DELETE", "\(customer.transactions)/\(payment.id)/~reverse")
        #expect(head.status == 405 && head.headers["allow"] == "GET, POST, OPTIONS", "\(head)")
        let reader = try merchant.anotherUser("reader", privilege: "management-api-read")
        let forbidden = try reader.call("GET", "\(customer.transactions)/\(payment.id)/~reverse")
        #expect(forbidden.status == 403 && forbidden["failureCode"] == "L03", "\(forbidden)")
        #expect(try merchant.entries(of: customer).count == 3)
        try merchant.expectSoundBooks()
    }

    @Test func aRepetitionUnderItsKeyReversesOnce() throws {
        let merchant = try Merchant(clock: "2027-01-10")
        let customer = try merchant.createCustomer()
        for kind in ["AP", "RI"] {
            let made =
                kind == "AP"
                ? try merchant.process(4999, of: customer)
                : try merchant.call("PUT", customer.transactions, #"{"type":"RI","amount":100}"#)
            let path = "\(customer.transactions)/\(made.id)/~reverse"
            let key = ["Idempotency-Key: reverse-\(made.id)"]
            let first = try merchant.call("POST", path, headers: key)
            let second = try merchant.call("POST", path, headers: key)
            #expect(first.status == 200 && second.status == 200, "\(first) \(second)")
            #expect(second.body == first.body && second.headers["idempotent-replay"] == "true", "\(second)")
        }
        try merchant.expectSoundBooks()
    }

    @Test func twoAtOnceReverseOnce() throws {
        let merchant = try Merchant(clock: "2027-01-10")
        let customer = try merchant.createCustomer()
        let payment = try merchant.process(4999, of: customer)
        let path = "\(customer.transactions)/\(payment.id)/~reverse"
        let refund = #"{"type":"AR","amount":4000,"sourceId":\#(payment.id)}"#
        let answers = try atOnce(6) { turn in
            turn % 2 == 0
                ? try merchant.call("POST", path)
                : try merchant.call("POST", "\(customer.transactions)/~process", refund)
        }
        let statuses = answers.map(\.status)
        #expect(statuses.allSatisfy { [200, 201, 409, 422].contains($0) }, "\(answers)")
        let given = try merchant.entries(of: customer).filter { ["AV", "AR"].contains($0.type) }
        #expect(given.reduce(0) { $0 + $1.amount } == 4999, "\(given)")
        try merchant.expectBalance(of: customer, 0)
        try merchant.expectSoundBooks()
    }

    @Test("payments, refunds, reversals and billing passes of one customer at once")
    func everythingAtOnce() throws {
        let merchant = try Merchant()
        let customer = try merchant.createCustomer(amount: 4999, first: "2027-01-10")
        try merchant.advance(to: "2027-03-10")
        let entries = try merchant.entries(of: customer)
        let invoices = entries.filter { $0.type == "RI" }.map(\.id)
        let payments = entries.filter { $0.type == "AP" }.map(\.id)
        try merchant.setClock("2027-04-10")
        let statuses = try atOnce(12) { turn -> Int in
            switch turn % 6 {
            case 0: return try merchant.reverse(invoices[turn / 6], of: customer).status
            case 1: return try merchant.reverse(payments[turn / 6], of: customer).status
            case 2:
                let refund = #"{"type":"AR","amount":1500,"sourceId":\#(payments[turn / 6])}"#
                return try merchant.call("POST", "\(customer.transactions)/~process", refund).status
            case 3: return try merchant.process(700, of: customer).status
            case 4:
                let cash = #"{"type":"AP","accountType":"K","amount":300}"#
                return try merchant.call("PUT", customer.transactions, cash).status
            default:
                return try merchant.stack.billing(["run", "--account", "\(merchant.account)"]).status == 0
                    ? 200 : 500
            }
        }
        #expect(statuses.allSatisfy { [200, 201, 409, 422].contains($0) }, "\(statuses)")
        let billed = try waitUntil(timeout: 20) {
            try merchant.entries(of: customer, "&type=RI").count == 4
                && merchant.stack.sql(
                    "select count(*) from billing.attempts where account_id = \(merchant.account) and outcome = 'open'"
                ) == "0"
        }
        #expect(billed)
        let all = try merchant.entries(of: customer)
        let counting = all.filter { $0.tree["status"]?.scalar != "declined" }
        let balance = counting.reduce(0) { sum, entry in
            ["RI", "AV", "AR"].contains(entry.type) ? sum + entry.amount : sum - entry.amount
        }
        try merchant.expectBalance(of: customer, balance)
        for payment in payments {
            let given = all.filter { $0.tree["sourceId"]?.integer == payment && $0.type != "AD" }
            #expect(given.reduce(0) { $0 + $1.amount } <= 4999, "\(given)")
        }
        try merchant.expectSoundBooks()
    }

    @Test("the answer to a void is lost: it is pending, and settled by asking")
    func lostAnswer() throws {
        let merchant = try Merchant(clock: "2027-01-10")
        let customer = try merchant.createCustomer()
        let payment = try merchant.process(4999, of: customer)
        try merchant.stack.sql(
            "insert into sandbox.disturbance (account, loses_answer_every) values (\(merchant.account), 1)")
        let void = try merchant.reverse(payment.id, of: customer)
        #expect(void.status == 202 && void["type"] == "AV" && void["status"] == "pending", "\(void)")
        #expect(
            try waitUntil(timeout: 20) {
                try merchant.stack.sql(
                    "update billing.attempts set next_look_up = clock_timestamp() where account_id = \(merchant.account) and outcome = 'open'"
                )
                return try merchant.call("GET", "\(customer.transactions)/\(void.id)")["status"] == "final"
            })
        try merchant.expectBalance(of: customer, 0)
        try merchant.expectSoundBooks()
    }

    @Test("a void and a refund whose outcome is unknown: pending, gated, recovered under the same key")
    func unknownOutcomes() throws {
        let merchant = try Merchant(clock: "2027-01-10")
        let customer = try merchant.createCustomer()
        for isVoid in [true, false] {
            let payment = try merchant.process(4999, of: customer)
            try merchant.stack.sql(
                "insert into sandbox.disturbance (account, is_down) values (\(merchant.account), true)")
            let path = "\(customer.transactions)/\(payment.id)/~reverse"
            let refund = #"{"type":"AR","amount":1000,"sourceId":\#(payment.id)}"#
            let asked =
                isVoid
                ? try merchant.call("POST", path)
                : try merchant.call("POST", "\(customer.transactions)/~process", refund)
            #expect(asked.status == 202 && asked["status"] == "pending", "\(asked)")
            #expect(asked["type"] == (isVoid ? "AV" : "AR") && asked["sourceId"] == "\(payment.id)")
            try merchant.expectBalance(of: customer, -4999)
            for body in [nil, refund] {
                let gated = try merchant.call(
                    "POST", body == nil ? path : "\(customer.transactions)/~process", body)
                #expect(gated.status == 409 && gated["failureCode"] == "V36", "\(gated)")
            }
            // Nor in cash, without naming the payment: there is no other credit.
            let cash = try merchant.call(
                "PUT", customer.transactions, #"{"type":"AR","accountType":"K","amount":4999}"#)
            #expect(cash.status == 409 && cash["failureCode"] == "V36", "\(cash)")
            try merchant.stack.sql(
                """
                delete from sandbox.disturbance where account = \(merchant.account);
                update billing.attempts set next_look_up = clock_timestamp()
                 where account_id = \(merchant.account) and outcome = 'open'
                """)
            let settled = try waitUntil(timeout: 20) {
                try merchant.call("GET", "\(customer.transactions)/\(asked.id)")["status"] == "final"
            }
            #expect(settled)
            try merchant.expectBalance(of: customer, isVoid ? 0 : -3999)
        }
        try merchant.expectSoundBooks()
    }

    @Test func voidsAndRefundsInXMLAndXurl() throws {
        let merchant = try Merchant(clock: "2027-01-10")
        let customer = try merchant.createCustomer()
        let bodies = [
            (Media.xml, "<processing-request type=\"AR\" amount=\"1000\" sourceId=\"{source}\"/>"),
            (Media.xurl, "type=AR&amount=1000&sourceId={source}"),
        ]
        let payment = try merchant.process(4999, of: customer)
        for (media, body) in bodies {
            let refund = try merchant.call(
                "POST", "\(customer.transactions)/~process",
                body.replacing("{source}", with: "\(payment.id)"), type: media.rawValue)
            #expect(refund.status == 201, "\(media): \(refund)")
        }
        let rest = try merchant.call(
            "POST", "\(customer.transactions)/\(payment.id)/~reverse", "note=rest",
            type: Media.xurl.rawValue, accept: Media.xml.rawValue)
        #expect(rest.status == 200 && rest["amount"] == "2999" && rest["note"] == "rest", "\(rest)")
        try merchant.expectSoundBooks()
    }
}
