-- Taps of a chip stand eight counts a row, and a card's row tells its first card_sn. Rows kept the former way would be
-- passed over, and a tap recorded twice; they can only be made again from what was submitted.
DO $$
BEGIN
    IF EXISTS (SELECT FROM ledger.state WHERE kind IN ('tap', 'tap_exit', 'top_ups', 'card_sn')) THEN
        RAISE EXCEPTION 'This store was written by a program from before the first release, which kept the rows of'
            ' chips and card numbers another way: submit its files again, in order, into a new ONECARD_HOME or'
            ' database.';
    END IF;
END $$;
