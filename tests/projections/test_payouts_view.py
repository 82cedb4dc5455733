"""What is asked of the view `payouts`: budget lines, batches, lines of a batch, and whom its lists leave out."""

from pathlib import Path

import pytest

from tests.cli.lines import told
from tests.cli.payroll import family, numbered
from tests.families.benefit.office import (
    ACCOUNT,
    ADA,
    BEN,
    SN,
    add_line,
    approve,
    budget,
    credit,
    issue_card,
    number,
    offset,
    open_batch,
    overpaid,
    recover,
    send,
    stop,
)
from tests.fix_command import Onecard


@pytest.fixture
def sent(onecard: Onecard, tmp_path: Path) -> Onecard:
    """A batch of three lines to one head of a household, 30.06 yuan, sent to its bank."""
    told(onecard, tmp_path, *family(3))
    return onecard


def test_a_sent_batch_is_in_payment_until_its_bank_answers(sent: Onecard) -> None:
    (batch,) = sent("payouts", "list", "--state", "SENT", "--jsonl").lines
    counts = ("batch_id", "lines", "lines_fen", "sent_lines", "gross_fen", "paid", "returned", "struck")
    assert [batch[name] for name in counts] == ["B1", 3, 3_006, 3, 3_006, 0, 0, 0]
    (budget,) = sent("budgets", "--json").json["budgets"]
    assert [budget[f"{name}_fen"] for name in ("issued", "available", "frozen", "paid")] == [
        10_000_000, 10_000_000 - 3_006, 3_006, 0,
    ]  # fmt: skip
    document = sent("payouts", "show", "B1", "--json").json
    assert document["batch"] == batch and document["objections"] == []
    assert [(one["line_id"], one["state"], one["amount_fen"]) for one in document["lines"]] == [
        ("L1", "IN_PAYMENT", 1_001), ("L2", "IN_PAYMENT", 1_002), ("L3", "IN_PAYMENT", 1_003),
    ]  # fmt: skip
    assert sent("payouts", "show", "B1", "--state", "PAID", "--jsonl").stdout == ""
    shown = sent("payouts", "show", "B1").stdout
    assert "B1 is SENT" in shown and "30.06" in shown
    assert "30.06" in sent("payouts", "list").stdout and "30.06" in sent("budgets").stdout


def test_lines_to_a_restricted_card_are_left_out_and_stay_in_the_sums(sent: Onecard, tmp_path: Path) -> None:
    before = sent("payouts", "show", "B1", "--json").json
    restrict = {"command": "RestrictProcessing", "submitter": "OFFICE", "reference": "stop", "reason": "COURT",
                "card_sn": SN[ADA], "occurred_at": "2025-07-01T10:00:00+08:00"}  # fmt: skip
    told(sent, tmp_path, restrict)
    after = sent("payouts", "show", "B1", "--json").json
    assert after == {**before, "lines": [], "position": before["position"] + 1}


def test_a_batch_that_is_unknown_is_exit_1_and_a_wrong_word_exit_2(sent: Onecard) -> None:
    unknown = sent("payouts", "show", "B2", "--json")
    assert (unknown.code, unknown.json["error"]["code"]) == (1, "batch_unknown")
    assert sent("payouts", "show", "B1", "--source", "all").code == 2
    assert sent("payouts", "list", "--state", "LOST").code == 2
    assert sent("payouts", "overpayments", "--json").json["overpayments"] == []
    assert sent("payouts", "list", "--period", "2025-13").code == 2


def test_a_struck_line_is_in_no_total_that_people_add_up(onecard: Onecard, tmp_path: Path) -> None:
    head = {"payee": ADA, "household_head": ADA, "relationship": "CHILD"}
    lines = [add_line("B1", f"L{n}", number(n), 1_000 + n, **head) for n in (1, 2)]
    told(onecard, tmp_path, *numbered([
        issue_card(ADA, SN[ADA], ACCOUNT[ADA]), open_batch("B1", 1, 1_002), *lines, stop("B1", "L1"),
    ]))  # fmt: skip
    (batch,) = onecard("payouts", "list", "--jsonl").lines
    assert [batch[name] for name in ("lines", "lines_fen", "struck", "struck_fen")] == [2, 2_003, 1, 1_001]
    assert onecard("payouts", "list").stdout.splitlines()[1].split()[-5:] == ["1", "10.02", "0.00", "0.00", "0.00"]
    shown = onecard("payouts", "show", "B1").stdout
    assert "1 line of 10.02 yuan: 0 paid (0.00)" in shown and "1 struck besides (10.01)" in shown


def test_of_an_overpayment_is_outstanding_what_neither_came_back_nor_is_kept_back(
    onecard: Onecard, tmp_path: Path
) -> None:
    cards = [issue_card(person, SN[person], ACCOUNT[person]) for person in (ADA, BEN)]
    paid = [open_batch("B1", 2, 1_900), add_line("B1"), add_line("B1", "2", BEN, 900), approve("B1"), send("B1"),
            credit("B1"), credit("B1", "2", 900)]  # fmt: skip
    found = [overpaid("O1", "B1"), overpaid("O2", "B1", "2", 500), recover("R1", "O1", 100), recover("R2", "O1", 50)]
    kept = [open_batch("B2", period="2025-07"), add_line("B2"), offset("F1", "O1", "B2", fen=30),
            open_batch("B3", period="2025-08"), add_line("B3"), offset("F2", "O1", "B3", fen=200)]  # fmt: skip
    told(onecard, tmp_path, *numbered([*cards, budget(10_000), *paid, *found, *kept]))

    def outstanding(*more: str) -> dict[str, list[int]]:
        names = ("amount_fen", "recovered_fen", "offset_fen", "outstanding_fen")
        lines = onecard("payouts", "overpayments", *more, "--jsonl").lines
        return {one["overpayment_id"]: [one[name] for name in names] for one in lines}

    (line,) = onecard("budgets", "--json").json["budgets"]
    assert [line[f"{name}_fen"] for name in ("issued", "available", "frozen", "paid")] == [10_000, 8_100, 0, 1_900]
    assert outstanding() == {"O1": [600, 150, 230, 220], "O2": [500, 0, 0, 500]}
    assert set(outstanding("--card", SN[BEN])) == {"O2"}
    told(onecard, tmp_path, {**stop("B3"), "submitter": "OFFICE", "reference": "stop"})
    assert outstanding()["O1"] == [600, 150, 30, 420]
