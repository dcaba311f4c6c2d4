-- What a user, or whoever asks, could read or change although he only projects or serves. A projector reads the log
-- and nothing else that commands left, and changes read models alone; who serves does neither.
SELECT opened.name, opened.is_read, opened.is_changed
FROM (SELECT $1::text AS login, $2::boolean AS projects) AS given
JOIN pg_roles AS r ON r.rolname = coalesce(given.login, session_user)
CROSS JOIN LATERAL (
  SELECT
    n.nspname || '.' || c.relname AS name,
    n.nspname = 'rampart_write'
    AND (NOT given.projects OR c.relname IN ('inbox', 'dead_letters', 'outcomes', 'states'))
    AND has_any_column_privilege(r.oid, c.oid, 'SELECT') AS is_read,
    (n.nspname <> 'rampart_read' OR NOT given.projects)
    AND (
      has_any_column_privilege(r.oid, c.oid, 'INSERT, UPDATE') OR has_table_privilege(r.oid, c.oid, 'DELETE, TRUNCATE')
    ) AS is_changed
  FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
  WHERE n.nspname IN ('rampart_write', 'rampart_documents', 'rampart_read') AND c.relkind IN ('r', 'p', 'v')
    AND has_schema_privilege(r.oid, n.oid, 'USAGE')
) AS opened
WHERE opened.is_read OR opened.is_changed
ORDER BY opened.name
