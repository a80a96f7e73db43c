-- Jobs: what was set aside is tried again, ageing knows its date, a bill is late since it could be made; live users are limited.

set local search_path = billing;

-- A subscription whose step failed is tried again, after a minute and then at growing intervals; after a day without a failure
-- the counting begins anew.
alter table subscriptions
  add column set_aside_times integer,
  add column set_aside_at timestamptz,
  add column set_aside_until timestamptz;
update subscriptions
   set set_aside_times = 1, set_aside_at = clock_timestamp(), set_aside_until = clock_timestamp()
 where set_aside_reason is not null;
alter table subscriptions
  add constraint subscriptions_set_aside_whole check (set_aside_reason is null
    or set_aside_times >= 1 and set_aside_at is not null and set_aside_until is not null);
comment on column subscriptions.set_aside_until is 'when the billing run tries again what failed; a whole pass (billing run, ~advance) does at once';
grant update (set_aside_times, set_aside_at, set_aside_until) on subscriptions to billing_api, billing_jobs;

-- ageing_after counts for the date on which it was written only: a pass that was late or ended half-way leaves nobody out on the next.
alter table account_rounds add column ageing_date date;
comment on column account_rounds.ageing_date is 'the business date that ageing_after belongs to';
grant update (ageing_date) on account_rounds to billing_api, billing_jobs;

-- A bill cannot be late before its subscription was made: one that begins today is due at its making, not at midnight.
create or replace view missed_bills with (security_invoker = true) as
  select s.account_id, s.customer_id, s.subscription_id, s.next_cycle as cycle_number, s.next_billing_date as billing_date,
         business_date(a) as business_date, s.set_aside_reason,
         case when a.clock_at is null
              then extract(epoch from now() - greatest(s.next_billing_date::timestamp at time zone a.time_zone, s.create_date))
              else null end as late_seconds
    from subscriptions s
    join merchant_accounts a on a.account_id = s.account_id
    join customers c on c.account_id = s.account_id and c.customer_id = s.customer_id
   where s.next_billing_date <= business_date(a) and c.status = 'A'
     and not exists (
         select from subscription_adjustments j
          where j.account_id = s.account_id and j.subscription_id = s.subscription_id and j.state in ('pending', 'effective')
            and j.type in ('P', 'C') and j.effective_date <= s.next_billing_date);

-- "name" was the merchant account's, not the user's: nobody was ever limited as a user of a live account.
create or replace function sees_live_accounts(name text) returns boolean
  language sql stable security definer
  set search_path = billing, pg_temp
  as $$ select exists (select from service_user_accounts s join merchant_accounts a using (account_id)
                        where s.user_name = $1 and a.mode = 'live') $$;
