CREATE OR REPLACE VIEW "invitations" AS
SELECT 'after-sales' AS survey, "campaign", "invitation", "link", "channel", "language", "stratum", "planned_at", "send_at", "noticed_at", "sent_at", "delivered_at", "opened_at", "answered_at", "bounced_at", "opted_out_at", "expired_at", "reminders", "reminded_at", "state", "disposition", "dt"
FROM "invitations_after_sales"
