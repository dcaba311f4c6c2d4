-- Keys whose documents differ between the collections {number} and {other}; a deleted document counts as none, and
-- `explained` says that its events were set aside or skipped.
WITH pairs AS (
  SELECT a.key AS key, a.version IS NOT b.version OR a.data IS NOT b.data AS differs, a.position IS NOT b.position AS moved
  FROM documents_{number} a LEFT JOIN documents_{other} b ON b.key = a.key
  WHERE a.version IS NOT b.version OR a.data IS NOT b.data OR a.position IS NOT b.position
  UNION ALL
  SELECT b.key, 1, 1 FROM documents_{other} b
  WHERE NOT EXISTS (SELECT 1 FROM documents_{number} a WHERE a.key = b.key)
)
SELECT key, differs AND key NOT IN (
  SELECT key FROM quarantined_keys WHERE collection IN ({number}, {other})
  UNION SELECT key FROM skipped_events WHERE collection IN ({number}, {other})
) FROM pairs ORDER BY key;
