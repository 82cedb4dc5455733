"""Sections 7.8 to 7.10: notices, the money that follows them, and prepayment between provinces."""

from typing import Any

from tests.model.clearing import closed_cycles, cycle_state, pair_totals
from tests.model.shape import Refused, refuse_if
from tests.model.state import Command, Event, Log, Planned, last_day, legs, mirrored, stream_id

Pair = tuple[str, str, str]  # book, home, treatment

# 7.8


def _rows(log: Log, cycle: str) -> list[dict[str, Any]]:
    cut_off = log.first("CycleCutOff", cycle=cycle)
    return cut_off["rows"] if cut_off else []


def pair_total(log: Log, cycle: str, pair: Pair) -> int:
    return pair_totals(_rows(log, cycle)).get(pair, 0)


def policy(log: Log, cycle: str, home: str) -> str:
    return str(log.config("clearing.negative_pair", last_day(cycle), home))


def brought(log: Log, cycle: str, pair: Pair) -> int:
    """What the closed cycle before this one carried on, told from the first closed cycle."""
    carried = 0
    for earlier in closed_cycles(log):
        if earlier == cycle:
            break
        owed = pair_total(log, earlier, pair) + carried
        carries = policy(log, earlier, pair[1]) == "CARRY" and not _is_issued(log, earlier, pair)
        carried = owed if owed < 0 and carries else 0
    return carried


def notice_figures(log: Log, cycle: str, pair: Pair) -> dict[str, Any]:
    _, home, treatment = pair
    total, forward = pair_total(log, cycle, pair), brought(log, cycle, pair)
    owed = total + forward
    payer, payee = None, None
    if owed > 0:
        payer, payee = home, treatment
    elif owed < 0 and policy(log, cycle, home) == "FLIP" and not set_off_since(log, cycle, pair, owed):
        payer, payee = treatment, home
    return {
        "notice_id": "-".join((cycle, *pair)),
        "payable_fen": total,
        "brought_forward_fen": forward,
        "payer": payer,
        "payee": payee,
        "amount_fen": abs(owed) if payer else 0,
    }


def set_off_since(log: Log, cycle: str, pair: Pair, owed: int) -> bool:
    """Whether the next notice took less for it: it was carried there before the policy was dated back."""
    carried, else_carried = owed, 0
    for later in sorted(closed_cycles(log)):
        if later <= cycle:
            continue
        total = pair_total(log, later, pair)
        notice = log.first("NoticeIssued", notice_id="-".join((later, *pair)))
        if notice is not None:
            return notice["brought_forward_fen"] == carried and carried != else_carried
        carried, else_carried = min(0, carried + total), min(0, else_carried + total)
    return False


def _closed(log: Log, cycle: str) -> None:
    state = cycle_state(log, cycle)
    refuse_if(state == "OPEN", "cycle_unknown")
    refuse_if(state == "CUT_OFF", "cycle_not_closed")


def issue_notice(log: Log, command: Command) -> list[Planned]:
    _closed(log, command["cycle"])
    figures = notice_figures(log, command["cycle"], (command["book"], command["home"], command["treatment"]))
    refuse_if(figures["payer"] is None, "nothing_to_notice")
    refuse_if(log.first("NoticeIssued", notice_id=figures["notice_id"]), "notice_exists")
    return [Planned(stream_id(f"cycle:{command['cycle']}"), "NoticeIssued", figures)]


# 7.9


def remitted(log: Log, notice_id: str) -> int:
    return sum(
        -event["amount_fen"] if event["method"] == "RETURN" else event["amount_fen"]
        for event in log.all("RemittanceRecorded", notice_id=notice_id)
    )


def record_remittance(log: Log, command: Command) -> list[Planned]:
    stream = stream_id(f"remittance:{command['remittance_id']}")
    refuse_if(log.first("RemittanceRecorded", remittance_id=command["remittance_id"]), "remittance_exists")
    if command["method"] == "RETURN":
        return [Planned(stream, "RemittanceRecorded", {}, _returned(log, command))]
    amount = command["amount_fen"]
    by_prepayment = command["method"] == "PREPAYMENT"
    if command["book"] == "TRANSIT":
        refuse_if(by_prepayment, "prepayment_not_applicable")
        issue, use = command["issue_city"], command["use_city"]
        twin, advance = f"transit_clearing:{issue}:{use}", f"transit_advance:{use}"
        balance = log.balance(twin)
        refuse_if(amount > abs(balance), "remittance_exceeds_owed")
        sign = 1 if balance > 0 else -1
        return [Planned(stream, "RemittanceRecorded", {}, legs((twin, -sign * amount), (advance, sign * amount)))]
    notice = log.first("NoticeIssued", notice_id=command["notice_id"])
    if notice is None or notice["book"] != command["book"]:
        raise Refused("notice_unknown")
    home, treatment = notice["home"], notice["treatment"]
    not_applicable = command["book"] != "MEDICAL" or notice["payer"] != home
    refuse_if(by_prepayment and not_applicable, "prepayment_not_applicable")
    refuse_if(remitted(log, command["notice_id"]) + amount > notice["amount_fen"], "remittance_exceeds_owed")
    account = f"prepayment:{home}:{treatment}"
    refuse_if(by_prepayment and amount > log.balance(account), "insufficient_prepayment")
    prefix = "pass_" if command["book"] == "PASS" else ""
    sign = 1 if notice["payer"] == home else -1
    pairs = [
        (f"{prefix}clearing:{home}:{treatment}", -sign * amount),
        (f"{prefix}advance:{treatment}", sign * amount),
    ]
    if by_prepayment:
        pairs += [(account, -amount), (f"prepayment_used:{home}:{treatment}", amount)]
    return [Planned(stream, "RemittanceRecorded", {}, legs(*pairs))]


def _returned(log: Log, command: Command) -> dict[str, int]:
    undone = log.first("RemittanceRecorded", remittance_id=command["returned_remittance_id"])
    same = ("book", "notice_id", "issue_city", "use_city")
    if undone is None or any(undone.get(field) != command.get(field) for field in same):
        raise Refused("remittance_unknown")
    known = log.first("RemittanceRecorded", returned_remittance_id=command["returned_remittance_id"])
    refuse_if(known is not None or undone["method"] == "RETURN", "remittance_returned")
    refuse_if(command["amount_fen"] != undone["amount_fen"], "amount_differs")
    return mirrored(undone["postings"])


# 7.10


def _pair(command: Command) -> dict[str, str]:
    return {"home": command["home"], "treatment": command["treatment"]}


def _account(command: Command) -> str:
    return f"prepayment:{command['home']}:{command['treatment']}"


def _plan(command: Command, name: str, derived: dict[str, Any] | None = None, amount: int = 0) -> list[Planned]:
    postings = legs((_account(command), amount), (_account(command).replace("prepayment", "prepaid"), -amount))
    return [Planned(stream_id(_account(command)), name, derived or {}, postings if amount else {})]


def quota(log: Log, command: Command) -> int | None:
    year = {**_pair(command), "year": command["year"]}
    agreed = log.first("PrepaymentSet", **year)
    if agreed is None:
        return None
    increases = log.all("PrepaymentIncreased", **year)
    return int(agreed["amount_fen"] + sum(event["amount_fen"] for event in increases))


def set_prepayment(log: Log, command: Command) -> list[Planned]:
    refuse_if(command["home"] == command["treatment"], "same_province")
    refuse_if(quota(log, command) is not None, "prepayment_already_set")
    if "q4_fen" in command:
        multiple = log.config("prepayment.multiple", command["bdate"], command["home"])
        expected = (2 * command["q4_fen"] * multiple + 3) // 6
        refuse_if(command["amount_fen"] != expected, "prepayment_amount_differs")
    return _plan(command, "PrepaymentSet")


def pay_prepayment(log: Log, command: Command) -> list[Planned]:
    level = quota(log, command)
    if level is None:
        raise Refused("prepayment_not_set")
    amount = command["amount_fen"]
    refuse_if(log.balance(_account(command)) + amount > level, "prepayment_exceeds_quota")
    return _plan(command, "PrepaymentPaid", amount=amount)


def increase_prepayment(log: Log, command: Command) -> list[Planned]:
    refuse_if(quota(log, command) is None, "prepayment_not_set")
    alert = log.first("PrepaymentAlertRaised", **_pair(command), cycle=command["cycle"], level="RED")
    refuse_if(alert is None, "no_red_alert")
    known = log.first("PrepaymentIncreased", **_pair(command), cycle=command["cycle"])
    refuse_if(known, "increase_exists")
    return _plan(command, "PrepaymentIncreased")


def return_prepayment(log: Log, command: Command) -> list[Planned]:
    refuse_if(command["home"] == command["treatment"], "same_province")
    refuse_if(command["amount_fen"] > log.balance(_account(command)), "insufficient_prepayment")
    return _plan(command, "PrepaymentReturned", amount=-command["amount_fen"])


def usage(log: Log, cycle: str, home: str, treatment: str) -> dict[str, Any]:
    closed = log.first("CycleClosed", cycle=cycle)
    if closed is None:
        raise AssertionError(cycle)
    account = log.accounts.get(f"prepayment:{home}:{treatment}", [])
    base = sum(amount for position, amount in account if position < closed["position"])
    total = pair_total(log, cycle, ("MEDICAL", home, treatment))
    red = log.config("prepayment.red_percent", last_day(cycle))
    yellow = log.config("prepayment.yellow_percent", last_day(cycle))
    per_mille: int | None
    if total <= 0:
        level, per_mille = "NONE", 0
    elif base == 0:
        level, per_mille = "RED", None
    else:
        per_mille = (2000 * total + base) // (2 * base)
        level = "RED" if 100 * total >= red * base else "YELLOW" if 100 * total >= yellow * base else "NONE"
    return {"base_fen": base, "usage_per_mille": per_mille, "level": level}


def _alert(log: Log, cycle: str, home: str, treatment: str) -> Event | None:
    return log.first("PrepaymentAlertRaised", cycle=cycle, home=home, treatment=treatment)


def raise_prepayment_alert(log: Log, command: Command) -> list[Planned]:
    _closed(log, command["cycle"])
    found = usage(log, command["cycle"], command["home"], command["treatment"])
    refuse_if(found["level"] == "NONE", "no_alert_due")
    refuse_if(_alert(log, command["cycle"], command["home"], command["treatment"]), "alert_exists")
    return _plan(command, "PrepaymentAlertRaised", found)


# Documents


def notices_document(log: Log, cycle: str) -> dict[str, Any]:
    state = cycle_state(log, cycle)
    pairs: set[Pair] = set()
    if state == "CLOSED":
        for earlier in closed_cycles(log):
            if earlier <= cycle:
                pairs |= set(pair_totals(_rows(log, earlier)))
        own = pair_totals(_rows(log, cycle))
        pairs = {
            pair for pair in pairs if pair in own or brought(log, cycle, pair) != 0 or _is_issued(log, cycle, pair)
        }
    return {"notices": [_notice(log, cycle, pair) for pair in sorted(pairs)], "cycle": cycle, "state": state}


def _is_issued(log: Log, cycle: str, pair: Pair) -> bool:
    return log.first("NoticeIssued", notice_id="-".join((cycle, *pair))) is not None


def _notice(log: Log, cycle: str, pair: Pair) -> dict[str, Any]:
    book, home, treatment = pair
    figures = notice_figures(log, cycle, pair)
    issued = log.first("NoticeIssued", notice_id=figures["notice_id"])
    if issued is not None:
        figures = {name: issued[name] for name in figures}
    paid = remitted(log, figures["notice_id"])
    prepayment = None
    if book == "MEDICAL":
        raised = _alert(log, cycle, home, treatment) is not None
        prepayment = {**usage(log, cycle, home, treatment), "alert_raised": raised}
    return {
        **figures,
        "book": book,
        "home": home,
        "treatment": treatment,
        "issued": issued is not None,
        "remitted_fen": paid,
        "outstanding_fen": figures["amount_fen"] - paid,
        "prepayment": prepayment,
    }


DECISIONS = {
    "IssueNotice": issue_notice,
    "RecordRemittance": record_remittance,
    "SetPrepayment": set_prepayment,
    "PayPrepayment": pay_prepayment,
    "IncreasePrepayment": increase_prepayment,
    "ReturnPrepayment": return_prepayment,
    "RaisePrepaymentAlert": raise_prepayment_alert,
}
