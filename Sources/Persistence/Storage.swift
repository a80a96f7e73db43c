/// In which table and columns each field of the interface's objects is kept: for the documentation, which links them to the
/// schema. A test holds it against the live catalogue.
public enum Storage {
    /// The table of a class; nil where none keeps it.
    public static func table(of object: String) -> String? { places[object]?.table }

    /// The columns of a field, `column` or `table.column`; none where it is computed, never stored, or kept as rows of another
    /// class. A field without a line of its own is in the column of its name: `firstName` in `first_name`.
    public static func columns(of field: String, in object: String) -> [String] {
        guard let place = places[object] else { return [] }
        if let columns = place.columns[field] { return columns }
        return [underscored(field)]
    }

    /// The steps of the schema, in order: `0001 foundation`.
    public static var migrations: [String] { Migration.all.map(\.label) }

    private struct Place {
        let table: String
        var columns: [String: [String]] = [:]
    }

    private static let places: [String: Place] = [
        "Customer": Place(
            table: "customers",
            columns: [
                "id": ["customer_id"], "isActive": ["status"], "paymentOptions": [], "subscriptions": [],
            ]),
        "PaymentOption": Place(
            table: "payment_options",
            columns: [
                "id": ["payment_option_id"], "accountNumber": ["account_mask", "vault_entries.sealed"],
                "accountAccessory": ["accessory_shown", "vault_entries.sealed"], "csc": [], "token": [],
                "address": ["street1", "street2", "city", "state", "zip_code", "country_code"],
            ]),
        "Plan": Place(table: "plans", columns: ["id": ["plan_id"]]),
        "Subscription": Place(
            table: "subscriptions",
            columns: [
                "id": ["subscription_id"], "collectedCount": [], "firstInvoicingDate": [],
                "nextInvoicingDate": [], "pendingAdjustmentType": [], "adjustments": [],
            ]),
        "SubscriptionAdjustment": Place(
            table: "subscription_adjustments", columns: ["id": ["adjustment_id"]]),
        "Transaction": Place(
            table: "transactions",
            columns: [
                "id": ["transaction_id"], "accountNumber": ["account_mask"],
                "balance": ["open_items.balance"], "processingInfo": [],
            ]),
        "ProcessingInfo": Place(
            table: "attempts",
            columns: [
                "id": ["transaction_id"], "createDate": ["opened_at"], "accountNumber": ["account_mask"],
                "accountAccessory": ["accessory_shown"], "declineType": [],
            ]),
        "Allocation": Place(
            table: "allocations",
            columns: [
                "id": ["allocation_id"], "sourceTransactionType": ["transactions.type"],
                "targetTransactionType": ["transactions.type"],
            ]),
        "LedgerEntry": Place(
            table: "ledger_entries",
            columns: [
                "id": ["transaction_id", "line"], "date": ["entry_date"],
                "transactionType": ["transactions.type"], "transactionCode": ["transactions.code"],
                "sourceId": ["transactions.source_id"], "debitAccount": ["debit"],
                "creditAccount": ["credit"],
            ]),
        "User": Place(
            table: "service_users",
            columns: [
                "privileges": ["privilege"], "accountIds": ["service_user_accounts.account_id"],
                "temporaryPassword": ["temporary_passwords.digest"],
                "temporaryPasswordExpires": ["temporary_passwords.expires_at"],
            ]),
        "MerchantAccount": Place(table: "merchant_accounts", columns: ["id": ["account_id"]]),
        "Clock": Place(
            table: "merchant_accounts",
            columns: [
                "now": ["clock_at"], "businessDate": ["clock_at", "time_zone"], "isFrozen": ["clock_at"],
                "daysRun": [], "invoices": [], "payments": [], "declines": [], "fees": [],
                "amountCollected": [],
            ]),
    ]

    private static func underscored(_ name: String) -> String {
        var bytes: [UInt8] = []
        for byte in name.utf8 {
            if (65...90).contains(byte) {
                bytes.append(UInt8(ascii: "_"))
                bytes.append(byte + 32)
            } else {
                bytes.append(byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
