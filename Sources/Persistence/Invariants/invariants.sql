-- What must hold of the whole database at any moment (spec 5.3 a to h).
--
--   psql -X -f invariants.sql "$BILLING_DATABASE_URL"       or       billing status --check
--
-- Each row that comes back is a violation: the invariant's name, the merchant account, a sentence with numbers only. No row: all
-- is well. Reads everything, changes nothing; as a role that sees all merchant accounts (billing_jobs or the owner). Two
-- statements: the books by themselves; the books against the sandbox processor's own, where there is one in the same database
-- (`billing status --check` does that also where it is in another one). With `PGOPTIONS='-c jit=off'` large books take seconds in place
-- of a minute.

-- (a) Every entry sums to zero, and so does every account's ledger.
select 'entries_sum_to_zero' as invariant, account_id,
       format('the entry of transaction %s sums to %s', transaction_id, sum(amount)) as detail
  from billing.ledger_postings
 group by account_id, transaction_id
having sum(amount) <> 0
union all
select 'ledger_sums_to_zero', account_id, format('the ledger sums to %s', sum(amount))
  from billing.ledger_postings
 group by account_id
having sum(amount) <> 0

-- (a) What counts is in the ledger, with its amount; what does not is not.
union all
select 'transactions_in_ledger', coalesce(t.account_id, l.account_id),
       format('transaction %s (%s, %s, %s) has %s in the ledger', coalesce(t.transaction_id, l.transaction_id),
              t.type, t.status, t.amount, coalesce(l.owed, 0))
  from billing.transactions t
  join billing.transaction_types y on y.type = t.type
  full join (select account_id, transaction_id, min(customer_id) as customer_id, max(customer_id) as last_customer_id,
                    sum(case when debit = 'receivable' then amount else -amount end) as owed
               from billing.ledger_entries
              group by account_id, transaction_id) l
    on l.account_id = t.account_id and l.transaction_id = t.transaction_id
 where t.transaction_id is null
    or t.status in ('pending', 'declined') and l.owed is not null
    or t.status in ('final', 'reversed')
       and (l.owed is distinct from y.effect * t.amount or l.customer_id <> t.customer_id or l.last_customer_id <> t.customer_id)

-- (c) A customer's balance is the sum of its receivable.
union all
select 'customer_balance', c.account_id,
       format('customer %s has a balance of %s, its ledger of %s', c.customer_id, c.balance, coalesce(l.owed, 0))
  from billing.customers c
  left join (select account_id, customer_id, sum(amount) as owed
               from billing.ledger_postings
              where ledger_account = 'receivable'
              group by account_id, customer_id) l
    on l.account_id = c.account_id and l.customer_id = c.customer_id
 where c.balance <> coalesce(l.owed, 0)

-- (d) A transaction's balance is its amount less its living allocations.
union all
select 'transaction_balance', t.account_id,
       format('transaction %s (%s) of %s has %s allocated and a balance of %s', t.transaction_id, t.status,
              t.amount, coalesce(u.amount, 0), coalesce(o.balance, 0))
  from billing.transactions t
  join billing.transaction_types y on y.type = t.type
  left join (select account_id, transaction_id, sum(amount) as amount
               from (select account_id, source_id as transaction_id, amount from billing.allocations
                      where end_date is null
                     union all
                     select account_id, target_id, amount from billing.allocations where end_date is null) sides
              group by account_id, transaction_id) u
    on u.account_id = t.account_id and u.transaction_id = t.transaction_id
  left join billing.open_items o on o.account_id = t.account_id and o.transaction_id = t.transaction_id
 where coalesce(o.balance, 0)
       <> case when t.status in ('final', 'reversed') then t.amount else 0 end - coalesce(u.amount, 0)
    or o.customer_id <> t.customer_id or o.amount <> t.amount or o.is_debt <> (y.side = 'debt')
union all
select 'open_item_of_transaction', o.account_id, format('there is no transaction %s', o.transaction_id)
  from billing.open_items o
 where not exists (select from billing.transactions t
                    where t.account_id = o.account_id and t.transaction_id = o.transaction_id)

-- (d, h) An allocation uses a credit on a debt of the same customer.
union all
select 'allocation_sides', l.account_id,
       format('allocation %s of customer %s uses %s (%s) on %s (%s)', l.allocation_id, l.customer_id,
              l.source_id, s.type, l.target_id, t.type)
  from billing.allocations l
  left join billing.transactions s on s.account_id = l.account_id and s.transaction_id = l.source_id
  left join billing.transactions t on t.account_id = l.account_id and t.transaction_id = l.target_id
  left join billing.transaction_types ys on ys.type = s.type
  left join billing.transaction_types yt on yt.type = t.type
 where (ys.side, yt.side, s.customer_id, t.customer_id)
       is distinct from ('credit', 'debt', l.customer_id, l.customer_id)

-- (d) Refunds of a payment are never more than the payment.
union all
select 'refunds_within_payment', s.account_id,
       format('transaction %s of %s is refunded by %s', s.transaction_id, s.amount, sum(r.amount))
  from billing.transactions r
  join billing.transactions s on s.account_id = r.account_id and s.transaction_id = r.source_id
 where r.type = 'AR' and r.status = 'final'
 group by s.account_id, s.transaction_id, s.amount
having sum(r.amount) > s.amount

-- (d) What is reversed is undone in whole by others, and what reverses has reversed: a payment also when its refunds are all of it.
union all
select 'reversed_by_another', t.account_id,
       format('transaction %s of %s is %s; of it %s is undone', t.transaction_id, t.amount, t.status, u.amount)
  from billing.transactions t
  left join (select account_id, source_id,
                    -- What a bank takes back is taken back whole, whatever was refunded of it before.
                    coalesce(sum(amount) filter (where type not in ('AR', 'AG')), sum(amount) filter (where type = 'AR')) as amount,
                    coalesce(bool_or(type in ('RR', 'RX', 'AV', 'AD', 'AS', 'AX')), false) as is_whole,
                    coalesce(sum(amount) filter (where type = 'AR'), 0) as refunded
               from billing.transactions
              where type in ('RR', 'RX', 'AV', 'AD', 'AS', 'AX', 'AR', 'AG') and status = 'final' and source_id is not null
              group by account_id, source_id) u
    on u.account_id = t.account_id and u.source_id = t.transaction_id
 where t.status = 'reversed' and t.amount is distinct from u.amount
    or t.status <> 'reversed' and (u.is_whole or t.type in ('AP', 'AC') and u.refunded = t.amount)

-- (e) One invoice for each billed cycle, none left out, none ahead; and the subscription says so.
union all
select 'one_invoice_a_cycle', account_id,
       format('cycle %s of subscription %s has %s invoices', cycle_number, subscription_id, count(*))
  from billing.transactions
 where type = 'RI' and cycle_number is not null
 group by account_id, subscription_id, cycle_number
having count(*) > 1
union all
select 'no_cycle_skipped', s.account_id,
       format('cycle %s of subscription %s has no invoice', n.cycle_number, s.subscription_id)
  from billing.subscriptions s
 cross join lateral generate_series(1, s.next_cycle - 1) as n (cycle_number)
 where not exists (select from billing.transactions t
                    where t.account_id = s.account_id and t.subscription_id = s.subscription_id
                      and t.type = 'RI' and t.cycle_number = n.cycle_number)
   -- A cycle of nothing has no invoice.
   and s.amount > 0
   -- A frozen or paused one has none either.
   and not exists (select from billing.subscription_adjustments j
                    where j.account_id = s.account_id and j.subscription_id = s.subscription_id
                      and j.type in ('F', 'P') and j.state <> 'withdrawn'
                      and billing.cycle_date(s.billing_cycle_type, s.billing_interval, s.first_billing_date, n.cycle_number)
                          between j.effective_date and coalesce(j.end_date, 'infinity'))
union all
select 'subscription_progress', s.account_id,
       format('subscription %s is before cycle %s with %s billed: it has %s invoices, the last of cycle %s',
              s.subscription_id, s.next_cycle, s.billed_count, coalesce(i.invoices, 0), coalesce(i.last, 0))
  from billing.subscriptions s
  -- The invoice of a freeze's fee is no payment.
  left join (select account_id, subscription_id, count(*) filter (where adjustment_id is null) as invoices,
                    max(cycle_number) as last, max(due_date) as last_date
               from billing.transactions
              where type = 'RI' and cycle_number is not null
              group by account_id, subscription_id) i
    on i.account_id = s.account_id and i.subscription_id = s.subscription_id
 where (s.amount > 0 and (s.billed_count <> coalesce(i.invoices, 0) or s.last_billing_date is distinct from i.last_date))
    or coalesce(i.last, 0) >= s.next_cycle

-- (g) A subscription is frozen, paused or cancelled while an adjustment of that kind is in force, and only then.
union all
select 'adjustment_in_force', s.account_id,
       format('subscription %s has status %s with %s in force and %s pending', s.subscription_id, s.status,
              coalesce(j.in_force, 'nothing'), j.pending)
  from billing.subscriptions s
 cross join lateral (
       select string_agg(type, '' order by type) filter (where state = 'effective') as in_force,
              count(*) filter (where state = 'pending') as pending
         from billing.subscription_adjustments k
        where k.account_id = s.account_id and k.subscription_id = s.subscription_id) j
 where j.in_force is distinct from case s.status when 'F' then 'F' when 'P' then 'P' when 'N' then 'C' end
    or s.status in ('N', 'E') and j.pending > 0

-- (e) The next billing date is its cycle's, and neither frozen without a fee, paused nor cancelled.
union all
select 'next_billing_date', s.account_id,
       format('subscription %s is next billed on %s, cycle %s', s.subscription_id, s.next_billing_date, s.next_cycle)
  from billing.subscriptions s
 where s.next_billing_date
       <> billing.cycle_date(s.billing_cycle_type, s.billing_interval, s.first_billing_date, s.next_cycle)
    or exists (select from billing.subscription_adjustments j
                where j.account_id = s.account_id and j.subscription_id = s.subscription_id
                  and j.state in ('pending', 'effective') and j.type in ('C', 'P')
                  and s.next_billing_date >= j.effective_date)

-- (b) The policy of an account is its last version on record; a transaction names one that is.
union all
select 'policy_on_record', a.account_id, format('the policy of the account is not version %s on record', a.policy_version)
  from billing.merchant_accounts a
  left join billing.account_policies v on v.account_id = a.account_id and v.version = a.policy_version
 where (a.time_zone, a.processor, a.balancing_algorithm, a.invoice_lead_days, a.close_sales_days, a.retry_days,
        a.on_retries_exhausted, a.late_fee_amount, a.late_fee_grace_days, a.soft_decline_fee, a.hard_decline_fee,
        a.retry_fee, a.chargeback_fee, a.enrollment_fee, a.cancellation_fee, a.freeze_flat_fee,
        a.freeze_recurring_fee, a.write_off_days, a.claim_return_days, a.settlement_time)
       is distinct from
       (v.time_zone, v.processor, v.balancing_algorithm, v.invoice_lead_days, v.close_sales_days, v.retry_days,
        v.on_retries_exhausted, v.late_fee_amount, v.late_fee_grace_days, v.soft_decline_fee, v.hard_decline_fee,
        v.retry_fee, v.chargeback_fee, v.enrollment_fee, v.cancellation_fee, v.freeze_flat_fee,
        v.freeze_recurring_fee, v.write_off_days, v.claim_return_days, v.settlement_time)
    or exists (select from billing.account_policies k where k.account_id = a.account_id and k.version > a.policy_version)
union all
select 'policy_on_record', t.account_id,
       format('transaction %s was made under policy %s, which is not on record', t.transaction_id, t.policy_version)
  from billing.transactions t
 where not exists (select from billing.account_policies v
                    where v.account_id = t.account_id and v.version = t.policy_version)

-- (f) One open attempt for an invoice; settled attempts and their transactions come in pairs.
union all
select 'one_open_attempt', p.account_id, format('invoice or fee %s has %s open attempts', n.id, count(*))
  from billing.attempts p
 cross join unnest(array_append(p.fee_ids || p.named_ids, p.invoice_id)) as n (id)
 where p.outcome = 'open' and n.id is not null
 group by p.account_id, n.id
having count(*) > 1
union all
select 'attempt_has_transaction', p.account_id,
       format('attempt %s (%s of %s, %s, %s): its transaction is %s, %s, %s', p.transaction_id, p.kind,
              p.amount, p.outcome, p.approved_amount, t.type, t.status, t.amount)
  from billing.attempts p
  left join billing.transactions t on t.account_id = p.account_id and t.attempt_id = p.transaction_id
 where t.customer_id <> p.customer_id
    or case p.outcome
         when 'approved' then t.transaction_id is null or t.status not in ('final', 'reversed')
                              or t.type = 'AD' or t.amount <> p.approved_amount
         when 'declined' then t.transaction_id is null or t.status <> 'declined'
         when 'abandoned' then t.transaction_id is null or t.status <> 'declined'
         else t.status <> 'pending'
       end
union all
select 'transaction_has_attempt', t.account_id,
       format('transaction %s (%s by %s) has no attempt', t.transaction_id, t.type, t.account_type)
  from billing.transactions t
 where (t.attempt_id is not null or t.type in ('AP', 'AC', 'AR') and char_length(t.account_type) = 2)
   and not exists (select from billing.attempts p
                    where p.account_id = t.account_id and p.transaction_id = t.transaction_id
                      and t.attempt_id = p.transaction_id)
union all
select 'open_collection_has_attempt', k.account_id,
       format('invoice %s waits for an attempt that is not open', k.invoice_id)
  from billing.collections k
 where k.state = 'open'
   and not exists (select from billing.attempts p
                    where p.account_id = k.account_id and p.invoice_id = k.invoice_id and p.outcome = 'open')

-- The registry of codes is complete, and holds nothing else.
union all
select 'code_registered', n.account_id, format('the code of transaction %s is not registered', n.transaction_id)
  from (select account_id, transaction_id, code from billing.transactions where code is not null
        union
        select account_id, transaction_id, code from billing.attempts where code is not null) n
 where not exists (select from billing.transaction_codes k
                    where k.account_id = n.account_id and k.code = n.code
                      and k.transaction_id = n.transaction_id)
union all
select 'code_in_use', k.account_id, format('a code is registered for %s, which does not have it', k.transaction_id)
  from billing.transaction_codes k
 where not exists (select from billing.transactions t
                    where t.account_id = k.account_id and t.transaction_id = k.transaction_id
                      and t.code = k.code)
   and not exists (select from billing.attempts p
                    where p.account_id = k.account_id and p.transaction_id = k.transaction_id
                      and p.code = k.code)
   -- A payment of the run that answered a caller's ~process has that call's code beside its own.
   and not exists (select from billing.signing_payments g
                    where g.account_id = k.account_id and g.transaction_id = k.transaction_id)

-- What was erased has no number and is used by nothing any more.
union all
select 'erased_option', o.account_id, format('payment option %s was erased and is in use', o.payment_option_id)
  from billing.payment_options o
 where o.erase_date is not null
   and (exists (select from billing.vault_entries v
                 where v.account_id = o.account_id and v.payment_option_id = o.payment_option_id)
        or exists (select from billing.attempts p
                    where p.account_id = o.account_id and p.outcome = 'open'
                      and p.payment_option_id = o.payment_option_id)
        or exists (select from billing.subscriptions s
                    where s.account_id = o.account_id and s.customer_id = o.customer_id
                      and s.payment_option_id = o.payment_option_id and s.status not in ('N', 'E')))

-- (a) Each line stands where spec 5.3 puts it: the other side of the receivable by type and means, the tax apart, what undoes
-- another entry out of where that one went.
union all
select 'journal_accounts', t.account_id,
       format('line %s of transaction %s (%s by %s) goes from %s to %s', l.line, t.transaction_id, t.type,
              coalesce(t.account_type, 'nothing'), l.credit, l.debit)
  from billing.ledger_entries l
  join billing.transactions t on t.account_id = l.account_id and t.transaction_id = l.transaction_id
  join billing.transaction_types y on y.type = t.type
  left join billing.ledger_entries s on s.account_id = t.account_id and s.transaction_id = t.source_id
   and s.line = case when t.type in ('AV', 'AR', 'AD') then 1 else l.line end
 where (y.effect = 1) <> (l.debit = 'receivable')
    or not case
         when t.type in ('RR', 'RX', 'AX', 'AS')
           then (l.debit, l.credit, l.amount) is not distinct from (s.credit, s.debit, s.amount)
         -- Money given back in cash, by check or outside leaves from there, wherever it came in.
         when t.type in ('AV', 'AD') and t.source_id is not null
           or t.type = 'AR' and t.source_id is not null and (t.attempt_id is not null or t.account_type is null
                                                             or t.account_type not in ('K', 'H', 'E'))
           then l.credit is not distinct from s.debit
         when t.type = 'RI' then l.credit in
           ('tax-payable', case when t.subscription_id is null then 'revenue:other' else 'revenue:recurring' end)
         when t.type in ('RF', 'RL', 'RA', 'RO', 'RN') then l.credit in ('tax-payable', 'revenue:fees')
         when t.type = 'RC' then l.debit = 'revenue:credits'
         when t.type = 'AA' then l.debit = 'expense:write-off'
         when t.type = 'AG' then l.credit = 'clearing:chargebacks'
         when t.account_type in ('K', 'H', 'E', 'L', 'W')
           then case y.effect when 1 then l.credit else l.debit end
                = case t.account_type when 'K' then 'cash' when 'H' then 'checks' when 'E' then 'external'
                                      when 'L' then 'expense:allowance' else 'expense:write-off' end
         else case y.effect when 1 then l.credit else l.debit end like 'clearing:%'
              and 'clearing:chargebacks' not in (l.debit, l.credit)
       end
union all
select 'journal_tax', t.account_id,
       format('transaction %s (%s) has a tax of %s, its entry of %s', t.transaction_id, t.type, t.tax_amount,
              coalesce(l.tax, 0))
  from billing.transactions t
  left join (select account_id, transaction_id, sum(amount) as tax
               from billing.ledger_entries
              where credit = 'tax-payable'
              group by account_id, transaction_id) l
    on l.account_id = t.account_id and l.transaction_id = t.transaction_id
 where t.status in ('final', 'reversed')
   and coalesce(l.tax, 0) <> case when t.type in ('RI', 'RF', 'RL', 'RA', 'RO', 'RN') then t.tax_amount else 0 end

-- (d) What undoes another transaction has one of the right type, and of its whole amount where it undoes all of it.
union all
select 'source_of_its_type', t.account_id,
       format('transaction %s (%s of %s) undoes %s (%s, %s, %s)', t.transaction_id, t.type, t.amount, t.source_id,
              s.type, s.status, s.amount)
  from billing.transactions t
  left join billing.transactions s on s.account_id = t.account_id and s.transaction_id = t.source_id
 where t.status in ('final', 'reversed')
   and not case t.type
         when 'RR' then s.type in ('RI', 'RF', 'RL', 'RA', 'RO', 'RN') and s.amount = t.amount
         when 'RX' then s.type = 'RC' and s.amount = t.amount
         when 'AV' then s.type in ('AP', 'AC', 'AA') and s.amount = t.amount
         when 'AD' then s.type = 'AC' and s.amount = t.amount
         when 'AS' then s.type = 'AG' and s.amount = t.amount
         when 'AX' then s.type = 'AR' and s.amount = t.amount
         when 'AG' then s.type in ('AP', 'AC') and s.amount = t.amount and s.attempt_id is not null
         when 'AR' then t.source_id is null and t.attempt_id is null
                        or s.type in ('AP', 'AC') and coalesce(s.account_type, '') not in ('L', 'W')
         else true end is true

-- (d) What was forgiven is not paid out: an allowance or write-off pays a refund only where a bank took back what had paid it.
union all
select 'allowance_paid_out', t.account_id,
       format('refund %s is paid by %s of allowances and write-offs, by %s of what was taken back since', t.transaction_id, u.forgiven,
              u.ended)
  from billing.transactions t
 cross join lateral (
       select coalesce(sum(f.amount) filter (
                where f.end_date is null and (o.type = 'AA' or o.account_type in ('L', 'W'))), 0) as forgiven,
              coalesce(sum(f.amount) filter (
                where f.end_date is not null and o.type <> 'AA' and coalesce(o.account_type, '') not in ('L', 'W')), 0) as ended
         from billing.allocations f
         join billing.transactions o on o.account_id = f.account_id and o.transaction_id = f.source_id
        where f.account_id = t.account_id and f.target_id = t.transaction_id) u
 where t.type = 'AR' and t.source_id is null and u.forgiven > u.ended

-- (d) What was undone pays nothing and is paid by nothing but what undid it.
union all
select 'undone_is_used_up', t.account_id,
       format('transaction %s (%s of %s) is reversed: %s of it is used on what took it back', t.transaction_id, t.type,
              t.amount, coalesce(u.amount, 0))
  from billing.transactions t
  join billing.transaction_types y on y.type = t.type
  left join (select account_id, transaction_id, is_debt, sum(amount) as amount
               from (select f.account_id, f.target_id as transaction_id, true as is_debt, f.amount
                       from billing.allocations f
                       join billing.transactions o on o.account_id = f.account_id and o.transaction_id = f.source_id
                      where f.end_date is null and o.source_id = f.target_id and o.type in ('RR', 'AS', 'AX')
                     union all
                     select f.account_id, f.source_id, false, f.amount
                       from billing.allocations f
                       join billing.transactions o on o.account_id = f.account_id and o.transaction_id = f.target_id
                      where f.end_date is null and o.type in ('AV', 'AD', 'AR', 'AG', 'RX')) undone
              group by account_id, transaction_id, is_debt) u
    on u.account_id = t.account_id and u.transaction_id = t.transaction_id and u.is_debt = (y.side = 'debt')
 where t.status = 'reversed' and u.amount is distinct from t.amount

-- (d) Refunds took the credit of the payment that they name: all of it that a void, return or chargeback, which comes first, left:
-- after those only what they lack is owed. Credit that a refund without a payment paid out is in the same place.
union all
select 'refund_uses_its_payment', p.account_id,
       format('refunds of %s use %s of payment %s of %s, of which %s was taken back and %s charged back by %s', g.refunded,
              coalesce(u.refunding, 0), p.transaction_id, p.amount, g.taken, g.charged, coalesce(u.charged, 0))
  from billing.transactions p
  join (select account_id, source_id,
               coalesce(sum(amount) filter (where type = 'AR'), 0) as refunded,
               coalesce(sum(amount) filter (where type = 'AG'), 0) as charged,
               coalesce(sum(amount) filter (where type in ('AV', 'AD')), 0) as taken
          from billing.transactions
         where type in ('AR', 'AG', 'AV', 'AD') and status = 'final' and source_id is not null
         group by account_id, source_id) g on g.account_id = p.account_id and g.source_id = p.transaction_id
  left join lateral (
       select sum(f.amount) filter (where o.type = 'AR' and o.source_id is not null) as refunding,
              sum(f.amount) filter (where o.type = 'AR' and o.source_id is null) as paying_out,
              sum(f.amount) filter (where o.type = 'AG') as charged
         from billing.allocations f
         join billing.transactions o on o.account_id = f.account_id and o.transaction_id = f.target_id
        where f.account_id = p.account_id and f.source_id = p.transaction_id and f.end_date is null
          and o.type in ('AR', 'AG') and coalesce(o.source_id, p.transaction_id) = p.transaction_id) u on true
 where p.type in ('AP', 'AC')
   and (coalesce(u.charged, 0) <> g.charged
        or coalesce(u.refunding, 0)
           <> least(g.refunded, greatest(p.amount - g.charged - g.taken, 0) - coalesce(u.paying_out, 0)))
union all
select 'allocation_ends_by_now', f.account_id, format('allocation %s has ended in the future', f.allocation_id)
  from billing.allocations f
  join billing.merchant_accounts a on a.account_id = f.account_id
  join (select account_id, max(create_date) as create_date from billing.transactions group by account_id) last
    on last.account_id = f.account_id
 -- A clock may have been set back since.
 where f.end_date > greatest(f.create_date, a.clock_at, clock_timestamp(), last.create_date)

-- (d) What is on its way back and what went back already are together no more than the payment; of all payments of a customer no
-- more goes back than came in or was credited.
union all
select 'money_going_back', s.account_id,
       format('of transaction %s of %s, %s went back or is on its way', s.transaction_id, s.amount, sum(g.amount))
  from (select account_id, source_id, amount from billing.transactions
         where type in ('AR', 'AV') and status = 'final' and source_id is not null
        union all
        select account_id, source_id, amount from billing.attempts
         where kind in ('refund', 'void') and outcome = 'open') g
  join billing.transactions s on s.account_id = g.account_id and s.transaction_id = g.source_id
 group by s.account_id, s.transaction_id, s.amount
having sum(g.amount) > s.amount
union all
select 'money_back_within_money_in', account_id,
       format('customer %s paid %s and got %s back', customer_id, sum(came), sum(went))
  from (select account_id, customer_id,
               case when type in ('AP', 'AC') and account_type not in ('L', 'W') or type = 'RC' then amount else 0 end as came,
               case when type = 'AR' and status = 'final' then amount else 0 end as went
          from billing.transactions
         where status in ('final', 'reversed')) m
 group by account_id, customer_id
having sum(went) > sum(came)

-- (e) An invoice of a cycle has its date and its price: that of the agreement, or the fee of a freeze that holds then.
union all
select 'invoice_of_its_cycle', t.account_id,
       format('invoice %s of cycle %s of subscription %s is due on %s over %s, tax %s', t.transaction_id, t.cycle_number,
              t.subscription_id, t.due_date, t.amount, t.tax_amount)
  from billing.transactions t
  join billing.subscriptions s on s.account_id = t.account_id and s.subscription_id = t.subscription_id
 where t.type = 'RI' and t.cycle_number is not null
   and (t.due_date <> billing.cycle_date(s.billing_cycle_type, s.billing_interval, s.first_billing_date, t.cycle_number)
        or t.adjustment_id is null and (t.amount, t.tax_amount) <> (s.amount, s.tax_amount)
        or t.adjustment_id is not null
           and not exists (select from billing.subscription_adjustments j
                            where j.account_id = t.account_id and j.adjustment_id = t.adjustment_id
                              and j.subscription_id = t.subscription_id and j.type = 'F'
                              -- A fee that was invoiced ahead stays when the freeze is taken back or ended before.
                              and t.due_date >= j.effective_date)
        or t.adjustment_id is not null
           and not exists (select from billing.account_policies v
                            where v.account_id = t.account_id and v.version = t.policy_version
                              and (v.freeze_recurring_fee, 0) = (t.amount, t.tax_amount))
        or t.adjustment_id is null
           and exists (select from billing.subscription_adjustments j
                        where j.account_id = t.account_id and j.subscription_id = t.subscription_id
                          and j.type = 'F' and j.state <> 'withdrawn'
                          and t.due_date between j.effective_date and j.end_date))

-- (e) A subscription that goes on has a next billing date, unless it is to be paused or cancelled by the next cycle's or has no payment left.
union all
select 'subscription_goes_on', s.account_id,
       format('subscription %s (%s, %s of %s billed) has no next billing date', s.subscription_id, s.status, s.billed_count,
              coalesce(s.length::text, 'any number'))
  from billing.subscriptions s
 where s.status in ('U', 'C', 'F') and s.next_billing_date is null and s.billed_count is distinct from s.length
   and not exists (select from billing.subscription_adjustments j
                    where j.account_id = s.account_id and j.subscription_id = s.subscription_id
                      and j.state in ('pending', 'effective') and j.type in ('P', 'C')
                      and j.effective_date <= billing.cycle_date(s.billing_cycle_type, s.billing_interval, s.first_billing_date,
                                                                 s.next_cycle))

-- (e) What is pending has its day; a pause begins no earlier than the day on which it was asked for, wherever that was.
union all
select 'adjustment_has_its_day', j.account_id,
       format('adjustment %s (%s, %s) of subscription %s begins on %s, asked for on %s, due on %s', j.adjustment_id, j.type, j.state,
              j.subscription_id, j.effective_date, j.create_date, j.due_on)
  from billing.subscription_adjustments j
 where j.state = 'pending' and j.due_on is distinct from j.effective_date
    or j.type = 'P' and j.state <> 'withdrawn' and j.effective_date < billing.earliest_date(j.create_date)

-- (g) Unbilled is who was never billed, current who was or was frozen first, expired who was billed all; a customer has ended with all its subscriptions.
union all
select 'subscription_status', s.account_id,
       format('subscription %s has status %s with %s of %s billed', s.subscription_id, s.status, s.billed_count,
              coalesce(s.length::text, 'any number'))
  from billing.subscriptions s
 where s.status = 'U' and s.billed_count > 0 or s.status = 'E' and s.billed_count is distinct from s.length
    or s.status = 'C' and s.billed_count = 0
       and not exists (select from billing.subscription_adjustments j
                        where j.account_id = s.account_id and j.subscription_id = s.subscription_id
                          and j.type = 'F' and j.state = 'ended')
union all
select 'customer_status', c.account_id,
       format('customer %s has status %s and a subscription that goes on', c.customer_id, c.status)
  from billing.customers c
 where c.status in ('C', 'E')
   and exists (select from billing.subscriptions s
                where s.account_id = c.account_id and s.customer_id = c.customer_id and s.status not in ('N', 'E'))

-- (f) An attempt is what it says: refunds and voids name their payment and stay within it, payments and claims do not; the
-- transaction that it became is of its kind and names what it names. After an hour it is shown to the caller as pending.
union all
select 'attempt_of_its_kind', p.account_id,
       format('attempt %s (%s, source %s, invoice %s) became %s (%s, source %s)', p.transaction_id, p.kind, p.source_id,
              p.invoice_id, t.type, t.status, t.source_id)
  from billing.attempts p
  left join billing.transactions t on t.account_id = p.account_id and t.transaction_id = p.transaction_id
 where (p.kind in ('refund', 'void')) <> (p.source_id is not null)
    or p.source_id is not null and p.invoice_id is not null
    or t.transaction_id is not null
       and (t.attempt_id is null
            or t.type <> case when t.status = 'declined' then 'AD'
                              else case p.kind when 'payment' then 'AP' when 'claim' then 'AC' when 'refund' then 'AR'
                                               else 'AV' end end
            or t.source_id is distinct from case when t.status = 'declined' then coalesce(p.source_id, p.invoice_id)
                                                 else p.source_id end)
union all
select 'attempt_of_its_customer', p.account_id, format('attempt %s is for what is not its customer''s', p.transaction_id)
  from billing.attempts p
 where p.subscription_id is not null
       and not exists (select from billing.subscriptions s
                        where s.account_id = p.account_id and s.subscription_id = p.subscription_id
                          and s.customer_id = p.customer_id)
    or exists (select from unnest(p.fee_ids || p.named_ids) f (id)
                where not exists (select from billing.transactions t
                                   where t.account_id = p.account_id and t.transaction_id = f.id
                                     and t.customer_id = p.customer_id
                                     and (t.type in ('RF', 'RL', 'RA', 'RO', 'RN')
                                          or t.type = 'RI' and f.id = any (p.named_ids))))
    or p.invoice_id is not null
       and not exists (select from billing.transactions t
                        where t.account_id = p.account_id and t.customer_id = p.customer_id and t.transaction_id = p.invoice_id
                          and t.type in ('RI', 'RF', 'RL', 'RA', 'RO', 'RN'))
union all
select 'old_attempt_is_shown', p.account_id,
       format('attempt %s has been open for more than an hour and is not shown as pending', p.transaction_id)
  from billing.attempts p
 where p.outcome = 'open' and p.opened_at < clock_timestamp() - interval '1 hour' and p.look_ups > 0
   and not exists (select from billing.transactions t
                    where t.account_id = p.account_id and t.transaction_id = p.transaction_id)
union all
select 'outcome_of_an_attempt', t.account_id,
       format('transaction %s (%s) is %s without an attempt', t.transaction_id, t.type, t.status)
  from billing.transactions t
 where t.status in ('pending', 'declined') and t.attempt_id is null
union all
select 'collection_of_its_invoice', k.account_id,
       format('invoice %s is collected of customer %s for subscription %s', k.invoice_id, k.customer_id, k.subscription_id)
  from billing.collections k
  left join billing.transactions t on t.account_id = k.account_id and t.transaction_id = k.invoice_id
 where (t.type, t.customer_id) is distinct from ('RI', k.customer_id)
    or t.subscription_id is distinct from k.subscription_id

-- (b) What a notice of the processor became, and what a caller's key stands for, is what it says.
union all
select 'notice_has_its_effect', n.account_id,
       format('notice %s (%s) of attempt %s became transaction %s (%s of %s)', n.notice_id, n.code, n.attempt_id,
              n.transaction_id, t.type, t.source_id)
  from billing.processor_notices n
  left join billing.transactions t on t.account_id = n.account_id and t.transaction_id = n.transaction_id
 where n.transaction_id is not null
   and (t.source_id is distinct from n.attempt_id
        or t.type is distinct from case n.code when 'Z02' then 'AG' else 'AD' end)
union all
select 'key_of_its_transaction', k.account_id, format('a key stands for transaction %s, which is not there', k.transaction_id)
  from billing.idempotency_keys k
 where k.transaction_id is not null
   and not exists (select from billing.attempts p
                    where p.account_id = k.account_id and p.transaction_id = k.transaction_id
                      and p.customer_id = k.customer_id)
   and not exists (select from billing.transactions t
                    where t.account_id = k.account_id and t.transaction_id = k.transaction_id
                      and t.customer_id = k.customer_id)

-- (f) What the run took for an invoice is no more than the invoice and the fees collected along with it: nothing is paid twice. What went
-- back does not count, whatever became of that.
union all
select 'run_takes_once', r.account_id,
       format('the run took %s for invoice %s of %s, with fees of %s', r.taken, r.invoice_id, i.amount, coalesce(f.amount, 0))
  from (select p.account_id, p.invoice_id, sum(greatest(p.approved_amount - coalesce(b.amount, 0), 0)) as taken
          from billing.attempts p
          left join (select account_id, source_id, sum(amount) as amount
                       from billing.transactions
                      where type in ('AR', 'AV', 'AD', 'AG') and status in ('final', 'reversed') and source_id is not null
                      group by account_id, source_id) b on b.account_id = p.account_id and b.source_id = p.transaction_id
         where p.creator_code = 'billing-run' and p.kind in ('payment', 'claim') and p.outcome = 'approved'
           and p.invoice_id is not null
         group by p.account_id, p.invoice_id) r
  join billing.transactions i on i.account_id = r.account_id and i.transaction_id = r.invoice_id
  left join (select n.account_id, n.invoice_id, sum(t.amount) as amount
               from (select distinct p.account_id, p.invoice_id, f.id
                       from billing.attempts p
                      cross join unnest(p.fee_ids) f (id)
                      where p.creator_code = 'billing-run' and p.outcome = 'approved') n
               join billing.transactions t on t.account_id = n.account_id and t.transaction_id = n.id
              group by n.account_id, n.invoice_id) f on f.account_id = r.account_id and f.invoice_id = r.invoice_id
 where r.taken > i.amount + coalesce(f.amount, 0)

-- (f) A transaction says what its attempt says: means, subscription, code, tax, and the amount where nothing was approved.
union all
select 'attempt_as_asked', p.account_id,
       format('attempt %s (%s, tax %s, subscription %s) became a transaction of other means or terms: %s of %s, tax %s, subscription %s',
              p.transaction_id, p.amount, p.tax_amount, p.subscription_id, t.type, t.amount, t.tax_amount, t.subscription_id)
  from billing.attempts p
  join billing.transactions t on t.account_id = p.account_id and t.attempt_id = p.transaction_id
 where (t.account_type, t.account_mask, t.subscription_id, t.code, t.tax_amount)
       is distinct from (p.account_type, p.account_mask, p.subscription_id, p.code, least(p.tax_amount, t.amount))
    or t.status in ('pending', 'declined') and t.amount <> p.amount
    or t.status <> 'declined' and t.invoice_list is distinct from p.invoice_list

-- (a) An account of the ledger is one of the chart of spec 5.3; a processor's is that of one that the merchant account has or had.
union all
select 'account_of_the_chart', l.account_id, format('lines of the ledger in %s, which is not in the chart: %s', n.name, sum(l.lines))
  from (select account_id, debit, credit, count(*) as lines
          from billing.ledger_entries
         group by account_id, debit, credit) l
 cross join lateral (values (l.debit), (l.credit)) n (name)
 where n.name not in ('receivable', 'revenue:recurring', 'revenue:other', 'revenue:fees', 'revenue:credits', 'tax-payable', 'cash',
                      'checks', 'external', 'expense:allowance', 'expense:write-off', 'clearing:chargebacks')
   and not exists (select from billing.account_policies v
                    where v.account_id = l.account_id and 'clearing:' || v.processor = n.name)
 group by l.account_id, n.name

-- (e) Debt is not forgotten. Each invoice of a cycle is to be collected. As long as it is open, that ends only after a try that failed or
-- brought a part, or where it was opened again (spec 5.2 step 4); and it is put off no longer than a failed try says (spec 5.5).
union all
select 'invoice_is_collected', t.account_id,
       format('invoice %s of cycle %s of subscription %s was never to be collected', t.transaction_id, t.cycle_number, t.subscription_id)
  from billing.transactions t
 where t.type = 'RI' and t.cycle_number is not null
   and not exists (select from billing.collections k
                    where k.account_id = t.account_id and k.invoice_id = t.transaction_id)
union all
select 'collecting_ends_for_a_reason', k.account_id,
       format('invoice %s is open over %s and is not collected any more, and no try has failed', k.invoice_id, o.balance)
  from billing.collections k
  join billing.open_items o on o.account_id = k.account_id and o.customer_id = k.customer_id and o.transaction_id = k.invoice_id
 where k.state = 'closed'
   and not exists (select from billing.allocations f
                    where f.account_id = k.account_id and f.target_id = k.invoice_id and f.end_date is not null)
   and not exists (select from billing.attempts p
                    where p.account_id = k.account_id and p.invoice_id = k.invoice_id and p.creator_code = 'billing-run'
                      and (p.outcome in ('declined', 'abandoned') or p.approved_amount < p.amount))
union all
select 'collecting_on_its_day', k.account_id,
       format('invoice %s, due on %s, is put off to %s', k.invoice_id, t.due_date, k.collect_on)
  from billing.collections k
  join billing.transactions t on t.account_id = k.account_id and t.transaction_id = k.invoice_id
  join (select a.account_id, billing.business_date(a) as today from billing.merchant_accounts a) a on a.account_id = k.account_id
 -- A clock may have been set back since.
 where k.state = 'due' and k.collect_on > greatest(t.due_date, a.today + 2)
   and not exists (select from billing.attempts p
                     left join billing.processor_notices n on n.account_id = p.account_id and n.attempt_id = p.transaction_id
                    where p.account_id = k.account_id and p.invoice_id = k.invoice_id
                      and k.collect_on in (p.next_attempt_date, n.next_attempt_date))

-- (e) A freeze skips as many payments as were asked for, from one billing date to another; resumed or cancelled, not more.
union all
select 'freeze_of_its_length', j.account_id,
       format('freeze %s of subscription %s over %s payments begins on %s and ends on %s', j.adjustment_id, j.subscription_id, j.length,
              j.effective_date, j.end_date)
  from billing.subscription_adjustments j
  join billing.subscriptions s on s.account_id = j.account_id and s.subscription_id = j.subscription_id
 cross join lateral (
       select case s.billing_cycle_type
                when 'W' then (j.effective_date - s.first_billing_date) / (7 * s.billing_interval)
                else ((extract(year from j.effective_date) - extract(year from s.first_billing_date)) * 12
                      + extract(month from j.effective_date) - extract(month from s.first_billing_date))::integer
                     / (s.billing_interval * case s.billing_cycle_type when 'M' then 1 when 'Q' then 3 when 'S' then 6 else 12 end)
              end + 1 as cycle_number) c
 cross join lateral (
       select billing.cycle_date(s.billing_cycle_type, s.billing_interval, s.first_billing_date, c.cycle_number) as first_date,
              billing.cycle_date(s.billing_cycle_type, s.billing_interval, s.first_billing_date, c.cycle_number + j.length - 1) as last_date) d
 where j.type = 'F' and j.state <> 'withdrawn'
   and (j.effective_date <> d.first_date or j.end_date > d.last_date or j.state <> 'ended' and j.end_date <> d.last_date)

-- (b) A caller's key stands for one transaction, and a transaction was asked for under one key.
union all
select 'one_key_a_transaction', k.account_id, format('%s keys stand for transaction %s', count(*), k.transaction_id)
  from billing.idempotency_keys k
 where k.transaction_id is not null
 group by k.account_id, k.transaction_id
having count(*) > 1

-- (h) What is named is there, and of the same merchant account and customer: each reference of the catalogue, and those that triggers
-- hold in place of foreign keys. A row of no merchant account counts as of account 0.
union all
select 'reference_is_there', x.account_id,
       format('rows of %s that name what is not there in %s%s (%s): %s%s', k.conrelid::regclass, k.confrelid::regclass,
              case when c.is_it like '%customer_id%' then ', or is another customer''s' end, k.conname, x.many,
              ', the first of them ' || x.first)
  from (select c.conname, c.conrelid, c.confrelid, c.conkey, c.confkey
          from pg_catalog.pg_constraint c
         where c.contype = 'f' and c.connamespace = 'billing'::regnamespace
         union all
        select h.name, o.relation, h.other::regclass, o.key, p.key
          from (values ('transactions_customer', 'billing.transactions', '{account_id,customer_id}',
                        'billing.customers', '{account_id,customer_id}'),
                       ('transactions_subscription', 'billing.transactions', '{account_id,customer_id,subscription_id}',
                        'billing.subscriptions', '{account_id,customer_id,subscription_id}'),
                       ('collections_invoice', 'billing.collections', '{account_id,customer_id,invoice_id}',
                        'billing.transactions', '{account_id,customer_id,transaction_id}'),
                       ('attempts_customer', 'billing.attempts', '{account_id,customer_id}',
                        'billing.customers', '{account_id,customer_id}'),
                       ('attempts_invoice', 'billing.attempts', '{account_id,customer_id,invoice_id}',
                        'billing.transactions', '{account_id,customer_id,transaction_id}'),
                       ('attempts_option', 'billing.attempts', '{account_id,customer_id,payment_option_id}',
                        'billing.payment_options', '{account_id,customer_id,payment_option_id}'))
               as h (name, own, own_columns, other, other_columns)
         cross join lateral (
               select a.attrelid as relation, array_agg(a.attnum order by n.place) as key
                 from unnest(h.own_columns::name[]) with ordinality as n (name, place)
                 join pg_catalog.pg_attribute a on a.attrelid = h.own::regclass and a.attname = n.name group by 1) o
         cross join lateral (
               select array_agg(a.attnum order by n.place) as key
                 from unnest(h.other_columns::name[]) with ordinality as n (name, place)
                 join pg_catalog.pg_attribute a on a.attrelid = h.other::regclass and a.attname = n.name) p) k
 cross join lateral (
       select string_agg(format('f.%I = p.%I', a.attname, b.attname), ' and ') as is_it,
              string_agg(format('f.%I is not null', a.attname), ' and ') as is_named
         from unnest(k.conkey, k.confkey) as n (own, other)
         join pg_catalog.pg_attribute a on a.attrelid = k.conrelid and a.attnum = n.own
         join pg_catalog.pg_attribute b on b.attrelid = k.confrelid and b.attnum = n.other) c
 cross join lateral (
       select coalesce(max(format('f.%I', a.attname)) filter (where a.attname = 'account_id'), '0') as account,
              coalesce(max(format('f.%I', a.attname)) filter (where a.attname <> 'account_id' and a.atttypid = 'bigint'::regtype),
                       'null') as number
         from pg_catalog.pg_constraint y
         join pg_catalog.pg_attribute a on a.attrelid = y.conrelid and a.attnum = any (y.conkey)
        where y.conrelid = k.conrelid and y.contype = 'p') r
 cross join lateral xmltable('/table/row'
       passing query_to_xml(
         format('select %s as account, count(*) as many, min(%s) as first from %s f where %s and not exists (select from %s p where %s) group by 1',
                r.account, r.number, k.conrelid::regclass, c.is_named, k.confrelid::regclass, c.is_it), false, false, '')
       columns account_id bigint path 'account', many bigint path 'many', first text path 'first') x

-- A payment option has its number in the vault, until it is erased.
union all
select 'option_has_its_number', o.account_id, format('payment option %s has no number', o.payment_option_id)
  from billing.payment_options o
 where o.erase_date is null
   and not exists (select from billing.vault_entries v
                    where v.account_id = o.account_id and v.payment_option_id = o.payment_option_id)

-- No number is in use that is still to be given out. The numbers are those of all merchant accounts: said of account 0.
union all
select 'number_given_out', 0, format('of %s the last number given out is %s, and %s is in use', n.name, coalesce(g.last, 0), n.greatest)
  from (values ('customer_ids', (select max(customer_id) from billing.customers)),
               ('payment_option_ids', (select max(payment_option_id) from billing.payment_options)),
               ('plan_ids', (select max(plan_id) from billing.plans)),
               ('subscription_ids', (select max(subscription_id) from billing.subscriptions)),
               ('adjustment_ids', (select max(adjustment_id) from billing.subscription_adjustments)),
               ('transaction_ids', (select max(transaction_id) from billing.transactions)),
               ('transaction_ids', (select max(transaction_id) from billing.attempts)),
               ('allocation_ids', (select max(allocation_id) from billing.allocations)),
               ('audit_ids', (select max(audit_id) from billing.audit_log))) n (name, greatest)
 cross join lateral pg_sequence_last_value(('billing.' || n.name)::regclass) g (last)
 where n.greatest > coalesce(g.last, 0);

-- The sandbox processor's book against ours, both ways. `charge_not_settled_yet` is normal while attempts are under way: after
-- recovery there is none. The mask is compared of cards only: a bank may correct an account's number between two sendings.
select 'settled_attempt_at_processor' as invariant, p.account_id,
       format('attempt %s (%s of %s, %s, %s, %s, back to %s): the processor has %s of %s, %s, %s, %s, back to %s%s', p.transaction_id,
              p.outcome, p.amount, a.currency, p.response_code, p.approved_amount, 't' || p.source_id, m.kind, m.amount, m.currency,
              m.code, m.approved_amount, m.original_key,
              case when m.approval_code is distinct from p.approval_code then ', under another approval code'
                   when not b.has_no_card and (m.masked_number, m.account_type) <> (p.account_mask, p.account_type) then ', from another card'
              end) as detail
  from billing.attempts p
  join billing.merchant_accounts a on a.account_id = p.account_id and a.processor = 'sandbox'
  left join sandbox.movement m on m.account = p.account_id and m.key = 't' || p.transaction_id
 cross join lateral (select p.source_id is not null or p.account_type in ('BC', 'BS') as has_no_card) b
 where p.outcome in ('approved', 'declined')
   and ((m.kind, m.code, m.approved_amount, m.amount, m.currency, m.original_key, m.approval_code)
          is distinct from (p.kind, p.response_code, p.approved_amount, p.amount, a.currency, 't' || p.source_id, p.approval_code)
        or not b.has_no_card and (m.masked_number, m.account_type) <> (p.account_mask, p.account_type))
union all
select case when p.outcome = 'open' then 'charge_not_settled_yet' else 'charge_settled' end, m.account,
       format('the processor has %s of %s under a key whose attempt is %s', m.code, m.approved_amount,
              coalesce(p.outcome, 'missing'))
  from sandbox.movement m
  left join billing.attempts p on p.account_id = m.account and 't' || p.transaction_id = m.key
 where m.approved_amount > 0 and p.outcome is distinct from 'approved'
union all
select 'given_back_at_processor', m.account,
       format('of %s under %s the processor says that it gave back %s; its refunds and voids are %s', m.approved_amount, m.key,
              m.given_back, coalesce(g.amount, 0))
  from sandbox.movement m
  left join (select account, original_key, sum(approved_amount) as amount
               from sandbox.movement
              where original_key is not null
              group by account, original_key) g on g.account = m.account and g.original_key = m.key
 where m.given_back <> coalesce(g.amount, 0)
union all
select 'notice_taken', n.account, format('notice %s (%s) is acknowledged and not in the books', n.id, n.code)
  from sandbox.notice n
 where n.acknowledged_at is not null
   and not exists (select from billing.processor_notices k
                    where k.account_id = n.account and k.processor = 'sandbox' and k.notice_id = n.id)

-- A notice waits while the outcome of its own order is not known, and until the billing run asks: it has done so for two whole days. One
-- of a part of its payment waits for a person (docs/decisions/ledger.md).
union all
select 'notice_waits', n.account,
       format('notice %s (%s) of %s has been waiting since %s and is not in the books', n.id, n.code, m.key, n.date)
  from sandbox.notice n
  join sandbox.movement m on m.id = n.movement_id
  join billing.merchant_accounts a on a.account_id = n.account and a.processor = 'sandbox'
  join billing.account_rounds r on r.account_id = n.account
 where n.acknowledged_at is null and n.date <= least(r.notices_through, r.ageing_through) - 2
   and n.amount >= m.approved_amount
   and not exists (select from billing.attempts p
                    where p.account_id = n.account and 't' || p.transaction_id = m.key and p.outcome = 'open')
   and not exists (select from billing.processor_notices k
                    where k.account_id = n.account and k.processor = 'sandbox' and k.notice_id = n.id);
