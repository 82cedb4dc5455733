-- With how many entries of its configuration the store began. All later ones came with an event that says so, and
-- `verify` puts those events behind these entries: an entry that no event brought is a finding.
ALTER TABLE ledger.store ADD COLUMN first_entries integer;
UPDATE ledger.store SET first_entries = jsonb_array_length(configuration);
ALTER TABLE ledger.store ALTER COLUMN first_entries SET NOT NULL;
