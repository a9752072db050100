-- How do teams stand in the weighted index (0 to 100), and how far do answers lie apart?
SELECT "team" AS team, COUNT(*) AS n, AVG("index") AS mean, STDDEV_SAMP("index") AS deviation
FROM "responses_after_sales" WHERE "index" IS NOT NULL
GROUP BY "team" ORDER BY mean DESC, team NULLS LAST
