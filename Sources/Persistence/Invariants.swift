/// What must hold of the whole database at any moment (design/reliability "Invariants"), as SQL.
///
/// Each row that comes back is a violation: the invariant's name, the account, a sentence with numbers only. No row:
/// all is well. Reads everything: for tests and for `billing status --check`, as a role that sees all accounts
/// (`billing_jobs`), with `search_path` set to `billing`.
public enum Invariants {
    /// The books by themselves.
    public static let books = """
        -- Every entry sums to zero, and so does every account's ledger.
        select 'entries_sum_to_zero' as invariant, account_id,
               format('the entry of transaction %s sums to %s', transaction_id, sum(amount)) as detail
          from ledger_postings
         group by account_id, transaction_id
        having sum(amount) <> 0
        union all
        select 'ledger_sums_to_zero', account_id, format('the ledger sums to %s', sum(amount))
          from ledger_postings
         group by account_id
        having sum(amount) <> 0

        -- What counts is in the ledger, with its amount; what does not is not.
        union all
        select 'transactions_in_ledger', coalesce(t.account_id, l.account_id),
               format('transaction %s (%s, %s, %s) has %s in the ledger', coalesce(t.transaction_id, l.transaction_id),
                      t.type, t.status, t.amount, coalesce(l.owed, 0))
          from transactions t
          join transaction_types y on y.type = t.type
          full join (select account_id, transaction_id, min(customer_id) as customer_id,
                            sum(case when debit = 'receivable' then amount else -amount end) as owed
                       from ledger_entries
                      group by account_id, transaction_id) l
            on l.account_id = t.account_id and l.transaction_id = t.transaction_id
         where t.transaction_id is null
            or t.status in ('pending', 'declined') and l.owed is not null
            or t.status in ('final', 'reversed')
               and (l.owed is distinct from y.effect * t.amount or l.customer_id <> t.customer_id)

        -- A customer's balance is the sum of its receivable.
        union all
        select 'customer_balance', c.account_id,
               format('customer %s has a balance of %s, its ledger of %s', c.customer_id, c.balance, coalesce(l.owed, 0))
          from customers c
          left join (select account_id, customer_id, sum(amount) as owed
                       from ledger_postings
                      where ledger_account = 'receivable'
                      group by account_id, customer_id) l
            on l.account_id = c.account_id and l.customer_id = c.customer_id
         where c.balance <> coalesce(l.owed, 0)

        -- A transaction's balance is its amount less its living allocations.
        union all
        select 'transaction_balance', t.account_id,
               format('transaction %s (%s) of %s has %s allocated and a balance of %s', t.transaction_id, t.status,
                      t.amount, coalesce(u.amount, 0), coalesce(o.balance, 0))
          from transactions t
          join transaction_types y on y.type = t.type
          left join (select account_id, transaction_id, sum(amount) as amount
                       from (select account_id, source_id as transaction_id, amount from allocations
                              where end_date is null
                             union all
                             select account_id, target_id, amount from allocations where end_date is null) sides
                      group by account_id, transaction_id) u
            on u.account_id = t.account_id and u.transaction_id = t.transaction_id
          left join open_items o on o.account_id = t.account_id and o.transaction_id = t.transaction_id
         where coalesce(o.balance, 0)
               <> case when t.status in ('final', 'reversed') then t.amount else 0 end - coalesce(u.amount, 0)
            or o.customer_id <> t.customer_id or o.amount <> t.amount or o.is_debt <> (y.side = 'debt')
        union all
        select 'open_item_of_transaction', o.account_id, format('there is no transaction %s', o.transaction_id)
          from open_items o
         where not exists (select from transactions t
                            where t.account_id = o.account_id and t.transaction_id = o.transaction_id)

        -- An allocation uses a credit on a debt of the same customer.
        union all
        select 'allocation_sides', l.account_id,
               format('allocation %s of customer %s uses %s (%s) on %s (%s)', l.allocation_id, l.customer_id,
                      l.source_id, s.type, l.target_id, t.type)
          from allocations l
          left join transactions s on s.account_id = l.account_id and s.transaction_id = l.source_id
          left join transactions t on t.account_id = l.account_id and t.transaction_id = l.target_id
          left join transaction_types ys on ys.type = s.type
          left join transaction_types yt on yt.type = t.type
         where (ys.side, yt.side, s.customer_id, t.customer_id)
               is distinct from ('credit', 'debt', l.customer_id, l.customer_id)

        -- Refunds of a payment are never more than the payment.
        union all
        select 'refunds_within_payment', s.account_id,
               format('transaction %s of %s is refunded by %s', s.transaction_id, s.amount, sum(r.amount))
          from transactions r
          join transactions s on s.account_id = r.account_id and s.transaction_id = r.source_id
         where r.type = 'AR' and r.status = 'final'
         group by s.account_id, s.transaction_id, s.amount
        having sum(r.amount) > s.amount

        -- What is reversed is undone in whole by others, and what reverses has reversed.
        union all
        select 'reversed_by_another', t.account_id,
               format('transaction %s of %s is %s; of it %s is undone', t.transaction_id, t.amount, t.status, u.amount)
          from transactions t
          left join (select account_id, source_id,
                            -- What a bank takes back is taken back whole, whatever was refunded of it before.
                            coalesce(sum(amount) filter (where type <> 'AR'), sum(amount)) as amount,
                            bool_or(type in ('RR', 'RX', 'AV', 'AD', 'AS', 'AX')) as is_whole
                       from transactions
                      where type in ('RR', 'RX', 'AV', 'AD', 'AS', 'AX', 'AR') and status = 'final' and source_id is not null
                      group by account_id, source_id) u
            on u.account_id = t.account_id and u.source_id = t.transaction_id
         where t.status = 'reversed' and u.amount is distinct from t.amount or t.status <> 'reversed' and u.is_whole

        -- One invoice for each billed cycle, none left out, none ahead; and the subscription says so.
        union all
        select 'one_invoice_a_cycle', account_id,
               format('cycle %s of subscription %s has %s invoices', cycle_number, subscription_id, count(*))
          from transactions
         where type = 'RI' and cycle_number is not null
         group by account_id, subscription_id, cycle_number
        having count(*) > 1
        union all
        select 'no_cycle_skipped', s.account_id,
               format('cycle %s of subscription %s has no invoice', n.cycle_number, s.subscription_id)
          from subscriptions s
         cross join lateral generate_series(1, s.next_cycle - 1) as n (cycle_number)
         where not exists (select from transactions t
                            where t.account_id = s.account_id and t.subscription_id = s.subscription_id
                              and t.type = 'RI' and t.cycle_number = n.cycle_number)
           -- A cycle of nothing has no invoice.
           and s.amount > 0
           -- A frozen or paused one has none either.
           and not exists (select from subscription_adjustments j
                            where j.account_id = s.account_id and j.subscription_id = s.subscription_id
                              and j.type in ('F', 'P') and j.state <> 'withdrawn'
                              and cycle_date(s.billing_cycle_type, s.billing_interval, s.first_billing_date, n.cycle_number)
                                  between j.effective_date and coalesce(j.end_date, 'infinity'))
        union all
        select 'subscription_progress', s.account_id,
               format('subscription %s is before cycle %s with %s billed: it has %s invoices, the last of cycle %s',
                      s.subscription_id, s.next_cycle, s.billed_count, coalesce(i.invoices, 0), coalesce(i.last, 0))
          from subscriptions s
          -- The invoice of a freeze's fee is no payment.
          left join (select account_id, subscription_id, count(*) filter (where adjustment_id is null) as invoices,
                            max(cycle_number) as last, max(due_date) as last_date
                       from transactions
                      where type = 'RI' and cycle_number is not null
                      group by account_id, subscription_id) i
            on i.account_id = s.account_id and i.subscription_id = s.subscription_id
         where (s.amount > 0 and (s.billed_count <> coalesce(i.invoices, 0) or s.last_billing_date is distinct from i.last_date))
            or coalesce(i.last, 0) >= s.next_cycle

        -- A subscription is frozen, paused or cancelled while an adjustment of that kind is in force, and only then.
        union all
        select 'adjustment_in_force', s.account_id,
               format('subscription %s has status %s with %s in force and %s pending', s.subscription_id, s.status,
                      coalesce(j.in_force, 'nothing'), j.pending)
          from subscriptions s
         cross join lateral (
               select string_agg(type, '' order by type) filter (where state = 'effective') as in_force,
                      count(*) filter (where state = 'pending') as pending
                 from subscription_adjustments k
                where k.account_id = s.account_id and k.subscription_id = s.subscription_id) j
         where j.in_force is distinct from case s.status when 'F' then 'F' when 'P' then 'P' when 'N' then 'C' end
            or s.status in ('N', 'E') and j.pending > 0

        -- The next billing date is its cycle's, and neither frozen without a fee, paused nor cancelled.
        union all
        select 'next_billing_date', s.account_id,
               format('subscription %s is next billed on %s, cycle %s', s.subscription_id, s.next_billing_date, s.next_cycle)
          from subscriptions s
         where s.next_billing_date
               <> cycle_date(s.billing_cycle_type, s.billing_interval, s.first_billing_date, s.next_cycle)
            or exists (select from subscription_adjustments j
                        where j.account_id = s.account_id and j.subscription_id = s.subscription_id
                          and j.state in ('pending', 'effective') and j.type in ('C', 'P')
                          and s.next_billing_date >= j.effective_date)

        -- The policy of an account is its last version on record; a transaction names one that is.
        union all
        select 'policy_on_record', a.account_id, format('the policy of the account is not version %s on record', a.policy_version)
          from merchant_accounts a
          left join account_policies v on v.account_id = a.account_id and v.version = a.policy_version
         where (a.time_zone, a.processor, a.balancing_algorithm, a.invoice_lead_days, a.close_sales_days, a.retry_days,
                a.on_retries_exhausted, a.late_fee_amount, a.late_fee_grace_days, a.soft_decline_fee, a.hard_decline_fee,
                a.retry_fee, a.chargeback_fee, a.enrollment_fee, a.cancellation_fee, a.freeze_flat_fee,
                a.freeze_recurring_fee, a.write_off_days, a.claim_return_days, a.settlement_time)
               is distinct from
               (v.time_zone, v.processor, v.balancing_algorithm, v.invoice_lead_days, v.close_sales_days, v.retry_days,
                v.on_retries_exhausted, v.late_fee_amount, v.late_fee_grace_days, v.soft_decline_fee, v.hard_decline_fee,
                v.retry_fee, v.chargeback_fee, v.enrollment_fee, v.cancellation_fee, v.freeze_flat_fee,
                v.freeze_recurring_fee, v.write_off_days, v.claim_return_days, v.settlement_time)
            or exists (select from account_policies k where k.account_id = a.account_id and k.version > a.policy_version)
        union all
        select 'policy_on_record', t.account_id,
               format('transaction %s was made under policy %s, which is not on record', t.transaction_id, t.policy_version)
          from transactions t
         where not exists (select from account_policies v
                            where v.account_id = t.account_id and v.version = t.policy_version)

        -- One open attempt for an invoice; settled attempts and their transactions come in pairs.
        union all
        select 'one_open_attempt', account_id, format('invoice %s has %s open attempts', invoice_id, count(*))
          from attempts
         where outcome = 'open' and invoice_id is not null
         group by account_id, invoice_id
        having count(*) > 1
        union all
        select 'attempt_has_transaction', p.account_id,
               format('attempt %s (%s of %s, %s, %s): its transaction is %s, %s, %s', p.transaction_id, p.kind,
                      p.amount, p.outcome, p.approved_amount, t.type, t.status, t.amount)
          from attempts p
          left join transactions t on t.account_id = p.account_id and t.attempt_id = p.transaction_id
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
          from transactions t
         where (t.attempt_id is not null or t.type in ('AP', 'AC', 'AR') and char_length(t.account_type) = 2)
           and not exists (select from attempts p
                            where p.account_id = t.account_id and p.transaction_id = t.transaction_id
                              and t.attempt_id = p.transaction_id)
        union all
        select 'open_collection_has_attempt', k.account_id,
               format('invoice %s waits for an attempt that is not open', k.invoice_id)
          from collections k
         where k.state = 'open'
           and not exists (select from attempts p
                            where p.account_id = k.account_id and p.invoice_id = k.invoice_id and p.outcome = 'open')

        -- The registry of codes is complete, and holds nothing else.
        union all
        select 'code_registered', n.account_id, format('the code of transaction %s is not registered', n.transaction_id)
          from (select account_id, transaction_id, code from transactions where code is not null
                union
                select account_id, transaction_id, code from attempts where code is not null) n
         where not exists (select from transaction_codes k
                            where k.account_id = n.account_id and k.code = n.code
                              and k.transaction_id = n.transaction_id)
        union all
        select 'code_in_use', k.account_id, format('a code is registered for %s, which does not have it', k.transaction_id)
          from transaction_codes k
         where not exists (select from transactions t
                            where t.account_id = k.account_id and t.transaction_id = k.transaction_id
                              and t.code = k.code)
           and not exists (select from attempts p
                            where p.account_id = k.account_id and p.transaction_id = k.transaction_id
                              and p.code = k.code)
           -- A payment of the run that answered a caller's ~process has that call's code beside its own.
           and not exists (select from signing_payments g
                            where g.account_id = k.account_id and g.transaction_id = k.transaction_id)

        -- What was erased has no number and is used by nothing any more.
        union all
        select 'erased_option', o.account_id, format('payment option %s was erased and is in use', o.payment_option_id)
          from payment_options o
         where o.erase_date is not null
           and (exists (select from vault_entries v
                         where v.account_id = o.account_id and v.payment_option_id = o.payment_option_id)
                or exists (select from attempts p
                            where p.account_id = o.account_id and p.outcome = 'open'
                              and p.payment_option_id = o.payment_option_id)
                or exists (select from subscriptions s
                            where s.account_id = o.account_id and s.customer_id = o.customer_id
                              and s.payment_option_id = o.payment_option_id and s.status not in ('N', 'E')))
        """

    /// The sandbox processor's own book against ours, both ways. As a role that sees both schemas.
    ///
    /// `charge_not_settled_yet` is normal while attempts are under way: after recovery there is none.
    public static let sandbox = """
        select 'settled_attempt_at_processor' as invariant, p.account_id,
               format('attempt %s (%s, %s, %s): the processor has %s, %s', p.transaction_id, p.outcome,
                      p.response_code, p.approved_amount, m.code, m.approved_amount) as detail
          from billing.attempts p
          join billing.merchant_accounts a on a.account_id = p.account_id and a.processor = 'sandbox'
          left join sandbox.movement m on m.account = p.account_id and m.key = 't' || p.transaction_id
         where p.outcome in ('approved', 'declined')
           and (m.kind, m.code, m.approved_amount, m.amount)
               is distinct from (p.kind, p.response_code, p.approved_amount, p.amount)
        union all
        select case when p.outcome = 'open' then 'charge_not_settled_yet' else 'charge_settled' end, m.account,
               format('the processor has %s of %s under a key whose attempt is %s', m.code, m.approved_amount,
                      coalesce(p.outcome, 'missing'))
          from sandbox.movement m
          left join billing.attempts p on p.account_id = m.account and 't' || p.transaction_id = m.key
         where m.approved_amount > 0 and p.outcome is distinct from 'approved'
        union all
        select 'notice_taken', n.account, format('notice %s (%s) is acknowledged and not in the books', n.id, n.code)
          from sandbox.notice n
         where n.acknowledged_at is not null
           and not exists (select from billing.processor_notices k
                            where k.account_id = n.account and k.processor = 'sandbox' and k.notice_id = n.id)
        """
}
