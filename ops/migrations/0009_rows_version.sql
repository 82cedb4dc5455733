-- How what decisions remember is kept (ROWS_VERSION in ledger/core/rows.py). A program that keeps rows another way
-- decides nothing before `onecard restore-rows` has made them again from the log.
ALTER TABLE ledger.store ADD COLUMN rows_version integer NOT NULL DEFAULT 1;
ALTER TABLE ledger.store ALTER COLUMN rows_version DROP DEFAULT;
