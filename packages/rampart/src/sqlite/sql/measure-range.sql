-- How many events lie between two places, and how many bytes their payloads have together; a limited number is examined.
SELECT count(*), coalesce(sum(bytes), 0)
FROM (SELECT length(payload) AS bytes FROM events WHERE place > ? AND place < ? ORDER BY place LIMIT ?)
