import TestSupport
import Testing

/// Requests on one customer that come at the same moment leave what some order of them would have left; those whose order does not
/// matter, what every order leaves (spec 4.5, 5.4, 5.7, 5.8).
///
/// The seed is printed; BILLING_TEST_SEED repeats one.
@Suite(.serialized, .enabled(if: programIsKnown, "needs BILLING_BINARY"))
struct PermutationTests {
    private static func post(_ path: String, _ body: String) -> String {
        #"{"method":"POST","path":"/customers/{customer}\#(path)","body":\#(body)}"#
    }

    private static func record(_ body: String) -> String {
        #"{"method":"PUT","path":"/customers/{customer}/transactions","body":{\#(body)}}"#
    }

    private static let cash = #""type":"AP","accountType":"K""#
    private static let invoice = record(#""type":"RI","amount":5000"#)
    private static let payment = post("/transactions/~process", #"{"amount":5000}"#)

    /// A set of requests: what there is before, and whether their order makes no difference.
    private static let sets: [(name: String, before: [String], requests: [String], isFree: Bool)] = [
        (
            "payments that an invoice takes whole", [invoice],
            [
                record("\(cash),\"amount\":1000"), record("\(cash),\"amount\":2000"),
                post("", #"{"city":"Kiel"}"#),
            ], true
        ),
        (
            "an invoice, a fee and their money", [],
            [
                record(#""type":"RI","amount":3000,"dueDate":"2027-01-05""#),
                record(#""type":"RF","amount":700,"dueDate":"2027-01-06""#),
                record("\(cash),\"amount\":3700"),
            ], true
        ),
        (
            "two payments by card of one invoice", [invoice],
            Array(
                repeating: post("/transactions/~process", #"{"amount":5000,"invoiceList":"{before0}"}"#),
                count: 2), false
        ),
        (
            "an invoice reversed, paid and reversed", [invoice],
            [
                post("/transactions/{before0}/~reverse", "{}"), record("\(cash),\"amount\":5000"),
                post("/transactions/{before0}/~reverse", "{}"),
            ], false
        ),
        (
            "more refunded than was paid", [payment],
            Array(
                repeating: post(
                    "/transactions/~process", #"{"type":"AR","sourceId":"={before0}","amount":3000}"#),
                count: 2)
                + [post("/transactions/{before0}/~reverse", "{}")], false
        ),
        (
            "a subscription cancelled, paused, frozen and renamed", [],
            [
                post("/subscriptions/{subscription}/~cancel", #"{"effectiveDate":"2027-01-10"}"#),
                post("/subscriptions/{subscription}/~pause", "{}"),
                post(
                    "/subscriptions/{subscription}/~freeze", #"{"effectiveDate":"2027-01-31","length":2}"#),
                post("/subscriptions/{subscription}", #"{"note":"a"}"#),
            ], false
        ),
        (
            "credit used by whoever comes first", [record("\(cash),\"amount\":4000")],
            [
                record(#""type":"RI","amount":3000"#),
                record(#""type":"RI","amount":3000,"dueDate":"2027-01-09""#),
                post("/transactions/{before0}/~reverse", "{}"),
            ], false
        ),
    ]

    @Test func whatComesAtOnceIsAsInSomeOrder() throws {
        let seed = testSeed()
        print("permutation: seed \(seed)")
        let merchant = try Merchant(clock: "2027-01-10")
        let customer = """
            {"method":"PUT","path":"/customers","body":{"firstName":"Ann","lastName":"Lee","paymentOptions":\
            [{"accountNumber":"\(Card.visa)","accountAccessory":"1233","holderName":"Ann Lee"}],"subscriptions":\
            [{"billingCycleType":"M","amount":4999,"firstBillingDate":"2027-01-31"}]}}
            """
        let sets = Self.sets.map { one in
            """
            {"name":"\(one.name)","customer":\(customer),"before":[\(one.before.joined(separator: ","))],\
            "requests":[\(one.requests.joined(separator: ","))]}
            """
        }
        let output = try merchant.clients(
            "permute", #"{"seed":\#(seed),"rounds":6,"sets":[\#(sets.joined(separator: ","))]}"#)
        let results = output.split(separator: "\n").compactMap { Tree(json: String($0)) }
        try #require(results.count == Self.sets.count, "\(output)")
        for (result, one) in zip(results, Self.sets) {
            let found = result["found"]?.items ?? []
            print(
                "permutation: \(one.name): \(result["distinct"]?.items.count ?? 0) results of "
                    + "\(result["orders"]?.integer ?? 0) orders, \(Set(found).count) of \(found.count) at once"
            )
            #expect(found.count == 6)
            if one.isFree { #expect(result["distinct"]?.items.count == 1, "\(one.name): \(result)") }
            for trial in found {
                #expect(
                    trial["isOfSomeOrder"] == .boolean(true),
                    "seed \(seed), \(one.name): \(trial) is not of \(String(describing: result["distinct"]))")
                #expect(
                    trial["outcomes"]?.items.allSatisfy { $0.scalar?.contains(" 5") == false } == true,
                    "\(trial)")
            }
        }
        try merchant.expectSoundBooks()
    }

    /// Eight callers send the same request under the same key at once: it is done once, and whoever gets an answer gets that one;
    /// the others are told that it is under way.
    @Test func oneKeyOneEffect() throws {
        let merchant = try Merchant(clock: "2027-01-10")
        let customer = try merchant.createCustomer(amount: 4999, first: "2027-01-31")
        let invoice = try merchant.call("PUT", customer.transactions, #"{"type":"RI","amount":500}"#).id
        let requests = [
            SharedRequest(path: "\(customer.transactions)/~process", body: #"{"amount":700}"#),
            SharedRequest(
                method: "PUT", path: customer.transactions,
                body: #"{"type":"AP","accountType":"K","amount":40}"#),
            SharedRequest(path: "\(customer.transactions)/\(invoice)/~reverse", body: "{}"),
            SharedRequest(
                method: "PUT", path: "\(customer.path)/subscriptions",
                body: #"{"billingCycleType":"M","amount":100,"firstBillingDate":"2027-02-28"}"#),
            SharedRequest(path: "\(customer.path)/subscriptions/\(customer.subscription)/~pause", body: "{}"),
        ]
        for (number, request) in requests.enumerated() {
            var request = request
            request.key = "together-\(number)-\(merchant.account)"
            let answers = try merchant.atOnce(Array(repeating: request, count: 8))
            let done = answers.filter { $0.status < 300 }
            #expect(done.count { !$0.isReplay } == 1, "\(answers)")
            #expect(Set(done.map(\.body)).count == 1, "\(answers)")
            #expect(answers.allSatisfy { $0.status < 300 || $0.status == 409 }, "\(answers)")
            let again = try merchant.atOnce([request])
            #expect(again[0].isReplay && again[0].body == done[0].body, "\(again)")
        }
        #expect(
            try merchant.entries(of: customer).map(\.description) == [
                "RI 2027-01-10 500 0", "AP 2027-01-10 700 700", "AP 2027-01-10 40 40", "RR 2027-01-10 500 0",
            ])
        let subscriptions = try merchant.call("GET", "\(customer.path)/subscriptions")
        #expect(subscriptions.tree.items.count == 2, "\(subscriptions)")
        try merchant.expectSoundBooks()
    }
}
