-- What do customers want improved, in their words for it? Of all who chose anything.
SELECT chosen.value AS code, COALESCE(called.label_zh_cn, chosen.value) AS label, COUNT(*) AS n,
  CAST(COUNT(*) AS DOUBLE) / CAST(MAX(everybody) AS DOUBLE) AS share
FROM "answers_after_sales" AS chosen
CROSS JOIN (
  SELECT COUNT(DISTINCT response) AS everybody FROM "answers_after_sales" WHERE field = 'improve'
) AS asked
LEFT JOIN "labels_after_sales" AS called ON called.field = chosen.field AND called.code = chosen.value
WHERE chosen.field = 'improve'
GROUP BY chosen.value, COALESCE(called.label_zh_cn, chosen.value)
ORDER BY n DESC, code
