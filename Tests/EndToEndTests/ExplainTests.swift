import Foundation
import TestSupport
import Testing

/// ~explain (spec 2.12): every amount and date is computed again from the explanation alone, with Foundation's calendar.
@Suite(.enabled(if: programIsKnown, "needs BILLING_BINARY"))
struct ExplainTests {
    private static let calendar: Calendar = {
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = .gmt
        return calendar
    }()

    private func add(_ count: Int, _ unit: Calendar.Component, to day: String) throws -> String {
        let parts = day.split(separator: "-").compactMap { Int($0) }
        let date = try #require(
            Self.calendar.date(from: DateComponents(year: parts[0], month: parts[1], day: parts[2])))
        let later = try #require(Self.calendar.date(byAdding: unit, value: count, to: date))
        let found = Self.calendar.dateComponents([.year, .month, .day], from: later)
        return String(format: "%04d-%02d-%02d", found.year ?? 0, found.month ?? 0, found.day ?? 0)
    }

    /// What the inputs of one explanation come to: the amount, and the date where the rule decides it.
    private func recompute(_ rule: String, _ inputs: [String: String]) throws -> (amount: Int, date: String?)
    {
        func number(_ name: String) throws -> Int {
            try #require(inputs[name].flatMap { Int($0) }, "\(rule) has no \(name): \(inputs)")
        }
        func text(_ name: String) throws -> String {
            try #require(inputs[name], "\(rule) has no \(name): \(inputs)")
        }
        func asked() throws -> Int {
            let open = inputs.filter { $0.key.hasPrefix("open.") }.compactMap { Int($0.value) }
            guard !open.isEmpty else { return try number("attemptedAmount") }
            return min(open.reduce(0, +), try number("owed"))
        }
        func retried() throws -> String? {
            guard inputs["previousDeclineDate"] != nil else { return nil }
            return try add(try number("retryDays"), .day, to: try text("previousDeclineDate"))
        }
        switch rule {
        case "subscription-charge":
            let steps = try (number("cycleNumber") - 1) * number("billingInterval")
            let unit = try text("billingCycleType")
            let months = ["M": 1, "Q": 3, "S": 6, "A": 12][unit]
            let date = try add(
                steps * (months ?? 7), months == nil ? .day : .month, to: try text("anchorDate"))
            return (
                try inputs["freezeRecurringFee"] != nil
                    ? number("freezeRecurringFee")
                    : inputs["subscriptionAmount"] == nil ? 0 : number("subscriptionAmount"), date
            )
        case "collection", "payment":
            let approved = try number("approvedAmount")
            #expect(try approved <= asked())
            return (approved, try retried())
        case "decline":
            return (try asked(), inputs["nextAttemptDate"] == nil ? try retried() : nil)
        case "returned-claim", "reversal", "chargeback": return (try number("sourceAmount"), nil)
        case "void":
            if let settled = inputs["settledAt"] { #expect(try text("paidAt") < settled) }
            return (try number("sourceAmount"), nil)
        case "refund":
            let left = try number("sourceAmount") - number("givenBackBefore")
            return (min(left, try number("amount")), nil)
        case "decline-fee":
            return (try number(inputs["softDeclineFee"] == nil ? "hardDeclineFee" : "softDeclineFee"), nil)
        case "retry-fee": return (try number("retryFee"), nil)
        case "chargeback-fee": return (try number("chargebackFee"), nil)
        case "late-fee":
            return (
                try number("lateFeeAmount"),
                try add(number("lateFeeGraceDays"), .day, to: try text("sourceDueDate"))
            )
        case "enrollment-fee":
            return (try number("enrollmentFee"), try recompute("subscription-charge", inputs).date)
        case "freeze-fee", "cancellation-fee":
            return (
                try number(rule == "freeze-fee" ? "freezeFlatFee" : "cancellationFee"),
                max(try text("effectiveDate"), try text("requestedOn"))
            )
        case "write-off":
            return (
                try number("amount"), try add(number("writeOffDays"), .day, to: try text("sourceDueDate"))
            )
        default: return (try number("amount"), nil)
        }
    }

    /// Explains every transaction of a customer; which rules there were.
    private func explain(_ customer: TestCustomer, of merchant: Merchant) throws -> Set<String> {
        var rules: Set<String> = []
        for entry in try merchant.entries(of: customer) {
            let answer = try merchant.call("GET", "\(customer.transactions)/\(entry.id)/~explain")
            #expect(answer.status == 200 && answer["transactionId"] == "\(entry.id)", "\(answer)")
            let rule = answer["rule"] ?? ""
            rules.insert(rule)
            var inputs: [String: String] = [:]
            for input in answer.tree["inputs"]?.items ?? [] {
                inputs[input["name"]?.scalar ?? ""] = input["value"]?.scalar
            }
            let found = try recompute(rule, inputs)
            #expect(found.amount == entry.amount, "\(entry): \(answer)")
            if let date = found.date { #expect(date == entry.dueDate, "\(entry): \(answer)") }
            #expect(answer.tree["steps"]?.items.isEmpty == false, "\(answer)")
            let cause = answer["causedBy"] ?? ""
            let byRun = entry.tree["creatorCode"]?.scalar == "billing-run"
            #expect(
                cause == "the billing run"
                    ? byRun : cause.hasPrefix("service user \(merchant.user), request "),
                "\(entry): \(cause)")
        }
        return rules
    }

    @Test(
        "what a schedule makes: fees of enrollment, freezes and cancellations, paid freezes, charges after them"
    )
    func schedule() throws {
        let merchant = try Merchant(settings: [
            "enrollmentFee=1000", "freezeFlatFee=300", "freezeRecurringFee=4999", "cancellationFee=2000",
        ])
        let customer = try merchant.createCustomer(amount: 4999, length: 12)
        let path = "\(customer.path)/subscriptions/\(customer.subscription)"
        func explain(_ entry: Entry) throws -> Answer {
            try merchant.call("GET", "\(customer.transactions)/\(entry.id)/~explain")
        }
        func inputs(_ answer: Answer) -> [String: String] {
            (answer.tree["inputs"]?.items ?? []).reduce(into: [:]) {
                $0[$1["name"]?.scalar ?? ""] = $1["value"]?.scalar
            }
        }
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
        let rules = try self.explain(customer, of: merchant)
        #expect(
            rules.isSuperset(of: [
                "subscription-charge", "collection", "enrollment-fee", "freeze-fee", "cancellation-fee",
            ]), "\(rules)")
        let invoices = try merchant.entries(of: customer, "&type=RI")
        #expect(
            invoices.map(\.dueDate) == [
                "2027-01-31", "2027-02-28", "2027-03-31", "2027-04-30", "2027-05-31", "2027-09-30",
                "2027-10-31",
            ])
        // A fee as high as the amount is a fee still.
        let paid = try explain(invoices[2])
        #expect(
            inputs(paid)["adjustmentType"] == "F" && inputs(paid)["effectiveDate"] == "2027-03-31", "\(paid)")
        #expect(inputs(paid)["freezeRecurringFee"] == "4999")
        let after = inputs(try explain(invoices[4]))
        #expect(after["paymentNumber"] == "3" && after["length"] == "12", "\(after)")
        #expect(after.filter { $0.key.hasPrefix("skippedCycles.") }.map(\.value) == ["3-4"])
        let last = inputs(try explain(invoices[6]))
        #expect(last["paymentNumber"] == "5" && last["cycleNumber"] == "10", "\(last)")
        #expect(last.filter { $0.key.hasPrefix("skippedCycles.") }.map(\.value).sorted() == ["3-4", "6-8"])
        let fees = try merchant.entries(of: customer, "&type=RF")
        #expect(fees.map(\.amount) == [1000, 300, 2000])
        let end = try explain(fees[2])
        #expect(end["causedBy"] == "service user \(merchant.user), request end-1", "\(end)")
        #expect(end.body.contains("its date was past"), "\(end)")
        #expect(inputs(end)["adjustmentType"] == "C" && fees[2].dueDate == "2027-11-15")
        try merchant.expectSoundBooks()
    }

    @Test("why was this billed? everything that the rules and callers make")
    func everything() throws {
        let merchant = try Merchant(settings: [
            "softDeclineFee=100", "hardDeclineFee=200", "retryFee=50", "chargebackFee=1500",
            "lateFeeAmount=500", "lateFeeGraceDays=10", "writeOffDays=40",
        ])
        let month = try merchant.createCustomer(amount: 4999, first: "2027-01-31")
        let retried = try merchant.createCustomer(card: "4000000000009995", amount: 4999, first: "2027-01-10")
        let failed = try merchant.createCustomer(card: "4000000000000002", amount: 4999, first: "2027-01-10")
        let hard = try merchant.createCustomer(
            card: Card.expired, amount: 4999, first: "2027-01-10", length: 1)
        let charged = try merchant.createCustomer(card: "4000000000000259", amount: 4999, first: "2027-01-10")
        let bank = try merchant.createBankCustomer(amount: 7200, first: "2027-01-15")
        let asking = try merchant.createCustomer()
        let first = try merchant.process(4999, of: asking)
        _ = try merchant.reverse(first.id, of: asking)
        let second = try merchant.process(4999, of: asking)
        _ = try merchant.process(7700, of: asking)
        try merchant.advance(to: "2027-01-11")
        for amount in [1000, 500] {
            let refund = #"{"type":"AR","amount":\#(amount),"sourceId":\#(second.id)}"#
            _ = try merchant.call("POST", "\(asking.transactions)/~process", refund)
        }
        _ = try merchant.reverse(second.id, of: asking)
        for body in [#"{"type":"RC","amount":300}"#, #"{"type":"RI","amount":800,"taxAmount":60}"#] {
            let made = try merchant.call("PUT", asking.transactions, body)
            _ = try merchant.reverse(made.id, of: asking)
        }
        try merchant.advance(to: "2027-03-31")
        var rules: Set<String> = []
        for customer in [month, retried, failed, hard, charged, bank, asking] {
            rules.formUnion(try explain(customer, of: merchant))
        }
        #expect(
            rules == [
                "subscription-charge", "collection", "payment", "decline", "returned-claim", "chargeback",
                "refund", "void", "reversal", "decline-fee", "retry-fee", "chargeback-fee", "late-fee",
                "write-off", "recorded",
            ])
        let february = try merchant.entries(of: month, "&type=RI")[1]
        for media in Media.allCases {
            let answer = try merchant.call(
                "GET", "\(month.transactions)/\(february.id)/~explain", accept: media.rawValue)
            #expect(answer.status == 200, "\(answer)")
            #expect(answer.body.contains("2027-02-28"), "\(answer)")
        }
        let reader = try merchant.anotherUser("reader", privilege: "management-api-read")
        #expect(try reader.call("GET", "\(month.transactions)/\(february.id)/~explain").status == 200)
        #expect(try merchant.call("GET", "\(month.transactions)/99/~explain").status == 404)
        try merchant.expectSoundBooks()
    }
}
