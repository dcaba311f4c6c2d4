-- What a schema grants to the roles of the platform, each to itself.
SELECT r.rolname, granted.name, granted.privilege_type
FROM (
  SELECT 'the schema' AS name, acl.grantee, acl.privilege_type
  FROM pg_namespace AS n CROSS JOIN LATERAL aclexplode(n.nspacl) AS acl
  WHERE n.oid = $1::regnamespace
  UNION
  SELECT 'the table ' || c.relname, acl.grantee, acl.privilege_type
  FROM pg_class AS c CROSS JOIN LATERAL aclexplode(c.relacl) AS acl
  WHERE c.relnamespace = $1::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm')
) AS granted JOIN pg_roles AS r ON r.oid = granted.grantee
WHERE r.rolname IN ('rampart_writer', 'rampart_projector', 'rampart_reader')
