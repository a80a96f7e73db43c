public import Domain
internal import Postgres

// Adjustments of subscriptions: freezes, cancellations, pauses.
extension PostgresStore {
    private static let list = Statement(
        "adjustment.find",
        """
        select \(AdjustmentRow.columns)
          from subscription_adjustments j
          join merchant_accounts a on a.account_id = j.account_id
         where j.account_id = $1 and j.subscription_id = $2 and j.adjustment_id > $3
         order by j.adjustment_id
         limit $4 offset $5
        """)
    static let deciding = Statement(
        "adjustment.deciding",
        """
        select \(AdjustmentRow.columns), j.subscription_id
          from unnest($2) as n (subscription_id)
         cross join lateral (
               select * from subscription_adjustments f
                where f.account_id = $1 and f.subscription_id = n.subscription_id
                  and (f.state in ('pending', 'effective')
                       or f.state = 'ended'
                          and f.end_date >= (select coalesce(s.last_billing_date, s.first_billing_date)
                                               from subscriptions s
                                              where s.account_id = $1 and s.subscription_id = n.subscription_id))
               offset 0) j
          join merchant_accounts a on a.account_id = $1
         order by j.adjustment_id
        """)
    private static let insert = Statement(
        "adjustment.insert",
        """
        insert into subscription_adjustments (account_id, customer_id, subscription_id, type, effective_date, end_date,
               length, note, creator_code, due_on, create_date)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $5, $10)
        returning adjustment_id
        """)

    /// Finds the adjustments of a subscription by id.
    public func adjustments(
        of subscription: Identifier<Subscription>, account: Int64, _ page: Page
    ) throws -> Found<SubscriptionAdjustment> {
        guard accounts.contains(account) else { return Found([], page: page) }
        let rows = try connection.rows(
            Self.list,
            [
                .int(account), .id(subscription), .int(page.after ?? 0), .int(Int64(page.limit) + 1),
                .int(Int64(page.offset)),
            ])
        return Found(rows.map { AdjustmentRow.adjustment($0) }, page: page)
    }

    /// Reads those that are pending or in force, and those that are over but whose days reach to the last bill or beyond: of a cycle after
    /// it they still decide.
    public func decidingAdjustments(
        of subscriptions: [Identifier<Subscription>], account: Int64
    ) throws -> [Identifier<Subscription>: [SubscriptionAdjustment]] {
        guard accounts.contains(account), !subscriptions.isEmpty else { return [:] }
        var deciding: [Identifier<Subscription>: [SubscriptionAdjustment]] = [:]
        for row in try connection.rows(Self.deciding, [.int(account), .ids(subscriptions)]) {
            deciding[row.identifier(AdjustmentRow.count), default: []].append(AdjustmentRow.adjustment(row))
        }
        return deciding
    }

    /// Inserts a pending adjustment.
    public func insertAdjustment(
        _ adjustment: SubscriptionAdjustment, of subscription: Subscription, at moment: Moment
    ) throws -> Identifier<SubscriptionAdjustment> {
        try connection.rows(
            Self.insert,
            [
                .int(subscription.accountID), .id(subscription.customerID), .id(subscription.id),
                .text(adjustment.kind.rawValue), .day(adjustment.effectiveDate), .day(adjustment.endDate),
                .int(adjustment.length.map(Int64.init)), .text(adjustment.note),
                .text(adjustment.creatorCode), .instant(moment.now),
            ])[0].identifier(0)
    }
}

/// How an adjustment is read.
enum AdjustmentRow {
    /// The columns, from the adjustment under the alias `j` and its account under `a`; as many as ``count``.
    static let columns = """
        j.adjustment_id, j.create_date at time zone a.time_zone at time zone 'UTC' as created, j.type,
               j.effective_date, j.end_date, j.length, j.note, j.creator_code, j.state
        """
    /// How many columns these are.
    static let count = 9

    /// The adjustment.
    static func adjustment(_ row: Row) -> SubscriptionAdjustment {
        SubscriptionAdjustment(
            id: row.identifier(0), createDate: row.localDateTime(1), kind: row.code(2),
            effectiveDate: row.date(3), endDate: row.optionalDate(4),
            length: row.optionalInt(5).map { Int($0) }, note: row.optionalText(6), creatorCode: row.text(7),
            state: row.code(8))
    }
}

/// How far adjustments have come.
enum AdjustmentWriting {
    /// Adjustments that began, ended or were withdrawn; each is locked with its subscription.
    static let moving = Statement(
        "adjustment.move",
        """
        update subscription_adjustments j
           set state = n.state, end_date = n.end_date, due_on = n.due_on,
               ended_by = coalesce(n.ended_by, j.ended_by), end_note = coalesce(n.end_note, j.end_note)
          from (select n.*, k.place
                  from unnest($2, $3, $4, $5, $6, $7)
                       as n (adjustment_id, state, end_date, due_on, ended_by, end_note)
                 cross join lateral (
                       select x.ctid as place from subscription_adjustments x
                        where x.account_id = $1 and x.adjustment_id = n.adjustment_id offset 0) k) n
         where j.ctid = n.place
        """)

    /// The adjustments, a column each.
    static func columns(_ rows: [(adjustment: SubscriptionAdjustment, dueOn: CalendarDate?)]) -> [Parameter] {
        [
            .ints(rows.map { $0.adjustment.id.rawValue }), .texts(rows.map { $0.adjustment.state.rawValue }),
            .optionalDates(rows.map { $0.adjustment.endDate?.daysSince1970 }),
            .optionalDates(rows.map { $0.dueOn?.daysSince1970 }),
            .optionalTexts(rows.map { $0.adjustment.endedBy }),
            .optionalTexts(rows.map { $0.adjustment.endNote }),
        ]
    }
}
