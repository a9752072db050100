-- At which hours of the day are customers least satisfied? With how many answered: an hour of few says little.
SELECT hour, COUNT(*) AS n, AVG(CAST("overall" AS DOUBLE)) AS mean
FROM "responses_after_sales" WHERE "overall" IS NOT NULL AND hour IS NOT NULL
GROUP BY hour ORDER BY mean, hour
