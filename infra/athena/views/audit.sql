CREATE OR REPLACE VIEW "audit" AS
SELECT FROM_ISO8601_TIMESTAMP(happened_at) AS happened_at, who, what, survey, facts, dt
FROM audit_events
