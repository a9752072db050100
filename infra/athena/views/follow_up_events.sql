CREATE OR REPLACE VIEW "follow_up_events" AS
SELECT 'after-sales' AS survey, "follow_up", "number", "happened_at", "who", "what", "assigned_to", "team", "channel", "outcome", "reason", "verification_response", "dt"
FROM "follow_up_events_after_sales"
