-- Every process says of itself that it runs, whatever its part, and clears away those that have long been gone.
GRANT USAGE ON SCHEMA rampart_host TO rampart_writer, rampart_projector, rampart_reader;
GRANT SELECT ON rampart_host.schema_steps TO rampart_writer, rampart_projector, rampart_reader;
GRANT SELECT, INSERT, UPDATE, DELETE ON rampart_host.processes
TO rampart_writer, rampart_projector, rampart_reader;
