-- What a read costs before it reads: each table of a statement is opened and locked, and its part of the plan set up, whether a row comes
-- of it or not.

set local search_path = billing;

-- The bills of a subscription that brought no money, or not all of it: with something open, reversed, written off or waived in part or
-- whole (spec 2.4). Looked up by whole keys, the customer's among them: a plan that was made while there were no bills serves as well when
-- there are ten thousand. One statement for all rows of a list: the server puts it in their place.
create function uncollected(account bigint, customer bigint, subscription bigint) returns table (bills bigint)
  language sql stable parallel safe
  as $$
select count(*)
  from (select * from billing.transactions k
         where k.account_id = account and k.customer_id = customer and k.subscription_id = subscription
           and k.type = 'RI' and k.cycle_number is not null and k.adjustment_id is null
        offset 0) t
 where t.status = 'reversed' or exists (
       select from billing.open_items o
        where o.account_id = t.account_id and o.customer_id = t.customer_id and o.transaction_id = t.transaction_id offset 0)
    or exists (
       select from (select * from billing.allocations k
                     where k.account_id = t.account_id and k.customer_id = t.customer_id
                       and k.target_id = t.transaction_id and k.end_date is null
                    offset 0) l
        cross join lateral (
              select k.type, k.account_type from billing.transactions k
               where k.account_id = l.account_id and k.customer_id = l.customer_id and k.transaction_id = l.source_id
              offset 0) p
        where p.type = 'AA' or p.type = 'AP' and p.account_type in ('L', 'W') offset 0)
$$;
comment on function uncollected is 'the bills of a subscription that are not paid in whole by money';

-- The same for one row: nothing of it is set up until it is called.
create function uncollected_bills(account bigint, customer bigint, subscription bigint) returns bigint
  language plpgsql stable parallel safe
  as $$
begin
  return (select u.bills from billing.uncollected(account, customer, subscription) u);
end $$;
comment on function uncollected_bills is 'as uncollected, for a statement of one subscription';

-- What a user is and sees, as one number: another with every change of its row and of its accounts, and never one that was before, also
-- where a user of the same name was deleted. Whoever has seen a user under it need not ask for the rest again. Its version goes on to
-- count changes of its credentials alone: temporary passwords hold for one.
create sequence service_user_revisions;
alter table service_users add column revision bigint not null default nextval('billing.service_user_revisions');
comment on column service_users.revision is 'another with every change of the user or of the accounts that it sees; set by triggers only';
comment on column service_users.version is 'rises with every change of password, privilege or activity';
create function service_users_revised() returns trigger
  language plpgsql
  as $$
begin
  new.revision := nextval('billing.service_user_revisions');
  return new;
end $$;
create trigger service_users_revised before insert or update on service_users
  for each row execute function service_users_revised();
create function service_users_accounts_revised() returns trigger
  language plpgsql
  as $$
begin
  if tg_op = 'TRUNCATE' then
    update billing.service_users set revision = default;
  elsif tg_op = 'INSERT' then
    update billing.service_users set revision = default where user_name in (select user_name from added);
  elsif tg_op = 'DELETE' then
    update billing.service_users set revision = default where user_name in (select user_name from removed);
  else
    update billing.service_users set revision = default
     where user_name in (select user_name from added union select user_name from removed);
  end if;
  return null;
end $$;
create trigger service_users_accounts_added after insert on service_user_accounts
  referencing new table as added for each statement execute function service_users_accounts_revised();
create trigger service_users_accounts_removed after delete on service_user_accounts
  referencing old table as removed for each statement execute function service_users_accounts_revised();
create trigger service_users_accounts_changed after update on service_user_accounts
  referencing old table as removed new table as added for each statement execute function service_users_accounts_revised();
create trigger service_users_accounts_truncated after truncate on service_user_accounts
  for each statement execute function service_users_accounts_revised();
