-- For each write (append id, decider, stream id) of appends that are recorded: its place in the arguments, the last
-- position and event of its append, and the version that its stream had then.
WITH recorded AS (
  SELECT append_id, max(position) AS position, max(append_index) AS last_index
  FROM rampart_write.events
  WHERE log = $1 AND position > $2 AND append_id = ANY($3::text[])
  GROUP BY append_id
)
SELECT
  wanted.i,
  recorded.position,
  recorded.append_id || '.' || recorded.last_index,
  coalesce(
    (
      SELECT max(e.version)
      FROM rampart_write.streams AS s
      JOIN rampart_write.events AS e ON e.stream = s.number
      WHERE s.log = $1 AND s.decider = wanted.decider AND s.id = wanted.id AND e.position <= recorded.position
    ),
    0
  )
FROM unnest($3::text[], $4::text[], $5::text[]) WITH ORDINALITY AS wanted (append_id, decider, id, i)
JOIN recorded ON recorded.append_id = wanted.append_id
ORDER BY wanted.i
