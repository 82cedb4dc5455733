-- Whether a line is in alarm is told by the cut-off that deferred it last, not by the rules of whoever asks. What views
-- have kept is brought along from the numbers recorded: none in alarm, all, or those above the default of the rule. A
-- view of another limit, whose alarms were of some lines only, is put right by `onecard rebuild clearing --force`.
DO $$
DECLARE
    calendar text;
BEGIN
    FOR calendar IN
        SELECT table_name FROM information_schema.columns
        WHERE table_schema = 'views' AND table_name ~ '^clearing_v\d+_\d+_calendar$' AND column_name = 'decided_on'
    LOOP
        EXECUTE format('ALTER TABLE views.%I ALTER decided_on DROP NOT NULL', calendar);
        EXECUTE format('ALTER TABLE views.%I RENAME decided_on TO alarms_above', calendar);
        EXECUTE format(
            'UPDATE views.%I SET alarms_above = CASE alarm_count WHEN 0 THEN NULL WHEN deferred_count THEN 0 ELSE 2 END'
                ' FROM views.%I AS cut_off WHERE cut_off.cycle = %1$I.cycle',
            calendar, replace(calendar, '_calendar', '_cycles')
        );
    END LOOP;
END $$;
