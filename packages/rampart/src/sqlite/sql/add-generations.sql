-- Several builds of a version stand beside each other, and one collection of a projection is live. Numbers are never
-- used again, because statements of a dropped collection may still be prepared somewhere.
CREATE TABLE generations (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  log TEXT NOT NULL,
  name TEXT NOT NULL,
  version INTEGER NOT NULL,
  generation INTEGER NOT NULL,
  shape TEXT NOT NULL,
  epoch TEXT NOT NULL,
  position INTEGER NOT NULL,
  event_id TEXT NOT NULL,
  healed INTEGER NOT NULL DEFAULT 0,
  is_live INTEGER NOT NULL,
  tag TEXT,
  UNIQUE (log, name, version, generation)
) STRICT;
INSERT INTO generations
SELECT number, log, name, version, 1, shape, epoch, position, event_id, healed,
  version = max(version) OVER (PARTITION BY log, name), version
FROM collections;
DROP TABLE collections;
ALTER TABLE generations RENAME TO collections;
CREATE UNIQUE INDEX collections_live ON collections (log, name) WHERE is_live = 1;
