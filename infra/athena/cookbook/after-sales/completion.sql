-- Who of those that began on the page sent it, week by week and by language, and at which question did the others stop? Completes of completes and break-offs, with its 95 % interval (Wilson). A row for each question that was the last one answered, and one without a question for those who sent it; from the first day on which somebody left, and on which answers are still kept.
SELECT week, language, stopped_after, people, CAST(n AS BIGINT) AS began, hits / n AS completion,
  (hits / n + 3.8414588206941254E0 / (2E0 * n) - 1.959963984540054E0 * SQRT(hits / n * (1E0 - hits / n) / n + 3.8414588206941254E0 / (4E0 * n * n))) / (1E0 + 3.8414588206941254E0 / n) AS low, (hits / n + 3.8414588206941254E0 / (2E0 * n) + 1.959963984540054E0 * SQRT(hits / n * (1E0 - hits / n) / n + 3.8414588206941254E0 / (4E0 * n * n))) / (1E0 + 3.8414588206941254E0 / n) AS high
FROM (
  SELECT week, language, stopped_after, people,
    CAST(SUM(people) OVER (PARTITION BY week, language) AS DOUBLE) AS n,
    CAST(SUM(CASE WHEN stopped_after IS NULL THEN people ELSE 0 END)
      OVER (PARTITION BY week, language) AS DOUBLE) AS hits
  FROM (
    SELECT CAST(DATE_TRUNC('week', CAST(dt AS DATE)) AS DATE) AS week, language, stopped_after,
      SUM(n) AS people
    FROM (
      SELECT dt, language, question AS stopped_after, CAST(n AS BIGINT) AS n
      FROM "break_offs_after_sales" CROSS JOIN (SELECT MIN(dt) AS since FROM "responses_after_sales") AS kept
      WHERE dt >= COALESCE(since, dt)
      UNION ALL
      SELECT dt, language, CAST(NULL AS VARCHAR) AS stopped_after, CAST(1 AS BIGINT) AS n
      FROM "responses_after_sales" CROSS JOIN (SELECT MIN(dt) AS since FROM "break_offs_after_sales") AS known
      WHERE channel = 'web' AND dt >= since
    ) AS begun
    GROUP BY CAST(DATE_TRUNC('week', CAST(dt AS DATE)) AS DATE), language, stopped_after
  ) AS stops
) AS weeks
ORDER BY week, language, people DESC, stopped_after
