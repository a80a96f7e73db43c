-- Baseline of P8: all that is due is invoiced, charged and settled by a few statements in one transaction, with the rows that the
-- billing run and the sandbox would have written. Triggers and constraints do the rest; an attempt begins open and is settled, because
-- they require that. Each customer has one subscription and an active card, nothing else is open.
--
--   psql -U bench -v account= -v today=2027-02-01 -f charges_at_once.sql

set search_path = billing;
set jit = off;
set work_mem = '256MB';
set temp_buffers = '256MB';
set client_min_messages = warning;
set billing.accounts = :'account';
begin;
create temp table bills on commit drop as
select nextval('transaction_ids') as invoice_id, 0::bigint as payment_id, 0::bigint as movement_id, s.subscription_id,
       s.customer_id, s.amount, s.tax_amount, s.next_cycle, s.next_billing_date, s.length, s.billed_count, s.billing_cycle_type,
       s.billing_interval, s.first_billing_date, o.payment_option_id, o.type, o.account_mask, o.accessory_shown,
       o.holder_name, o.token_code, o.street1, o.city, o.state, o.zip_code, o.country_code
  from (select s.*
          from subscriptions s
          join customers c on c.account_id = s.account_id and c.customer_id = s.customer_id
         where s.account_id = :account and s.set_aside_reason is null and s.next_billing_date <= :'today' and c.status in ('A', 'E')
           for no key update of c, s) s
  join payment_options o on o.account_id = :account and o.customer_id = s.customer_id and o.payment_option_id = s.payment_option_id;
update bills set payment_id = nextval('transaction_ids'), movement_id = nextval('sandbox.movement_id');
analyze bills;

with booked as (
  insert into transactions (account_id, create_date, transaction_id, customer_id, type, amount, tax_amount, due_date, subscription_id,
         cycle_number, creator_code, status, policy_version)
  select :account, :'today'::timestamptz, invoice_id, customer_id, 'RI', amount, tax_amount, next_billing_date, subscription_id,
         next_cycle, 'billing-run', 'final', 1
    from bills),
entered as (
  insert into ledger_entries (account_id, entry_date, transaction_id, line, customer_id, debit, credit, amount)
  select :account, :'today'::date, b.invoice_id, l.line, b.customer_id, 'receivable', l.credit, l.amount
    from bills b
   cross join lateral (values (1, 'revenue:recurring', b.amount - b.tax_amount), (2, 'tax-payable', b.tax_amount))
         as l (line, credit, amount)
   where l.amount > 0),
charged as (
  insert into sandbox.movement (id, account, key, kind, amount, currency, account_type, masked_number, attempt_number, business_date,
         code, message, approval_code, approved_amount, answered_at)
  select movement_id, :account, 't' || payment_id, 'payment', amount, 'USD', type, account_mask, 1, :'today'::date, 'A01', 'Approved',
         lpad(upper(to_hex(movement_id % 16777216)), 6, '0'), amount, :'today'::timestamptz
    from bills)
insert into attempts (account_id, create_date, business_date, transaction_id, customer_id, kind, invoice_id, subscription_id,
       payment_option_id, amount, tax_amount, attempt_number, account_type, account_mask, accessory_shown, holder_name, token, street,
       city, state, zip_code, address, due_date, creator_code, open_amounts, owed)
select :account, :'today'::timestamptz, :'today'::date, payment_id, customer_id, 'payment', invoice_id, subscription_id,
       payment_option_id, amount, 0, 1, type, account_mask, accessory_shown, holder_name, token_code, street1, city, state, zip_code,
       concat_ws(', ', street1, city, state, zip_code, country_code), :'today'::date, 'billing-run', array[amount], amount
  from bills;

select set_config('bench.account', :'account', true), set_config('bench.through', :'today', true);
\ir move_on.sql

with settled as (
  update attempts p
     set outcome = 'approved', response_code = 'A01', response_message = 'Approved',
         approval_code = lpad(upper(to_hex(b.movement_id % 16777216)), 6, '0'),
         gateway_transaction_id = 'SB' || lpad(b.movement_id::text, 12, '0'), approved_amount = b.amount,
         response_date = :'today'::timestamptz, settled_on = :'today'::date
    from bills b
   where p.account_id = :account and p.transaction_id = b.payment_id
  returning p.transaction_id, p.customer_id, p.subscription_id, p.amount, p.account_type, p.account_mask, p.invoice_id),
booked as (
  insert into transactions (account_id, create_date, transaction_id, customer_id, type, account_type, account_mask, amount, due_date,
         subscription_id, attempt_id, creator_code, status, policy_version)
  select :account, :'today'::timestamptz, transaction_id, customer_id, 'AP', account_type, account_mask, amount, :'today'::date,
         subscription_id, transaction_id, 'billing-run', 'final', 1
    from settled
  returning transaction_id, customer_id, amount),
entered as (
  insert into ledger_entries (account_id, entry_date, transaction_id, line, customer_id, debit, credit, amount)
  select :account, :'today'::date, transaction_id, 1, customer_id, 'clearing:sandbox', 'receivable', amount from booked),
paid as (
  insert into allocations (account_id, create_date, customer_id, source_id, target_id, amount)
  select :account, :'today'::timestamptz, b.customer_id, b.transaction_id, s.invoice_id, b.amount
    from booked b join settled s on s.transaction_id = b.transaction_id)
insert into collections (account_id, invoice_id, customer_id, subscription_id, state, tries)
select :account, invoice_id, customer_id, subscription_id, 'closed', 1 from settled;
commit;
