-- Measures searches among the customers that customers.sql loaded: psql -q -v account=9001 -f measure.sql, as billing_api.
-- Each is made 20 times from the beginning and 20 times from the middle of the ids; milliseconds, by the server's clock.

\set ON_ERROR_STOP on
set client_min_messages = warning;
set search_path = billing;
set enable_seqscan = off;
set jit = off;
select set_config('billing.accounts', :'account', false) as account \gset
select customer_id as middle from customers where account_id = :account order by customer_id
 offset (select reltuples::bigint / 2 from pg_class where oid = 'customers'::regclass) limit 1 \gset

create temp table searches (label text, columns text[], operators text[], "values" text[]);
insert into searches values
  ('email=*@example.com', '{email_key}', '{~}', '{%@example.com}'),
  ('email=*@uni.edu', '{email_key}', '{~}', '{%@uni.edu}'),
  ('email=*77777@*', '{email_key}', '{~}', '{%77777@%}'),
  ('organizationName=*gym*', '{organization_key}', '{~}', '{%gym%}'),
  ('organizationName=*none*', '{organization_key}', '{~}', '{%none%}'),
  ('lastName=*mann', '{last_name_key}', '{~}', '{%mann}'),
  ('phone=*7919', '{phone_digits}', '{~}', '{%7919}'),
  ('street=*77 station*', '{street_key}', '{~}', '{"%77 station%"}'),
  ('lastName=smith', '{last_name_key}', '{^}', '{smith}'),
  ('city=king', '{city_key}', '{^}', '{king}'),
  ('organizationName=*gym*&city=king', '{organization_key,city_key}', '{~,^}', '{%gym%,king}'),
  ('organizationName=*gym*&state=ks', '{organization_key,state_key}', '{~,=}', '{%gym%,ks}'),
  ('lastName=*mann*&street=*77 elm*', '{last_name_key,street_key}', '{~,~}', '{%mann%,"%77 elm%"}');
create temp table times (label text, page text, ms double precision);
create function pg_temp.measure(account bigint, middle bigint) returns void language plpgsql as $$
declare
  search record;
  begun timestamptz;
begin
  for search in select * from searches loop
    for i in 0 .. 41 loop
      begun := clock_timestamp();
      perform find_customers(account, case when i % 2 = 0 then 0 else middle end, 101, search.columns, search.operators, search."values");
      -- The first of each finds the pages in memory for the others.
      if i > 1 then
        insert into times values (search.label, case when i % 2 = 0 then 'first' else 'middle' end,
          extract(epoch from clock_timestamp() - begun) * 1000);
      end if;
    end loop;
  end loop;
end $$;
select pg_temp.measure(:account, :middle);
select label, page, round(percentile_cont(0.5) within group (order by ms)::numeric, 1) as p50,
       round(percentile_cont(0.99) within group (order by ms)::numeric, 1) as p99
  from times group by label, page order by label, page;
