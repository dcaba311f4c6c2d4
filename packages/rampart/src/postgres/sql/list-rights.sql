-- What each role of the platform may do with a schema and what is in it, however it came by that: by a grant to itself
-- or to everyone, as an owner, through another role, or because it is a superuser, who may do everything.
WITH roles AS (
  SELECT oid, rolname AS name, rolsuper AS is_super FROM pg_roles
  WHERE rolname IN ('rampart_writer', 'rampart_projector', 'rampart_reader')
)
SELECT name, 'everything', 'do' FROM roles WHERE is_super
UNION ALL
SELECT r.name, 'the schema', wanted.verb
FROM roles AS r CROSS JOIN unnest(ARRAY['USAGE', 'CREATE']) AS wanted (verb)
WHERE NOT r.is_super AND has_schema_privilege(r.oid, $1::regnamespace, wanted.verb)
UNION ALL
SELECT r.name, 'the table ' || c.relname, wanted.verb
FROM roles AS r
CROSS JOIN pg_class AS c
CROSS JOIN unnest(
  ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'REFERENCES', 'TRIGGER']
) AS wanted (verb)
WHERE NOT r.is_super AND c.relnamespace = $1::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm')
  AND CASE
    WHEN wanted.verb IN ('SELECT', 'INSERT', 'UPDATE', 'REFERENCES')
    THEN has_any_column_privilege(r.oid, c.oid, wanted.verb)
    ELSE has_table_privilege(r.oid, c.oid, wanted.verb)
  END
UNION ALL
SELECT r.name, 'the function ' || p.proname, 'REPLACE'
FROM roles AS r JOIN pg_proc AS p ON pg_has_role(r.oid, p.proowner, 'USAGE')
WHERE NOT r.is_super AND p.pronamespace = $1::regnamespace
