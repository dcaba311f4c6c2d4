INSERT INTO seals (
  seal, first_position, last_position, epoch, root, sealed_at_ms, previous, digest, marks
)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
