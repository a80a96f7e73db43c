-- A cycle that lay within a freeze or pause stays so when that is over, in any number of sessions.
--
-- What an inactive customer was not billed for in time is billed later, maybe after ~resume ended the freeze: the fee of that freeze,
-- never the agreed price.
set local search_path = billing;

-- As in 0009; the fee of a freeze that is over is billed for a cycle within it.
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
                and j.type = 'F' and j.state <> 'withdrawn' and w.due_date between j.effective_date and j.end_date))
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

-- At the commit: the subscription has gone on beyond an invoiced cycle, and neither that nor the next one lies where nothing is billed.
-- Whoever invoices has its row by then, and whoever freezes or pauses takes it before it looks (below): of two sessions at once the
-- second sees the first.
create or replace function transactions_of_cycle() returns trigger
  language plpgsql security definer set search_path = billing, pg_temp set enable_seqscan = off
  as $$
declare
  next date;
begin
  select s.next_billing_date into next from subscriptions s
   where s.account_id = new.account_id and s.customer_id = new.customer_id
     and s.subscription_id = new.subscription_id and s.next_cycle > new.cycle_number;
  if not found then
    raise exception 'subscription % has not gone on with invoice %', new.subscription_id, new.transaction_id
      using errcode = 'check_violation', constraint = 'transactions_of_cycle', table = 'transactions';
  end if;
  if exists (
    select from subscription_adjustments j
     where j.account_id = new.account_id and j.subscription_id = new.subscription_id and j.state <> 'withdrawn'
       and (new.adjustment_id is null and new.due_date between j.effective_date and coalesce(j.end_date, 'infinity')
            or j.type in ('C', 'P') and j.end_date is null and next >= j.effective_date)) then
    raise exception 'invoice % or the one after it lies within a freeze, a pause or behind a cancellation', new.transaction_id
      using errcode = 'check_violation', constraint = 'transactions_of_cycle', table = 'transactions';
  end if;
  return null;
end $$;

-- As in 0009; current without a bill is only who was frozen first.
create or replace function subscriptions_in_step() returns trigger
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
          or b.status in ('U', 'P') and s.status = 'C' and s.billed_count = 0
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

-- As in 0009; it begins by taking the subscription's row, as a write where other days are covered than before, so that a session with an older view of it collides. Who was never
-- billed is current only after a freeze.
create or replace function subscription_adjustments_in_step() returns trigger
  language plpgsql security definer set search_path = billing, pg_temp set enable_seqscan = off
  as $$
declare
  s subscriptions;
  in_force text;
begin
  if tg_table_name = 'subscription_adjustments' then
    if tg_op = 'INSERT' or new.state = 'withdrawn' or new.end_date is distinct from old.end_date then
      update subscriptions k set version = k.version
       where k.account_id = new.account_id and k.subscription_id = new.subscription_id;
    end if;
  end if;
  select * into s from subscriptions k
   where k.account_id = new.account_id and k.subscription_id = new.subscription_id for no key update;
  select string_agg(j.type, '' order by j.type) into in_force
    from subscription_adjustments j
   where j.account_id = s.account_id and j.subscription_id = s.subscription_id and j.state = 'effective';
  if in_force is distinct from (case s.status when 'F' then 'F' when 'P' then 'P' when 'N' then 'C' end)
    or s.status = 'E' and s.billed_count is distinct from s.length
    or s.status = 'C' and s.billed_count = 0 and not exists (
       select from subscription_adjustments j
        where j.account_id = s.account_id and j.subscription_id = s.subscription_id and j.type = 'F' and j.state = 'ended')
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
                   -- A fee that was invoiced ahead stays when the freeze is taken back or ended before.
                   else j.adjustment_id = i.adjustment_id and i.due_date < j.effective_date end) then
    raise exception 'subscription % is out of step with its adjustments', s.subscription_id
      using errcode = 'check_violation', constraint = 'subscription_adjustments_in_step', table = 'subscription_adjustments';
  end if;
  return null;
end $$;
