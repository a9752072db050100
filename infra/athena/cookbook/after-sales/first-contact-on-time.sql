-- Which team calls unhappy customers in time? Of all that were called or should have been by now: whoever was never reached counts as not in time. With its 95 % interval (Wilson).
SELECT team, CAST(n AS BIGINT) AS n, hits / n AS on_time, (hits / n + 3.8414588206941254E0 / (2E0 * n) - 1.959963984540054E0 * SQRT(hits / n * (1E0 - hits / n) / n + 3.8414588206941254E0 / (4E0 * n * n))) / (1E0 + 3.8414588206941254E0 / n) AS low, (hits / n + 3.8414588206941254E0 / (2E0 * n) + 1.959963984540054E0 * SQRT(hits / n * (1E0 - hits / n) / n + 3.8414588206941254E0 / (4E0 * n * n))) / (1E0 + 3.8414588206941254E0 / n) AS high
FROM (
  SELECT team, CAST(COUNT(*) AS DOUBLE) AS n,
    CAST(COUNT_IF(contacted_at <= first_contact_due) AS DOUBLE) AS hits
  FROM "follow_ups_after_sales"
  WHERE kind = 'call' AND first_contact_due IS NOT NULL
    AND (contacted_at IS NOT NULL OR first_contact_due < CURRENT_TIMESTAMP)
  GROUP BY team
) AS called
ORDER BY team NULLS LAST
