-- Keys whose documents differ between the collections {number} and {other}, and whether nothing explains it; a deleted
-- document counts as none. What stands still in {number} explains a difference, and so does a skipped event, but not
-- where {other} stands still: readers of {number} would lose a document that they have.
WITH pairs AS (
  SELECT a.key AS key, a.version IS NOT b.version OR a.data IS NOT b.data AS differs, a.position IS NOT b.position AS moved
  FROM documents_{number} a LEFT JOIN documents_{other} b ON b.key = a.key
  WHERE a.version IS NOT b.version OR a.data IS NOT b.data OR a.position IS NOT b.position
  UNION ALL
  SELECT b.key, 1, 1 FROM documents_{other} b
  WHERE NOT EXISTS (SELECT 1 FROM documents_{number} a WHERE a.key = b.key)
), worse AS (
  SELECT key FROM quarantined_keys WHERE collection = {other}
  EXCEPT SELECT key FROM quarantined_keys WHERE collection = {number}
)
SELECT key, max(is_unexplained) FROM (
  SELECT key, differs AND key NOT IN (
    SELECT key FROM quarantined_keys WHERE collection = {number}
    UNION SELECT key FROM skipped_events WHERE collection IN ({number}, {other})
  ) AS is_unexplained FROM pairs
  UNION ALL SELECT key, 1 FROM worse
) GROUP BY key ORDER BY key;
