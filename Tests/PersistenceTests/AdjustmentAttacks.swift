// Attacks on the adjustments of subscriptions.
extension ConstraintTests {
    /// A pending adjustment; `values` are type, effective date, end date, length.
    static func adjustment(_ customer: Int, _ values: String, account: Int = 2001) -> String {
        """
        insert into subscription_adjustments (account_id, customer_id, subscription_id, creator_code, create_date, type,
               effective_date, end_date, length, due_on)
        select \(account), \(customer), \(customer + 200), 'api-x', now(), v.type, v.day::date, v.last::date, v.length::integer,
               v.day::date
          from (values (\(values))) as v (type, day, last, length)
        """
    }

    /// What both roles of the program are refused about adjustments (spec 5.7).
    static let adjusting: [Attack] = ["billing_api", "billing_jobs"].flatMap { role in
        [
            Attack(
                "e", role, "subscription_adjustments_no_overlap",
                """
                update subscription_adjustments set state = 'effective', due_on = '2026-06-30' where adjustment_id = 52;
                \(adjustment(1, "'F', '2026-05-31', '2026-05-31', 1"))
                """),
            Attack(
                "e", role, "subscription_adjustments_one_pending",
                adjustment(1, "'P', '2026-08-01', null, null")),
            Attack(
                "e", role, "subscription_adjustments_one_cancellation",
                adjustment(3, "'C', '2026-08-01', null, null")),
            Attack(
                "e", role, "subscription_adjustments_freeze_whole",
                adjustment(2, "'F', '2026-08-01', null, null")),
            Attack(
                "e", role, "subscription_adjustments_open_end",
                adjustment(2, "'P', '2026-08-01', '2026-09-01', null")),
            Attack(
                "e", role, "subscription_adjustments_due",
                "update subscription_adjustments set state = 'effective', due_on = null where adjustment_id = 52"
            ),
            Attack(
                "e", role, "subscription_adjustments_moves",
                """
                update subscription_adjustments set state = 'pending', due_on = effective_date where adjustment_id = 51
                """),
            Attack(
                "e", role, "subscription_adjustments_moves",
                """
                update subscription_adjustments set state = 'effective', due_on = '2026-08-31', end_date = '2026-07-31'
                 where adjustment_id = 52
                """),
            Attack("e", role, "42501", "delete from subscription_adjustments"),
            Attack(
                "e", role, "42501",
                "update subscription_adjustments set creator_code = 'api-y' where adjustment_id = 52"),
        ]
    }
}
