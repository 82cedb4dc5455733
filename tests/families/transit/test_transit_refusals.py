"""Every refusal of the transit commands caused once, in the order in which the contract names them."""

from typing import Any

import pytest

from tests.families.counter import (
    A1,
    A2,
    ACTIVE,
    F1,
    Command,
    act,
    activate,
    close_day,
    correct,
    grant,
    instant,
    issue,
    issue_to_firm,
    load,
    lose,
    replace,
    tap,
)
from tests.families.given import Ledger

NOON = "2025-05-02 12:00"
LOADED = (*ACTIVE, load(1000))
ENTERED = (*LOADED, tap("ENTRY", 4, NOON))
TIMED_OUT = (*ENTERED, correct("MISSING_EXIT", 4, "2025-05-02 16:00", 900))
LEFT = (*ENTERED, tap("EXIT", 5, "2025-05-02 12:30", 300, entry_counter=4))
RODE = (*LOADED, tap("SINGLE", 4, NOON, 200))
CLOSED = (*RODE, close_day("2025-05-02", "2025-05-03 03:00"))
FIRM = (issue_to_firm(), activate(card_sn=F1))
NEXT_DAY = "2025-05-03 12:00"
LOST = (*LOADED, lose("FORMAL", "2025-05-01 12:00"))
REPLACED = (*LOST, replace("LOST", "2025-05-01 18:00"))

CASES: list[tuple[str, tuple[Command, ...], Command]] = [
    # 5.1
    ("not_for_enterprise", FIRM, load(1, card_sn=F1)),
    ("card_not_activated", (issue(),), load(1)),
    ("card_lost", LOST, load(1, NOON)),
    ("card_sn_retired", REPLACED, load(1, NOON)),
    ("purse_limit_exceeded", LOADED, load(99_001)),
    # 5.2, stages 1, 4, 5
    ("out_of_range", LOADED, tap("SINGLE", 0, NOON)),
    ("unknown_field", LOADED, tap("SINGLE", 4, NOON, entry_counter=3)),
    ("card_unknown", (), tap("SINGLE", 4, NOON)),
    ("before_card_issue", LOADED, tap("SINGLE", 4, "2024-03-01 08:59:59")),
    ("before_card_issue", REPLACED, tap("SINGLE", 4, "2025-05-01 17:59:59", card_sn=A2)),
    ("card_not_activated", (issue(),), tap("SINGLE", 4, "2024-03-01 09:00")),
    (
        "card_not_activated",
        (issue(), act("CancelCard", "2024-03-02 09:00", reason="OTHER")),
        tap("SINGLE", 4, "2024-03-01 10:00"),
    ),
    ("card_lost", LOST, tap("SINGLE", 4, NOON)),
    ("card_lost", (*LOADED, lose("TEMPORARY", "2025-05-01 12:00")), tap("SINGLE", 4, NOON)),
    ("card_locked", (*LOADED, act("LockCard", "2025-05-01 12:00", reason="RISK")), tap("SINGLE", 4, NOON)),
    ("card_cancelled", (*LOADED, act("CancelCard", "2025-05-01 12:00", reason="OTHER")), tap("SINGLE", 4, NOON)),
    ("card_sn_retired", REPLACED, tap("SINGLE", 4, NOON)),
    ("not_for_enterprise", FIRM, tap("SINGLE", 4, NOON, card_sn=F1)),
    ("scheme_item_not_enabled", LOADED, tap("SINGLE", 4, NOON, scheme="YRD", scheme_item="BUS")),
    # 5.2, stage 6 in order
    ("uploaded_before_tap", LOADED, tap("SINGLE", 4, NOON, uploaded_at=instant("2025-05-02 11:59:59"))),
    ("tap_too_late", LOADED, tap("SINGLE", 4, NOON, uploaded_at=instant("2025-06-02 00:00"))),
    ("tap_duplicate", RODE, tap("SINGLE", 4, NOON, 200, uploaded_at=instant(NEXT_DAY), transfer_of_counter=1)),
    ("tap_conflict", RODE, tap("SINGLE", 4, NOON, 201)),
    ("tap_conflict", RODE, tap("SINGLE", 4, "2025-05-02 12:01", 200)),
    ("tap_conflict", RODE, tap("SINGLE", 4, NOON, 200, terminal="G2")),
    ("tap_conflict", RODE, tap("SINGLE", 4, NOON, 200, line="L1")),
    ("entry_with_fare", LOADED, tap("ENTRY", 4, NOON, 100)),
    ("paid_exceeds_due", LOADED, tap("SINGLE", 4, NOON, 100, 101)),
    ("subsidy_without_concession", LOADED, tap("SINGLE", 4, NOON, 100, 99)),
    ("concession_not_valid", LOADED, tap("SINGLE", 4, NOON, 100, 50, concession_class="ELDERLY")),
    ("entry_counter_invalid", LOADED, tap("EXIT", 4, NOON, 100, entry_counter=4)),
    ("entry_counter_invalid", RODE, tap("EXIT", 5, NOON, 100, entry_counter=4)),
    ("entry_counter_invalid", ENTERED, tap("EXIT", 5, NOON, 100, entry_counter=4, operator="OP2")),
    ("journey_closed", LEFT, tap("EXIT", 6, NOON, 100, entry_counter=4)),
    ("insufficient_transit_purse", LOADED, tap("SINGLE", 4, NOON, 2001)),
    ("insufficient_transit_purse", TIMED_OUT, tap("EXIT", 5, "2025-05-02 17:00", 2001, entry_counter=4)),
    # 5.3
    ("correction_exists", TIMED_OUT, correct("COMPLAINT", 9, "2025-05-02 16:00", 1)),
    ("tap_unknown", LOADED, correct("COMPLAINT", 4, NOON, 1)),
    ("operator_differs", RODE, correct("COMPLAINT", 4, NOON, 1, operator="OP2")),
    ("paid_exceeds_due", RODE, correct("COMPLAINT", 4, NOON, 1, 2)),
    ("tap_not_an_entry", RODE, correct("MISSING_EXIT", 4, NEXT_DAY, 900)),
    ("journey_closed", LEFT, correct("MISSING_EXIT", 4, NEXT_DAY, 900)),
    ("journey_closed", TIMED_OUT, correct("MISSING_EXIT", 4, NEXT_DAY, 800)),
    ("journey_not_timed_out", ENTERED, correct("MISSING_EXIT", 4, "2025-05-02 15:59:59", 900)),
    ("fare_on_entry", ENTERED, correct("COMPLAINT", 4, NEXT_DAY, 900)),
    ("fare_on_entry", LEFT, correct("OPERATOR_ERROR", 4, NEXT_DAY, 900)),
    ("nothing_to_correct", ENTERED, correct("MISSING_EXIT", 4, NEXT_DAY, 0)),
    ("nothing_to_correct", RODE, correct("COMPLAINT", 4, NEXT_DAY, 200)),
    ("insufficient_transit_purse", RODE, correct("OPERATOR_ERROR", 4, NEXT_DAY, 2001)),
    # 5.4
    ("day_closed", CLOSED, close_day("2025-05-02", NEXT_DAY)),
    ("day_closed", CLOSED, close_day("2025-05-01", NEXT_DAY)),
    ("day_not_over", RODE, close_day("2025-05-02", "2025-05-03 02:59:59")),
    ("unknown_field", RODE, {**close_day("2025-05-02", NEXT_DAY), "card_sn": A1}),
]


@pytest.mark.parametrize(("code", "history", "command"), CASES, ids=lambda part: part if isinstance(part, str) else "")
def test_the_command_is_refused(code: str, history: tuple[Command, ...], command: dict[str, Any]) -> None:
    ledger = Ledger()
    ledger.given(*history)
    before = dict(ledger.memory.rows)

    assert ledger.submit(command) == code
    assert ledger.memory.rows == before


def test_the_checks_of_a_tap_come_in_the_order_of_the_contract() -> None:
    """A tap with every fault of stage 6 gets the first; put right one after the other, it meets the next."""
    ledger = Ledger()
    ledger.given(*ENTERED, tap("SINGLE", 9, NOON, 1))
    faults: list[tuple[str, dict[str, Any]]] = [
        ("uploaded_before_tap", {"uploaded_at": instant("2025-05-02 11:00")}),
        ("tap_too_late", {"uploaded_at": instant("2025-07-01 11:00")}),
        ("tap_conflict", {"uploaded_at": instant(NOON)}),
        ("paid_exceeds_due", {"counter": 10}),
        ("subsidy_without_concession", {"paid_fen": 2999}),
        ("concession_not_valid", {"concession_class": "ELDERLY"}),
        ("entry_counter_invalid", {"concession_class": "ORDINARY", "paid_fen": 3000}),
        ("insufficient_transit_purse", {"entry_counter": 4}),
    ]
    command = tap("EXIT", 9, NOON, 3000, 3001, entry_counter=10)
    seen = []
    for _, better in faults:
        command |= better
        seen.append(ledger.submit(command))

    assert seen == [code for code, _ in faults]
    assert not isinstance(ledger.submit({**command, "fare_due_fen": 300, "paid_fen": 300}), str)


def test_a_concession_holds_in_its_class_province_and_days_only() -> None:
    ledger = Ledger()
    ledger.given(*LOADED, grant(NOON, valid_from="2025-05-01", valid_to="2025-05-31"))
    ledger.given(act("EndEntitlement", NOON, entitlement_id="E1", ended_on="2025-05-20"))
    ledger.given(grant(NOON, "E2", kind="VENUE", valid_from="2025-05-21"))

    def ride(counter: int, at: str, **fields: Any) -> str:
        reduced = {"concession_class": "ELDERLY", "operating_area": "310106"}
        answer = ledger.submit(tap("SINGLE", counter, at, 100, 50, **{**reduced, **fields}))
        return answer if isinstance(answer, str) else "rode"

    assert ride(1, "2025-05-01 00:00") == ride(2, "2025-05-19 23:59:59") == "rode"
    refused = [
        ride(3, "2025-04-30 23:59:59"),
        ride(3, "2025-05-20 00:00"),
        ride(3, "2025-05-21 12:00"),
        ride(3, NOON, concession_class="STUDENT"),
        ride(3, NOON, operating_area="340100"),
    ]
    assert set(refused) == {"concession_not_valid"}


def rule(key: str, scope: str, value: int) -> dict[str, Any]:
    return {"key": f"transit.{key}", "scope": scope, "effective_from": "2025-05-02", "value": value}


NEXT_MIDNIGHT = instant("2025-05-03 00:00")


@pytest.mark.parametrize(
    ("key", "scope", "value", "history", "command", "code"),
    [
        # of the province where the tap was made
        ("late_days", "31", 0, LOADED, tap("SINGLE", 1, NOON, uploaded_at=NEXT_MIDNIGHT), "tap_too_late"),
        ("blacklist_delay_minutes", "31", 0, (*LOADED, lose("FORMAL", NOON)), tap("SINGLE", 1, NOON), "card_lost"),
        # of the province of the card
        ("purse_max_fen", "34", 1000, LOADED, load(1, NOON), "purse_limit_exceeded"),
        ("offline_grace_fen", "34", 0, LOADED, tap("SINGLE", 1, NOON, 1001), "insufficient_transit_purse"),
    ],
    ids=lambda part: part if isinstance(part, str) else "",
)
def test_a_rule_is_that_of_the_province_it_is_made_for_from_its_day_on(
    key: str, scope: str, value: int, history: tuple[Command, ...], command: Command, code: str
) -> None:
    other = "34" if scope == "31" else "31"
    begins_later = {**rule(key, scope, value), "effective_from": "2025-05-03"}
    in_shanghai = command | ({"operating_area": "310106"} if command["command"] == "TapTransit" else {})

    answers = []
    for configuration in (rule(key, scope, value), rule(key, other, value), begins_later):
        ledger = Ledger(configuration)
        ledger.given(*history)
        answers.append(ledger.submit(in_shanghai))
    assert [answer if isinstance(answer, str) else "recorded" for answer in answers] == [code, "recorded", "recorded"]


def test_a_purse_is_filled_to_its_limit_and_emptied_to_its_grace() -> None:
    ledger = Ledger(rule("purse_max_fen", "34", 1500), rule("offline_grace_fen", "34", 200))
    ledger.given(*LOADED, load(500, NOON))
    assert ledger.submit(load(1, NOON)) == "purse_limit_exceeded"

    assert ledger.submit(tap("SINGLE", 1, NOON, 1701)) == "insufficient_transit_purse"
    ledger.given(tap("SINGLE", 1, NOON, 1700))


def test_a_purse_left_below_a_grace_that_shrank_takes_what_costs_nothing_more() -> None:
    ledger = Ledger(
        rule("offline_grace_fen", "34", 500), {**rule("offline_grace_fen", "34", 0), "effective_from": "2025-05-03"}
    )
    ledger.given(*LOADED, tap("SINGLE", 1, NOON, 1500))

    assert ledger.submit(tap("SINGLE", 2, "2025-05-03 12:00", 1)) == "insufficient_transit_purse"
    ledger.given(tap("SINGLE", 2, "2025-05-03 12:00", 0), correct("COMPLAINT", 1, "2025-05-03 12:00", 1400))
