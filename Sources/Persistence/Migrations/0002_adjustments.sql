-- Adjustments: freezes, cancellations and pauses of subscriptions (spec 2.5, 5.7).
--
-- (e) a cycle is billed, or has a reason   subscription_adjustments: what was skipped stays on record
-- (g) status moves                         subscription_adjustments_moves
-- (h) one merchant account                 the account is in every key; row-level security

set local search_path = billing;

-- The billing date of a cycle (spec 5.1): reckoned from the anchor, the day clamped to the month's length.
create function cycle_date(unit text, every integer, first date, cycle integer) returns date
  language sql immutable parallel safe
  as $$
select case unit
         when 'W' then first + 7 * every * (cycle - 1)
         else (first + make_interval(months => every * (cycle - 1)
                 * case unit when 'M' then 1 when 'Q' then 3 when 'S' then 6 else 12 end))::date
       end $$;

create sequence adjustment_ids;
create table subscription_adjustments (
  account_id       bigint      not null,
  adjustment_id    bigint      not null default nextval('billing.adjustment_ids'),
  customer_id      bigint      not null,
  subscription_id  bigint      not null,
  type             text        not null constraint subscription_adjustments_type check (type in ('F', 'C', 'P')),
  effective_date   date        not null,
  end_date         date,
  length           integer     constraint subscription_adjustments_length check (length >= 1),
  note             text        constraint subscription_adjustments_note check (char_length(note) between 1 and 1000),
  creator_code     text        not null constraint subscription_adjustments_creator check (char_length(creator_code) between 1 and 60),
  state            text        not null default 'pending' constraint subscription_adjustments_state
                                 check (state in ('pending', 'effective', 'ended', 'withdrawn')),
  due_on           date,
  ended_by         text,
  end_note         text        constraint subscription_adjustments_end_note check (char_length(end_note) between 1 and 1000),
  create_date      timestamptz not null,
  constraint subscription_adjustments_key primary key (account_id, adjustment_id),
  constraint subscription_adjustments_of_customer unique (account_id, customer_id, adjustment_id),
  constraint subscription_adjustments_subscription foreign key (account_id, customer_id, subscription_id)
    references subscriptions (account_id, customer_id, subscription_id),
  constraint subscription_adjustments_freeze_whole check ((type = 'F') = (length is not null) and (type <> 'F' or end_date is not null)),
  constraint subscription_adjustments_open_end check (type = 'F' or (end_date is not null) = (state in ('ended', 'withdrawn'))),
  constraint subscription_adjustments_days check (
    case state when 'withdrawn' then end_date <= effective_date
               when 'ended' then end_date >= effective_date
               else end_date is null or end_date >= effective_date end),
  constraint subscription_adjustments_due check (
    case state when 'pending' then due_on = effective_date
               when 'effective' then (due_on is not null) = (type = 'F')
               else due_on is null end),
  constraint subscription_adjustments_cancelled_for_good check (type <> 'C' or state <> 'ended'),
  constraint subscription_adjustments_no_overlap exclude using gist (
    int8range(account_id, account_id, '[]') with =, int8range(subscription_id, subscription_id, '[]') with =,
    daterange(effective_date, end_date, '[]') with &&) where (type = 'F' and state <> 'withdrawn')
);
create index subscription_adjustments_by_subscription on subscription_adjustments (account_id, subscription_id, adjustment_id);
create index subscription_adjustments_living on subscription_adjustments (account_id, subscription_id)
  where state in ('pending', 'effective');
create index subscription_adjustments_due_on on subscription_adjustments (account_id, due_on) where due_on is not null;
-- One freeze or pause, and one cancellation, may wait at a time; a subscription is never frozen and paused at once.
create unique index subscription_adjustments_one_pending on subscription_adjustments (account_id, subscription_id, (type = 'C'))
  where state = 'pending';
create unique index subscription_adjustments_one_pause on subscription_adjustments (account_id, subscription_id)
  where type = 'P' and state in ('pending', 'effective');
create unique index subscription_adjustments_one_cancellation on subscription_adjustments (account_id, subscription_id)
  where type = 'C' and state in ('pending', 'effective');
comment on table subscription_adjustments is 'freezes, cancellations and pauses: who asked for them, when and why; never deleted';
comment on column subscription_adjustments.end_date is 'the last day; of what was withdrawn a day before it could begin';
comment on column subscription_adjustments.due_on is 'when the billing run has to look at it: the day it begins, of a freeze in force the billing date after it';
comment on column subscription_adjustments.ended_by is 'the service user who resumed the subscription; null where it ended by itself';

-- What was asked for never changes; how far it has come only goes on.
create function subscription_adjustments_moves() returns trigger
  language plpgsql
  as $$
begin
  if (new.account_id, new.adjustment_id, new.customer_id, new.subscription_id, new.type, new.effective_date, new.length, new.note,
      new.creator_code, new.create_date) is distinct from
     (old.account_id, old.adjustment_id, old.customer_id, old.subscription_id, old.type, old.effective_date, old.length, old.note,
      old.creator_code, old.create_date)
     or old.state || '>' || new.state not in ('pending>effective', 'pending>withdrawn', 'pending>ended', 'effective>ended')
     or new.end_date > old.end_date then
    raise exception 'an adjustment is not changed: it begins, ends or is withdrawn' using errcode = 'check_violation',
      constraint = 'subscription_adjustments_moves', table = 'subscription_adjustments';
  end if;
  return new;
end $$;
create trigger subscription_adjustments_moves before update on subscription_adjustments
  for each row execute function subscription_adjustments_moves();
create trigger subscription_adjustments_append_only before delete or truncate on subscription_adjustments
  for each statement execute function append_only();

-- Fees of adjustments and invoices of paid freezes name them; a fee is made once.
alter table transactions add constraint transactions_adjustment foreign key (account_id, customer_id, adjustment_id)
  references subscription_adjustments (account_id, customer_id, adjustment_id);
create unique index transactions_one_fee_an_adjustment on transactions (account_id, adjustment_id)
  where type = 'RF' and adjustment_id is not null;

-- A freeze's fee is billed while the subscription is frozen; before a pause begins, what is due may still be to be billed. Where
-- nothing is to be billed there is no next billing date, so the status need not be asked.
drop index subscriptions_due;
create index subscriptions_due on subscriptions (account_id, next_billing_date, subscription_id)
  where next_billing_date is not null and set_aside_reason is null;

-- What should have been billed and was not: due, no invoice, no reason (spec 5.2). A cycle that is frozen, paused or cancelled is
-- nobody's next billing date.
create or replace view missed_bills with (security_invoker = true) as
  select s.account_id, s.customer_id, s.subscription_id, s.next_cycle as cycle_number, s.next_billing_date as billing_date,
         business_date(a) as business_date, s.set_aside_reason,
         case when a.clock_at is null
              then extract(epoch from now() - (s.next_billing_date::timestamp at time zone a.time_zone))
              else null end as late_seconds
    from subscriptions s
    join merchant_accounts a on a.account_id = s.account_id
    join customers c on c.account_id = s.account_id and c.customer_id = s.customer_id
   where s.next_billing_date <= business_date(a) and c.status = 'A'
     and not exists (
         select from subscription_adjustments j
          where j.account_id = s.account_id and j.subscription_id = s.subscription_id and j.state in ('pending', 'effective')
            and j.type in ('P', 'C') and j.effective_date <= s.next_billing_date);

alter table subscription_adjustments enable row level security;
alter table subscription_adjustments force row level security;
create policy subscription_adjustments_tenant on subscription_adjustments to billing_api, billing_readonly
  using (account_id = any ((select visible_accounts())::bigint[]));
create policy subscription_adjustments_all on subscription_adjustments to billing_jobs, billing_owner using (true);

grant select on subscription_adjustments to billing_api, billing_jobs, billing_readonly;
grant insert on subscription_adjustments to billing_api, billing_jobs;
grant update (end_date, state, due_on, ended_by, end_note) on subscription_adjustments to billing_api, billing_jobs;
grant usage on sequence adjustment_ids to billing_api, billing_jobs;
