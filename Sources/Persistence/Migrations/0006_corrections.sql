-- A bank that amends an account (N09) gives it another number: whoever takes such a correction over may write by what the number
-- is known. The number itself, `sealed`, may be written already.

set local search_path = billing;

grant update (account_mask) on payment_options to billing_api, billing_jobs;
grant update (fingerprint) on vault_entries to billing_api, billing_jobs;
