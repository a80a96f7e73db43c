-- Loads customers for measuring searches: psql -v rows=10000000 -v account=9001 -f customers.sql, as owner of the schema.
--
-- Names and places repeat as they do among people: few are frequent, most are rare. The same number of rows gives the same rows.
-- The indexes for searching are put aside meanwhile and made again at the end.

\set ON_ERROR_STOP on
\timing on
set search_path = billing, public;
set synchronous_commit = off;
set maintenance_work_mem = '1GB';

insert into merchant_accounts (account_id, name) values (:account, 'Ten million') on conflict do nothing;

begin;
create temp table kept_indexes on commit drop as
  select indexrelid::regclass::text as name, pg_get_indexdef(indexrelid) as definition
    from pg_index
   where indrelid = 'customers'::regclass and not indisunique;
do $$
declare
  kept record;
begin
  for kept in select name from kept_indexes loop
    execute 'drop index ' || kept.name;
  end loop;
end $$;

-- No row has a code here: what looks after codes is not asked ten million times.
alter table customers disable trigger customers_numbers_are_no_codes;

-- A number from 0 to below 1 for each row and purpose, the same each time.
create function pg_temp.share(n bigint, purpose bigint) returns double precision
  language sql immutable parallel safe
  as $$ select (hashint8extended(n, purpose) & 1073741823) / 1073741824.0 $$;
-- One of so many words, the first ones far more frequent than the last.
create function pg_temp.word(words text[], share double precision) returns text
  language sql immutable parallel safe
  as $$ select words[1 + floor(share * share * share * array_length(words, 1))::int] $$;
create function pg_temp.last_name(n bigint) returns text
  language sql immutable parallel safe
  as $$ select pg_temp.word('{Smi,Gar,Joh,Bro,Wil,Mül,Kow,Ive,Ber,Ros,Ung,Tan,Lin,Sch,Mac,Nak,Per,Old,Fer,Hav}', pg_temp.share(n, 1))
            || pg_temp.word('{th,ler,ci,n,w,der,al,es,ov,an}', pg_temp.share(n, 2))
            || pg_temp.word('{"",son,ski,mann,berg,ez,sen,ton,ley,ova}', pg_temp.share(n, 3)) $$;
create function pg_temp.city(n bigint, purpose bigint) returns text
  language sql immutable parallel safe
  as $$ select pg_temp.word('{Spring,River,Oak,Lake,North,South,Green,Fair,Mill,Stone,Clear,West,East,High,Red,Silver,Maple,Cedar,King}',
                            pg_temp.share(n, purpose))
            || pg_temp.word('{field,ton,ville," City",dale,wood,port,brook,mont,burg}', pg_temp.share(n, purpose + 100)) $$;

insert into customers (account_id, first_name, last_name, organization_name, email, phone, street, city, state, zip_code,
       country_code, create_date)
select :account, first, last,
       case when pg_temp.share(n, 20) < 0.1
            then pg_temp.city(n, 21) || ' ' || pg_temp.word('{Fitness,Gym,Yoga Studio,Swim Club,Dental,Cleaning,Storage,Karate Dojo,Law Office}',
                                                          pg_temp.share(n, 22)) end,
       lower(first || '.' || last) || n || '@'
       || pg_temp.word('{gmail.com,yahoo.com,outlook.com,example.com,example.org,proton.me,mail.de,web.de,orange.fr,uni.edu}', pg_temp.share(n, 23)),
       '+1 ' || (200 + n % 700) || ' ' || lpad((n * 7919 % 10000000)::text, 7, '0'),
       (1 + n % 9999) || ' ' || pg_temp.word('{Main St,Oak Ave,Park Rd,2nd St,Lake Dr,Hill Ln,Church St,Elm Ct,Station Rd}', pg_temp.share(n, 24)),
       pg_temp.city(n, 25),
       pg_temp.word('{CA,TX,FL,NY,PA,IL,OH,GA,NC,MI,NJ,VA,WA,AZ,MA,TN,IN,MO,MD,WI,CO,MN,SC,AL,LA,KY,OR,OK,CT,UT,IA,NV,AR,MS,KS}', pg_temp.share(n, 26)),
       lpad((floor(pg_temp.share(n, 27) * pg_temp.share(n, 28) * 40000)::int::bigint * 7919 % 100000)::text, 5, '0'),
       pg_temp.word('{US,CA,GB,DE,FR,AU,JP}', pg_temp.share(n, 29)), timestamptz '2024-01-01 00:00Z' + n * interval '7 seconds'
  from (select n, pg_temp.last_name(n) as last,
               pg_temp.word('{James,Mary,Robert,Linda,John,Susan,Wei,Ana,Änne,Omar,Ivan,Yuki,Fatima,Luis,Chloé,Noah,Emma,Liam,Olivia,Mia,Hugo}',
                            pg_temp.share(n, 10)) as first
          from generate_series(1, :rows::bigint) n offset 0) people;

do $$
declare
  kept record;
begin
  for kept in select definition from kept_indexes order by definition like '%gin%' loop
    execute kept.definition;
  end loop;
end $$;
alter table customers enable trigger customers_numbers_are_no_codes;
commit;
analyze customers;
vacuum customers;
