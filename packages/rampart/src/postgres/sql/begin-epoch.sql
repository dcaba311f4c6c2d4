-- Begins an epoch of a log whose fork is the head.
CREATE OR REPLACE FUNCTION rampart_write.begin_epoch(p_log integer, p_epoch text)
RETURNS void
LANGUAGE plpgsql
AS $$
BEGIN
  PERFORM pg_advisory_xact_lock(1380012368, p_log);
  INSERT INTO rampart_write.epochs (log, ordinal, epoch, fork_position)
  SELECT
    p_log,
    (SELECT max(known.ordinal) + 1 FROM rampart_write.epochs AS known WHERE known.log = p_log),
    p_epoch,
    (SELECT coalesce(max(e.position), 0) FROM rampart_write.events AS e WHERE e.log = p_log);
END
$$;
