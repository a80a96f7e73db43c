-- Under which policy a transaction was made: what ~explain computes from (spec 2.11, 2.12).
--
-- Each policy that a merchant account ever had stays on record, whoever changed it; a transaction names the one that held.
--   merchant_accounts_policy_number  a change of any policy field is a new version; nobody else sets the number
--   merchant_accounts_policy_kept    each version is kept
--   account_policies_append_only     and never changed
set local search_path = billing;

alter table merchant_accounts add column policy_version integer not null default 1
  constraint merchant_accounts_policy_version check (policy_version >= 1);
comment on column merchant_accounts.policy_version is 'which version of its policy holds now; counted by merchant_accounts_policy_number';

create table account_policies (
  account_id            bigint      not null constraint account_policies_account references merchant_accounts,
  version               integer     not null constraint account_policies_version check (version >= 1),
  time_zone             text        not null,
  processor             text        not null,
  balancing_algorithm   text        not null,
  invoice_lead_days     integer     not null,
  close_sales_days      integer     not null,
  retry_days            integer[]   not null,
  on_retries_exhausted  text        not null,
  late_fee_amount       bigint      not null,
  late_fee_grace_days   integer     not null,
  soft_decline_fee      bigint      not null,
  hard_decline_fee      bigint      not null,
  retry_fee             bigint      not null,
  chargeback_fee        bigint      not null,
  enrollment_fee        bigint      not null,
  cancellation_fee      bigint      not null,
  freeze_flat_fee       bigint      not null,
  freeze_recurring_fee  bigint      not null,
  write_off_days        integer     not null,
  claim_return_days     integer     not null,
  settlement_time       time(0)     not null,
  create_date           timestamptz not null default clock_timestamp(),
  constraint account_policies_key primary key (account_id, version)
);
comment on table account_policies is 'every policy that a merchant account had, by version; written when the account is made and with each change';
create trigger account_policies_append_only before update or delete or truncate on account_policies
  for each statement execute function append_only();

-- What holds now is version 1 of the accounts that exist.
insert into account_policies (account_id, version, time_zone, processor, balancing_algorithm, invoice_lead_days, close_sales_days,
       retry_days, on_retries_exhausted, late_fee_amount, late_fee_grace_days, soft_decline_fee, hard_decline_fee, retry_fee,
       chargeback_fee, enrollment_fee, cancellation_fee, freeze_flat_fee, freeze_recurring_fee, write_off_days, claim_return_days,
       settlement_time)
select account_id, policy_version, time_zone, processor, balancing_algorithm, invoice_lead_days, close_sales_days,
       retry_days, on_retries_exhausted, late_fee_amount, late_fee_grace_days, soft_decline_fee, hard_decline_fee, retry_fee,
       chargeback_fee, enrollment_fee, cancellation_fee, freeze_flat_fee, freeze_recurring_fee, write_off_days, claim_return_days,
       settlement_time
  from merchant_accounts;
do $$
begin
  if (select count(*) from account_policies) <> (select count(*) from merchant_accounts) then
    raise exception 'each merchant account has one policy now';
  end if;
end $$;

create function merchant_accounts_policy_number() returns trigger
  language plpgsql
  as $$
begin
  if tg_op = 'INSERT' then
    new.policy_version := 1;
  elsif (new.time_zone, new.processor, new.balancing_algorithm, new.invoice_lead_days, new.close_sales_days, new.retry_days,
         new.on_retries_exhausted, new.late_fee_amount, new.late_fee_grace_days, new.soft_decline_fee, new.hard_decline_fee,
         new.retry_fee, new.chargeback_fee, new.enrollment_fee, new.cancellation_fee, new.freeze_flat_fee,
         new.freeze_recurring_fee, new.write_off_days, new.claim_return_days, new.settlement_time) is distinct from
        (old.time_zone, old.processor, old.balancing_algorithm, old.invoice_lead_days, old.close_sales_days, old.retry_days,
         old.on_retries_exhausted, old.late_fee_amount, old.late_fee_grace_days, old.soft_decline_fee, old.hard_decline_fee,
         old.retry_fee, old.chargeback_fee, old.enrollment_fee, old.cancellation_fee, old.freeze_flat_fee,
         old.freeze_recurring_fee, old.write_off_days, old.claim_return_days, old.settlement_time) then
    new.policy_version := old.policy_version + 1;
  else
    new.policy_version := old.policy_version;
  end if;
  return new;
end $$;
create trigger merchant_accounts_policy_number before insert or update on merchant_accounts
  for each row execute function merchant_accounts_policy_number();

create function merchant_accounts_policy_kept() returns trigger
  language plpgsql security definer set search_path = billing, pg_temp
  as $$
begin
  insert into account_policies (account_id, version, time_zone, processor, balancing_algorithm, invoice_lead_days,
         close_sales_days, retry_days, on_retries_exhausted, late_fee_amount, late_fee_grace_days, soft_decline_fee,
         hard_decline_fee, retry_fee, chargeback_fee, enrollment_fee, cancellation_fee, freeze_flat_fee, freeze_recurring_fee,
         write_off_days, claim_return_days, settlement_time)
  values (new.account_id, new.policy_version, new.time_zone, new.processor, new.balancing_algorithm, new.invoice_lead_days,
          new.close_sales_days, new.retry_days, new.on_retries_exhausted, new.late_fee_amount, new.late_fee_grace_days,
          new.soft_decline_fee, new.hard_decline_fee, new.retry_fee, new.chargeback_fee, new.enrollment_fee,
          new.cancellation_fee, new.freeze_flat_fee, new.freeze_recurring_fee, new.write_off_days, new.claim_return_days,
          new.settlement_time);
  return null;
end $$;
create trigger merchant_accounts_policy_kept after insert on merchant_accounts
  for each row execute function merchant_accounts_policy_kept();
create trigger merchant_accounts_policy_kept_again after update on merchant_accounts
  for each row when (new.policy_version <> old.policy_version) execute function merchant_accounts_policy_kept();

-- No reference to account_policies: every bill would pay for it. The invariants look that the version exists.
alter table transactions add column policy_version integer not null default 1
  constraint transactions_policy_version check (policy_version >= 1);
comment on column transactions.policy_version is 'the version of the account''s policy under which it was made, or, where its outcome was unknown at first, settled';
create function transactions_policy_version_unchanged() returns trigger
  language plpgsql
  as $$
begin
  raise exception 'the policy under which a transaction was made is never changed' using errcode = 'check_violation',
    constraint = 'transactions_policy_version_unchanged', table = 'transactions';
end $$;
create trigger transactions_policy_version_unchanged before update of policy_version on transactions
  for each row when (old.policy_version <> new.policy_version and old.status <> 'pending')
  execute function transactions_policy_version_unchanged();

alter table attempts add column settled_on date;
comment on column attempts.settled_on is 'the business date on which its outcome came into the books: retries are counted from it; null before there was this column';

alter table account_policies enable row level security;
alter table account_policies force row level security;
create policy account_policies_tenant on account_policies to billing_api, billing_readonly
  using (account_id = any ((select visible_accounts())::bigint[]));
create policy account_policies_all on account_policies to billing_jobs, billing_owner using (true);

grant select on account_policies to billing_api, billing_jobs, billing_readonly;
grant update (policy_version) on transactions to billing_api, billing_jobs;
grant update (settled_on) on attempts to billing_api, billing_jobs;
