-- The index from 1 of the first condition that a recorded event of the log matches; NULL when none does.
-- Conditions are a JSON list of { tags, types?, after }.
CREATE OR REPLACE FUNCTION rampart_write.match_conditions(p_log integer, p_conditions text)
RETURNS integer
LANGUAGE sql STABLE
AS $$
  SELECT condition.number::integer
  FROM jsonb_array_elements(p_conditions::jsonb) WITH ORDINALITY AS condition (item, number)
  WHERE EXISTS (
    SELECT 1
    FROM rampart_write.event_tags AS tagged
    WHERE tagged.tag = (SELECT number FROM rampart_write.tags WHERE name = condition.item -> 'tags' ->> 0)
    AND tagged.log = p_log
    AND tagged.position > (condition.item ->> 'after')::bigint
    AND (
      condition.item -> 'types' IS NULL
      OR tagged.type IN (
        SELECT number FROM rampart_write.event_types
        WHERE name IN (SELECT jsonb_array_elements_text(condition.item -> 'types'))
      )
    )
    AND NOT EXISTS (
      SELECT 1
      FROM jsonb_array_elements_text(condition.item -> 'tags') AS wanted (name)
      WHERE NOT EXISTS (
        SELECT 1
        FROM rampart_write.event_tags AS other
        JOIN rampart_write.tags AS named ON named.number = other.tag
        WHERE named.name = wanted.name AND other.log = p_log AND other.position = tagged.position
      )
    )
  )
  ORDER BY condition.number
  LIMIT 1
$$;
