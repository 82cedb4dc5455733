"""The tables of the clearing view: a set for each source, made when the first event of that source comes.

Lines, units, cycles and rows are those of the store under other names, so both sides answer by the same statements.
Set 0 stays empty: it is what a source of which nothing has come yet reads. Dates are days since 1970-01-01.
"""

from dataclasses import dataclass
from typing import Final

from ledger.store.line_tables import Tables, definition
from projections.views.port import Cursor

EMPTY: Final = 0
MADE: Final = """
    SELECT format('views.%%I', tablename) FROM pg_tables
    WHERE schemaname = 'views' AND (tablename = %s OR tablename LIKE %s)
"""
OWN: Final = """
CREATE TABLE {set}bills (
    position bigint NOT NULL,
    occurred_at bigint NOT NULL,
    total_fen bigint NOT NULL,
    fund_fen bigint NOT NULL,
    account_fen bigint NOT NULL,
    account_mutual_aid_fen bigint NOT NULL,
    wallet_fen bigint NOT NULL,
    cash_fen bigint NOT NULL,
    hospital_fen bigint NOT NULL,
    cleared_fen bigint NOT NULL,
    card_id uuid NOT NULL,
    business_date integer NOT NULL,
    flag smallint NOT NULL,
    voided boolean NOT NULL DEFAULT false,
    home text COLLATE "C" NOT NULL,
    treatment text COLLATE "C" NOT NULL,
    insutype text COLLATE "C" NOT NULL,
    clr_type text COLLATE "C" NOT NULL,
    institution text COLLATE "C" NOT NULL,
    visit_id text COLLATE "C" NOT NULL,
    settlement_id text COLLATE "C" NOT NULL,
    fund_types text COLLATE "C" NOT NULL,
    fund_amounts bigint[] NOT NULL,
    PRIMARY KEY (settlement_id, flag)
);
CREATE INDEX ON {set}bills (institution, business_date);
CREATE INDEX ON {set}bills USING brin (business_date);

CREATE TABLE {set}acts (
    position bigint NOT NULL,
    unit_key text COLLATE "C" NOT NULL
);
CREATE INDEX ON {set}acts (unit_key, position);

CREATE TABLE {set}calendar (
    cycle text COLLATE "C" PRIMARY KEY,
    alarms_above integer,
    closed_at bigint
);

CREATE TABLE {set}notices (
    notice_id text COLLATE "C" PRIMARY KEY,
    cycle text COLLATE "C" NOT NULL,
    payable_fen bigint NOT NULL,
    brought_forward_fen bigint NOT NULL,
    payer text COLLATE "C" NOT NULL,
    payee text COLLATE "C" NOT NULL,
    amount_fen bigint NOT NULL
);

CREATE TABLE {set}remittances (
    remittance_id text COLLATE "C" PRIMARY KEY,
    notice_id text COLLATE "C" NOT NULL,
    method text COLLATE "C" NOT NULL,
    amount_fen bigint NOT NULL,
    paid_on integer NOT NULL,
    position bigint NOT NULL
);
CREATE INDEX ON {set}remittances (notice_id, position);

CREATE TABLE {set}prepayments (
    position bigint NOT NULL,
    home text COLLATE "C" NOT NULL,
    treatment text COLLATE "C" NOT NULL,
    amount_fen bigint NOT NULL
);

CREATE TABLE {set}alerts (
    cycle text COLLATE "C" NOT NULL,
    home text COLLATE "C" NOT NULL,
    treatment text COLLATE "C" NOT NULL,
    PRIMARY KEY (cycle, home, treatment)
);
"""


@dataclass(frozen=True, slots=True)
class Set(Tables):
    """One source's tables. bills: a row a settlement (flag 0) and a reversal (flag 1), home ones included.

    acts: which events name a unit, beside the settlement's own. calendar: how often a line was deferred at the
    most without an alarm of that cut-off (null: none was raised), and when its cycle closed. prepayments: movements of
    what home provinces have paid in advance.
    """

    def named(self, name: str) -> str:
        return self.prefix + name

    @property
    def names(self) -> list[str]:
        """Every table of the set."""
        own = "bills acts calendar notices remittances prepayments alerts".split()
        return [self.lines, self.units, self.cycles, self.rows, *map(self.named, own)]


def set_of(version: int, number: int) -> Set:
    return Set(f"views.clearing_v{version}_{number}_", details=True)


def create(cursor: Cursor, version: int) -> None:
    """A version without any source."""
    cursor.execute(f"""
        CREATE TABLE views.clearing_v{version} (
            source text COLLATE "C" PRIMARY KEY,
            number integer GENERATED ALWAYS AS IDENTITY
        )
    """)
    _make(cursor, set_of(version, EMPTY))


def drop(cursor: Cursor, version: int) -> None:
    """Also of a program whose sets had other tables."""
    cursor.execute(MADE, (f"clearing_v{version}", rf"clearing\_v{version}\_%"))
    for (table,) in cursor.fetchall():
        cursor.execute(f"DROP TABLE {table}")


def find(cursor: Cursor, version: int, source: str) -> Set:
    """The tables that hold what is known of a source: the empty ones if nothing has come of it."""
    cursor.execute(f"SELECT number FROM views.clearing_v{version} WHERE source = %s", (source,))
    row = cursor.fetchone()
    return set_of(version, row[0] if row else EMPTY)


def open_set(cursor: Cursor, version: int, source: str) -> Set:
    """The tables to write a source's events into."""
    found = find(cursor, version, source)
    if found != set_of(version, EMPTY):
        return found
    cursor.execute(f"INSERT INTO views.clearing_v{version} (source) VALUES (%s) RETURNING number", (source,))
    row = cursor.fetchone()
    assert row is not None
    made = set_of(version, row[0])
    _make(cursor, made)
    return made


def written_columns(cursor: Cursor, table: str) -> str:
    """The columns of a table that are written, and not worked out by the database."""
    cursor.execute(
        "SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum) FROM pg_attribute"
        " WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = ''",
        (table,),
    )
    ((columns,),) = cursor.fetchall()
    return str(columns)


def _make(cursor: Cursor, made: Set) -> None:
    cursor.execute(definition(made) + OWN.format(set=made.prefix))
