-- Whose customers had their problem solved with one contact? Of all who answered both questions, with its 95 % interval.
SELECT who, CAST(n AS BIGINT) AS n, hits / n AS resolution, (hits / n + 3.8414588206941254E0 / (2E0 * n) - 1.959963984540054E0 * SQRT(hits / n * (1E0 - hits / n) / n + 3.8414588206941254E0 / (4E0 * n * n))) / (1E0 + 3.8414588206941254E0 / n) AS low, (hits / n + 3.8414588206941254E0 / (2E0 * n) + 1.959963984540054E0 * SQRT(hits / n * (1E0 - hits / n) / n + 3.8414588206941254E0 / (4E0 * n * n))) / (1E0 + 3.8414588206941254E0 / n) AS high
FROM (
  SELECT "agent" AS who, CAST(COUNT(*) AS DOUBLE) AS n,
    CAST(COUNT_IF("solved" = 'yes' AND "contacts" = 'once') AS DOUBLE) AS hits
  FROM "responses_after_sales" WHERE "solved" IS NOT NULL AND "contacts" IS NOT NULL GROUP BY "agent"
) AS counted
ORDER BY who NULLS LAST
