-- The index of trigrams serves searches alone.
--
-- It begins with the merchant account. While the table is small, a customer's row by its number was looked for there as well, under the
-- accounts of row-level security times those of the statement: 80 ms for a service user who sees 86 accounts. With a sum in its
-- place, which only a search writes, nobody else is led there.
set local search_path = billing;

drop index customers_by_text;
create index customers_by_text on customers using gin ((account_id + 0), first_name_key gin_trgm_ops, last_name_key gin_trgm_ops,
  organization_key gin_trgm_ops, email_key gin_trgm_ops, phone_digits gin_trgm_ops, street_key gin_trgm_ops,
  city_key gin_trgm_ops, zip_code_key gin_trgm_ops);

create or replace function find_customers(account bigint, after bigint, most bigint, columns text[], operators text[], "values" text[])
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
    -- No index has this order: the rows are looked up, then sorted. The trigrams' index knows the account by this sum.
    patterns := patterns || ' and x.account_id + 0 = $1 order by x.customer_id + 0';
  end if;
  return query execute
    'select x.customer_id from billing.customers x where x.account_id = $1 and x.customer_id > $2 and ' || conditions
    || patterns || ' limit $3' using account, after, most, "values";
end $$;
