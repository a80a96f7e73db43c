-- Fills one merchant account: psql -v account= -v rows= -v due=2027-02-01 -v options=1 -v credit=0 -v amount=2999.
--
-- So many customers with a subscription each, billed monthly from `due` on; with `options` a card on file (its number is sealed by
-- books.py); of every `credit`-th customer, none with 0, a credit that pays its bills for years. Triggers are off meanwhile: what
-- they would have written is written here. Prints the first customer, payment option and subscription.

set search_path = billing;
set client_min_messages = warning;
set session_replication_role = replica;
set synchronous_commit = off;
begin;
select setval('customer_ids', nextval('customer_ids') + :rows) - :rows as customer,
       setval('payment_option_ids', nextval('payment_option_ids') + :rows) - :rows as option,
       setval('subscription_ids', nextval('subscription_ids') + :rows) - :rows as subscription,
       setval('transaction_ids', nextval('transaction_ids') + :rows) - :rows as transaction \gset

insert into plans (account_id, name, billing_cycle_type, billing_interval, amount, create_date)
values (:account, 'Monthly', 'M', 1, :amount, timestamptz '2026-12-01 00:00Z')
returning plan_id as plan \gset

insert into customers (account_id, customer_id, first_name, last_name, email, street, city, state, zip_code, country_code,
       balance, create_date)
select :account, :customer + n,
       (array['James','Mary','Robert','Linda','John','Susan','Wei','Ana','Omar','Ivan','Yuki','Fatima','Luis','Noah'])[1 + n % 14],
       'Customer ' || n, 'customer' || n || '@example.com', 1 + n % 999 || ' Main St', 'Springfield', 'IL',
       lpad((n * 7919 % 100000)::text, 5, '0'), 'US', case when :credit > 0 and n % greatest(:credit, 1) = 0 then -10000000 else 0 end,
       timestamptz '2026-12-01 00:00Z' + n * interval '1 second'
  from generate_series(0, :rows::bigint - 1) n;

insert into payment_options (account_id, payment_option_id, customer_id, type, account_mask, accessory_shown, holder_name,
       token_code, is_active, is_default, street1, city, state, zip_code, country_code, create_date)
select :account, :option + n, :customer + n, 'VC', '4***********' || lpad((n % 10000)::text, 4, '0'), '1234', 'Customer ' || n,
       translate(encode(sha256(('token' || :account || '-' || :option + n)::bytea), 'base64'), '+/=', '-_'), true, true,
       1 + n % 999 || ' Main St', 'Springfield', 'IL', lpad((n * 7919 % 100000)::text, 5, '0'), 'US',
       timestamptz '2026-12-01 00:00Z' + n * interval '1 second'
  from generate_series(0, :rows::bigint - 1) n
 where :options > 0;

insert into subscriptions (account_id, subscription_id, customer_id, plan_id, plan_name, billing_cycle_type, billing_interval,
       amount, first_billing_date, next_billing_date, payment_option_id, create_date)
select :account, :subscription + n, :customer + n, :plan, 'Monthly', 'M', 1, :amount, :'due', :'due',
       case when :options > 0 then :option + n end, timestamptz '2026-12-01 00:00Z' + n * interval '1 second'
  from generate_series(0, :rows::bigint - 1) n;

create temp table credits on commit drop as
  select :transaction + n as id, :customer + n as customer
    from generate_series(0, :rows::bigint - 1) n
   where :credit > 0 and n % greatest(:credit, 1) = 0;
insert into transactions (account_id, transaction_id, customer_id, type, account_type, amount, due_date, creator_code, status,
       create_date, policy_version)
select :account, id, customer, 'RC', null, 10000000, date '2026-12-01', 'bench', 'final', timestamptz '2026-12-01 00:00Z', 1
  from credits;
insert into ledger_entries (account_id, transaction_id, line, customer_id, entry_date, debit, credit, amount)
select :account, id, 1, customer, date '2026-12-01', 'revenue:credits', 'receivable', 10000000 from credits;
insert into open_items (account_id, customer_id, transaction_id, is_debt, amount, balance)
select :account, customer, id, false, 10000000, 10000000 from credits;
commit;
analyze customers;
analyze payment_options;
analyze subscriptions;
analyze open_items;
analyze transactions;
select :customer, :option, :subscription;
