"""The tables of clearing: lines that never change, one row a unit, cut-offs and the rows they made.

The store has one set (schema `ledger`); a view may have sets of its own under other names and use the same statements.
`eligible_on` is the date from which a month's last day must be for a cut-off to take the unit: eligibility only grows
with the month, so every question about cut-offs becomes a comparison of dates and positions, and nothing is marked.
"""

from dataclasses import dataclass
from typing import Final

CONTRA: Final = "kind IN ('REVERSAL', 'DEDUCTION')"


@dataclass(frozen=True, slots=True)
class Tables:
    """Names of one set: `prefix` + lines, units, cycles, rows. `details`: lines also keep what only readers ask for."""

    prefix: str
    details: bool = False

    @property
    def lines(self) -> str:
        return self.prefix + "lines"

    @property
    def units(self) -> str:
        return self.prefix + "units"

    @property
    def cycles(self) -> str:
        return self.prefix + "cycles"

    @property
    def rows(self) -> str:
        return self.prefix + "rows"


STORE: Final = Tables("ledger.clearing_")

DETAILS: Final = """
    occurred_at bigint NOT NULL,
    business_date integer NOT NULL,
    reverses_n smallint,
    reverses_position bigint,
    card_id uuid NOT NULL,
    institution text COLLATE "C","""

DEFINITION: Final = """\
-- Clearing lines: what one event makes one province owe another. Amounts are signed as they add to a cycle's table;
-- fund_types and fund_amounts go together; dates are days since 1970-01-01.
CREATE TABLE {lines} (
    position bigint NOT NULL,
    total_fen bigint NOT NULL,
    account_fen bigint NOT NULL,
    other_fen bigint NOT NULL,
    deduction_fen bigint NOT NULL,
    effective_date integer NOT NULL,
    n smallint NOT NULL,{details}
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
CREATE INDEX {name}lines_contra_position ON {lines} (position) WHERE {contra};
CREATE INDEX {name}lines_contra_effective ON {lines} (effective_date)
    WHERE {contra};
CREATE INDEX {name}lines_contra_unit ON {lines} (unit_key) WHERE {contra};
-- The columns of a table's key go together: without this the planner expects many times the groups and sorts on disk.
CREATE STATISTICS {prefix}lines_keys (ndistinct)
    ON book, home, treatment, insutype, clr_type, fund_types FROM {lines};

-- Clearing units. touched: position of the last event that changed the unit; cycle and deferrals are true as of then.
-- corrected: a reversal or deduction names one of its lines.
CREATE TABLE {units} (
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
CREATE INDEX {name}units_touched ON {units} (touched, position);
CREATE INDEX {name}units_eligible ON {units} (eligible_on, touched) WHERE cycle IS NULL;
CREATE INDEX {name}units_cycle ON {units} (cycle) WHERE cycle IS NOT NULL;
CREATE INDEX {name}units_open ON {units} (business_date)
    WHERE cycle IS NULL AND eligible_on IS NULL AND NOT voided;
CREATE INDEX {name}units_waiting ON {units} (eligible_on)
    WHERE cycle IS NULL AND eligible_on > business_date;
CREATE INDEX {name}units_corrected_touched ON {units} (touched) WHERE corrected;
CREATE INDEX {name}units_corrected_eligible ON {units} (eligible_on) WHERE corrected AND cycle IS NULL;

-- Cut-offs. Months and positions rise together.
CREATE TABLE {cycles} (
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
CREATE TABLE {rows} (
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
"""


def definition(tables: Tables) -> str:
    """The statements that make a set of tables."""
    return DEFINITION.format(
        lines=tables.lines,
        units=tables.units,
        cycles=tables.cycles,
        rows=tables.rows,
        prefix=tables.prefix,
        name=tables.prefix.rpartition(".")[2],
        details=DETAILS if tables.details else "",
        contra=CONTRA,
    )
