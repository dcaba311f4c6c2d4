UPDATE inbox
SET owner = NULL, lease_until_ms = 0, due_at_ms = ?, cause = coalesce(?, cause)
WHERE log = ? AND command_id = ?
