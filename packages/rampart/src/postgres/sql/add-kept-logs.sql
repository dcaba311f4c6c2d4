-- The logs that documents commit with, by their keys, and their histories, with the rights of the owner: what who
-- serves documents must know to judge a place.
CREATE VIEW rampart_documents.logs AS
SELECT l.number, l.key, (
  SELECT json_agg(
    json_build_object('epoch', e.epoch, 'forkPosition', e.fork_position) ORDER BY e.ordinal
  )::text
  FROM rampart_write.epochs AS e WHERE e.log = l.number
) AS epochs
FROM rampart_write.logs AS l
WHERE EXISTS (SELECT FROM rampart_documents.collections AS c WHERE c.log = l.number);

GRANT SELECT ON rampart_documents.logs TO rampart_projector, rampart_reader;

-- A process that keeps read models up to date may serve them, too.
GRANT SELECT ON
  rampart_documents.collections, rampart_documents.collections_now, rampart_documents.quarantined_keys
TO rampart_projector;
