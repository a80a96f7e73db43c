internal import Domain

/// The decisions on one batch of orders, order by order, from what the book said before.
struct SandboxBatch {
    private enum Outcome {
        case known(SandboxKey, delivery: SandboxDecision.Delivery)
        case silent(reason: String)
    }

    private var situation: SandboxSituation
    private var outcomes: [Outcome] = []
    private var taken: [Int64: Int64] = [:]
    /// What is to be remembered, in the order in which it was decided.
    private(set) var movements: [SandboxMovement] = []

    /// Nothing decided yet.
    init(_ situation: SandboxSituation) {
        self.situation = situation
        movements.reserveCapacity(situation.numbers.count)
    }

    /// How many milliseconds late the answers come.
    var delay: Int { situation.disturbances.values.map { $0.disturbance.delay }.max() ?? 0 }

    /// The answers to all orders taken.
    var answers: [ProcessorAnswer] {
        outcomes.map { outcome in
            switch outcome {
            case .silent(let reason):
                return .unknown(reason: reason)
            case .known(let key, let delivery):
                guard delivery == .answered, let response = situation.known[key] else {
                    return .unknown(reason: "sandbox: the answer was lost")
                }
                guard response.code != SandboxWords.withdrawn else {
                    return .unknown(reason: "sandbox: the order was withdrawn")
                }
                return .answered(response)
            }
        }
    }

    /// Decides the next order, unless its key is known or the way to the sandbox is disturbed.
    mutating func take(_ order: ProcessorOrder) {
        let key = SandboxKey(account: order.account, key: order.key)
        let disturbance = situation.disturbances[order.account]?.disturbance ?? .none
        let position = taken[order.account, default: 0] + 1
        taken[order.account] = position
        let turn = (situation.disturbances[order.account]?.received ?? 0) + position

        if disturbance.isDown {
            outcomes.append(.silent(reason: "sandbox: it is down"))
            return
        }
        if isTurn(turn, every: disturbance.losesRequestEvery) {
            outcomes.append(.silent(reason: "sandbox: the request was lost"))
            return
        }
        var delivery = SandboxDecision.Delivery.answered
        if situation.known[key] == nil {
            delivery = decide(order, key, reportCopies: disturbance.answersTwice ? 2 : 1)
        }
        if delivery == .requestLost {
            outcomes.append(.silent(reason: "sandbox: the request was lost"))
            return
        }
        if isTurn(turn, every: disturbance.losesAnswerEvery) { delivery = .answerLost }
        outcomes.append(.known(key, delivery: delivery))
    }

    /// Puts the first answers of other processes, which were faster, in place of ours.
    mutating func replaceAnswers(by first: [SandboxKey: ProcessorResponse]) {
        situation.known.merge(first) { _, first in first }
    }

    private mutating func decide(
        _ order: ProcessorOrder, _ key: SandboxKey, reportCopies: Int
    ) -> SandboxDecision.Delivery {
        let originalKey = order.originalKey.map { SandboxKey(account: order.account, key: $0) }
        let original = originalKey.flatMap { situation.originals[$0] }
        let decision = SandboxRules.decide(order, original: original)
        guard decision.delivery != .requestLost else { return .requestLost }

        let id = situation.numbers[movements.count]
        let response = ProcessorResponse(
            code: decision.code, message: SandboxWords.message(for: decision.code),
            approvalCode: decision.approved > .zero ? SandboxWords.approvalCode(id) : nil,
            gatewayTransactionID: SandboxWords.gatewayTransactionID(id),
            approvedAmount: decision.approved, date: order.now)
        var movement = SandboxMovement(
            id: id, order: order, response: response, report: decision.report, reportCopies: reportCopies)
        if let originalKey, let original, decision.approved > .zero {
            movement.givesBackTo = original.id
            situation.originals[originalKey]?.givenBack += decision.approved
        }
        movements.append(movement)
        situation.known[key] = response
        // A later order of this batch may refund or void this one.
        situation.originals[key] = SandboxOriginal(
            id: id, kind: order.kind, approved: decision.approved, givenBack: .zero,
            reportedOn: decision.report?.date)
        return decision.delivery
    }

    private func isTurn(_ turn: Int64, every interval: Int) -> Bool {
        interval > 0 && turn % Int64(interval) == 0
    }
}
