-- What a bill cost and need not: the same rules, looked at a statement at a time.

set local search_path = billing;

-- In the order in which the program locks rows of them, so that neither waits for the other: who holds one of them is waited for.
lock table customers, payment_options, plans, subscriptions, transaction_codes, transactions, attempts, collections, ledger_entries
  in access exclusive mode;

-- Names and codes ----------------------------------------------------------------------------------------------

-- A bounded repetition ({0,59}) makes the server build the automaton of the expression anew for each text: 9 µs for
-- `revenue:recurring`, and a row's constraints are looked at with each change of it. A length beside the expression says the same. So
-- no row can be wrong that was right; 0018 looks at them all without keeping anybody from the tables.
alter table ledger_entries drop constraint ledger_entries_account_names;
alter table ledger_entries add constraint ledger_entries_account_names check (
  debit ~ '^[a-z][a-z0-9:-]*$' and credit ~ '^[a-z][a-z0-9:-]*$' and octet_length(debit) <= 60 and octet_length(credit) <= 60) not valid;
do $$
declare
  place record;
begin
  for place in select * from (values ('customers', 'customers_code_form'), ('payment_options', 'payment_options_code_form'),
    ('plans', 'plans_code_form'), ('subscriptions', 'subscriptions_code_form'), ('transaction_codes', 'transaction_codes_form'))
    as c (name, form) loop
    execute format('alter table %I drop constraint %I', place.name, place.form);
    execute format('alter table %I add constraint %I check (code ~ ''^[A-Za-z0-9._:@-]+$'' and octet_length(code) <= 60) not valid',
                   place.name, place.form);
  end loop;
end $$;

-- At the commit, for a whole statement -------------------------------------------------------------------------

-- A trigger that waits for the commit runs for a row. So a statement that is looked at again at the commit notes here which rows it
-- wrote, all of a merchant account in one row, whose trigger looks at them together and takes the note away.
create table commit_checks (
  account_id       bigint   not null,
  transaction_id   bigint   not null,
  kind             text     not null constraint commit_checks_kind check (kind in ('invoices', 'attempts')),
  transaction_ids  bigint[] not null,
  constraint commit_checks_key primary key (account_id, transaction_id)
);
comment on table commit_checks is 'invoices of cycles and settled attempts that are looked at once more when their transaction commits; empty in between';
comment on column commit_checks.transaction_id is 'the first of them';
alter table commit_checks enable row level security;
alter table commit_checks force row level security;
create policy commit_checks_all on commit_checks to billing_owner using (true);

-- As in 0014, at the commit, for all invoices of a statement: the subscription has gone on beyond an invoiced cycle, and neither that
-- nor the next one lies where nothing is billed. What it asks of an invoice does not change after it was written.
create or replace function transactions_of_cycle() returns trigger
  language plpgsql security definer
  set search_path = billing, pg_temp set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off
  as $$
declare
  wrong record;
begin
  select t.transaction_id, t.subscription_id, s.next_cycle is null as is_behind into wrong
    from unnest(new.transaction_ids) as n (transaction_id)
   cross join lateral (
         select * from transactions k
          where k.account_id = new.account_id and k.transaction_id = n.transaction_id offset 0) t
    left join lateral (
         select k.next_cycle, k.next_billing_date from subscriptions k
          where k.account_id = new.account_id and k.customer_id = t.customer_id and k.subscription_id = t.subscription_id
            and k.next_cycle > t.cycle_number
         offset 0) s on true
   where s.next_cycle is null
      or exists (
         select from subscription_adjustments j
          where j.account_id = new.account_id and j.subscription_id = t.subscription_id and j.state <> 'withdrawn'
            and (t.adjustment_id is null and t.due_date between j.effective_date and coalesce(j.end_date, 'infinity')
                 or j.type in ('C', 'P') and j.end_date is null and s.next_billing_date >= j.effective_date)
         offset 0)
   limit 1;
  if found and wrong.is_behind then
    raise exception 'subscription % has not gone on with invoice %', wrong.subscription_id, wrong.transaction_id
      using errcode = 'check_violation', constraint = 'transactions_of_cycle', table = 'transactions';
  elsif found then
    raise exception 'invoice % or the one after it lies within a freeze, a pause or behind a cancellation', wrong.transaction_id
      using errcode = 'check_violation', constraint = 'transactions_of_cycle', table = 'transactions';
  end if;
  delete from commit_checks where account_id = new.account_id and transaction_id = new.transaction_id;
  return null;
end $$;
drop trigger transactions_of_cycle on transactions;
create constraint trigger transactions_of_cycle after insert on commit_checks deferrable initially deferred
  for each row when (new.kind = 'invoices') execute function transactions_of_cycle();

-- As in 0009, for all attempts of a statement. A settled attempt does not change any more.
create or replace function attempts_settled_whole() returns trigger
  language plpgsql security definer
  set search_path = billing, pg_temp set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off
  as $$
declare
  wrong bigint;
begin
  select p.transaction_id into wrong
    from unnest(new.transaction_ids) as n (transaction_id)
   cross join lateral (
         select * from attempts k
          where k.account_id = new.account_id and k.transaction_id = n.transaction_id offset 0) p
    left join lateral (
         select * from transactions k
          where k.account_id = new.account_id and k.customer_id = p.customer_id and k.transaction_id = p.transaction_id
            and k.attempt_id = p.transaction_id
         offset 0) t on true
   where (case p.outcome when 'approved' then t.status in ('final', 'reversed') and t.amount = p.approved_amount
                         else t.status = 'declined' end) is not true
      or p.invoice_id is not null and exists (
         select from collections k
          where k.account_id = new.account_id and k.invoice_id = p.invoice_id and k.state = 'open'
            and not exists (select from attempts q
                             where q.account_id = new.account_id and q.customer_id = p.customer_id
                               and q.invoice_id = p.invoice_id and q.outcome = 'open' offset 0)
         offset 0)
   limit 1;
  if found then
    raise exception 'attempt % was settled without its transaction, or its invoice waits for it', wrong
      using errcode = 'check_violation', constraint = 'attempts_settled_whole', table = 'attempts';
  end if;
  delete from commit_checks where account_id = new.account_id and transaction_id = new.transaction_id;
  return null;
end $$;
drop trigger attempts_settled_whole on attempts;
create constraint trigger attempts_settled_whole after insert on commit_checks deferrable initially deferred
  for each row when (new.kind = 'attempts') execute function attempts_settled_whole();
-- What is written and not open was settled by this statement: attempts_state_moves.
create function attempts_settled() returns trigger
  language plpgsql security definer set search_path = billing, pg_temp
  as $$
begin
  insert into commit_checks (account_id, kind, transaction_id, transaction_ids)
  select w.account_id, 'attempts', min(w.transaction_id), array_agg(w.transaction_id)
    from written w
   where w.outcome <> 'open'
   group by w.account_id;
  return null;
end $$;
create trigger attempts_settled after update on attempts
  referencing new table as written for each statement execute function attempts_settled();

-- What transactions, collections and attempts name -------------------------------------------------------------

-- A foreign key asks for each row by itself, and locks what it finds against being deleted. Customers, subscriptions and payment options
-- are never deleted nor numbered anew, which is held here, no more than transactions are (0001): so what a statement's trigger finds once
-- is there for good, and it asks for all rows together, beside what it asks anyhow. What another session has not committed is not found,
-- as before. The names of the constraints stay.
create trigger customers_append_only before delete or truncate on customers for each statement execute function append_only();
create trigger subscriptions_append_only before delete or truncate on subscriptions for each statement execute function append_only();
create trigger payment_options_append_only before delete or truncate on payment_options
  for each statement execute function append_only();
create function keys_unchanged() returns trigger
  language plpgsql
  as $$
begin
  raise exception 'a row of % is never numbered anew', tg_table_name using errcode = 'check_violation',
    constraint = tg_table_name || '_key_unchanged', table = tg_table_name;
end $$;
-- For each statement: see customers_balance_by_ledger.
create trigger customers_key_unchanged before update of account_id, customer_id on customers
  for each statement execute function keys_unchanged();
create trigger subscriptions_key_unchanged before update of account_id, customer_id, subscription_id on subscriptions
  for each statement execute function keys_unchanged();
create trigger payment_options_key_unchanged before update of account_id, customer_id, payment_option_id on payment_options
  for each statement execute function keys_unchanged();
alter table transactions drop constraint transactions_customer, drop constraint transactions_subscription;
alter table collections drop constraint collections_invoice;
alter table attempts drop constraint attempts_customer, drop constraint attempts_invoice, drop constraint attempts_option;
comment on column transactions.customer_id is 'of customers; held by transactions_written';
comment on column transactions.subscription_id is 'of subscriptions, of the same customer; held by transactions_written';
comment on column collections.invoice_id is 'of transactions, of the same customer; held by collections_written';
comment on column attempts.customer_id is 'of customers; held by attempts_written';
comment on column attempts.invoice_id is 'of transactions, of the same customer; held by attempts_of_debts';
comment on column attempts.payment_option_id is 'of payment_options, of the same customer; held by attempts_written';

-- As in 0009, and: the invoice is there.
create or replace function collections_written() returns trigger
  language plpgsql security definer
  set search_path = billing, pg_temp set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off
  as $$
declare
  wrong record;
begin
  select w.invoice_id, t.type is null as is_missing into wrong
    from written w
    left join lateral (
         select t.type, t.subscription_id from transactions t
          where t.account_id = w.account_id and t.customer_id = w.customer_id and t.transaction_id = w.invoice_id offset 0) t on true
    left join lateral (
         select true as is_open from attempts p
          where w.state = 'open' and p.account_id = w.account_id and p.customer_id = w.customer_id
            and p.invoice_id = w.invoice_id and p.outcome = 'open'
         offset 0) p on true
   where t.type is distinct from 'RI' or t.subscription_id is distinct from w.subscription_id or w.state = 'open' and p.is_open is null
   limit 1;
  if found and wrong.is_missing then
    raise exception 'there is no transaction % of this customer', wrong.invoice_id
      using errcode = 'foreign_key_violation', constraint = 'collections_invoice', table = 'collections';
  elsif found then
    raise exception 'transaction % is not collected so', wrong.invoice_id
      using errcode = 'check_violation', constraint = 'collections_of_invoices', table = 'collections';
  end if;
  return null;
end $$;

-- As in 0009, and: its customer and its option are there. An option has its customer.
create or replace function attempts_written() returns trigger
  language plpgsql security definer
  set search_path = billing, pg_temp set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off set enable_sort = off
  as $$
declare
  wrong record;
begin
  select w.transaction_id, f.fault into wrong
    from written w
    left join lateral (
         select o.customer_id, o.erase_date from payment_options o
          where o.account_id = w.account_id and o.customer_id = w.customer_id and o.payment_option_id = w.payment_option_id
         offset 0) o on true
    left join lateral (
         select k.customer_id from customers k
          where w.payment_option_id is null and k.account_id = w.account_id and k.customer_id = w.customer_id offset 0) c on true
    left join lateral (
         select s.subscription_id from subscriptions s
          where s.account_id = w.account_id and s.customer_id = w.customer_id and s.subscription_id = w.subscription_id
         offset 0) s on true
    left join lateral (
         -- In the order of the key, so that it is looked up there.
         select t.transaction_id from transactions t
          where t.account_id = w.account_id and t.transaction_id >= w.transaction_id
          order by t.account_id, t.transaction_id limit 1) t on true
   cross join lateral (select case
         when coalesce(o.customer_id, c.customer_id) is null then
           case when w.payment_option_id is null then 'attempts_customer' else 'attempts_option' end
         when t.transaction_id = w.transaction_id or o.erase_date is not null or s.subscription_id is distinct from w.subscription_id
           or w.fee_ids <> '{}' and exists (
              select from unnest(w.fee_ids) as f (id)
               where not exists (select from transactions t join transaction_types y on y.type = t.type
                                  where t.account_id = w.account_id and t.customer_id = w.customer_id and t.transaction_id = f.id
                                    and y.side = 'debt')) then 'attempts_of_customer'
         end as fault) f
   where f.fault is not null
   limit 1;
  if found then
    case wrong.fault
      when 'attempts_customer' then
        raise exception 'attempt % is of no customer', wrong.transaction_id
          using errcode = 'foreign_key_violation', constraint = 'attempts_customer', table = 'attempts';
      when 'attempts_option' then
        raise exception 'attempt % is by no payment option of its customer', wrong.transaction_id
          using errcode = 'foreign_key_violation', constraint = 'attempts_option', table = 'attempts';
      when 'attempts_of_customer' then
        raise exception 'attempt % is for what is not its customer''s, or by an erased option', wrong.transaction_id
          using errcode = 'check_violation', constraint = 'attempts_of_customer', table = 'attempts';
    end case;
  end if;
  return null;
end $$;

-- As in 0014; its invoice is there.
create or replace function attempts_of_debts() returns trigger
  language plpgsql security definer
  set search_path = billing, pg_temp set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off
  as $$
declare
  wrong record;
begin
  perform from (select distinct account_id, customer_id from written where kind in ('payment', 'claim') order by customer_id) n
    cross join lateral (
          select from customers c where c.account_id = n.account_id and c.customer_id = n.customer_id for no key update) c;
  select w.transaction_id, p.transaction_id as other into wrong
    from written w
   cross join lateral (
         select k.transaction_id, k.invoice_id, k.fee_ids, k.named_ids from attempts k
          where k.account_id = w.account_id and k.customer_id = w.customer_id and k.outcome = 'open'
            and k.kind in ('payment', 'claim') and k.transaction_id <> w.transaction_id
         offset 0) p
   where w.kind in ('payment', 'claim')
     and array_append(p.fee_ids || p.named_ids, p.invoice_id) && array_append(w.fee_ids || w.named_ids, w.invoice_id)
   limit 1;
  if found then
    raise exception 'attempts % and % are for the same invoice or fee', wrong.transaction_id, wrong.other
      using errcode = 'unique_violation', constraint = 'attempts_one_open_a_debt', table = 'attempts';
  end if;
  select w.transaction_id, null::bigint as other into wrong
    from written w
   where w.fee_ids <> '{}' and (
         w.kind not in ('payment', 'claim') or w.invoice_id is null
         or exists (select from unnest(w.fee_ids) as f (id)
                     where not exists (select from transactions t
                                        where t.account_id = w.account_id and t.customer_id = w.customer_id
                                          and t.transaction_id = f.id and t.type in ('RF', 'RL', 'RA', 'RO', 'RN'))))
   limit 1;
  if found then
    raise exception 'attempt % collects what is no fee of its customer', wrong.transaction_id
      using errcode = 'check_violation', constraint = 'attempts_fees', table = 'attempts';
  end if;
  select w.transaction_id, w.invoice_id is not null and i.type is null as is_missing into wrong
    from written w
    left join lateral (
         select t.type from transactions t
          where t.account_id = w.account_id and t.customer_id = w.customer_id and t.transaction_id = w.invoice_id
         offset 0) i on true
   where w.invoice_id is not null and (i.type in ('RI', 'RF', 'RL', 'RA', 'RO', 'RN')) is not true
      or w.named_ids <> '{}' and (
         w.kind not in ('payment', 'claim') or w.invoice_id is null
         or exists (select from unnest(w.named_ids) as f (id)
                     where not exists (select from transactions t
                                        where t.account_id = w.account_id and t.customer_id = w.customer_id
                                          and t.transaction_id = f.id and t.type in ('RI', 'RF', 'RL', 'RA', 'RO', 'RN'))))
      or w.invoice_list is not null and w.kind in ('payment', 'claim') and exists (
         select from unnest(string_to_array(w.invoice_list, ',')) as n (part)
          where not exists (
                select from unnest(w.invoice_id || w.named_ids) as d (id)
                  join transactions t on t.account_id = w.account_id and t.transaction_id = d.id
                 where case when btrim(n.part) like '*%' then t.code = substr(btrim(n.part), 2)
                                                              or t.code is null and t.transaction_id::text = substr(btrim(n.part), 2)
                            else t.transaction_id::text = ltrim(btrim(n.part), '0') end))
   limit 1;
  if found and wrong.is_missing then
    raise exception 'attempt % is for no transaction of its customer', wrong.transaction_id
      using errcode = 'foreign_key_violation', constraint = 'attempts_invoice', table = 'attempts';
  elsif found then
    raise exception 'attempt % does not name the invoices and fees that it is for', wrong.transaction_id
      using errcode = 'check_violation', constraint = 'attempts_named', table = 'attempts';
  end if;
  return null;
end $$;

-- As in 0014, in one pass over what was written, and: its customer and its subscription are there. A subscription has its customer.
create or replace function transactions_written() returns trigger
  language plpgsql security definer
  set search_path = billing, pg_temp set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off
  as $$
declare
  wrong record;
begin
  select w.transaction_id, f.fault into wrong
    from written w
    left join lateral (
         select l.line from ledger_entries l
          where l.account_id = w.account_id and l.transaction_id = w.transaction_id and l.line = 1 offset 0) l on true
    left join lateral (
         select * from attempts p
          where p.account_id = w.account_id and p.transaction_id = w.transaction_id offset 0) p on true
    left join lateral (
         select * from subscriptions k
          where k.account_id = w.account_id and k.customer_id = w.customer_id and k.subscription_id = w.subscription_id
         offset 0) s on true
    left join lateral (
         select k.customer_id from customers k
          where w.subscription_id is null and k.account_id = w.account_id and k.customer_id = w.customer_id offset 0) c on true
   cross join lateral (select case
         when coalesce(s.customer_id, c.customer_id) is null then
           case when w.subscription_id is null then 'transactions_customer' else 'transactions_subscription' end
         when w.status = 'reversed' or w.status = 'final' and l.line is null then 'transactions_in_ledger'
         when case
           when w.attempt_id is null then
             p.transaction_id is not null or w.status <> 'final'
             or w.type in ('AP', 'AC', 'AR') and char_length(w.account_type) = 2
           when p.transaction_id is null then false
           else p.customer_id <> w.customer_id
             or p.outcome not in ('approved', 'abandoned', 'declined') and w.status <> 'pending'
             or w.status <> case p.outcome when 'open' then 'pending' when 'approved' then 'final' else 'declined' end
             or w.status = 'final' and w.amount <> p.approved_amount
             or w.type <> case w.status when 'declined' then 'AD'
                          else case p.kind when 'payment' then 'AP' when 'claim' then 'AC' when 'refund' then 'AR' else 'AV' end end
             or w.source_id is distinct from case w.status when 'declined' then coalesce(p.source_id, p.invoice_id)
                                                           else p.source_id end
         end then 'transactions_of_attempt'
         when w.type = 'RI' and w.cycle_number is not null
          and (w.cycle_number < s.next_cycle
               or w.due_date <> cycle_date(s.billing_cycle_type, s.billing_interval, s.first_billing_date, w.cycle_number)
               or w.adjustment_id is null and (w.amount, w.tax_amount) <> (s.amount, s.tax_amount)
               or w.adjustment_id is not null and not exists (
                  select from subscription_adjustments j
                   where j.account_id = w.account_id and j.adjustment_id = w.adjustment_id and j.subscription_id = w.subscription_id
                     and j.type = 'F' and j.state <> 'withdrawn' and w.due_date between j.effective_date and j.end_date)
               or w.adjustment_id is not null and not exists (
                  select from account_policies v
                   where v.account_id = w.account_id and v.version = w.policy_version
                     and (v.freeze_recurring_fee, 0) = (w.amount, w.tax_amount))) then 'transactions_of_cycle'
         end as fault) f
   where f.fault is not null
   limit 1;
  if found then
    case wrong.fault
      when 'transactions_customer' then
        raise exception 'transaction % is of no customer', wrong.transaction_id
          using errcode = 'foreign_key_violation', constraint = 'transactions_customer', table = 'transactions';
      when 'transactions_subscription' then
        raise exception 'transaction % is for no subscription of its customer', wrong.transaction_id
          using errcode = 'foreign_key_violation', constraint = 'transactions_subscription', table = 'transactions';
      when 'transactions_in_ledger' then
        raise exception 'transaction % has no lines in the ledger', wrong.transaction_id
          using errcode = 'check_violation', constraint = 'transactions_in_ledger', table = 'transactions';
      when 'transactions_of_attempt' then
        raise exception 'transaction % is not what its attempt became', wrong.transaction_id
          using errcode = 'check_violation', constraint = 'transactions_of_attempt', table = 'transactions';
      when 'transactions_of_cycle' then
        raise exception 'invoice % has another date or price than its cycle', wrong.transaction_id
          using errcode = 'check_violation', constraint = 'transactions_of_cycle', table = 'transactions';
    end case;
  end if;
  insert into open_items (account_id, customer_id, transaction_id, is_debt, amount, balance)
  select w.account_id, w.customer_id, w.transaction_id, y.side = 'debt', w.amount, w.amount
    from written w join transaction_types y on y.type = w.type
   where w.status = 'final' and y.side <> 'none';
  insert into commit_checks (account_id, kind, transaction_id, transaction_ids)
  select w.account_id, 'invoices', min(w.transaction_id), array_agg(w.transaction_id)
    from written w
   where w.type = 'RI' and w.cycle_number is not null
   group by w.account_id;
  return null;
end $$;

-- Subscriptions ------------------------------------------------------------------------------------------------

-- As in 0014. Nearly always a subscription has gone on by one cycle and its last invoice is of that one: then no other needs to be
-- looked for.
create or replace function subscriptions_in_step() returns trigger
  language plpgsql security definer
  set search_path = billing, pg_temp set enable_seqscan = off set enable_nestloop = off
  as $$
declare
  wrong bigint;
begin
  select s.subscription_id into wrong
    from written s
    join before b on b.account_id = s.account_id and b.subscription_id = s.subscription_id
    left join lateral (
         select i.cycle_number, i.due_date, i.adjustment_id, i.cycle_number = b.next_cycle and s.next_cycle = b.next_cycle + 1 as is_next
           from transactions i
          where i.account_id = s.account_id and i.subscription_id = s.subscription_id and i.type = 'RI'
            and i.cycle_number is not null
          order by i.account_id desc, i.subscription_id desc, i.cycle_number desc limit 1) l on true
   cross join lateral (
         select min(j.effective_date) as day from subscription_adjustments j
          where j.account_id = s.account_id and j.subscription_id = s.subscription_id
            and j.state in ('pending', 'effective') and j.type in ('C', 'P') offset 0) e
   where (s.status, s.next_cycle, s.next_billing_date, s.last_billing_date, s.billed_count)
           is distinct from (b.status, b.next_cycle, b.next_billing_date, b.last_billing_date, b.billed_count)
     and (s.next_billing_date <> cycle_date(s.billing_cycle_type, s.billing_interval, s.first_billing_date, s.next_cycle)
          or s.status = 'U' and s.billed_count > 0
          or b.status in ('U', 'P') and s.status = 'C' and s.billed_count = 0
          or s.billed_count < b.billed_count or l.cycle_number >= s.next_cycle
          or s.amount > 0 and s.last_billing_date is distinct from l.due_date
          or s.amount = 0 and s.billed_count - b.billed_count > greatest(s.next_cycle - b.next_cycle, 0)
          or s.amount > 0 and s.billed_count - b.billed_count <> case
             when l.is_next then (l.adjustment_id is null)::integer
             else (select count(*) from transactions i
                    where i.account_id = s.account_id and i.subscription_id = s.subscription_id and i.type = 'RI'
                      and i.cycle_number >= b.next_cycle and i.cycle_number < s.next_cycle and i.adjustment_id is null) end
          or s.amount > 0 and s.next_cycle > b.next_cycle and l.is_next is not true and exists (
             select from generate_series(b.next_cycle, s.next_cycle - 1) as n (cycle_number)
              where not exists (select from transactions i
                                 where i.account_id = s.account_id and i.subscription_id = s.subscription_id
                                   and i.type = 'RI' and i.cycle_number = n.cycle_number)
                and not exists (select from subscription_adjustments j
                                 where j.account_id = s.account_id and j.subscription_id = s.subscription_id
                                   and j.type in ('F', 'P') and j.state <> 'withdrawn'
                                   and cycle_date(s.billing_cycle_type, s.billing_interval, s.first_billing_date, n.cycle_number)
                                       between j.effective_date and coalesce(j.end_date, 'infinity')))
          or s.next_billing_date >= e.day
          or s.next_billing_date is null and s.status in ('U', 'C', 'F') and s.billed_count is distinct from s.length
             and (e.day <= cycle_date(s.billing_cycle_type, s.billing_interval, s.first_billing_date, s.next_cycle)) is not true)
   limit 1;
  if found then
    raise exception 'subscription % is out of step with what was billed of it', wrong
      using errcode = 'check_violation', constraint = 'subscriptions_in_step', table = 'subscriptions';
  end if;
  return null;
end $$;
