-- One row per version of a projection: its shape, and the place up to which its documents contain the log.
-- The documents of collection 7 stand in documents_7, and their searchable words in words_7.
CREATE TABLE collections (
  number INTEGER PRIMARY KEY,
  log TEXT NOT NULL,
  name TEXT NOT NULL,
  version INTEGER NOT NULL,
  shape TEXT NOT NULL,
  epoch TEXT NOT NULL,
  position INTEGER NOT NULL,
  event_id TEXT NOT NULL,
  UNIQUE (log, name, version)
) STRICT;
