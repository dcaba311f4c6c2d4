SELECT number, first_position, last_position, epoch, root, sealed_at_ms, previous, digest, marks
FROM rampart_write.seals
WHERE log = $1
ORDER BY number DESC
LIMIT 1
