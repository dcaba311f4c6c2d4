-- The order of a cross join is kept: each wanted key is looked up, instead of every document being compared.
SELECT d.key, d.version, d.position, d.data
FROM json_each(?) wanted CROSS JOIN documents_{number} d ON d.key = wanted.value;
