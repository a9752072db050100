CREATE OR REPLACE VIEW "follow_ups" AS
SELECT 'after-sales' AS survey, "follow_up", "response", "rule", "priority", "kind", "state", "agent", "team", "assignee", "assigned_to_team", "language", "detractor", "received_at", "opened_at", "first_contact_due", "contacted_at", "first_contact_on_time", "resolve_due", "resolved_at", "resolved_on_time", "closed_at", "attempts", "reopened", "escalated", "verification_sent_at", "verification_reminded_at", "verification_response", "outcome", "erased", "dt"
FROM "follow_ups_after_sales"
