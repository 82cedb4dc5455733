"""A counter that issues cards and a gate that takes them: commands in few words, times as clocks in China show them."""

from typing import Any

Command = dict[str, Any]

A1 = "340000D15600000500000000000000A1"
A2 = "340000D15600000500000000000000A2"
A3 = "340000D15600000500000000000000A3"
B1 = "340000D15600000500000000000000B1"
F1 = "310100D15600000500000000000000F1"
NUMBER = "A00000011"
ANNA, BEN, CHILD = "340101196001010014", "340101196202020024", "340101201502280024"
FIRM = "91350100M000100Y43"
ACCOUNT, OTHER_ACCOUNT = "a" * 64, "b" * 64


def act(command: str, at: str, card_sn: str | None = A1, **fields: Any) -> Command:
    """A command at "2025-03-01 10:00", on Anna's first card unless said otherwise; None for one without card_sn."""
    named = {} if card_sn is None else {"card_sn": card_sn}
    return {"command": command, "occurred_at": instant(at), **named, **fields}


def instant(at: str) -> str:
    return f"{at[:10]}T{at[11:]}:00+08:00" if len(at) == 16 else f"{at[:10]}T{at[11:]}+08:00"


def issue(at: str = "2024-03-01 09:00", card_sn: str = A1, person: str = ANNA, **fields: Any) -> Command:
    own = {"card_number": NUMBER, "bank": "ICBC", "bank_account": ACCOUNT, "expires_on": "2034-02-28"}
    return act("IssueCard", at, card_sn, social_security_number=person, **{**own, **fields})


def issue_to_firm(at: str = "2024-03-01 09:00", card_sn: str = F1, **fields: Any) -> Command:
    own = {"card_number": NUMBER, "bank": "ICBC", "bank_account": ACCOUNT, "expires_on": "2034-02-28"}
    return act("IssueEnterpriseCard", at, card_sn, credit_code=FIRM, **{**own, **fields})


def activate(at: str = "2024-03-01 10:00", card_sn: str = A1, application: str = "SOCIAL_SECURITY") -> Command:
    return act("ActivateCard", at, card_sn, application=application)


def lose(kind: str, at: str, card_sn: str = A1, **fields: Any) -> Command:
    return act("ReportLoss", at, card_sn, kind=kind, **fields)


def replace(reason: str, at: str, card_sn: str = A1, new_card_sn: str = A2, **fields: Any) -> Command:
    own = {"new_card_sn": new_card_sn, "new_card_number": NUMBER, "expires_on": "2035-03-31", "reason": reason}
    return act("ReplaceCard", at, card_sn, **{**own, **fields})


def delegate(at: str, delegation_id: str = "D1", **fields: Any) -> Command:
    own = {"delegate": BEN, "relation": "CHILD", "matters": ["ALL"]}
    own |= {"valid_from": "2025-01-01", "valid_to": "2025-12-31"}
    return act("AuthoriseDelegate", at, **{"delegation_id": delegation_id, **own, **fields})


def name_agent(at: str, delegation_id: str = "D1", card_sn: str = F1, **fields: Any) -> Command:
    own = {"agent": BEN, "matters": ["MEDICAL"], "valid_from": "2025-01-01", "valid_to": "2025-12-31"}
    return act("AuthoriseAgent", at, card_sn, **{"delegation_id": delegation_id, **own, **fields})


def grant(at: str, entitlement_id: str = "E1", kind: str = "TRANSIT_CONCESSION", **fields: Any) -> Command:
    own = {"province": "31", "valid_from": "2025-01-01", "valid_to": "2025-12-31"}
    if kind == "TRANSIT_CONCESSION":
        own["concession_class"] = "ELDERLY"
    return act("GrantEntitlement", at, **{"entitlement_id": entitlement_id, "kind": kind, **own, **fields})


def use(at: str, card_sn: str = A1, **fields: Any) -> Command:
    """A use of the card in medical matters (contract 0.9); the registration it makes is of no concern."""
    own = {"registration_id": "R1", "kind": "LONG_TERM", "reason": "RESIDENT", "home_area": "340100"}
    own |= {"treatment_area": "310106", "valid_from": "2025-01-01"}
    return act("RegisterTreatment", at, card_sn, **{**own, **fields})


def load(amount: int, at: str = "2025-01-01 08:00", card_sn: str = A1, **fields: Any) -> Command:
    return act("TopUpPurse", at, card_sn, **{"operator": "OP1", "amount_fen": amount, **fields})


def tap(tap_type: str, counter: int, at: str, due: int = 0, paid: int | None = None, **fields: Any) -> Command:
    """An ordinary tap of operator OP1 in the city that issued the card; uploaded at once."""
    own = {"operator": "OP1", "terminal": "G1", "operating_area": "340100", "mode": "METRO", "counter": counter}
    own |= {"tap_type": tap_type, "fare_due_fen": due, "paid_fen": due if paid is None else paid}
    own |= {"concession_class": "ORDINARY", "uploaded_at": instant(at)}
    return act("TapTransit", at, **{"card_sn": A1, **own, **fields})


def correct(reason: str, counter: int, at: str, due: int, paid: int | None = None, **fields: Any) -> Command:
    own = {"correction_id": f"K-{at}".replace(" ", "-").replace(":", "."), "operator": "OP1", "counter": counter}
    own |= {"reason": reason, "fare_due_fen": due, "paid_fen": due if paid is None else paid}
    return act("CorrectFare", at, **{"card_sn": A1, **own, **fields})


def close_day(day: str, at: str, operator: str = "OP1", operating_area: str = "340100") -> Command:
    return act("CloseTransitDay", at, None, operator=operator, operating_area=operating_area, day=day)


ACTIVE = (issue(), activate())
