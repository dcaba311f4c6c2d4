-- A page of events in order, within the bound in bytes and with the one beyond it, which tells that the page was cut.
-- Names that are missing leave a page as long as it is. Lengths are known without reading a payload that is stored apart.
SELECT :columns
FROM (
  SELECT e.*, sum(octet_length(e.payload)) OVER (ORDER BY e.:order ROWS UNBOUNDED PRECEDING) AS bytes
  FROM rampart_write.events AS e
  :where
  ORDER BY e.:order
  LIMIT :limit
) AS found
LEFT JOIN rampart_write.streams AS s ON s.number = found.stream
LEFT JOIN rampart_write.event_types AS t ON t.number = found.type
WHERE found.bytes - octet_length(found.payload) <= :bytes
ORDER BY found.:order
