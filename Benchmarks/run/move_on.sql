-- Moves the subscriptions of an account on that were invoiced: of the baselines' transactions. Portions bound the memory of the
-- trigger subscriptions_in_step, which joins all rows of a statement as they were to what they became.

do $$
declare
  first bigint;
  last bigint;
begin
  select min(subscription_id), max(subscription_id) into first, last
    from subscriptions
   where account_id = current_setting('bench.account')::bigint;
  while first <= last loop
    update subscriptions s
       set status = 'C', next_cycle = s.next_cycle + 1, billed_count = s.billed_count + 1, last_billing_date = s.next_billing_date,
           next_billing_date = cycle_date(s.billing_cycle_type, s.billing_interval, s.first_billing_date, s.next_cycle + 1),
           version = s.version + 1
      from customers c
     where s.account_id = current_setting('bench.account')::bigint and s.subscription_id between first and first + 19999
       and s.set_aside_reason is null and s.next_billing_date <= current_setting('bench.through')::date
       and c.account_id = s.account_id and c.customer_id = s.customer_id and c.status in ('A', 'E');
    first := first + 20000;
  end loop;
end $$;
