-- The roles that keep writers, projectors and readers apart. They belong to the whole server, so those of another
-- database may be there, or come at this moment. Whoever migrates may take each of them: then one URL is enough.
DO $$
DECLARE
  wanted text;
BEGIN
  FOREACH wanted IN ARRAY ARRAY['rampart_writer', 'rampart_projector', 'rampart_reader'] LOOP
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = wanted) THEN
      BEGIN
        EXECUTE format('CREATE ROLE %I LOGIN', wanted);
      EXCEPTION WHEN duplicate_object OR unique_violation THEN
        NULL;
      END;
    END IF;
    IF NOT (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) THEN
      BEGIN
        EXECUTE format('GRANT %I TO CURRENT_USER', wanted);
      EXCEPTION WHEN insufficient_privilege OR unique_violation THEN
        NULL;
      END;
    END IF;
  END LOOP;
END
$$;
