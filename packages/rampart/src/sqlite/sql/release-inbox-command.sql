-- Gives back a command, from its owner alone where one is named. Claims that were no attempts count no more.
UPDATE inbox
SET
  owner = NULL, lease_until_ms = 0, due_at_ms = :due, cause = coalesce(:cause, cause),
  attempts = max(attempts - iif(owner IS NULL, 0, :untried), 0)
WHERE log = :log AND command_id = :command AND (:owner IS NULL OR owner = :owner)
