-- The number and the newest epoch of a log; a log that is not there is created with the given first epoch.
CREATE OR REPLACE FUNCTION rampart_write.open_log(p_key text, p_epoch text, OUT number integer, OUT epoch text)
LANGUAGE plpgsql
AS $$
BEGIN
  PERFORM pg_advisory_xact_lock(1380012368, 0);
  SELECT known.number INTO number FROM rampart_write.logs AS known WHERE known.key = p_key;
  IF NOT FOUND THEN
    SELECT coalesce(max(known.number), 0) + 1 INTO number FROM rampart_write.logs AS known;
    INSERT INTO rampart_write.logs (number, key) VALUES (open_log.number, p_key);
    INSERT INTO rampart_write.epochs (log, ordinal, epoch, fork_position)
    VALUES (open_log.number, 1, p_epoch, 0);
  END IF;
  SELECT newest.epoch INTO epoch
  FROM rampart_write.epochs AS newest
  WHERE newest.log = open_log.number
  ORDER BY newest.ordinal DESC
  LIMIT 1;
END
$$;
