"""audit: one row per event, what an auditor searches by (queries.md section 3).

The payload stays in the log and is decoded when asked for: a view that kept it would be three times as slow to fill and
could say something else than the log does. Of a source whose log is elsewhere the view keeps the framed bytes as they
came, since nobody else here has them. card_sns lead to cards by their SHA-256, replaced ones included.
"""

import hashlib
from collections.abc import Iterator
from typing import Any

from ledger.families.registry import EVENTS
from projections import sources
from projections.feed.port import Page, Record
from projections.findings import Finding
from projections.loading import indexes
from projections.views.layout import other_layouts
from projections.views.port import Cursor, Ordered

NAME = "audit"
TABLES = {"audit": "event", "audit_card_sns": "card_sn"}  # and what a row is about
COLUMNS = (
    "source, position, stream_id, card_version, family, event, occurred_at, recorded_at, business_date, submitter,"
    " reference, home, treatment, institution, amount_fen, digest"
)
AMOUNTS = (
    "amount_fen",
    "total_fen",
    "gross_fen",
    "price_fen",
    "price_due_fen",
    "face_fen",
    "net_fen",
    "paid_fen",
    "payable_fen",
    "planned_fen",
)
HOMES = ("home_province", "home", "giver_province", "province", "issue_city")
TREATMENTS = ("treatment_province", "treatment", "use_city")
INSTITUTIONS = ("institution", "operator", "bank", "merchant", "venue", "utility", "library", "seller", "school")


def _first(event: dict[str, Any], names: tuple[str, ...]) -> str:
    """COPY text of the first of these fields that the event has."""
    for name in names:
        found = event.get(name)
        if found is not None:
            return str(found)
    return "\\N"


def copy_line(record: Record) -> str:
    """The event's row in COPY text format. Only a reference may hold a backslash (contract 0.3)."""
    event = record.event
    reference = event["reference"].replace("\\", "\\\\")
    return (
        f"{record.source}\t{record.position}\t{record.stream_id}\t{record.version}\t{EVENTS[record.name].family}\t"
        f"{record.name}\t{event['occurred_at']}\t{event['recorded_at']}\t{event['business_date']}\t"
        f"{event['submitter']}\t{reference}\t{_first(event, HOMES)}\t"
        f"{_first(event, TREATMENTS)}\t{_first(event, INSTITUTIONS)}\t{_first(event, AMOUNTS)}\t"
        f"\\\\x{record.digest().hex()}\n"
    )


def foreign_line(record: Record) -> str:
    """The same, with the framed bytes in the last column."""
    return f"{copy_line(record)[:-1]}\t\\\\x{record.data.hex()}\n"


def card_sns(page: Page) -> Iterator[tuple[bytes, str, int]]:
    """(SHA-256 of a card_sn, card_id, position) for each card_sn the page's events put on a card."""
    for record in page.records:
        if record.name in ("CardIssued", "EnterpriseCardIssued"):
            yield card_sn_hash(record.event["card_sn"]), record.stream_id, record.position
        elif record.name == "CardReplaced":
            yield card_sn_hash(record.event["new_card_sn"]), record.stream_id, record.position


def card_sn_hash(card_sn: str) -> bytes:
    return hashlib.sha256(card_sn.encode()).digest()


class Audit:
    name = NAME
    shareable = True

    def create(self, cursor: Cursor, version: int) -> None:
        cursor.execute(f"""
            CREATE TABLE views.audit_v{version} (
                source text COLLATE "C" NOT NULL,
                position bigint NOT NULL,
                stream_id uuid NOT NULL,
                card_version bigint NOT NULL,
                family text COLLATE "C" NOT NULL,
                event text COLLATE "C" NOT NULL,
                occurred_at bigint NOT NULL,
                recorded_at bigint NOT NULL,
                business_date integer NOT NULL,
                submitter text COLLATE "C" NOT NULL,
                reference text COLLATE "C" NOT NULL,
                home text COLLATE "C",
                treatment text COLLATE "C",
                institution text COLLATE "C",
                amount_fen bigint,
                digest bytea NOT NULL,
                data bytea,
                PRIMARY KEY (source, position)
            );
            CREATE UNIQUE INDEX ON views.audit_v{version} (stream_id, card_version, source);
            CREATE INDEX ON views.audit_v{version} (institution, business_date) WHERE institution IS NOT NULL;
            CREATE INDEX ON views.audit_v{version} (event, business_date);
            CREATE TABLE views.audit_card_sns_v{version} (
                source text COLLATE "C" NOT NULL,
                card_sn_sha256 bytea NOT NULL,
                card_id uuid NOT NULL,
                position bigint NOT NULL,
                PRIMARY KEY (source, card_sn_sha256)
            )
        """)

    def drop(self, cursor: Cursor, version: int) -> None:
        cursor.execute(f"DROP TABLE IF EXISTS views.audit_v{version}, views.audit_card_sns_v{version}")

    def apply(self, cursor: Cursor, version: int, page: Page) -> None:
        foreign = sources.is_foreign(cursor, page.source)
        columns, line = (f"{COLUMNS}, data", foreign_line) if foreign else (COLUMNS, copy_line)
        with cursor.copy(f"COPY views.audit_v{version} ({columns}) FROM STDIN") as copy:
            copy.write("".join([line(record) for record in page.records]))
        found = list(card_sns(page))
        if found:
            cursor.execute(
                f"INSERT INTO views.audit_card_sns_v{version} (source, card_sn_sha256, card_id, position)"
                " SELECT %s, * FROM unnest(%s::bytea[], %s::uuid[], %s::bigint[])",
                (page.source, [one[0] for one in found], [one[1] for one in found], [one[2] for one in found]),
            )

    def loader(self, version: int, source: str) -> "AuditLoader":
        return AuditLoader(version)

    def differences(self, cursor: Cursor, version: int, other: int, source: str) -> list[Finding]:
        names = [(table, f"views.{table}_v{version}", f"views.{table}_v{other}") for table in TABLES]
        if found := other_layouts(cursor, names):
            return found
        for table, subject in TABLES.items():
            cursor.execute(
                f"""
                WITH a AS (SELECT * FROM views.{table}_v{version} WHERE source = %s),
                     b AS (SELECT * FROM views.{table}_v{other} WHERE source = %s)
                SELECT position, bool_or(mine), bool_or(NOT mine) FROM (
                    SELECT position, true AS mine FROM (SELECT * FROM a EXCEPT ALL SELECT * FROM b) AS extra
                    UNION ALL SELECT position, false FROM (SELECT * FROM b EXCEPT ALL SELECT * FROM a) AS missing
                ) AS differing GROUP BY position ORDER BY position
                """,
                (source, source),
                prepare=False,
            )
            for position, extra, missing in cursor.fetchall():
                kind = "audit_differs" if extra and missing else "audit_extra" if extra else "audit_missing"
                found.append(Finding(kind, subject, position, "the audit view does not say what the log says"))
        return found

    def replace(self, cursor: Cursor, version: int, other: int, source: str) -> None:
        for table in TABLES:
            cursor.execute(f"DELETE FROM views.{table}_v{version} WHERE source = %s", (source,))
            cursor.execute(
                f"INSERT INTO views.{table}_v{version} SELECT * FROM views.{table}_v{other} WHERE source = %s",
                (source,),
            )


class AuditLoader:
    """Rows do not ask for order, only their indexes do."""

    wants = frozenset(EVENTS)

    def __init__(self, version: int) -> None:
        self._version = version
        self._tables = f"views.audit_v{version}", f"views.audit_card_sns_v{version}"
        self._indexes: list[str] = []

    def begin(self, cursor: Cursor) -> None:
        self._indexes = indexes.take_off(cursor, self._tables)

    def gather(self, cursor: Cursor, page: Page) -> None:
        Audit().apply(cursor, self._version, page)

    def flush(self, cursor: Cursor) -> None:
        """Every page was written as it came."""

    def finish(self, cursor: Cursor, ordered: Ordered) -> None:
        indexes.put_back(cursor, self._indexes)


def card_id_of_sn(cursor: Cursor, version: int, source: str, card_sn: str) -> str | None:
    """The card that a card_sn, current or replaced, was put on."""
    cursor.execute(
        f"SELECT card_id::text FROM views.audit_card_sns_v{version} WHERE source = %s AND card_sn_sha256 = %s",
        (source, card_sn_hash(card_sn)),
    )
    row = cursor.fetchone()
    return row[0] if row else None
