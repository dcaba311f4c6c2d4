-- Moves the checkpoint of a collection that is not kept, provided that it stands where the batch began, and writes its
-- documents in the same statement; else it changes nothing and answers 0.
WITH moved AS (
  UPDATE rampart_documents.collections
  SET epoch = $2, position = $3, event_id = $4
  WHERE number = $1 AND epoch = $5 AND position = $6 AND event_id = $7 AND NOT is_kept
  RETURNING 1
)
SELECT
  (SELECT count(*) FROM moved),
  CASE WHEN EXISTS (SELECT FROM moved) THEN
    rampart_documents.write_documents_{number}(
      $8::integer[], $9::text[], $10::bigint[], $11::bigint[], $12::text[], $13::text[]
    )::text
  END
