internal import Domain
internal import Postgres

/// How a transaction is read, with its balance and with what its processor said: to its attempt, or in a notice later.
enum TransactionRow {
    /// Stands where a table would, under the alias `x`. No `coalesce` in a condition on a key: behind row-level security the server looks
    /// through the whole account then. A `case` is known to leak nothing, and finds the row.
    static let source = joined("left join")
    /// The same with open items only.
    static let openSource = joined("join")

    private static func joined(_ join: String) -> String {
        """
        (select t.account_id, t.transaction_id, t.customer_id, t.create_date, t.type, t.code, t.account_type,
                t.account_mask, t.amount, t.tax_amount, t.fee_amount, t.due_date, t.subscription_id, t.cycle_number,
                t.source_id, t.attempt_id, t.adjustment_id, t.invoice_list, t.creator_code, t.note, t.status,
                coalesce(o.balance, 0) as balance, p.create_date as asked, p.holder_name,
                p.account_mask as asked_mask, p.accessory_shown, p.token, p.street, p.city, p.state, p.zip_code,
                p.address, p.phone, p.email, coalesce(n.code, p.response_code) as response_code,
                coalesce(n.message, p.response_message) as response_message,
                coalesce(n.create_date, p.response_date) as response_date,
                case when n.code is null then p.approval_code end as approval_code,
                p.gateway_transaction_id, p.attempt_number, coalesce(n.next_attempt_date, p.next_attempt_date) as next_attempt_date,
                p.transaction_id as asked_id
           from transactions t
           \(join) open_items o on o.account_id = t.account_id and o.customer_id = t.customer_id
             and o.transaction_id = t.transaction_id
           left join lateral (
                select * from processor_notices k
                 where k.account_id = t.account_id and k.transaction_id = t.transaction_id offset 0) n on true
           left join lateral (
                select * from attempts k
                 where k.account_id = t.account_id and k.transaction_id = case when t.attempt_id is null then n.attempt_id else t.attempt_id end
                offset 0) p on true)
        """
    }
    /// The columns, from ``source`` under the alias `x` and its account under `a`.
    static let columns = """
        x.transaction_id, x.account_id, x.customer_id,
               x.create_date at time zone a.time_zone at time zone 'UTC' as created, x.type, x.code, x.account_type,
               x.account_mask, x.amount, x.tax_amount, x.fee_amount, x.due_date, x.subscription_id, x.cycle_number,
               x.source_id, x.attempt_id, x.adjustment_id, x.invoice_list, x.creator_code, x.note, x.status,
               x.balance, x.asked at time zone a.time_zone at time zone 'UTC' as asked, x.holder_name, x.asked_mask,
               x.accessory_shown, x.token, x.street, x.city, x.state, x.zip_code, x.address, x.phone, x.email,
               x.response_code, x.response_message,
               x.response_date at time zone a.time_zone at time zone 'UTC' as responded, x.approval_code,
               x.gateway_transaction_id, x.attempt_number, x.next_attempt_date, x.asked_id
        """

    /// The transaction.
    static func transaction(_ row: Row) -> Transaction {
        var facts = TransactionFacts(type: row.code(4), amount: row.money(8), dueDate: row.date(11))
        facts.code = row.optionalText(5)
        facts.accountType = row.isNull(6) ? nil : row.code(6) as AccountType
        facts.accountMask = row.optionalText(7)
        facts.taxAmount = row.money(9)
        facts.feeAmount = row.money(10)
        facts.subscriptionID = row.optionalIdentifier(12)
        facts.cycleNumber = row.optionalInt(13).map { Int($0) }
        facts.sourceID = row.optionalIdentifier(14)
        facts.attemptID = row.optionalInt(15)
        facts.adjustmentID = row.optionalInt(16)
        facts.invoiceList = row.optionalText(17)
        facts.creatorCode = row.optionalText(18)
        facts.note = row.optionalText(19)
        return Transaction(
            id: row.identifier(0), accountID: row.int(1), customerID: row.identifier(2),
            createDate: row.localDateTime(3), facts: facts, balance: row.money(21), status: row.code(20),
            processing: row.optionalInt(41).map { outcome($0, row) })
    }

    private static func outcome(_ attempt: Int64, _ row: Row) -> ProcessingOutcome {
        var outcome = ProcessingOutcome(
            id: attempt, createDate: row.localDateTime(22), holderName: row.text(23),
            accountMask: row.text(24), accessoryShown: row.text(25), attemptNumber: Int(row.int(39)))
        outcome.token = row.optionalText(26)
        outcome.street = row.optionalText(27)
        outcome.city = row.optionalText(28)
        outcome.state = row.optionalText(29)
        outcome.zipCode = row.optionalText(30)
        outcome.address = row.optionalText(31)
        outcome.phone = row.optionalText(32)
        outcome.email = row.optionalText(33)
        outcome.responseCode = row.optionalText(34)
        outcome.responseMessage = row.optionalText(35)
        outcome.responseDate = row.optionalLocalDateTime(36)
        outcome.approvalCode = row.optionalText(37)
        outcome.gatewayTransactionID = row.optionalText(38)
        outcome.nextAttemptDate = row.optionalDate(40)
        return outcome
    }
}
