-- Finding across customers, erasing of payment options, temporary passwords, the ledger by date.

set local search_path = billing;

-- Finding -----------------------------------------------------------------------------------------------------

-- A bill writes a subscription, two transactions, their lines and open items: an index that it has to write as well costs
-- every bill some percent. So these are partial and leave out what bills write, or are by blocks, or belong to tables that a
-- bill changes in place. Who owes, who has credit and what is open is found by open_items, which are few.
create index customers_by_create_date on customers (account_id, create_date, customer_id);
create index customers_by_status on customers (account_id, status, customer_id);
create index subscriptions_not_current on subscriptions (account_id, status, subscription_id) where status <> 'C';
-- Beside subscriptions_due: what has a billing date and is not billed.
create index subscriptions_held on subscriptions (account_id, next_billing_date, subscription_id)
  where next_billing_date is not null and (status not in ('U', 'C') or set_aside_reason is not null);
-- Transactions are written in the order of their dates and stay where they are.
create index transactions_by_create_date on transactions using brin (create_date) with (pages_per_range = 32, autosummarize = on);
create index transactions_by_due_date on transactions using brin (due_date) with (pages_per_range = 32, autosummarize = on);
create index transactions_by_rare_type on transactions (account_id, type, transaction_id) where type not in ('RI', 'AP');
create index ledger_entries_by_date on ledger_entries (account_id, entry_date, transaction_id, line);

-- Payment options whose number was erased ---------------------------------------------------------------------

alter table payment_options
  add column erase_date timestamptz,
  add constraint payment_options_erased_is_inactive check (erase_date is null or not is_active and not is_default);
comment on column payment_options.erase_date is 'since then the number is gone for good; the row stays for what was paid with it';

create function payment_options_erased_for_good() returns trigger
  language plpgsql
  as $$
begin
  raise exception 'an erased payment option stays erased' using errcode = 'check_violation',
    constraint = 'payment_options_erased_for_good', table = 'payment_options';
end $$;
create trigger payment_options_erased_for_good before update on payment_options
  for each row when (old.erase_date is not null and new.erase_date is distinct from old.erase_date) execute function payment_options_erased_for_good();

-- No number comes back to an erased option, and no option is erased while its number is there.
create function vault_entries_of_living_options() returns trigger
  language plpgsql
  as $$
begin
  if exists (select from payment_options
              where account_id = new.account_id and payment_option_id = new.payment_option_id and erase_date is not null) then
    raise exception 'an erased payment option has no number' using errcode = 'check_violation',
      constraint = 'vault_entries_of_living_options', table = 'vault_entries';
  end if;
  return new;
end $$;
create trigger vault_entries_of_living_options before insert on vault_entries
  for each row execute function vault_entries_of_living_options();
create function payment_options_erased_with_number() returns trigger
  language plpgsql
  as $$
begin
  if exists (select from vault_entries
              where account_id = new.account_id and payment_option_id = new.payment_option_id) then
    raise exception 'an option is erased after its number' using errcode = 'check_violation',
      constraint = 'payment_options_erased_with_number', table = 'payment_options';
  end if;
  return new;
end $$;
create trigger payment_options_erased_with_number before update of erase_date on payment_options
  for each row when (new.erase_date is not null) execute function payment_options_erased_with_number();

-- Temporary passwords -----------------------------------------------------------------------------------------

create table temporary_passwords (
  user_name     text        not null constraint temporary_passwords_user references service_users,
  digest        bytea       not null constraint temporary_passwords_digest check (octet_length(digest) = 32),
  user_version  bigint      not null,
  create_date   timestamptz not null default clock_timestamp(),
  expires_at    timestamptz not null,
  constraint temporary_passwords_key primary key (user_name, digest),
  constraint temporary_passwords_expire_later check (expires_at > create_date)
);
create index temporary_passwords_old on temporary_passwords (expires_at);
comment on table temporary_passwords is 'hashes of random passwords; each holds for one version of its user''s credentials, until it expires';

-- Grants ------------------------------------------------------------------------------------------------------

-- The policy of a merchant account, not what makes it what it is: number, mode, currency, clock.
grant update (name, time_zone, processor, balancing_algorithm, invoice_lead_days, close_sales_days, retry_days,
  on_retries_exhausted, late_fee_amount, late_fee_grace_days, soft_decline_fee, hard_decline_fee, retry_fee, chargeback_fee,
  enrollment_fee, cancellation_fee, freeze_flat_fee, freeze_recurring_fee, write_off_days, claim_return_days, settlement_time)
  on merchant_accounts to billing_api;
grant update (erase_date) on payment_options to billing_api;
grant select, insert, delete on temporary_passwords to billing_api;
grant select, delete on temporary_passwords to billing_jobs;
