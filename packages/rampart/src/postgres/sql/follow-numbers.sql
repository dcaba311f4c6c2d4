-- Lets the numbers that tables make themselves go on after those that are there. They may be behind when rows were put
-- back by other means than a dump of the whole database.
CREATE FUNCTION rampart_write.follow_numbers()
RETURNS void
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  own record;
  newest bigint;
BEGIN
  FOR own IN
    SELECT c.relname, a.attname,
      pg_get_serial_sequence(format('rampart_write.%I', c.relname), a.attname)::regclass AS numbers
    FROM pg_attribute AS a JOIN pg_class AS c ON c.oid = a.attrelid
    WHERE c.relnamespace = 'rampart_write'::regnamespace AND a.attidentity <> ''
  LOOP
    EXECUTE format('SELECT max(%I) FROM rampart_write.%I', own.attname, own.relname) INTO newest;
    IF newest > coalesce(pg_sequence_last_value(own.numbers), 0) THEN
      PERFORM setval(own.numbers, newest);
    END IF;
  END LOOP;
END
$$;
