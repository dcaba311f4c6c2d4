-- How the documents of the collections {number} and {other} differ; a deleted document counts as none. What
-- stands still in {number} explains a difference, and so does a skipped event, but not where {other} stands still:
-- readers of {number} would lose a document that they have.
WITH pairs AS (
  SELECT
    coalesce(a.key, b.key) AS key,
    a.key IS NULL OR a.version IS DISTINCT FROM b.version OR a.data IS DISTINCT FROM b.data AS differs
  FROM rampart_read.documents_{number} AS a
  FULL JOIN rampart_read.documents_{other} AS b ON b.key = a.key
  WHERE a.key IS NULL
    OR a.version IS DISTINCT FROM b.version
    OR a.data IS DISTINCT FROM b.data
    OR a.position IS DISTINCT FROM b.position
), worse AS (
  SELECT key FROM rampart_read.quarantined_keys WHERE collection = {other}
  EXCEPT SELECT key FROM rampart_read.quarantined_keys WHERE collection = {number}
), unexplained AS (
  SELECT key FROM pairs
  WHERE differs AND key NOT IN (
    SELECT key FROM rampart_read.quarantined_keys WHERE collection = {number}
    UNION SELECT key FROM rampart_read.skipped_events WHERE collection IN ({number}, {other})
  )
  UNION SELECT key FROM worse
)
SELECT
  (SELECT count(*) FROM rampart_read.documents_{number} WHERE data IS NOT NULL),
  (SELECT count(*) FROM rampart_read.documents_{other} WHERE data IS NOT NULL),
  (SELECT count(*) FROM unexplained),
  (SELECT coalesce(json_agg(key), '[]')::text FROM (SELECT key FROM unexplained ORDER BY key LIMIT 20) AS sample),
  (SELECT count(*) FROM pairs) + (SELECT count(*) FROM worse)
