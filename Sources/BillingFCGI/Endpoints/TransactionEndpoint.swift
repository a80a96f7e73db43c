import Domain
import Glibc
import Interchange
import Pool

/// `/customers/{customer-id}/transactions` (spec 1.5).
enum TransactionEndpoint {
    static let routes = [
        Route(
            [.put], collection, "create", consumes: Descriptions.transaction.facts,
            returns: .one(Descriptions.transaction.facts),
            failures: [.stateForbids, .amountTooLarge, .outcomeOpen],
            meaning: "Creates a transaction on record; moves no money at a processor.", run: create),
        Route(
            [.get], collection, "find", parameters: filters, returns: .many(Descriptions.transaction.facts),
            meaning: "Finds the customer's transactions, by id ascending.", run: find),
        Route(
            [.get], collection + "/{transaction-id}", "load", returns: .one(Descriptions.transaction.facts),
            meaning: "Loads a transaction.", run: load),
        Route(
            [.post], collection, "process", explicit: true, consumes: Descriptions.processingRequest.facts,
            returns: .one(Descriptions.transaction.facts),
            failures: [
                .processorSilent, .tokensOnly, .notFound, .duplicate, .stateForbids, .amountTooLarge,
                .inactive,
                .outcomeOpen, .configurationLacks,
            ],
            meaning:
                "Runs a payment or refund at the processor, in real time, and records it. A decline is a normal answer.",
            run: process),
        Route(
            [.get, .post], collection + "/{transaction-id}", "reverse", explicit: true,
            parameters: reversing, returns: .one(Descriptions.transaction.facts),
            failures: [.processorSilent, .stateForbids, .outcomeOpen, .configurationLacks],
            meaning:
                "Undoes a transaction and answers with the one that does so; a payment is voided at the processor before it settles, and refunded after; of one that was refunded in part, the rest is. A decline is a normal answer.",
            run: reverse),
        Route(
            [.get], collection + "/{transaction-id}", "explain", explicit: true, reading: true,
            mark: .extended, returns: .one(Descriptions.explanation.facts),
            meaning:
                "Tells why a transaction has its amount and date: the rule, the figures it used, the computation step by step, and who caused it.",
            run: explain),
        Route(
            [.get], collection + "/{transaction-id}/allocations", "find", mark: .decided, parameters: .paging,
            returns: .many(Descriptions.allocation.facts),
            meaning:
                "Finds the allocations of a transaction, by id ascending: what it paid, or what paid it.",
            run: allocations),
    ]

    private static let collection = "/customers/{customer-id}/transactions"

    static let filters = ParameterList.find(filterDescriptions)

    /// What a customer's transactions are filtered by, and those of all customers.
    static let filterDescriptions = [
        ParameterDescription("createDateFrom", .dateTime, "Recorded then or later."),
        ParameterDescription("createDateTo", .dateTime, "Recorded then or earlier."),
        ParameterDescription(
            "type", .enumeration(Enumerations.transactionType), mark: .extended, "What kind of entry."),
        ParameterDescription("subscriptionId", .reference, mark: .extended, "Of this subscription."),
        ParameterDescription("dueDateFrom", .date, mark: .extended, "Due then or later."),
        ParameterDescription("dueDateTo", .date, mark: .extended, "Due then or earlier."),
        ParameterDescription(
            "isOpen", .boolean, mark: .extended, "True: with a balance left; false: with none."),
    ]

    static let reversing = ParameterList([
        ParameterDescription(
            "note", .text(maxLength: 1000, form: nil), mark: .extended,
            "A note of your own, kept with the reversing transaction.")
    ])

    static func create(_ call: Call) throws -> Answer {
        var form = TransactionForm()
        try Descriptions.transaction.decode(try call.body(), into: &form, purpose: .create)
        return try call.writing { store in
            let state = try CustomerEndpoint.locked(try call.reference(), call, in: store)
            let transaction = try RecordTransaction(form).execute(state, in: store, by: call.actor)
            return answer(transaction, status: 201)
        }
    }

    static func find(_ call: Call) throws -> Answer {
        let parameters = try call.parameters()
        let filter = filter(parameters)
        let found = try call.reading { store in
            let customer = try CustomerEndpoint.customer(call, in: store)
            return try store.transactions(
                of: customer.id, account: customer.accountID, filter, parameters.page)
        }
        return Answer(Descriptions.transaction, found, of: call, parameters) { $0.id.rawValue }
    }

    /// What the parameters of ``filterDescriptions`` ask for.
    static func filter(_ parameters: Parameters) -> TransactionFilter {
        var filter = TransactionFilter()
        filter.createDateFrom = parameters.dateTime("createDateFrom")
        filter.createDateBefore = parameters.dateTime("createDateTo").map(Parameters.end(of:))
        filter.type = parameters.text("type").flatMap { TransactionType(rawValue: $0) }
        filter.subscription = parameters.reference("subscriptionId")
        filter.dueDateFrom = parameters.date("dueDateFrom")
        filter.dueDateTo = parameters.date("dueDateTo")
        filter.isOpen = parameters.boolean("isOpen")
        return filter
    }

    static func load(_ call: Call) throws -> Answer {
        let transaction = try call.reading { store in
            try addressed(call, of: CustomerEndpoint.customer(call, in: store), in: store)
        }
        return Answer(Descriptions.transaction, transaction)
    }

    static func explain(_ call: Call) throws -> Answer {
        let explanation = try call.reading { store in
            let customer = try CustomerEndpoint.customer(call, in: store)
            return try ExplainTransaction(addressed(call, of: customer, in: store)).execute(in: store)
        }
        return Answer(Descriptions.explanation, explanation)
    }

    static func allocations(_ call: Call) throws -> Answer {
        let parameters = try call.parameters()
        let found = try call.reading { store in
            let customer = try CustomerEndpoint.customer(call, in: store)
            let transaction = try addressed(call, of: customer, in: store)
            return try store.allocations(
                of: transaction.id, account: customer.accountID, parameters.page)
        }
        return Answer(Descriptions.allocation, found, of: call, parameters) { $0.id }
    }

    /// A decline is a normal answer; an unknown outcome is one too, with 202 and status `pending` (spec 4.4, 3.11 E02).
    static func process(_ call: Call) throws -> Answer {
        var request = ProcessingRequest()
        try Descriptions.processingRequest.decode(try call.body(), into: &request, purpose: .create)
        let repeatable = try call.repeatable()
        let customer = try call.reference()
        return try moving(call, repeatable, created: 201) { processors in
            let (books, accounts) = (call.services.books, call.accounts)
            return request.type == .refund
                ? try RefundPayment(request, customer: customer, repeatable: repeatable).execute(
                    books, reaching: accounts, processors: processors, by: call.actor)
                : try ProcessPayment(request, customer: customer, repeatable: repeatable).execute(
                    books, reaching: accounts, processors: processors, vault: call.services.vault,
                    by: call.actor)
        }
    }

    /// Answers 200 with the reversing transaction, and 202 while the processor's answer is not known.
    static func reverse(_ call: Call) throws -> Answer {
        let repeatable = try call.repeatable()
        let reversal = ReverseTransaction(
            try call.reference(1), of: try call.reference(), note: try call.parameters().text("note"),
            repeatable: repeatable)
        return try moving(call, repeatable, created: 200) { processors in
            try reversal.execute(
                call.services.books, reaching: call.accounts, processors: processors, by: call.actor)
        }
    }

    /// Moves money, or what stands for it, once.
    ///
    /// - Parameters:
    ///   - created: the status of a success.
    private static func moving(
        _ call: Call, _ repeatable: RepeatableRequest?, created: Int,
        _ body: (@escaping (String) -> (any Processor)?) throws -> Transaction
    ) throws -> Answer {
        let services = call.services
        do {
            let transaction = try waitingForOutcomes(call.place) {
                try body { name in services.processor(named: name).map { PlacedProcessor($0, call.place) } }
            }
            return answer(call, transaction, created: created, keeping: repeatable)
        } catch let earlier as MovedBefore {
            var again = answer(call, earlier.transaction, created: created, keeping: repeatable)
            again.headers.append(Answer.replay)
            return again
        } catch let earlier as AnsweredBefore {
            guard case .answered(let first) = earlier.repetition else {
                throw Refusal(
                    .idempotencyKeyReused, "this Idempotency-Key was used before with another request")
            }
            return Answer(repeating: first)
        }
    }

    /// An unknown outcome is no last word: it is not kept, and a repetition is told what became of it.
    private static func answer(
        _ call: Call, _ transaction: Transaction, created: Int, keeping repeatable: RepeatableRequest?
    ) -> Answer {
        let isPending = transaction.status == .pending
        let answer = answer(
            transaction, status: isPending ? FailureCode.processorSilent.status : created)
        if let repeatable, !isPending { call.keep(answer, of: repeatable) }
        return answer
    }

    /// Repeats what was refused because an attempt for the same debt is on its way (V36), for two seconds: most attempts are the
    /// billing run's and settled in a moment. Few workers wait at one time, and none for what is not being done.
    private static func waitingForOutcomes<Result>(
        _ place: WorkerPlace, _ body: () throws -> Result
    ) throws -> Result {
        let deadline = RealClock.now().adding(seconds: 2)
        var isWaiting = false
        defer { if isWaiting { place.leaveOutside() } }
        while true {
            do {
                return try body()
            } catch  where isPassing(error) && RealClock.now() < deadline {
                guard isWaiting || place.enterWaiting() else { throw error }
                if !isWaiting { place.standAside() }
                isWaiting = true
                poll(nil, 0, 50)
            }
        }
    }

    private static func isPassing(_ error: any Error) -> Bool {
        error is FirstOutcomeOpen || (error as? Refusal)?.isPassing == true
    }

    private static func answer(_ transaction: Transaction, status: Int) -> Answer {
        Answer(
            Descriptions.transaction, transaction, status: status,
            location: "/api/v01/customers/\(transaction.customerID)/transactions/\(transaction.id)")
    }

    private static func addressed(_ call: Call, of customer: Customer, in store: any Store) throws
        -> Transaction
    {
        let reference = try call.reference(1)
        guard
            let transaction = try store.transaction(
                of: customer.id, account: customer.accountID, reference)
        else { throw call.missing("transaction", reference) }
        return transaction
    }
}
