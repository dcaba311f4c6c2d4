-- Moves the checkpoint, provided that it stands where the batch began and that no other process has taken the lease,
-- and writes its documents in the same statement; else it changes nothing and answers 0.
WITH held AS (
  SELECT FROM rampart_read.leases WHERE name = $8 AND fence = $9 FOR SHARE
), moved AS (
  UPDATE rampart_read.collections
  SET epoch = $2, position = $3, event_id = $4
  WHERE number = $1 AND epoch = $5 AND position = $6 AND event_id = $7
    AND ($8::text IS NULL OR EXISTS (SELECT FROM held))
  RETURNING 1
), written AS (
  INSERT INTO rampart_read.documents_{number} ({columns})
  SELECT given.* FROM unnest({values}) AS given
  WHERE EXISTS (SELECT 1 FROM moved)
  ON CONFLICT (key) DO UPDATE SET {updates}
)
SELECT count(*) FROM moved
