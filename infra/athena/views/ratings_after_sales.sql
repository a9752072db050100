CREATE OR REPLACE VIEW "ratings_after_sales" AS
SELECT * FROM (SELECT "response", "dt", "received_at", "hour", "version", "language", "channel", "customer", "agent", "team", "store", "tier",
  ELEMENT_AT(ARRAY['speed', 'skill', 'manner', 'ease', 'overall', 'recommend'], place) AS field,
  ELEMENT_AT(ARRAY['speed', 'skill', 'manner', 'ease', CAST(NULL AS VARCHAR), CAST(NULL AS VARCHAR)], place) AS dimension,
  ELEMENT_AT(ARRAY["speed", "skill", "manner", "ease", "overall", "recommend"], place) AS rating,
  ELEMENT_AT(ARRAY[1, 1, 1, 1, 1, 0], place) AS low,
  ELEMENT_AT(ARRAY[5, 5, 5, 5, 10, 10], place) AS high
FROM "responses_after_sales" CROSS JOIN UNNEST(SEQUENCE(1, 6)) AS places (place)
) AS rated WHERE rating IS NOT NULL
