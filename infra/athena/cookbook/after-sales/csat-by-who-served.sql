-- How satisfied are the customers of each agent? Share of the two best points, with its 95 % interval (Wilson).
SELECT who, CAST(n AS BIGINT) AS n, hits / n AS csat, (hits / n + 3.8414588206941254E0 / (2E0 * n) - 1.959963984540054E0 * SQRT(hits / n * (1E0 - hits / n) / n + 3.8414588206941254E0 / (4E0 * n * n))) / (1E0 + 3.8414588206941254E0 / n) AS low, (hits / n + 3.8414588206941254E0 / (2E0 * n) + 1.959963984540054E0 * SQRT(hits / n * (1E0 - hits / n) / n + 3.8414588206941254E0 / (4E0 * n * n))) / (1E0 + 3.8414588206941254E0 / n) AS high
FROM (
  SELECT "agent" AS who, CAST(COUNT("overall") AS DOUBLE) AS n,
    CAST(COUNT_IF("overall" >= 9) AS DOUBLE) AS hits
  FROM "responses_after_sales" WHERE "agent" IS NOT NULL AND "overall" IS NOT NULL GROUP BY "agent"
) AS counted
ORDER BY who
