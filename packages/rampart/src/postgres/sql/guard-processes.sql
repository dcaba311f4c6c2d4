-- What operators ask of a projector is sent, with their tokens, to the address that it registered: only who may be one
-- can say that he is.
ALTER TABLE rampart_host.processes ENABLE ROW LEVEL SECURITY;
CREATE POLICY everyone_sees ON rampart_host.processes FOR SELECT USING (true);
CREATE POLICY everyone_clears ON rampart_host.processes FOR DELETE USING (true);
CREATE POLICY projectors_say_so ON rampart_host.processes FOR INSERT
WITH CHECK ('project' <> ALL (roles) OR pg_has_role(current_user, 'rampart_projector', 'MEMBER'));
CREATE POLICY projectors_stay_so ON rampart_host.processes FOR UPDATE USING (true)
WITH CHECK ('project' <> ALL (roles) OR pg_has_role(current_user, 'rampart_projector', 'MEMBER'));
