internal import Domain
internal import Postgres

/// A key together with the merchant account in which it is unique.
struct SandboxKey: Hashable {
    var account: Int64
    var key: String
}

/// One order as it is decided and about to be remembered.
struct SandboxMovement {
    var id: Int64
    var order: ProcessorOrder
    var response: ProcessorResponse
    /// What will be reported of it, and how often.
    var report: SandboxDecision.Report?
    var reportCopies = 1
    /// The number in the book of what it refunded or voided.
    var givesBackTo: Int64?
}

/// What the book says before a batch of orders is decided.
struct SandboxSituation {
    /// Disturbances of the accounts that have any, and how many orders had been received before this batch.
    var disturbances: [Int64: (disturbance: SandboxDisturbance, received: Int64)] = [:]
    /// First answers to keys that were seen before.
    var known: [SandboxKey: ProcessorResponse] = [:]
    /// What refunds and voids of the batch concern; locked until the transaction ends.
    var originals: [SandboxKey: SandboxOriginal] = [:]
    /// Fresh numbers, one for each order.
    var numbers: [Int64] = []
}

/// The sandbox's memory: its SQL, and the mapping of its rows.
enum SandboxBook {
    /// Reads what the decisions need, in one round trip. Refunds and voids must be in a transaction.
    static func read(
        for orders: [ProcessorOrder], on connection: Connection
    ) throws(DatabaseFailure) -> SandboxSituation {
        var counts: [Int64: Int64] = [:]
        for order in orders { counts[order.account, default: 0] += 1 }
        let accounts = counts.keys.sorted()
        let concerned = orders.compactMap { order in
            order.originalKey.map { SandboxKey(account: order.account, key: $0) }
        }
        var batch: [(Statement, [Parameter])] = [
            (count, [.ints(accounts), .ints(accounts.map { counts[$0] ?? 0 })]),
            (takeNumbers, [.int(Int64(orders.count))]),
        ]
        // Locks come before the look for known keys, so that the second of two equal refunds sees the first.
        if !concerned.isEmpty { batch.append((lockOriginals, keyArrays(Set(concerned)))) }
        batch.append((find, keyArrays(Set(orders.map { SandboxKey(account: $0.account, key: $0.key) }))))
        let answers = try connection.all(batch)

        var situation = SandboxSituation()
        for row in answers[0] {
            situation.disturbances[row.int(0)] = (disturbance(row, from: 1), row.int(6))
        }
        situation.numbers = answers[1].map { $0.int(0) }
        if !concerned.isEmpty {
            for row in answers[2] {
                guard let kind = ProcessorOrder.Kind(rawValue: row.text(3)) else { continue }
                situation.originals[SandboxKey(account: row.int(0), key: row.text(1))] = SandboxOriginal(
                    id: row.int(2), kind: kind, approved: Money(row.int(4)), givenBack: Money(row.int(5)),
                    reportedOn: row.optionalDays(6).map(CalendarDate.init(daysSince1970:)))
            }
        }
        situation.known = answers[answers.count - 1].reduce(into: [:], add)
        return situation
    }

    /// Remembers movements with their consequences, in one round trip, and gives back which of them were new.
    ///
    /// A key that another process remembered in the meantime is left out, with all its consequences.
    static func write(
        _ movements: [SandboxMovement], on connection: Connection
    ) throws(DatabaseFailure) -> Set<SandboxKey> {
        var batch = [(insert, columns(of: movements))]
        let reports = movements.flatMap { movement in
            movement.report.map { Array(repeating: (movement, $0), count: movement.reportCopies) } ?? []
        }
        if !reports.isEmpty {
            batch.append(
                (
                    insertNotices,
                    [
                        .ints(reports.map { $0.0.id }),
                        .texts(reports.map { $0.1.code }),
                        .texts(reports.map { SandboxWords.message(for: $0.1.code) }),
                        .ints(reports.map { $0.0.response.approvedAmount.minorUnits }),
                        .dates(reports.map { $0.1.date.daysSince1970 }),
                        .optionalTexts(reports.map { $0.1.correctedNumber }),
                        .optionalTexts(reports.map { $0.1.correctedAccessory }),
                    ]
                ))
        }
        let givers = movements.filter { $0.givesBackTo != nil }
        if !givers.isEmpty {
            let ids = givers.map { $0.id }
            let originals = givers.map { $0.givesBackTo ?? 0 }
            batch.append((giveBack, [.ints(ids), .ints(originals)]))
            batch.append((withdrawNotices, [.ints(ids), .ints(originals)]))
        }
        let answers = try connection.all(batch)
        return Set(answers[0].map { SandboxKey(account: $0.int(0), key: $0.text(1)) })
    }

    /// The first answers to these keys.
    static func find(
        _ keys: Set<SandboxKey>, on connection: Connection
    ) throws(DatabaseFailure) -> [SandboxKey: ProcessorResponse] {
        try connection.rows(find, keyArrays(keys)).reduce(into: [:], add)
    }

    /// The first answers to keys of one account, and what disturbs it, in one round trip.
    static func lookUp(
        account: Int64, keys: [String], on connection: Connection
    ) throws(DatabaseFailure) -> (SandboxDisturbance, [SandboxKey: ProcessorResponse]) {
        let wanted = Set(keys.map { SandboxKey(account: account, key: $0) })
        let answers = try connection.all([(readDisturbance, [.int(account)]), (find, keyArrays(wanted))])
        return (answers[0].first.map { disturbance($0, from: 0) } ?? .none, answers[1].reduce(into: [:], add))
    }

    /// Takes keys that were not seen before, so that their orders are never carried out; the first answers to all of them. Nil when
    /// the account's sandbox is down.
    static func withdraw(
        account: Int64, keys: [String], on connection: Connection
    ) throws(DatabaseFailure) -> [SandboxKey: ProcessorResponse]? {
        let state = try disturbance(of: account, on: connection)
        guard !state.isDown else { return nil }
        let code = SandboxWords.withdrawn
        let wanted = Set(keys.map { SandboxKey(account: account, key: $0) })
        let answers = try connection.all([
            (withdraw, [.int(account), .texts(keys), .text(code), .text(SandboxWords.message(for: code))]),
            (find, keyArrays(wanted)),
        ])
        return answers[1].reduce(into: [:], add)
    }

    /// What disturbs an account.
    static func disturbance(
        of account: Int64, on connection: Connection
    ) throws(DatabaseFailure) -> SandboxDisturbance {
        try connection.rows(readDisturbance, [.int(account)]).first.map { disturbance($0, from: 0) } ?? .none
    }

    /// Sets what disturbs an account from now on; counting begins anew.
    static func setDisturbance(
        _ disturbance: SandboxDisturbance, of account: Int64, on connection: Connection
    ) throws(DatabaseFailure) {
        if disturbance == .none {
            try connection.run(deleteDisturbance, [.int(account)])
        } else {
            try connection.run(
                writeDisturbance,
                [
                    .int(account), .int(Int64(disturbance.delay)),
                    .int(Int64(disturbance.losesRequestEvery)), .int(Int64(disturbance.losesAnswerEvery)),
                    .bool(disturbance.answersTwice), .bool(disturbance.isDown),
                ])
        }
    }

    /// Open notices of an account up to a day, oldest first; nil when the account's sandbox is down.
    static func notices(
        account: Int64, through date: CalendarDate, limit: Int, on connection: Connection
    ) throws(DatabaseFailure) -> [ProcessorNotice]? {
        let answers = try connection.all([
            (readDisturbance, [.int(account)]),
            (readNotices, [.int(account), .date(date.daysSince1970), .int(Int64(limit))]),
        ])
        if let row = answers[0].first, disturbance(row, from: 0).isDown { return nil }
        return answers[1].map { row in
            ProcessorNotice(
                id: row.int(0), orderKey: row.text(1), code: row.text(2), message: row.text(3),
                amount: Money(row.int(4)), date: CalendarDate(daysSince1970: row.days(5)),
                correctedAccessory: row.optionalText(6), correctedNumber: row.optionalText(7))
        }
    }

    /// Closes notices of an account; false when the account's sandbox is down.
    static func acknowledge(
        account: Int64, notices: [Int64], on connection: Connection
    ) throws(DatabaseFailure) -> Bool {
        let answers = try connection.all([
            (readDisturbance, [.int(account)]), (closeNotices, [.int(account), .ints(notices)]),
        ])
        return !(answers[0].first.map { disturbance($0, from: 0).isDown } ?? false)
    }
}

extension SandboxBook {
    private static func keyArrays(_ keys: Set<SandboxKey>) -> [Parameter] {
        let ordered = Array(keys)
        return [.ints(ordered.map { $0.account }), .texts(ordered.map { $0.key })]
    }

    private static func disturbance(_ row: Row, from column: Int) -> SandboxDisturbance {
        SandboxDisturbance(
            delay: Int(row.int(column)), losesRequestEvery: Int(row.int(column + 1)),
            losesAnswerEvery: Int(row.int(column + 2)), answersTwice: row.bool(column + 3),
            isDown: row.bool(column + 4))
    }

    private static func add(_ row: Row, to known: inout [SandboxKey: ProcessorResponse]) {
        known[SandboxKey(account: row.int(0), key: row.text(1))] = ProcessorResponse(
            code: row.text(3), message: row.text(4), approvalCode: row.optionalText(5),
            gatewayTransactionID: SandboxWords.gatewayTransactionID(row.int(2)),
            approvedAmount: Money(row.int(6)), date: Timestamp(microsecondsSince1970: row.microseconds(7)))
    }

    private static func add(_ known: inout [SandboxKey: ProcessorResponse], _ row: Row) {
        add(row, to: &known)
    }

    private static func columns(of movements: [SandboxMovement]) -> [Parameter] {
        [
            .ints(movements.map { $0.id }),
            .ints(movements.map { $0.order.account }),
            .texts(movements.map { $0.order.key }),
            .texts(movements.map { $0.order.kind.rawValue }),
            .ints(movements.map { $0.order.amount.minorUnits }),
            .texts(movements.map { $0.order.currency }),
            .texts(movements.map { $0.order.accountType }),
            .texts(movements.map { mask($0.order) }),
            .ints(movements.map { Int64($0.order.attemptNumber) }),
            .optionalTexts(movements.map { $0.order.originalKey }),
            .dates(movements.map { $0.order.businessDate.daysSince1970 }),
            .texts(movements.map { $0.response.code }),
            .texts(movements.map { $0.response.message }),
            .optionalTexts(movements.map { $0.response.approvalCode }),
            .ints(movements.map { $0.response.approvedAmount.minorUnits }),
            .timestamps(movements.map { $0.response.date.microsecondsSince1970 }),
        ]
    }

    /// The number as the book may hold it.
    private static func mask(_ order: ProcessorOrder) -> String {
        switch order.accountType {
        case "BC", "BS": BankAccount.mask(order.accountNumber)
        default: CardNumber.mask(order.accountNumber)
        }
    }
}
