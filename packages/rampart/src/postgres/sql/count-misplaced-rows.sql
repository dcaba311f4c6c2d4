-- Rows of a table that belong to no log, by the number of the log that they name: those before, between and behind the
-- numbers of logs.
WITH gaps (first, last) AS (
  SELECT coalesce(lag(number) OVER (ORDER BY number) + 1::bigint, -2147483648), number - 1::bigint
  FROM rampart_write.logs
  UNION ALL
  SELECT coalesce(max(number) + 1::bigint, -2147483648), 2147483647 FROM rampart_write.logs
)
SELECT named.log, count(*)
FROM gaps CROSS JOIN LATERAL (
  SELECT t.log FROM {table} AS t WHERE gaps.first <= gaps.last AND t.log BETWEEN gaps.first AND gaps.last
) AS named
GROUP BY named.log
ORDER BY named.log
LIMIT 100
