-- What do detractors (0 to 6) write, and who served them? The latest first.
SELECT dt, response, "agent" AS who, "team" AS team, "recommend" AS nps, "what_went_wrong" AS words
FROM "responses_after_sales"
WHERE "recommend" <= 6 AND "what_went_wrong" IS NOT NULL AND LOWER(TRIM("what_went_wrong")) NOT IN ('无', '没有', 'none')
ORDER BY dt DESC, response DESC
