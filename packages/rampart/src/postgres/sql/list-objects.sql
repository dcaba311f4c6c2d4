-- Everything that a schema consists of, with definitions that name no schema.
SELECT named.name, regexp_replace(named.definition, '\m' || $1 || '\M', 'schema', 'g')
FROM (
  SELECT 'table ' || c.relname AS name, concat_ws(
    ', ', c.relrowsecurity::text, CASE WHEN c.relkind = 'v' THEN pg_get_viewdef(c.oid) END,
    string_agg(concat_ws(
      ' ', a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attidentity, a.attcollation,
      pg_get_expr(d.adbin, d.adrelid)
    ), ', ' ORDER BY a.attname)
  ) AS definition
  FROM pg_class AS c
  JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
  LEFT JOIN pg_attrdef AS d ON d.adrelid = c.oid AND d.adnum = a.attnum
  WHERE c.relnamespace = $1::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm')
  GROUP BY c.oid
  UNION ALL
  SELECT 'index ' || c.relname, pg_get_indexdef(c.oid) || CASE WHEN i.indisvalid THEN '' ELSE ' invalid' END
  FROM pg_class AS c JOIN pg_index AS i ON i.indexrelid = c.oid
  WHERE c.relnamespace = $1::regnamespace
  UNION ALL
  SELECT 'constraint ' || conname || ' of ' || conrelid::regclass::text, pg_get_constraintdef(oid)
  FROM pg_constraint
  WHERE connamespace = $1::regnamespace AND conrelid <> 0 AND contype <> 'n'
  UNION ALL
  SELECT 'function ' || oid::regprocedure::text, pg_get_functiondef(oid)
  FROM pg_proc
  WHERE pronamespace = $1::regnamespace
  UNION ALL
  SELECT 'trigger ' || t.tgname || ' of ' || c.relname, pg_get_triggerdef(t.oid) || t.tgenabled::text
  FROM pg_trigger AS t JOIN pg_class AS c ON c.oid = t.tgrelid
  WHERE c.relnamespace = $1::regnamespace AND NOT t.tgisinternal
  UNION ALL
  SELECT 'rule ' || r.rulename || ' of ' || c.relname, pg_get_ruledef(r.oid)
  FROM pg_rewrite AS r JOIN pg_class AS c ON c.oid = r.ev_class
  WHERE c.relnamespace = $1::regnamespace AND c.relkind <> 'v'
  UNION ALL
  SELECT 'policy ' || p.polname || ' of ' || c.relname, concat_ws(
    ', ', p.polcmd, p.polpermissive, p.polroles::text, pg_get_expr(p.polqual, c.oid), pg_get_expr(p.polwithcheck, c.oid)
  )
  FROM pg_policy AS p JOIN pg_class AS c ON c.oid = p.polrelid
  WHERE c.relnamespace = $1::regnamespace
) AS named
