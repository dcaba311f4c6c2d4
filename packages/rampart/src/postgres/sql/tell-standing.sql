-- Leaves word of a projection in the place of what was said before.
INSERT INTO rampart_read.standings (log, name, standing, told_at)
VALUES ($1, $2, $3, statement_timestamp())
ON CONFLICT (log, name) DO UPDATE SET standing = excluded.standing, told_at = excluded.told_at
