-- What the roles may do with read models. A projector owns the tables of documents, because it makes and drops them;
-- those that were made by whoever ran this schema so far become its own, unless that user may not give them away.
GRANT USAGE ON SCHEMA rampart_read TO rampart_writer, rampart_projector, rampart_reader;
GRANT CREATE ON SCHEMA rampart_read TO rampart_projector;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA rampart_read TO rampart_projector;
GRANT SELECT ON ALL TABLES IN SCHEMA rampart_read TO rampart_reader;
GRANT SELECT ON rampart_read.schema_steps, rampart_read.collections TO rampart_writer;

DO $$
DECLARE
  documents text;
BEGIN
  FOR documents IN SELECT 'documents_' || number FROM rampart_read.collections LOOP
    BEGIN
      EXECUTE format('ALTER TABLE rampart_read.%I OWNER TO rampart_projector', documents);
    EXCEPTION WHEN insufficient_privilege THEN
      NULL;
    END;
  END LOOP;
END
$$;
