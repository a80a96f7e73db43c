internal import Domain

/// What the sandbox makes of one order.
struct SandboxDecision: Equatable {
    /// How far the exchange gets.
    enum Delivery: Equatable {
        /// The caller hears the answer.
        case answered
        /// Carried out and remembered, but the caller hears nothing.
        case answerLost
        /// Never arrived: nothing is carried out or remembered.
        case requestLost
    }

    /// What is reported unasked on a later day.
    struct Report: Equatable {
        var code: String
        var date: CalendarDate
        /// The account number that is right, where a correction (N09) says it.
        var correctedNumber: String?
        /// The routing number that is right, where a correction (N08) says it.
        var correctedAccessory: String?
    }

    /// A code of spec 3.8.
    var code: String
    /// How much moves.
    var approved = Money.zero
    var delivery = Delivery.answered
    var report: Report?
}

/// What the sandbox remembers of the order that a refund or void concerns.
struct SandboxOriginal: Equatable {
    /// Its number in the book.
    var id: Int64
    var kind: ProcessorOrder.Kind
    /// How much moved.
    var approved: Money
    /// How much of that was refunded or voided since.
    var givenBack: Money
    /// The day on which it is returned or charged back, when there is one.
    var reportedOn: CalendarDate?
}

/// The sandbox's decisions (spec 5.10): the same order gets the same answer on every day.
enum SandboxRules {
    /// Decides one order.
    ///
    /// - Parameter original: what a refund or void concerns; nil when the sandbox does not know it.
    static func decide(_ order: ProcessorOrder, original: SandboxOriginal? = nil) -> SandboxDecision {
        guard order.amount > .zero else { return SandboxDecision(code: "D18") }
        switch order.kind {
        case .payment, .claim:
            return isBank(order) ? decideClaim(order) : decideCard(order)
        case .refund:
            return decideRefund(order, original)
        case .void:
            return decideVoid(order, original)
        }
    }

    /// Whether money is drawn from a bank account; nothing comes back at once from there.
    static func isBank(_ order: ProcessorOrder) -> Bool {
        order.kind == .claim || order.accountType == "BC" || order.accountType == "BS"
    }

    /// The next Monday to Friday after a day.
    static func bankingDay(after date: CalendarDate) -> CalendarDate {
        switch date.weekday {
        case 5: date.adding(days: 3)
        case 6: date.adding(days: 2)
        default: date.adding(days: 1)
        }
    }

    private static func decideCard(_ order: ProcessorOrder) -> SandboxDecision {
        let approved = SandboxDecision(code: "A01", approved: order.amount)
        switch order.accountNumber {
        case "4000000000000002":
            return SandboxDecision(code: "D01")
        case "4000000000009995":
            return order.attemptNumber <= 2 ? SandboxDecision(code: "D03") : approved
        case "4000000000000069":
            return SandboxDecision(code: "D16")
        case "4000000000000119":
            return SandboxDecision(code: "A01", approved: order.amount, delivery: .answerLost)
        case "4000000000000127":
            return SandboxDecision(code: "A01", delivery: .requestLost)
        case "4000000000000259":
            return SandboxDecision(code: "A01", approved: order.amount, report: chargeback(of: order))
        default:
            break
        }
        switch code(of: order) {
        case "A01":
            return approved
        case "A05":
            return SandboxDecision(code: "A05", approved: Money(order.amount.minorUnits / 2))
        case "Z02":
            return SandboxDecision(code: "A01", approved: order.amount, report: chargeback(of: order))
        case let decline:
            return SandboxDecision(code: decline)
        }
    }

    private static func decideClaim(_ order: ProcessorOrder) -> SandboxDecision {
        var decision = SandboxDecision(code: "A01", approved: order.amount)
        switch code(of: order) {
        case "A01", "A05":
            decision.report = correction(of: order)
        case "Z02":
            decision.report = chargeback(of: order)
        case let decline:
            decision.report = SandboxDecision.Report(
                code: returnCode(for: decline), date: bankingDay(after: order.businessDate))
        }
        return decision
    }

    /// Two bank accounts whose data on file are out of date, as long as they are: the claim stays good, and the next banking day
    /// says what is right.
    private static func correction(of order: ProcessorOrder) -> SandboxDecision.Report? {
        let date = bankingDay(after: order.businessDate)
        switch (order.accountNumber, order.accountAccessory) {
        case ("4000000008", "021000021"):
            return SandboxDecision.Report(code: "N08", date: date, correctedAccessory: "011000015")
        case ("4000000009", _):
            return SandboxDecision.Report(code: "N09", date: date, correctedNumber: "4000000017")
        default: return nil
        }
    }

    private static func decideRefund(_ order: ProcessorOrder, _ original: SandboxOriginal?) -> SandboxDecision
    {
        guard let left = amountLeft(of: original, on: order.businessDate) else {
            return SandboxDecision(code: "D27")
        }
        guard order.amount <= left else { return SandboxDecision(code: "D18") }
        return SandboxDecision(code: "A02", approved: order.amount)
    }

    private static func decideVoid(_ order: ProcessorOrder, _ original: SandboxOriginal?) -> SandboxDecision {
        guard let original, original.givenBack == .zero,
            let left = amountLeft(of: original, on: order.businessDate)
        else { return SandboxDecision(code: "D27") }
        guard order.amount == left else { return SandboxDecision(code: "D18") }
        return SandboxDecision(code: "A03", approved: order.amount)
    }

    /// What can still be given back; nil when nothing can: unknown, declined, given back already, returned by
    /// the bank or charged back.
    private static func amountLeft(of original: SandboxOriginal?, on date: CalendarDate) -> Money? {
        guard let original, original.kind == .payment || original.kind == .claim,
            original.givenBack < original.approved
        else { return nil }
        if let reportedOn = original.reportedOn, reportedOn <= date { return nil }
        return original.approved - original.givenBack
    }

    private static func chargeback(of order: ProcessorOrder) -> SandboxDecision.Report {
        SandboxDecision.Report(code: "Z02", date: order.businessDate.adding(days: 1))
    }

    /// The code that an amount stands for, in minor units, whatever the currency; Z02 for approved and
    /// charged back later.
    private static func code(of order: ProcessorOrder) -> String {
        switch order.amount.minorUnits {
        case 70_00...74_99: "D01"
        case 75_00...79_99: "D02"
        case 80_00...84_99: "D03"
        case 85_00...89_99: "D04"
        case 90_00...94_99: "D05"
        case 95_00...99_99: "D06"
        case 100_00...104_99: (order.securityCode ?? "").isEmpty ? "A01" : "D08"
        case 105_00...109_99: "D09"
        case 110_00...114_99: "D10"
        case 115_00...119_99: "D16"
        case 120_00...124_99: "D17"
        case 125_00...129_99: "D18"
        case 135_00...139_99: "D27"
        case 140_00...144_99: "D29"
        case 150_00...159_99: "A05"
        case 160_00...169_99: "Z02"
        default: "A01"
        }
    }

    /// How a bank says what a card organization says with a decline code.
    private static func returnCode(for decline: String) -> String {
        switch decline {
        case "D01", "D03": "N01"
        case "D05": "N04"
        case "D06": "N02"
        default: "N07"
        }
    }
}
