-- Documents whose terms stand in one of the two indexes only; one that is not there any more has its number for a key.
SELECT DISTINCT coalesce(d.key, CAST(f.doc AS TEXT)) FROM (
  SELECT doc FROM (SELECT term, doc FROM temp.terms_anew EXCEPT SELECT term, doc FROM temp.terms_stored)
  UNION ALL
  SELECT doc FROM (SELECT term, doc FROM temp.terms_stored EXCEPT SELECT term, doc FROM temp.terms_anew)
) f LEFT JOIN documents_{number} d ON d.id = f.doc
ORDER BY 1;
