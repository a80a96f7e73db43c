@testable import Persistence

/// What is tried against each table, made from the catalogue: so that a new table or column is attacked by itself.
enum CatalogueAttacks {
    /// `pg_temp.attacks(role, tables)`: each change of one value that the role may make, each row that it may delete, and each row
    /// that it may insert, like one that is there but for its number, or with one value changed as well. A value becomes null, another of
    /// its column, one more or less, the day after, the opposite, or another word of its check.
    static let making = """
        -- What is tried: each change of one value that the role may make, and each row that it may insert anew, alike or changed in one value.
        create function pg_temp.literals(place regclass, col name, self text) returns setof text
          language plpgsql as $$
        declare
          kind text := (select format_type(atttypid, atttypmod) from pg_attribute where attrelid = place and attname = col);
          v text;
        begin
          if self is not null then return next 'null'; end if;
          return query execute format('select quote_nullable(v::text) from (select distinct %1$I as v from %2$s where %1$I is not null and %1$I::text is distinct from %3$L order by 1 limit 3) x', col, place, self);
          if kind in ('bigint', 'integer', 'smallint') then
            return next coalesce(self::bigint, 0) + 1; return next coalesce(self::bigint, 0) - 1;
          elsif kind = 'date' then
            return query select quote_literal(coalesce(self, '2026-01-31')::date + n) from unnest('{1,-1,31}'::int[]) n;
          elsif kind like 'timestamp%' then
            return next quote_literal(coalesce(self, '2026-01-31')::timestamptz + interval '1 day');
          elsif kind = 'boolean' then
            return next (not self::boolean)::text;
          elsif kind like '%[]' then
            return next '''{}'''; return next '''{1}''';
          else
            return query select distinct m[1] from pg_constraint p, regexp_matches(pg_get_constraintdef(p.oid), '''[^'']{1,10}''(?=::text)', 'g') m
              where p.conrelid = place and p.contype = 'c' and (select attnum from pg_attribute where attrelid = place and attname = col) = any (p.conkey)
                and m[1] !~ '[\\^$]' and m[1] <> quote_nullable(self);
          end if;
        end $$;

        create function pg_temp.attacks(role text, tables text) returns table (place text, sql text)
          language plpgsql as $$
        declare
          t record; c record; r record; k record;
          fresh text; cols text; vals text; copy text;
        begin
          for t in select p.oid, p.relname, p.oid::regclass as tab from pg_class p
                    where p.relnamespace = 'billing'::regnamespace and p.relkind = 'r' and p.relname <> 'billing_migrations'
                      and p.relname ~ tables order by 1 loop
            for c in select a.attname, a.attnum from pg_attribute a where a.attrelid = t.oid and a.attnum > 0 and not a.attisdropped
                       and has_column_privilege(role, t.oid, a.attnum, 'UPDATE') order by 2 loop
              for r in execute format($q$ select ctid::text as at, %1$I::text as v from (select *, ctid, row_number() over (partition by %1$I::text order by ctid) as nth from %2$s) x where nth <= 1 $q$, c.attname, t.tab) loop
                for k in select distinct l from pg_temp.literals(t.tab, c.attname, r.v) l loop
                  place := 'update ' || t.relname || '.' || c.attname;
                  sql := format('update %s set %I = %s where ctid = %L', t.tab, c.attname, k.l, r.at);
                  return next;
                end loop;
              end loop;
            end loop;
            if has_table_privilege(role, t.oid, 'DELETE') then
              place := 'delete ' || t.relname;
              for r in execute format('select ctid::text as at from %s', t.tab) loop
                sql := format('delete from %s where ctid = %L', t.tab, r.at);
                return next;
              end loop;
            end if;
            if has_table_privilege(role, t.oid, 'INSERT') then
              for c in select null::name as attname, 0::smallint as attnum union all
                        select a.attname, a.attnum from pg_attribute a where a.attrelid = t.oid and a.attnum > 0 and not a.attisdropped and a.attgenerated = ''
                        order by 2 loop
                for r in execute format($q$ select ctid::text as at, %s as v from (select *, ctid, row_number() over (partition by %s order by ctid) as nth from %s) x where nth <= 1 $q$,
                           coalesce(quote_ident(c.attname) || '::text', 'null'), case when c.attname is null then case when t.relname in ('transactions', 'attempts') then 'ctid::text' else 'true' end else quote_ident(c.attname) || '::text' end, t.tab) loop
                  for k in select distinct l from (select null as l where c.attname is null union all select l from pg_temp.literals(t.tab, c.attname, r.v) l where c.attname is not null) x loop
                    select string_agg(quote_ident(a.attname), ', ' order by a.attnum),
                           string_agg(case when a.attname = c.attname then k.l
                             when a.attname = 'code' and t.relname <> 'transaction_codes' and t.relname <> 'processor_notices' then 'null'
                             when t.relname = 'transactions' and a.attname in ('attempt_id') then 'case when status = ''final'' then null else attempt_id end'
                             when t.relname in ('transactions', 'attempts') and a.attname = 'transaction_id' then '900001'
                             when t.relname = 'attempts' and a.attname = 'outcome' then '''open'''
                             when t.relname = 'attempts' and a.attname in ('response_code', 'response_date', 'approved_amount') then 'null'
                             when t.relname = 'allocations' and a.attname = 'end_date' then 'null'
                             when t.relname = 'transactions' and a.attname = 'status' then 'case status when ''reversed'' then ''final'' else status end'
                             when t.relname = 'processor_notices' and a.attname = 'notice_id' then '900001'
                             when t.relname = 'idempotency_keys' and a.attname = 'key' then '''another'''
                             when t.relname in ('customers', 'plans', 'subscriptions', 'payment_options', 'allocations', 'subscription_adjustments')
                               and a.attname in ('customer_id', 'plan_id', 'subscription_id', 'payment_option_id', 'allocation_id', 'adjustment_id')
                               and a.atthasdef then '900001'
                             else quote_ident(a.attname) end, ', ' order by a.attnum)
                      into cols, vals from pg_attribute a where a.attrelid = t.oid and a.attnum > 0 and not a.attisdropped and a.attgenerated = '';
                    place := 'insert ' || t.relname || coalesce('.' || c.attname, '');
                    sql := format('insert into %1$s (%2$s) select %3$s from %1$s where ctid = %4$L', t.tab, cols, vals, r.at);
                    if t.relname = 'transactions' then
                      -- With the lines that it would have.
                      sql := format('with n as (%s returning *), o as (select * from billing.transactions where ctid = %L)
                        insert into billing.ledger_entries select o.account_id, %s, l.line, %s, l.entry_date, l.debit, l.credit, %s
                          from o join billing.ledger_entries l on l.account_id = o.account_id and l.transaction_id = o.transaction_id',
                        sql, r.at, case c.attname when 'transaction_id' then k.l else '900001' end,
                        case c.attname when 'customer_id' then coalesce(k.l, 'l.customer_id') else 'l.customer_id' end,
                        case when c.attname = 'amount' and k.l <> 'null' then 'l.amount + (' || k.l || ' - o.amount) * (l.line = 1)::int' else 'l.amount' end);
                    end if;
                    return next;
                  end loop;
                end loop;
              end loop;
            end if;
          end loop;
        end $$
        """

    /// What is not asked after each attack: what is left to the program, and references, which take most of the time and are either the
    /// server's own matter, as long as triggers are on, or attacked in `ReferenceAttackTests`.
    private static let unasked = BooksDatabase.leftToTheProgram.union(["reference_is_there"])

    /// `pg_temp.attack(sql)`: what becomes of it at the commit: `refused` and by what, `sound`, or the invariants that it broke. It is
    /// rolled back.
    static let trying = """
        create function pg_temp.attack(sql text) returns text
          language plpgsql as $f$
        declare
          found text;
          refusal text;
        begin
          execute sql;
          set constraints all immediate;
          select coalesce(string_agg(distinct invariant, ' '), 'sound') into found from (\(Invariants.books)) v
           where invariant not in (\(unasked.map { "'\($0)'" }.joined(separator: ", ")));
          raise exception sqlstate 'ZZ000' using message = found;
        exception when others then
          if sqlstate = 'ZZ000' then
            return sqlerrm;
          end if;
          get stacked diagnostics refusal = constraint_name;
          return 'refused ' || coalesce(nullif(refusal, ''), sqlstate);
        end $f$
        """
}
