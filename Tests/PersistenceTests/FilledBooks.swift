/// Books with something of every kind in them, written with plain SQL by the owner.
///
/// Built on ``BooksDatabase``: customers 1 to 4 with options and monthly subscriptions of 50.00, tax 4.00 in it.
enum FilledBooks {
    /// Invoice 11 of customer 1 (cycle 1), cash 12 with 20.00 of it used on 11; invoice 21 of customer 2; payment 13
    /// pending with an open attempt for 11; refund 15 of 10.00 open on 12; check 16; allocation 2 ended; code `c-12`.
    static let few = """
        insert into transaction_codes values (2001, 'c-12', 12);
        with t as (
          insert into transactions (account_id, transaction_id, customer_id, type, amount, tax_amount, due_date, subscription_id,
                 cycle_number, create_date)
          values (2001, 11, 1, 'RI', 5000, 400, '2026-01-31', 201, 1, now()), (2001, 21, 2, 'RI', 5000, 400, '2026-01-31', 202, 1, now()))
        insert into ledger_entries
        values (2001, 11, 1, 1, '2026-01-31', 'receivable', 'revenue:recurring', 4600), (2001, 11, 2, 1, '2026-01-31', 'receivable', 'tax-payable', 400),
               (2001, 21, 1, 2, '2026-01-31', 'receivable', 'revenue:recurring', 4600), (2001, 21, 2, 2, '2026-01-31', 'receivable', 'tax-payable', 400);
        with t as (insert into transactions (account_id, transaction_id, customer_id, type, amount, due_date, create_date, account_type, code)
          values (2001, 12, 1, 'AP', 3000, '2026-01-31', now(), 'K', 'c-12'))
        insert into ledger_entries values (2001, 12, 1, 1, '2026-01-31', 'cash', 'receivable', 3000);
        with t as (insert into transactions (account_id, transaction_id, customer_id, type, amount, due_date, create_date, account_type)
          values (2001, 16, 1, 'AP', 400, '2026-01-31', now(), 'H'))
        insert into ledger_entries values (2001, 16, 1, 1, '2026-01-31', 'checks', 'receivable', 400);
        insert into allocations (account_id, allocation_id, customer_id, source_id, target_id, amount, create_date)
        values (2001, 1, 1, 12, 11, 2000, now()), (2001, 2, 1, 12, 11, 500, now());
        select setval('allocation_ids', 100), setval('adjustment_ids', 100);
        update allocations set end_date = now() where allocation_id = 2;
        insert into attempts (account_id, transaction_id, customer_id, kind, invoice_id, source_id, payment_option_id, amount, account_type,
               account_mask, accessory_shown, holder_name, due_date, business_date, create_date)
        values (2001, 13, 1, 'payment', 11, null, null, 5000, 'VC', '4***********1111', '1229', 'A Holder', '2026-01-31', '2026-01-31', now()),
               (2001, 15, 1, 'refund', null, 12, null, 1000, 'VC', '4***********1111', '1229', 'A Holder', '2026-01-31', '2026-01-31', now()),
               (2001, 23, 2, 'payment', 21, null, 102, 5000, 'VC', '4***********1111', '1229', 'A Holder', '2026-01-31', '2026-01-31', now());
        update attempts set outcome = 'declined', response_code = 'D01', response_date = now(), approved_amount = 0
         where transaction_id = 23;
        insert into transactions (account_id, transaction_id, customer_id, type, account_type, account_mask, amount, due_date, attempt_id, source_id,
               status, create_date)
        values (2001, 13, 1, 'AP', 'VC', '4***********1111', 5000, '2026-01-31', 13, null, 'pending', now()),
               (2001, 23, 2, 'AD', 'VC', '4***********1111', 5000, '2026-01-31', 23, 21, 'declined', now());
        insert into collections values (2001, 11, 1, 201, 'open', null), (2001, 21, 2, 202, 'waiting', null);
        update subscriptions set status = 'C', next_cycle = 2, billed_count = 1, last_billing_date = '2026-01-31',
               next_billing_date = '2026-02-28'
         where subscription_id in (201, 202);
        insert into subscription_adjustments (account_id, adjustment_id, customer_id, subscription_id, type, effective_date,
               end_date, length, creator_code, state, due_on, create_date)
        values (2001, 51, 3, 203, 'C', '2026-01-31', null, null, 'api-x', 'effective', null, '2026-01-31 12:00Z');
        update subscriptions set status = 'N', next_billing_date = null where subscription_id = 203;
        insert into subscription_adjustments (account_id, adjustment_id, customer_id, subscription_id, type, effective_date,
               end_date, length, creator_code, state, due_on, create_date)
        values (2001, 52, 1, 201, 'F', '2026-03-31', '2026-05-31', 3, 'api-x', 'pending', '2026-03-31', '2026-01-31 12:00Z');
        insert into audit_log (account_id, actor, request_id, action, object_type, object_id)
        values (2001, 'api-x', 'r', 'create', 'customer', 1);
        delete from vault_entries where payment_option_id = 104;
        update payment_options set erase_date = now(), is_active = false, is_default = false where payment_option_id = 104;
        update payment_options set last_decline_code = 'N02' where payment_option_id = 104
        """

    /// More of them: each type of transaction and each thing that can be undone, adjustments of every kind.
    static let many = """
        -- An approved payment 24 of invoice 21, a fee 25 written off by 26; invoice 31 without a subscription, reversed by 32; credit 33 reversed
        -- by 34; cash 35 refunded in part by 36, in whole by 37 whose reversal is 38; claim 41 of customer 3 came back as 42, payment
        -- 43 was charged back as 44 and that given up as 45; payment 46 was voided as 47.
        insert into attempts (account_id, transaction_id, customer_id, kind, invoice_id, source_id, payment_option_id, subscription_id, amount,
               account_type, account_mask, accessory_shown, holder_name, due_date, business_date, create_date)
        select 2001, id, customer, kind, invoice, null, customer + 100, null, amount, type, '4***********1111', '1229', 'A Holder', '2026-01-31', '2026-01-31', now()
          from (values (24, 2, 'payment', 21, 5000, 'VC'), (41, 3, 'claim', null, 700, 'BC'), (43, 3, 'payment', null, 800, 'VC'),
                       (46, 3, 'payment', null, 900, 'VC')) v (id, customer, kind, invoice, amount, type);
        update attempts set outcome = 'approved', response_code = 'A01', response_date = now(), approved_amount = amount
         where transaction_id in (24, 41, 43, 46);
        insert into attempts (account_id, transaction_id, customer_id, kind, invoice_id, source_id, amount,
               account_type, account_mask, accessory_shown, holder_name, due_date, business_date, create_date)
        select 2001, 14, 3, 'payment', null, null, 100, 'VC', '4***********1111', '1229', 'A Holder', '2026-01-31', '2026-01-31', now();
        with t as (
          insert into transactions (account_id, transaction_id, customer_id, type, account_type, account_mask, amount, tax_amount, due_date,
                 source_id, attempt_id, create_date)
          select 2001, id, customer, kind, means, case when attempt > 0 then '4***********1111' end, amount, tax, '2026-01-31', source::bigint,
                 attempt, now()
            from (values (24, 2, 'AP', 'VC', 5000, 0, null, 24), (25, 2, 'RF', null, 300, 30, null, null), (26, 2, 'AA', null, 300, 0, null, null),
                         (31, 3, 'RI', null, 1100, 100, null, null), (33, 3, 'RC', null, 200, 0, null, null), (35, 3, 'AP', 'K', 600, 0, null, null),
                         (41, 3, 'AC', 'BC', 700, 0, null, 41), (43, 3, 'AP', 'VC', 800, 0, null, 43), (46, 3, 'AP', 'VC', 900, 0, null, 46))
              v (id, customer, kind, means, amount, tax, source, attempt))
        insert into ledger_entries
        select 2001, id, line, customer, '2026-01-31', debit, credit, amount
          from (values (24, 1, 2, 'clearing:sandbox', 'receivable', 5000), (25, 1, 2, 'receivable', 'revenue:fees', 270),
                       (25, 2, 2, 'receivable', 'tax-payable', 30), (26, 1, 2, 'expense:write-off', 'receivable', 300),
                       (31, 1, 3, 'receivable', 'revenue:other', 1000), (31, 2, 3, 'receivable', 'tax-payable', 100),
                       (33, 1, 3, 'revenue:credits', 'receivable', 200), (35, 1, 3, 'cash', 'receivable', 600),
                       (41, 1, 3, 'clearing:sandbox', 'receivable', 700), (43, 1, 3, 'clearing:sandbox', 'receivable', 800),
                       (46, 1, 3, 'clearing:sandbox', 'receivable', 900)) v (id, line, customer, debit, credit, amount);
        with t as (
          insert into transactions (account_id, transaction_id, customer_id, type, account_type, amount, tax_amount, due_date, source_id, create_date)
          select 2001, id, 3, kind, means, amount, tax, '2026-01-31', source, now()
            from (values (32, 'RR', null, 1100, 100, 31), (34, 'RX', null, 200, 0, 33), (36, 'AR', 'K', 100, 0, 35), (37, 'AR', 'K', 500, 0, 35),
                         (42, 'AD', 'BC', 700, 0, 41), (44, 'AG', 'VC', 800, 0, 43), (47, 'AV', 'VC', 900, 0, 46))
              v (id, kind, means, amount, tax, source))
        insert into ledger_entries
        select 2001, id, line, 3, '2026-01-31', debit, credit, amount
          from (values (32, 1, 'revenue:other', 'receivable', 1000), (32, 2, 'tax-payable', 'receivable', 100),
                       (34, 1, 'receivable', 'revenue:credits', 200), (36, 1, 'receivable', 'cash', 100), (37, 1, 'receivable', 'cash', 500),
                       (42, 1, 'receivable', 'clearing:sandbox', 700), (44, 1, 'receivable', 'clearing:chargebacks', 800),
                       (47, 1, 'receivable', 'clearing:sandbox', 900)) v (id, line, debit, credit, amount);
        with t as (
          insert into transactions (account_id, transaction_id, customer_id, type, account_type, amount, due_date, source_id, create_date)
          select 2001, id, 3, kind, means, amount, '2026-01-31', source, now()
            from (values (38, 'AX', 'K', 500, 37), (45, 'AS', 'VC', 800, 44)) v (id, kind, means, amount, source))
        insert into ledger_entries
        values (2001, 38, 1, 3, '2026-01-31', 'cash', 'receivable', 500), (2001, 45, 1, 3, '2026-01-31', 'clearing:chargebacks', 'receivable', 800);
        insert into allocations (account_id, customer_id, source_id, target_id, amount, create_date)
        select 2001, customer, source, target, amount, now()
          from (values (2, 24, 21, 5000), (2, 26, 25, 300), (3, 32, 31, 1100), (3, 33, 34, 200), (3, 35, 36, 100), (3, 38, 37, 500), (3, 41, 42, 700),
                       (3, 45, 44, 800), (3, 46, 47, 900)) v (customer, source, target, amount);
        update transactions set status = 'reversed' where transaction_id in (31, 33, 37, 41, 44, 46);
        update collections set state = 'closed' where invoice_id = 21;
        insert into processor_notices (account_id, processor, notice_id, order_key, code, message, amount, notice_date, customer_id, attempt_id,
               transaction_id, create_date)
        values (2001, 'sandbox', 1, 't41', 'N01', 'Returned', 700, '2026-01-31', 3, 41, 42, now()),
               (2001, 'sandbox', 2, 't43', 'Z02', 'Chargeback', 800, '2026-01-31', 3, 43, 44, now()),
               (2001, 'sandbox', 3, 'x', 'N08', 'Amended', 1, '2026-01-31', null, null, null, now());
        insert into service_users (user_name, password_hash, privilege) values ('api-x', 'h', 'management-api');
        insert into idempotency_keys (user_name, key, fingerprint, account_id, customer_id, transaction_id)
        values ('api-x', 'k-1', sha256('1'), 2001, 2, 24);
        insert into idempotency_keys (user_name, key, fingerprint, status, content_type, body)
        values ('api-x', 'k-2', sha256('2'), 200, 'application/json', '{}');
        insert into account_rounds values (2001, '2026-01-31', now(), '2026-01-31', 0);
        insert into signing_payments values (2001, 24);
        insert into plans (account_id, code, name, billing_cycle_type, billing_interval, amount, create_date)
        values (2001, 'gold', 'Gold', 'M', 1, 5000, now()), (2002, 'spa', 'Spa', 'W', 2, 900, now());
        -- Customer 4: 214 was frozen and is frozen now, 215 is paused, 216 goes on, 217 is to be cancelled, 218 is frozen with a fee.
        insert into subscriptions (account_id, subscription_id, customer_id, billing_cycle_type, billing_interval, amount, first_billing_date,
               next_billing_date, create_date)
        select 2001, n, 4, 'W', 1, 700, '2026-01-30', '2026-01-30', now() from generate_series(214, 217) n;
        insert into subscription_adjustments (account_id, adjustment_id, customer_id, subscription_id, type, effective_date,
               end_date, length, creator_code, state, due_on, create_date)
        values (2001, 61, 4, 214, 'F', '2026-01-30', '2026-02-06', 2, 'api-x', 'pending', '2026-01-30', '2026-01-31 12:00Z'),
               (2001, 62, 4, 215, 'P', '2026-01-31', null, null, 'api-x', 'pending', '2026-01-31', '2026-01-31 12:00Z'),
               (2001, 63, 4, 217, 'C', '2026-02-10', null, null, 'api-x', 'pending', '2026-02-10', '2026-01-31 12:00Z');
        with t as (
          insert into transactions (account_id, transaction_id, customer_id, type, amount, due_date, subscription_id, cycle_number, create_date)
          values (2001, 71, 4, 'RI', 700, '2026-01-30', 216, 1, now()), (2001, 72, 4, 'RI', 700, '2026-01-30', 215, 1, now()))
        insert into ledger_entries
        values (2001, 71, 1, 4, '2026-01-31', 'receivable', 'revenue:recurring', 700), (2001, 72, 1, 4, '2026-01-31', 'receivable', 'revenue:recurring', 700);
        insert into collections values (2001, 71, 4, 216, 'due', '2026-01-30'), (2001, 72, 4, 215, 'due', '2026-01-30');
        update subscriptions set next_cycle = 3, next_billing_date = '2026-02-13' where subscription_id = 214;
        update subscriptions set status = 'C', next_cycle = 2, billed_count = 1, last_billing_date = '2026-01-30',
               next_billing_date = case subscription_id when 216 then date '2026-02-06' end
         where subscription_id in (215, 216);
        update subscriptions set status = 'F' where subscription_id = 214;
        update subscriptions set status = 'P', next_billing_date = null where subscription_id = 215;
        update subscription_adjustments set state = 'effective', due_on = '2026-02-13' where adjustment_id = 61;
        update subscription_adjustments set state = 'effective', due_on = null where adjustment_id = 62
        """

    /// Each row once more, so many times, under ids and codes of its own, as far as they are of the same thing.
    static let copies = """
        set local session_replication_role = replica;
        do $$
        declare
          place text;
          names text;
          copied text;
        begin
          foreach place in array array['customers', 'payment_options', 'vault_entries', 'subscriptions', 'subscription_adjustments', 'attempts',
                                       'transactions', 'ledger_entries', 'allocations', 'open_items', 'collections',
                                       'transaction_codes'] loop
            select string_agg(quote_ident(attname), ', ' order by attnum),
                   string_agg(case when atttypid = 'bigint'::regtype and attname ~ '_id$' and attname <> 'account_id' then attname || ' + 10000 * k'
                                   when attname in ('code', 'token_code') then quote_ident(attname) || $s$ || '-' || k$s$
                                   else quote_ident(attname) end, ', ' order by attnum)
              into names, copied
              from pg_attribute
             where attrelid = place::regclass and attnum > 0 and not attisdropped and attgenerated = '';
            execute format('insert into %1$I (%2$s) select %3$s from (select * from %1$I) x, generate_series(1, 200) k',
                           place, names, copied);
          end loop;
          perform setval(('billing.' || sequencename)::regclass, 10000000) from pg_sequences where schemaname = 'billing';
        end $$;
        analyze
        """
}
