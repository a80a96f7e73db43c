internal import Domain
internal import Postgres

/// What each failure of the database stands for: the only place that knows.
enum FailureTable {
    /// What a constraint refuses, where a request can reach it: the code, the sentence and the field.
    static let refusals: [String: Fault] = [
        // A caller's code exists. The stores find the owner and name it; these stand for what slips past them.
        "customers_code": Fault(.duplicate, "a customer with this code exists already", field: "code"),
        "payment_options_code": Fault(
            .duplicate, "a payment option with this code exists already", field: "code"),
        "plans_code": Fault(.duplicate, "a plan with this code exists already", field: "code"),
        "subscriptions_code": Fault(
            .duplicate, "a subscription with this code exists already", field: "code"),
        "transaction_codes_key": Fault(
            .duplicate, "a transaction with this code exists already", field: "code"),

        // What the rules refuse before, with the dates.
        "subscription_adjustments_no_overlap": Fault(
            .stateForbids, "the subscription is frozen then already: freezes must not overlap",
            field: "effectiveDate"),
        "subscription_adjustments_one_pending": Fault(
            .stateForbids, "another freeze or pause, or a cancellation, is scheduled already"),
        "subscription_adjustments_one_pause": Fault(.stateForbids, "the subscription is paused already"),
        "subscription_adjustments_one_cancellation": Fault(
            .stateForbids, "the subscription is cancelled already"),

        // Two requests at once.
        "attempts_one_open_an_invoice": Fault(
            .outcomeOpen, "another attempt to collect this invoice is open: its outcome comes first"),
        "attempts_one_open_a_debt": Fault(
            .outcomeOpen, "another attempt to collect this invoice or fee is open: its outcome comes first"),
        "attempts_one_open_a_source": Fault(
            .outcomeOpen, "another refund or void of this transaction is open: its outcome comes first"),
        "transactions_one_reversal": Fault(.stateForbids, "the transaction was reversed already"),
        "refunds_within_payment": Fault(
            .amountTooLarge, "the refunds of a payment cannot exceed it", field: "amount"),
        "subscriptions_status_moves": Fault(
            .stateForbids, "the subscription's status does not allow this move"),

        // Merchant accounts and service users, written by the operator's commands.
        "merchant_accounts_key": Fault(.duplicate, "this merchant account exists already", field: "id"),
        "merchant_accounts_id_range": Fault(
            .valueNotAllowed, "id must be from 1 to 2147483647", field: "id"),
        "merchant_accounts_name_length": Fault(
            .valueNotAllowed, "name must have 1 to 255 characters", field: "name"),
        "merchant_accounts_mode": Fault(
            .valueNotAllowed, "mode must be one of sandbox, live", field: "mode"),
        "merchant_accounts_time_zone": Fault(
            .valueNotAllowed, "timeZone must be an IANA name such as America/New_York", field: "timeZone"),
        "merchant_accounts_currency": Fault(
            .valueNotAllowed, "currency must be a code of ISO 4217", field: "currency"),
        "merchant_accounts_processor": Fault(
            .valueNotAllowed, "processor must have 1 to 30 characters a-z, 0-9 and -", field: "processor"),
        "merchant_accounts_algorithm": Fault(
            .valueNotAllowed, "balancingAlgorithm must be one of AB, IF", field: "balancingAlgorithm"),
        "merchant_accounts_lead": Fault(
            .valueNotAllowed, "invoiceLeadDays must be from 0 to 60", field: "invoiceLeadDays"),
        "merchant_accounts_close_sales": Fault(
            .valueNotAllowed, "closeSalesDays must be from 0 to 30", field: "closeSalesDays"),
        "merchant_accounts_retry_days": Fault(
            .valueNotAllowed, "retryDays must be at most 20 numbers from 1 to 365", field: "retryDays"),
        "merchant_accounts_exhausted": Fault(
            .valueNotAllowed, "onRetriesExhausted must be one of none, pause, cancel",
            field: "onRetriesExhausted"),
        "merchant_accounts_late_fee": amount("lateFeeAmount"),
        "merchant_accounts_soft_decline_fee": amount("softDeclineFee"),
        "merchant_accounts_hard_decline_fee": amount("hardDeclineFee"),
        "merchant_accounts_retry_fee": amount("retryFee"),
        "merchant_accounts_chargeback_fee": amount("chargebackFee"),
        "merchant_accounts_enrollment_fee": amount("enrollmentFee"),
        "merchant_accounts_cancellation_fee": amount("cancellationFee"),
        "merchant_accounts_freeze_flat_fee": amount("freezeFlatFee"),
        "merchant_accounts_freeze_recurring_fee": amount("freezeRecurringFee"),
        "merchant_accounts_late_fee_grace": Fault(
            .valueNotAllowed, "lateFeeGraceDays must be from 0 to 3650", field: "lateFeeGraceDays"),
        "merchant_accounts_write_off": Fault(
            .valueNotAllowed, "writeOffDays must be from 0 to 36500", field: "writeOffDays"),
        "merchant_accounts_claim_return": Fault(
            .valueNotAllowed, "claimReturnDays must be from 0 to 365", field: "claimReturnDays"),
        "merchant_accounts_only_sandbox_clocks_move": Fault(
            .stateForbids, "only the clock of a sandbox account can be moved"),
        "service_users_key": Fault(.duplicate, "this service user exists already", field: "userName"),
        "service_users_name": Fault(
            .valueNotAllowed, "userName must begin with api- and go on with 1 to 56 of A-Z a-z 0-9 . _ -",
            field: "userName"),
        "service_users_privilege": Fault(
            .valueNotAllowed, "privilege must be one of management-api, management-api-read",
            field: "privilege"),
        "service_user_accounts_account": Fault(
            .notFound, "there is no such merchant account", field: "accountId"),
        "service_user_accounts_user": Fault(.notFound, "there is no such service user", field: "userName"),
    ]

    /// The error to throw out of a transaction in place of a failure of the database.
    static func error(for failure: DatabaseFailure) -> any Error {
        switch failure.kind {
        case .outcomeUnknown: return OutcomeUnknown(failure)
        case .constraint("login_has_changed"): return LoginChanged()
        case .constraint(let name):
            if let fault = refusals[name] { return Refusal([fault]) }
            return DatabaseTrouble(failure)
        default: return DatabaseTrouble(failure)
        }
    }

    private static func amount(_ field: String) -> Fault {
        Fault(.valueNotAllowed, "\(field) must be from 0 to 99999999999", field: field)
    }
}
