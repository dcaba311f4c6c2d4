-- Documents that commit with events stand in a schema of their own, so that whoever serves them need not see events.
-- Words are searched by trigrams, as in a read store.
CREATE EXTENSION IF NOT EXISTS pg_trgm;

-- One row per version of a synchronous projection. The documents of collection 7 stand in documents_7. While
-- is_kept, appends carry its documents, and it contains its log up to the head; otherwise up to the place that
-- stands here.
CREATE TABLE rampart_documents.collections (
  number integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  log integer NOT NULL,
  name text COLLATE "C" NOT NULL,
  version integer NOT NULL,
  shape text NOT NULL,
  epoch text NOT NULL,
  position bigint NOT NULL,
  event_id text NOT NULL,
  is_kept boolean NOT NULL DEFAULT false,
  UNIQUE (log, name, version)
);

CREATE INDEX collections_kept ON rampart_documents.collections (log, number) WHERE is_kept;

-- Where each collection stands at this moment, with the rights of the owner: who reads documents learns the place
-- of a log's head, and nothing else of it. A row that each append moved would become slow beside any old snapshot.
CREATE VIEW rampart_documents.collections_now AS
SELECT
  c.number,
  CASE WHEN c.is_kept THEN newest.epoch ELSE c.epoch END AS epoch,
  CASE WHEN c.is_kept THEN coalesce(head.position, 0) ELSE c.position END AS position,
  CASE WHEN c.is_kept THEN coalesce(head.event_id, '') ELSE c.event_id END AS event_id,
  0::bigint AS healed
FROM rampart_documents.collections AS c
LEFT JOIN LATERAL (
  SELECT known.epoch FROM rampart_write.epochs AS known
  WHERE c.is_kept AND known.log = c.log ORDER BY known.ordinal DESC LIMIT 1
) AS newest ON true
LEFT JOIN LATERAL (
  SELECT e.position, e.append_id || '.' || e.append_index AS event_id FROM rampart_write.events AS e
  WHERE c.is_kept AND e.log = c.log ORDER BY e.position DESC LIMIT 1
) AS head ON true;

-- Listings ask which documents are quarantined, and none of these ever is.
CREATE VIEW rampart_documents.quarantined_keys AS
SELECT 0 AS collection, '' COLLATE "C" AS key WHERE false;

-- The positions of the documents that writes name, 0 where there is none; d_same is the first write of the same
-- document, which alone is looked up.
CREATE FUNCTION rampart_documents.find_positions(d_collection integer[], d_key text[], d_same integer[])
RETURNS bigint[]
LANGUAGE plpgsql
AS $$
DECLARE
  positions bigint[] := array_fill(0::bigint, ARRAY[cardinality(d_key)]);
  own bigint[];
  wanted integer;
BEGIN
  FOREACH wanted IN ARRAY ARRAY(SELECT DISTINCT d.number FROM unnest(d_collection) AS d (number)) LOOP
    EXECUTE format('SELECT rampart_documents.find_positions_%s($1, $2, $3)', wanted)
    INTO own
    USING d_collection, d_key, d_same;
    positions := ARRAY(
      SELECT coalesce(found.own, found.earlier)
      FROM unnest(own, positions) WITH ORDINALITY AS found (own, earlier, i) ORDER BY found.i
    );
  END LOOP;
  RETURN positions;
END
$$;

-- Writes documents, those that have a position.
CREATE FUNCTION rampart_documents.write_documents(
  d_collection integer[], d_key text[], d_version bigint[], d_position bigint[], d_data text[], d_cells text[]
)
RETURNS void
LANGUAGE plpgsql
AS $$
DECLARE
  wanted integer;
BEGIN
  FOREACH wanted IN ARRAY ARRAY(
    SELECT DISTINCT d.number FROM unnest(d_collection, d_position) AS d (number, position) WHERE d.position IS NOT NULL
  ) LOOP
    EXECUTE format('SELECT rampart_documents.write_documents_%s($1, $2, $3, $4, $5, $6)', wanted)
    USING d_collection, d_key, d_version, d_position, d_data, d_cells;
  END LOOP;
END
$$;

-- Keeps a collection of a log, in place of other versions. Answers 1 when it does not contain the log up to the
-- head, 2 when it is gone, else 0. Whoever calls it holds the lock of a keeper already: see settle_kept.
CREATE FUNCTION rampart_documents.keep_collection(p_log integer, p_number integer)
RETURNS integer
LANGUAGE plpgsql
AS $$
DECLARE
  own rampart_documents.collections;
  head record;
BEGIN
  PERFORM pg_advisory_xact_lock(1380012368, p_log);
  SELECT * INTO own FROM rampart_documents.collections AS c WHERE c.number = p_number AND c.log = p_log;
  IF NOT FOUND THEN
    RETURN 2;
  END IF;
  UPDATE rampart_documents.collections AS c SET is_kept = true WHERE c.number = p_number;
  SELECT * INTO head FROM rampart_documents.collections_now AS now WHERE now.number = p_number;
  IF NOT own.is_kept AND (own.epoch, own.position, own.event_id) <> (head.epoch, head.position, head.event_id) THEN
    UPDATE rampart_documents.collections AS c SET is_kept = false WHERE c.number = p_number;
    RETURN 1;
  END IF;
  UPDATE rampart_documents.collections AS c
  SET is_kept = false, epoch = head.epoch, position = head.position, event_id = head.event_id
  WHERE c.log = p_log AND c.name = own.name AND c.number <> p_number AND c.is_kept;
  RETURN 0;
END
$$;

-- What becomes of the collections of a log before an append of events by a process that keeps p_kept. Each process
-- holds a shared lock per collection that it keeps, as long as it is connected. One that nobody keeps any more stays
-- at the head as it is. Answers with the number of one that another process keeps, which the append would leave
-- incomplete; with the negative number of one of p_kept that is not kept any more; else 0.
CREATE FUNCTION rampart_documents.settle_kept(p_log integer, p_kept integer[])
RETURNS integer
LANGUAGE plpgsql
AS $$
DECLARE
  lost integer;
  other integer;
BEGIN
  SELECT own.number INTO lost
  FROM unnest(p_kept) AS own (number)
  WHERE NOT EXISTS (
    SELECT 1 FROM rampart_documents.collections AS c WHERE c.number = own.number AND c.is_kept
  )
  LIMIT 1;
  IF FOUND THEN
    RETURN -lost;
  END IF;
  FOR other IN
    SELECT c.number FROM rampart_documents.collections AS c
    WHERE c.log = p_log AND c.is_kept AND c.number <> ALL(p_kept)
  LOOP
    IF NOT pg_try_advisory_xact_lock(1380012369, other) THEN
      RETURN other;
    END IF;
    UPDATE rampart_documents.collections AS c
    SET is_kept = false, epoch = now.epoch, position = now.position, event_id = now.event_id
    FROM rampart_documents.collections_now AS now
    WHERE c.number = other AND now.number = other;
  END LOOP;
  RETURN 0;
END
$$;

-- A writer makes the tables of documents, and changes them; a reader reads them; a projector sees that all is there.
GRANT USAGE ON SCHEMA rampart_documents TO rampart_writer, rampart_projector, rampart_reader;
GRANT SELECT ON rampart_documents.schema_steps TO rampart_writer, rampart_projector, rampart_reader;
GRANT CREATE ON SCHEMA rampart_documents TO rampart_writer;
GRANT SELECT, INSERT, UPDATE, DELETE ON rampart_documents.collections TO rampart_writer;
GRANT SELECT ON
  rampart_documents.collections, rampart_documents.collections_now, rampart_documents.quarantined_keys
TO rampart_writer, rampart_reader;
