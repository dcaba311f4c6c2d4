-- One row per build of a version of a projection: its shape, and the place up to which its documents contain the
-- log. The documents of collection 7 stand in documents_7. One collection of a projection is live.
CREATE TABLE rampart_read.collections (
  number integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  log text COLLATE "C" NOT NULL,
  name text COLLATE "C" NOT NULL,
  version integer NOT NULL,
  generation integer NOT NULL,
  shape text NOT NULL,
  epoch text NOT NULL,
  position bigint NOT NULL,
  event_id text NOT NULL,
  healed bigint NOT NULL DEFAULT 0,
  is_live boolean NOT NULL,
  tag text,
  UNIQUE (log, name, version, generation)
);

CREATE UNIQUE INDEX collections_live ON rampart_read.collections (log, name) WHERE is_live;

-- Keys that stand still, the events that wait for them, and those that were skipped. Events are named by their
-- places: their payloads stay in the log. failing is the position of the queued event that could not be folded.
CREATE TABLE rampart_read.quarantined_keys (
  collection integer NOT NULL,
  key text COLLATE "C" NOT NULL,
  error text NOT NULL,
  since_ms bigint NOT NULL,
  failing bigint NOT NULL,
  PRIMARY KEY (collection, key)
);

CREATE TABLE rampart_read.queued_events (
  collection integer NOT NULL,
  key text COLLATE "C" NOT NULL,
  position bigint NOT NULL,
  event_id text NOT NULL,
  type text NOT NULL,
  PRIMARY KEY (collection, key, position)
);

CREATE TABLE rampart_read.skipped_events (
  number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  collection integer NOT NULL,
  key text COLLATE "C" NOT NULL,
  position bigint NOT NULL,
  event_id text NOT NULL,
  type text NOT NULL,
  actor text,
  at_ms bigint NOT NULL
);

CREATE INDEX skipped_events_by_collection ON rampart_read.skipped_events (collection, number);

-- Words are searched by trigrams, which find the start of a word anywhere in a text.
CREATE EXTENSION IF NOT EXISTS pg_trgm;
