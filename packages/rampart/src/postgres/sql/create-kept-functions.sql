-- How appends find the documents of one collection, and write them: functions, because their plans are kept.
CREATE FUNCTION rampart_documents.find_positions_{number}(d_collection integer[], d_key text[], d_same integer[])
RETURNS bigint[]
LANGUAGE plpgsql
AS $$
BEGIN
  RETURN ARRAY(
    SELECT CASE WHEN d.collection = {number} AND d.same = d.i THEN coalesce(known.position, 0) END
    FROM unnest(d_collection, d_key, d_same) WITH ORDINALITY AS d (collection, key, same, i)
    LEFT JOIN LATERAL (
      SELECT stored.position FROM rampart_documents.documents_{number} AS stored
      WHERE d.collection = {number} AND d.same = d.i AND stored.key = d.key LIMIT 1
    ) AS known ON true
    ORDER BY d.i
  );
END
$$;

CREATE FUNCTION rampart_documents.write_documents_{number}(
  d_collection integer[], d_key text[], d_version bigint[], d_position bigint[], d_data text[], d_cells text[]
)
RETURNS void
LANGUAGE plpgsql
AS $$
BEGIN
  INSERT INTO rampart_documents.documents_{number} ({columns})
  SELECT d.key, d.version, d.position, d.data{cells}
  FROM unnest(d_collection, d_key, d_version, d_position, d_data, d_cells)
    AS d (collection, key, version, position, data, cells)
  WHERE d.collection = {number} AND d.position IS NOT NULL
  ON CONFLICT (key) DO UPDATE SET {updates};
END
$$;
