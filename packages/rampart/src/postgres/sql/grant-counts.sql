-- How many keys stand still is shown to whoever looks at the logs, too.
GRANT SELECT ON rampart_read.quarantined_keys TO rampart_writer;
