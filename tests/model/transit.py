"""Section 5: loading the purse, taps that may come late or twice, corrected fares, closing an operator's days."""

from typing import Any

from tests.model.card import concession_holds
from tests.model.presence import (
    ALL_STATES,
    CODE_OF_STATE,
    accept,
    blocked_since,
    card_province,
    issuing_area,
    person_only,
    present,
    retired_at,
    scheme_allowed,
    state_at,
)
from tests.model.shape import Refused, refuse_if
from tests.model.state import (
    Command,
    Event,
    Log,
    Planned,
    china_date,
    legs,
    midnight_micros,
    plus_days,
    stream_id,
)

MINUTE_MICROS = 60_000_000
TAP_CONTENT = (
    "operator terminal operating_area tap_type mode line station entry_counter fare_due_fen paid_fen concession_class"
    " balance_after_fen occurred_at"
).split()

# What was recorded


def tap_of(log: Log, card_sn: str, counter: int) -> Event | None:
    return log.first("TransitTapped", card_sn=card_sn, counter=counter)


def corrections(log: Log, tap: Event) -> list[Event]:
    return log.all("FareCorrected", card_sn=tap["card_sn"], counter=tap["counter"])


def exit_of(log: Log, entry: Event) -> Event | None:
    return log.first(
        "TransitTapped",
        card_sn=entry["card_sn"],
        operator=entry["operator"],
        tap_type="EXIT",
        entry_counter=entry["counter"],
    )


def timed_out(log: Log, entry: Event) -> bool:
    charged = any(event["reason"] == "MISSING_EXIT" for event in corrections(log, entry))
    return charged and exit_of(log, entry) is None


def effective_fare(log: Log, tap: Event) -> tuple[int, int]:
    """(due, paid) as it stands: the last correction's, else the tap's own; nothing for an entry whose exit came."""
    if tap["tap_type"] == "ENTRY" and exit_of(log, tap) is not None:
        return 0, 0
    last = (corrections(log, tap) or [tap])[-1]
    return last["fare_due_fen"], last["paid_fen"]


def last_closed_day(log: Log, operator: str) -> str:
    return max((event["day"] for event in log.all("TransitDayClosed", operator=operator)), default="")


def _clearing_day(log: Log, operator: str, operating_day: str) -> str:
    last = last_closed_day(log, operator)
    return operating_day if operating_day > last else plus_days(last, 1)


def _day_cut(log: Log, date: str, area: str) -> int:
    return int(log.config("transit.day_cut_minutes", date, area[:2]))


def _is_inter_city(issue_area: str, use_area: str) -> bool:
    if issue_area[:4] == use_area[:4]:
        return False
    if issue_area[:2] != use_area[:2]:
        return True
    one_city_province = use_area[:2] in ("11", "12", "31", "50")
    return not (one_city_province or issue_area.endswith("0000") or use_area.endswith("0000"))


def charge(log: Log, card: str, tap: dict[str, Any], due: int, paid: int) -> list[tuple[str, int]]:
    issue, use = issuing_area(log, card), tap["operating_area"]
    pairs = [
        (f"operator:{tap['operator']}", due),
        (f"card:{card}:transit_purse", -paid),
        (f"subsidy:{use[:2]}", -(due - paid)),
    ]
    if _is_inter_city(issue, use):
        pairs += [(f"transit_clearing:{issue[:4]}:{use[:4]}", paid), (f"transit_advance:{use[:4]}", -paid)]
    return pairs


def _purse_must_bear(log: Log, card: str, command: Command, more: int) -> None:
    grace = log.config("transit.offline_grace_fen", command["bdate"], card_province(log, card))
    left = log.balance(f"card:{card}:transit_purse") - more
    refuse_if(more > 0 and left < -grace, "insufficient_transit_purse")


# 5.1


def top_up_purse(log: Log, command: Command) -> list[Planned]:
    card = present(log, command, command["card_sn"])
    accept(log, card, command, ["ACTIVE"])
    scheme_allowed(log, command)
    person_only(log, card)
    account, amount = f"card:{card}:transit_purse", command["amount_fen"]
    most = log.config("transit.purse_max_fen", command["bdate"], card_province(log, card))
    refuse_if(log.balance(account) + amount > most, "purse_limit_exceeded")
    return [Planned(card, "PurseToppedUp", {}, legs((account, amount), (f"cash:{command['operator']}", -amount)))]


# 5.2


def _not_blocked(log: Log, card: str, command: Command) -> None:
    instant = command["occurred_at"]
    state = state_at(log, card, instant)
    refuse_if(state == "ISSUED", "card_not_activated")
    start = blocked_since(log, card, command["card_sn"], instant)
    if start is None:
        return
    province = command["operating_area"][:2]
    delay = log.config("transit.blacklist_delay_minutes", command["bdate"], province)
    if instant >= start + delay * MINUTE_MICROS:
        retirement = retired_at(log, command["card_sn"])
        refuse_if(retirement is not None and retirement <= instant, "card_sn_retired")
        raise Refused(CODE_OF_STATE[str(state)])


def tap_transit(log: Log, command: Command) -> list[Planned]:
    card = present(log, command, command["card_sn"], even_retired=True)
    _not_blocked(log, card, command)
    scheme_allowed(log, command)
    person_only(log, card)
    date, province = command["bdate"], command["operating_area"][:2]
    card_sn, counter, kind = command["card_sn"], command["counter"], command["tap_type"]
    due, paid = command["fare_due_fen"], command["paid_fen"]
    refuse_if(command["uploaded_at"] < command["occurred_at"], "uploaded_before_tap")
    latest = plus_days(date, log.config("transit.late_days", date, province))
    refuse_if(china_date(command["uploaded_at"]) > latest, "tap_too_late")
    same = tap_of(log, card_sn, counter)
    if same is not None:
        equal = all(same.get(field) == command.get(field) for field in TAP_CONTENT)
        raise Refused("tap_duplicate" if equal else "tap_conflict")
    refuse_if(kind == "ENTRY" and (due > 0 or paid > 0), "entry_with_fare")
    refuse_if(paid > due, "paid_exceeds_due")
    ordinary = command["concession_class"] == "ORDINARY"
    refuse_if(ordinary and paid < due, "subsidy_without_concession")
    holds = ordinary or concession_holds(log, card, command["concession_class"], province, date)
    refuse_if(not holds, "concession_not_valid")
    entry, reversed_due, reversed_paid = None, 0, 0
    if "entry_counter" in command:
        refuse_if(command["entry_counter"] >= counter, "entry_counter_invalid")
        entry = tap_of(log, card_sn, command["entry_counter"])
        fits = entry is None or (entry["tap_type"], entry["operator"]) == ("ENTRY", command["operator"])
        refuse_if(not fits, "entry_counter_invalid")
        journey = {"card_sn": card_sn, "operator": command["operator"], "entry_counter": command["entry_counter"]}
        refuse_if(log.first("TransitTapped", tap_type="EXIT", **journey), "journey_closed")
        if entry is not None and timed_out(log, entry):
            reversed_due, reversed_paid = effective_fare(log, entry)
    _purse_must_bear(log, card, command, paid - reversed_paid)
    pairs = charge(log, card, command, due, paid)
    if entry is not None:
        pairs += charge(log, card, entry, -reversed_due, -reversed_paid)
    operating_day = china_date(command["occurred_at"], _day_cut(log, date, command["operating_area"]))
    derived = {
        "operating_day": operating_day,
        "clearing_day": _clearing_day(log, command["operator"], operating_day),
        "reversed_due_fen": reversed_due,
        "reversed_paid_fen": reversed_paid,
        "missing_counters": _missing_counters(log, card_sn, counter),
        "chain": _chain(log, command),
    }
    return [Planned(card, "TransitTapped", derived, legs(*pairs))]


def _missing_counters(log: Log, card_sn: str, counter: int) -> int:
    highest = max((tap["counter"] for tap in log.all("TransitTapped", card_sn=card_sn)), default=0)
    return max(0, counter - highest - 1)


def _chain(log: Log, command: Command) -> str:
    before = tap_of(log, command["card_sn"], command["counter"] - 1)
    if "balance_after_fen" not in command or before is None or "balance_after_fen" not in before:
        return "unchecked"
    loaded = log.all("PurseToppedUp", card_sn=command["card_sn"], after_counter=command["counter"] - 1)
    expected = before["balance_after_fen"] - command["paid_fen"] + sum(event["amount_fen"] for event in loaded)
    return "ok" if command["balance_after_fen"] == expected else "broken"


# 5.3


def correct_fare(log: Log, command: Command) -> list[Planned]:
    card = present(log, command, command["card_sn"], even_retired=True)
    accept(log, card, command, ALL_STATES)
    scheme_allowed(log, command)
    person_only(log, card)
    due, paid = command["fare_due_fen"], command["paid_fen"]
    refuse_if(log.first("FareCorrected", correction_id=command["correction_id"]), "correction_exists")
    tap = tap_of(log, command["card_sn"], command["counter"])
    if tap is None:
        raise Refused("tap_unknown")
    refuse_if(tap["operator"] != command["operator"], "operator_differs")
    refuse_if(paid > due, "paid_exceeds_due")
    date, area = command["bdate"], tap["operating_area"]
    is_entry = tap["tap_type"] == "ENTRY"
    if command["reason"] == "MISSING_EXIT":
        refuse_if(not is_entry, "tap_not_an_entry")
        refuse_if(exit_of(log, tap) is not None or timed_out(log, tap), "journey_closed")
        minutes = log.config("transit.journey_timeout_minutes", date, area[:2])
        refuse_if(command["occurred_at"] < tap["occurred_at"] + minutes * MINUTE_MICROS, "journey_not_timed_out")
    else:
        refuse_if(is_entry and not timed_out(log, tap), "fare_on_entry")
    old_due, old_paid = effective_fare(log, tap)
    refuse_if((due, paid) == (old_due, old_paid), "nothing_to_correct")
    _purse_must_bear(log, card, command, paid - old_paid)
    operating_day = china_date(command["occurred_at"], _day_cut(log, date, area))
    derived = {
        "previous_due_fen": old_due,
        "previous_paid_fen": old_paid,
        "clearing_day": _clearing_day(log, command["operator"], operating_day),
    }
    postings = legs(*charge(log, card, tap, due - old_due, paid - old_paid))
    return [Planned(card, "FareCorrected", derived, postings)]


# 5.4


def close_transit_day(log: Log, command: Command) -> list[Planned]:
    scheme_allowed(log, command)
    operator, day = command["operator"], command["day"]
    last = last_closed_day(log, operator)
    refuse_if(day <= last, "day_closed")
    cut = _day_cut(log, command["bdate"], command["operating_area"])
    ends = midnight_micros(plus_days(day, 1)) + cut * MINUTE_MICROS
    refuse_if(command["occurred_at"] < ends, "day_not_over")
    taps = [tap for tap in log.all("TransitTapped", operator=operator) if last < tap["clearing_day"] <= day]
    fixed = [event for event in log.all("FareCorrected", operator=operator) if last < event["clearing_day"] <= day]
    due = sum(tap["fare_due_fen"] - tap["reversed_due_fen"] for tap in taps)
    due += sum(event["fare_due_fen"] - event["previous_due_fen"] for event in fixed)
    paid = sum(tap["paid_fen"] - tap["reversed_paid_fen"] for tap in taps)
    paid += sum(event["paid_fen"] - event["previous_paid_fen"] for event in fixed)
    derived = {
        "tap_count": len(taps),
        "correction_count": len(fixed),
        "due_fen": due,
        "paid_fen": paid,
        "subsidy_fen": due - paid,
    }
    return [Planned(stream_id(f"transit_day:{operator}"), "TransitDayClosed", derived)]


DECISIONS = {
    "TopUpPurse": top_up_purse,
    "TapTransit": tap_transit,
    "CorrectFare": correct_fare,
    "CloseTransitDay": close_transit_day,
}
