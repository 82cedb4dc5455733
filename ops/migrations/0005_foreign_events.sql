-- The audit view keeps the framed bytes of events whose log is elsewhere; of its own store's they stay in the log.
-- The views make their tables themselves: this is for versions that were made before.

DO $$
DECLARE
    made record;
BEGIN
    FOR made IN SELECT tablename FROM pg_tables WHERE schemaname = 'views' AND tablename ~ '^audit_v[0-9]+$' LOOP
        EXECUTE format('ALTER TABLE views.%I ADD COLUMN IF NOT EXISTS data bytea', made.tablename);
    END LOOP;
END
$$;
