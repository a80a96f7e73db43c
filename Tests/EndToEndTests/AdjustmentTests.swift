import Foundation
import TestSupport
import Testing

/// ~cancel, ~freeze, ~pause, ~resume, ~preview and ~modify of subscriptions, through the interface.
@Suite(.enabled(if: programIsKnown, "needs BILLING_BINARY"))
struct AdjustmentTests {
    private func load(_ merchant: Merchant, _ customer: TestCustomer) throws -> Answer {
        try merchant.call("GET", path(customer))
    }

    private func path(_ customer: TestCustomer) -> String {
        "\(customer.path)/subscriptions/\(customer.subscription)"
    }

    /// Expects status, next billing date and pending adjustment: `C 2027-06-30 F`.
    private func expect(
        _ merchant: Merchant, _ customer: TestCustomer, _ wanted: String,
        _ location: SourceLocation = #_sourceLocation
    ) throws {
        let answer = try load(merchant, customer)
        #expect(shown(answer) == wanted, "\(answer)", sourceLocation: location)
    }

    private func shown(_ answer: Answer) -> String {
        "\(answer["status"] ?? "-") \(answer["nextBillingDate"] ?? "-") \(answer["pendingAdjustmentType"] ?? "-")"
    }

    private func invoices(_ merchant: Merchant, _ customer: TestCustomer) throws -> [String] {
        try merchant.entries(of: customer, "&type=RI").map(\.dueDate)
    }

    @Test("3: frozen for three months: the payments are made later, none is lost")
    func freeze() throws {
        let merchant = try Merchant()
        let customer = try merchant.createCustomer(amount: 4999, length: 12)
        try merchant.advance(to: "2027-03-15")
        let frozen = try merchant.call(
            "GET", "\(path(customer))/~freeze?effectiveDate=2027-03-31&length=3&note=broken%20leg")
        #expect(frozen.status == 200 && shown(frozen) == "C 2027-06-30 F", "\(frozen)")
        let adjustment = frozen.tree["adjustments"]?[0]
        #expect(adjustment?["type"]?.scalar == "F" && adjustment?["effectiveDate"]?.scalar == "2027-03-31")
        #expect(adjustment?["endDate"]?.scalar == "2027-05-31" && adjustment?["length"]?.integer == 3)
        #expect(adjustment?["note"]?.scalar == "broken leg")
        #expect(adjustment?["creatorCode"]?.scalar == merchant.user)
        let preview = try merchant.call("GET", "\(path(customer))/~preview?count=5")
        #expect(preview.status == 200, "\(preview)")
        #expect(
            preview.tree.items.map { item in
                ["type", "billingDate", "amount", "status", "expectedCollection"]
                    .map { item[$0]?.scalar ?? "-" }.joined(separator: " ")
            } == [
                "R 2027-03-31 0 skipped 0", "R 2027-04-30 0 skipped 0", "R 2027-05-31 0 skipped 0",
                "F 2027-06-30 4999 planned 4999", "F 2027-07-31 4999 planned 4999",
            ])
        #expect(preview.tree.items.last?["paymentOptionId"]?.integer == customer.option)
        for (day, wanted) in [
            ("2027-03-30", "C 2027-06-30 F"), ("2027-03-31", "F 2027-06-30 -"),
            ("2027-05-31", "F 2027-06-30 -"),
            ("2027-06-30", "C 2027-07-31 -"),
        ] {
            try merchant.advance(to: day)
            try expect(merchant, customer, wanted)
        }
        try merchant.advance(to: "2028-04-30")
        #expect(
            try invoices(merchant, customer) == [
                "2027-01-31", "2027-02-28", "2027-06-30", "2027-07-31", "2027-08-31", "2027-09-30",
                "2027-10-31", "2027-11-30", "2027-12-31", "2028-01-31", "2028-02-29", "2028-03-31",
            ])
        try merchant.expect(customer, balance: 0, subscription: "E")
        let list = try merchant.call("GET", "\(path(customer))/adjustments")
        #expect(list.headers["x-has-more"] == "false" && list.tree.items.count == 1, "\(list)")
        try merchant.expectSoundBooks()
    }

    @Test("4: cancelled with effect from a day to come, which is not billed")
    func cancelLater() throws {
        let merchant = try Merchant()
        let customer = try merchant.createCustomer(amount: 4999, length: 12)
        try merchant.advance(to: "2027-06-01")
        let cancelled = try merchant.call(
            "POST", "\(path(customer))/~cancel", #"{"effectiveDate":"2027-06-30","note":"moving away"}"#)
        #expect(cancelled.status == 200 && shown(cancelled) == "C - C", "\(cancelled)")
        try merchant.advance(to: "2027-06-29")
        try expect(merchant, customer, "C - C")
        try merchant.advance(to: "2027-06-30")
        try expect(merchant, customer, "N - -")
        try merchant.advance(to: "2027-12-31")
        #expect(try invoices(merchant, customer).last == "2027-05-31")
        try merchant.expect(customer, balance: 0, subscription: "N")
        let again = try merchant.call("GET", "\(path(customer))/~cancel?effectiveDate=2027-12-31")
        #expect(again.status == 409 && again["failureCode"] == "V30", "\(again)")
        #expect(try merchant.call("GET", "\(path(customer))/~preview").tree.items.isEmpty)
        try merchant.expectSoundBooks()
    }

    @Test("pause and resume: missed dates are not made up, the others stay, fees are made once")
    func pauseAndResume() throws {
        let merchant = try Merchant(
            settings: [
                "enrollmentFee=1000", "cancellationFee=2000", "freezeFlatFee=300", "freezeRecurringFee=500",
            ])
        let customer = try merchant.createCustomer(amount: 4999, length: 6)
        try merchant.advance(to: "2027-02-15")
        let form = "application/x-www-form-urlencoded"
        let paused = try merchant.call(
            "POST", "\(path(customer))/~pause", "note=abroad", type: form, accept: "application/json")
        #expect(paused.status == 200 && shown(paused) == "P - -", "\(paused)")
        #expect(paused.tree["adjustments"]?[0]?["effectiveDate"]?.scalar == "2027-02-15")
        #expect(paused.tree["adjustments"]?[0]?["endDate"]?.scalar == nil)
        let preview = try merchant.call("GET", "\(path(customer))/~preview?count=2")
        #expect(preview.tree.items.map { $0["type"]?.scalar } == ["S", "S"], "\(preview)")
        try merchant.advance(to: "2027-05-10")
        let resumed = try merchant.call(
            "POST", "\(path(customer))/~resume", #"<resume note="back"/>"#, type: "application/xml",
            accept: "application/json")
        #expect(resumed.status == 200 && shown(resumed) == "C 2027-05-31 -", "\(resumed)")
        #expect(resumed.tree["adjustments"]?[0]?["endDate"]?.scalar == "2027-05-10")
        let frozen = try merchant.call(
            "POST", "\(path(customer))/~freeze?effectiveDate=2027-06-30&length=1")
        #expect(frozen.status == 200 && shown(frozen) == "C 2027-05-31 F", "\(frozen)")
        try merchant.advance(to: "2027-08-05")
        let gone = try merchant.call("POST", "\(path(customer))/~cancel", #"{"effectiveDate":"2027-08-05"}"#)
        #expect(shown(gone) == "N - -", "\(gone)")
        try merchant.advance(to: "2027-12-31")
        #expect(
            try merchant.lines(of: customer) == [
                "RI 2027-01-31 4999 0", "RF 2027-01-31 1000 0", "AP 2027-01-31 5999 0",
                "RI 2027-05-31 4999 0", "AP 2027-05-31 4999 0", "RI 2027-06-30 500 0",
                "RF 2027-06-30 300 0", "AP 2027-06-30 800 0", "RI 2027-07-31 4999 0",
                "AP 2027-07-31 4999 0", "RF 2027-08-05 2000 2000",
            ])
        let loaded = try load(merchant, customer)
        #expect(loaded["billedCount"] == "3" && loaded["collectedCount"] == "3", "\(loaded)")
        let fee = try merchant.entries(of: customer, "&type=RF")
        let adjustments = loaded.tree["adjustments"]?.items.map { $0["id"]?.integer }
        #expect(fee.map { $0.tree["adjustmentId"]?.integer } == [nil] + (adjustments ?? []).dropFirst())
        try merchant.expectSoundBooks()
    }

    @Test("resuming a freeze: one that is to come is taken back, one in force ends today")
    func resumeAFreeze() throws {
        let merchant = try Merchant()
        let customer = try merchant.createCustomer(amount: 4999)
        try merchant.advance(to: "2027-02-01")
        let item = path(customer)
        _ = try merchant.call("GET", "\(item)/~freeze?effectiveDate=2027-02-28&length=4")
        let back = try merchant.call("POST", "\(item)/~resume")
        #expect(back.status == 200 && shown(back) == "C 2027-02-28 -", "\(back)")
        #expect(try merchant.call("POST", "\(item)/~resume")["failureCode"] == "V30")
        _ = try merchant.call("GET", "\(item)/~freeze?effectiveDate=2027-02-28&length=4")
        try merchant.advance(to: "2027-03-31")
        try expect(merchant, customer, "F 2027-06-30 -")
        #expect(shown(try merchant.call("POST", "\(item)/~resume")) == "C 2027-04-30 -")
        try merchant.advance(to: "2027-05-31")
        #expect(try invoices(merchant, customer) == ["2027-01-31", "2027-04-30", "2027-05-31"])
        let all = try merchant.call("GET", "\(item)/adjustments?limit=1")
        #expect(
            all.headers["x-has-more"] == "true" && all.tree[0]?["endDate"]?.scalar == "2027-02-01", "\(all)")
        try merchant.expectSoundBooks()
    }

    @Test("refusals: form, dates, state, close-sales period, reading users")
    func refusals() throws {
        let merchant = try Merchant(settings: ["closeSalesDays=3"])
        let customer = try merchant.createCustomer(amount: 4999)
        try merchant.advance(to: "2027-02-10")
        let item = path(customer)
        let cases: [(String, String, String?, [String])] = [
            ("GET", "~cancel", nil, ["V01 effectiveDate"]),
            (
                "POST", "~freeze", #"{"length":0,"effectiveDate":"2027-02-30","way":1}"#,
                ["V21 length", "F05 effectiveDate", "F04 way"]
            ),
            ("GET", "~freeze?effectiveDate=2027-02-10&length=1", nil, ["V21 effectiveDate"]),
            ("GET", "~freeze?effectiveDate=2027-02-27&length=1", nil, ["V21 effectiveDate"]),
            ("GET", "~freeze?effectiveDate=2027-03-31&length=99999", nil, ["V21 length"]),
            ("POST", "~pause", #"{"effectiveDate":"2027-02-09"}"#, ["V21 effectiveDate"]),
            ("POST", "~resume", nil, ["V30 -"]),
            ("GET", "~pause", nil, ["U02 -"]), ("GET", "~resume", nil, ["U02 -"]),
            ("HEAD", "~cancel", nil, []),
            ("GET", "~preview?count=121", nil, ["V21 count"]),
        ]
        for (method, action, body, wanted) in cases where method != "HEAD" {
            let answer = try merchant.call(method, "\(item)/\(action)", body)
            let faults = answer.tree["errors"]?.items.map {
                "\($0["failureCode"]?.scalar ?? "?") \($0["field"]?.scalar ?? "-")"
            }
            #expect(faults == wanted, "\(action): \(answer)")
        }
        let reader = try merchant.anotherUser("reader", privilege: "management-api-read")
        for action in ["~cancel?effectiveDate=2027-02-10", "~freeze?effectiveDate=2027-02-28&length=1"] {
            #expect(try reader.call("GET", "\(item)/\(action)")["failureCode"] == "L03")
        }
        #expect(try reader.call("GET", "\(item)/~preview").status == 200)
        try merchant.advance(to: "2027-02-25")
        for action in ["~cancel?effectiveDate=2027-02-25", "~freeze?effectiveDate=2027-02-28&length=1"] {
            let answer = try merchant.call("GET", "\(item)/\(action)")
            #expect(answer.status == 409 && answer["failureCode"] == "V34", "\(answer)")
        }
        try expect(merchant, customer, "C 2027-02-28 -")
        #expect(try merchant.call("GET", "\(item)/adjustments").tree.items.isEmpty)
        // The same answer again under the same key, not a second freeze.
        let key = ["Idempotency-Key: freeze-1"]
        let body = #"{"effectiveDate":"2027-03-31","length":1}"#
        let first = try merchant.call("POST", "\(item)/~freeze", body, headers: key)
        let second = try merchant.call("POST", "\(item)/~freeze", body, headers: key)
        #expect(first.status == 200 && second.body == first.body)
        #expect(second.headers["idempotent-replay"] == "true")
        let overlap = try merchant.call("GET", "\(item)/~freeze?effectiveDate=2027-03-31&length=2")
        #expect(overlap.status == 409 && overlap["failureCode"] == "V30", "\(overlap)")
    }

    @Test("~modify takes the note and the payment option; what was loaded can be sent back")
    func modify() throws {
        let merchant = try Merchant()
        let plan = try merchant.call(
            "PUT", "/plans", #"{"code":"gold-\#(merchant.account)","name":"Gold","amount":7700}"#)
        let customer = try merchant.createCustomer()
        let made = try merchant.call(
            "PUT", "\(customer.path)/subscriptions",
            #"{"planId":"*gold-\#(merchant.account)","firstBillingDate":"2027-01-10"}"#)
        #expect(made.status == 201 && plan.status == 201, "\(made)")
        let item = "\(customer.path)/subscriptions/\(made.id)"
        for media in Media.allCases {
            let loaded = try merchant.call("GET", item, accept: media.rawValue)
            let same = try merchant.call("POST", item, loaded.body, type: media.rawValue)
            #expect(same.status == 200 && same.body == loaded.body, "\(loaded) \(same)")
        }
        let noted = try merchant.call(
            "POST", item, #"{"note":"a note","planId":"*gold-\#(merchant.account)"}"#)
        #expect(noted.status == 200 && noted["note"] == "a note", "\(noted)")
        for (body, code) in [
            (#"{"amount":100}"#, "V31"), (#"{"firstBillingDate":"2027-01-11"}"#, "V31"),
            (#"{"planId":"*silver"}"#, "V31"), (#"{"length":3}"#, "V31"),
            (#"{"paymentOptionId":987654321}"#, "V24"),
        ] {
            let refused = try merchant.call("POST", item, body)
            #expect(refused["failureCode"] == code, "\(body): \(refused)")
        }
        // Scenario 7's second half: the first option is declined for good, another one is set, open invoices are paid by it.
        try merchant.advance(to: "2027-02-12")
        let option = try merchant.call(
            "PUT", "\(customer.path)/payment-options",
            #"{"accountNumber":"5499740000000057","accountAccessory":"1233","holderName":"Ann Lee"}"#)
        let changed = try merchant.call("POST", item, #"{"paymentOptionId":\#(option.id)}"#)
        #expect(changed["paymentOptionId"] == "\(option.id)", "\(changed)")
        let refused = try merchant.call("POST", item, #"{"paymentOptionId":\#(customer.option)}"#)
        #expect(refused.status == 422 && refused["failureCode"] == "V33", "\(refused)")
        let cleared = try merchant.call("POST", item, #"{"paymentOptionId":null}"#)
        #expect(cleared.status == 200 && cleared["paymentOptionId"] == nil, "\(cleared)")
        try merchant.expectSoundBooks()
    }

    /// What ~preview foresees is what is collected: credit is used first, fees go along with the next invoice.
    @Test("a preview comes true, to the cent")
    func previewComesTrue() throws {
        let merchant = try Merchant(
            settings: [
                "enrollmentFee=150", "freezeFlatFee=300", "freezeRecurringFee=500", "balancingAlgorithm=IF",
            ])
        var customers: [TestCustomer] = []
        for (amount, first, length) in [
            (1499, "2027-01-31", 5), (2500, "2027-03-01", nil), (1000, "2027-02-10", 9),
            (3100, "2027-02-20", nil),
        ] as [(Int, String, Int?)] {
            customers.append(try merchant.createCustomer(amount: amount, first: first, length: length))
        }
        try merchant.advance(to: "2027-02-15")
        _ = try merchant.call(
            "PUT", customers[0].transactions, #"{"type":"AP","accountType":"K","amount":2600}"#)
        _ = try merchant.call("GET", "\(path(customers[0]))/~freeze?effectiveDate=2027-03-31&length=2")
        _ = try merchant.call("PUT", customers[1].transactions, #"{"type":"RA","amount":175}"#)
        _ = try merchant.call("GET", "\(path(customers[1]))/~freeze?effectiveDate=2027-03-01&length=1")
        _ = try merchant.call("GET", "\(path(customers[2]))/~cancel?effectiveDate=2027-06-10")
        _ = try merchant.process(3100, of: customers[3], #","subscriptionId":\(customers[3].subscription)"#)
        _ = try merchant.call("POST", "\(path(customers[3]))/~pause?effectiveDate=2027-05-01")
        let foreseen = try customers.map { customer in
            try merchant.call("GET", "\(path(customer))/~preview").tree.items.filter {
                ($0["billingDate"]?.scalar ?? "") <= "2027-09-15" && $0["status"]?.scalar == "planned"
            }
        }
        try merchant.advance(to: "2027-09-15")
        for (customer, foreseen) in zip(customers, foreseen) {
            func lines(_ type: String, _ amount: String) -> [String] {
                foreseen.filter { $0[amount]?.integer != 0 }
                    .map { "\(type) \($0["billingDate"]?.scalar ?? "-") \($0[amount]?.scalar ?? "-") 0" }
            }
            let later = try merchant.entries(of: customer).filter { $0.dueDate > "2027-02-15" }
            #expect(later.filter { $0.type == "RI" }.map(\.description) == lines("RI", "amount"))
            #expect(
                later.filter { $0.type == "AP" }.map(\.description) == lines("AP", "expectedCollection"),
                "\(later)")
            #expect(foreseen.count >= 2)
            #expect(try merchant.call("GET", customer.path)["balance"] == "0")
        }
        try merchant.expectSoundBooks()
    }

    @Test("invoices made earlier: their dates, and what a preview shows of them")
    func leadDays() throws {
        let merchant = try Merchant(settings: ["invoiceLeadDays=10"])
        let customer = try merchant.createCustomer(amount: 4999)
        let fresh = try load(merchant, customer)
        #expect(fresh["firstInvoicingDate"] == "2027-01-21" && fresh["nextInvoicingDate"] == "2027-01-21")
        try merchant.advance(to: "2027-01-25")
        #expect(try merchant.lines(of: customer) == ["RI 2027-01-31 4999 4999"])
        let preview = try merchant.call("GET", "\(path(customer))/~preview?count=2")
        #expect(
            preview.tree.items.map { $0["status"]?.scalar ?? "-" } == ["billed", "planned"], "\(preview)")
        #expect(
            preview.tree[0]?["transactionId"]?.integer == (try merchant.entries(of: customer)[0].id))
        #expect(preview.tree[0]?["expectedCollection"]?.scalar == "4999")
        try merchant.advance(to: "2027-02-18")
        #expect(
            try merchant.lines(of: customer) == [
                "RI 2027-01-31 4999 0", "AP 2027-01-31 4999 0", "RI 2027-02-28 4999 4999",
            ])
        #expect(try load(merchant, customer)["nextInvoicingDate"] == "2027-03-21")
    }
}
