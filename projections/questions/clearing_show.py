"""One settlement, spend or pass with its lines and all that happened to it; or one notice (queries.md section 4).

Settlements, spends and passes have id spaces of their own: where one id names several, all are shown.
"""

import re
from typing import Any, Final

from ledger.core.calendar import date_text, instant_text
from ledger.core.configuration import Configuration
from ledger.families.clearing.lines import pass_unit, settlement_unit, spend_unit
from ledger.store import lines as store_lines
from projections.questions import audit, streams
from projections.questions.clearing import notice_objects, row_objects
from projections.questions.clearing_lines import Calendar, View, Wanted, all_lines, view_of
from projections.questions.naming import quoted
from projections.questions.reach import up_to
from projections.questions.snapshot import Cursor, Unknown
from projections.views.clearing.view import NAME

NOTICE: Final = re.compile(r"(20[0-9]{2}-(?:0[1-9]|1[0-2]))-(MEDICAL|PASS)-([0-9]{2})-([0-9]{2})")
FIGURES: Final = (
    "total_fen account_fen account_mutual_aid_fen wallet_fen cash_fen hospital_fen cleared_fen position"
).split()


def show(cursor: Cursor, source: str, name: str, config: Configuration) -> dict[str, Any]:
    """The document of an id; Unknown if nothing bears it."""
    view = view_of(cursor, source)
    found = settlement(cursor, view, source, name) or notice(cursor, view, name, config)
    if found is None:
        raise unknown(name, up_to(cursor, source, view.position, NAME))
    return found


def unknown(name: str, where: str) -> Unknown:
    """What is said of an id that nothing bears."""
    kind = "notice" if NOTICE.fullmatch(name) else "settlement"
    return Unknown(f"{kind}_unknown", f"no {kind} is known by {quoted(name, 'id')} {where}")


# --- settlements -----------------------------------------------------------------------------------------------------


def settlement(cursor: Cursor, view: View, source: str, name: str) -> dict[str, Any] | None:
    """The document of a settlement, spend or pass; None if the ledger has none of this id."""
    bill = _bill(cursor, view, name)
    cursor.execute(
        f"SELECT position FROM {view.own.named('acts')} WHERE unit_key = ANY(%s)",
        ([settlement_unit(name), spend_unit(name), pass_unit(name)],),
    )
    positions = {position for (position,) in cursor.fetchall()}
    if bill is not None:
        positions.add(bill["position"])
    if not positions:
        return None
    return {
        "settlement": bill,
        "lines": all_lines(cursor, view, Wanted(settlement_id=name)),
        "events": _events(cursor, source, sorted(positions)),
    }


def _bill(cursor: Cursor, view: View, settlement_id: str) -> dict[str, Any] | None:
    own = view.own
    cursor.execute(
        f"""
        SELECT bill.voided, EXISTS (SELECT FROM {own.named("bills")} WHERE settlement_id = %(id)s AND flag = 1),
            coalesce(unit.confirmed, false), coalesce(unit.disputed, false), coalesce(unit.held, false),
            bill.card_id::text, bill.institution, bill.home, bill.treatment, bill.fund_types, bill.fund_amounts,
            bill.occurred_at, {", ".join(f"bill.{name}" for name in FIGURES)}
        FROM {own.named("bills")} AS bill LEFT JOIN {own.units} AS unit ON unit.unit_key = %(unit)s
        WHERE bill.settlement_id = %(id)s AND bill.flag = 0
        """,
        {"id": settlement_id, "unit": settlement_unit(settlement_id)},
    )
    row = cursor.fetchone()
    if row is None:
        return None
    voided, undone, confirmed, disputed, held, card_id, institution, home, treatment, types, amounts, at = row[:12]
    return {
        "settlement_id": settlement_id,
        "card_id": card_id,
        "status": "VOIDED" if voided else "REVERSED" if undone else "EFFECTIVE",
        "confirmed": confirmed,
        "disputed": disputed,
        "held": held,
        "institution": institution,
        "home": home,
        "treatment": treatment,
        "funds": dict(zip(types.split(","), amounts, strict=True)) if types else {},
        "occurred_at": instant_text(at),
        **dict(zip(FIGURES, row[12:], strict=True)),
    }


def _events(cursor: Cursor, source: str, positions: list[int]) -> list[dict[str, Any]]:
    """The events at some positions as they are kept."""
    return [audit.event_object(one, one.postings) for one in streams.at_positions(cursor, source, positions)]


# --- notices ---------------------------------------------------------------------------------------------------------


def notice(cursor: Cursor, view: View, name: str, config: Configuration) -> dict[str, Any] | None:
    """The document of a notice; None if the ledger owes or is owed nothing under this id."""
    named = NOTICE.fullmatch(name)
    if named is None:
        return None
    month, *pair = named.groups()
    of_cycle = notice_objects(cursor, view, Calendar(cursor, view.own), month, config)
    found = next((one for one in of_cycle if one["notice_id"] == name), None)
    if found is None:
        return None
    rows = store_lines.cycle_rows(cursor, view.own, month)
    cursor.execute(
        f"SELECT remittance_id, method, amount_fen, paid_on, position FROM {view.own.named('remittances')}"
        " WHERE notice_id = %s ORDER BY position",
        (name,),
    )
    return {
        "notice": found,
        "rows": row_objects(row for row in rows if [row.book, row.home, row.treatment] == pair),
        "remittances": [
            {
                "remittance_id": remittance_id,
                "method": method,
                "amount_fen": amount,
                "paid_on": date_text(paid_on),
                "position": position,
            }
            for remittance_id, method, amount, paid_on, position in cursor.fetchall()
        ],
    }
