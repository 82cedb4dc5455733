"""A stretch of one source's events between two cut-offs: gathered in order, then written in a few statements."""

from collections.abc import Callable, Sequence
from typing import Any, Final

from ledger.core.decider import Event
from ledger.families.clearing.lines import CONTRA, Line, lines_for
from ledger.families.clearing.units import Unit
from ledger.store import lines as store_lines
from projections.feed.port import Record
from projections.views.clearing.tables import Set
from projections.views.clearing.units import PASS_EVENTS, CutOff, Units, named_by
from projections.views.port import Cursor

# Events that may open units and change none; their units are confirmed from the beginning, but for settlements.
SETTLED: Final = "MedicalSettled"
OPENING: Final = frozenset((SETTLED, "FamilyAidSpent")) | PASS_EVENTS
UNIT_EVENTS: Final = frozenset(
    "MedicalReversed MedicalVoided FamilyAidSpendReversed AuditDeducted AuditDeductionReversed SettlementsConfirmed"
    " ConfirmationWithdrawn DisputeOpened DisputeResolved".split()
)
BILL_COLUMNS: Final = (
    "position, occurred_at, total_fen, fund_fen, account_fen, account_mutual_aid_fen, wallet_fen, cash_fen,"
    " hospital_fen, cleared_fen, card_id, business_date, flag, home, treatment, insutype, clr_type, institution,"
    " visit_id, settlement_id, fund_types, fund_amounts"
)
LINE_COLUMNS: Final = (
    "position, n, kind, book, home, treatment, insutype, clr_type, unit_key, effective_date, total_fen, account_fen,"
    " other_fen, deduction_fen, fund_types, fund_amounts, occurred_at, business_date, card_id, institution,"
    " reverses_position, reverses_n"
)
UNIT_COLUMNS: Final = (
    "unit_key, position, business_date, lines, confirmed, disputed, held, voided, reversed_at, reversed_on, touched"
)
REVERSED: Final = """
    INSERT INTO {bills} ({columns})
    SELECT new.position, new.occurred_at, -total_fen, -fund_fen, -account_fen, -account_mutual_aid_fen, -wallet_fen,
        -cash_fen, -hospital_fen, -cleared_fen, card_id, new.business_date, 1, home, treatment, insutype, clr_type,
        institution, visit_id, settlement_id, '', '{{}}'
    FROM {bills} AS bill JOIN unnest(%s::text[], %s::bigint[], %s::bigint[], %s::int[])
        AS new (settlement_id, position, occurred_at, business_date) USING (settlement_id)
    WHERE bill.flag = 0
"""


def bill_line(event: Event, position: int) -> str:
    """A settlement's row in COPY text format; identifiers hold nothing that must be escaped (contract 0.3)."""
    funds = event["funds"]
    return (
        f"{position}\t{event['occurred_at']}\t{event['total_fen']}\t{event['fund_fen']}\t{event['account_fen']}\t"
        f"{event['account_mutual_aid_fen']}\t{event['wallet_fen']}\t{event['cash_fen']}\t{event['hospital_fen']}\t"
        f"{event['cleared_fen']}\t{event['card_id']}\t{event['business_date']}\t0\t{event['home_province']}\t"
        f"{event['treatment_province']}\t{event['insutype']}\t{event['clr_type']}\t{event['institution']}\t"
        f"{event['visit_id']}\t{event['settlement_id']}\t{','.join(funds)}\t{{{','.join(map(str, funds.values()))}}}\n"
    )


def line_line(line: Line) -> str:
    """A clearing line's row in COPY text format."""
    funds = line.funds
    reverses = "\\N\t\\N" if line.reverses is None else f"{line.reverses[0]}\t{line.reverses[1]}"
    return (
        f"{line.position}\t{line.n}\t{line.kind}\t{line.book}\t{line.home}\t{line.treatment}\t{line.insutype}\t"
        f"{line.clr_type}\t{line.unit}\t{line.effective_date}\t{line.total_fen}\t{line.account_fen}\t"
        f"{line.other_fen}\t{line.deduction_fen}\t{','.join(funds)}\t{{{','.join(map(str, funds.values()))}}}\t"
        f"{line.occurred_at}\t{line.business_date}\t{line.card_id}\t{line.institution or chr(92) + 'N'}\t{reverses}\n"
    )


def unit_line(key: str, unit: Unit) -> str:
    """The row, in COPY text format, of a unit that no cut-off has seen."""
    at, on = ("\\N" if one is None else one for one in (unit.reversed_at, unit.reversed_on))
    return (
        f"{key}\t{unit.position}\t{unit.business_date}\t{unit.lines}\t{unit.confirmed}\t{unit.disputed}\t"
        f"{unit.held}\t{unit.voided}\t{at}\t{on}\t{unit.touched}\n"
    )


class Stretch:
    """Feed it records in order with `take`, then `write`."""

    def __init__(self, tables: Set) -> None:
        self._tables = tables
        self._unit_events: list[tuple[str, Event, int, list[Line]]] = []
        self._lines: list[Line] = []
        self._bills: list[str] = []
        self._reversals: list[tuple[str, int, int, int]] = []
        self._voided: list[str] = []
        self._acts: list[tuple[int, str]] = []
        self._rows: dict[str, list[tuple[Any, ...]]] = {}
        self._closed: list[tuple[str, int]] = []
        self._handlers: dict[str, Callable[[Record], None]] = {
            **dict.fromkeys(OPENING, self._opening),
            SETTLED: self._settled,
            "CycleClosed": self._cycle_closed,
            "NoticeIssued": self._notice_issued,
            "RemittanceRecorded": self._remitted,
            "PrepaymentPaid": self._prepayment_moved,
            "PrepaymentReturned": self._prepayment_moved,
            "PrepaymentAlertRaised": self._alert_raised,
            **dict.fromkeys(UNIT_EVENTS, self._unit_event),
        }

    def take(self, record: Record) -> None:
        handle = self._handlers.get(record.name)
        if handle is not None:
            handle(record)

    # --- gathering ---------------------------------------------------------------------------------------------------

    def _settled(self, record: Record) -> None:
        event = record.event
        self._bills.append(bill_line(event, record.position))
        if event["cross_province"] or event["wallet_cleared"]:
            self._make_lines(record)

    def _opening(self, record: Record) -> None:
        self._acts.extend((record.position, key) for key in named_by(record.name, record.event))
        self._make_lines(record)

    def _make_lines(self, record: Record) -> None:
        made = lines_for(record.name, record.event, record.position)
        if made:
            self._lines.extend(made)
            self._unit_events.append((record.name, record.event, record.position, made))

    def _unit_event(self, record: Record) -> None:
        event, position = record.event, record.position
        self._acts.extend((position, key) for key in named_by(record.name, event))
        self._lines.extend(lines_for(record.name, event, position))
        self._unit_events.append((record.name, event, position, []))
        if record.name == "MedicalReversed":
            self._reversals.append((event["settlement_id"], position, event["occurred_at"], event["business_date"]))
        elif record.name == "MedicalVoided" and event["effective"]:
            self._voided.append(event["settlement_id"])

    def _cycle_closed(self, record: Record) -> None:
        self._closed.append((record.event["cycle"], record.position))

    def _add(self, table: str, *values: Any) -> None:
        self._rows.setdefault(table, []).append(values)

    def _notice_issued(self, record: Record) -> None:
        names = "notice_id cycle payable_fen brought_forward_fen payer payee amount_fen".split()
        self._add("notices", *(record.event[name] for name in names))

    def _remitted(self, record: Record) -> None:
        event = record.event
        if event["notice_id"] is not None:
            own = event["remittance_id"], event["notice_id"], event["method"], event["amount_fen"], event["paid_on"]
            self._add("remittances", *own, record.position)
        self._prepayment_moved(record)

    def _prepayment_moved(self, record: Record) -> None:
        for account, amount in record.postings:
            kind, *pair = account.split(":")
            if kind == "prepayment":
                self._add("prepayments", record.position, *pair, amount)

    def _alert_raised(self, record: Record) -> None:
        self._add("alerts", record.event["cycle"], record.event["home"], record.event["treatment"])

    # --- loading -----------------------------------------------------------------------------------------------------

    def load(self, cursor: Cursor) -> None:
        """Write what `OPENING` events made, all of it new, into tables without indexes."""
        tables = self._tables
        units = [
            f"{made[0].unit}\t{position}\t{event['business_date']}\t{len(made)}\t{name != SETTLED}\t{position}\n"
            for name, event, position, made in self._unit_events
        ]
        self._copy_new(cursor)
        _copy(cursor, tables.units, "unit_key, position, business_date, lines, confirmed, touched", units)

    def _copy_new(self, cursor: Cursor) -> None:
        tables = self._tables
        _copy(cursor, tables.named("bills"), BILL_COLUMNS, self._bills)
        _copy(cursor, tables.lines, LINE_COLUMNS, [line_line(line) for line in self._lines])
        _copy(cursor, tables.named("acts"), "position, unit_key", [f"{act[0]}\t{act[1]}\n" for act in self._acts])

    # --- writing -----------------------------------------------------------------------------------------------------

    def write(self, cursor: Cursor, cut_offs: Callable[[], Sequence[CutOff]]) -> None:
        """`cut_offs`: every one recorded so far; asked for only if units are written."""
        tables = self._tables
        self._copy_new(cursor)
        if self._reversals:
            statement = REVERSED.format(bills=tables.named("bills"), columns=BILL_COLUMNS)
            cursor.execute(statement, [list(column) for column in zip(*self._reversals, strict=True)])
        if self._voided:
            cursor.execute(
                f"UPDATE {tables.named('bills')} SET voided = true WHERE settlement_id = ANY(%s)", (self._voided,)
            )
        self._write_units(cursor, cut_offs)
        store_lines.mark_corrected(cursor, tables, [line for line in self._lines if line.kind in CONTRA])
        for table, rows in self._rows.items():
            places = ", ".join(["%s"] * len(rows[0]))
            cursor.executemany(f"INSERT INTO {tables.named(table)} VALUES ({places})", rows)
        for cycle, position in self._closed:
            cursor.execute(f"UPDATE {tables.named('calendar')} SET closed_at = %s WHERE cycle = %s", (position, cycle))

    def _write_units(self, cursor: Cursor, cut_offs: Callable[[], Sequence[CutOff]]) -> None:
        if not self._unit_events:
            return
        keys = {key for name, event, _, made in self._unit_events if not made for key in named_by(name, event)}
        units = Units(store_lines.load_units(cursor, self._tables, sorted(keys)) if keys else [], cut_offs())
        for name, event, position, made in self._unit_events:
            if made:
                units.open(made[0].unit, position, event["business_date"], len(made), name != SETTLED)
            else:
                units.change(name, event, position)
        _copy(cursor, self._tables.units, UNIT_COLUMNS, [unit_line(key, unit) for key, unit in units.opened()])
        store_lines.upsert_units(cursor, self._tables, units.changed())


def _copy(cursor: Cursor, table: str, columns: str, rows: list[str]) -> None:
    if rows:
        with cursor.copy(f"COPY {table} ({columns}) FROM STDIN") as copy:
            copy.write("".join(rows))
