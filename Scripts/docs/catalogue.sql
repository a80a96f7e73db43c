-- The schema `billing` as the live catalogue has it: one json document on one line.
select jsonb_build_object(
  'tables', (select jsonb_agg(jsonb_build_object(
      'name', c.relname,
      'kind', case c.relkind when 'v' then 'view' else 'table' end,
      'comment', obj_description(c.oid, 'pg_class'),
      'columns', (select jsonb_agg(jsonb_build_object(
            'name', a.attname,
            'type', format_type(a.atttypid, a.atttypmod),
            'notNull', a.attnotnull,
            'default', pg_get_expr(d.adbin, d.adrelid),
            'generated', a.attgenerated <> '',
            'comment', col_description(c.oid, a.attnum)) order by a.attnum)
          from pg_attribute a
          left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
         where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped),
      'constraints', coalesce((select jsonb_agg(jsonb_build_object(
            'name', k.conname,
            'kind', case k.contype when 'p' then 'primary key' when 'u' then 'unique' when 'f' then 'foreign key'
                                   when 'c' then 'check' when 'x' then 'exclusion' else 'trigger' end,
            'table', nullif(f.relname, ''),
            'definition', pg_get_constraintdef(k.oid, true))
            order by position(k.contype::text in 'pufxct'), k.conname)
          from pg_constraint k left join pg_class f on f.oid = k.confrelid
         where k.conrelid = c.oid), '[]'),
      'indexes', coalesce((select jsonb_agg(jsonb_build_object(
            'name', i.relname,
            'unique', x.indisunique,
            'definition', regexp_replace(pg_get_indexdef(x.indexrelid), '^.* USING ', '')) order by i.relname)
          from pg_index x join pg_class i on i.oid = x.indexrelid
         where x.indrelid = c.oid
           and not exists (select from pg_constraint k where k.conindid = x.indexrelid and k.contype in ('p', 'u', 'x'))), '[]'),
      'triggers', coalesce((select jsonb_agg(t.tgname order by t.tgname)
          from pg_trigger t where t.tgrelid = c.oid and not t.tgisinternal), '[]'),
      'policies', coalesce((select jsonb_agg(p.polname order by p.polname) from pg_policy p where p.polrelid = c.oid), '[]'))
      order by c.oid)
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
   where n.nspname = 'billing' and c.relkind in ('r', 'p', 'v', 'm')));
