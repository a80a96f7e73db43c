-- A refund that is undone makes its payment good again; the allocations of refunds and chargebacks stay (spec 5.3, 5.8).
--
-- (d) transactions_undone         a payment is reversed if, and only if, it was voided, returned, or its refunds together are all of it
--     transactions_final_again    … also where it becomes final again, which nothing but a payment does
--     transactions_stay_undone    a payment pays its refunds and chargebacks as far as it goes, for as long as they stand
--     allocations_end_by_now      an allocation ends now, not later
--
-- All of it is asked of refunds, chargebacks and ended allocations alone: a bill meets none of them.

set local search_path = billing;

-- Facts of a transaction never change. What may: the status, to reversed, and of a payment back to final (transactions_final_again says
-- when); and a pending one becomes final or declined once, when its outcome is known.
create or replace function transactions_unchanged() returns trigger
  language plpgsql
  as $$
begin
  if old.status = 'pending' and new.status in ('final', 'declined') then
    if (new.account_id, new.transaction_id, new.customer_id, new.code, new.account_type, new.account_mask, new.fee_amount,
        new.subscription_id, new.cycle_number, new.adjustment_id, new.attempt_id, new.invoice_list, new.creator_code,
        new.note, new.create_date) is distinct from
       (old.account_id, old.transaction_id, old.customer_id, old.code, old.account_type, old.account_mask, old.fee_amount,
        old.subscription_id, old.cycle_number, old.adjustment_id, old.attempt_id, old.invoice_list, old.creator_code,
        old.note, old.create_date) or new.amount > old.amount then
      raise exception 'a pending transaction may only be settled' using errcode = 'check_violation',
        constraint = 'transactions_unchanged', table = 'transactions';
    end if;
    return new;
  end if;
  if (new.account_id, new.transaction_id, new.customer_id, new.code, new.type, new.account_type, new.account_mask, new.amount,
      new.tax_amount, new.fee_amount, new.due_date, new.subscription_id, new.cycle_number, new.adjustment_id, new.source_id,
      new.attempt_id, new.invoice_list, new.creator_code, new.note, new.create_date) is distinct from
     (old.account_id, old.transaction_id, old.customer_id, old.code, old.type, old.account_type, old.account_mask, old.amount,
      old.tax_amount, old.fee_amount, old.due_date, old.subscription_id, old.cycle_number, old.adjustment_id, old.source_id,
      old.attempt_id, old.invoice_list, old.creator_code, old.note, old.create_date)
     or old.status || '>' || new.status not in ('final>final', 'final>reversed')
        and not (old.status = 'reversed' and new.status = 'final' and new.type in ('AP', 'AC')) then
    raise exception 'a transaction is never changed, only reversed' using errcode = 'check_violation',
      constraint = 'transactions_unchanged', table = 'transactions';
  end if;
  return new;
end $$;

-- What of a payment was given back stands in its status and in its allocations. A chargeback or return takes the money before its
-- refunds do; what they lack then is owed.
create function is_payment_settled(account bigint, payment bigint) returns boolean
  language sql stable security definer set search_path = billing, pg_temp set enable_seqscan = off
  as $$
  select p.type not in ('AP', 'AC')
      or (p.status = 'reversed') = (g.taken > 0 or g.refunded = p.amount)
         and u.refunding + u.paying_out = least(g.refunded + u.paying_out, greatest(p.amount - g.charged - g.taken, 0))
         and u.charged = g.charged
    from transactions p
   cross join lateral (
         select coalesce(sum(k.amount) filter (where k.type = 'AR'), 0) as refunded,
                coalesce(sum(k.amount) filter (where k.type = 'AG'), 0) as charged,
                coalesce(sum(k.amount) filter (where k.type in ('AV', 'AD')), 0) as taken
           from transactions k
          where k.account_id = p.account_id and k.source_id = p.transaction_id and k.status = 'final' offset 0) g
   cross join lateral (
         select coalesce(sum(f.amount) filter (where o.type = 'AR' and o.source_id is not null), 0) as refunding,
                coalesce(sum(f.amount) filter (where o.type = 'AR' and o.source_id is null), 0) as paying_out,
                coalesce(sum(f.amount) filter (where o.type = 'AG'), 0) as charged
           from allocations f
           join transactions o on o.account_id = f.account_id and o.transaction_id = f.target_id
            and o.type in ('AR', 'AG') and coalesce(o.source_id, p.transaction_id) = p.transaction_id
          where f.account_id = p.account_id and f.source_id = p.transaction_id and f.end_date is null offset 0) u
   where p.account_id = account and p.transaction_id = payment
$$;
revoke all on function is_payment_settled(bigint, bigint) from public;

-- At the commit: what undoes another transaction has one of the right type and amount and is set against it; what is reversed was
-- undone in whole. A payment that the bank itself took back is past that: its refunds may find nothing left.
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
      when 'AG' then source.type in ('AP', 'AC') and source.attempt_id is not null and source.amount >= new.amount
      else new.source_id is null and new.attempt_id is null or source.type in ('AP', 'AC') end
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
create constraint trigger transactions_final_again after update of status on transactions deferrable initially deferred
  for each row when (old.status = 'reversed' and new.status = 'final') execute function transactions_undone();

-- An allocation between what was undone and what undid it never ends. Those of refunds and chargebacks are looked at when the transaction
-- commits: they end with the refund or chargeback, or when the bank takes the money back itself.
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
  -- By the account's clock or the real one; a clock that was set back ends nothing before it began.
  if exists (select from written w
              cross join lateral (select a.clock_at from merchant_accounts a where a.account_id = w.account_id offset 0) a
              where w.end_date > greatest(w.create_date, a.clock_at, clock_timestamp())) then
    raise exception 'an allocation ends now, not later' using errcode = 'check_violation',
      constraint = 'allocations_end_by_now', table = 'allocations';
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

-- At the commit: the payment whose allocation on its own refund or chargeback ended still pays them as far as it goes. Credit that a refund
-- without a payment paid out stays paid out, unless the refund was undone or a bank took the credit back.
create function transactions_stay_undone() returns trigger
  language plpgsql security definer set search_path = billing, pg_temp set enable_seqscan = off
  as $$
begin
  if exists (
    select from transactions t
      join transactions s on s.account_id = t.account_id and s.transaction_id = new.source_id
     where t.account_id = new.account_id and t.transaction_id = new.target_id and t.type in ('AR', 'AG')
       and (t.source_id = new.source_id and not is_payment_settled(new.account_id, new.source_id)
            or t.source_id is null and t.status = 'final' and s.type in ('AP', 'AC', 'RC')
               and coalesce(s.account_type, '') not in ('L', 'W')
               and not exists (select from transactions b
                                where b.account_id = new.account_id and b.source_id = new.source_id
                                  and b.type in ('AG', 'AD') and b.status = 'final'))) then
    raise exception 'what was undone stays so' using errcode = 'check_violation',
      constraint = 'transactions_stay_undone', table = 'allocations';
  end if;
  return null;
end $$;
create constraint trigger transactions_stay_undone after update on allocations deferrable initially deferred
  for each row when (old.end_date is null and new.end_date is not null) execute function transactions_stay_undone();

-- What earlier versions left: payments with a refund that was undone, and those that cash gave back in whole.
update transactions p set status = 'final'
 where p.type in ('AP', 'AC') and p.status = 'reversed'
   and not exists (select from transactions k
                    where k.account_id = p.account_id and k.source_id = p.transaction_id and k.type in ('AV', 'AD')
                      and k.status = 'final')
   and p.amount <> (select coalesce(sum(k.amount), 0) from transactions k
                     where k.account_id = p.account_id and k.source_id = p.transaction_id and k.type = 'AR'
                       and k.status = 'final');
update transactions p set status = 'reversed'
 where p.type in ('AP', 'AC') and p.status = 'final'
   and p.amount = (select sum(k.amount) from transactions k
                    where k.account_id = p.account_id and k.source_id = p.transaction_id and k.type = 'AR'
                      and k.status = 'final');
set constraints all immediate;
