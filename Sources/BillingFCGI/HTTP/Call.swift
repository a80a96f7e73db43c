import Domain
import Interchange
import Logging
import Persistence
import Pool
import Vault

/// One call of an action: the request after routing and login, with what the endpoint works with.
struct Call {
    let request: Request
    let route: Route
    /// What stands in the path for `{customer-id}` and the like, decoded.
    let items: [String]
    let user: ServiceUser
    /// Whether the caller came with a temporary password.
    let isTemporary: Bool
    let requestID: String
    /// The answer's format.
    let format: Format
    /// Whether the caller accepts plain text and nothing else.
    let wantsText: Bool
    /// The body's format; nil without a body.
    let bodyFormat: Format?
    let services: Services
    /// The worker's place in its pool.
    let place: WorkerPlace

    /// Who acts, for the audit log.
    var actor: Actor { Actor(name: user.name, requestID: requestID) }
    /// The merchant accounts within reach.
    var accounts: [Int64] { user.accounts }

    /// The object that the path addresses by its id or `*code`, counted from 0; V24 when it is neither.
    func reference(_ index: Int = 0) throws -> Reference {
        guard let reference = Reference(items[index]) else {
            throw Refusal(.notFound, "the path names no object: expected an id, or * and a code")
        }
        return reference
    }

    /// The body; V01 where there is none.
    func body() throws -> Body {
        guard let bodyFormat else {
            throw Refusal(.requiredFieldMissing, "the request needs a body")
        }
        return try Body(reading: request.body, as: bodyFormat)
    }

    /// The parameters: of a GET in the query, of a POST in the body or the query. A body without fields is none.
    func parameters() throws -> Parameters {
        guard let bodyFormat, !request.body.isEmpty else {
            return try route.parameters.decode(try queryBody())
        }
        guard request.query.isEmpty else {
            throw Refusal(.unknownField, "send the parameters in the body or in the query, not in both")
        }
        return try route.parameters.decode(try Body(reading: request.body, as: bodyFormat))
    }

    /// Refuses a query string where the action takes its arguments from the body.
    func refuseQuery() throws {
        _ = try ParameterList.none.decode(try queryBody())
    }

    /// Refuses a body where the action takes none.
    func refuseBody() throws {
        guard bodyFormat == nil else { throw Refusal(.unknownField, "this action takes no body") }
    }

    private func queryBody() throws -> Body {
        try Body(query: Array(request.query.utf8))
    }

    /// The request with its `Idempotency-Key`; nil where it has none.
    func repeatable() throws -> RepeatableRequest? {
        guard let key = request.idempotencyKey else { return nil }
        guard (1...255).contains(key.utf8.count), key.utf8.allSatisfy({ (32...126).contains($0) }) else {
            throw Refusal(.wrongForm, "Idempotency-Key has 1 to 255 printable characters")
        }
        return RepeatableRequest(user: user.name, key: key, fingerprint: try fingerprint())
    }

    /// Does the work of a request in one transaction of the database, within the caller's reach, and gives its answer. With an
    /// `Idempotency-Key` the key, the work and the answer are kept together or not at all; a repetition gets the first
    /// answer again (spec 4.5).
    func writing(_ body: (any Store) throws -> Answer) throws -> Answer {
        let repeatable = try repeatable()
        return try services.books.transaction(reaching: accounts) { store in
            guard let repeatable else { return try body(store) }
            switch try store.begin(repeatable) {
            case .answered(let first): return Answer(repeating: first)
            case .became:
                throw Refusal(
                    .idempotencyKeyReused, "this Idempotency-Key was used before with another request")
            case nil: break
            }
            let answer = try body(store).encoded(as: format)
            try store.note(repeatable, answered: answer.asFirst(in: format))
            return answer
        }
    }

    /// Does the work of a request that takes transactions of its own, and may be begun again after it broke off: nothing is on
    /// record before it is done. Then the key and the answer are; a repetition gets that answer.
    func repeating(_ body: () throws -> Answer) throws -> Answer {
        guard let repeatable = try repeatable() else { return try body() }
        do {
            let answered = try services.books.transaction(reaching: accounts) { store in
                guard case .answered(let first) = try store.begin(repeatable) else { throw NotAnsweredYet() }
                return Answer(repeating: first)
            }
            return answered
        } catch is NotAnsweredYet {}
        let answer = try body().encoded(as: format)
        try services.books.transaction(reaching: accounts) { store in
            if try store.begin(repeatable) == nil {
                try store.note(repeatable, answered: answer.asFirst(in: format))
            }
        }
        return answer
    }

    /// Puts the answer of a request on record whose work is done and kept. Where that fails, a repetition is answered from what the
    /// request became.
    func keep(_ answer: Answer, of request: RepeatableRequest) {
        do {
            try services.books.transaction(reaching: accounts) { store in
                try store.note(request, answered: answer.asFirst(in: format))
            }
        } catch {
            services.logger.warning(
                "answer not kept", metadata: ["request_id": "\(requestID)", "error": "\(error)"])
        }
    }

    /// Reads, without a transaction of its own.
    func reading<Result>(_ body: (any Store) throws -> Result) throws -> Result {
        try services.books.reading(reaching: accounts) { try body($0) }
    }

    /// The refusal for an object that the path addresses and that is not there.
    func missing(_ what: String, _ reference: Reference) -> Refusal {
        Refusal(.notFound, "there is no \(what) \(reference)")
    }
}

/// Rolls back the taking of a key whose request is still to be done.
private struct NotAnsweredYet: Error {}
