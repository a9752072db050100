-- Of those invited, how many answered, by campaign, channel and segment? AAPOR's RR1 (and RR2: no answer is stored in part), with its 95 % interval (Wilson); what is under way is left out.
SELECT campaign, channel, who, CAST(n AS BIGINT) AS n, CAST(hits AS BIGINT) AS answered,
  hits / n AS rr1, (hits / n + 3.8414588206941254E0 / (2E0 * n) - 1.959963984540054E0 * SQRT(hits / n * (1E0 - hits / n) / n + 3.8414588206941254E0 / (4E0 * n * n))) / (1E0 + 3.8414588206941254E0 / n) AS low, (hits / n + 3.8414588206941254E0 / (2E0 * n) + 1.959963984540054E0 * SQRT(hits / n * (1E0 - hits / n) / n + 3.8414588206941254E0 / (4E0 * n * n))) / (1E0 + 3.8414588206941254E0 / n) AS high
FROM (
  SELECT campaign, channel, "agent" AS who,
    CAST(COUNT_IF(disposition <> 'pending') AS DOUBLE) AS n,
    CAST(COUNT_IF(disposition = 'complete') AS DOUBLE) AS hits
  FROM "invitations_after_sales" GROUP BY campaign, channel, "agent"
) AS asked
WHERE n > 0E0
ORDER BY campaign, channel, who NULLS LAST
