-- Whose events a view has applied: a source's name can be given to another store, whose positions begin anew.
-- Null: not known yet; whoever applies the next events writes it down.
ALTER TABLE views.tracking ADD COLUMN store_id text COLLATE "C";
UPDATE views.tracking SET store_id = store.store_id::text FROM ledger.store WHERE tracking.source = store.source;
