-- Gaps that an attacker with plain SQL found (spec 5.3, 5.7, 5.8).
--
--     writes_at_read_committed    the locks of the other triggers hold two sessions apart only where each sees what the other committed
-- (d) transactions_undone         a chargeback is of the whole payment; an allowance or write-off is never paid out
-- (e) subscriptions_in_step       the next billing date lies before a pending pause or cancellation; one far off is no reason to stop
--     subscription_adjustments_in_step  nothing begins or is over before its day; no pause is put over what was billed
--     transactions_of_cycle       the fee of a freeze is the one of the account
--     subscription_adjustments_due  what is pending has its day
-- (f) attempts_named              what an attempt collects is an invoice or fee

set local search_path = billing;

-- Isolation ----------------------------------------------------------------------------------------------------

-- With an older view of the books a trigger waits for the other session and then does not see what it wrote. Reading is free.
create function writes_at_read_committed() returns trigger
  language plpgsql
  as $$
begin
  if current_setting('transaction_isolation') <> 'read committed' then
    raise exception 'the books are written at read committed' using errcode = 'active_sql_transaction',
      constraint = 'writes_at_read_committed', table = tg_table_name;
  end if;
  return null;
end $$;
do $$
declare
  place name;
begin
  foreach place in array array['merchant_accounts', 'customers', 'payment_options', 'vault_entries', 'subscriptions',
    'subscription_adjustments', 'transactions', 'transaction_codes', 'ledger_entries', 'open_items', 'allocations', 'attempts',
    'collections', 'signing_payments', 'processor_notices', 'idempotency_keys']::name[] loop
    execute format('create trigger writes_at_read_committed before insert or update or delete on %I '
                   'for each statement execute function writes_at_read_committed()', place);
  end loop;
end $$;

-- (d) Undoing --------------------------------------------------------------------------------------------------

-- As in 0013; a chargeback takes the whole payment, and nothing that was forgiven is paid out.
create or replace function transactions_undone() returns trigger
  language plpgsql security definer set search_path = billing, pg_temp set enable_seqscan = off
  as $$
declare
  source transactions;
  used bigint;
  is_sound boolean;
begin
  -- Moved on since, in the same transaction: looked at once, as what it is now.
  if not exists (select from transactions t
       where t.account_id = new.account_id and t.transaction_id = new.transaction_id and t.status = new.status) then
    return null;
  end if;
  if new.type in ('AP', 'AC') then
    is_sound := is_payment_settled(new.account_id, new.transaction_id);
  elsif new.type in ('AR', 'AG') and new.source_id is not null then
    is_sound := is_payment_settled(new.account_id, new.source_id);
  else
    is_sound := true;
  end if;
  if not is_sound or new.status = 'final' and new.type in ('AP', 'AC') then
    null;
  elsif new.status = 'reversed' then
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
      when 'AG' then source.type in ('AP', 'AC') and source.attempt_id is not null and source.amount = new.amount
      else case when new.source_id is not null
                then source.type in ('AP', 'AC') and coalesce(source.account_type, '') not in ('L', 'W')
                else new.attempt_id is null and not exists (
                     select from allocations f
                       join transactions o on o.account_id = f.account_id and o.transaction_id = f.source_id
                      where f.account_id = new.account_id and f.target_id = new.transaction_id and f.end_date is null
                        and (o.type = 'AA' or o.account_type in ('L', 'W'))) end end
      and (used = new.amount
           or new.type = 'RX' and new.status = 'final'
           or new.type = 'AR' and exists (
              select from transactions b
               where b.account_id = new.account_id and b.source_id = new.source_id
                 and b.type in ('AG', 'AD') and b.status = 'final'));
  end if;
  if not coalesce(is_sound, false) then
    raise exception 'transaction % (%) is not undone, or does not undo, in whole', new.transaction_id, new.type
      using errcode = 'check_violation', constraint = 'transactions_undone', table = 'transactions';
  end if;
  return null;
end $$;

-- (e) Subscriptions --------------------------------------------------------------------------------------------

-- As in 0011; a pending pause or cancellation bounds the next billing date as one in force does, and is a reason to have none only where
-- the next cycle would fall behind it. Who withdraws one writes that before the subscription.
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

-- The earliest day that it was at this time in any time zone.
create function earliest_date(moment timestamptz) returns date
  language sql immutable parallel safe
  as $$ select ((moment at time zone 'UTC') - interval '12 hours')::date $$;

-- As in 0011, and: an adjustment begins or is over on its day or later, by the account's clock. A freeze behind which a bill was made ahead
-- may be over before, with all its days. A pause begins on the day on which it was asked for or later: what it covers of the bills
-- was made before, unless the clock was set back since.
create or replace function subscription_adjustments_in_step() returns trigger
  language plpgsql security definer set search_path = billing, pg_temp set enable_seqscan = off
  as $$
declare
  s subscriptions;
  in_force text;
  today date;
  clock timestamptz;
begin
  if tg_table_name = 'subscription_adjustments' then
    if tg_op = 'INSERT' or new.state = 'withdrawn' or new.end_date is distinct from old.end_date then
      update subscriptions k set version = k.version
       where k.account_id = new.account_id and k.subscription_id = new.subscription_id;
    end if;
  end if;
  select * into s from subscriptions k
   where k.account_id = new.account_id and k.subscription_id = new.subscription_id for no key update;
  if tg_table_name = 'subscription_adjustments' then
    if tg_op = 'INSERT' or new.state <> old.state then
      select business_date(a), coalesce(a.clock_at, clock_timestamp()) into today, clock
        from merchant_accounts a where a.account_id = new.account_id;
      if new.state in ('effective', 'ended')
         and not (new.type = 'F' and new.state = 'ended' and coalesce(s.last_billing_date > new.end_date, false))
         and ((tg_op = 'INSERT' or old.state = 'pending') and new.effective_date > today
              or new.state = 'ended' and new.end_date > greatest(new.effective_date, today)) then
        raise exception 'adjustment % has not come to its day', new.adjustment_id
          using errcode = 'check_violation', constraint = 'subscription_adjustments_in_step', table = 'subscription_adjustments';
      end if;
      if tg_op = 'INSERT' and new.type = 'P' and new.state <> 'withdrawn'
         and (new.effective_date < earliest_date(new.create_date)
              or exists (
                 select from transactions i
                  where i.account_id = new.account_id and i.subscription_id = new.subscription_id and i.type = 'RI'
                    and i.cycle_number is not null
                    and i.due_date between new.effective_date and coalesce(new.end_date, 'infinity')
                    and i.create_date > new.create_date and i.create_date <= clock)) then
        raise exception 'pause % begins before it was asked for', new.adjustment_id
          using errcode = 'check_violation', constraint = 'subscription_adjustments_in_step', table = 'subscription_adjustments';
      end if;
    end if;
  end if;
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
                          and j.state in ('pending', 'effective') and j.type in ('P', 'C')
                          and j.effective_date
                              <= cycle_date(s.billing_cycle_type, s.billing_interval, s.first_billing_date, s.next_cycle))
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

-- As in 0011; what a freeze costs is what the account asks for, by the policy under which it is billed.
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
                and j.type = 'F' and j.state <> 'withdrawn' and w.due_date between j.effective_date and j.end_date)
          or w.adjustment_id is not null and not exists (
             select from account_policies v
              where v.account_id = w.account_id and v.version = w.policy_version
                and (v.freeze_recurring_fee, 0) = (w.amount, w.tax_amount)))
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

-- Null is no day.
alter table subscription_adjustments disable trigger user;
update subscription_adjustments set due_on = effective_date where state = 'pending' and due_on is null;
alter table subscription_adjustments enable trigger user;
alter table subscription_adjustments drop constraint subscription_adjustments_due;
alter table subscription_adjustments add constraint subscription_adjustments_due check (
  case state when 'pending' then due_on is not distinct from effective_date
             when 'effective' then (due_on is not null) = (type = 'F')
             else due_on is null end);

-- (f) Attempts -------------------------------------------------------------------------------------------------

-- As in 0012; the first of what a payment collects is an invoice or fee as well.
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
  select w.transaction_id, null::bigint as other into wrong
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
  if found then
    raise exception 'attempt % does not name the invoices and fees that it is for', wrong.transaction_id
      using errcode = 'check_violation', constraint = 'attempts_named', table = 'attempts';
  end if;
  return null;
end $$;
