internal import CPostgres

/// One message of a pipeline whose answer is due.
struct Sent {
    enum Role {
        case prepare, describe, execute, commit, rollback
        /// The end of a pipeline: here the server commits what is outside a transaction, and answers.
        case end
    }

    let role: Role
    var form: PreparedStatements.Form?
    var keepsRows = false
}

// Sending: messages into libpq's buffer.
extension Connection {
    /// Queues one statement, prepared on the way where it is not yet.
    func send(
        _ statement: Statement, _ parameters: [Parameter], keepsRows: Bool, role: Sent.Role = .execute
    ) {
        if phase == .wanted { openTransaction() }
        precondition(parameters.count <= 65_535, "a statement has at most 65,535 parameters")
        let form = prepared.form(of: statement, taking: parameters) ?? prepareNow(statement, parameters)
        guard let link else { return }
        let sent = buffer.encode(parameters) { values, lengths, formats in
            PQsendQueryPrepared(
                link.handle, form.nameInC, Int32(parameters.count), values, lengths, formats, 1)
        }
        note(sent, Sent(role: role, form: form, keepsRows: keepsRows))
    }

    /// Queues BEGIN.
    func openTransaction() {
        phase = .none
        send(.begin, [], keepsRows: false)
        if link != nil { phase = .open }
    }

    /// Queues the preparation of a statement, with the parameters' types.
    private func prepareNow(_ statement: Statement, _ parameters: [Parameter]) -> PreparedStatements.Form {
        let form = prepared.add(statement, types: parameters.map(\.type))
        guard let link else { return form }
        let types = form.types.map(\.rawValue)
        note(
            PQsendPrepare(link.handle, form.name, statement.sql, Int32(types.count), types),
            Sent(role: .prepare, form: form))
        return form
    }

    /// Queues the preparation of a statement with the types that the server infers, and asks for these.
    func prepareAhead(_ statement: Statement) {
        let form = prepared.add(statement, types: [])
        guard let link else { return }
        note(
            PQsendPrepare(link.handle, form.name, statement.sql, 0, nil), Sent(role: .prepare, form: form))
        guard self.link != nil else { return }
        note(PQsendDescribePrepared(link.handle, form.name), Sent(role: .describe, form: form))
    }

    /// Ends the pipeline: the server answers up to here, whatever failed before.
    func endPipeline() {
        guard let link else { return }
        note(PQpipelineSync(link.handle), Sent(role: .end))
    }

    /// Notes a message as sent; libpq refuses one only when the connection is gone or memory is.
    private func note(_ accepted: Int32, _ message: Sent) {
        guard let link else { return }
        if accepted == 1 {
            pipeline.append(message)
        } else {
            breakOff(lost(link))
        }
    }
}

// Receiving: answers, in the order of the messages.
extension Connection {
    /// Ends the pipeline and takes in all answers; gives back the rows that are to be kept, in order.
    func receive() throws(DatabaseFailure) -> [Rows] {
        if link != nil {
            if pipeline.isEmpty { return [] }
            endPipeline()
        }
        guard let link else {
            throw end ?? DatabaseFailure(.connectionLost, message: "the connection is closed")
        }
        var kept: [Rows] = []
        var failure: DatabaseFailure?
        var position = 0
        var pauses = 0
        let deadline = networkTimeout > 0 ? ServerLink.now() + networkTimeout : nil
        slowAt = whenSlow == nil ? nil : ServerLink.now() + Self.slow
        while position < pipeline.count {
            let message = pipeline[position]
            let answer: OpaquePointer?
            do throws(DatabaseFailure) {
                answer = try nextResult(link, until: deadline)
            } catch {
                return try settle(kept, failure, lostAt: position, error, told: false)
            }
            guard let answer else {
                // Each message's answer but the end's is followed by nothing, once.
                pauses += 1
                if pauses < 3 { continue }
                let cause = DatabaseFailure(.connectionLost, message: "answers are out of step")
                return try settle(kept, failure, lostAt: position, cause, told: false)
            }
            pauses = 0
            let result = ResultHandle(answer)
            switch PQresultStatus(answer) {
            case PGRES_TUPLES_OK, PGRES_COMMAND_OK, PGRES_EMPTY_QUERY:
                if let refusal = accept(result, of: message) { failure = failure ?? refusal }
                if message.keepsRows { kept.append(Rows(result)) }
                position += 1
            case PGRES_PIPELINE_SYNC:
                position += 1
            case PGRES_PIPELINE_ABORTED:
                forget(message, afterState: nil)
                position += 1
            case PGRES_FATAL_ERROR:
                let refusal = FailureReading.failure(answer, statement: message.form?.statement.name)
                if FailureReading.isFatal(answer) || PQstatus(link.handle) == CONNECTION_BAD {
                    let told = refusal.sqlState != nil
                    return try settle(kept, failure, lostAt: position, refusal, told: told)
                }
                failure = failure ?? refusal
                forget(message, afterState: refusal.sqlState)
                // What fails at the end itself, a deferred constraint say, is told ahead of the end's answer.
                if message.role != .end { position += 1 }
            default:
                let cause = DatabaseFailure(
                    .other, statement: message.form?.statement.name,
                    message: "COPY does not run in a pipeline")
                breakOff(cause)
                throw cause
            }
        }
        pipeline.removeAll(keepingCapacity: true)
        phase = PQtransactionStatus(link.handle) == PQTRANS_IDLE ? .none : .open
        if let failure { throw failure }
        return kept
    }

    /// What a call ends with whose connection was lost: the failure that came before the loss, if any; nothing
    /// amiss, when COMMIT had been answered; else what the loss means.
    private func settle(
        _ kept: [Rows], _ failure: DatabaseFailure?, lostAt position: Int, _ cause: DatabaseFailure,
        told: Bool
    ) throws(DatabaseFailure) -> [Rows] {
        let isCommitted = failure == nil && pipeline[..<position].contains { $0.role == .commit }
        let loss = lose(at: position, cause, told: told)
        if isCommitted { return kept }
        throw failure ?? loss
    }

    /// Takes in a good answer; a failure when it is not what was asked for.
    private func accept(_ result: ResultHandle, of message: Sent) -> DatabaseFailure? {
        switch message.role {
        case .describe:
            let count = PQnparams(result.pointer)
            message.form?.types = (0..<count).map { TypeID(PQparamtype(result.pointer, $0)) }
        case .commit:
            // In a transaction that had failed, COMMIT rolls back, and says so only here.
            guard let tag = PQcmdStatus(result.pointer), String(cString: tag) != "COMMIT" else { break }
            return DatabaseFailure(
                .other, sqlState: "25P02", statement: message.form?.statement.name,
                message: "the transaction had failed before, and was rolled back")
        default: break
        }
        return nil
    }

    /// Forgets the form of a message that was skipped (no state) or refused, where the server has it not, or
    /// cannot run it any more (unknown name, or the tables behind it have changed).
    private func forget(_ message: Sent, afterState state: String?) {
        guard let form = message.form else { return }
        if message.role == .prepare {
            prepared.forget(form)
        } else if state == "26000" || state == "0A000" {
            prepared.retire(form)
        }
    }
}
