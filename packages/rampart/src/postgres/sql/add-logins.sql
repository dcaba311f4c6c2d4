-- As whom a process logs in tells what it could do, whatever role its connections take. Rows of processes that run
-- already do not say.
ALTER TABLE rampart_host.processes ADD COLUMN login text COLLATE "C";
ALTER TABLE rampart_host.processes ALTER COLUMN login SET DEFAULT session_user;
