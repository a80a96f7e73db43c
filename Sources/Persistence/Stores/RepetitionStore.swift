public import Domain
internal import Postgres

extension PostgresStore: RepetitionStore {
    private static let take = Statement(
        "idempotency.take",
        """
        insert into idempotency_keys (user_name, key, fingerprint)
        values ($1, $2, $3)
        on conflict on constraint idempotency_keys_key do nothing
        """)
    private static let load = Statement(
        "idempotency.load",
        """
        select fingerprint, status, content_type, location, body, transaction_id, customer_id, account_id
          from idempotency_keys
         where user_name = $1 and key = $2
        """)
    private static let became = Statement(
        "idempotency.became",
        """
        update idempotency_keys
           set transaction_id = $3, customer_id = $4, account_id = $5
         where user_name = $1 and key = $2
        """)
    private static let answered = Statement(
        "idempotency.answered",
        """
        update idempotency_keys
           set status = $3::integer, content_type = $4, location = $5, body = $6
         where user_name = $1 and key = $2 and status is null
        """)

    public func begin(_ request: RepeatableRequest) throws -> Repetition? {
        let names: [Parameter] = [.text(request.user), .text(request.key)]
        let isNew: Bool
        do throws(DatabaseFailure) {
            isNew = try connection.run(Self.take, names + [.bytes(request.fingerprint)]) == 1
        } catch {
            guard error.kind == .lockTimeout else { throw error }
            throw FirstStillRunning()
        }
        guard !isNew, let row = try connection.rows(Self.load, names).first else { return nil }
        guard row.bytes(0) == request.fingerprint else {
            throw Refusal(.idempotencyKeyReused, "this Idempotency-Key was used before with another request")
        }
        if let status = row.optionalInt32(1) {
            return .answered(
                FirstAnswer(
                    status: Int(status), contentType: row.text(2), location: row.optionalText(3),
                    body: row.bytes(4)))
        }
        if let id = row.optionalInt(5) {
            return .became(Identifier(id), customer: row.identifier(6), account: row.int(7))
        }
        // The answer is written by the transaction that takes the key: one without is a request of two transactions, whose second one
        // is under way.
        throw FirstStillRunning()
    }

    public func note(
        _ request: RepeatableRequest, became id: Identifier<Transaction>, of customer: Identifier<Customer>,
        account: Int64
    ) throws {
        connection.enqueue(
            Self.became, [.text(request.user), .text(request.key), .id(id), .id(customer), .int(account)])
    }

    public func note(_ request: RepeatableRequest, answered answer: FirstAnswer) throws {
        connection.enqueue(
            Self.answered,
            [
                .text(request.user), .text(request.key), .int(Int64(answer.status)),
                .text(answer.contentType),
                .text(answer.location), .bytes(answer.body),
            ])
    }
}
