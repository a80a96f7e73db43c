-- One open attempt for an invoice or fee, wherever an attempt names it, and how often an attempt was sent (spec 5.3 f, 5.6).
--
-- (f) attempts_one_open_a_debt      no two open payments or claims name the same invoice or fee, in two sessions too
--     attempts_fees                 the run collects fees along with an invoice, and only fees
--     attempts_named                a caller's payment names invoices and fees, all of its invoiceList
--     attempts_state_moves          what it names and its list do not change, and it is not sent less often than it was
set local search_path = billing;

alter table attempts add column named_ids bigint[] not null default '{}';
alter table attempts add column sendings integer not null default 1 constraint attempts_sendings check (sendings >= 1);
comment on column attempts.fee_ids is 'fees that the run collects along with the invoice, in this order';
comment on column attempts.named_ids is 'invoices and fees that a caller''s payment goes to after invoice_id, in this order';
comment on column attempts.sendings is 'how often the order was sent to the processor under its one key';
grant update (sendings) on attempts to billing_api, billing_jobs;

-- What callers named stood among the fees until now; the run alone notes what was open.
alter table attempts disable trigger user;
update attempts
   set named_ids = fee_ids,
       fee_ids = '{}'
 where fee_ids <> '{}' and open_amounts = '{}';
alter table attempts enable trigger user;
do $$
begin
  if exists (select from billing.attempts where fee_ids <> '{}' and open_amounts = '{}') then
    raise exception 'fees of an attempt that the run did not make';
  end if;
end $$;
alter table attempts add constraint attempts_fees_or_named check (fee_ids = '{}' or named_ids = '{}');

create or replace function attempts_state_moves() returns trigger
  language plpgsql
  as $$
begin
  if old.outcome <> 'open' or (new.account_id, new.transaction_id, new.customer_id, new.kind, new.invoice_id, new.fee_ids,
      new.named_ids, new.invoice_list, new.subscription_id, new.source_id, new.payment_option_id, new.amount, new.tax_amount,
      new.code, new.due_date, new.business_date, new.create_date, new.opened_at) is distinct from
     (old.account_id, old.transaction_id, old.customer_id, old.kind, old.invoice_id, old.fee_ids,
      old.named_ids, old.invoice_list, old.subscription_id, old.source_id, old.payment_option_id, old.amount, old.tax_amount,
      old.code, old.due_date, old.business_date, old.create_date, old.opened_at) or new.sendings < old.sendings then
    raise exception 'an attempt is settled once and not changed otherwise' using errcode = 'check_violation',
      constraint = 'attempts_state_moves', table = 'attempts';
  end if;
  return new;
end $$;

-- Whoever opens an attempt holds its customer; here once more, so that two sessions that did not see each other come one after the
-- other. A customer's open attempts are few: they are compared with each other.
create function attempts_of_debts() returns trigger
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
   where w.named_ids <> '{}' and (
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
create trigger attempts_of_debts after insert on attempts
  referencing new table as written for each statement execute function attempts_of_debts();
