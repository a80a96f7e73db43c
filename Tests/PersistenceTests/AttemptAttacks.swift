extension ConstraintTests {
    /// (f): whatever an attempt names, in whichever column, no other open one names (spec 5.3).
    static func attacksOnAttempts(_ role: String) -> [Attack] {
        [
            Attack(
                "f", role, "attempts_one_open_a_debt",
                attempt(31, 1, "payment", more: "named_ids, ", "'{11}', ")),
            Attack(
                "f", role, "attempts_one_open_a_debt",
                attempt(31, 2, "payment", invoice: "21") + "; "
                    + attempt(32, 2, "payment", more: "fee_ids, ", "'{21}', ")),
            Attack(
                "f", role, "attempts_fees",
                attempt(31, 2, "payment", invoice: "21", more: "fee_ids, ", "'{21}', ")),
            Attack(
                "f", role, "attempts_fees_or_named",
                attempt(31, 2, "payment", invoice: "21", more: "fee_ids, named_ids, ", "'{21}', '{21}', ")
            ),
            Attack(
                "f", role, "attempts_named",
                attempt(31, 2, "payment", invoice: "21", more: "named_ids, ", "'{11}', ")),
            Attack(
                "f", role, "attempts_named",
                attempt(31, 2, "payment", invoice: "21", more: "invoice_list, ", "'21, 22', ")),
            Attack("f", role, "attempts_named", attempt(31, 1, "payment", invoice: "12")),
            Attack(
                "f", role, "attempts_state_moves",
                "update attempts set sendings = 0 where transaction_id = 13"),
            Attack(
                "f", role, "attempts_sendings",
                attempt(31, 2, "payment", more: "sendings, ", "0, ")),
        ]
    }
}
