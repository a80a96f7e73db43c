internal import Domain
internal import Postgres

/// How an open attempt is read: with all that the transaction which it becomes needs.
enum AttemptRow {
    /// The columns, from the attempt under the alias `p`.
    static let columns = """
        p.transaction_id, p.customer_id, p.kind, p.invoice_id, p.fee_ids, p.subscription_id, p.source_id,
               p.payment_option_id, p.amount, p.tax_amount, p.attempt_number, p.account_type, p.account_mask,
               p.accessory_shown, p.holder_name, p.token, p.street, p.city, p.state, p.zip_code, p.address, p.phone,
               p.email, p.code, p.due_date, p.invoice_list, p.creator_code, p.note, p.business_date,
               p.named_ids, p.sendings,
               coalesce((select true from transactions t
                          where t.account_id = p.account_id and t.customer_id = p.customer_id
                            and t.transaction_id = p.transaction_id and t.status = 'pending'), false) as is_shown,
               (select s.subscription_id from subscriptions s
                 where s.account_id = p.account_id and s.subscription_id = p.subscription_id
                   and \(FirstBill.isToCome("s"))) as held_for
        """

    /// The attempt.
    static func attempt(_ row: Row) -> OpenAttempt {
        var facts = NewAttempt(
            customerID: row.identifier(1), transactionID: row.identifier(0), kind: row.code(2),
            amount: row.money(8), accountType: row.code(11), accountMask: row.text(12),
            accessoryShown: row.text(13), holderName: row.text(14), dueDate: row.date(24))
        facts.invoiceID = row.optionalIdentifier(3)
        facts.feeIDs = row.ints(4).map { Identifier($0) }
        facts.subscriptionID = row.optionalIdentifier(5)
        facts.sourceID = row.optionalIdentifier(6)
        facts.paymentOptionID = row.optionalIdentifier(7)
        facts.taxAmount = row.money(9)
        facts.number = Int(row.int(10))
        facts.token = row.optionalText(15)
        facts.street = row.optionalText(16)
        facts.city = row.optionalText(17)
        facts.state = row.optionalText(18)
        facts.zipCode = row.optionalText(19)
        facts.address = row.optionalText(20)
        facts.phone = row.optionalText(21)
        facts.email = row.optionalText(22)
        facts.code = row.optionalText(23)
        facts.invoiceList = row.optionalText(25)
        facts.creatorCode = row.optionalText(26)
        facts.note = row.optionalText(27)
        facts.namedIDs = row.ints(29).map { Identifier($0) }
        var attempt = OpenAttempt(
            id: row.int(0), facts: facts, businessDate: row.date(28), isShownPending: row.bool(31))
        attempt.sendings = Int(row.int(30))
        attempt.heldFor = row.optionalIdentifier(32)
        return attempt
    }

    /// New attempts, a column each, as ``insertion`` takes them behind account, create date and business date.
    static func parameters(_ attempts: [NewAttempt]) -> [Parameter] {
        [
            .ints(attempts.map { $0.transactionID.rawValue }), .ints(attempts.map { $0.customerID.rawValue }),
            .texts(attempts.map { $0.kind.rawValue }), .optionalInts(attempts.map { $0.invoiceID?.rawValue }),
            .texts(attempts.map { list($0.feeIDs.map(\.rawValue)) }),
            .optionalInts(attempts.map { $0.subscriptionID?.rawValue }),
            .optionalInts(attempts.map { $0.sourceID?.rawValue }),
            .optionalInts(attempts.map { $0.paymentOptionID?.rawValue }),
            .ints(attempts.map { $0.amount.minorUnits }), .ints(attempts.map { $0.taxAmount.minorUnits }),
            .int32s(attempts.map { Int32($0.number) }), .texts(attempts.map { $0.accountType.rawValue }),
            .texts(attempts.map { $0.accountMask }), .texts(attempts.map { $0.accessoryShown }),
            .texts(attempts.map { $0.holderName }), .optionalTexts(attempts.map { $0.token }),
            .optionalTexts(attempts.map { $0.street }), .optionalTexts(attempts.map { $0.city }),
            .optionalTexts(attempts.map { $0.state }), .optionalTexts(attempts.map { $0.zipCode }),
            .optionalTexts(attempts.map { $0.address }), .optionalTexts(attempts.map { $0.phone }),
            .optionalTexts(attempts.map { $0.email }), .optionalTexts(attempts.map { $0.code }),
            .dates(attempts.map { $0.dueDate.daysSince1970 }),
            .optionalTexts(attempts.map { $0.invoiceList }),
            .optionalTexts(attempts.map { $0.creatorCode }), .optionalTexts(attempts.map { $0.note }),
            .texts(attempts.map { list($0.openAmounts.map(\.minorUnits)) }),
            .optionalInts(attempts.map { $0.owed?.minorUnits }),
            .texts(attempts.map { list($0.namedIDs.map(\.rawValue)) }),
        ]
    }

    /// Stores new attempts, open.
    static let insertion = Statement(
        "attempt.insert",
        """
        insert into attempts (account_id, create_date, business_date, transaction_id, customer_id, kind, invoice_id,
               fee_ids, subscription_id, source_id, payment_option_id, amount, tax_amount, attempt_number,
               account_type, account_mask, accessory_shown, holder_name, token, street, city, state, zip_code,
               address, phone, email, code, due_date, invoice_list, creator_code, note, open_amounts, owed,
               named_ids)
        select $1, $2, $3, n.transaction_id, n.customer_id, n.kind, n.invoice_id, n.fee_ids::bigint[],
               n.subscription_id, n.source_id, n.payment_option_id, n.amount, n.tax_amount, n.attempt_number,
               n.account_type, n.account_mask, n.accessory_shown, n.holder_name, n.token, n.street, n.city, n.state,
               n.zip_code, n.address, n.phone, n.email, n.code, n.due_date, n.invoice_list, n.creator_code, n.note,
               n.open_amounts::bigint[], n.owed, n.named_ids::bigint[]
          from unnest($4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23,
                      $24, $25, $26, $27, $28, $29, $30, $31, $32, $33, $34)
               as n (transaction_id, customer_id, kind, invoice_id, fee_ids, subscription_id, source_id,
                     payment_option_id, amount, tax_amount, attempt_number, account_type, account_mask,
                     accessory_shown, holder_name, token, street, city, state, zip_code, address, phone, email, code,
                     due_date, invoice_list, creator_code, note, open_amounts, owed, named_ids)
        """)

    /// An array as PostgreSQL writes it: arrays of different lengths do not fit into one array of arrays.
    private static func list(_ numbers: [Int64]) -> String {
        "{" + numbers.map { $0.description }.joined(separator: ",") + "}"
    }
}
