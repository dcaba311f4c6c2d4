SELECT seal, first_position, last_position, epoch, root, sealed_at_ms, previous, digest, marks
FROM seals
WHERE seal > ? AND seal < ?
ORDER BY seal
LIMIT ?
