-- Keeps seals of a log that follow its newest one and lie within the log; answers false, and keeps none, when
-- they do not.
CREATE OR REPLACE FUNCTION rampart_write.keep_seals(
  p_log integer, p_number bigint[], p_first bigint[], p_last bigint[], p_epoch text[], p_root text[],
  p_sealed bigint[], p_previous text[], p_digest text[], p_marks text[]
)
RETURNS boolean
LANGUAGE plpgsql
AS $$
DECLARE
  newest record;
BEGIN
  PERFORM pg_advisory_xact_lock(1380012368, p_log);
  SELECT kept.number, kept.last_position, kept.digest INTO newest
  FROM rampart_write.seals AS kept WHERE kept.log = p_log ORDER BY kept.number DESC LIMIT 1;
  IF p_number[1] <> coalesce(newest.number, 0) + 1
    OR p_first[1] <> coalesce(newest.last_position, 0) + 1
    OR p_previous[1] <> coalesce(newest.digest, repeat('0', 64))
    OR p_last[cardinality(p_last)] > coalesce(
      -- `max` would be planned on the log as it is at first, and read all of it ever after.
      (SELECT e.position FROM rampart_write.events AS e WHERE e.log = p_log ORDER BY e.position DESC LIMIT 1), 0
    )
  THEN
    RETURN false;
  END IF;
  INSERT INTO rampart_write.seals (
    log, number, first_position, last_position, epoch, root, sealed_at_ms, previous, digest, marks
  )
  SELECT p_log, given.*
  FROM unnest(p_number, p_first, p_last, p_epoch, p_root, p_sealed, p_previous, p_digest, p_marks) AS given;
  RETURN true;
END
$$;
