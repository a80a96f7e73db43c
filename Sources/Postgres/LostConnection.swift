internal import CPostgres

// What becomes of a connection that fails, and of the changes that were under way.
extension Connection {
    /// The failure to throw when the connection goes while the answer to the message at `position` is due.
    ///
    /// `told`: the server said so in place of that answer, hence ran neither this message nor any after it. The
    /// exceptions are COMMIT and the end, which are taken as perhaps done: better a look too many.
    func lose(at position: Int, _ cause: DatabaseFailure, told: Bool) -> DatabaseFailure {
        let kind: DatabaseFailure.Kind =
            mayHaveCommitted(from: position, cause, told: told) ? .outcomeUnknown : .connectionLost
        let failure = DatabaseFailure(
            kind, sqlState: cause.sqlState, statement: pipeline[position].form?.statement.name,
            message: cause.message)
        breakOff(cause)
        return failure
    }

    private func mayHaveCommitted(from position: Int, _ cause: DatabaseFailure, told: Bool) -> Bool {
        if told {
            let role = pipeline[position].role
            guard role == .commit || role == .end else { return false }
            // Ended for idling: the server had not even read the message.
            if cause.sqlState == "25P03" || cause.sqlState == "57P05" { return false }
        }
        if pipeline[position...].contains(where: { $0.role == .commit }) { return true }
        if phase == .open { return false }
        return pipeline.contains { $0.role == .execute && $0.form?.statement.isRead == false }
    }

    /// Closes the connection for good. Every later call throws `connectionLost` with this message.
    func breakOff(_ cause: DatabaseFailure) {
        if link != nil {
            end = DatabaseFailure(.connectionLost, sqlState: cause.sqlState, message: cause.message)
        }
        link = nil
        phase = .none
        pipeline.removeAll()
    }

    /// Why the link failed: the server's last words, or libpq's.
    func lost(_ link: ServerLink) -> DatabaseFailure {
        link.farewell
            ?? DatabaseFailure(.connectionLost, message: DatabaseFailure.blankingQuotes(link.lastMessage))
    }

    /// The next result of libpq, or nil where libpq says that a message has no more.
    func nextResult(_ link: ServerLink, until deadline: UInt64?) throws(DatabaseFailure) -> OpaquePointer? {
        var isLost = false
        while PQisBusy(link.handle) == 1 {
            // What arrived ahead of the loss is read first: the server's reason stands there.
            if isLost { throw lost(link) }
            switch link.wait(until: min(slowAt ?? .max, deadline ?? .max)) {
            case .progress: break
            case .lost: isLost = true
            case .late where (slowAt ?? .max) < (deadline ?? .max):
                slowAt = nil
                whenSlow?()
            case .late:
                let milliseconds = networkTimeout / 1_000_000
                throw DatabaseFailure(
                    .connectionLost, message: "no answer from the database within \(milliseconds) ms")
            }
        }
        return PQgetResult(link.handle)
    }
}

// Scripts: libpq's simple protocol, outside the pipeline.
extension Connection {
    /// Runs a text of several statements; nothing is queued.
    func runScript(_ sql: String) throws(DatabaseFailure) {
        guard let link else {
            throw end ?? DatabaseFailure(.connectionLost, message: "the connection is closed")
        }
        guard PQexitPipelineMode(link.handle) == 1, PQsendQuery(link.handle, sql) == 1 else {
            let cause = lost(link)
            breakOff(cause)
            throw DatabaseFailure(.connectionLost, message: cause.message)
        }
        let deadline = networkTimeout > 0 ? ServerLink.now() + networkTimeout : nil
        var failure: DatabaseFailure?
        do throws(DatabaseFailure) {
            while let answer = try nextResult(link, until: deadline) {
                let result = ResultHandle(answer)
                switch PQresultStatus(answer) {
                case PGRES_TUPLES_OK, PGRES_COMMAND_OK, PGRES_EMPTY_QUERY: break
                case PGRES_FATAL_ERROR:
                    let refusal = FailureReading.failure(result.pointer, statement: nil)
                    if FailureReading.isFatal(answer) || PQstatus(link.handle) == CONNECTION_BAD {
                        throw refusal
                    }
                    failure = failure ?? refusal
                default:
                    throw DatabaseFailure(.other, message: "a script cannot copy from or to the program")
                }
            }
        } catch {
            let kind: DatabaseFailure.Kind = phase == .open ? .connectionLost : .outcomeUnknown
            breakOff(error)
            throw DatabaseFailure(kind, sqlState: error.sqlState, message: error.message)
        }
        phase = PQtransactionStatus(link.handle) == PQTRANS_IDLE ? .none : .open
        if PQenterPipelineMode(link.handle) != 1 { breakOff(lost(link)) }
        if let failure { throw failure }
    }
}
