"""Cases that every command has for what its marks say: made from its accepted history, never written one by one.

Stages 1 to 4 and the state of the card come before anything a command looks at, so its card may have any life: those
cases are told on a card of a few years ago that had nothing but that life.
"""

import json
from collections.abc import Iterator

from tests.catalogue.case import Case, Command, line_of
from tests.catalogue.contract import ACTIVE, MARKS, OWN, demanded
from tests.families.counter import A2, B1, BEN, act, activate, issue, issue_to_firm, lose, name_agent

BORN, LATER, LAST = "2020-01-01 09:00", "2020-01-02 09:00", "2020-01-03 09:00"
NOBODYS = "340000D156000005FFFFFFFFFFFFFFFF"
ANYBODY = "330101201507070075"


def of(accepted: Case) -> Iterator[Case]:
    """Every general case of a command, from one that is recorded."""
    codes = demanded(accepted.command)
    yield from _of_shape(accepted)
    yield accepted.but("occurred_at_in_future", occurred_at="2090-01-01T00:00:00Z")
    first = {"reference": "once", **accepted.then}
    yield Case("reference_reused", (*accepted.given, first), {**first, "channel": "FILE"}, accepted.configuration)
    if "scheme_item_not_enabled" in codes:
        yield accepted.but("scheme_item_not_enabled", scheme="YRD", scheme_item="none-such")
    if "card" in MARKS[accepted.command].split():
        yield from _of_card(accepted)


def _of_shape(accepted: Case) -> Iterator[Case]:
    yield Case("malformed_json", accepted.given, accepted.then, accepted.configuration, twice(accepted.then))
    for code, fields in {
        "missing_field": {"occurred_at": None},
        "unknown_field": {"nobodys_field": "x"},
        "wrong_type": {"occurred_at": 5},
        "bad_format": {"occurred_at": "yesterday"},
        "out_of_range": {"occurred_at": "1999-06-02T12:00:00+08:00"},
        "unknown_code": {"channel": "PIGEON"},
    }.items():
        yield accepted.but(code, **fields)


def twice(command: Command) -> bytes:
    """A line with one of its keys twice."""
    return b'{"command": ' + json.dumps(command["command"]).encode() + b", " + line_of(command)[1:]


def _of_card(accepted: Case) -> Iterator[Case]:
    """Stage 4, the state of the card and what heads stage 6, on a card that had no other life than the code needs."""
    name, card_sn = accepted.command, accepted.then["card_sn"]
    marks, codes = MARKS[name].split(), demanded(name)
    # Whoever else a command may name has a card in use.
    others = (issue(BORN, B1, BEN), activate(BORN, B1)) if card_sn != B1 else ()
    issued = (*others, issue(BORN, card_sn, BEN if card_sn == B1 else "340101196001010014"))
    active = (*issued, activate(LATER, card_sn))
    firm = (*others, issue_to_firm(BORN, card_sn), activate(LATER, card_sn))

    def when(code: str, *given: Command, **fields: object) -> Case:
        return Case(code, given, {**accepted.then, **fields}, accepted.configuration)

    yield when("card_unknown", *others, card_sn=NOBODYS)
    yield when("before_card_issue", *active, occurred_at="2020-01-01T00:59:59Z")
    if "chain" in marks:
        in_phone = act("IssueElectronicCard", LAST, card_sn, level="IDENTITY")
        yield when("out_of_order", *active, in_phone, occurred_at="2020-01-01T12:00:00Z")
    lives = {
        "card_sn_retired": (*active, _replaced(card_sn)),
        "processing_restricted": (*active, act("RestrictProcessing", LAST, card_sn, reason="COURT")),
        "card_not_activated": issued,
        "card_lost": (*active, lose("FORMAL", LAST, card_sn)),
        "card_locked": (*active, act("LockCard", LAST, card_sn, reason="RISK")),
        "card_cancelled": (*active, act("CancelCard", LAST, card_sn, reason="OTHER")),
    }
    own = OWN.get(name, "").split()
    general = {"card_sn_retired", "processing_restricted"} if "always" not in marks else {"card_sn_retired"}
    for code in (general | set(own) & set(ACTIVE.split())) & codes:
        yield when(code, *lives[code])
    if "use" in marks:
        yield accepted.but("electronic_card_not_active", channel="ELECTRONIC_CARD")
        yield accepted.but("acting_person_not_authorised", acting_person=ANYBODY)
        yield when("acting_person_required", *firm)
    if "person" in marks:
        agent = name_agent(LAST, card_sn=card_sn, matters=["ALL"], valid_from="2020-01-01", valid_to="2029-12-31")
        yield when("not_for_enterprise", *firm, agent, acting_person=BEN)
    if "enterprise" in marks:
        yield when("not_an_enterprise", *active)


def _replaced(card_sn: str) -> Command:
    fields = {"new_card_sn": A2, "new_card_number": "A00000011", "expires_on": "2035-03-31", "reason": "DAMAGED"}
    return act("ReplaceCard", LAST, card_sn, **fields)
