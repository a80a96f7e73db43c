-- What a bug, a second version of the program or a person with psql could still do to the books, held by the database (spec 5.3).
--
-- (a) journal_accounts                      each line goes between the accounts that spec 5.3 names for its type and means
-- (d) transactions_undone                   what undoes another has one of the right type, takes its amount, and marks it reversed
--     transactions_stay_undone              … and what was undone stays so
--     refunds_within_payment                refunds, and what is on its way back, are never more than the payment, in two sessions too
-- (e) transactions_of_cycle                 an invoice of a cycle has its date, its price, and a subscription that has gone on
--     subscriptions_in_step                 a subscription goes on by billed cycles, or by those that a freeze or pause took out
--     subscription_adjustments_in_step      … and an adjustment does not change without its subscription
-- (f) attempts_settled_whole                an attempt and what it became say the same
--     collections_of_invoices               only an invoice is collected, as open only while an attempt is
-- (g) subscriptions_begin_unbilled, customers_end_with_subscriptions
--
-- What comes by the thousand is checked for a whole statement at a time. At the commit, row by row, is checked what is rare, and the
-- two ends of a pair that one statement cannot write: an invoice and its subscription's progress, an attempt and its transaction.

set local search_path = billing;

-- A trigger function that reads tables must not be shown others of the same name: a temporary table comes first in every search
-- path that does not say otherwise.
alter function numbers_are_no_codes() set search_path = billing, pg_temp;
alter function vault_entries_of_living_options() set search_path = billing, pg_temp;

-- (a) The ledger -----------------------------------------------------------------------------------------------

-- The lines of an entry are written by one statement, numbered from 1, all of one direction, amount to what their transaction says,
-- and go where spec 5.3 lets them go. As line 1 is among them, an entry cannot be added to later.
create or replace function ledger_entries_written() returns trigger
  language plpgsql security definer
  set search_path = billing, pg_temp set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off
  as $$
declare
  wrong record;
  missing integer;
begin
  select w.transaction_id, not w.is_sound or t.transaction_id is null or t.status <> 'final' or w.amount <> t.amount
         or not case y.effect when 1 then w.debits when -1 then w.credits else false end as is_amiss
    into wrong
    from (select account_id, transaction_id, sum(amount) as amount, min(customer_id) as customer_id,
                 min(customer_id) = max(customer_id) and min(line) = 1 as is_sound,
                 bool_and(debit = 'receivable') as debits, bool_and(credit = 'receivable') as credits,
                 coalesce(sum(amount) filter (where credit = 'tax-payable'), 0) as tax,
                 min(case when debit = 'receivable' then credit else debit end) filter (where credit <> 'tax-payable') as place,
                 max(case when debit = 'receivable' then credit else debit end) filter (where credit <> 'tax-payable') as last_place
            from written group by account_id, transaction_id) w
    left join lateral (
         select * from transactions k
          where k.account_id = w.account_id and k.customer_id = w.customer_id and k.transaction_id = w.transaction_id
         offset 0) t on true
    left join transaction_types y on y.type = t.type
   where t.transaction_id is null or t.status <> 'final' or not w.is_sound or w.amount <> t.amount
      or not case y.effect when 1 then w.debits when -1 then w.credits else false end
      or not case
           when t.type in ('RR', 'RX', 'AX', 'AS') then not exists (
                select from (select * from written f
                              where f.account_id = w.account_id and f.transaction_id = w.transaction_id) n
                  full join (select * from ledger_entries f
                              where f.account_id = t.account_id and f.transaction_id = t.source_id) s on s.line = n.line
                 where (n.debit, n.credit, n.amount) is distinct from (s.credit, s.debit, s.amount))
           else w.place is not distinct from w.last_place
            and w.tax = case when t.type in ('RI', 'RF', 'RL', 'RA', 'RO', 'RN') then t.tax_amount else 0 end
            and coalesce(case
              when t.type = 'RI' then
                w.place = case when t.subscription_id is null then 'revenue:other' else 'revenue:recurring' end
              -- Money given back in cash, by check or outside leaves from there, wherever it came in.
              when t.type in ('AV', 'AD') and t.source_id is not null
                or t.type = 'AR' and t.source_id is not null and (t.attempt_id is not null or t.account_type is null
                                                                  or t.account_type not in ('K', 'H', 'E')) then
                w.place = (select s.debit from ledger_entries s
                            where s.account_id = t.account_id and s.transaction_id = t.source_id and s.line = 1)
              when t.type in ('RF', 'RL', 'RA', 'RO', 'RN') then w.place = 'revenue:fees'
              when t.type = 'RC' then w.place = 'revenue:credits'
              when t.type = 'AA' then w.place = 'expense:write-off'
              when t.type = 'AG' then w.place = 'clearing:chargebacks'
              when t.account_type = 'K' then w.place = 'cash'
              when t.account_type = 'H' then w.place = 'checks'
              when t.account_type = 'E' then w.place = 'external'
              when t.account_type = 'L' then w.place = 'expense:allowance'
              when t.account_type = 'W' then w.place = 'expense:write-off'
              else w.place ~ '^clearing:' and w.place <> 'clearing:chargebacks'
            -- An invoice that is tax throughout has no other line.
            end, t.type in ('RI', 'RF', 'RL', 'RA', 'RO', 'RN') and w.tax = t.amount)
         end
   limit 1;
  if found and wrong.is_amiss then
    raise exception 'the ledger lines of transaction % do not amount to it', wrong.transaction_id
      using errcode = 'check_violation', constraint = 'ledger_entries_match', table = 'ledger_entries';
  elsif found then
    raise exception 'the ledger lines of transaction % go between other accounts than its type and means say', wrong.transaction_id
      using errcode = 'check_violation', constraint = 'journal_accounts', table = 'ledger_entries';
  end if;
  with owing as materialized (
    select o.amount, k.place
      from (select account_id, customer_id, sum(case when debit = 'receivable' then amount else -amount end) as amount
              from written group by account_id, customer_id) o
     cross join lateral (
           select c.ctid as place from customers c
            where c.account_id = o.account_id and c.customer_id = o.customer_id offset 0) k),
  moved as (
    update customers c set balance = c.balance + o.amount from owing o where c.ctid = o.place returning 1)
  select (select count(*) from owing) - (select count(*) from moved) into missing;
  if missing <> 0 then
    raise exception 'a customer was changed at the same time: lock it first' using errcode = 'serialization_failure';
  end if;
  return null;
end $$;

-- Transactions -------------------------------------------------------------------------------------------------

alter table transactions add constraint transactions_cycle_of_invoice check (cycle_number is null or type = 'RI');

-- A transaction that counts has its lines in the ledger from the same statement on, and all of its amount is open. What a processor
-- was asked for follows its attempt, which is settled first; money of a card or bank account has one. An invoice of a cycle
-- has the cycle's date and the agreed price, or belongs to a freeze that holds then; it comes before its subscription goes on.
create or replace function transactions_written() returns trigger
  language plpgsql security definer
  set search_path = billing, pg_temp set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off
  as $$
declare
  wrong bigint;
begin
  select w.transaction_id into wrong
    from written w
    left join lateral (
         select l.line from ledger_entries l
          where l.account_id = w.account_id and l.transaction_id = w.transaction_id and l.line = 1 offset 0) l on true
   where w.status = 'reversed' or w.status = 'final' and l.line is null
   limit 1;
  if found then
    raise exception 'transaction % has no lines in the ledger', wrong
      using errcode = 'check_violation', constraint = 'transactions_in_ledger', table = 'transactions';
  end if;
  select w.transaction_id into wrong
    from written w
    left join lateral (
         select * from attempts p
          where p.account_id = w.account_id and p.transaction_id = w.transaction_id offset 0) p on true
   where case
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
         end
   limit 1;
  if found then
    raise exception 'transaction % is not what its attempt became', wrong
      using errcode = 'check_violation', constraint = 'transactions_of_attempt', table = 'transactions';
  end if;
  select w.transaction_id into wrong
    from written w
   cross join lateral (
         select * from subscriptions k
          where k.account_id = w.account_id and k.customer_id = w.customer_id and k.subscription_id = w.subscription_id
         offset 0) s
   where w.type = 'RI' and w.cycle_number is not null
     and (w.cycle_number < s.next_cycle
          or w.due_date <> cycle_date(s.billing_cycle_type, s.billing_interval, s.first_billing_date, w.cycle_number)
          or w.adjustment_id is null and (w.amount, w.tax_amount) <> (s.amount, s.tax_amount)
          or w.adjustment_id is not null and not exists (
             select from subscription_adjustments j
              where j.account_id = w.account_id and j.adjustment_id = w.adjustment_id and j.subscription_id = w.subscription_id
                and j.type = 'F' and j.state in ('pending', 'effective') and w.due_date between j.effective_date and j.end_date))
   limit 1;
  if found then
    raise exception 'invoice % has another date or price than its cycle', wrong
      using errcode = 'check_violation', constraint = 'transactions_of_cycle', table = 'transactions';
  end if;
  insert into open_items (account_id, customer_id, transaction_id, is_debt, amount, balance)
  select w.account_id, w.customer_id, w.transaction_id, y.side = 'debt', w.amount, w.amount
    from written w join transaction_types y on y.type = w.type
   where w.status = 'final' and y.side <> 'none';
  return null;
end $$;

-- At the commit: the subscription has gone on beyond an invoiced cycle.
create function transactions_of_cycle() returns trigger
  language plpgsql security definer set search_path = billing, pg_temp set enable_seqscan = off
  as $$
begin
  if not exists (select from subscriptions s
                  where s.account_id = new.account_id and s.customer_id = new.customer_id
                    and s.subscription_id = new.subscription_id and s.next_cycle > new.cycle_number) then
    raise exception 'subscription % has not gone on with invoice %', new.subscription_id, new.transaction_id
      using errcode = 'check_violation', constraint = 'transactions_of_cycle', table = 'transactions';
  end if;
  return null;
end $$;
create constraint trigger transactions_of_cycle after insert on transactions deferrable initially deferred
  for each row when (new.type = 'RI' and new.cycle_number is not null) execute function transactions_of_cycle();

-- What was pending becomes what its attempt became, which is settled first.
create or replace function transactions_settled() returns trigger
  language plpgsql security definer set search_path = billing, pg_temp set enable_seqscan = off
  as $$
begin
  if not exists (
    select from attempts p
     where p.account_id = new.account_id and p.transaction_id = new.attempt_id and p.outcome <> 'open'
       and new.status = case p.outcome when 'approved' then 'final' else 'declined' end
       and (new.status = 'declined' or new.amount = p.approved_amount)
       and new.type = case new.status when 'declined' then 'AD'
                      else case p.kind when 'payment' then 'AP' when 'claim' then 'AC' when 'refund' then 'AR' else 'AV' end end
       and new.source_id is not distinct from case new.status when 'declined' then coalesce(p.source_id, p.invoice_id)
                                                             else p.source_id end) then
    raise exception 'transaction % is not what its attempt became', new.transaction_id
      using errcode = 'check_violation', constraint = 'transactions_of_attempt', table = 'transactions';
  end if;
  if new.status = 'declined' then
    return null;
  end if;
  if not exists (select from ledger_entries l
                  where l.account_id = new.account_id and l.transaction_id = new.transaction_id and l.line = 1) then
    raise exception 'transaction % has no lines in the ledger', new.transaction_id
      using errcode = 'check_violation', constraint = 'transactions_in_ledger', table = 'transactions';
  end if;
  insert into open_items (account_id, customer_id, transaction_id, is_debt, amount, balance)
  select new.account_id, new.customer_id, new.transaction_id, y.side = 'debt', new.amount, new.amount
    from transaction_types y where y.type = new.type and y.side <> 'none';
  return null;
end $$;
drop trigger transactions_settled on transactions;
create trigger transactions_settled after update on transactions
  for each row when (old.status = 'pending' and new.status in ('final', 'declined')) execute function transactions_settled();

-- (d) Undoing --------------------------------------------------------------------------------------------------

-- The customer is locked by whoever gives money back: here once more, so that two sessions that did not see each other. What is on its way
-- back at a processor counts; an attempt is not counted beside what it became.
create or replace function refunds_within_payment() returns trigger
  language plpgsql security definer set search_path = billing, pg_temp set enable_seqscan = off
  as $$
begin
  perform from customers c where c.account_id = new.account_id and c.customer_id = new.customer_id for no key update;
  if (select coalesce(sum(g.amount), 0)
        from (select r.amount from transactions r
               where r.account_id = new.account_id and r.source_id = new.source_id and r.type in ('AR', 'AV')
                 and r.status = 'final'
              union all
              select p.amount from attempts p
               where p.account_id = new.account_id and p.source_id = new.source_id and p.outcome = 'open'
                 and not exists (select from transactions t
                                  where t.account_id = p.account_id and t.transaction_id = p.transaction_id
                                    and t.status = 'final')) g)
     > (select s.amount from transactions s
         where s.account_id = new.account_id and s.customer_id = new.customer_id and s.transaction_id = new.source_id) then
    raise exception 'the refunds of transaction % exceed it', new.source_id using errcode = 'check_violation',
      constraint = 'refunds_within_payment', table = 'transactions';
  end if;
  return null;
end $$;
drop trigger refunds_within_payment on transactions;
create trigger refunds_within_payment after insert or update of status on transactions
  for each row when (new.type in ('AR', 'AV') and new.status = 'final' and new.source_id is not null)
  execute function refunds_within_payment();
create trigger attempts_within_payment after insert on attempts
  for each row when (new.source_id is not null) execute function refunds_within_payment();
create index attempts_by_source on attempts (account_id, source_id) where source_id is not null;

-- At the commit: what undoes another transaction has one of the right type and amount and is set against it; what is reversed was
-- undone in whole. A payment that the bank itself took back is past that: its refunds may find nothing left.
create function transactions_undone() returns trigger
  language plpgsql security definer set search_path = billing, pg_temp set enable_seqscan = off
  as $$
declare
  source transactions;
  used bigint;
  is_sound boolean;
begin
  -- Reversed since, in the same transaction: looked at once, as that.
  if new.status = 'final' and not exists (select from transactions t
       where t.account_id = new.account_id and t.transaction_id = new.transaction_id and t.status = 'final') then
    return null;
  end if;
  if new.status = 'reversed' then
    select coalesce(sum(f.amount), 0) into used
      from allocations f
      join transactions o on o.account_id = f.account_id and o.transaction_id = f.source_id
     where f.account_id = new.account_id and f.target_id = new.transaction_id and f.end_date is null
       and o.source_id = new.transaction_id and o.type in ('RR', 'AS', 'AX');
    select used + coalesce(sum(f.amount), 0) into used
      from allocations f
      join transactions o on o.account_id = f.account_id and o.transaction_id = f.target_id
     where f.account_id = new.account_id and f.source_id = new.transaction_id and f.end_date is null
       and o.type in ('AV', 'AD', 'AR', 'AG', 'RX');
    is_sound := used = new.amount;
  else
    select * into source from transactions t
     where t.account_id = new.account_id and t.customer_id = new.customer_id and t.transaction_id = new.source_id;
    if new.type in ('RR', 'AS', 'AX') then
      select coalesce(sum(f.amount), 0) into used
        from allocations f
       where f.account_id = new.account_id and f.source_id = new.transaction_id and f.target_id = new.source_id
         and f.end_date is null;
    else
      select coalesce(sum(f.amount), 0) into used
        from allocations f
       where f.account_id = new.account_id and f.target_id = new.transaction_id and f.end_date is null
         and (new.source_id is null or f.source_id = new.source_id);
    end if;
    is_sound := case new.type
      when 'RR' then source.type in ('RI', 'RF', 'RL', 'RA', 'RO', 'RN') and (source.amount, source.status) = (new.amount, 'reversed')
      when 'RX' then source.type = 'RC' and (source.amount, source.status) = (new.amount, 'reversed')
      when 'AV' then source.type in ('AP', 'AC', 'AA') and (source.amount, source.status) = (new.amount, 'reversed')
      when 'AD' then source.type = 'AC' and (source.amount, source.status) = (new.amount, 'reversed')
      when 'AS' then source.type = 'AG' and (source.amount, source.status) = (new.amount, 'reversed')
      when 'AX' then source.type = 'AR' and (source.amount, source.status) = (new.amount, 'reversed')
      when 'AG' then source.type in ('AP', 'AC') and source.attempt_id is not null and source.amount >= new.amount
      else new.source_id is null and new.attempt_id is null or source.type in ('AP', 'AC') end
      and (used = new.amount
           or new.type = 'RX' and new.status = 'final'
           or new.type = 'AR' and exists (
              select from transactions b
               where b.account_id = new.account_id and b.source_id = new.source_id
                 and (b.type = 'AG' or b.type = 'AD' and b.status = 'final')));
  end if;
  if not coalesce(is_sound, false) then
    raise exception 'transaction % (%) is not undone, or does not undo, in whole', new.transaction_id, new.type
      using errcode = 'check_violation', constraint = 'transactions_undone', table = 'transactions';
  end if;
  return null;
end $$;
create constraint trigger transactions_undone after insert or update of status on transactions deferrable initially deferred
  for each row when (new.status = 'reversed'
    or new.status = 'final' and new.type in ('RR', 'RX', 'AV', 'AR', 'AD', 'AG', 'AS', 'AX'))
  execute function transactions_undone();

-- An allocation between what was undone and what undid it never ends. What the bank takes back ends those of refunds: they are not meant.
create or replace function allocations_ended() returns trigger
  language plpgsql security definer
  set search_path = billing, pg_temp set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off
  as $$
begin
  if (select count(*) from before) <> (
    select count(*) from before b join written w using (account_id, allocation_id)
     where (b.customer_id, b.source_id, b.target_id, b.amount, b.create_date)
             is not distinct from (w.customer_id, w.source_id, w.target_id, w.amount, w.create_date)
       and b.end_date is null and w.end_date is not null) then
    raise exception 'an allocation is never changed, only ended once' using errcode = 'check_violation',
      constraint = 'allocations_unchanged', table = 'allocations';
  end if;
  if exists (select from written w
              cross join lateral (select t.type, t.source_id from transactions t
                                   where t.account_id = w.account_id and t.customer_id = w.customer_id
                                     and t.transaction_id = w.source_id offset 0) s
              cross join lateral (select t.type, t.source_id from transactions t
                                   where t.account_id = w.account_id and t.customer_id = w.customer_id
                                     and t.transaction_id = w.target_id offset 0) t
              where s.type in ('RR', 'AS', 'AX') and s.source_id = w.target_id
                 or t.type in ('AV', 'AD', 'RX') and t.source_id = w.source_id) then
    raise exception 'what was undone stays so' using errcode = 'check_violation',
      constraint = 'transactions_stay_undone', table = 'allocations';
  end if;
  insert into open_items as o (account_id, customer_id, transaction_id, is_debt, amount, balance)
  select t.account_id, t.customer_id, t.transaction_id, f.is_debt, t.amount, f.amount
    from (select account_id, customer_id, transaction_id, is_debt, sum(amount) as amount
            from (select account_id, customer_id, source_id as transaction_id, false as is_debt, amount from written
                  union all
                  select account_id, customer_id, target_id, true, amount from written) sides
           group by account_id, customer_id, transaction_id, is_debt) f
   cross join lateral (
         select * from transactions k
          where k.account_id = f.account_id and k.customer_id = f.customer_id and k.transaction_id = f.transaction_id
         offset 0) t
  on conflict on constraint open_items_key do update set balance = o.balance + excluded.balance;
  return null;
end $$;

-- (e) Subscriptions --------------------------------------------------------------------------------------------

create function subscriptions_begin_unbilled() returns trigger
  language plpgsql
  as $$
begin
  raise exception 'a subscription begins unbilled, on its first billing date' using errcode = 'check_violation',
    constraint = 'subscriptions_begin_unbilled', table = 'subscriptions';
end $$;
create trigger subscriptions_begin_unbilled before insert on subscriptions
  for each row when (new.status <> 'U' or new.next_cycle <> 1 or new.billed_count <> 0 or new.last_billing_date is not null
    or new.next_billing_date is distinct from new.first_billing_date)
  execute function subscriptions_begin_unbilled();

-- Subscriptions go on past cycles that have their invoices and past those that a freeze or pause took out; their dates are those of their
-- cycles; none stops without a reason. Asked of a whole statement, with the adjustments as they stand: what is withdrawn with
-- it is looked at again at the commit.
create function subscriptions_in_step() returns trigger
  language plpgsql security definer
  set search_path = billing, pg_temp set enable_seqscan = off
  as $$
declare
  wrong bigint;
begin
  select s.subscription_id into wrong
    from written s
    join before b on b.account_id = s.account_id and b.subscription_id = s.subscription_id
    left join lateral (
         select i.cycle_number, i.due_date from transactions i
          where i.account_id = s.account_id and i.subscription_id = s.subscription_id and i.type = 'RI'
            and i.cycle_number is not null
          order by i.account_id desc, i.subscription_id desc, i.cycle_number desc limit 1) l on true
   where (s.status, s.next_cycle, s.next_billing_date, s.last_billing_date, s.billed_count)
           is distinct from (b.status, b.next_cycle, b.next_billing_date, b.last_billing_date, b.billed_count)
     and (s.next_billing_date <> cycle_date(s.billing_cycle_type, s.billing_interval, s.first_billing_date, s.next_cycle)
          or s.status = 'U' and s.billed_count > 0
          or b.status = 'U' and s.status = 'C' and s.billed_count = 0
          or s.billed_count < b.billed_count or l.cycle_number >= s.next_cycle
          or s.amount > 0 and s.last_billing_date is distinct from l.due_date
          or s.amount = 0 and s.billed_count - b.billed_count > greatest(s.next_cycle - b.next_cycle, 0)
          or s.amount > 0 and s.billed_count - b.billed_count <> (
             select count(*) from transactions i
              where i.account_id = s.account_id and i.subscription_id = s.subscription_id and i.type = 'RI'
                and i.cycle_number >= b.next_cycle and i.cycle_number < s.next_cycle and i.adjustment_id is null)
          or s.amount > 0 and s.next_cycle > b.next_cycle and exists (
             select from generate_series(b.next_cycle, s.next_cycle - 1) as n (cycle_number)
              where not exists (select from transactions i
                                 where i.account_id = s.account_id and i.subscription_id = s.subscription_id
                                   and i.type = 'RI' and i.cycle_number = n.cycle_number)
                and not exists (select from subscription_adjustments j
                                 where j.account_id = s.account_id and j.subscription_id = s.subscription_id
                                   and j.type in ('F', 'P') and j.state <> 'withdrawn'
                                   and cycle_date(s.billing_cycle_type, s.billing_interval, s.first_billing_date, n.cycle_number)
                                       between j.effective_date and coalesce(j.end_date, 'infinity')))
          or exists (select from subscription_adjustments j
                      where j.account_id = s.account_id and j.subscription_id = s.subscription_id
                        and j.state = 'effective' and j.type in ('C', 'P') and b.next_billing_date is null
                        and s.next_billing_date >= j.effective_date and s.status = b.status)
          or s.next_billing_date is null and s.status in ('U', 'C', 'F') and s.billed_count is distinct from s.length
             and not exists (select from subscription_adjustments j
                              where j.account_id = s.account_id and j.subscription_id = s.subscription_id
                                and j.state in ('pending', 'effective') and j.type in ('P', 'C')))
   limit 1;
  if found then
    raise exception 'subscription % is out of step with what was billed of it', wrong
      using errcode = 'check_violation', constraint = 'subscriptions_in_step', table = 'subscriptions';
  end if;
  return null;
end $$;
create trigger subscriptions_in_step after update on subscriptions
  referencing old table as before new table as written for each statement execute function subscriptions_in_step();

-- At the commit, after an adjustment began, moved or ended and after a status changed: status, adjustments, dates and invoices of the
-- subscription fit each other.
create function subscription_adjustments_in_step() returns trigger
  language plpgsql security definer set search_path = billing, pg_temp set enable_seqscan = off
  as $$
declare
  s subscriptions;
  in_force text;
begin
  select * into s from subscriptions k where k.account_id = new.account_id and k.subscription_id = new.subscription_id;
  select string_agg(j.type, '' order by j.type) into in_force
    from subscription_adjustments j
   where j.account_id = s.account_id and j.subscription_id = s.subscription_id and j.state = 'effective';
  if in_force is distinct from (case s.status when 'F' then 'F' when 'P' then 'P' when 'N' then 'C' end)
    or s.status = 'E' and s.billed_count is distinct from s.length
    or s.status in ('N', 'E') and exists (
       select from subscription_adjustments j
        where j.account_id = s.account_id and j.subscription_id = s.subscription_id and j.state = 'pending')
    or exists (
       select from subscription_adjustments j
        where j.account_id = s.account_id and j.subscription_id = s.subscription_id and j.state in ('pending', 'effective')
          and j.type in ('C', 'P') and s.next_billing_date >= j.effective_date)
    or s.next_billing_date is null and s.status in ('U', 'C', 'F') and s.billed_count is distinct from s.length
       and not exists (select from subscription_adjustments j
                        where j.account_id = s.account_id and j.subscription_id = s.subscription_id
                          and j.state in ('pending', 'effective') and j.type in ('P', 'C'))
    or s.amount > 0 and exists (
       select from generate_series(1, s.next_cycle - 1) as n (cycle_number)
        where not exists (select from transactions i
                           where i.account_id = s.account_id and i.subscription_id = s.subscription_id
                             and i.type = 'RI' and i.cycle_number = n.cycle_number)
          and not exists (select from subscription_adjustments j
                           where j.account_id = s.account_id and j.subscription_id = s.subscription_id
                             and j.type in ('F', 'P') and j.state <> 'withdrawn'
                             and cycle_date(s.billing_cycle_type, s.billing_interval, s.first_billing_date, n.cycle_number)
                                 between j.effective_date and coalesce(j.end_date, 'infinity')))
    or exists (
       select from transactions i
         join subscription_adjustments j on j.account_id = i.account_id and j.subscription_id = i.subscription_id
          and j.type = 'F'
        where i.account_id = s.account_id and i.subscription_id = s.subscription_id and i.type = 'RI'
          and i.cycle_number is not null
          and case when i.adjustment_id is null
                   then j.state <> 'withdrawn' and i.due_date between j.effective_date and j.end_date
                   else j.adjustment_id = i.adjustment_id
                    and (j.state = 'withdrawn' or i.due_date not between j.effective_date and j.end_date) end) then
    raise exception 'subscription % is out of step with its adjustments', s.subscription_id
      using errcode = 'check_violation', constraint = 'subscription_adjustments_in_step', table = 'subscription_adjustments';
  end if;
  return null;
end $$;
create constraint trigger subscription_adjustments_in_step after insert or update on subscription_adjustments
  deferrable initially deferred for each row execute function subscription_adjustments_in_step();
create constraint trigger subscriptions_status_in_step after update of status on subscriptions
  deferrable initially deferred for each row
  when (old.status is distinct from new.status and (old.status <> 'U' or new.status <> 'C'))
  execute function subscription_adjustments_in_step();

-- (g) At the commit: a customer has ended when all its subscriptions have.
create function customers_end_with_subscriptions() returns trigger
  language plpgsql security definer set search_path = billing, pg_temp set enable_seqscan = off
  as $$
begin
  if exists (select from customers c
               join subscriptions s on s.account_id = c.account_id and s.customer_id = c.customer_id
              where c.account_id = new.account_id and c.customer_id = new.customer_id and c.status in ('C', 'E')
                and s.status not in ('N', 'E')) then
    raise exception 'customer % has a subscription that goes on', new.customer_id
      using errcode = 'check_violation', constraint = 'customers_end_with_subscriptions', table = 'customers';
  end if;
  return null;
end $$;
create constraint trigger customers_end_with_subscriptions after update of status on customers deferrable initially deferred
  for each row when (new.status in ('C', 'E') and old.status is distinct from new.status)
  execute function customers_end_with_subscriptions();
create constraint trigger subscriptions_of_living_customers after insert on subscriptions deferrable initially deferred
  for each row execute function customers_end_with_subscriptions();

-- (f) Attempts -------------------------------------------------------------------------------------------------

alter table attempts add constraint attempts_source_of_kind check (
  (kind in ('refund', 'void')) = (source_id is not null) and (source_id is null or invoice_id is null));

-- What an attempt is for is its customer's, and nothing is asked of an option that was erased.
create function attempts_written() returns trigger
  language plpgsql security definer
  set search_path = billing, pg_temp set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off set enable_sort = off
  as $$
declare
  wrong bigint;
begin
  select w.transaction_id into wrong
    from written w
    left join lateral (
         select o.erase_date from payment_options o
          where o.account_id = w.account_id and o.customer_id = w.customer_id and o.payment_option_id = w.payment_option_id
         offset 0) o on true
    left join lateral (
         select s.subscription_id from subscriptions s
          where s.account_id = w.account_id and s.customer_id = w.customer_id and s.subscription_id = w.subscription_id
         offset 0) s on true
    left join lateral (
         -- In the order of the key, so that it is looked up there.
         select t.transaction_id from transactions t
          where t.account_id = w.account_id and t.transaction_id >= w.transaction_id
          order by t.account_id, t.transaction_id limit 1) t on true
   where t.transaction_id = w.transaction_id or o.erase_date is not null or s.subscription_id is distinct from w.subscription_id
      or w.fee_ids <> '{}' and exists (
         select from unnest(w.fee_ids) as f (id)
          where not exists (select from transactions t join transaction_types y on y.type = t.type
                             where t.account_id = w.account_id and t.customer_id = w.customer_id and t.transaction_id = f.id
                               and y.side = 'debt'))
   limit 1;
  if found then
    raise exception 'attempt % is for what is not its customer''s, or by an erased option', wrong
      using errcode = 'check_violation', constraint = 'attempts_of_customer', table = 'attempts';
  end if;
  return null;
end $$;
create trigger attempts_written after insert on attempts
  referencing new table as written for each statement execute function attempts_written();

-- At the commit: a settled attempt has become a transaction that says the same, and its invoice waits for it no more.
create function attempts_settled_whole() returns trigger
  language plpgsql security definer set search_path = billing, pg_temp set enable_seqscan = off
  as $$
begin
  if not exists (select from transactions t
                  where t.account_id = new.account_id and t.transaction_id = new.transaction_id
                    and t.attempt_id = new.transaction_id and t.customer_id = new.customer_id
                    and case new.outcome when 'approved' then t.status in ('final', 'reversed') and t.amount = new.approved_amount
                                         else t.status = 'declined' end)
    or new.invoice_id is not null and exists (
       select from collections k
        where k.account_id = new.account_id and k.invoice_id = new.invoice_id and k.state = 'open'
          and not exists (select from attempts p
                           where p.account_id = new.account_id and p.customer_id = new.customer_id
                             and p.invoice_id = new.invoice_id and p.outcome = 'open')) then
    raise exception 'attempt % was settled without its transaction, or its invoice waits for it', new.transaction_id
      using errcode = 'check_violation', constraint = 'attempts_settled_whole', table = 'attempts';
  end if;
  return null;
end $$;
create constraint trigger attempts_settled_whole after update on attempts deferrable initially deferred
  for each row when (old.outcome = 'open' and new.outcome <> 'open') execute function attempts_settled_whole();

-- Only invoices are collected, for the subscription that they are of; as open only while an attempt is. Attempts are looked up by their
-- customer as well: whichever index of the open ones is taken, it leads to few.
create function collections_written() returns trigger
  language plpgsql security definer
  set search_path = billing, pg_temp set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off
  as $$
declare
  wrong bigint;
begin
  select w.invoice_id into wrong
    from written w
   cross join lateral (
         select t.type, t.subscription_id from transactions t
          where t.account_id = w.account_id and t.customer_id = w.customer_id and t.transaction_id = w.invoice_id offset 0) t
    left join lateral (
         select true as is_open from attempts p
          where w.state = 'open' and p.account_id = w.account_id and p.customer_id = w.customer_id
            and p.invoice_id = w.invoice_id and p.outcome = 'open'
         offset 0) p on true
   where t.type <> 'RI' or t.subscription_id is distinct from w.subscription_id or w.state = 'open' and p.is_open is null
   limit 1;
  if found then
    raise exception 'transaction % is not collected so', wrong
      using errcode = 'check_violation', constraint = 'collections_of_invoices', table = 'collections';
  end if;
  return null;
end $$;
create trigger collections_inserted after insert on collections
  referencing new table as written for each statement execute function collections_written();
create trigger collections_updated after update on collections
  referencing new table as written for each statement execute function collections_written();

-- Payment options that were erased -----------------------------------------------------------------------------

create or replace function payment_options_erased_with_number() returns trigger
  language plpgsql security definer set search_path = billing, pg_temp set enable_seqscan = off
  as $$
begin
  if exists (select from vault_entries
              where account_id = new.account_id and payment_option_id = new.payment_option_id) then
    raise exception 'an option is erased after its number' using errcode = 'check_violation',
      constraint = 'payment_options_erased_with_number', table = 'payment_options';
  end if;
  if exists (select from subscriptions s
              where s.account_id = new.account_id and s.customer_id = new.customer_id
                and s.payment_option_id = new.payment_option_id and s.status not in ('N', 'E'))
    or exists (select from attempts p
                where p.account_id = new.account_id and p.customer_id = new.customer_id
                  and p.payment_option_id = new.payment_option_id and p.outcome = 'open') then
    raise exception 'an option that is in use is not erased' using errcode = 'check_violation',
      constraint = 'payment_options_erased_unused', table = 'payment_options';
  end if;
  return new;
end $$;
create function subscriptions_by_living_options() returns trigger
  language plpgsql security definer set search_path = billing, pg_temp set enable_seqscan = off
  as $$
begin
  if exists (select from payment_options
              where account_id = new.account_id and payment_option_id = new.payment_option_id and erase_date is not null) then
    raise exception 'nothing is paid with an erased option' using errcode = 'check_violation',
      constraint = 'subscriptions_by_living_options', table = 'subscriptions';
  end if;
  return null;
end $$;
create trigger subscriptions_by_living_options after insert or update of payment_option_id on subscriptions
  for each row when (new.payment_option_id is not null) execute function subscriptions_by_living_options();

-- (b) What is said once ----------------------------------------------------------------------------------------

-- At the commit: a code is taken for a transaction that has it, or is about to.
create function transaction_codes_in_use() returns trigger
  language plpgsql security definer set search_path = billing, pg_temp set enable_seqscan = off
  as $$
begin
  if not exists (select from transactions t
                  where t.account_id = new.account_id and t.transaction_id = new.transaction_id and t.code = new.code)
    and not exists (select from attempts p
                     where p.account_id = new.account_id and p.transaction_id = new.transaction_id and p.code = new.code)
    and not exists (select from signing_payments g
                     where g.account_id = new.account_id and g.transaction_id = new.transaction_id) then
    raise exception 'a code is taken for a transaction that does not have it' using errcode = 'check_violation',
      constraint = 'transaction_codes_in_use', table = 'transaction_codes';
  end if;
  return null;
end $$;
create constraint trigger transaction_codes_in_use after insert on transaction_codes deferrable initially deferred
  for each row execute function transaction_codes_in_use();

-- The payment that answers a caller's ~process is one that the run made.
create function signing_payments_of_the_run() returns trigger
  language plpgsql security definer set search_path = billing, pg_temp set enable_seqscan = off
  as $$
begin
  if not exists (select from transactions t
                   join attempts p on p.account_id = t.account_id and p.transaction_id = t.attempt_id
                  where t.account_id = new.account_id and t.transaction_id = new.transaction_id and t.type in ('AP', 'AC')
                    and p.invoice_id is not null) then
    raise exception 'transaction % is no payment of an invoice', new.transaction_id using errcode = 'check_violation',
      constraint = 'signing_payments_of_the_run', table = 'signing_payments';
  end if;
  return null;
end $$;
create trigger signing_payments_of_the_run after insert on signing_payments
  for each row execute function signing_payments_of_the_run();

create function processor_notices_of_attempt() returns trigger
  language plpgsql security definer set search_path = billing, pg_temp set enable_seqscan = off
  as $$
begin
  if not exists (select from transactions t
                  where t.account_id = new.account_id and t.transaction_id = new.transaction_id
                    and t.source_id = new.attempt_id and t.status in ('final', 'reversed')
                    and t.type = case new.code when 'Z02' then 'AG' else 'AD' end) then
    raise exception 'notice % did not become transaction %', new.notice_id, new.transaction_id
      using errcode = 'check_violation', constraint = 'processor_notices_of_attempt', table = 'processor_notices';
  end if;
  return null;
end $$;
create trigger processor_notices_of_attempt after insert on processor_notices
  for each row when (new.transaction_id is not null) execute function processor_notices_of_attempt();

-- An answer is given once; a key that moved money stays, and stands for one transaction.
create function idempotency_keys_unchanged() returns trigger
  language plpgsql
  as $$
begin
  raise exception 'what was answered under a key is not changed' using errcode = 'check_violation',
    constraint = 'idempotency_keys_unchanged', table = 'idempotency_keys';
end $$;
create trigger idempotency_keys_unchanged before update on idempotency_keys
  for each row when (
    (new.user_name, new.key, new.fingerprint) is distinct from (old.user_name, old.key, old.fingerprint)
    or old.status is not null and (new.status, new.content_type, new.location, new.body)
       is distinct from (old.status, old.content_type, old.location, old.body)
    or old.transaction_id is not null and (new.account_id, new.customer_id, new.transaction_id)
       is distinct from (old.account_id, old.customer_id, old.transaction_id))
  execute function idempotency_keys_unchanged();
create trigger idempotency_keys_kept before delete on idempotency_keys
  for each row when (old.transaction_id is not null) execute function idempotency_keys_unchanged();
create function idempotency_keys_of_transactions() returns trigger
  language plpgsql security definer set search_path = billing, pg_temp set enable_seqscan = off
  as $$
begin
  if not exists (select from attempts p
                  where p.account_id = new.account_id and p.customer_id = new.customer_id
                    and p.transaction_id = new.transaction_id)
    and not exists (select from transactions t
                     where t.account_id = new.account_id and t.customer_id = new.customer_id
                       and t.transaction_id = new.transaction_id) then
    raise exception 'a key stands for no transaction' using errcode = 'check_violation',
      constraint = 'idempotency_keys_of_transactions', table = 'idempotency_keys';
  end if;
  return null;
end $$;
create constraint trigger idempotency_keys_of_transactions after insert or update on idempotency_keys deferrable initially deferred
  for each row when (new.transaction_id is not null) execute function idempotency_keys_of_transactions();
