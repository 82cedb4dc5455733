"""Section 7.1: the clearing lines as the log tells them, which of them a cut-off takes, and the table of a cycle."""

from typing import Any

from tests.model.medical import is_voided, settlement_of
from tests.model.state import Event, Log, instant_text, last_day, sha256_hex

Line = dict[str, Any]
Row = dict[str, Any]

POSITIVE = ("SETTLEMENT", "WALLET", "PASS")
KEY = ("cycle", "book", "home", "treatment", "insutype", "clr_type")


def _line(event: Event, number: int, kind: str, unit: Event, **fields: Any) -> Line:
    line = {
        "line_id": f"{event['position']}-{number}",
        "kind": kind,
        "book": "MEDICAL",
        "amount_fen": 0,
        "total_fen": 0,
        "fund_fen": 0,
        "account_fen": 0,
        "other_fen": 0,
        "deduction_fen": 0,
        "funds": {},
        "settlement_id": unit.get("settlement_id") or unit.get("spend_id") or unit.get("pass_id"),
        "reverses": None,
        "business_date": event["business_date"],
        "origin_period": event["business_date"][:7],
        "occurred_at": instant_text(event["occurred_at"]),
        "institution": unit.get("institution"),
        "card_id": event["stream"],
        "position": event["position"],
    }
    return {**line, **fields}


def _positive_lines(event: Event) -> list[Line]:
    lines: list[Line] = []
    if event.get("cross_province"):
        lines.append(
            _line(
                event,
                1,
                "SETTLEMENT",
                event,
                home=event["home_province"],
                treatment=event["treatment_province"],
                insutype=event["insutype"],
                clr_type=event["clr_type"],
                amount_fen=event["cleared_fen"],
                total_fen=event["total_fen"],
                fund_fen=event["fund_fen"],
                account_fen=event["cleared_fen"] - event["fund_fen"],
                funds=dict(sorted(event["funds"].items())),
            )
        )
    for giver, amount in sorted(event["wallet_cleared"].items()):
        where = {"home": giver, "treatment": event["treatment_province"], "insutype": "310", "clr_type": "WALLET"}
        lines.append(_line(event, len(lines) + 1, "WALLET", event, **where, amount_fen=amount, account_fen=amount))
    return lines


def _negative_lines(event: Event, original: Event) -> list[Line]:
    lines = []
    for number, line in enumerate(_positive_lines(original), start=1):
        same = {field: line[field] for field in ("home", "treatment", "insutype", "clr_type")}
        amounts = ("amount_fen", "total_fen", "fund_fen", "account_fen")
        negated = {field: -line[field] for field in amounts}
        funds = {kind: -amount for kind, amount in line["funds"].items()}
        more = {"reverses": line["line_id"], "funds": funds}
        lines.append(_line(event, number, "REVERSAL", original, **same, **negated, **more))
    return lines


def _deduction_lines(log: Log, event: Event) -> list[Line]:
    settlement = settlement_of(log, event["settlement_id"])
    if settlement is None or not settlement["cross_province"]:
        return []
    original = _positive_lines(settlement)[0]
    amount, reverses = event["amount_fen"], original["line_id"]
    if event["event"] == "AuditDeductionReversed":
        deducted = log.first("AuditDeducted", deduction_id=event["deduction_id"])
        if deducted is None:
            raise AssertionError(event["deduction_id"])
        amount, reverses = -amount, f"{deducted['position']}-1"
    same = {field: original[field] for field in ("home", "treatment", "insutype", "clr_type")}
    amounts = {"amount_fen": -amount, "deduction_fen": amount}
    return [_line(event, 1, "DEDUCTION", settlement, **same, **amounts, reverses=reverses)]


def _pass_lines(event: Event) -> list[Line]:
    home = event["seller_province"]
    sums: dict[str, int] = {}
    for share in event["shares"]:
        sums[share["province"]] = sums.get(share["province"], 0) + share["amount_fen"]
    owed = [(province, amount) for province, amount in sorted(sums.items()) if province != home and amount > 0]
    return [
        _line(
            event,
            number,
            "PASS",
            event,
            book="PASS",
            home=home,
            treatment=province,
            insutype="-",
            clr_type="PASS",
            amount_fen=amount,
            other_fen=amount,
        )
        for number, (province, amount) in enumerate(owed, start=1)
    ]


def plain_lines(log: Log) -> list[Line]:
    """Every clearing line there is, without its state. A voided settlement and its void have none."""
    lines: list[Line] = []
    for event in log.events:
        name = event["event"]
        if name == "MedicalSettled" and not is_voided(log, event):
            lines += _positive_lines(event)
        elif name == "FamilyAidSpent":
            lines += _positive_lines(event)
        elif name == "PassExpired":
            lines += _pass_lines(event)
        elif name == "MedicalReversed":
            original = settlement_of(log, event["settlement_id"])
            lines += _negative_lines(event, original) if original else []
        elif name == "FamilyAidSpendReversed":
            spent = log.first("FamilyAidSpent", spend_id=event["spend_id"])
            lines += _negative_lines(event, spent) if spent else []
        elif name in ("AuditDeducted", "AuditDeductionReversed"):
            if not _of_voided(log, event):
                lines += _deduction_lines(log, event)
    return lines


def _of_voided(log: Log, event: Event) -> bool:
    settlement = settlement_of(log, event["settlement_id"])
    return settlement is not None and is_voided(log, settlement)


def made_lines(settlement: Event) -> bool:
    return bool(_positive_lines(settlement))


# Confirmed, disputed, held


def confirmed_settlements(log: Log) -> set[str]:
    confirmed: set[str] = set()
    for event in log.of("SettlementsConfirmed", "ConfirmationWithdrawn"):
        if event["event"] == "SettlementsConfirmed":
            confirmed |= set(event["settlement_ids"])
        else:
            confirmed -= set(event["settlement_ids"])
    return confirmed


def flags(log: Log, settlement_id: str) -> tuple[bool, bool]:
    """(disputed, held). A resolution without effect (settlement by then reversed or cut off) leaves both alone."""
    disputed = held = False
    for event in log.of("DisputeOpened", "DisputeResolved"):
        if event["settlement_id"] != settlement_id:
            continue
        if event["event"] == "DisputeOpened":
            disputed = True
        elif event["has_effect"]:
            disputed, held = False, event["outcome"] == "REVERSE"
    return disputed, held


# Cut-off


def taken_by(log: Log) -> dict[str, str]:
    return {line_id: cut["cycle"] for cut in log.of("CycleCutOff") for line_id in cut["taken"]}


def deferrals(log: Log, line_id: str) -> tuple[int, bool]:
    """How often a cut-off left the line behind, and whether the last one to do so raised the alarm."""
    count, alarm = 0, False
    for cut in log.of("CycleCutOff"):
        if line_id in cut["deferred"]:
            count += 1
            alarm = line_id in cut["alarmed"]
    return count, alarm


def cut(log: Log, month: str, decided_on: str) -> dict[str, Any]:
    """What a cut-off of the month takes now and leaves behind, with the rows and figures of its table."""
    last, before = last_day(month), taken_by(log)
    confirmed = confirmed_settlements(log)
    due = [line for line in plain_lines(log) if line["line_id"] not in before and line["business_date"] <= last]
    taken: list[Line] = []
    deferred: list[str] = []
    settled = set(before)
    for line in due:
        if line["kind"] in POSITIVE:
            if _eligible(log, line, confirmed) or _unit_undone(log, line, last):
                taken.append(line)
                settled.add(line["line_id"])
            else:
                deferred.append(line["line_id"])
    for line in due:
        if line["kind"] not in POSITIVE and line["reverses"] in settled:
            taken.append(line)
            settled.add(line["line_id"])
    most = log.config("clearing.max_deferrals", decided_on)
    alarmed = [line_id for line_id in deferred if deferrals(log, line_id)[0] + 1 > most]
    rows = table_rows(month, taken)
    return {
        "taken": [line["line_id"] for line in taken],
        "deferred": deferred,
        "alarmed": alarmed,
        "rows": rows,
        "line_count": len(taken),
        "row_count": len(rows),
        "deferred_count": len(deferred),
        "alarm_count": len(alarmed),
        "table_digest": rows_digest(rows),
    }


def is_spend(log: Log, line: Line) -> bool:
    return bool(log.events[line["position"] - 1]["event"] == "FamilyAidSpent")


def born_confirmed(log: Log, line: Line) -> bool:
    return is_spend(log, line) or line["kind"] == "PASS"


def _eligible(log: Log, line: Line, confirmed: set[str]) -> bool:
    if born_confirmed(log, line):
        return True
    return line["settlement_id"] in confirmed and flags(log, line["settlement_id"]) == (False, False)


def _unit_undone(log: Log, line: Line, last: str) -> bool:
    if is_spend(log, line):
        undone = log.first("FamilyAidSpendReversed", spend_id=line["settlement_id"])
    else:
        undone = log.first("MedicalReversed", settlement_id=line["settlement_id"])
    return undone is not None and bool(undone["business_date"] <= last)


# The table


def table_rows(cycle: str, taken: list[Line]) -> list[Row]:
    rows: dict[tuple[str, ...], Row] = {}
    for line in taken:
        named = {"cycle": cycle, **line}
        key = tuple(named[field] for field in KEY)
        row = rows.setdefault(key, {**dict(zip(KEY, key, strict=True)), **_empty_row()})
        column = {"REVERSAL": "reversed_count", "DEDUCTION": "deduction_count"}.get(line["kind"], "count")
        row[column] += 1
        for field in ("total_fen", "fund_fen", "account_fen", "other_fen", "deduction_fen"):
            row[field] += line[field]
        row["payable_fen"] += line["amount_fen"]
        for kind, amount in line["funds"].items():
            row["funds"][kind] = row["funds"].get(kind, 0) + amount
    for row in rows.values():
        row["funds"] = {kind: amount for kind, amount in sorted(row["funds"].items()) if amount != 0}
    return [rows[key] for key in sorted(rows)]


def _empty_row() -> Row:
    numbers = "count reversed_count deduction_count total_fen fund_fen account_fen other_fen deduction_fen payable_fen"
    return {**dict.fromkeys(numbers.split(), 0), "funds": {}}


def rows_digest(rows: list[Row]) -> str:
    text = ""
    for row in rows:
        funds = ",".join(f"{kind}={amount}" for kind, amount in row["funds"].items()) or "-"
        counts = [row["count"], row["reversed_count"], row["deduction_count"]]
        sums = [row["fund_fen"], row["account_fen"], row["other_fen"], row["deduction_fen"], row["payable_fen"]]
        columns = [*(row[field] for field in KEY), *counts, row["total_fen"], funds, *sums]
        text += "\t".join(str(column) for column in columns) + "\n"
    return sha256_hex(text)


def lines_document(log: Log) -> list[Line]:
    """The line objects, each with the state it has now."""
    taken, confirmed = taken_by(log), confirmed_settlements(log)
    closed = {event["cycle"] for event in log.of("CycleClosed")}
    documents = []
    for line in plain_lines(log):
        cycle = taken.get(line["line_id"])
        positive = line["kind"] in POSITIVE
        of_settlement = positive and not born_confirmed(log, line)
        disputed, held = flags(log, line["settlement_id"]) if of_settlement else (False, False)
        agreed = positive and (not of_settlement or line["settlement_id"] in confirmed)
        if cycle is not None:
            state = "CLOSED" if cycle in closed else "CUT_OFF"
        else:
            state = "CONFIRMED" if agreed else "OPEN"
        count, alarm = deferrals(log, line["line_id"])
        status = {"state": state, "disputed": disputed, "held": held, "deferrals": count, "alarm": alarm}
        documents.append({**line, **status, "cycle": cycle})
    return documents
