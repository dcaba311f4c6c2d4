-- What waits in the inbox of a log: how many, since when, how many of them are being handled, and were tried before.
SELECT
  count(*),
  min(received_at_ms),
  count(*) FILTER (WHERE owner IS NOT NULL AND lease_until_ms > :now),
  count(*) FILTER (WHERE attempts > 0 AND (owner IS NULL OR lease_until_ms <= :now))
FROM inbox
WHERE log = :log
