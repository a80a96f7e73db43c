public import Domain
internal import Postgres

// All that one action, or one batch of the billing run, writes: whole sets at a time, one statement for each kind, in
// one round trip with the commit. One row and a thousand take the same way.
extension PostgresStore {
    /// Writes the changes.
    ///
    /// A transaction and its lines go in one statement: the database refuses either without the other. What an
    /// attempt becomes has its number, and is written after the attempt is settled. Throws V29 at once when a code is taken; a refusal by a constraint comes with
    /// the round trip.
    public func write(_ changes: BookChanges) throws {
        try takeCodes(changes)
        let account = Parameter.int(changes.accountID)
        let now = Parameter.instant(changes.moment.now)
        let today = Parameter.day(changes.moment.businessDate)
        let policy = Parameter.int(Int64(changes.policyVersion))
        if !changes.settlements.isEmpty {
            connection.enqueue(
                ProgressWriting.settling,
                [account] + ProgressWriting.settlements(changes.settlements) + [today])
        }
        let created = changes.transactions.filter { !$0.settlesPending }
        if !created.isEmpty {
            connection.enqueue(
                TransactionWriting.insertion,
                [account, now, today] + TransactionWriting.lines(created)
                    + TransactionWriting.columns(created) + [policy])
        }
        let settled = changes.transactions.filter { $0.settlesPending }
        if !settled.isEmpty {
            connection.enqueue(
                TransactionWriting.settling,
                [account, today] + TransactionWriting.lines(settled)
                    + TransactionWriting.settledColumns(settled) + [policy])
        }
        if !changes.reversed.isEmpty {
            connection.enqueue(TransactionWriting.reversing, [account, .ids(changes.reversed)])
        }
        if !changes.restored.isEmpty {
            connection.enqueue(TransactionWriting.restoring, [account, .ids(changes.restored)])
        }
        if !changes.attempts.isEmpty {
            connection.enqueue(
                AttemptRow.insertion, [account, now, today] + AttemptRow.parameters(changes.attempts))
        }
        if !changes.endedAllocations.isEmpty {
            connection.enqueue(
                AllocationWriting.ending, [account, now, .ints(changes.endedAllocations)])
        }
        if !changes.allocations.isEmpty {
            connection.enqueue(
                AllocationWriting.insertion, [account, now] + AllocationWriting.columns(changes.allocations))
        }
        if !changes.collections.isEmpty {
            connection.enqueue(
                ProgressWriting.collecting, [account] + ProgressWriting.collections(changes.collections))
        }
        // Before the subscriptions: what is withdrawn bounds their next billing date no more.
        if !changes.adjustments.isEmpty {
            connection.enqueue(
                AdjustmentWriting.moving, [account] + AdjustmentWriting.columns(changes.adjustments))
        }
        if !changes.progress.isEmpty {
            connection.enqueue(
                ProgressWriting.billing, [account] + ProgressWriting.progress(changes.progress))
        }
        if !changes.declinedOptions.isEmpty {
            connection.enqueue(
                ProgressWriting.declining,
                [account, now] + ProgressWriting.declines(changes.declinedOptions))
        }
    }

    /// Takes the callers' codes for their transactions, before anything moves money (V29).
    ///
    /// The insertion waits for another transaction that is taking the same code; the reading behind it, in the same
    /// round trip, sees what that one committed. A code that its own attempt took before is no duplicate.
    private func takeCodes(_ changes: BookChanges) throws {
        let coded =
            changes.attempts.compactMap { attempt in attempt.code.map { ($0, attempt.transactionID) } }
            + changes.transactions.compactMap { new in new.facts.code.map { ($0, new.id) } }
            + changes.takenCodes.map { ($0.code, $0.id) }
        guard !coded.isEmpty else { return }
        let parameters: [Parameter] = [
            .int(changes.accountID), .texts(coded.map { $0.0 }), .ids(coded.map { $0.1 }),
        ]
        connection.enqueue(CodeWriting.taking, parameters)
        let numbers = Parameter.optionalInts(coded.map { Reference.number($0.0) })
        if let taken = try connection.rows(CodeWriting.taken, parameters + [numbers]).first {
            throw Duplicate.refusal(taken.text(0), "transaction", taken.int(1))
        }
    }
}

/// The registry of callers' codes.
private enum CodeWriting {
    static let taking = Statement(
        "transaction.take_codes",
        """
        insert into transaction_codes (account_id, code, transaction_id)
        select $1, n.code, n.transaction_id
          from unnest($2, $3) as n (code, transaction_id)
         order by n.code
        on conflict on constraint transaction_codes_key do nothing
        """)
    /// Codes of others: by code, or the number of a transaction that has none, which then serves as its code.
    static let taken = Statement(
        "transaction.taken_codes",
        """
        select n.code, coalesce(k.transaction_id, t.transaction_id)
          from unnest($2, $3, $4) as n (code, transaction_id, number)
          left join transaction_codes k on k.account_id = $1 and k.code = n.code
           and k.transaction_id <> n.transaction_id
          left join transactions t on t.account_id = $1 and t.transaction_id = n.number and t.code is null
           and t.transaction_id <> n.transaction_id
         where k.transaction_id is not null or t.transaction_id is not null
         limit 1
        """)
}

/// Transactions with their ledger lines.
private enum TransactionWriting {
    /// New ones; lines first because they are few columns.
    static let insertion = Statement(
        "transaction.insert",
        """
        with booked as (
          insert into transactions (account_id, create_date, transaction_id, customer_id, code, type, account_type,
                 account_mask, amount, tax_amount, fee_amount, due_date, subscription_id, cycle_number, adjustment_id,
                 source_id, attempt_id, invoice_list, creator_code, note, status, policy_version)
          select $1, $2, n.*, $29::bigint
            from unnest($10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26, $27,
                        $28) as n)
        insert into ledger_entries (account_id, entry_date, transaction_id, line, customer_id, debit, credit, amount)
        select $1, $3, l.*
          from unnest($4, $5, $6, $7, $8, $9) as l
        """)
    /// Pending ones whose outcome is known now.
    static let settling = Statement(
        "transaction.settle",
        """
        with booked as (
          update transactions t
             set type = n.type, amount = n.amount, tax_amount = n.tax_amount, due_date = n.due_date,
                 source_id = n.source_id, status = n.status, policy_version = $16::bigint
            from unnest($9, $10, $11, $12, $13, $14, $15)
                 as n (transaction_id, type, amount, tax_amount, due_date, source_id, status)
           where t.account_id = $1 and t.transaction_id = n.transaction_id)
        insert into ledger_entries (account_id, entry_date, transaction_id, line, customer_id, debit, credit, amount)
        select $1, $2, l.*
          from unnest($3, $4, $5, $6, $7, $8) as l
        """)

    /// Those that another one undoes in whole.
    static let reversing = Statement(
        "transaction.reverse",
        """
        update transactions t
           set status = 'reversed'
         where t.account_id = $1 and t.transaction_id = any ($2) and t.status = 'final'
        """)

    /// Those that are not undone in whole any more.
    static let restoring = Statement(
        "transaction.restore",
        """
        update transactions t
           set status = 'final'
         where t.account_id = $1 and t.transaction_id = any ($2) and t.status = 'reversed'
        """)

    static func lines(_ rows: [NewTransaction]) -> [Parameter] {
        var (ids, numbers, customers): ([Int64], [Int16], [Int64]) = ([], [], [])
        var (debits, credits, amounts): ([String], [String], [Int64]) = ([], [], [])
        for row in rows {
            for (index, line) in row.lines.enumerated() {
                ids.append(row.id.rawValue)
                numbers.append(Int16(index + 1))
                customers.append(row.customerID.rawValue)
                debits.append(line.debit)
                credits.append(line.credit)
                amounts.append(line.amount.minorUnits)
            }
        }
        return [
            .ints(ids), .int16s(numbers), .ints(customers), .texts(debits), .texts(credits), .ints(amounts),
        ]
    }

    static func columns(_ rows: [NewTransaction]) -> [Parameter] {
        [
            .ints(rows.map { $0.id.rawValue }), .ints(rows.map { $0.customerID.rawValue }),
            .optionalTexts(rows.map { $0.facts.code }), .texts(rows.map { $0.facts.type.rawValue }),
            .optionalTexts(rows.map { $0.facts.accountType?.rawValue }),
            .optionalTexts(rows.map { $0.facts.accountMask }), .ints(rows.map { $0.facts.amount.minorUnits }),
            .ints(rows.map { $0.facts.taxAmount.minorUnits }),
            .ints(rows.map { $0.facts.feeAmount.minorUnits }),
            .dates(rows.map { $0.facts.dueDate.daysSince1970 }),
            .optionalInts(rows.map { $0.facts.subscriptionID?.rawValue }),
            .optionalInt32s(rows.map { $0.facts.cycleNumber.map { Int32($0) } }),
            .optionalInts(rows.map { $0.facts.adjustmentID }),
            .optionalInts(rows.map { $0.facts.sourceID?.rawValue }),
            .optionalInts(rows.map { $0.facts.attemptID }),
            .optionalTexts(rows.map { $0.facts.invoiceList }),
            .optionalTexts(rows.map { $0.facts.creatorCode }), .optionalTexts(rows.map { $0.facts.note }),
            .texts(rows.map { $0.status.rawValue }),
        ]
    }

    static func settledColumns(_ rows: [NewTransaction]) -> [Parameter] {
        [
            .ints(rows.map { $0.id.rawValue }), .texts(rows.map { $0.facts.type.rawValue }),
            .ints(rows.map { $0.facts.amount.minorUnits }),
            .ints(rows.map { $0.facts.taxAmount.minorUnits }),
            .dates(rows.map { $0.facts.dueDate.daysSince1970 }),
            .optionalInts(rows.map { $0.facts.sourceID?.rawValue }), .texts(rows.map { $0.status.rawValue }),
        ]
    }
}

/// Allocations: begun, and ended by a reversal, a decline or a refund.
private enum AllocationWriting {
    static let insertion = Statement(
        "allocation.insert",
        """
        insert into allocations (account_id, create_date, customer_id, source_id, target_id, amount)
        select $1, $2, n.*
          from unnest($3, $4, $5, $6) as n
        """)
    /// A clock that was set back does not end anything before it began.
    static let ending = Statement(
        "allocation.end",
        """
        update allocations
           set end_date = greatest(create_date, $2)
         where account_id = $1 and allocation_id = any ($3)
        """)

    static func columns(_ rows: [NewAllocation]) -> [Parameter] {
        [
            .ints(rows.map { $0.customerID.rawValue }), .ints(rows.map { $0.sourceID.rawValue }),
            .ints(rows.map { $0.targetID.rawValue }), .ints(rows.map { $0.amount.minorUnits }),
        ]
    }
}
