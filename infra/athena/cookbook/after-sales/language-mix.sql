-- Which languages do people answer in, week by week?
SELECT CAST(DATE_TRUNC('week', CAST(dt AS DATE)) AS DATE) AS week, language, COUNT(*) AS n
FROM "responses_after_sales"
GROUP BY CAST(DATE_TRUNC('week', CAST(dt AS DATE)) AS DATE), language
ORDER BY week, language
