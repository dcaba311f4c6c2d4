-- The logs of a store file. Log numbers start at 1 and stay below 1,024.
CREATE TABLE logs (
  number INTEGER PRIMARY KEY,
  key TEXT NOT NULL UNIQUE
) STRICT;

-- The history of each log, oldest first; fork_position is the last position shared with the epoch before.
CREATE TABLE epochs (
  log INTEGER NOT NULL,
  ordinal INTEGER NOT NULL,
  epoch TEXT NOT NULL,
  fork_position INTEGER NOT NULL,
  PRIMARY KEY (log, ordinal)
) STRICT, WITHOUT ROWID;

-- Names that stand in many events, written once.
CREATE TABLE event_types (
  number INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE
) STRICT;

CREATE TABLE streams (
  number INTEGER PRIMARY KEY,
  log INTEGER NOT NULL,
  decider TEXT NOT NULL,
  id TEXT NOT NULL,
  UNIQUE (log, decider, id)
) STRICT;

-- place = log * 2^43 + position: rows of a log lie together in order, and appending goes to the right edge.
-- command_key = 16 bytes of the command's UUID, then the log's number: ids are unique per log, not per file.
-- Columns that are usually the same are NULL then: content_type for application/json, tags for none,
-- correlation_id and causation_id for the command's id ('' where a command has none).
-- The last four belong to the first event of an append that claimed a command id: how many events the append
-- has (NULL = 1), its first stream's version (NULL = as counted from this event), and the outcome (NULL = null).
CREATE TABLE events (
  place INTEGER PRIMARY KEY,
  stream INTEGER NOT NULL,
  version INTEGER NOT NULL,
  type INTEGER NOT NULL,
  schema_version INTEGER NOT NULL,
  append_id TEXT NOT NULL,
  append_index INTEGER NOT NULL,
  recorded_at_ms INTEGER NOT NULL,
  command_key BLOB,
  content_type TEXT,
  tags TEXT,
  correlation_id TEXT,
  causation_id TEXT,
  actor TEXT,
  data_subject_id TEXT,
  key_id TEXT,
  fingerprint TEXT,
  append_events INTEGER,
  outcome_version INTEGER,
  outcome TEXT,
  payload BLOB NOT NULL
) STRICT;

CREATE UNIQUE INDEX events_by_stream ON events (stream, version);

CREATE UNIQUE INDEX events_by_command ON events (command_key)
WHERE append_index = 0 AND command_key IS NOT NULL;

-- Outcomes of commands that recorded no event: refusals, no-ops, burials. Free again after expires_at_ms.
CREATE TABLE outcomes (
  command_key BLOB PRIMARY KEY,
  fingerprint TEXT NOT NULL,
  outcome TEXT,
  version INTEGER NOT NULL,
  position INTEGER NOT NULL,
  event_id TEXT NOT NULL,
  recorded_at_ms INTEGER NOT NULL,
  expires_at_ms INTEGER
) STRICT, WITHOUT ROWID;

CREATE INDEX outcomes_by_expiry ON outcomes (expires_at_ms) WHERE expires_at_ms IS NOT NULL;

-- Accepted commands in the order of acceptance. owner is NULL while nobody handles the command.
CREATE TABLE inbox (
  sequence INTEGER PRIMARY KEY AUTOINCREMENT,
  log INTEGER NOT NULL,
  command_id TEXT NOT NULL,
  fingerprint TEXT NOT NULL,
  decider TEXT NOT NULL,
  stream_id TEXT NOT NULL,
  type TEXT NOT NULL,
  data TEXT NOT NULL,
  expected_version INTEGER,
  actor TEXT,
  correlation_id TEXT,
  received_at_ms INTEGER NOT NULL,
  attempts INTEGER NOT NULL,
  owner TEXT,
  lease_until_ms INTEGER NOT NULL,
  due_at_ms INTEGER NOT NULL,
  UNIQUE (log, command_id)
) STRICT;

CREATE INDEX inbox_by_stream ON inbox (log, decider, stream_id, sequence);

-- Commands that were given up, for an operator.
CREATE TABLE dead_letters (
  sequence INTEGER PRIMARY KEY AUTOINCREMENT,
  log INTEGER NOT NULL,
  command_id TEXT NOT NULL,
  fingerprint TEXT NOT NULL,
  decider TEXT NOT NULL,
  stream_id TEXT NOT NULL,
  type TEXT NOT NULL,
  data TEXT NOT NULL,
  expected_version INTEGER,
  actor TEXT,
  correlation_id TEXT,
  received_at_ms INTEGER NOT NULL,
  attempts INTEGER NOT NULL,
  cause TEXT NOT NULL,
  buried_at_ms INTEGER NOT NULL
) STRICT;

CREATE INDEX dead_letters_by_log ON dead_letters (log, sequence);
