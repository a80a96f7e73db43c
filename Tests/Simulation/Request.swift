import Domain

/// What a caller asks for under one Idempotency-Key, until it is answered.
final class Request {
    /// What it was told.
    enum Answer: Equatable {
        case done(String)
        case refused(FailureCode)
    }

    let key: String
    let label: String
    let repeatable: RepeatableRequest
    private let body: (Simulation, Request) throws -> String?
    var tries = 0
    var answer: Answer?
    /// Whether its caller may send it once more: what was refused left nothing behind and could succeed another time.
    var mayComeAgain: Bool { if case .refused? = answer { false } else { true } }

    /// - Parameter body: does it; what it is answered with, nil while the outcome is not known.
    init(_ key: String, _ label: String, _ body: @escaping (Simulation, Request) throws -> String?) {
        self.key = key
        self.label = label
        self.body = body
        repeatable = RepeatableRequest(user: "api-caller", key: key, fingerprint: Array(label.utf8))
    }

    /// Sends it once; what comes back is held against what came back before.
    func send(in simulation: Simulation) throws {
        tries += 1
        let world = simulation.world
        let now: Answer?
        do {
            now = try body(simulation, self).map { .done($0) }
        } catch let refusal as Refusal {
            // An open outcome (V36) and a first request that still runs are no last word.
            let code = refusal.faults[0].code
            now = code == .outcomeOpen ? nil : .refused(code)
        } catch  where error is FirstStillRunning || error is FirstOutcomeOpen {
            now = nil
        }
        guard !world.process.isDead else { return }
        world.note("\(key) \(label): \(now.map { "\($0)" } ?? "not known yet")")
        guard let now else { return }
        if case .done? = answer, answer != now {
            world.broken.append("\(key) \(label) was answered \(answer.map { "\($0)" } ?? ""), now \(now)")
        }
        answer = now
    }
}

extension Simulation {
    var actor: Actor { Actor(name: "api-caller", requestID: "r") }

    /// Work, key and answer in one transaction, as the endpoints do it.
    func writing(_ request: Request, _ body: (any Store) throws -> String) throws -> String {
        try books.transaction(reaching: [accountID]) { store in
            switch try store.begin(request.repeatable) {
            case .answered(let first): return String(decoding: first.body, as: UTF8.self)
            case .became: throw Refusal(.idempotencyKeyReused, "the key stands for a movement")
            case nil: break
            }
            let answer = try body(store)
            try store.note(request.repeatable, answered: first(answer))
            return answer
        }
    }

    /// A movement of money, as the endpoints do it: the answer is kept when the outcome is known.
    func moving(_ request: Request, _ body: () throws -> Transaction) throws -> String? {
        let transaction: Transaction
        do {
            transaction = try body()
        } catch let earlier as MovedBefore {
            transaction = earlier.transaction
        } catch let earlier as AnsweredBefore {
            guard case .answered(let first) = earlier.repetition else {
                throw Refusal(.idempotencyKeyReused, "the key stands for something else")
            }
            return String(decoding: first.body, as: UTF8.self)
        }
        guard transaction.status != .pending else { return nil }
        let answer = "transaction \(transaction.id)"
        do {
            try books.transaction(reaching: [accountID]) {
                try $0.note(request.repeatable, answered: first(answer))
            }
        } catch is OutcomeUnknown {
            // A repetition is answered from what the request became.
        }
        return answer
    }

    private func first(_ answer: String) -> FirstAnswer {
        FirstAnswer(status: 200, contentType: "text/plain", location: nil, body: Array(answer.utf8))
    }
}
