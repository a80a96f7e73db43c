extension FailureTable {
    /// Constraints that no request reaches, because the rules or the decoding refuse before: one that refuses all the
    /// same shows a fault of the program (S01).
    ///
    /// Each constraint of the schema is here or in ``refusals``: a test compares both with the catalogue.
    static let internalConstraints = Set(
        """
        account_policies_account account_policies_append_only account_policies_key account_policies_version \
        merchant_accounts_policy_version transactions_policy_version transactions_policy_version_unchanged \
        account_rounds_account account_rounds_key allocations_amount allocations_append_only allocations_ends_after_begin allocations_key \
        allocations_unchanged allocations_within_balance attempts_amount attempts_append_only \
        attempts_approved_amount attempts_begin_open attempts_code attempts_customer attempts_invoice \
        attempts_key attempts_kind attempts_number attempts_option attempts_outcome \
        attempts_response_code attempts_settled_have_answers attempts_source attempts_state_moves \
        attempts_tax audit_log_account audit_log_append_only audit_log_key billing_migrations_key \
        collections_due_has_a_day collections_invoice collections_key collections_retries \
        collections_state collections_tries customers_account customers_balance_by_ledger \
        customers_city customers_code_form customers_country_code customers_email customers_first_name \
        customers_key customers_last_name customers_note customers_organization_name customers_phone \
        customers_state customers_status customers_street customers_street2 customers_zip_code \
        failed_logins_key idempotency_keys_answer_whole idempotency_keys_fingerprint \
        idempotency_keys_form idempotency_keys_key idempotency_keys_transaction_whole \
        idempotency_keys_user jobs_processes_key ledger_entries_account_names ledger_entries_amount \
        ledger_entries_append_only ledger_entries_key ledger_entries_match \
        ledger_entries_one_receivable open_items_balance open_items_by_allocations open_items_key \
        payment_options_accessory payment_options_city payment_options_code_form \
        payment_options_country_code payment_options_customer payment_options_decline_code \
        payment_options_erased_for_good payment_options_erased_is_inactive \
        payment_options_erased_with_number payment_options_holder_name payment_options_key payment_options_mask \
        payment_options_of_customer payment_options_one_default payment_options_state \
        payment_options_street1 payment_options_street2 payment_options_token \
        payment_options_token_code payment_options_type payment_options_zip_code plans_account \
        plans_amount plans_code_form plans_cycle plans_interval plans_key plans_name plans_tax \
        processor_notices_account processor_notices_append_only processor_notices_attempt \
        processor_notices_code processor_notices_key processor_notices_of_transaction \
        processor_notices_one_effect processor_notices_transaction processor_notices_whole \
        login_has_changed service_user_accounts_key signing_payments_key signing_payments_transaction \
        subscription_adjustments_append_only subscription_adjustments_cancelled_for_good \
        subscription_adjustments_creator subscription_adjustments_days subscription_adjustments_due \
        subscription_adjustments_end_note subscription_adjustments_freeze_whole \
        subscription_adjustments_key subscription_adjustments_length subscription_adjustments_moves \
        subscription_adjustments_note subscription_adjustments_of_customer \
        subscription_adjustments_open_end subscription_adjustments_state \
        subscription_adjustments_subscription subscription_adjustments_type transactions_adjustment \
        transactions_one_fee_an_adjustment \
        subscriptions_amount subscriptions_billed subscriptions_code_form subscriptions_customer \
        subscriptions_cycle subscriptions_ended_have_no_next subscriptions_interval subscriptions_key \
        subscriptions_length subscriptions_next_cycle subscriptions_note subscriptions_of_customer \
        subscriptions_option subscriptions_plan subscriptions_plan_name subscriptions_set_aside_whole subscriptions_status \
        subscriptions_tax temporary_passwords_digest temporary_passwords_expire_later temporary_passwords_key \
        temporary_passwords_user transaction_codes_append_only transaction_codes_form \
        transaction_codes_of_transaction transaction_types_effect transaction_types_key \
        transaction_types_side transactions_account_mask transactions_account_type transactions_amount \
        transactions_append_only transactions_attempt transactions_attempt_of_its_own \
        transactions_code transactions_creator_code transactions_customer transactions_cycle_number \
        transactions_cycle_of_subscription transactions_fee transactions_in_ledger \
        transactions_invoice_list transactions_key transactions_note transactions_of_customer \
        transactions_one_fee_a_cause \
        transactions_one_invoice_a_cycle transactions_one_return transactions_source transactions_status \
        transactions_subscription transactions_tax transactions_type transactions_unchanged \
        attempts_fees attempts_fees_or_named attempts_named attempts_of_customer attempts_sendings \
        attempts_settled_whole attempts_source_of_kind collections_of_invoices \
        customers_end_with_subscriptions idempotency_keys_of_transactions idempotency_keys_unchanged journal_accounts \
        payment_options_erased_unused processor_notices_of_attempt signing_payments_of_the_run \
        subscription_adjustments_in_step subscriptions_begin_unbilled subscriptions_by_living_options \
        subscriptions_in_step subscriptions_of_living_customers subscriptions_status_in_step transaction_codes_in_use transactions_cycle_of_invoice transactions_of_attempt \
        transactions_of_cycle transactions_stay_undone transactions_undone \
        allocations_end_by_now transactions_final_again writes_at_read_committed \
        commit_checks_key commit_checks_kind customers_append_only customers_key_unchanged \
        payment_options_append_only payment_options_key_unchanged subscriptions_append_only subscriptions_key_unchanged \
        vault_entries_key vault_entries_of_living_options vault_entries_option vault_keys_account vault_keys_key
        """.split(separator: " ").map(String.init))
}
