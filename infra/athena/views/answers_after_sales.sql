CREATE OR REPLACE VIEW "answers_after_sales" AS
SELECT "response", "dt", "received_at", "hour", "version", "language", "channel", "customer", "agent", "team", "store", "tier",
  ELEMENT_AT(ARRAY['service_type', 'service_type_other', 'reached_by', 'speed', 'skill', 'manner', 'ease', 'what_went_wrong', 'contacts', 'solved', 'overall', 'recommend', 'improve', 'improve_other', 'suggestion', 'call_me'], place) AS field, value,
  ELEMENT_AT(ARRAY[
    CAST(NULL AS DOUBLE),
    CAST(NULL AS DOUBLE),
    CAST(NULL AS DOUBLE),
    CAST("speed" AS DOUBLE),
    CAST("skill" AS DOUBLE),
    CAST("manner" AS DOUBLE),
    CAST("ease" AS DOUBLE),
    CAST(NULL AS DOUBLE),
    CAST(NULL AS DOUBLE),
    CAST(NULL AS DOUBLE),
    CAST("overall" AS DOUBLE),
    CAST("recommend" AS DOUBLE),
    CAST(NULL AS DOUBLE),
    CAST(NULL AS DOUBLE),
    CAST(NULL AS DOUBLE),
    CAST(NULL AS DOUBLE)], place) AS number
FROM "responses_after_sales"
CROSS JOIN UNNEST(SEQUENCE(1, 16)) AS places (place)
CROSS JOIN UNNEST(ELEMENT_AT(ARRAY[
    ARRAY[CAST("service_type" AS VARCHAR)],
    ARRAY[CAST("service_type_other" AS VARCHAR)],
    ARRAY[CAST("reached_by" AS VARCHAR)],
    ARRAY[CASE WHEN "speed_na" THEN 'na' ELSE CAST("speed" AS VARCHAR) END],
    ARRAY[CAST("skill" AS VARCHAR)],
    ARRAY[CAST("manner" AS VARCHAR)],
    ARRAY[CASE WHEN "ease_na" THEN 'na' ELSE CAST("ease" AS VARCHAR) END],
    ARRAY[CAST("what_went_wrong" AS VARCHAR)],
    ARRAY[CAST("contacts" AS VARCHAR)],
    ARRAY[CAST("solved" AS VARCHAR)],
    ARRAY[CAST("overall" AS VARCHAR)],
    ARRAY[CAST("recommend" AS VARCHAR)],
    "improve",
    ARRAY[CAST("improve_other" AS VARCHAR)],
    ARRAY[CAST("suggestion" AS VARCHAR)],
    ARRAY[CAST("call_me" AS VARCHAR)]], place)) AS said (value)
WHERE value IS NOT NULL
