-- Reversals, refunds, notices of processors, and what ages: late fees and old debt (spec 5.2, 5.5, 5.8).
--
-- Nothing is reversed, returned or charged a fee for twice, whoever tries:
--   transactions_one_reversal      one reversing transaction a source
--   transactions_one_return        one decline of a posted claim
--   transactions_one_fee_a_cause   one late fee an invoice, one service fee a decline, retry or chargeback
--   refunds_within_payment         refunds of a payment together never more than the payment
--   processor_notices_key          each notice is taken over once
set local search_path = billing;

create unique index transactions_one_reversal on transactions (account_id, source_id)
  where type in ('RR', 'RX', 'AV', 'AS', 'AX') and status = 'final';
create unique index transactions_one_return on transactions (account_id, source_id)
  where type = 'AD' and status = 'final';
create unique index transactions_one_fee_a_cause on transactions (account_id, source_id, type)
  where type in ('RF', 'RL') and source_id is not null;

-- The customer is locked by whoever writes a refund, so that two of them see each other.
create function refunds_within_payment() returns trigger
  language plpgsql
  as $$
begin
  if (select sum(r.amount) from transactions r
       where r.account_id = new.account_id and r.source_id = new.source_id and r.type = 'AR' and r.status = 'final')
     > (select s.amount from transactions s
         where s.account_id = new.account_id and s.transaction_id = new.source_id) then
    raise exception 'the refunds of transaction % exceed it', new.source_id using errcode = 'check_violation',
      constraint = 'refunds_within_payment', table = 'transactions';
  end if;
  return null;
end $$;
create trigger refunds_within_payment after insert or update of status on transactions
  for each row when (new.type = 'AR' and new.status = 'final' and new.source_id is not null)
  execute function refunds_within_payment();

-- What an attempt of the run was computed from, so that its amount can be explained for ever.
alter table attempts add column open_amounts bigint[] not null default '{}';
alter table attempts add column owed bigint;
comment on column attempts.open_amounts is 'what was open on the invoice and on each of fee_ids, in this order, when the attempt was begun';
comment on column attempts.owed is 'what the customer owed then: an attempt of the billing run never takes more';

create table processor_notices (
  account_id         bigint      not null constraint processor_notices_account references merchant_accounts,
  processor          text        not null,
  notice_id          bigint      not null,
  order_key          text        not null,
  code               text        not null constraint processor_notices_code check (code ~ '^[A-Z][0-9]{2}$'),
  message            text        not null,
  amount             bigint      not null,
  notice_date        date        not null,
  customer_id        bigint,
  attempt_id         bigint,
  transaction_id     bigint,
  next_attempt_date  date,
  create_date        timestamptz not null,
  constraint processor_notices_key primary key (account_id, processor, notice_id),
  constraint processor_notices_attempt foreign key (account_id, attempt_id) references attempts,
  constraint processor_notices_transaction foreign key (account_id, customer_id, transaction_id)
    references transactions (account_id, customer_id, transaction_id),
  constraint processor_notices_whole check ((customer_id is null) = (attempt_id is null)
    and (transaction_id is null or attempt_id is not null))
);
create unique index processor_notices_of_transaction on processor_notices (account_id, transaction_id)
  where transaction_id is not null;
-- The same thing reported twice under two numbers has an effect once.
create unique index processor_notices_one_effect on processor_notices (account_id, attempt_id, code, notice_date)
  where transaction_id is not null;
create trigger processor_notices_append_only before update or delete or truncate on processor_notices
  for each statement execute function append_only();
comment on table processor_notices is 'what a processor reported unasked: a return, a chargeback or a correction, and the transaction that it became; null where it had no effect';

create table account_rounds (
  account_id       bigint not null constraint account_rounds_account references merchant_accounts,
  notices_through  date,
  next_notices     timestamptz,
  ageing_through   date,
  ageing_after     bigint not null default 0,
  constraint account_rounds_key primary key (account_id)
);
comment on table account_rounds is 'what the billing run does once a business date for a whole merchant account: the processor''s notices, late fees and write-offs';
comment on column account_rounds.ageing_after is 'the customer up to which invoices were looked through for their age; 0 when the round is done';

create index audit_log_by_object on audit_log (account_id, object_type, object_id);

do $$
declare
  name text;
begin
  foreach name in array array['processor_notices', 'account_rounds']
  loop
    execute format('alter table %I enable row level security', name);
    execute format('alter table %I force row level security', name);
    execute format('create policy %I on %I to billing_api, billing_readonly using (account_id = any ((select visible_accounts())::bigint[]))', name || '_tenant', name);
    execute format('create policy %I on %I to billing_jobs, billing_owner using (true)', name || '_all', name);
  end loop;
end $$;

grant select on processor_notices, account_rounds to billing_api, billing_jobs, billing_readonly;
grant insert on processor_notices, account_rounds to billing_api, billing_jobs;
grant update (notices_through, next_notices, ageing_through, ageing_after) on account_rounds to billing_api, billing_jobs;
