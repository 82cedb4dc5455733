-- Clearing in the store: written in the appending transaction, read by cut-offs. Made by ledger.store.line_tables.

-- Clearing lines: what one event makes one province owe another. Amounts are signed as they add to a cycle's table;
-- fund_types and fund_amounts go together; dates are days since 1970-01-01.
CREATE TABLE ledger.clearing_lines (
    position bigint NOT NULL,
    total_fen bigint NOT NULL,
    account_fen bigint NOT NULL,
    other_fen bigint NOT NULL,
    deduction_fen bigint NOT NULL,
    effective_date integer NOT NULL,
    n smallint NOT NULL,
    kind text COLLATE "C" NOT NULL,
    book text COLLATE "C" NOT NULL,
    home text COLLATE "C" NOT NULL,
    treatment text COLLATE "C" NOT NULL,
    insutype text COLLATE "C" NOT NULL,
    clr_type text COLLATE "C" NOT NULL,
    unit_key text COLLATE "C" NOT NULL,
    fund_types text COLLATE "C" NOT NULL,
    fund_amounts bigint[] NOT NULL,
    PRIMARY KEY (position, n)
);
CREATE INDEX clearing_lines_contra_position ON ledger.clearing_lines (position) WHERE kind IN ('REVERSAL', 'DEDUCTION');
CREATE INDEX clearing_lines_contra_effective ON ledger.clearing_lines (effective_date)
    WHERE kind IN ('REVERSAL', 'DEDUCTION');
CREATE INDEX clearing_lines_contra_unit ON ledger.clearing_lines (unit_key) WHERE kind IN ('REVERSAL', 'DEDUCTION');
-- The columns of a table's key go together: without this the planner expects many times the groups and sorts on disk.
CREATE STATISTICS ledger.clearing_lines_keys (ndistinct)
    ON book, home, treatment, insutype, clr_type, fund_types FROM ledger.clearing_lines;

-- Clearing units. touched: position of the last event that changed the unit; cycle and deferrals are true as of then.
-- corrected: a reversal or deduction names one of its lines.
CREATE TABLE ledger.clearing_units (
    position bigint NOT NULL DEFAULT 0,
    touched bigint NOT NULL DEFAULT 0,
    reversed_at bigint,
    business_date integer NOT NULL DEFAULT 0,
    reversed_on integer,
    lines integer NOT NULL DEFAULT 0,
    deferrals integer NOT NULL DEFAULT 0,
    eligible_on integer GENERATED ALWAYS AS (
        CASE
            WHEN voided THEN NULL
            WHEN confirmed AND NOT disputed AND NOT held THEN business_date
            WHEN reversed_on IS NOT NULL THEN greatest(business_date, reversed_on)
        END
    ) STORED,
    confirmed boolean NOT NULL DEFAULT false,
    disputed boolean NOT NULL DEFAULT false,
    held boolean NOT NULL DEFAULT false,
    voided boolean NOT NULL DEFAULT false,
    corrected boolean NOT NULL DEFAULT false,
    cycle text COLLATE "C",
    unit_key text COLLATE "C" PRIMARY KEY
) WITH (fillfactor = 85);
CREATE INDEX clearing_units_touched ON ledger.clearing_units (touched, position);
CREATE INDEX clearing_units_eligible ON ledger.clearing_units (eligible_on, touched) WHERE cycle IS NULL;
CREATE INDEX clearing_units_cycle ON ledger.clearing_units (cycle) WHERE cycle IS NOT NULL;
CREATE INDEX clearing_units_open ON ledger.clearing_units (business_date)
    WHERE cycle IS NULL AND eligible_on IS NULL AND NOT voided;
CREATE INDEX clearing_units_waiting ON ledger.clearing_units (eligible_on)
    WHERE cycle IS NULL AND eligible_on > business_date;
CREATE INDEX clearing_units_corrected_touched ON ledger.clearing_units (touched) WHERE corrected;
CREATE INDEX clearing_units_corrected_eligible ON ledger.clearing_units (eligible_on) WHERE corrected AND cycle IS NULL;

-- Cut-offs. Months and positions rise together.
CREATE TABLE ledger.clearing_cycles (
    cycle text COLLATE "C" PRIMARY KEY,
    position bigint NOT NULL UNIQUE,
    last_day integer NOT NULL,
    line_count bigint NOT NULL,
    row_count bigint NOT NULL,
    deferred_count bigint NOT NULL,
    alarm_count bigint NOT NULL,
    table_digest text COLLATE "C" NOT NULL
);

-- The table of every cycle.
CREATE TABLE ledger.clearing_rows (
    cycle text COLLATE "C" NOT NULL,
    book text COLLATE "C" NOT NULL,
    home text COLLATE "C" NOT NULL,
    treatment text COLLATE "C" NOT NULL,
    insutype text COLLATE "C" NOT NULL,
    clr_type text COLLATE "C" NOT NULL,
    count bigint NOT NULL,
    reversed_count bigint NOT NULL,
    deduction_count bigint NOT NULL,
    total_fen bigint NOT NULL,
    fund_types text COLLATE "C" NOT NULL,
    fund_amounts bigint[] NOT NULL,
    fund_fen bigint NOT NULL,
    account_fen bigint NOT NULL,
    other_fen bigint NOT NULL,
    deduction_fen bigint NOT NULL,
    payable_fen bigint NOT NULL,
    PRIMARY KEY (cycle, book, home, treatment, insutype, clr_type)
);

CREATE TRIGGER clearing_lines_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger.clearing_lines
    FOR EACH STATEMENT EXECUTE FUNCTION ledger.refuse_change();
CREATE TRIGGER clearing_cycles_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger.clearing_cycles
    FOR EACH STATEMENT EXECUTE FUNCTION ledger.refuse_change();
CREATE TRIGGER clearing_rows_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger.clearing_rows
    FOR EACH STATEMENT EXECUTE FUNCTION ledger.refuse_change();

GRANT SELECT ON ledger.clearing_lines, ledger.clearing_units, ledger.clearing_cycles, ledger.clearing_rows
    TO onecard_writer, onecard_reader;
GRANT INSERT ON ledger.clearing_lines, ledger.clearing_cycles, ledger.clearing_rows TO onecard_writer;
GRANT INSERT, UPDATE ON ledger.clearing_units TO onecard_writer;
