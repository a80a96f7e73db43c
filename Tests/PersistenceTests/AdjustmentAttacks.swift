// Attacks on the adjustments of subscriptions.
extension ConstraintTests {
    /// A pending adjustment; `values` are type, effective date, end date, length.
    static func adjustment(_ customer: Int, _ values: String, account: Int = 2001) -> String {
        """
        insert into subscription_adjustments (account_id, customer_id, subscription_id, creator_code, create_date, type,
               effective_date, end_date, length, due_on)
        select \(account), \(customer), \(customer + 200), 'api-x', '2026-01-31 12:00Z', v.type, v.day::date, v.last::date, v.length::integer,
               v.day::date
          from (values (\(values))) as v (type, day, last, length)
        """
    }

    /// Subscription 204, never billed, is paused from its first billing date on.
    private static let paused204 = """
        \(adjustment(4, "'P', '2026-01-31', null, null"));
        update subscription_adjustments set state = 'effective', due_on = null where subscription_id = 204;
        update subscriptions set status = 'P', next_billing_date = null where subscription_id = 204
        """
    /// Its first cycle is billed.
    private static let billed204 = """
        with t as (insert into transactions (account_id, transaction_id, customer_id, type, amount, tax_amount, due_date,
               subscription_id, cycle_number, create_date)
               values (2001, 191, 4, 'RI', 5000, 400, '2026-01-31', 204, 1, now()))
        insert into ledger_entries
        values (2001, 191, 1, 4, '2026-01-31', 'receivable', 'revenue:recurring', 4600),
               (2001, 191, 2, 4, '2026-01-31', 'receivable', 'tax-payable', 400);
        update subscriptions set status = 'C', next_cycle = 2, billed_count = 1, last_billing_date = '2026-01-31',
               next_billing_date = '2026-02-28' where subscription_id = 204
        """

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
            // What was frozen stays so when the freeze is over.
            Attack(
                "e", role, "subscription_adjustments_in_step",
                """
                \(adjustment(4, "'F', '2026-01-31', '2026-01-31', 1"));
                update subscription_adjustments set state = 'effective', due_on = '2026-02-28' where subscription_id = 204;
                update subscriptions set status = 'F' where subscription_id = 204;
                update subscription_adjustments set state = 'ended', due_on = null where subscription_id = 204;
                update subscriptions set status = 'C' where subscription_id = 204;
                \(billed204)
                """),
            Attack(
                "e", role, "transactions_of_cycle",
                """
                \(paused204);
                update subscription_adjustments set state = 'ended', end_date = '2026-01-31' where subscription_id = 204;
                update subscriptions set status = 'U', next_billing_date = '2026-01-31' where subscription_id = 204;
                \(billed204)
                """),
            // Current without a bill.
            Attack(
                "g", role, "subscriptions_in_step",
                """
                \(paused204);
                update subscription_adjustments set state = 'ended', end_date = '2026-01-31' where subscription_id = 204;
                update subscriptions set status = 'C', next_cycle = 2, next_billing_date = '2026-02-28'
                 where subscription_id = 204
                """),
            Attack(
                "g", role, "subscription_adjustments_in_step",
                """
                update subscriptions set status = 'F' where subscription_id = 204;
                update subscriptions set status = 'C' where subscription_id = 204
                """),
        ] + adjustingTooFar(role)
    }

    /// Dates of subscription 202 (cycle 2 on 2026-02-28) that do not go with what is scheduled; adjustments ahead of their day.
    private static func adjustingTooFar(_ role: String) -> [Attack] {
        let cancelled = { (day: String) in
            "\(adjustment(2, "'C', '\(day)', null, null")); "
                + "update subscriptions set next_billing_date = null where subscription_id = 202"
        }
        let moved = { (values: String, state: String) in
            "\(adjustment(2, values)); update subscription_adjustments set state = \(state), due_on = null where subscription_id = 202"
        }
        return [
            Attack(
                "e", role, "subscriptions_in_step",
                cancelled("2026-02-28")
                    + "; update subscriptions set next_billing_date = '2026-02-28' where subscription_id = 202"
            ),
            Attack("e", role, "subscriptions_in_step", cancelled("2031-01-31")),
            Attack(
                "e", role, "subscription_adjustments_in_step",
                moved("'P', '2031-01-31', null, null", "'effective'")
                    + "; update subscriptions set status = 'P', next_billing_date = null where subscription_id = 202"
            ),
            Attack(
                "e", role, "subscription_adjustments_in_step",
                moved("'F', '2026-02-28', '2026-02-28', 1", "'ended'")
                    + "; update subscriptions set next_cycle = 3, next_billing_date = '2026-03-31' where subscription_id = 202"
            ),
            Attack(
                "e", role, "subscription_adjustments_in_step",
                moved("'P', '2026-01-31', null, null", "'ended', end_date = '2026-03-15'")
                    + "; update subscriptions set next_cycle = 3, next_billing_date = '2026-03-31' where subscription_id = 202"
            ),
            Attack(
                "e", role, "subscription_adjustments_in_step",
                moved("'P', '2026-01-01', null, null", "'ended', end_date = '2026-01-31'")),
            Attack(
                "e", role, "subscription_adjustments_due",
                """
                insert into subscription_adjustments (account_id, customer_id, subscription_id, creator_code, create_date, type,
                       effective_date, end_date, length)
                values (2001, 2, 202, 'api-x', '2026-01-31 12:00Z', 'F', '2026-02-28', '2026-02-28', 1)
                """),
            // The fee of a freeze is what the account asks for: nothing.
            Attack(
                "e", role, "transactions_of_cycle",
                """
                \(adjustment(2, "'F', '2026-02-28', '2026-02-28', 1"));
                with t as (insert into transactions (account_id, transaction_id, customer_id, type, amount, due_date, subscription_id,
                       cycle_number, adjustment_id, create_date)
                       values (2001, 192, 2, 'RI', 999, '2026-02-28', 202, 2, currval('adjustment_ids'), now()))
                insert into ledger_entries
                values (2001, 192, 1, 2, '2026-01-31', 'receivable', 'revenue:recurring', 999)
                """),
        ]
    }
}
