-- The constraints of names and codes that 0017 wrote anew, held against all rows that there are. Reads and writes go on meanwhile.

set local search_path = billing;

alter table customers validate constraint customers_code_form;
alter table payment_options validate constraint payment_options_code_form;
alter table plans validate constraint plans_code_form;
alter table subscriptions validate constraint subscriptions_code_form;
alter table transaction_codes validate constraint transaction_codes_form;
alter table ledger_entries validate constraint ledger_entries_account_names;
