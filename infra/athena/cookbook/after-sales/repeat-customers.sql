-- Which customers answered again within 30 days? (They are pseudonyms here; contacts_* has the customer.)
SELECT "customer" AS customer, before AS once, CAST(dt AS DATE) AS again,
  DATE_DIFF('day', before, CAST(dt AS DATE)) AS days
FROM (
  SELECT "customer", dt, response,
    LAG(CAST(dt AS DATE)) OVER (PARTITION BY "customer" ORDER BY response) AS before
  FROM "responses_after_sales" WHERE "customer" IS NOT NULL
) AS visits
WHERE DATE_DIFF('day', before, CAST(dt AS DATE)) <= 30
ORDER BY response
