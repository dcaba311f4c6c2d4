-- Rows of a table that belong to no log of the file, by the number of the log that they name. Gaps are the places
-- before, between and behind those of logs; position 0 of a log is one of them, because no event stands there.
WITH gaps (first, last) AS (
  SELECT coalesce(lag(number + 1) OVER (ORDER BY number), -1048576) << 43, number << 43 FROM logs
  UNION ALL
  SELECT coalesce(max(number) + 1, -1048576) << 43, 9223372036854775807 FROM logs
)
SELECT {log}, count(*)
FROM gaps CROSS JOIN {table} ON {column} BETWEEN {first} AND {last}
GROUP BY {log}
ORDER BY {log}
