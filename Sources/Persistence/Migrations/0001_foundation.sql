-- The books of the billing server. Rules that matter are held here first (spec 5.3), in the program second.
--
-- (a) entries sum to zero        ledger_entries: one row moves an amount from one ledger account to another; a transaction
--                                that counts and its lines are written by one statement, neither without the other
-- (b) append only                triggers that refuse update and delete; no such grants
-- (c) customer's balance         written by trigger from ledger_entries only
-- (d) transaction's balance      open_items, written by trigger from transactions and allocations only; 0 <= balance <= amount
-- (e) one invoice a cycle        transactions_one_invoice_a_cycle
-- (f) one open attempt           attempts_one_open_an_invoice
-- (g) status moves               subscriptions_status_moves, attempts_state_moves
-- (h) one merchant account       the account is in every key; every reference carries it; row-level security

create schema if not exists billing;
set local search_path = billing;

-- Tenancy -----------------------------------------------------------------------------------------------------

-- The merchant accounts that the session may see, set by the program at the begin of its work.
create function visible_accounts() returns bigint[]
  language sql stable parallel safe
  as $$ select string_to_array(nullif(current_setting('billing.accounts', true), ''), ',')::bigint[] $$;

create function is_time_zone(zone text) returns boolean
  language plpgsql stable
  as $$
begin
  perform now() at time zone zone;
  return zone ~ '^[A-Za-z]';
exception when invalid_parameter_value then
  return false;
end $$;

create table merchant_accounts (
  account_id            bigint      not null constraint merchant_accounts_id_range check (account_id between 1 and 2147483647),
  name                  text        not null constraint merchant_accounts_name_length check (char_length(name) between 1 and 255),
  mode                  text        not null default 'sandbox' constraint merchant_accounts_mode check (mode in ('sandbox', 'live')),
  time_zone             text        not null default 'UTC' constraint merchant_accounts_time_zone check (billing.is_time_zone(time_zone)),
  currency              text        not null default 'USD' constraint merchant_accounts_currency check (currency ~ '^[A-Z]{3}$'),
  processor             text        not null default 'sandbox' constraint merchant_accounts_processor check (processor ~ '^[a-z0-9-]{1,30}$'),
  balancing_algorithm   text        not null default 'AB' constraint merchant_accounts_algorithm check (balancing_algorithm in ('AB', 'IF')),
  invoice_lead_days     integer     not null default 0 constraint merchant_accounts_lead check (invoice_lead_days between 0 and 60),
  close_sales_days      integer     not null default 0 constraint merchant_accounts_close_sales check (close_sales_days between 0 and 30),
  retry_days            integer[]   not null default '{3,5,7}' constraint merchant_accounts_retry_days
                                      check (cardinality(retry_days) <= 20 and 1 <= all (retry_days) and 365 >= all (retry_days)),
  on_retries_exhausted  text        not null default 'none' constraint merchant_accounts_exhausted check (on_retries_exhausted in ('none', 'pause', 'cancel')),
  late_fee_amount       bigint      not null default 0 constraint merchant_accounts_late_fee check (late_fee_amount between 0 and 99999999999),
  late_fee_grace_days   integer     not null default 10 constraint merchant_accounts_late_fee_grace check (late_fee_grace_days between 0 and 3650),
  soft_decline_fee      bigint      not null default 0 constraint merchant_accounts_soft_decline_fee check (soft_decline_fee between 0 and 99999999999),
  hard_decline_fee      bigint      not null default 0 constraint merchant_accounts_hard_decline_fee check (hard_decline_fee between 0 and 99999999999),
  retry_fee             bigint      not null default 0 constraint merchant_accounts_retry_fee check (retry_fee between 0 and 99999999999),
  chargeback_fee        bigint      not null default 0 constraint merchant_accounts_chargeback_fee check (chargeback_fee between 0 and 99999999999),
  enrollment_fee        bigint      not null default 0 constraint merchant_accounts_enrollment_fee check (enrollment_fee between 0 and 99999999999),
  cancellation_fee      bigint      not null default 0 constraint merchant_accounts_cancellation_fee check (cancellation_fee between 0 and 99999999999),
  freeze_flat_fee       bigint      not null default 0 constraint merchant_accounts_freeze_flat_fee check (freeze_flat_fee between 0 and 99999999999),
  freeze_recurring_fee  bigint      not null default 0 constraint merchant_accounts_freeze_recurring_fee check (freeze_recurring_fee between 0 and 99999999999),
  write_off_days        integer     not null default 0 constraint merchant_accounts_write_off check (write_off_days between 0 and 36500),
  claim_return_days     integer     not null default 3 constraint merchant_accounts_claim_return check (claim_return_days between 0 and 365),
  settlement_time       time(0)     not null default '17:00',
  clock_at              timestamptz,
  create_date           timestamptz not null default now(),
  constraint merchant_accounts_key primary key (account_id),
  constraint merchant_accounts_only_sandbox_clocks_move check (clock_at is null or mode = 'sandbox')
);
comment on column merchant_accounts.clock_at is 'where a sandbox account''s clock was moved to; null follows real time';

-- The instant by an account's clock, and its date there (spec 5.1).
create function account_now(account merchant_accounts) returns timestamptz
  language sql stable as $$ select coalesce(account.clock_at, now()) $$;
create function business_date(account merchant_accounts) returns date
  language sql stable as $$ select (coalesce(account.clock_at, now()) at time zone account.time_zone)::date $$;

create table service_users (
  user_name      text        not null constraint service_users_name check (user_name ~ '^api-[A-Za-z0-9._-]{1,56}$'),
  password_hash  text        not null,
  privilege      text        not null constraint service_users_privilege check (privilege in ('management-api', 'management-api-read')),
  is_active      boolean     not null default true,
  version        bigint      not null default 1,
  create_date    timestamptz not null default now(),
  constraint service_users_key primary key (user_name)
);
comment on column service_users.version is 'rises with every change of password, privilege, accounts or activity';

create table service_user_accounts (
  account_id  bigint not null constraint service_user_accounts_account references merchant_accounts,
  user_name   text   not null constraint service_user_accounts_user references service_users,
  constraint service_user_accounts_key primary key (account_id, user_name)
);
create index service_user_accounts_by_user on service_user_accounts (user_name, account_id);

-- What was answered to requests that may be repeated (spec 4.5). A key is its user's own. A row is written by the transaction that
-- does the work: no work without its key, no key without its work.
create table idempotency_keys (
  user_name       text        not null constraint idempotency_keys_user references service_users,
  key             text        not null constraint idempotency_keys_form check (char_length(key) between 1 and 255),
  fingerprint     bytea       not null constraint idempotency_keys_fingerprint check (octet_length(fingerprint) = 32),
  status          integer,
  content_type    text,
  location        text,
  body            bytea,
  account_id      bigint,
  customer_id     bigint,
  transaction_id  bigint,
  create_date     timestamptz not null default now(),
  constraint idempotency_keys_key primary key (user_name, key),
  constraint idempotency_keys_answer_whole check ((status is null) = (body is null) and (status is null) = (content_type is null)),
  constraint idempotency_keys_transaction_whole check ((transaction_id is null) = (customer_id is null)
                                                   and (transaction_id is null) = (account_id is null))
);
create index idempotency_keys_old on idempotency_keys (create_date) where transaction_id is null;
comment on column idempotency_keys.transaction_id is 'what a request that moved money became; such a key never expires';

create table failed_logins (
  user_name       text        not null,
  address         text        not null,
  failures        integer     not null,
  blocked_until   timestamptz,
  last_failure    timestamptz not null,
  constraint failed_logins_key primary key (user_name, address)
);

-- Customers and what they pay with ----------------------------------------------------------------------------

create sequence customer_ids;
create table customers (
  account_id         bigint      not null constraint customers_account references merchant_accounts,
  customer_id        bigint      not null default nextval('billing.customer_ids'),
  code               text        constraint customers_code_form check (code ~ '^[A-Za-z0-9._:@-]{1,60}$'),
  first_name         text        not null constraint customers_first_name check (char_length(first_name) between 1 and 125),
  last_name          text        not null constraint customers_last_name check (char_length(last_name) between 1 and 125),
  organization_name  text        constraint customers_organization_name check (char_length(organization_name) between 1 and 255),
  email              text        constraint customers_email check (char_length(email) between 1 and 100),
  phone              text        constraint customers_phone check (char_length(phone) between 1 and 15),
  street             text        constraint customers_street check (char_length(street) between 1 and 128),
  street2            text        constraint customers_street2 check (char_length(street2) between 1 and 128),
  city               text        constraint customers_city check (char_length(city) between 1 and 50),
  state              text        constraint customers_state check (char_length(state) between 1 and 3),
  zip_code           text        constraint customers_zip_code check (char_length(zip_code) between 1 and 10),
  country_code       text        constraint customers_country_code check (country_code ~ '^[A-Z]{2}$'),
  note               text        constraint customers_note check (char_length(note) between 1 and 1000),
  phone_digits       text        generated always as (nullif(regexp_replace(phone, '[^0-9]', '', 'g'), '')) stored,
  first_name_key     text        not null generated always as (lower(first_name)) stored,
  last_name_key      text        not null generated always as (lower(last_name)) stored,
  organization_key   text        generated always as (lower(organization_name)) stored,
  email_key          text        generated always as (lower(email)) stored,
  street_key         text        generated always as (lower(street)) stored,
  city_key           text        generated always as (lower(city)) stored,
  state_key          text        generated always as (lower(state)) stored,
  zip_code_key       text        generated always as (lower(zip_code)) stored,
  balance            bigint      not null default 0,
  status             text        not null default 'A' constraint customers_status check (status in ('A', 'I', 'C', 'E')),
  create_date        timestamptz not null,
  version            integer     not null default 1,
  constraint customers_key primary key (account_id, customer_id)
) with (fillfactor = 50);
-- Half of a page is free: a batch of the billing run changes every customer of a page at once, and a balance must not
-- move its customer to another page, which would be a new entry in each index.
create unique index customers_code on customers (account_id, code) where code is not null;
-- What is searched is stored in lower case: lower() and like are not leakproof, so that under row-level security
-- conditions with them cannot use an index. Comparing plain columns (=, ~>=~, ~<~) can.
create index customers_by_first_name on customers (account_id, first_name_key text_pattern_ops, customer_id);
create index customers_by_last_name on customers (account_id, last_name_key text_pattern_ops, customer_id);
create index customers_by_organization_name on customers (account_id, organization_key text_pattern_ops, customer_id) where organization_key is not null;
create index customers_by_email on customers (account_id, email_key text_pattern_ops, customer_id) where email_key is not null;
create index customers_by_phone on customers (account_id, phone_digits text_pattern_ops, customer_id) where phone_digits is not null;
create index customers_by_street on customers (account_id, street_key text_pattern_ops, customer_id) where street_key is not null;
create index customers_by_city on customers (account_id, city_key text_pattern_ops, customer_id) where city_key is not null;
create index customers_by_state on customers (account_id, state_key text_pattern_ops, customer_id) where state_key is not null;
create index customers_by_zip_code on customers (account_id, zip_code_key text_pattern_ops, customer_id) where zip_code_key is not null;
create index customers_by_country on customers (account_id, country_code text_pattern_ops, customer_id) where country_code is not null;
comment on column customers.balance is 'cents; positive owes, negative has credit; written by ledger_entries_written only';

create table vault_keys (
  account_id   bigint      not null constraint vault_keys_account references merchant_accounts,
  wrapped      bytea       not null,
  create_date  timestamptz not null default now(),
  constraint vault_keys_key primary key (account_id)
);
comment on table vault_keys is 'each account''s data key, wrapped by the master key that is not in the database';

create sequence payment_option_ids;
create table payment_options (
  account_id          bigint      not null,
  payment_option_id   bigint      not null default nextval('billing.payment_option_ids'),
  customer_id         bigint      not null,
  code                text        constraint payment_options_code_form check (code ~ '^[A-Za-z0-9._:@-]{1,60}$'),
  type                text        not null constraint payment_options_type check (type in ('VC', 'VD', 'MC', 'MD', 'AC', 'DC', 'DD', 'JC', 'NC', 'BC', 'BS')),
  account_mask        text        not null constraint payment_options_mask check (account_mask ~ '^[0-9]?[*]+[0-9]{1,4}$' and char_length(account_mask) <= 20),
  accessory_shown     text        not null constraint payment_options_accessory check (accessory_shown ~ '^([0-9]{4}|[*]{5}[0-9]{4})$'),
  holder_name         text        not null constraint payment_options_holder_name check (char_length(holder_name) between 1 and 150),
  token_code          text        not null constraint payment_options_token_code check (char_length(token_code) between 20 and 64),
  is_active           boolean     not null default true,
  is_default          boolean     not null default false,
  street1             text        constraint payment_options_street1 check (char_length(street1) between 1 and 128),
  street2             text        constraint payment_options_street2 check (char_length(street2) between 1 and 128),
  city                text        constraint payment_options_city check (char_length(city) between 1 and 50),
  state               text        constraint payment_options_state check (char_length(state) between 1 and 3),
  zip_code            text        constraint payment_options_zip_code check (char_length(zip_code) between 1 and 10),
  country_code        text        constraint payment_options_country_code check (country_code ~ '^[A-Z]{2,3}$'),
  last_decline_code   text        constraint payment_options_decline_code check (last_decline_code ~ '^[A-Z][0-9]{2}$'),
  last_decline_date   timestamptz,
  create_date         timestamptz not null,
  version             integer     not null default 1,
  constraint payment_options_key primary key (account_id, payment_option_id),
  constraint payment_options_of_customer unique (account_id, customer_id, payment_option_id),
  constraint payment_options_customer foreign key (account_id, customer_id) references customers
);
create unique index payment_options_code on payment_options (account_id, code) where code is not null;
create unique index payment_options_token on payment_options (account_id, token_code);
create unique index payment_options_one_default on payment_options (account_id, customer_id) where is_default;

create table vault_entries (
  account_id         bigint not null,
  payment_option_id  bigint not null,
  sealed             bytea  not null,
  fingerprint        bytea  not null,
  constraint vault_entries_key primary key (account_id, payment_option_id),
  constraint vault_entries_option foreign key (account_id, payment_option_id) references payment_options on delete cascade
);
create index vault_entries_by_fingerprint on vault_entries (account_id, fingerprint);
comment on table vault_entries is 'card and bank account numbers, encrypted under the account''s data key; the only place that holds them';

-- Plans and subscriptions -------------------------------------------------------------------------------------

create sequence plan_ids;
create table plans (
  account_id          bigint      not null constraint plans_account references merchant_accounts,
  plan_id             bigint      not null default nextval('billing.plan_ids'),
  code                text        constraint plans_code_form check (code ~ '^[A-Za-z0-9._:@-]{1,60}$'),
  name                text        not null constraint plans_name check (char_length(name) between 1 and 255),
  billing_cycle_type  text        not null constraint plans_cycle check (billing_cycle_type in ('W', 'M', 'Q', 'S', 'A')),
  billing_interval    integer     not null constraint plans_interval check (billing_interval between 1 and 36),
  amount              bigint      not null constraint plans_amount check (amount between 0 and 99999999999),
  tax_amount          bigint      not null default 0 constraint plans_tax check (tax_amount between 0 and amount),
  is_active           boolean     not null default true,
  create_date         timestamptz not null,
  version             integer     not null default 1,
  constraint plans_key primary key (account_id, plan_id)
);
create unique index plans_code on plans (account_id, code) where code is not null;

create sequence subscription_ids;
create table subscriptions (
  account_id          bigint      not null,
  subscription_id     bigint      not null default nextval('billing.subscription_ids'),
  customer_id         bigint      not null,
  code                text        constraint subscriptions_code_form check (code ~ '^[A-Za-z0-9._:@-]{1,60}$'),
  plan_id             bigint,
  plan_name           text        constraint subscriptions_plan_name check (char_length(plan_name) between 1 and 255),
  billing_cycle_type  text        not null constraint subscriptions_cycle check (billing_cycle_type in ('W', 'M', 'Q', 'S', 'A')),
  billing_interval    integer     not null constraint subscriptions_interval check (billing_interval between 1 and 36),
  amount              bigint      not null constraint subscriptions_amount check (amount between 0 and 99999999999),
  tax_amount          bigint      not null default 0 constraint subscriptions_tax check (tax_amount between 0 and amount),
  first_billing_date  date        not null,
  length              integer     constraint subscriptions_length check (length >= 1),
  payment_option_id   bigint,
  note                text        constraint subscriptions_note check (char_length(note) between 1 and 1000),
  status              text        not null default 'U' constraint subscriptions_status check (status in ('U', 'C', 'F', 'P', 'N', 'E')),
  next_cycle          integer     not null default 1 constraint subscriptions_next_cycle check (next_cycle >= 1),
  next_billing_date   date,
  last_billing_date   date,
  billed_count        integer     not null default 0 constraint subscriptions_billed check (billed_count >= 0 and (length is null or billed_count <= length)),
  set_aside_reason    text,
  create_date         timestamptz not null,
  version             integer     not null default 1,
  constraint subscriptions_key primary key (account_id, subscription_id),
  constraint subscriptions_of_customer unique (account_id, customer_id, subscription_id),
  constraint subscriptions_customer foreign key (account_id, customer_id) references customers,
  constraint subscriptions_plan foreign key (account_id, plan_id) references plans,
  constraint subscriptions_option foreign key (account_id, customer_id, payment_option_id)
    references payment_options (account_id, customer_id, payment_option_id),
  constraint subscriptions_ended_have_no_next check (status not in ('N', 'E') or next_billing_date is null)
) with (fillfactor = 85);
create unique index subscriptions_code on subscriptions (account_id, code) where code is not null;
create index subscriptions_due on subscriptions (account_id, next_billing_date, subscription_id)
  where status in ('U', 'C') and set_aside_reason is null;
create index subscriptions_set_aside on subscriptions (account_id, subscription_id) where set_aside_reason is not null;

create function subscriptions_status_moves() returns trigger
  language plpgsql
  as $$
begin
  if old.status || new.status not in ('UC', 'UF', 'CF', 'FC', 'UP', 'CP', 'PC', 'PU', 'UN', 'CN', 'FN', 'PN', 'CE') then
    raise exception 'a subscription cannot move from % to %', old.status, new.status
      using errcode = 'check_violation', constraint = 'subscriptions_status_moves', table = 'subscriptions';
  end if;
  return new;
end $$;
create trigger subscriptions_status_moves before update of status on subscriptions
  for each row when (old.status is distinct from new.status) execute function subscriptions_status_moves();

-- An object without a code goes by its number (spec 2 code): a number that is somebody's code already is passed over.
create function numbers_are_no_codes() returns trigger
  language plpgsql
  as $$
begin
  if tg_table_name = 'customers' then
    while exists (select from customers where account_id = new.account_id and code = new.customer_id::text) loop
      new.customer_id := nextval('billing.customer_ids');
    end loop;
  elsif tg_table_name = 'plans' then
    while exists (select from plans where account_id = new.account_id and code = new.plan_id::text) loop
      new.plan_id := nextval('billing.plan_ids');
    end loop;
  else
    while exists (select from subscriptions where account_id = new.account_id and code = new.subscription_id::text) loop
      new.subscription_id := nextval('billing.subscription_ids');
    end loop;
  end if;
  return new;
end $$;
create trigger customers_numbers_are_no_codes before insert on customers
  for each row when (new.code is null) execute function numbers_are_no_codes();
create trigger plans_numbers_are_no_codes before insert on plans
  for each row when (new.code is null) execute function numbers_are_no_codes();
create trigger subscriptions_numbers_are_no_codes before insert on subscriptions
  for each row when (new.code is null) execute function numbers_are_no_codes();

-- Transactions, allocations, ledger ---------------------------------------------------------------------------

-- What a type does: its effect on the customer's balance, and on which side of balancing it stands (spec 3.2).
create table transaction_types (
  type    text     not null constraint transaction_types_key primary key,
  name    text     not null,
  effect  smallint not null constraint transaction_types_effect check (effect in (-1, 0, 1)),
  side    text     not null constraint transaction_types_side check (side in ('debt', 'credit', 'none'))
);
comment on table transaction_types is 'side: debt is paid by allocations, credit pays, none does neither';
insert into transaction_types (type, name, effect, side) values
  ('RI', 'invoice', 1, 'debt'),
  ('RC', 'credit', -1, 'credit'),
  ('RR', 'reversal of an invoice or fee', -1, 'credit'),
  ('RF', 'service fee', 1, 'debt'),
  ('RL', 'late fee', 1, 'debt'),
  ('RA', 'access fee', 1, 'debt'),
  ('RO', 'outside collections fee', 1, 'debt'),
  ('RN', 'fee on taking back from outside collections', 1, 'debt'),
  ('RX', 'reversal of a credit', 1, 'debt'),
  ('AP', 'payment', -1, 'credit'),
  ('AC', 'claim', -1, 'credit'),
  ('AV', 'void', 1, 'debt'),
  ('AR', 'refund', 1, 'debt'),
  ('AD', 'decline', 1, 'debt'),
  ('AG', 'chargeback', 1, 'debt'),
  ('AS', 'reversal of a chargeback', -1, 'credit'),
  ('AX', 'reversal of a refund', -1, 'credit'),
  ('AA', 'write-off', -1, 'credit');

create sequence transaction_ids;
create table transaction_codes (
  account_id      bigint not null,
  code            text   not null constraint transaction_codes_form check (code ~ '^[A-Za-z0-9._:@-]{1,60}$'),
  transaction_id  bigint not null,
  constraint transaction_codes_key primary key (account_id, code),
  constraint transaction_codes_of_transaction unique (account_id, code, transaction_id)
);
comment on table transaction_codes is 'a caller''s code is taken for one transaction when that is begun, before the processor is asked';

create table transactions (
  account_id       bigint      not null,
  transaction_id   bigint      not null default nextval('billing.transaction_ids'),
  customer_id      bigint      not null,
  code             text,
  type             text        not null constraint transactions_type check (type in
                     ('RI', 'RC', 'RR', 'RF', 'RL', 'RA', 'RO', 'RN', 'RX', 'AP', 'AC', 'AV', 'AR', 'AD', 'AG', 'AS', 'AX', 'AA')),
  account_type     text        constraint transactions_account_type check (account_type in
                     ('VC', 'VD', 'MC', 'MD', 'AC', 'DC', 'DD', 'JC', 'NC', 'BC', 'BS', 'K', 'H', 'E', 'L', 'P', 'T', 'W')),
  account_mask     text        constraint transactions_account_mask check (account_mask ~ '^[0-9]?[*]+[0-9]{1,4}$'),
  amount           bigint      not null constraint transactions_amount check (amount between 1 and 99999999999),
  tax_amount       bigint      not null default 0 constraint transactions_tax check (tax_amount between 0 and amount),
  fee_amount       bigint      not null default 0 constraint transactions_fee check (fee_amount between 0 and amount),
  due_date         date        not null,
  subscription_id  bigint,
  cycle_number     integer     constraint transactions_cycle_number check (cycle_number >= 1),
  adjustment_id    bigint,
  source_id        bigint,
  attempt_id       bigint,
  invoice_list     text        constraint transactions_invoice_list check (char_length(invoice_list) between 1 and 250),
  creator_code     text        constraint transactions_creator_code check (char_length(creator_code) between 1 and 60),
  note             text        constraint transactions_note check (char_length(note) between 1 and 1000),
  status           text        not null default 'final' constraint transactions_status check (status in ('final', 'pending', 'declined', 'reversed')),
  create_date      timestamptz not null,
  constraint transactions_key primary key (account_id, transaction_id),
  constraint transactions_of_customer unique (account_id, customer_id, transaction_id),
  constraint transactions_customer foreign key (account_id, customer_id) references customers,
  constraint transactions_subscription foreign key (account_id, customer_id, subscription_id)
    references subscriptions (account_id, customer_id, subscription_id),
  constraint transactions_source foreign key (account_id, customer_id, source_id)
    references transactions (account_id, customer_id, transaction_id),
  constraint transactions_code foreign key (account_id, code, transaction_id)
    references transaction_codes (account_id, code, transaction_id),
  constraint transactions_attempt_of_its_own check (attempt_id = transaction_id),
  constraint transactions_cycle_of_subscription check (cycle_number is null or subscription_id is not null)
) with (fillfactor = 95);
create unique index transactions_one_invoice_a_cycle on transactions (account_id, subscription_id, cycle_number)
  where type = 'RI' and cycle_number is not null;
create index transactions_by_source on transactions (account_id, source_id) where source_id is not null;
create index transactions_by_subscription on transactions (account_id, subscription_id, transaction_id) where subscription_id is not null;
comment on column transactions.attempt_id is 'the attempt that it comes from, which has the same number; null where no processor was asked';

-- What is open of a debt or unused of a credit. Its own narrow table: balances change, transactions never do.
create table open_items (
  account_id      bigint  not null,
  customer_id     bigint  not null,
  transaction_id  bigint  not null,
  is_debt         boolean not null,
  amount          bigint  not null,
  balance         bigint  not null constraint open_items_balance check (balance between 1 and amount),
  constraint open_items_key primary key (account_id, customer_id, transaction_id)
) with (fillfactor = 80);
comment on table open_items is 'the balance of each transaction, as long as it is above zero; written by triggers of transactions and allocations only';

create sequence allocation_ids;
create table allocations (
  account_id     bigint      not null,
  allocation_id  bigint      not null default nextval('billing.allocation_ids'),
  customer_id    bigint      not null,
  source_id      bigint      not null,
  target_id      bigint      not null,
  amount         bigint      not null constraint allocations_amount check (amount > 0),
  create_date    timestamptz not null,
  end_date       timestamptz,
  constraint allocations_key primary key (account_id, allocation_id),
  constraint allocations_ends_after_begin check (end_date >= create_date)
);
create index allocations_by_source on allocations (account_id, source_id);
create index allocations_by_target on allocations (account_id, target_id);

create table ledger_entries (
  account_id      bigint   not null,
  transaction_id  bigint   not null,
  line            smallint not null,
  customer_id     bigint   not null,
  entry_date      date     not null,
  debit           text     not null,
  credit          text     not null,
  amount          bigint   not null constraint ledger_entries_amount check (amount > 0),
  constraint ledger_entries_key primary key (account_id, transaction_id, line),
  constraint ledger_entries_one_receivable check ((debit = 'receivable') <> (credit = 'receivable')),
  constraint ledger_entries_account_names check (debit ~ '^[a-z][a-z0-9:-]{0,59}$' and credit ~ '^[a-z][a-z0-9:-]{0,59}$')
);
comment on table ledger_entries is 'a row debits one ledger account and credits another by the same amount: it cannot fail to sum to zero';

create view ledger_postings as
  select account_id, transaction_id, line, customer_id, entry_date, debit as ledger_account, amount from ledger_entries
  union all
  select account_id, transaction_id, line, customer_id, entry_date, credit, -amount from ledger_entries;

-- The functions below take a whole statement at once. Their plans must not depend on how old the statistics are: each
-- row is looked up by its key (lateral … offset 0 leaves the planner no other way) and changed where it was found.

-- A transaction that counts has its lines in the ledger from the same statement on, and all of its amount is open.
create function transactions_written() returns trigger
  language plpgsql security definer
  set search_path = billing, pg_temp set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off
  as $$
declare
  wrong bigint;
begin
  select w.transaction_id into wrong
    from written w
    left join lateral (
         select l.line from ledger_entries l
          where l.account_id = w.account_id and l.transaction_id = w.transaction_id and l.line = 1 offset 0) l on true
   where w.status = 'reversed' or w.status = 'final' and l.line is null
   limit 1;
  if found then
    raise exception 'transaction % has no lines in the ledger', wrong
      using errcode = 'check_violation', constraint = 'transactions_in_ledger', table = 'transactions';
  end if;
  insert into open_items (account_id, customer_id, transaction_id, is_debt, amount, balance)
  select w.account_id, w.customer_id, w.transaction_id, y.side = 'debt', w.amount, w.amount
    from written w join transaction_types y on y.type = w.type
   where w.status = 'final' and y.side <> 'none';
  return null;
end $$;
create trigger transactions_written after insert on transactions
  referencing new table as written for each statement execute function transactions_written();

-- Facts of a transaction never change. What may: the status, to reversed; and a pending one becomes final or declined
-- once, when its outcome is known.
create function transactions_unchanged() returns trigger
  language plpgsql
  as $$
begin
  if old.status = 'pending' and new.status in ('final', 'declined') then
    if (new.account_id, new.transaction_id, new.customer_id, new.code, new.account_type, new.account_mask, new.fee_amount,
        new.subscription_id, new.cycle_number, new.adjustment_id, new.attempt_id, new.invoice_list, new.creator_code,
        new.note, new.create_date) is distinct from
       (old.account_id, old.transaction_id, old.customer_id, old.code, old.account_type, old.account_mask, old.fee_amount,
        old.subscription_id, old.cycle_number, old.adjustment_id, old.attempt_id, old.invoice_list, old.creator_code,
        old.note, old.create_date) or new.amount > old.amount then
      raise exception 'a pending transaction may only be settled' using errcode = 'check_violation',
        constraint = 'transactions_unchanged', table = 'transactions';
    end if;
    return new;
  end if;
  if (new.account_id, new.transaction_id, new.customer_id, new.code, new.type, new.account_type, new.account_mask, new.amount,
      new.tax_amount, new.fee_amount, new.due_date, new.subscription_id, new.cycle_number, new.adjustment_id, new.source_id,
      new.attempt_id, new.invoice_list, new.creator_code, new.note, new.create_date) is distinct from
     (old.account_id, old.transaction_id, old.customer_id, old.code, old.type, old.account_type, old.account_mask, old.amount,
      old.tax_amount, old.fee_amount, old.due_date, old.subscription_id, old.cycle_number, old.adjustment_id, old.source_id,
      old.attempt_id, old.invoice_list, old.creator_code, old.note, old.create_date)
     or old.status || '>' || new.status not in ('final>final', 'final>reversed') then
    raise exception 'a transaction is never changed, only reversed' using errcode = 'check_violation',
      constraint = 'transactions_unchanged', table = 'transactions';
  end if;
  return new;
end $$;
create trigger transactions_unchanged before update on transactions
  for each row execute function transactions_unchanged();

create function transactions_settled() returns trigger
  language plpgsql security definer set search_path = billing, pg_temp
  as $$
begin
  if not exists (select from ledger_entries l
                  where l.account_id = new.account_id and l.transaction_id = new.transaction_id and l.line = 1) then
    raise exception 'transaction % has no lines in the ledger', new.transaction_id
      using errcode = 'check_violation', constraint = 'transactions_in_ledger', table = 'transactions';
  end if;
  insert into open_items (account_id, customer_id, transaction_id, is_debt, amount, balance)
  select new.account_id, new.customer_id, new.transaction_id, y.side = 'debt', new.amount, new.amount
    from transaction_types y where y.type = new.type and y.side <> 'none';
  return null;
end $$;
create trigger transactions_settled after update on transactions
  for each row when (old.status = 'pending' and new.status = 'final') execute function transactions_settled();

-- For each statement: a trigger before each row would make every update compute the stored columns anew.
create function customers_balance_by_ledger() returns trigger
  language plpgsql
  as $$
begin
  if pg_trigger_depth() < 2 then
    raise exception 'the balance of a customer follows from the ledger' using errcode = 'check_violation',
      constraint = 'customers_balance_by_ledger', table = 'customers';
  end if;
  return null;
end $$;
create trigger customers_balance_by_ledger before update of balance on customers
  for each statement execute function customers_balance_by_ledger();
create function customers_begin_with_nothing() returns trigger
  language plpgsql as $$
begin
  new.balance := 0;
  return new;
end $$;
create trigger customers_begin_with_nothing before insert on customers
  for each row when (new.balance <> 0) execute function customers_begin_with_nothing();

-- The lines of an entry are written by one statement, numbered from 1, all of one direction, and amount to what their
-- transaction says. As line 1 is among them, an entry cannot be added to later.
create function ledger_entries_written() returns trigger
  language plpgsql security definer
  set search_path = billing, pg_temp set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off
  as $$
declare
  wrong bigint;
  missing integer;
begin
  select w.transaction_id into wrong
    from (select account_id, transaction_id, min(line) as first_line, sum(amount) as amount,
                 min(customer_id) as customer_id, min(customer_id) = max(customer_id) as is_of_one,
                 bool_and(debit = 'receivable') as debits, bool_and(credit = 'receivable') as credits
            from written group by account_id, transaction_id) w
    left join lateral (
         select * from transactions k
          where k.account_id = w.account_id and k.customer_id = w.customer_id and k.transaction_id = w.transaction_id
         offset 0) t on true
    left join transaction_types y on y.type = t.type
   where t.transaction_id is null or t.status <> 'final' or not w.is_of_one
      or w.first_line <> 1 or w.amount <> t.amount
      or not case y.effect when 1 then w.debits when -1 then w.credits else false end
   limit 1;
  if found then
    raise exception 'the ledger lines of transaction % do not amount to it', wrong
      using errcode = 'check_violation', constraint = 'ledger_entries_match', table = 'ledger_entries';
  end if;
  with owing as materialized (
    select o.amount, k.place
      from (select account_id, customer_id, sum(case when debit = 'receivable' then amount else -amount end) as amount
              from written group by account_id, customer_id) o
     cross join lateral (
           select c.ctid as place from customers c
            where c.account_id = o.account_id and c.customer_id = o.customer_id offset 0) k),
  moved as (
    update customers c set balance = c.balance + o.amount from owing o where c.ctid = o.place returning 1)
  select (select count(*) from owing) - (select count(*) from moved) into missing;
  if missing <> 0 then
    raise exception 'a customer was changed at the same time: lock it first' using errcode = 'serialization_failure';
  end if;
  return null;
end $$;
create trigger ledger_entries_written after insert on ledger_entries
  referencing new table as written for each statement execute function ledger_entries_written();

create function open_items_by_allocations() returns trigger
  language plpgsql
  as $$
begin
  if pg_trigger_depth() < 2 then
    raise exception 'the balance of a transaction follows from its allocations' using errcode = 'check_violation',
      constraint = 'open_items_by_allocations', table = 'open_items';
  end if;
  return null;
end $$;
create trigger open_items_by_allocations before insert or update or delete or truncate on open_items
  for each statement execute function open_items_by_allocations();

-- Allocations use the balance of a credit on the balance of a debt of the same customer.
create function allocations_written() returns trigger
  language plpgsql security definer
  set search_path = billing, pg_temp set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off
  as $$
declare
  missing integer;
begin
  if exists (select from written where end_date is not null) then
    raise exception 'an allocation begins alive' using errcode = 'check_violation',
      constraint = 'allocations_unchanged', table = 'allocations';
  end if;
  with used as materialized (
    select u.transaction_id, u.amount, k.place, k.balance
      from (select account_id, customer_id, transaction_id, is_debt, sum(amount) as amount
              from (select account_id, customer_id, source_id as transaction_id, false as is_debt, amount from written
                    union all
                    select account_id, customer_id, target_id, true, amount from written) sides
             group by account_id, customer_id, transaction_id, is_debt) u
      left join lateral (
           select o.ctid as place, o.balance from open_items o
            where o.account_id = u.account_id and o.customer_id = u.customer_id
              and o.transaction_id = u.transaction_id and o.is_debt = u.is_debt offset 0) k on true),
  emptied as (
    delete from open_items o using used u
     where o.ctid = u.place and u.balance = u.amount and o.balance = u.amount
    returning 1),
  lessened as (
    update open_items o set balance = o.balance - u.amount from used u
     where o.ctid = u.place and u.balance > u.amount and o.balance > u.amount
    returning 1)
  select (select count(*) from used) - (select count(*) from emptied) - (select count(*) from lessened) into missing;
  if missing <> 0 then
    raise exception 'an allocation uses what is left of a credit on what is open of a debt of the same customer'
      using errcode = 'check_violation', constraint = 'allocations_within_balance', table = 'allocations';
  end if;
  return null;
end $$;
create trigger allocations_written after insert on allocations
  referencing new table as written for each statement execute function allocations_written();

create function allocations_ended() returns trigger
  language plpgsql security definer
  set search_path = billing, pg_temp set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off
  as $$
begin
  if (select count(*) from before) <> (
    select count(*) from before b join written w using (account_id, allocation_id)
     where (b.customer_id, b.source_id, b.target_id, b.amount, b.create_date)
             is not distinct from (w.customer_id, w.source_id, w.target_id, w.amount, w.create_date)
       and b.end_date is null and w.end_date is not null) then
    raise exception 'an allocation is never changed, only ended once' using errcode = 'check_violation',
      constraint = 'allocations_unchanged', table = 'allocations';
  end if;
  insert into open_items as o (account_id, customer_id, transaction_id, is_debt, amount, balance)
  select t.account_id, t.customer_id, t.transaction_id, f.is_debt, t.amount, f.amount
    from (select account_id, customer_id, transaction_id, is_debt, sum(amount) as amount
            from (select account_id, customer_id, source_id as transaction_id, false as is_debt, amount from written
                  union all
                  select account_id, customer_id, target_id, true, amount from written) sides
           group by account_id, customer_id, transaction_id, is_debt) f
   cross join lateral (
         select * from transactions k
          where k.account_id = f.account_id and k.customer_id = f.customer_id and k.transaction_id = f.transaction_id
         offset 0) t
  on conflict on constraint open_items_key do update set balance = o.balance + excluded.balance;
  return null;
end $$;
create trigger allocations_ended after update on allocations
  referencing old table as before new table as written for each statement execute function allocations_ended();

create function append_only() returns trigger
  language plpgsql
  as $$
begin
  raise exception '% is append only', tg_table_name using errcode = 'check_violation',
    constraint = tg_table_name || '_append_only', table = tg_table_name;
end $$;
create trigger ledger_entries_append_only before update or delete or truncate on ledger_entries
  for each statement execute function append_only();
create trigger transactions_append_only before delete or truncate on transactions
  for each statement execute function append_only();
create trigger allocations_append_only before delete or truncate on allocations
  for each statement execute function append_only();
create trigger transaction_codes_append_only before update or delete or truncate on transaction_codes
  for each statement execute function append_only();

-- Collecting --------------------------------------------------------------------------------------------------

create table collections (
  account_id       bigint  not null,
  invoice_id       bigint  not null,
  customer_id      bigint  not null,
  subscription_id  bigint,
  state            text    not null constraint collections_state check (state in ('due', 'open', 'waiting', 'closed')),
  collect_on       date,
  tries            integer not null default 0 constraint collections_tries check (tries >= 0),
  retries          integer not null default 0 constraint collections_retries check (retries >= 0),
  constraint collections_key primary key (account_id, invoice_id),
  constraint collections_invoice foreign key (account_id, customer_id, invoice_id)
    references transactions (account_id, customer_id, transaction_id),
  constraint collections_due_has_a_day check ((state = 'due') = (collect_on is not null))
);
create index collections_due on collections (account_id, collect_on, invoice_id) where state = 'due';
create index collections_waiting on collections (account_id, customer_id) where state = 'waiting';
comment on table collections is 'what the billing run still has to collect: due on a day, open at the processor, waiting for a payment option, or closed';

create table attempts (
  account_id              bigint      not null,
  transaction_id          bigint      not null,
  customer_id             bigint      not null,
  kind                    text        not null constraint attempts_kind check (kind in ('payment', 'claim', 'refund', 'void')),
  invoice_id              bigint,
  fee_ids                 bigint[]    not null default '{}',
  subscription_id         bigint,
  source_id               bigint,
  payment_option_id       bigint,
  amount                  bigint      not null constraint attempts_amount check (amount between 1 and 99999999999),
  tax_amount              bigint      not null default 0 constraint attempts_tax check (tax_amount between 0 and amount),
  attempt_number          integer     not null default 1 constraint attempts_number check (attempt_number >= 1),
  account_type            text        not null,
  account_mask            text        not null,
  accessory_shown         text        not null,
  holder_name             text        not null,
  token                   text,
  street                  text,
  city                    text,
  state                   text,
  zip_code                text,
  address                 text,
  phone                   text,
  email                   text,
  code                    text,
  due_date                date        not null,
  invoice_list            text,
  creator_code            text,
  note                    text,
  business_date           date        not null,
  outcome                 text        not null default 'open' constraint attempts_outcome check (outcome in ('open', 'approved', 'declined', 'abandoned')),
  response_code           text        constraint attempts_response_code check (response_code ~ '^[A-Z][0-9]{2}$'),
  response_message        text,
  approval_code           text,
  gateway_transaction_id  text,
  approved_amount         bigint,
  response_date           timestamptz,
  next_attempt_date       date,
  create_date             timestamptz not null,
  opened_at               timestamptz not null default clock_timestamp(),
  look_ups                integer     not null default 0,
  next_look_up            timestamptz not null default clock_timestamp() + interval '20 seconds',
  constraint attempts_key primary key (account_id, transaction_id),
  constraint attempts_customer foreign key (account_id, customer_id) references customers,
  constraint attempts_invoice foreign key (account_id, customer_id, invoice_id)
    references transactions (account_id, customer_id, transaction_id),
  constraint attempts_source foreign key (account_id, customer_id, source_id)
    references transactions (account_id, customer_id, transaction_id),
  constraint attempts_option foreign key (account_id, customer_id, payment_option_id)
    references payment_options (account_id, customer_id, payment_option_id),
  constraint attempts_code foreign key (account_id, code, transaction_id)
    references transaction_codes (account_id, code, transaction_id),
  constraint attempts_settled_have_answers check ((outcome in ('approved', 'declined')) = (response_code is not null and response_date is not null and approved_amount is not null)),
  constraint attempts_approved_amount check (approved_amount between 0 and amount)
) with (fillfactor = 80);
create unique index attempts_one_open_an_invoice on attempts (account_id, invoice_id) where outcome = 'open' and invoice_id is not null;
create unique index attempts_one_open_a_source on attempts (account_id, source_id) where outcome = 'open' and source_id is not null;
create index attempts_open on attempts (account_id, next_look_up) where outcome = 'open';
create index attempts_open_of_customer on attempts (account_id, customer_id) where outcome = 'open';
comment on table attempts is 'a movement of money asked of the processor, under the key t + transaction_id, and its answer; the transaction that it becomes has its number';

create function attempts_state_moves() returns trigger
  language plpgsql
  as $$
begin
  if old.outcome <> 'open' or (new.account_id, new.transaction_id, new.customer_id, new.kind, new.invoice_id, new.fee_ids,
      new.subscription_id, new.source_id, new.payment_option_id, new.amount, new.tax_amount, new.code, new.due_date,
      new.business_date, new.create_date, new.opened_at) is distinct from
     (old.account_id, old.transaction_id, old.customer_id, old.kind, old.invoice_id, old.fee_ids,
      old.subscription_id, old.source_id, old.payment_option_id, old.amount, old.tax_amount, old.code, old.due_date,
      old.business_date, old.create_date, old.opened_at) then
    raise exception 'an attempt is settled once and not changed otherwise' using errcode = 'check_violation',
      constraint = 'attempts_state_moves', table = 'attempts';
  end if;
  return new;
end $$;
create trigger attempts_state_moves before update on attempts for each row execute function attempts_state_moves();
create function attempts_begin_open() returns trigger
  language plpgsql
  as $$
begin
  if new.outcome <> 'open' then
    raise exception 'an attempt begins open' using errcode = 'check_violation', constraint = 'attempts_begin_open',
      table = 'attempts';
  end if;
  return new;
end $$;
create trigger attempts_begin_open before insert on attempts
  for each row when (new.outcome <> 'open') execute function attempts_begin_open();
create trigger attempts_append_only before delete or truncate on attempts for each statement execute function append_only();

-- At the commit: an attempt and the pending transaction that shows it are written together.
alter table transactions add constraint transactions_attempt foreign key (account_id, attempt_id) references attempts
  deferrable initially deferred;

create table signing_payments (
  account_id      bigint not null,
  transaction_id  bigint not null,
  constraint signing_payments_key primary key (account_id, transaction_id),
  constraint signing_payments_transaction foreign key (account_id, transaction_id) references transactions
);
comment on table signing_payments is 'payments of a first invoice made by the run that have already answered a caller''s ~process for it (spec 5.9)';

-- Operation ---------------------------------------------------------------------------------------------------

create sequence audit_ids;
create table audit_log (
  account_id   bigint      not null constraint audit_log_account references merchant_accounts,
  audit_id     bigint      not null default nextval('billing.audit_ids'),
  at           timestamptz not null default clock_timestamp(),
  actor        text        not null,
  request_id   text        not null,
  action       text        not null,
  object_type  text        not null,
  object_id    bigint      not null,
  constraint audit_log_key primary key (account_id, audit_id)
);
create trigger audit_log_append_only before update or delete or truncate on audit_log for each statement execute function append_only();

create table jobs_processes (
  process_id    uuid        not null constraint jobs_processes_key primary key,
  host          text        not null,
  pid           integer     not null,
  started_at    timestamptz not null default clock_timestamp(),
  heartbeat_at  timestamptz not null default clock_timestamp()
);

-- What should have been billed and was not: due, no invoice, no reason (spec 5.2).
create view missed_bills with (security_invoker = true) as
  select s.account_id, s.customer_id, s.subscription_id, s.next_cycle as cycle_number, s.next_billing_date as billing_date,
         business_date(a) as business_date, s.set_aside_reason,
         case when a.clock_at is null
              then extract(epoch from now() - (s.next_billing_date::timestamp at time zone a.time_zone))
              else null end as late_seconds
    from subscriptions s
    join merchant_accounts a on a.account_id = s.account_id
    join customers c on c.account_id = s.account_id and c.customer_id = s.customer_id
   where s.status in ('U', 'C') and c.status = 'A'
     and s.next_billing_date <= business_date(a);

-- How many bills are missed for longer than this, in all accounts: a number for /readyz, without reach of its own.
create function missed_bill_count(older_than_seconds bigint) returns bigint
  language sql stable security definer set search_path = billing, pg_temp
  as $$ select count(*) from missed_bills where set_aside_reason is null and late_seconds > older_than_seconds $$;

-- What the metrics show of all accounts together (spec 6.6): seconds since the oldest unbilled charge fell due, open attempts,
-- those of them that are more than a minute and more than an hour old, and subscriptions set aside.
create function operating_figures(out billing_lag_seconds bigint, out attempts_open bigint, out attempts_unknown bigint,
    out attempts_for_a_person bigint, out subscriptions_set_aside bigint)
  language sql stable security definer set search_path = billing, pg_temp
  as $$
select (select coalesce(floor(max(late_seconds)), 0)::bigint from missed_bills where set_aside_reason is null),
       count(*), count(*) filter (where opened_at < clock_timestamp() - interval '1 minute'),
       count(*) filter (where opened_at < clock_timestamp() - interval '1 hour'),
       (select count(*) from subscriptions where set_aside_reason is not null)
  from attempts where outcome = 'open' $$;

-- What a billing run has done lies dead at the begin of the indexes that the next batch reads: cleared away early, and
-- counted anew early.
do $$
declare
  name text;
begin
  foreach name in array array['customers', 'subscriptions', 'transactions', 'open_items', 'allocations', 'ledger_entries',
    'collections', 'attempts']
  loop
    execute format('alter table %I set (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000,
                    autovacuum_analyze_scale_factor = 0.05, autovacuum_analyze_threshold = 1000)', name);
  end loop;
end $$;

-- Row-level security and grants -------------------------------------------------------------------------------

do $$
declare
  name text;
begin
  foreach name in array array['merchant_accounts', 'customers', 'vault_keys', 'payment_options', 'vault_entries', 'plans',
    'subscriptions', 'transaction_codes', 'transactions', 'open_items', 'allocations', 'ledger_entries', 'collections', 'attempts',
    'signing_payments', 'audit_log']
  loop
    execute format('alter table %I enable row level security', name);
    execute format('alter table %I force row level security', name);
    execute format('create policy %I on %I to billing_api, billing_readonly using (account_id = any ((select visible_accounts())::bigint[]))', name || '_tenant', name);
    execute format('create policy %I on %I to billing_jobs, billing_owner using (true)', name || '_all', name);
  end loop;
end $$;

grant usage on schema billing to billing_api, billing_jobs, billing_readonly;
grant select on all tables in schema billing to billing_api, billing_jobs;
grant select on merchant_accounts, customers, payment_options, plans, subscriptions, transaction_types, transactions, open_items, allocations,
  ledger_entries, ledger_postings, collections, attempts, audit_log, missed_bills, jobs_processes to billing_readonly;
grant usage on all sequences in schema billing to billing_api, billing_jobs;

grant insert on customers, vault_keys, payment_options, vault_entries, plans, subscriptions, transaction_codes, transactions, allocations,
  ledger_entries, collections, attempts, signing_payments, audit_log to billing_api, billing_jobs;
grant update (first_name, last_name, organization_name, email, phone, street, street2, city, state, zip_code, country_code, note,
  status, version) on customers to billing_api, billing_jobs;
grant update (accessory_shown, holder_name, is_active, is_default, street1, street2, city, state, zip_code, country_code,
  last_decline_code, last_decline_date, version) on payment_options to billing_api, billing_jobs;
grant update (sealed) on vault_entries to billing_api, billing_jobs;
grant delete on vault_entries to billing_api;
grant update (name, billing_cycle_type, billing_interval, amount, tax_amount, is_active, version) on plans to billing_api;
grant update (payment_option_id, note, status, next_cycle, next_billing_date, last_billing_date, billed_count, set_aside_reason, version)
  on subscriptions to billing_api, billing_jobs;
grant update (status, type, amount, tax_amount, due_date, source_id) on transactions to billing_api, billing_jobs;
grant update (end_date) on allocations to billing_api, billing_jobs;
grant update (state, collect_on, tries, retries) on collections to billing_api, billing_jobs;
grant update (outcome, response_code, response_message, approval_code, gateway_transaction_id, approved_amount, response_date,
  next_attempt_date, look_ups, next_look_up) on attempts to billing_api, billing_jobs;
grant update (clock_at) on merchant_accounts to billing_api;
grant insert on idempotency_keys to billing_api;
grant update (status, content_type, location, body, account_id, customer_id, transaction_id) on idempotency_keys to billing_api;
grant delete on idempotency_keys to billing_jobs;
grant insert, update, delete on failed_logins to billing_api;
grant insert, update, delete on jobs_processes to billing_jobs;
