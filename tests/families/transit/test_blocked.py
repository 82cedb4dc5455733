"""Taps of a blocked card or a retired chip: debts until terminals have had time to learn, refused from then on."""

from typing import Any

from tests.families.counter import A1, A2, ACTIVE, act, issue, load, lose, replace, tap
from tests.families.given import Ledger


def given(*commands: dict[str, Any]) -> Ledger:
    ledger = Ledger()
    ledger.given(*ACTIVE, load(5000), *commands)
    return ledger


def rides(ledger: Ledger, at: str, counter: int, **fields: Any) -> str:
    answer = ledger.submit(tap("SINGLE", counter, at, 1, **fields))
    return answer if isinstance(answer, str) else "rode"


def test_a_blocked_card_rides_until_terminals_have_learnt_of_it() -> None:
    ledger = given(
        lose("TEMPORARY", "2025-05-02 12:00"), lose("FORMAL", "2025-05-03 10:00"), act("LiftLoss", "2025-05-09 10:00")
    )

    answers = [rides(ledger, at, number) for number, at in enumerate(["2025-05-03 11:59:59", "2025-05-03 12:00"], 1)]
    assert answers == ["rode", "card_lost"]
    assert rides(ledger, "2025-05-09 10:00", 3) == "rode"


def test_a_temporary_loss_that_ran_out_blocks_nobody() -> None:
    ledger = given(lose("TEMPORARY", "2025-05-02 12:00"))

    assert rides(ledger, "2025-05-07 11:59:59", 1) == "card_lost"
    assert rides(ledger, "2025-05-07 12:00", 1) == "rode"


def test_a_state_that_lasted_no_time_does_not_break_a_run() -> None:
    ledger = given(
        act("LockCard", "2025-05-02 12:00", reason="RISK"),
        act("UnlockCard", "2025-05-03 11:00"),
        act("LockCard", "2025-05-03 11:00", reason="RISK"),
    )

    assert rides(ledger, "2025-05-03 12:00", 1) == "card_locked"


def test_a_block_that_begins_when_a_temporary_loss_runs_out_continues_it() -> None:
    ran_out = "2025-05-07 12:00"
    lost = given(lose("TEMPORARY", "2025-05-02 12:00"), lose("FORMAL", ran_out))
    replaced = given(lose("TEMPORARY", "2025-05-02 12:00"), replace("DAMAGED", ran_out))
    later = given(lose("TEMPORARY", "2025-05-02 12:00"), replace("DAMAGED", f"{ran_out}:01"))

    assert rides(lost, ran_out, 1) == "card_lost"
    assert [rides(replaced, ran_out, 1, card_sn=chip) for chip in (A1, A2)] == ["card_sn_retired", "rode"]
    assert rides(later, f"{ran_out}:01", 1) == "rode"
    assert rides(later, "2025-05-08 12:00:01", 2) == "card_sn_retired"


def test_a_retired_chip_is_blocked_since_the_run_its_retirement_continues() -> None:
    lost, replaced = "2025-05-02 12:00", "2025-05-02 20:00"
    ledger = given(lose("FORMAL", lost), replace("LOST", replaced))

    assert rides(ledger, "2025-05-02 19:00", 1) == "rode"
    assert rides(ledger, "2025-05-03 11:59:59", 2) == "rode"
    assert rides(ledger, "2025-05-03 12:00", 3) == "card_sn_retired"
    assert rides(ledger, "2025-05-03 12:00", 3, card_sn=A2) == "rode"


def test_a_chip_replaced_while_in_use_is_blocked_since_its_retirement() -> None:
    ledger = given(replace("DAMAGED", "2025-05-02 20:00"), act("CancelCard", "2025-05-03 08:00", A2, reason="OTHER"))

    assert rides(ledger, "2025-05-03 19:59:59", 1) == "rode"
    assert rides(ledger, "2025-05-03 20:00", 2) == "card_sn_retired"
    assert rides(ledger, "2025-05-04 08:00", 3, card_sn=A2) == "card_cancelled"


def test_a_card_cancelled_before_its_activation_is_blocked_since_its_issue() -> None:
    ledger = Ledger()
    ledger.given(issue("2025-05-01 09:00"), act("CancelCard", "2025-05-02 08:00", reason="OTHER"))

    assert rides(ledger, "2025-05-02 07:59:59", 1) == "card_not_activated"
    assert (
        rides(
            ledger,
            "2025-05-02 08:59:59",
            1,
        )
        != "card_cancelled"
    )
    assert rides(ledger, "2025-05-02 09:00", 2) == "card_cancelled"
