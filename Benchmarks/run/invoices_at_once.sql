-- Baseline of P7: all that is due becomes invoices in one statement, as the billing run would have written it: transactions, ledger
-- entries, what credit pays of them, collections; then the subscriptions are moved on (move_on.sql; a trigger refuses to invoice a cycle
-- that the subscription is beyond). Triggers and constraints do the rest. On the due date itself the run has looked at what is to be collected,
-- too: without a payment option it waits.
--
--   psql -U billing_jobs -v account= -v today=2027-01-22 -v through=2027-02-01 -f invoices_at_once.sql

set search_path = billing;
set jit = off;
set work_mem = '256MB';
set billing.accounts = :'account';
begin;
with due as materialized (
  select s.subscription_id, s.customer_id, s.amount, s.tax_amount, s.next_cycle, s.next_billing_date
    from subscriptions s
    join customers c on c.account_id = s.account_id and c.customer_id = s.customer_id
   where s.account_id = :account and s.set_aside_reason is null and s.next_billing_date <= :'through' and c.status in ('A', 'E')
     for no key update of c, s),
billed as materialized (
  select nextval('transaction_ids') as transaction_id, due.* from due),
booked as (
  insert into transactions (account_id, create_date, transaction_id, customer_id, type, amount, tax_amount, due_date, subscription_id,
         cycle_number, creator_code, status, policy_version)
  select :account, :'today'::timestamptz, transaction_id, customer_id, 'RI', amount, tax_amount, next_billing_date, subscription_id,
         next_cycle, 'billing-run', 'final', 1
    from billed
  returning transaction_id, customer_id, subscription_id, amount, tax_amount, due_date),
entered as (
  insert into ledger_entries (account_id, entry_date, transaction_id, line, customer_id, debit, credit, amount)
  select :account, :'today'::date, b.transaction_id, l.line, b.customer_id, 'receivable', l.credit, l.amount
    from booked b
   cross join lateral (values (1, 'revenue:recurring', b.amount - b.tax_amount), (2, 'tax-payable', b.tax_amount))
         as l (line, credit, amount)
   where l.amount > 0),
paid as (
  insert into allocations (account_id, create_date, customer_id, source_id, target_id, amount)
  select :account, :'today'::timestamptz, b.customer_id, o.transaction_id, b.transaction_id, least(o.balance, b.amount)
    from booked b
    join open_items o on o.account_id = :account and o.customer_id = b.customer_id and not o.is_debt)
insert into collections (account_id, invoice_id, customer_id, subscription_id, state, collect_on)
select :account, b.transaction_id, b.customer_id, b.subscription_id,
       case when :'through' > :'today' then 'due' when o.transaction_id is null then 'waiting' else 'closed' end,
       case when :'through' > :'today' then b.due_date end
  from booked b
  left join open_items o on o.account_id = :account and o.customer_id = b.customer_id and not o.is_debt;
select set_config('bench.account', :'account', true), set_config('bench.through', :'through', true);
\ir move_on.sql
commit;
