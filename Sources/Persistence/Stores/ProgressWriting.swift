internal import Domain
internal import Postgres

/// What moves on when money moved: attempts, the collecting of invoices, subscriptions, payment options.
///
/// Where a batch names a row more than once, the last word counts. Attempts and subscriptions are locked by the caller;
/// each is looked up by its key (`lateral … offset 0` leaves the planner no other way, however old its statistics) and
/// changed where it was found.
enum ProgressWriting {
    /// Attempts that have their answer. Settling one twice is refused by `attempts_state_moves`.
    static let settling = Statement(
        "attempt.settle",
        """
        update attempts p
           set outcome = n.outcome, response_code = n.code, response_message = n.message,
               approval_code = n.approval_code, gateway_transaction_id = n.gateway_transaction_id,
               approved_amount = n.approved_amount, response_date = n.response_date,
               next_attempt_date = n.next_attempt_date, settled_on = $11
          from (select n.*, k.place
                  from unnest($2, $3, $4, $5, $6, $7, $8, $9, $10)
                       as n (transaction_id, outcome, code, message, approval_code, gateway_transaction_id,
                             approved_amount, response_date, next_attempt_date)
                 cross join lateral (
                       select x.ctid as place from attempts x
                        where x.account_id = $1 and x.transaction_id = n.transaction_id offset 0) k) n
         where p.ctid = n.place
        """)
    /// Where the collecting of invoices stands.
    static let collecting = Statement(
        "collection.put",
        """
        insert into collections as c (account_id, invoice_id, customer_id, subscription_id, state, collect_on, tries,
               retries)
        select $1, n.*
          from unnest($2, $3, $4, $5, $6, $7, $8) as n
        on conflict on constraint collections_key do update
           set state = excluded.state, collect_on = excluded.collect_on, tries = excluded.tries,
               retries = excluded.retries
        """)
    /// How far subscriptions have come.
    static let billing = Statement(
        "subscription.advance",
        """
        update subscriptions s
           set status = n.status, next_cycle = n.next_cycle, next_billing_date = n.next_billing_date,
               last_billing_date = n.last_billing_date, billed_count = n.billed_count, version = s.version + 1
          from (select n.*, k.place
                  from unnest($2, $3, $4, $5, $6, $7)
                       as n (subscription_id, status, next_cycle, next_billing_date, last_billing_date, billed_count)
                 cross join lateral (
                       select x.ctid as place from subscriptions x
                        where x.account_id = $1 and x.subscription_id = n.subscription_id offset 0) k) n
         where s.ctid = n.place
        """)
    /// Options that were declined.
    static let declining = Statement(
        "payment_option.decline",
        """
        update payment_options o
           set last_decline_code = n.code, last_decline_date = $2, is_active = o.is_active and not n.is_hard,
               version = o.version + 1
          from unnest($3, $4, $5) as n (payment_option_id, code, is_hard)
         where o.account_id = $1 and o.payment_option_id = n.payment_option_id
        """)

    /// Settlements, a column each.
    static func settlements(_ rows: [Settlement]) -> [Parameter] {
        [
            .ints(rows.map { $0.attemptID }), .texts(rows.map { $0.outcome.name }),
            .optionalTexts(rows.map { $0.outcome.response?.code }), .texts(rows.map { $0.outcome.message }),
            .optionalTexts(rows.map { $0.outcome.response?.approvalCode }),
            .optionalTexts(rows.map { $0.outcome.response?.gatewayTransactionID }),
            .optionalInts(rows.map { $0.outcome.response?.approvedAmount.minorUnits }),
            .optionalTimestamps(rows.map { $0.outcome.response?.date.microsecondsSince1970 }),
            .optionalDates(rows.map { $0.nextAttemptDate?.daysSince1970 }),
        ]
    }

    /// Collections, a column each.
    static func collections(_ all: [InvoiceCollection]) -> [Parameter] {
        let rows = last(all) { $0.invoiceID }
        return [
            .ints(rows.map { $0.invoiceID.rawValue }), .ints(rows.map { $0.customerID.rawValue }),
            .optionalInts(rows.map { $0.subscriptionID?.rawValue }), .texts(rows.map { $0.state.rawValue }),
            .optionalDates(rows.map { $0.collectOn?.daysSince1970 }),
            .int32s(rows.map { Int32($0.tries) }), .int32s(rows.map { Int32($0.retries) }),
        ]
    }

    /// Subscriptions' progress, a column each.
    static func progress(_ all: [(id: Identifier<Subscription>, to: SubscriptionProgress)]) -> [Parameter] {
        let rows = last(all) { $0.id }
        return [
            .ints(rows.map { $0.id.rawValue }), .texts(rows.map { $0.to.status.rawValue }),
            .int32s(rows.map { Int32($0.to.nextCycle) }),
            .optionalDates(rows.map { $0.to.nextBillingDate?.daysSince1970 }),
            .optionalDates(rows.map { $0.to.lastBillingDate?.daysSince1970 }),
            .int32s(rows.map { Int32($0.to.billedCount) }),
        ]
    }

    /// Declined options, a column each: one hard decline among several counts.
    static func declines(_ all: [(id: Identifier<PaymentOption>, code: String, isHard: Bool)]) -> [Parameter]
    {
        let hard = Set(all.filter { $0.isHard }.map { $0.id })
        let rows = last(all) { $0.id }
        return [
            .ints(rows.map { $0.id.rawValue }), .texts(rows.map { $0.code }),
            .bools(rows.map { hard.contains($0.id) }),
        ]
    }

    /// The last row of each key, in the order of the keys' first.
    private static func last<Item, Key: Hashable>(_ all: [Item], by key: (Item) -> Key) -> [Item] {
        var places: [Key: Int] = [:]
        places.reserveCapacity(all.count)
        var kept: [Item] = []
        kept.reserveCapacity(all.count)
        for item in all {
            if let place = places[key(item)] {
                kept[place] = item
            } else {
                places[key(item)] = kept.count
                kept.append(item)
            }
        }
        return kept
    }
}

extension Settlement.Outcome {
    /// As `attempts.outcome` has it.
    fileprivate var name: String {
        switch self {
        case .approved: "approved"
        case .declined: "declined"
        case .abandoned: "abandoned"
        }
    }

    /// What the processor said; nil when it never received the attempt.
    fileprivate var response: ProcessorResponse? {
        switch self {
        case .approved(let response), .declined(let response): response
        case .abandoned: nil
        }
    }

    fileprivate var message: String {
        switch self {
        case .approved(let response), .declined(let response): response.message
        case .abandoned(let reason): reason
        }
    }
}
