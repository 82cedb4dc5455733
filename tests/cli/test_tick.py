"""`tick`: the calendar's commands, each once and dated when it was due, however late or often it runs."""

import json
from pathlib import Path
from typing import Any

import pytest

from ops.timers import due as finding
from tests.cli.lines import write
from tests.cli.payroll import numbered
from tests.crash.processes import KILLED, run
from tests.families.counter import A1, A2, ACTIVE, B1, BEN, act, activate, grant, issue, lose, replace, tap
from tests.families.service.scene import buy, give_voucher, on_pass, redeem, visit
from tests.fix_command import Onecard
from tests.fix_stores import Store

NOW = "2027-06-01T00:00:00Z"
CALENDAR = (
    *ACTIVE,
    issue(card_sn=B1, person=BEN),
    activate(card_sn=B1),
    buy("2025-01-01 12:00"),  # active by itself on 2025-04-01, ends after 2026-03-31
    buy("2025-01-01 12:00", "P2"),
    on_pass("ActivatePass", "2025-02-01 12:00", "P2"),  # ends after 2026-01-31
    visit("2025-02-01 12:00", pass_id="P2"),
    buy("2025-01-01 12:00", "P3"),
    on_pass("RefundPass", "2025-01-02 12:00", "P3"),
    give_voucher(at="2025-06-02 12:00"),  # to 2025-06-30
    redeem(200),
    give_voucher(voucher_id="V2"),
    redeem(500, redemption_id="RD2", voucher_id="V2"),
    give_voucher(voucher_id="V3", valid_to="2099-12-31"),
    grant("2025-01-02 09:00"),
    tap("ENTRY", 1, "2025-05-01 08:00"),
    lose("TEMPORARY", "2025-06-10 09:30"),  # runs out on 2025-06-15 09:30
    lose("TEMPORARY", "2025-06-10 09:30", B1),
    act("LiftLoss", "2025-06-11 09:30", B1),
)
DUE = [
    ("PassActivated", "2025-03-31T16:00:00.000000Z"),
    ("CardTemporaryLossExpired", "2025-06-15T01:30:00.000000Z"),
    ("VoucherExpired", "2025-06-30T16:00:00.000000Z"),
    ("PassExpired", "2026-01-31T16:00:00.000000Z"),
    ("PassExpired", "2026-03-31T16:00:00.000000Z"),
]


def submit(onecard: Onecard, folder: Path, *commands: dict[str, Any], submitter: str = "T0") -> None:
    file = write(folder / f"{submitter}.jsonl", *numbered(list(commands), submitter))
    ended = onecard("submit", file, "--json", clock=NOW)
    assert ended.json["rejected"] == 0, ended.stderr


def tick(onecard: Onecard, until: str) -> dict[str, Any]:
    ended = onecard("tick", "--until", until, "--json", clock=NOW)
    assert ended.code == 0, ended.stdout
    found: dict[str, Any] = ended.json
    return found


def ticked(onecard: Onecard, *cards: str) -> list[tuple[str, str]]:
    """What ticking recorded: event and instant, in the order of the log."""
    assert onecard("follow", "--until-caught-up").code == 0
    events = [one for card in cards or (A1,) for one in onecard("history", card, "--jsonl").lines]
    own = [one for one in events if one["submitter"] == "onecard-tick"]
    return [(one["event"], one["occurred_at"]) for one in sorted(own, key=lambda one: int(one["position"]))]


def test_what_is_due_is_recorded_in_order_of_when(onecard: Onecard, tmp_path: Path) -> None:
    submit(onecard, tmp_path, *CALENDAR)
    found = tick(onecard, NOW)
    count = len(CALENDAR)
    assert found == {
        "until": "2027-06-01T00:00:00.000000Z", "due": 5, "recorded": 5, "duplicate": 0, "held": 0,
        "recorded_by_command": {"ExpireTemporaryLoss": 1, "ActivatePass": 1, "ExpirePass": 2, "ExpireVoucher": 1},
        "held_by_code": {}, "first_position": count + 1, "last_position": count + 5,
    }  # fmt: skip
    assert ticked(onecard) == DUE
    assert onecard("verify").code == 0
    assert tick(onecard, NOW)["due"] == 0


def test_ticking_day_by_day_comes_to_the_same(onecard: Onecard, tmp_path: Path) -> None:
    submit(onecard, tmp_path, *CALENDAR)
    steps = [
        ("2025-03-31T15:59:59.999999Z", 0), ("2025-04-01T00:00:00+08:00", 1), ("2025-06-15T09:29:59+08:00", 0),
        ("2025-06-15T09:30:00+08:00", 1), ("2025-06-30T23:59:59+08:00", 0), ("2025-07-01T00:00:00+08:00", 1),
        ("2026-01-31T23:59:59+08:00", 0), ("2026-02-01T00:00:00+08:00", 1), (NOW, 1), ("2025-01-01T00:00:00Z", 0),
    ]  # fmt: skip
    assert [tick(onecard, until)["recorded"] for until, _ in steps] == [count for _, count in steps]
    assert ticked(onecard) == DUE


def test_many_are_taken_in_rounds(onecard: Onecard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    submit(onecard, tmp_path, *CALENDAR)
    monkeypatch.setattr(finding, "KEPT", 2)
    monkeypatch.setattr(finding, "PAGE", 1)
    assert tick(onecard, NOW)["recorded"] == 5
    assert ticked(onecard) == DUE


def test_what_a_card_keeps_from_being_recorded_is_held_and_tried_again(onecard: Onecard, tmp_path: Path) -> None:
    lost = lose("FORMAL", "2025-02-01 12:00")
    submit(onecard, tmp_path, *ACTIVE, buy("2025-01-01 12:00"), lost)
    ended = onecard("tick", "--until", "2025-05-01T00:00:00Z", clock=NOW)
    assert (ended.code, ended.stdout) == (0, "")
    assert ended.stderr == "1 due up to 2025-05-01T08:00:00+08:00: 0 recorded, 1 held (card_lost 1).\n"
    found = tick(onecard, NOW)  # the pass was active by date all the same, and its end needs no active card
    assert (found["recorded_by_command"]["ExpirePass"], found["held_by_code"]) == (1, {"card_lost": 1})
    assert tick(onecard, NOW)["due"] == 0


def test_a_card_that_was_replaced_since_is_named_as_it_is_now(onecard: Onecard, tmp_path: Path) -> None:
    moved = replace("DAMAGED", "2025-07-05 12:00")
    submit(onecard, tmp_path, *ACTIVE, give_voucher(), moved)
    assert tick(onecard, NOW)["recorded"] == 1
    assert ticked(onecard, A2) == [("VoucherExpired", "2025-07-05T04:00:00.000000Z")]


@pytest.mark.parametrize("until", ["today", "2025-07-01", "2027-06-01T00:00:01Z", "1999-01-01T00:00:00Z"])
def test_an_instant_that_is_none_or_lies_ahead_is_refused(onecard: Onecard, until: str) -> None:
    ended = onecard("tick", "--until", until, "--json", clock=NOW)
    assert (ended.code, ended.json["error"]["code"]) == (2, "usage")


def test_an_empty_store_has_nothing_due(onecard: Onecard) -> None:
    assert tick(onecard, NOW)["first_position"] is None


def test_a_tick_that_is_killed_is_finished_by_the_next(store: Store, tmp_path: Path) -> None:
    vouchers = [give_voucher(voucher_id=f"V{n}") for n in range(8)]
    given = numbered([*ACTIVE, *vouchers])
    store.submit(write(tmp_path / "given.jsonl", *given))
    until = "2025-07-01T00:00:00+08:00"
    for moment, ended in (("after:2", KILLED), ("before:1", KILLED), ("during:1:300", None), ("never", 0)):
        code = run("tick", store.dsn, tmp_path / "out", 2, moment, until)
        assert ended is None or code == ended
    assert json.loads((tmp_path / "out").read_text())["held"] == 0
    assert len(store.positions()) == len(given) + len(vouchers)
    assert store.ask("SELECT count(*) FROM ledger.submissions WHERE submitter = 'onecard-tick'") == [(len(vouchers),)]
