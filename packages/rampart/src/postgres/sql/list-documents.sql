-- Documents in an order, as many as stay within the bound in bytes and at least one, with the collection's own row and
-- who is quarantined, all of one moment. Without any document there is one row of the collection alone.
SELECT
  c.epoch, c.position, c.event_id, c.healed,
  d.key, d.version, d.position, d.data, d.found, q.key IS NOT NULL
FROM {places} AS c
LEFT JOIN LATERAL (
  SELECT measured.*
  FROM (
    SELECT
      listed.*,
      count(*) OVER () AS found,
      row_number() OVER (ORDER BY {order}) AS row,
      sum(coalesce(octet_length(data), 0)) OVER (ORDER BY {order}) AS bytes
    FROM (
      SELECT key, version, position, data
      FROM {schema}.documents_{number}
      WHERE {conditions}
      ORDER BY {order}
      LIMIT $1
    ) AS listed
  ) AS measured
  WHERE measured.bytes <= $2 OR measured.row = 1
) AS d ON true
LEFT JOIN {schema}.quarantined_keys AS q ON q.collection = c.number AND q.key = d.key
WHERE c.number = {number}
ORDER BY d.row
