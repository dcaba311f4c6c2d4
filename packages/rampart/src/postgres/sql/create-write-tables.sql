-- Everything that commands change. Numbers of logs stand in the locks, so they stay below 2^31.
CREATE SCHEMA IF NOT EXISTS rampart_write;

CREATE TABLE rampart_write.logs (
  number integer PRIMARY KEY,
  key text COLLATE "C" NOT NULL UNIQUE
);

-- The history of each log, oldest first; fork_position is the last position shared with the epoch before.
CREATE TABLE rampart_write.epochs (
  log integer NOT NULL,
  ordinal integer NOT NULL,
  epoch text NOT NULL,
  fork_position bigint NOT NULL,
  PRIMARY KEY (log, ordinal)
);

-- Names that stand in many events, written once.
CREATE TABLE rampart_write.event_types (
  number integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  name text COLLATE "C" NOT NULL UNIQUE
);

CREATE TABLE rampart_write.streams (
  number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  log integer NOT NULL,
  decider text COLLATE "C" NOT NULL,
  id text COLLATE "C" NOT NULL,
  UNIQUE (log, decider, id)
);

-- Columns that are usually the same are NULL then: content_type for application/json, tags for none,
-- correlation_id and causation_id for the command's id ('' where a command has none).
-- fingerprint to outcome belong to the first event of an append that claimed a command id: how many events
-- the append has (NULL = 1), its first stream's version (NULL = as counted from this event), and the outcome
-- (NULL = null).
CREATE TABLE rampart_write.events (
  position bigint NOT NULL,
  stream bigint NOT NULL,
  command_id uuid,
  recorded_at_ms bigint NOT NULL,
  log integer NOT NULL,
  version integer NOT NULL,
  type integer NOT NULL,
  schema_version integer NOT NULL,
  append_index integer NOT NULL,
  append_events integer,
  outcome_version integer,
  append_id text NOT NULL,
  content_type text,
  tags text,
  correlation_id text,
  causation_id text,
  actor text,
  data_subject_id text,
  key_id text,
  fingerprint text,
  outcome text,
  payload bytea NOT NULL,
  PRIMARY KEY (log, position)
);

CREATE UNIQUE INDEX events_by_stream ON rampart_write.events (stream, version);

CREATE UNIQUE INDEX events_by_command ON rampart_write.events (command_id, log)
WHERE append_index = 0 AND command_id IS NOT NULL;

-- Tags of events, each written once for all logs.
CREATE TABLE rampart_write.tags (
  number integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  name text COLLATE "C" NOT NULL UNIQUE
);

-- The positions of the events with each tag, in order. Events without tags have no row.
CREATE TABLE rampart_write.event_tags (
  tag integer NOT NULL,
  log integer NOT NULL,
  position bigint NOT NULL,
  type integer NOT NULL,
  PRIMARY KEY (tag, log, position)
);

-- Outcomes of commands that recorded no event: refusals, no-ops, burials. Free again after expires_at_ms.
CREATE TABLE rampart_write.outcomes (
  log integer NOT NULL,
  command_id uuid NOT NULL,
  fingerprint text NOT NULL,
  outcome text,
  version integer NOT NULL,
  position bigint NOT NULL,
  event_id text NOT NULL,
  recorded_at_ms bigint NOT NULL,
  expires_at_ms bigint,
  PRIMARY KEY (log, command_id)
);

CREATE INDEX outcomes_by_expiry ON rampart_write.outcomes (expires_at_ms) WHERE expires_at_ms IS NOT NULL;

-- The last stored state of each stream that has one; version is that of the stream with it.
CREATE TABLE rampart_write.states (
  stream bigint PRIMARY KEY,
  version integer NOT NULL,
  state_version bigint NOT NULL,
  digest text NOT NULL,
  state text NOT NULL
);

-- Accepted commands in the order of acceptance. owner is NULL while nobody handles the command.
CREATE TABLE rampart_write.inbox (
  sequence bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  log integer NOT NULL,
  command_id uuid NOT NULL,
  fingerprint text NOT NULL,
  decider text COLLATE "C" NOT NULL,
  stream_id text COLLATE "C" NOT NULL,
  type text NOT NULL,
  data text NOT NULL,
  expected_version bigint,
  actor text,
  correlation_id text,
  received_at_ms bigint NOT NULL,
  roles text,
  attempts integer NOT NULL,
  owner text,
  lease_until_ms bigint NOT NULL,
  due_at_ms bigint NOT NULL,
  cause text,
  UNIQUE (log, command_id)
);

CREATE INDEX inbox_by_stream ON rampart_write.inbox (log, decider, stream_id, sequence);

-- Commands that were given up, for an operator.
CREATE TABLE rampart_write.dead_letters (
  sequence bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  log integer NOT NULL,
  command_id uuid NOT NULL,
  fingerprint text NOT NULL,
  decider text NOT NULL,
  stream_id text NOT NULL,
  type text NOT NULL,
  data text NOT NULL,
  expected_version bigint,
  actor text,
  correlation_id text,
  received_at_ms bigint NOT NULL,
  roles text,
  attempts integer NOT NULL,
  cause text NOT NULL,
  buried_at_ms bigint NOT NULL
);

CREATE INDEX dead_letters_by_log ON rampart_write.dead_letters (log, sequence);
