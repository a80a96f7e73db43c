import Foundation
import TestSupport
import Testing

/// ~explain (spec 2.12): a script that knows nothing but the explanations computes every amount, tax and date again.
@Suite(.enabled(if: programIsKnown, "needs BILLING_BINARY"))
struct ExplainTests {
    /// One transaction, what the server says of it, and why.
    private struct Explained {
        let entry: Entry
        let answer: Answer

        var rule: String { answer["rule"] ?? "" }
        var inputs: [String: String] {
            (answer.tree["inputs"]?.items ?? []).reduce(into: [:]) {
                $0[$1["name"]?.scalar ?? ""] = $1["value"]?.scalar
            }
        }
        /// `RF decline-fee`: its type, and the rule that made it.
        var kind: String { "\(entry.type) \(rule)" }
    }

    /// Explains every transaction of these customers, and has all of them recomputed.
    private func explain(
        _ customers: [TestCustomer], of merchant: Merchant, _ location: SourceLocation = #_sourceLocation
    ) throws -> [Explained] {
        var all: [Explained] = []
        for customer in customers {
            for entry in try merchant.entries(of: customer) {
                let answer = try merchant.call("GET", "\(customer.transactions)/\(entry.id)/~explain")
                try #require(answer.status == 200 && answer["transactionId"] == "\(entry.id)", "\(answer)")
                all.append(Explained(entry: entry, answer: answer))
            }
        }
        let lines = all.map { $0.answer.body.split(separator: "\n").joined(separator: " ") + "\n" }
        let output = try Subprocess.run(
            "/usr/bin/python3", ["-B", "\(packageFolder)/Tests/EndToEndTests/Explain/recompute.py"],
            input: lines.joined())
        #expect(output.errors == "", sourceLocation: location)
        print("\(all.count) explanations recomputed")
        let found = output.output.split(separator: "\n").map { Tree(json: String($0)) ?? .null }
        try #require(found.count == all.count, "\(output.output.suffix(500))", sourceLocation: location)
        for (one, found) in zip(all, found) {
            let tax = one.entry.tree["taxAmount"]?.integer ?? 0
            #expect(
                found["amount"]?.integer == one.entry.amount && found["taxAmount"]?.integer == tax
                    && found["dueDate"]?.scalar == one.entry.dueDate,
                "\(one.entry), tax \(tax): \(found) from \(one.answer.body)", sourceLocation: location)
        }
        return all
    }

    /// A further subscription of a customer.
    private func subscribe(_ customer: TestCustomer, _ body: String, of merchant: Merchant) throws -> Int {
        let answer = try merchant.call("PUT", "\(customer.path)/subscriptions", body)
        try #require(answer.status == 201, "\(answer)")
        return answer.id
    }

    @discardableResult
    private func record(_ body: String, of customer: TestCustomer, _ merchant: Merchant) throws -> Int {
        let answer = try merchant.call("PUT", customer.transactions, body)
        try #require(answer.status == 201, "\(answer)")
        return answer.id
    }

    @Test("fees of enrollment, freezes and cancellations, paid freezes, charges after them")
    func schedule() throws {
        let merchant = try Merchant(settings: [
            "enrollmentFee=1000", "freezeFlatFee=300", "freezeRecurringFee=4999", "cancellationFee=2000",
        ])
        let customer = try merchant.createCustomer(amount: 4999, length: 12)
        let path = "\(customer.path)/subscriptions/\(customer.subscription)"
        try merchant.advance(to: "2027-02-15")
        _ = try merchant.call("GET", "\(path)/~freeze?effectiveDate=2027-03-31&length=2")
        try merchant.advance(to: "2027-06-15")
        _ = try merchant.call("POST", "\(path)/~pause", #"{"note":"abroad"}"#)
        try merchant.advance(to: "2027-09-15")
        _ = try merchant.call("POST", "\(path)/~resume", "{}")
        try merchant.advance(to: "2027-11-15")
        let requested = try merchant.call(
            "POST", "\(path)/~cancel", #"{"effectiveDate":"2027-11-10"}"#, headers: ["X-Request-Id: end-1"])
        #expect(requested.status == 200, "\(requested)")
        let all = try explain([customer], of: merchant)
        #expect(
            Set(all.map(\.kind)) == [
                "RI subscription-charge", "AP collection", "RF enrollment-fee", "RF freeze-fee",
                "RF cancellation-fee",
            ])
        let invoices = all.filter { $0.entry.type == "RI" }
        #expect(
            invoices.map(\.entry.dueDate) == [
                "2027-01-31", "2027-02-28", "2027-03-31", "2027-04-30", "2027-05-31", "2027-09-30",
                "2027-10-31",
            ])
        // A fee as high as the amount is a fee still.
        #expect(invoices.map { $0.inputs["chargeType"] } == ["F", "F", "Z", "Z", "F", "F", "F"])
        #expect(
            invoices[2].inputs["adjustmentType"] == "F" && invoices[2].inputs["effectiveDate"] == "2027-03-31"
        )
        #expect(invoices.map { $0.inputs["paymentNumber"] } == ["1", "2", nil, nil, "3", "4", "5"])
        func skipped(_ one: Explained) -> [String] {
            one.inputs.filter { $0.key.hasPrefix("skippedCycles.") }.map(\.value).sorted()
        }
        #expect(skipped(invoices[4]) == ["3-4"] && skipped(invoices[6]) == ["3-4", "6-8"])
        let fees = all.filter { $0.entry.type == "RF" }
        #expect(fees.map(\.entry.amount) == [1000, 300, 2000])
        #expect(fees[2].answer["causedBy"] == "service user \(merchant.user), request end-1")
        #expect(fees[2].answer.body.contains("its date was past") && fees[2].entry.dueDate == "2027-11-15")
        try merchant.expectSoundBooks()
    }

    /// What callers do to each kind of entry, by the contract's list of reversals.
    private func undo(_ asking: TestCustomer, _ merchant: Merchant) throws {
        for body in [
            #"{"type":"RC","amount":300}"#, #"{"type":"RI","amount":800,"taxAmount":60}"#,
            #"{"type":"RF","amount":110}"#, #"{"type":"RL","amount":120,"dueDate":"2027-02-03"}"#,
            #"{"type":"RA","amount":130,"feeAmount":20}"#, #"{"type":"AP","accountType":"K","amount":140}"#,
            #"{"type":"AP","accountType":"L","amount":150}"#,
        ] {
            let made = try record(body, of: asking, merchant)
            let undone = try merchant.reverse(made, of: asking)
            #expect(undone.status == 200, "\(body): \(undone)")
        }
        let debt = try record(#"{"type":"RI","amount":900}"#, of: asking, merchant)
        let given = try record(#"{"type":"AA","amount":900}"#, of: asking, merchant)
        #expect(try merchant.reverse(given, of: asking).status == 200)
        #expect(try merchant.reverse(debt, of: asking).status == 200)
        // In cash: a part back by name, that taken back, the rest paid out as credit.
        let cash = try record(
            #"{"type":"AP","accountType":"K","amount":1000,"taxAmount":70}"#, of: asking, merchant)
        let back = try record(
            #"{"type":"AR","accountType":"K","amount":400,"taxAmount":28,"sourceId":\#(cash)}"#, of: asking,
            merchant)
        #expect(try merchant.reverse(back, of: asking).status == 200)
        try record(#"{"type":"AR","accountType":"K","amount":250}"#, of: asking, merchant)
    }

    @Test("why was this billed? all that the rules and callers make, under the policy of the day")
    func everything() throws {
        let merchant = try Merchant(settings: [
            "softDeclineFee=100", "hardDeclineFee=200", "retryFee=50", "chargebackFee=1500",
            "lateFeeAmount=500", "lateFeeGraceDays=10", "writeOffDays=40",
        ])
        let month = try merchant.createCustomer(amount: 4999, first: "2027-01-31")
        let taxed = try merchant.createCustomer()
        _ = try subscribe(
            taxed,
            #"{"billingCycleType":"W","billingInterval":2,"amount":3000,"taxAmount":210,"firstBillingDate":"2027-01-05"}"#,
            of: merchant)
        _ = try subscribe(
            taxed,
            #"{"billingCycleType":"Q","amount":6000,"taxAmount":400,"firstBillingDate":"2027-01-31","length":2}"#,
            of: merchant)
        try record(#"{"type":"RC","amount":4000}"#, of: taxed, merchant)
        let retried = try merchant.createCustomer(card: "4000000000009995", amount: 4999, first: "2027-01-10")
        let failed = try merchant.createCustomer(card: "4000000000000002", amount: 4999, first: "2027-01-10")
        let hard = try merchant.createCustomer(
            card: Card.expired, amount: 4999, first: "2027-01-10", length: 2)
        let charged = try merchant.createCustomer(card: "4000000000000259", amount: 4999, first: "2027-01-10")
        let bank = try merchant.createBankCustomer(amount: 7200, first: "2027-01-15")
        let drawn = try merchant.createBankCustomer(amount: 4999, first: "2027-01-15")
        let partial = try merchant.createCustomer(amount: 15_500, first: "2027-01-20", length: 1)
        let lost = try merchant.createCustomer(card: Card.losesRequest)
        let asking = try merchant.createCustomer()
        let first = try merchant.process(4999, of: asking, #","taxAmount":300,"dueDate":"2027-01-03""#)
        #expect(try merchant.reverse(first.id, of: asking)["type"] == "AV")
        let second = try merchant.process(4999, of: asking, #","taxAmount":500"#)
        _ = try merchant.process(7700, of: asking)
        #expect(try merchant.process(4999, of: lost).status == 202)
        try merchant.advance(to: "2027-01-11")
        for amount in [1000, 500] {
            let refund = #"{"type":"AR","amount":\#(amount),"taxAmount":40,"sourceId":\#(second.id)}"#
            #expect(try merchant.call("POST", "\(asking.transactions)/~process", refund).status == 201)
        }
        #expect(try merchant.reverse(second.id, of: asking)["amount"] == "3499")
        try undo(asking, merchant)
        let dispute = try merchant.entries(of: charged, "&type=AG")
        #expect(try merchant.reverse(try #require(dispute.first).id, of: charged)["type"] == "AS")
        try merchant.advance(to: "2027-02-20")

        // From here on other fees, and a new card for the one that ended.
        let changed = try merchant.call(
            "POST", "/accounts/\(merchant.account)",
            #"{"lateFeeAmount":900,"softDeclineFee":150,"retryDays":[2,4],"claimReturnDays":5,"writeOffDays":30}"#
        )
        #expect(changed.status == 200, "\(changed)")
        let card = try merchant.call(
            "PUT", "\(hard.path)/payment-options",
            #"{"accountNumber":"\#(Card.visa)","accountAccessory":"1233","holderName":"Ann Lee","isDefault":true}"#
        )
        #expect(card.status == 201, "\(card)")
        try merchant.advance(to: "2027-03-12")
        // The jobs process stands still for seventy days.
        try merchant.setClock("2027-05-21")
        try merchant.advance(to: "2027-05-22")
        let customers = [
            month, taxed, retried, failed, hard, charged, bank, drawn, partial, lost, asking,
        ]
        let all = try explain(customers, of: merchant)
        #expect(
            Set(all.map(\.kind)) == [
                "RI subscription-charge", "RI recorded", "RC recorded", "RF recorded", "RL recorded",
                "RA recorded",
                "RR reversal", "RX reversal", "AX reversal", "AS reversal", "AP collection", "AP payment",
                "AC collection",
                "AP recorded", "AA recorded", "AD decline", "AD returned-claim", "AG chargeback", "AR refund",
                "AV void",
                "RF decline-fee", "RF retry-fee", "RF chargeback-fee", "RL late-fee", "AA write-off",
            ], "\(Set(all.map(\.kind)).sorted())")
        let late = all.filter { $0.rule == "late-fee" }
        #expect(
            Set(late.map { "\($0.inputs["policyVersion"] ?? "") \($0.entry.amount)" }) == ["1 500", "2 900"])
        #expect(
            Set(all.filter { $0.entry.type == "AC" }.compactMap { $0.inputs["claimReturnDays"] }) == [
                "3", "5",
            ])
        let causes = Set(
            all.map { $0.answer["causedBy"]?.split(separator: " ").prefix(3).joined(separator: " ") ?? "" })
        #expect(causes == ["service user \(merchant.user),", "the billing run", "the processor's notice"])
        #expect(all.contains { $0.inputs["responseCode"] == "A05" && $0.rule == "collection" })
        #expect(
            all.contains { one in
                one.rule == "collection"
                    && one.inputs.contains {
                        $0.key.hasPrefix("full.") && one.inputs["open." + $0.key.dropFirst(5)] != $0.value
                    }
            }, "credit was used before nothing was collected")
        try expectFormats(month, merchant)
        try merchant.expectSoundBooks()
    }

    /// An explanation says the same in three formats, and to whoever may only read.
    private func expectFormats(_ month: TestCustomer, _ merchant: Merchant) throws {
        let february = try merchant.entries(of: month, "&type=RI")[1]
        for media in Media.allCases {
            let answer = try merchant.call(
                "GET", "\(month.transactions)/\(february.id)/~explain", accept: media.rawValue)
            #expect(answer.status == 200 && answer.body.contains("2027-02-28"), "\(answer)")
        }
        let reader = try merchant.anotherUser("reader", privilege: "management-api-read")
        #expect(try reader.call("GET", "\(month.transactions)/\(february.id)/~explain").status == 200)
        #expect(try merchant.call("GET", "\(month.transactions)/99/~explain").status == 404)
    }

    @Test("made ahead, in yen, frozen for a fee, by first invoice first")
    func ahead() throws {
        let merchant = try Merchant(settings: [
            "invoiceLeadDays=10", "freezeRecurringFee=700", "freezeFlatFee=250", "balancingAlgorithm=IF",
            "onRetriesExhausted=cancel", "cancellationFee=800", "retryDays=2", "currency=JPY",
        ])
        let customer = try merchant.createCustomer()
        let half = try subscribe(
            customer,
            #"{"billingCycleType":"S","amount":5000,"taxAmount":455,"firstBillingDate":"2027-02-28"}"#,
            of: merchant)
        let week = try subscribe(
            customer, #"{"billingCycleType":"W","amount":1000,"firstBillingDate":"2027-01-20","length":9}"#,
            of: merchant)
        _ = try subscribe(
            customer, #"{"billingCycleType":"A","amount":19999,"firstBillingDate":"2027-01-31"}"#,
            of: merchant
        )
        let failed = try merchant.createCustomer(card: "4000000000000002", amount: 4999, first: "2027-01-31")
        try record(#"{"type":"AP","accountType":"H","amount":1700}"#, of: customer, merchant)
        try merchant.advance(to: "2027-01-22")
        let frozen = try merchant.call(
            "GET", "\(customer.path)/subscriptions/\(week)/~freeze?effectiveDate=2027-02-10&length=2")
        #expect(frozen.status == 200, "\(frozen)")
        try merchant.advance(to: "2027-02-08")
        // Its second fee is invoiced already: that stays, whoever ends the freeze.
        #expect(
            try merchant.call("POST", "\(customer.path)/subscriptions/\(week)/~resume", "{}").status == 200)
        let signed = try merchant.process(2000, of: customer, #","subscriptionId":\#(half)"#)
        #expect(signed.status == 201, "\(signed)")
        try merchant.advance(to: "2027-04-12")
        let all = try explain([customer, failed], of: merchant)
        #expect(all.contains { $0.inputs["chargeType"] == "Z" && $0.inputs["freezeRecurringFee"] == "700" })
        #expect(all.contains { $0.answer.body.contains("ahead of its billing date") })
        #expect(all.contains { $0.rule == "cancellation-fee" && $0.answer["causedBy"] == "the billing run" })
        #expect(all.contains { $0.answer.body.contains("5000 JPY") })
        try merchant.expectSoundBooks()
    }
}
