import Foundation
import TestSupport
import Testing

/// Payment options that are taken off file (spec 1.2 ~delete), and numbers that are sent again.
@Suite(.enabled(if: programIsKnown, "needs BILLING_BINARY"))
struct EraseTests {
    private static func addOption(_ number: String, _ customer: TestCustomer, _ merchant: Merchant) throws
        -> Answer
    {
        let answer = try merchant.call(
            "PUT", "\(customer.path)/payment-options",
            #"{"accountNumber":"\#(number)","accountAccessory":"1233","holderName":"Ann Lee","code":"c-\#(number.suffix(4))-\#(customer.id)"}"#
        )
        try #require(answer.status == 201, "\(answer)")
        return answer
    }

    @Test func theNumberIsGoneForGood() throws {
        let merchant = try Merchant()
        let customer = try merchant.createCustomer(amount: 4999)
        let options = "\(customer.path)/payment-options"
        let spare = try Self.addOption(Card.masterCard, customer, merchant)
        let token = try #require(spare["tokenCode"])
        #expect(try merchant.process(100, of: customer, #","paymentOptionId":\#(spare.id)"#).status == 201)

        // In use: by a subscription that names none, while it is the default; by one that names it.
        let byDefault = try merchant.call("DELETE", "\(options)/\(customer.option)")
        FailureTests.expect(byDefault, "V30", 409, message: "\(customer.subscription)")
        let named = try merchant.call(
            "PUT", "\(customer.path)/subscriptions",
            #"{"billingCycleType":"M","amount":1,"firstBillingDate":"2027-02-01","length":1,"paymentOptionId":\#(spare.id)}"#
        )
        let byName = try merchant.call("DELETE", "\(options)/\(spare.id)")
        FailureTests.expect(byName, "V30", 409, message: "\(named.id)")
        #expect(try merchant.call("GET", "\(options)/\(spare.id)").status == 200)
        try merchant.advance(to: "2027-02-02")
        // Its one payment is made: it has ended.
        let ended = try merchant.call("GET", "\(customer.path)/subscriptions/\(named.id)")
        #expect(ended["status"] == "E", "\(ended)")

        let reader = try merchant.anotherUser("reader", privilege: "management-api-read")
        FailureTests.expect(try reader.call("DELETE", "\(options)/\(spare.id)"), "L03", 403)
        let stranger = try Merchant()
        FailureTests.expect(try stranger.call("DELETE", "\(options)/\(spare.id)"), "V24", 404)
        FailureTests.expect(
            try merchant.call("DELETE", "\(options)/\(spare.id)", "{}"), "F04", 400, message: "no body")

        let others = try Media.allCases.dropFirst().enumerated().map { index, media in
            (try Self.addOption("400000000000\(["0069", "0259"][index])", customer, merchant).id, media)
        }
        for (id, media) in [(spare.id, Media.json)] + others {
            let erased = try merchant.call("DELETE", "\(options)/\(id)/~delete", accept: media.rawValue)
            #expect(erased.status == 200 && erased["responseType"] == "success", "\(erased)")
            #expect(erased["requestId"] == erased.headers["x-request-id"] && erased["message"] != nil)
            FailureTests.expect(try merchant.call("DELETE", "\(options)/\(id)"), "V24", 404)
            FailureTests.expect(try merchant.call("GET", "\(options)/\(id)"), "V24", 404)
            FailureTests.expect(try merchant.call("POST", "\(options)/\(id)", "{}"), "V24", 404)
        }
        FailureTests.expect(
            try merchant.call("GET", "\(options)/*c-0057-\(customer.id)"), "V24", 404)
        #expect(try merchant.call("GET", options).tree.items.map { $0["id"]?.integer } == [customer.option])
        let loaded = try merchant.call("GET", customer.path).tree["paymentOptions"]?.items
        #expect(loaded?.map { $0["id"]?.integer } == [customer.option])
        #expect(
            try merchant.stack.sql(
                """
                select count(*) from billing.vault_entries where account_id = \(merchant.account)
                """) == "1")

        // Nothing charges it again, by id, code or token; what was paid with it stays.
        let paid = try merchant.entries(of: customer).count
        for way in [
            #""paymentOptionId":\#(spare.id)"#, #""paymentOptionId":"*c-0057-\#(customer.id)""#,
            #""token":"\#(token)""#,
        ] {
            FailureTests.expect(try merchant.process(100, of: customer, ",\(way)"), "V24", 404)
        }
        let vaulted = try merchant.call(
            "PUT", options, #"{"token":"\#(token)","holderName":"Ann Lee"}"#)
        FailureTests.expect(vaulted, "V24", 404, field: "token")
        let again = try merchant.call(
            "PUT", options,
            #"{"accountNumber":"\#(Card.masterCard)","accountAccessory":"1233","holderName":"A","code":"c-0057-\#(customer.id)"}"#
        )
        FailureTests.expect(again, "V29", 409, field: "code")
        #expect(try merchant.entries(of: customer).count == paid)
        let audit = try merchant.stack.billing(["audit", "--account", "\(merchant.account)", "--json"])
        #expect(
            audit.output.contains(#""action":"delete","objectType":"payment-option","objectId":\#(spare.id)"#)
        )
        try merchant.expectSoundBooks()
    }

    @Test func anOpenAttemptKeepsIt() throws {
        let merchant = try Merchant()
        let customer = try merchant.createCustomer()
        let lost = try Self.addOption(Card.losesRequest, customer, merchant)
        let pending = try merchant.process(500, of: customer, #","paymentOptionId":\#(lost.id)"#)
        #expect(pending.status == 202, "\(pending)")
        let refused = try merchant.call("DELETE", "\(customer.path)/payment-options/\(lost.id)")
        FailureTests.expect(refused, "V30", 409, message: "\(pending.id)")
        // The default may go where no subscription is left, and no other takes its place.
        let gone = try merchant.call("DELETE", "\(customer.path)/payment-options/\(customer.option)")
        #expect(gone.status == 200, "\(gone)")
        FailureTests.expect(try merchant.process(500, of: customer), "V01", 422, field: "paymentOptionId")
        let left = try merchant.call("GET", "\(customer.path)/payment-options")
        #expect(left.tree.items.map { $0["isDefault"] } == [.boolean(false)])
    }

    @Test func theSameNumberMayBeSentAgain() throws {
        let merchant = try Merchant()
        let customer = try merchant.createCustomer()
        let path = "\(customer.path)/payment-options/\(customer.option)"
        for (body, media) in [
            (#"{"accountNumber":"\#(Card.visa)","holderName":"Bo Lee"}"#, Media.json),
            (#"<payment-option accountNumber="\#(Card.visa)" accountAccessory="1234"/>"#, .xml),
            ("accountNumber=\(Card.visa)&holderName=Bo+Lee", .xurl),
            (#"{"accountNumber":"4***********1111"}"#, .json),
        ] {
            let answer = try merchant.call("POST", path, body, type: media.rawValue)
            #expect(answer.status == 200 && answer["accountNumber"] == "4***********1111", "\(answer)")
            #expect(answer["holderName"] == "Bo Lee")
        }
        for number in [Card.masterCard, "4111", "5***********0057"] {
            let other = try merchant.call("POST", path, #"{"accountNumber":"\#(number)"}"#)
            FailureTests.expect(other, "V31", 422, field: "accountNumber")
        }
    }
}
