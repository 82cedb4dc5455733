"""Every refusal of the commands of governance caused once, in the order in which the contract names them."""

from typing import Any

import pytest

from ledger.core.rejection import Rejected
from ledger.families import registry
from tests.families.counter import (
    A1,
    ACTIVE,
    ANNA,
    B1,
    BEN,
    CHILD,
    F1,
    Command,
    act,
    activate,
    delegate,
    issue,
    issue_to_firm,
    load,
    name_agent,
)
from tests.families.given import KEYRING, Ledger

NOON = "2025-06-02 12:00"
NO_RETENTION = {"key": "retention.years", "effective_from": "2025-01-01", "value": 0}
FIRM = (issue_to_firm(), activate(card_sn=F1))
TWO = (*ACTIVE, issue(card_sn=B1, person=BEN), activate(card_sn=B1))


def seal(seal_id: str = "SL1", at: str = NOON, **fields: Any) -> Command:
    return act("SealLog", at, None, seal_id=seal_id, **fields)


def access(access_id: str = "AC1", at: str = NOON, **fields: Any) -> Command:
    own = {"access_id": access_id, "accessor": "auditor-1", "purpose": "inspection", "query": "HISTORY"}
    return act("RecordAccess", at, **{**own, "from_province": "31", "records": 7, **fields})


def restrict(at: str = NOON, **fields: Any) -> Command:
    return act("RestrictProcessing", at, **{"reason": "WITHDRAWN", **fields})


def destroy(at: str = NOON, **fields: Any) -> Command:
    return act("DestroyPersonKey", at, **{"authority": "archive office", **fields})


def link(person: str = ANNA, other: str = BEN, link_id: str = "LK1", at: str = NOON, **fields: Any) -> Command:
    own = {"link_id": link_id, "person": person, "other_person": other, "reason": "one face"}
    return act("LinkPersonRecords", at, None, **{**own, **fields})


def unlink(link_id: str = "LK1", at: str = NOON) -> Command:
    return act("UnlinkPersonRecords", at, None, link_id=link_id, reason="two faces")


def enable(valid_from: str = "2025-01-01", valid_to: str | None = None, **fields: Any) -> Command:
    own = {"item_scheme": "YRD", "item": "transit", "province": "34", "valid_from": valid_from, "valid_to": valid_to}
    return act("EnableSchemeItem", "2025-01-02 09:00", None, **{**own, **fields})


SEALED = (*ACTIVE, seal())
LINKED = (*TWO, link())
RESTRICTED = (*TWO, restrict())
GONE = (*ACTIVE, restrict(), destroy())

CASES: list[tuple[str, tuple[Command, ...], Command]] = [
    # 8.1
    ("unknown_field", ACTIVE, seal() | {"card_sn": A1}),
    ("unknown_field", ACTIVE, seal(scheme="YRD", scheme_item="transit")),
    ("seal_exists", (*SEALED, restrict()), seal()),
    ("nothing_to_seal", (), seal()),
    ("nothing_to_seal", SEALED, seal("SL2")),
    # 8.2
    ("card_unknown", (), access()),
    ("unknown_code", ACTIVE, access(query="LOOK")),
    ("unknown_code", ACTIVE, access(from_province="99")),
    ("access_exists", (*TWO, access()), access(card_sn=B1)),
    # 8.3
    ("card_unknown", (), restrict()),
    ("already_restricted", RESTRICTED, restrict(reason="COURT")),
    ("processing_restricted", RESTRICTED, load(1, NOON)),
    ("processing_restricted", RESTRICTED, act("EndDelegation", NOON, delegation_id="none-such")),
    ("processing_restricted", RESTRICTED, delegate(NOON, card_sn=B1, delegate=ANNA)),
    ("processing_restricted", (*RESTRICTED, *FIRM), name_agent(NOON, agent=ANNA)),
    # 8.4
    ("not_for_enterprise", FIRM, destroy(card_sn=F1)),
    ("not_restricted", ACTIVE, destroy()),
    ("key_destroyed", GONE, destroy(channel="FILE")),
    # 8.5
    ("bad_format", TWO, link(ANNA, "340101196001010015")),
    ("processing_restricted", RESTRICTED, link()),
    ("processing_restricted", RESTRICTED, link(BEN, ANNA)),
    ("processing_restricted", RESTRICTED, link(ANNA, ANNA)),
    ("same_person", TWO, link(ANNA, ANNA)),
    ("link_exists", LINKED, link(ANNA, CHILD)),
    ("already_linked", LINKED, link(link_id="LK2")),
    ("already_linked", LINKED, link(BEN, ANNA, link_id="LK2")),
    ("link_unknown", TWO, unlink()),
    ("link_ended", (*LINKED, unlink()), unlink()),
    # 8.6
    ("province_not_in_scheme", (), enable(province="11")),
    ("province_not_in_scheme", (), enable("2025-02-01", "2025-01-01", item_scheme="CY")),
    ("period_invalid", (), enable("2025-02-01", "2025-01-31")),
    ("scheme_item_overlaps", (enable(),), enable("2030-01-01", "2030-01-01")),
    ("scheme_item_overlaps", (enable("2025-02-01", "2025-03-01"),), enable("2025-03-01")),
    ("scheme_item_overlaps", (enable("2025-02-01", "2025-03-01"),), enable("2025-01-01")),
    ("scheme_item_overlaps", (enable("2025-02-01", "2025-03-01"),), enable("2025-02-02", "2025-02-03")),
    ("scheme_item_not_enabled", (), enable(scheme="YRD", scheme_item="switch")),
]


@pytest.mark.parametrize(("code", "history", "command"), CASES, ids=lambda part: part if isinstance(part, str) else "")
def test_the_command_is_refused(code: str, history: tuple[Command, ...], command: dict[str, Any]) -> None:
    ledger = Ledger(NO_RETENTION)
    ledger.given(*history)
    before = dict(ledger.memory.rows)

    assert ledger.submit(command) == code
    assert ledger.memory.rows == before


ACCEPTED: list[tuple[tuple[Command, ...], Command, str]] = [
    (ACTIVE, seal(), "LogSealed"),
    ((*SEALED, load(1, NOON)), seal("SL2"), "LogSealed"),
    (ACTIVE, access(), "AuditAccessed"),
    (RESTRICTED, access(), "AuditAccessed"),
    (ACTIVE, restrict(), "ProcessingRestricted"),
    (FIRM, restrict(card_sn=F1), "ProcessingRestricted"),
    ((*ACTIVE, restrict()), destroy(), "PersonKeyDestroyed"),
    (TWO, link(), "PersonRecordsLinked"),
    ((), link(), "PersonRecordsLinked"),
    ((*LINKED, unlink()), link(BEN, ANNA, "LK2"), "PersonRecordsLinked"),
    (LINKED, unlink(), "PersonRecordsUnlinked"),
    ((enable("2025-02-01", "2025-03-01"),), enable("2025-03-02"), "SchemeItemEnabled"),
    ((enable(),), enable(item="medical"), "SchemeItemEnabled"),
]


@pytest.mark.parametrize(
    ("history", "command", "event"), ACCEPTED, ids=lambda part: part if isinstance(part, str) else ""
)
def test_the_command_is_recorded_once_and_its_event_makes_the_same_rows_again(
    history: tuple[Command, ...], command: dict[str, Any], event: str
) -> None:
    ledger = Ledger(NO_RETENTION)
    ledger.given(*history)

    recorded = ledger.submit(command, reference="once")
    assert not isinstance(recorded, str), recorded
    assert [name for _, name, _ in ledger.events[-1:]] == [event]
    # Erasure is once in a life and finds what it needs; everything else is announced.
    assert event == "PersonKeyDestroyed" or ledger.unforeseen == []
    assert ledger.made_again() == ledger.memory.rows

    assert ledger.submit(command, reference="once") == "duplicate"
    assert ledger.submit(command | {"channel": "WEB"}, reference="once") == "reference_reused"


@pytest.mark.parametrize(("person", "other", "field"), [(ANNA, BEN, "person"), (BEN, ANNA, "other_person")])
def test_of_two_persons_the_restricted_one_is_named(person: str, other: str, field: str) -> None:
    ledger = Ledger()
    ledger.given(*RESTRICTED)
    document = {"submitter": "T1", "reference": "named", **link(person, other)}

    with pytest.raises(Rejected) as refused:
        registry.decide(registry.TABLE.shape(document, KEYRING), ledger.world())
    assert (refused.value.code, refused.value.field) == ("processing_restricted", field)
    assert f" {field}'s " in refused.value.message


def test_retention_ends_so_many_years_after_money_moved_last() -> None:
    years = {"key": "retention.years", "effective_from": "2020-01-01", "value": 2}
    ledger = Ledger(years, now="2040-01-01T00:00:00Z")
    ledger.given(*ACTIVE, load(500, "2025-03-20 12:00"), load(500, "2025-03-10 12:00"), restrict("2025-04-02 09:00"))

    # The load recorded last counts, though another is dated later.
    assert ledger.submit(destroy("2027-03-09 23:59")) == "retention_not_over"
    ledger.given(destroy("2027-03-10 00:00"))


def test_without_money_retention_runs_from_the_last_issue() -> None:
    years = {"key": "retention.years", "effective_from": "2020-01-01", "value": 1}
    ledger = Ledger(years)
    second = issue("2024-05-01 09:00", card_sn=B1)
    ledger.given(
        *ACTIVE, act("CancelCard", "2024-04-01 09:00", reason="OTHER"), second, restrict(), restrict(card_sn=B1)
    )

    assert ledger.submit(destroy("2025-04-30 12:00", card_sn=B1)) == "retention_not_over"
    ledger.given(destroy("2025-05-01 12:00"))


def test_erasure_waits_until_every_card_is_restricted_and_then_covers_all_of_them() -> None:
    ledger = Ledger(NO_RETENTION)
    ledger.given(*ACTIVE, act("CancelCard", "2024-04-01 09:00", reason="OTHER"), issue("2024-05-01 09:00", card_sn=B1))
    ledger.given(restrict(card_sn=B1))
    assert ledger.submit(destroy(card_sn=B1)) == "not_restricted"
    ledger.given(restrict(), destroy(card_sn=B1))
    assert ledger.submit(destroy()) == "key_destroyed"


def test_an_erased_person_may_be_issued_a_card_and_no_second_one() -> None:
    third = "340000D15600000500000000000000C1"
    ledger = Ledger(NO_RETENTION)
    ledger.given(*GONE)
    ledger.given(issue(NOON, card_sn=B1))
    assert ledger.submit(issue(NOON, card_sn=third)) == "person_has_live_card"

    # The old card still names a restricted person, and cancelling it does not free the new one.
    assert ledger.submit(link(ANNA, BEN)) == "processing_restricted"
    ledger.given(act("CancelCard", NOON, A1, reason="DEATH", died_on="2025-01-01"))
    assert ledger.submit(issue(NOON, card_sn=third)) == "person_has_live_card"
    ledger.given(link(ANNA, BEN))
    assert ledger.submit(destroy(card_sn=B1)) == "not_restricted"
    assert ledger.made_again() == ledger.memory.rows


def test_looking_at_a_card_does_not_change_its_version() -> None:
    ledger = Ledger()
    ledger.given(*ACTIVE)
    first, second = ledger.given(access(), access("AC2", from_province="34"))
    (locked,) = ledger.given(act("LockCard", NOON, reason="RISK"))

    assert (first["cross_province"], second["cross_province"]) == (True, False)
    assert (first["card_version"], second["card_version"], locked["card_version"]) == (1, 2, 3)
    assert first["stream_id"] == second["stream_id"] != first["subject_card_id"] == locked["card_id"]


def test_an_item_is_on_in_its_province_and_days_only() -> None:
    ledger = Ledger()
    ledger.given(*ACTIVE, enable("2025-02-01", "2025-02-28"), enable("2025-06-01"))

    def used(at: str, area: str = "340100", item: str = "transit") -> str:
        own = {"service_code": "S", "service_area": area, "step": "GATE", "result": "SUCCESS"}
        answer = ledger.submit(act("UseService", at, scheme="YRD", scheme_item=item, **own))
        return answer if isinstance(answer, str) else "recorded"

    assert [used("2025-02-01 00:00"), used("2025-02-28 23:59"), used("2025-06-01 00:00")] == ["recorded"] * 3
    off = [used("2025-01-31 23:59"), used("2025-03-01 00:00"), used(NOON, "310106"), used(NOON, item="bus")]
    assert set(off) == {"scheme_item_not_enabled"}
