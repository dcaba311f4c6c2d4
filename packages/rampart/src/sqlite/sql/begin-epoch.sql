-- Begins an epoch of a log after the newest one.
INSERT INTO epochs (log, ordinal, epoch, fork_position)
SELECT ?1, coalesce(max(ordinal), 0) + 1, ?2, ?3 FROM epochs WHERE log = ?1
