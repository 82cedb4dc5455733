"""What a tap books and says: journeys, late exits, the chip's chain, obligations between cities, blocked cards."""

from typing import Any

import pytest

from ledger.core.fields import AMOUNT_MAX, COUNT_MAX
from ledger.core.identity import NO_DIGEST, card_id_of
from ledger.families.transit.chip import Counts
from ledger.families.transit.obligation import is_inter_city, pair_balance
from ledger.service.recording import apply
from tests.families.counter import (
    A1,
    A2,
    A3,
    ACTIVE,
    F1,
    correct,
    grant,
    instant,
    load,
    replace,
    tap,
)
from tests.families.given import Ledger

PURSE = f"card:{card_id_of(A1)}:transit_purse"
NOON = "2025-05-02 12:00"
SHANGHAI: dict[str, Any] = {"operating_area": "310106"}


def given(*commands: dict[str, Any], configuration: tuple[dict[str, Any], ...] = ()) -> Ledger:
    ledger = Ledger(*configuration)
    ledger.given(*ACTIVE, load(5000), *commands)
    return ledger


def one(ledger: Ledger, command: dict[str, Any]) -> dict[str, Any]:
    (event,) = ledger.given(command)
    return event


def balances(ledger: Ledger) -> dict[str, int]:
    """What taps changed; the purse counted from its load."""
    moved = {**ledger.balances, PURSE: ledger.balances[PURSE] - 5000}
    return {account: moved[account] for account in moved if moved[account] and not account.startswith("cash:")}


def test_a_fare_is_paid_by_the_purse_and_the_concession_by_local_finance() -> None:
    ledger = given(grant(NOON, province="34"))

    event = one(ledger, tap("SINGLE", 1, NOON, 500, 200, concession_class="ELDERLY"))
    assert (event["subsidy_fen"], event["journey"], event["inter_city"]) == (300, "NONE", False)
    assert balances(ledger) == {PURSE: -200, "operator:OP1": 500, "subsidy:34": -300}


def test_a_fare_in_another_city_is_owed_by_the_city_that_issued_the_card() -> None:
    ledger = given(tap("SINGLE", 1, NOON, 500, **SHANGHAI))

    assert balances(ledger) == {
        PURSE: -500,
        "operator:OP1": 500,
        "transit_advance:3101": -500,
        "transit_clearing:3400:3101": 500,
    }
    assert pair_balance(ledger.world(), "3400", "3101") == 500
    assert pair_balance(ledger.world(), "3400", "3201") == 0


@pytest.mark.parametrize(
    ("issued", "used", "owed"),
    [
        ("340100", "340104", False),  # one city
        ("340100", "340200", True),  # two cities of a province
        ("340000", "340200", False),  # issued by the province: its city is not told
        ("340100", "340000", False),
        ("310100", "310200", False),  # a municipality is one city
        ("110000", "310000", True),
        ("310100", "340000", True),
    ],
)
def test_a_fare_makes_an_obligation_only_between_cities_told_apart(issued: str, used: str, owed: bool) -> None:
    assert is_inter_city(issued, used) is owed


def test_a_card_goes_on_being_of_the_city_of_its_first_chip() -> None:
    ledger = given(replace("DAMAGED", NOON, new_card_sn=F1))

    event = one(ledger, tap("SINGLE", 1, "2025-05-02 13:00", 500, card_sn=F1, **SHANGHAI))
    assert (event["issue_city"], event["inter_city"]) == ("3400", True)
    assert pair_balance(ledger.world(), "3400", "3101") == 500


def test_local_finance_gets_its_share_of_a_fare_back_with_it() -> None:
    ledger = given(
        grant(NOON, province="34"),
        tap("SINGLE", 1, NOON, 500, 200, concession_class="ELDERLY"),
        correct("COMPLAINT", 1, "2025-05-03 12:00", 400, 100),
    )
    assert balances(ledger) == {PURSE: -100, "operator:OP1": 400, "subsidy:34": -300}

    ledger = given(tap("ENTRY", 2, NOON), correct("MISSING_EXIT", 2, "2025-05-02 16:00", 900, 300))
    assert balances(ledger) == {PURSE: -300, "operator:OP1": 900, "subsidy:34": -600}
    one(ledger, tap("EXIT", 3, NOON, 50, entry_counter=2))
    assert balances(ledger) == {PURSE: -50, "operator:OP1": 50}


def test_an_exit_closes_its_entry_whichever_arrives_first() -> None:
    ledger = given()
    journeys = [
        one(ledger, tap("ENTRY", 1, NOON))["journey"],
        one(ledger, tap("EXIT", 2, NOON, 300, entry_counter=1))["journey"],
        one(ledger, tap("EXIT", 4, NOON, 300, entry_counter=3))["journey"],
        one(ledger, tap("ENTRY", 3, NOON))["journey"],
        one(ledger, tap("EXIT", 5, NOON, 300))["journey"],
    ]

    assert journeys == ["OPEN", "CLOSED", "WAITING", "CLOSED", "UNMATCHED"]
    assert ledger.submit(correct("MISSING_EXIT", 3, "2025-05-03 12:00", 900)) == "journey_closed"


def test_an_entry_of_another_operator_is_not_closed_by_a_waiting_exit() -> None:
    ledger = given(tap("EXIT", 4, NOON, 300, entry_counter=3))

    assert one(ledger, tap("ENTRY", 3, NOON, operator="OP2"))["journey"] == "OPEN"


def test_a_late_exit_undoes_the_maximum_fare_charged_on_its_entry() -> None:
    ledger = given(
        tap("ENTRY", 4, NOON, **SHANGHAI),
        correct("MISSING_EXIT", 4, "2025-05-02 16:00", 900),
        correct("COMPLAINT", 4, "2025-05-02 17:00", 800),
    )
    assert balances(ledger)["transit_clearing:3400:3101"] == 800

    event = one(ledger, tap("EXIT", 5, "2025-05-02 13:00", 300, entry_counter=4))
    undone = ("reversed_due_fen", "reversed_paid_fen", "reversed_use_city", "reversed_inter_city", "inter_city")
    assert [event[name] for name in undone] == [800, 800, "3101", True, False]
    assert balances(ledger) == {PURSE: -300, "operator:OP1": 300}
    assert pair_balance(ledger.world(), "3400", "3101") == 0
    assert ledger.submit(correct("COMPLAINT", 4, "2025-05-03 12:00", 100)) == "fare_on_entry"


def test_a_late_exit_of_the_maximum_fare_books_nothing() -> None:
    ledger = given(tap("ENTRY", 4, NOON), correct("MISSING_EXIT", 4, "2025-05-02 16:00", 900))
    before = balances(ledger)

    one(ledger, tap("EXIT", 5, "2025-05-02 13:00", 900, entry_counter=4))
    assert balances(ledger) == before


def test_a_purse_below_its_grace_still_takes_an_exit_that_gives_back() -> None:
    ledger = given(tap("ENTRY", 4, NOON), correct("MISSING_EXIT", 4, "2025-05-02 16:00", 6000))

    assert ledger.submit(tap("SINGLE", 6, NOON, 1)) == "insufficient_transit_purse"
    assert not isinstance(ledger.submit(tap("SINGLE", 6, NOON, 0)), str)
    assert not isinstance(ledger.submit(tap("EXIT", 5, NOON, 6000, entry_counter=4)), str)


def test_corrections_state_the_fare_whole_and_may_follow_each_other() -> None:
    ledger = given(tap("SINGLE", 1, NOON, 500, **SHANGHAI))
    events = [
        one(ledger, correct("COMPLAINT", 1, "2025-05-03 09:00", 300, 100)),
        one(ledger, correct("OPERATOR_ERROR", 1, "2025-05-01 09:00", 0)),
    ]

    previous = [(event["previous_due_fen"], event["previous_paid_fen"]) for event in events]
    assert previous == [(500, 500), (300, 100)]
    assert balances(ledger) == {}


@pytest.mark.parametrize(
    ("counter", "shown", "answer"),
    [
        (6, 4800, "ok"),  # 4400 shown at 5, 500 loaded after it, 100 paid now
        (6, 4300, "broken"),
        (6, None, "unchecked"),
        (8, 4300, "unchecked"),  # counter 7 showed nothing
        (10, 4300, "unchecked"),  # counter 9 is not recorded
    ],
)
def test_the_chip_is_believed_when_its_balance_follows_from_the_one_before(
    counter: int, shown: int | None, answer: str
) -> None:
    ledger = given(
        tap("SINGLE", 5, NOON, 600, balance_after_fen=4400),
        load(200, NOON, after_counter=5),
        load(300, NOON, after_counter=5),
        load(7, NOON, after_counter=4),
        tap("SINGLE", 7, NOON, 100),
    )

    assert one(ledger, tap("SINGLE", counter, NOON, 100, balance_after_fen=shown))["chain"] == answer


def test_a_new_chip_counts_anew() -> None:
    ledger = given(
        tap("SINGLE", 5, NOON, 600, balance_after_fen=4400),
        load(200, NOON, after_counter=5),
        replace("DAMAGED", "2025-05-02 13:00"),
    )
    later = "2025-05-02 14:00"
    seen = [one(ledger, tap("SINGLE", counter, later, card_sn=A2, balance_after_fen=0)) for counter in (6, 1, 9, 7, 8)]

    assert [event["missing_counters"] for event in seen] == [5, 0, 2, 0, 0]
    assert [event["chain"] for event in seen] == ["unchecked", "unchecked", "unchecked", "ok", "ok"]


def test_an_upload_is_late_by_dates_not_by_hours() -> None:
    ledger = given(configuration=({"key": "transit.late_days", "effective_from": "2025-01-01", "value": 1},))

    one(ledger, tap("SINGLE", 1, "2025-05-02 00:00", 1, uploaded_at=instant("2025-05-03 23:59:59")))
    late = tap("SINGLE", 2, "2025-05-02 23:59:59", 1, uploaded_at=instant("2025-05-04 00:00"))
    assert ledger.submit(late) == "tap_too_late"


def test_a_tap_names_beforehand_all_rows_it_will_read() -> None:
    ledger = given(grant(NOON), tap("ENTRY", 1, NOON, balance_after_fen=5000, **SHANGHAI))

    one(
        ledger,
        tap("EXIT", 2, NOON, 100, 50, entry_counter=1, concession_class="ELDERLY", balance_after_fen=4950, **SHANGHAI),
    )
    assert ledger.unforeseen == []
    one(ledger, correct("COMPLAINT", 2, NOON, 80))
    assert ledger.unforeseen == []


def test_rows_are_a_function_of_the_log() -> None:
    ledger = given(
        tap("ENTRY", 4, NOON, **SHANGHAI),
        correct("MISSING_EXIT", 4, "2025-05-02 16:00", 900),
        tap("EXIT", 5, "2025-05-02 13:00", 300, entry_counter=4),
        load(1, NOON, after_counter=5),
    )

    assert ledger.made_again() == ledger.memory.rows


def test_a_page_of_a_chip_takes_the_longest_names_there_are() -> None:
    """The ledger of the tests refuses rows over the limit."""
    ledger = given()
    long = "X" * 64
    first = COUNT_MAX + 1 - Counts.SIZE
    for counter in range(first, first + Counts.SIZE):
        named = {"operator": long, "terminal": long, "line": long, "station": long, "concession_class": "ORDINARY"}
        one(ledger, tap("ENTRY", counter, NOON, balance_after_fen=-AMOUNT_MAX, **named, **SHANGHAI))
        one(ledger, load(1, NOON, after_counter=counter))

    (page,) = (row for (kind, _), row in ledger.memory.rows.items() if kind is Counts)
    assert len(page) > 2_500
    assert (
        ledger.submit(tap("ENTRY", first, NOON, balance_after_fen=-AMOUNT_MAX, **named, **SHANGHAI)) == "tap_duplicate"
    )


def test_no_row_grows_with_exits_that_wait_for_one_entry() -> None:
    """Each of another operator: any of them may be the one whose entry comes."""
    ledger = given()
    for counter in range(2, 102):
        waiting = one(ledger, tap("EXIT", counter, NOON, 1, entry_counter=1, operator=f"OP-{counter}"))
        assert waiting["journey"] == "WAITING"
    assert ledger.submit(tap("EXIT", 200, NOON, 1, entry_counter=1, operator="OP-7")) == "journey_closed"

    assert one(ledger, tap("ENTRY", 1, NOON, operator="OP-7"))["journey"] == "CLOSED"
    assert ledger.submit(tap("EXIT", 200, NOON, 1, entry_counter=1, operator="OP-7")) == "journey_closed"
    assert ledger.submit(tap("EXIT", 200, NOON, 1, entry_counter=1, operator="OP-8")) == "entry_counter_invalid"
    assert ledger.made_again() == ledger.memory.rows


def test_a_retired_chip_goes_on_counting_where_it_was() -> None:
    ledger = given(
        tap("SINGLE", 5, NOON, 1),
        replace("DAMAGED", "2025-05-02 13:00"),
        tap("SINGLE", 2, "2025-05-02 14:00", 1, card_sn=A2),
    )

    late = [one(ledger, tap("SINGLE", counter, NOON, 1)) for counter in (8, 7, 10)]
    assert [event["missing_counters"] for event in late] == [2, 0, 1]
    again = replace("DAMAGED", "2025-05-02 15:00", card_sn=A2, new_card_sn=A3)
    one(ledger, again)
    assert one(ledger, tap("SINGLE", 4, "2025-05-02 14:30", 1, card_sn=A2))["missing_counters"] == 1
    assert one(ledger, tap("SINGLE", 11, NOON, 1))["missing_counters"] == 0
    assert one(ledger, tap("SINGLE", 2, "2025-05-02 16:00", 1, card_sn=A3))["missing_counters"] == 1
    assert ledger.submit(replace("DAMAGED", "2025-05-02 17:00", card_sn=A3, new_card_sn=A1)) == "card_sn_exists"
    assert ledger.made_again() == ledger.memory.rows


def test_a_tap_or_an_exit_that_stands_twice_in_the_log_does_not_pass_when_rows_are_made_again() -> None:
    ledger = given(tap("ENTRY", 1, NOON), tap("EXIT", 2, NOON, 1, entry_counter=1))
    position, name, event = ledger.events[-1]

    for again, told in ((event, "recorded at count 2"), ({**event, "counter": 3}, "begins at count 1 has its exit")):
        with pytest.raises(LookupError, match=told):
            apply(ledger.world(), name, again, position + 1, NO_DIGEST)
