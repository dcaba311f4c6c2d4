-- Keys that stand still, the events that wait for them, and those that were skipped. Events are named by their places:
-- their payloads stay in the log. `failing` is the position of the queued event that could not be folded.
ALTER TABLE collections ADD COLUMN healed INTEGER NOT NULL DEFAULT 0;
CREATE TABLE quarantined_keys (
  collection INTEGER NOT NULL,
  key TEXT NOT NULL,
  error TEXT NOT NULL,
  since_ms INTEGER NOT NULL,
  failing INTEGER NOT NULL,
  PRIMARY KEY (collection, key)
) STRICT, WITHOUT ROWID;
CREATE TABLE queued_events (
  collection INTEGER NOT NULL,
  key TEXT NOT NULL,
  position INTEGER NOT NULL,
  event_id TEXT NOT NULL,
  type TEXT NOT NULL,
  PRIMARY KEY (collection, key, position)
) STRICT, WITHOUT ROWID;
CREATE TABLE skipped_events (
  number INTEGER PRIMARY KEY,
  collection INTEGER NOT NULL,
  key TEXT NOT NULL,
  position INTEGER NOT NULL,
  event_id TEXT NOT NULL,
  type TEXT NOT NULL,
  actor TEXT,
  at_ms INTEGER NOT NULL
) STRICT;
