import Domain

/// An outside system with a memory of its own, which survives every crash: the sandbox's rules (spec 5.10) with faults on the way.
final class MemoryProcessor: Processor {
    /// What it did under one key.
    struct Movement {
        var order: ProcessorOrder
        var response: ProcessorResponse
        var givenBack = Money.zero
        var reportedOn: CalendarDate?
    }
    /// What it reports until it is acknowledged.
    struct Report {
        var notice: ProcessorNotice
        var isAcknowledged = false
        /// Whether it was told at least once: from then on it stands.
        var isTold = false
    }

    let name = "sandbox"
    let world: World
    /// In the order in which they were made.
    private(set) var keys: [String] = []
    private(set) var movements: [String: Movement] = [:]
    private(set) var reports: [Report] = []
    /// How often it carried out something under each key.
    private(set) var carriedOut: [String: Int] = [:]
    /// Keys whose orders were withdrawn before they arrived.
    private var withdrawn: Set<String> = []
    /// Orders that nobody waits for any more and that arrive later.
    private var onTheirWay: [ProcessorOrder] = []
    private var downFor = 0

    init(_ world: World) { self.world = world }

    func submit(_ orders: [ProcessorOrder]) -> [ProcessorAnswer] {
        precondition(!world.isInTransaction, "the processor is called inside a transaction")
        guard !orders.isEmpty else { return [] }
        world.others()
        if world.ends(.crashBeforeProcessor) || isDown() {
            return orders.map { _ in .unknown(reason: "no connection") }
        }
        arrive()
        let answers = orders.map { deliver($0) }
        if world.ends(.crashAfterProcessor) {
            return orders.map { _ in .unknown(reason: "the process ended") }
        }
        world.others()
        return answers
    }

    private func deliver(_ order: ProcessorOrder) -> ProcessorAnswer {
        if world.hasFaults, world.draw.chance(40) {
            world.count(.requestLost)
            if world.draw.chance(400) {
                world.count(.arrivesLate)
                onTheirWay.append(order)
            }
            return .unknown(reason: "the request was lost")
        }
        guard !withdrawn.contains(order.key) else { return .unknown(reason: "the order was withdrawn") }
        var response = carryOut(order)
        if world.hasFaults, world.draw.chance(30) {
            world.count(.deliveredTwice)
            response = carryOut(order)
        }
        if world.hasFaults, world.draw.chance(40) {
            world.count(.answerLost)
            return .unknown(reason: "the answer was lost")
        }
        return .answered(response)
    }

    /// What was on its way arrives some time: at the latest when the faults are over.
    func arrive() {
        guard !onTheirWay.isEmpty, !world.hasFaults || world.draw.chance(300) else { return }
        for order in onTheirWay {
            world.note(
                "the order \(order.key) arrives late\(withdrawn.contains(order.key) ? ", withdrawn" : "")")
            if !withdrawn.contains(order.key) { _ = carryOut(order) }
        }
        onTheirWay = []
    }

    func withdraw(account: Int64, keys: [String]) -> [ProcessorFinding] {
        precondition(!world.isInTransaction, "the processor is called inside a transaction")
        guard !keys.isEmpty else { return [] }
        world.others()
        if world.ends(.crashBeforeProcessor) || isDown() { return keys.map { _ in .unreachable } }
        arrive()
        let findings = keys.map { key -> ProcessorFinding in
            if let known = movements[key] { return .found(known.response) }
            world.note("the order \(key) is withdrawn")
            withdrawn.insert(key)
            return .notFound
        }
        if world.ends(.crashAfterProcessor) { return keys.map { _ in .unreachable } }
        world.others()
        return findings
    }

    private func isDown() -> Bool {
        guard world.hasFaults else { return false }
        if downFor > 0 {
            downFor -= 1
            return true
        }
        if world.draw.chance(6) {
            world.count(.down)
            downFor = world.draw.number(1...12)
            return true
        }
        return false
    }

    func lookUp(account: Int64, keys: [String]) -> [ProcessorFinding] {
        world.others()
        if world.ends(.crashBeforeProcessor) || isDown() { return keys.map { _ in .unreachable } }
        arrive()
        return keys.map { key in movements[key].map { .found($0.response) } ?? .notFound }
    }

    func notices(account: Int64, through: CalendarDate, limit: Int) -> [ProcessorNotice]? {
        if world.ends(.crashBeforeProcessor) || isDown() { return nil }
        let told = reports.filter { !$0.isAcknowledged && $0.notice.date <= through }.map(\.notice)
            .sorted { ($0.date, $0.id) < ($1.date, $1.id) }.prefix(limit)
        for index in reports.indices where told.contains(where: { $0.id == reports[index].notice.id }) {
            reports[index].isTold = true
        }
        return Array(told)
    }

    func acknowledge(account: Int64, notices: [Int64]) -> Bool {
        if world.ends(.crashBeforeProcessor) || isDown() { return false }
        for index in reports.indices where notices.contains(reports[index].notice.id) {
            reports[index].isAcknowledged = true
        }
        return !world.ends(.crashAfterProcessor)
    }

    private func carryOut(_ order: ProcessorOrder) -> ProcessorResponse {
        if let known = movements[order.key] {
            if known.order.amount != order.amount || known.order.kind != order.kind {
                world.broken.append("key \(order.key) came again for another movement")
            }
            return known.response
        }
        let isTold = reports.contains { $0.isTold && $0.notice.orderKey == order.originalKey }
        let decision =
            isTold
            ? ProcessorRules.Decision(code: "D27")
            : ProcessorRules.decide(order, original: order.originalKey.flatMap { movements[$0] })
        let number = world.next(.movements)
        let response = ProcessorResponse(
            code: decision.code, message: "the processor says \(decision.code)",
            approvalCode: decision.approved > .zero ? "A\(number)" : nil, gatewayTransactionID: "g\(number)",
            approvedAmount: decision.approved, date: order.now)
        keys.append(order.key)
        carriedOut[order.key, default: 0] += 1
        movements[order.key] = Movement(
            order: order, response: response, reportedOn: decision.report?.date)
        if let original = order.originalKey, decision.approved > .zero {
            let before = movements[original]?.givenBack ?? .zero
            movements[original]?.givenBack = before + decision.approved
            if order.kind == .void {
                reports.removeAll { $0.notice.orderKey == original && !$0.isAcknowledged }
            }
        }
        if let report = decision.report {
            let isTwice = world.hasFaults && world.draw.chance(200)
            if isTwice { world.count(.noticeTwice) }
            for _ in 0..<(isTwice ? 2 : 1) {
                reports.append(
                    Report(
                        notice: ProcessorNotice(
                            id: world.next(.movements), orderKey: order.key, code: report.code,
                            message: "the processor reports \(report.code)", amount: decision.approved,
                            date: report.date, correctedAccessory: report.accessory)))
            }
        }
        return response
    }
}

/// What the processor makes of an order: by its amount, and by two accounts' numbers (spec 5.10).
enum ProcessorRules {
    /// One decision.
    struct Decision {
        var code: String
        var approved = Money.zero
        var report: (code: String, date: CalendarDate, accessory: String?)?
    }

    /// The card that is declined at the first two attempts of an invoice.
    static let slowCard = "4000000000009995"
    /// The bank account whose routing number is out of date.
    static let movedAccount = "4000000008"

    static func decide(_ order: ProcessorOrder, original: MemoryProcessor.Movement?) -> Decision {
        switch order.kind {
        case .payment:
            if order.accountNumber == slowCard {
                return order.attemptNumber <= 2
                    ? Decision(code: "D03") : Decision(code: "A01", approved: order.amount)
            }
            return card(order)
        case .claim: return claim(order)
        case .refund, .void: return givingBack(order, original)
        }
    }

    private static func card(_ order: ProcessorOrder) -> Decision {
        switch code(of: order.amount) {
        case "A05": return Decision(code: "A05", approved: Money(order.amount.minorUnits / 2))
        case "Z02":
            return Decision(
                code: "A01", approved: order.amount,
                report: ("Z02", order.businessDate.adding(days: 1), nil))
        case "A01": return Decision(code: "A01", approved: order.amount)
        case let decline: return Decision(code: decline)
        }
    }

    private static func claim(_ order: ProcessorOrder) -> Decision {
        let next = bankingDay(after: order.businessDate)
        var decision = Decision(code: "A01", approved: order.amount)
        switch code(of: order.amount) {
        case "A01", "A05":
            if order.accountNumber == movedAccount, order.accountAccessory == "021000021" {
                decision.report = ("N08", next, "011000015")
            }
        case "Z02": decision.report = ("Z02", order.businessDate.adding(days: 1), nil)
        case "D01", "D03": decision.report = ("N01", next, nil)
        case "D06": decision.report = ("N02", next, nil)
        default: decision.report = ("N07", next, nil)
        }
        return decision
    }

    private static func givingBack(_ order: ProcessorOrder, _ original: MemoryProcessor.Movement?) -> Decision
    {
        guard let original, original.order.kind == .payment || original.order.kind == .claim,
            original.givenBack < original.response.approvedAmount,
            original.reportedOn.map({ $0 > order.businessDate }) ?? true
        else { return Decision(code: "D27") }
        let left = original.response.approvedAmount - original.givenBack
        if order.kind == .void {
            guard original.givenBack == .zero else { return Decision(code: "D27") }
            return order.amount == left
                ? Decision(code: "A03", approved: order.amount) : Decision(code: "D18")
        }
        return order.amount <= left ? Decision(code: "A02", approved: order.amount) : Decision(code: "D18")
    }

    private static func bankingDay(after date: CalendarDate) -> CalendarDate {
        switch date.weekday {
        case 5: date.adding(days: 3)
        case 6: date.adding(days: 2)
        default: date.adding(days: 1)
        }
    }

    private static func code(of amount: Money) -> String {
        switch amount.minorUnits {
        case 70_00...74_99: "D01"
        case 75_00...79_99: "D02"
        case 80_00...84_99: "D03"
        case 95_00...99_99: "D06"
        case 105_00...109_99: "D09"
        case 115_00...119_99: "D16"
        case 120_00...124_99: "D17"
        case 150_00...159_99: "A05"
        case 160_00...169_99: "Z02"
        default: "A01"
        }
    }
}
