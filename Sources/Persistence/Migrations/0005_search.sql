-- Search for texts with a star inside (spec 1.1): `*@example.com`, `*gym*`; and whose requests are limited (spec 4.6).
--
-- A range of a plain column serves what a text begins with (0001). What it holds further inside is found by its trigrams, three
-- characters each. `like` is not leakproof: under row-level security a condition with it cannot be looked up in an index. So this
-- search is a function of the owner, which takes the accounts within reach from where the policies take them.

set local search_path = billing, public;

-- Both come with the server and are trusted: the owner of the database may add them.
create extension if not exists pg_trgm with schema billing;
create extension if not exists btree_gin with schema billing;

-- The account is part of the key: what others have in their books costs a search nothing and tells it nothing.
create index customers_by_text on customers using gin (account_id, first_name_key gin_trgm_ops, last_name_key gin_trgm_ops,
  organization_key gin_trgm_ops, email_key gin_trgm_ops, phone_digits gin_trgm_ops, street_key gin_trgm_ops,
  city_key gin_trgm_ops, zip_code_key gin_trgm_ops);

-- Which index finds a page soonest is decided by how frequent a value is: known to a thousandth.
do $$
declare
  name text;
begin
  foreach name in array array['first_name_key', 'last_name_key', 'organization_key', 'email_key', 'phone_digits', 'street_key',
    'city_key', 'state_key', 'zip_code_key', 'country_code']
  loop
    execute format('alter table customers alter column %I set statistics 1000', name);
  end loop;
end $$;

-- The first `most` customers after an id, by id, of one account within reach, that meet every condition.
--
-- A condition is a column, an operator and a value: `=` equal; `^` begins with; `~` like; `>=` and `<` compared. Columns and
-- operators are those named here; values are bound. Each call is planned for its values. The search path is fixed: nobody's
-- functions but these stand in for an operator.
--
-- Under row-level security the planner is not told how frequent a text with `like` is, so the function finds out: it looks at
-- the next 2,000 customers. Where that fills the page, or comes to the end, it is done. Else f of them were found: to go on in the
-- order of the ids would look at 2,000 * most / f customers, to look the trigrams up at f / 2,000 of all. The lesser is done.
create function find_customers(account bigint, after bigint, most bigint, columns text[], operators text[], "values" text[])
  returns setof bigint
  language plpgsql stable security definer rows 100
  set search_path = pg_catalog, billing, pg_temp
  set plan_cache_mode = force_custom_plan
  set enable_sort = on
  as $$
declare
  glance constant bigint := 2000;
  conditions text := 'true';
  -- What says nothing new, but lets the trigrams of several texts be looked up together.
  patterns text := '';
  value text;
  found bigint[];
  seen bigint;
  everybody double precision;
begin
  if account <> all (coalesce(billing.visible_accounts(), '{}')) then
    return;
  end if;
  for i in 1 .. cardinality(columns) loop
    if columns[i] not in ('first_name_key', 'last_name_key', 'organization_key', 'email_key', 'phone_digits', 'street_key',
      'city_key', 'state_key', 'zip_code_key', 'country_code', 'code', 'status', 'balance', 'create_date')
      or operators[i] not in ('=', '^', '~', '>=', '<') then
      raise exception 'customers are not searched so' using errcode = 'invalid_parameter_value';
    end if;
    value := format('($4)[%s]', i)
      || case columns[i] when 'balance' then '::bigint' when 'create_date' then '::timestamptz' else '' end;
    conditions := conditions || ' and ' || case operators[i]
      when '^' then format('x.%1$I ~>=~ %2$s and x.%1$I ~<~ (%2$s || U&''\+10FFFF'')', columns[i], value)
      when '~' then format('x.%I like %s', columns[i], value)
      else format('x.%I %s %s', columns[i], operators[i], value) end;
    if operators[i] in ('=', '^') and columns[i] in ('first_name_key', 'last_name_key', 'organization_key', 'email_key',
      'phone_digits', 'street_key', 'city_key', 'zip_code_key') then
      patterns := patterns || format(' and x.%I like replace(replace(replace(%s, ''\'', ''\\''), ''%%'', ''\%%''), ''_'', ''\_'') || %L',
        columns[i], value, case operators[i] when '^' then '%' else '' end);
    end if;
  end loop;

  execute 'select array_agg(x.customer_id order by x.customer_id) filter (where ' || conditions || '), count(*)
             from (select * from billing.customers
                    where account_id = $1 and customer_id > $2 order by customer_id limit $3) x'
    into found, seen using account, after, glance, "values";
  if seen < glance or cardinality(found) >= most then
    return query select * from unnest(found[1:most]);
    return;
  end if;
  select greatest(reltuples, 1) into everybody from pg_class where oid = 'billing.customers'::regclass;
  if cardinality(found) ^ 2 > most * glance ^ 2 / everybody then
    -- Without sorting, the order of the ids is the only way.
    perform set_config('enable_sort', 'off', true);
    patterns := ' order by x.customer_id';
  else
    -- No index has this order: the rows are looked up, then sorted.
    patterns := patterns || ' order by x.customer_id + 0';
  end if;
  return query execute
    'select x.customer_id from billing.customers x where x.account_id = $1 and x.customer_id > $2 and ' || conditions
    || patterns || ' limit $3' using account, after, most, "values";
end $$;
revoke execute on function find_customers from public;
grant execute on function find_customers to billing_api, billing_readonly;

-- Whether a service user sees a live account: asked at the login, when nothing is within reach yet.
create function sees_live_accounts(name text) returns boolean
  language sql stable security definer
  set search_path = billing, pg_temp
  as $$ select exists (select from service_user_accounts s join merchant_accounts a using (account_id)
                        where s.user_name = name and a.mode = 'live') $$;
