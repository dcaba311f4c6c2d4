-- Takes a lease with the next fence if nobody has it, or if it ran out, or for the same holder again. Whoever
-- asks in vain only looks: the row is locked for those that have a chance.
INSERT INTO {leases} AS held (name, holder, fence, until)
SELECT $1::text, $2::text, 1, clock_timestamp() + $3 * interval '1 ms'
WHERE NOT EXISTS (
  SELECT FROM {leases} AS known
  WHERE known.name = $1 AND known.holder <> $2 AND known.until > clock_timestamp()
)
ON CONFLICT (name) DO UPDATE
SET holder = excluded.holder, fence = held.fence + 1, until = excluded.until
WHERE held.holder IS NULL OR held.holder = excluded.holder OR held.until <= clock_timestamp()
RETURNING fence
