"""`history`, `explain`, `statement`: one card told from the log, at every version and instant."""

import hashlib
from pathlib import Path
from typing import Any

import psycopg
import pytest

from ledger.core.identity import stream_id_of
from ops.cli import audit
from ops.cli.output import yuan
from tests.cli.lines import CARD_ID, GOLDEN, NUMBER, SN, activate, contribute, issue, write
from tests.fix_command import Onecard

NEW_SN = "340000D15600000500000000000000A2"
FUND, MEDICAL = "fund:34:310200", f"card:{CARD_ID}:medical_account"
LIFE = [
    issue(),
    activate(),
    contribute(),
    activate(reference="bank", application="BANK", occurred_at="2025-02-01T10:00:00+08:00"),
    {
        "command": "IssueElectronicCard", "submitter": "T0", "reference": "e", "card_sn": SN,
        "level": "IDENTITY", "occurred_at": "2025-02-02T10:00:00+08:00",
    },
    {
        "command": "ReportLoss", "submitter": "T0", "reference": "lost", "card_sn": SN, "kind": "TEMPORARY",
        "occurred_at": "2025-03-01T10:00:00+08:00",
    },
    contribute("late", month="2025-02", occurred_at="2025-02-10T09:00:00+08:00", amount_fen=50),
    {
        "command": "ReportLoss", "submitter": "T0", "reference": "formal", "card_sn": SN, "kind": "FORMAL",
        "occurred_at": "2025-03-02T10:00:00+08:00",
    },
    {
        "command": "ReplaceCard", "submitter": "T0", "reference": "new", "card_sn": SN, "new_card_sn": NEW_SN,
        "new_card_number": "A00000011", "expires_on": "2035-02-28", "reason": "LOST",
        "occurred_at": "2025-03-09T10:00:00+08:00",
    },
    {
        "command": "WithdrawAccount", "submitter": "T1", "reference": "out", "card_sn": NEW_SN,
        "home_area": "340100", "amount_fen": 30, "reason": "TRANSFER", "occurred_at": "2025-04-01T10:00:00+08:00",
    },
]  # fmt: skip


@pytest.fixture
def told(onecard: Onecard, tmp_path: Path) -> Onecard:
    """The card's life in the ledger, the clock a day later for each of its lines."""
    for number, line in enumerate(LIFE, 1):
        ended = onecard("submit", write(tmp_path / "line", line), clock=f"2025-06-{number:02}T00:00:00Z")
        assert ended.code == 0, ended.stderr
    onecard("follow", "--until-caught-up")
    return onecard


def card(found: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(found["card"].values())


def test_the_whole_history(told: Onecard, dsn: str) -> None:
    found = told("history", SN, "--json").json
    assert found["card_id"] == CARD_ID
    assert found["card_sns"] == [
        {"card_sn": SN, "from": "2024-03-01T01:00:00.000000Z", "to": "2025-03-09T02:00:00.000000Z"},
        {"card_sn": NEW_SN, "from": "2025-03-09T02:00:00.000000Z", "to": None},
    ]
    assert found["selection"] == {"at_version": None, "as_of": None, "recorded_as_of": None}
    assert found["card"] == {
        "state": "ACTIVE",
        "social_security_active": True,
        "bank_active": True,
        "electronic_card": "REVOKED",
        "loss_expires_at": None,
        "restricted": False,
    }
    assert [event["card_version"] for event in found["events"]] == list(range(1, 11))
    assert [event["position"] for event in found["events"]] == list(range(1, 11))
    with psycopg.connect(dsn) as connection:
        rows = connection.execute("SELECT state FROM ledger.events ORDER BY originator_version").fetchall()
    digests = [hashlib.sha256(state).hexdigest() for (state,) in rows]
    assert [event["digest"] for event in found["events"]] == digests
    assert [event["prev_digest"] for event in found["events"]] == ["0" * 64, *digests[:-1]]
    assert found["position"] == 10
    assert told("history", NEW_SN, "--jsonl").lines == found["events"]
    assert NUMBER not in told("history", CARD_ID, "--json").stdout


def test_one_event(told: Onecard) -> None:
    event = told("history", SN, "--json").json["events"][6]
    assert {key: value for key, value in event.items() if not key.endswith("digest")} == {
        "card_version": 7,
        "position": 7,
        "event": "AccountContributed",
        "family": "medical",
        "occurred_at": "2025-02-10T01:00:00.000000Z",
        "recorded_at": "2025-06-07T00:00:00.000000Z",
        "business_date": "2025-02-10",
        "submitter": "T1",
        "reference": "late",
        "acting_person": None,
        "data": event["data"],
        "postings": [{"account": MEDICAL, "amount_fen": 50}, {"account": FUND, "amount_fen": -50}],
    }
    assert event["data"].items() >= {"month": "2025-02", "amount_fen": 50, "channel": None, "scheme": None}.items()
    envelope = {"card_id", "card_version", "occurred_at", "recorded_at", "submitter", "reference", "prev_digest"}
    assert not event["data"].keys() & envelope
    issued = told("history", SN, "--json").json["events"][0]["data"]
    assert issued["expires_on"] == "2034-02-28" and len(issued["person_key"]) == 64


def test_people_are_told_a_card_in_words_and_its_purses_by_what_they_are_for(told: Onecard) -> None:
    now = told("history", SN).stdout
    assert (
        "\n  ACTIVE, social security and bank active, electronic card revoked" in now
        and "True" not in now
        and "None" not in now
    )
    assert f"card_sn {NEW_SN} since 2025-03-09T10:00:00+08:00, in use" in now
    legs = [line.split()[-1] for line in now.partition("\naccount ")[0].splitlines() if "0.50" in line]
    assert sorted(legs) == [FUND, "medical_account"]
    before = told("history", SN, "--as-of", "2020-01-01T00:00:00Z").stdout
    assert "not issued yet" in before and "Nothing had happened." in before


@pytest.mark.parametrize(
    "version, expected",
    [
        (1, ("ISSUED", False, False, "NONE", None, False)),
        (2, ("ACTIVE", True, False, "NONE", None, False)),
        (5, ("ACTIVE", True, True, "IN_FORCE", None, False)),
        (6, ("TEMPORARY_LOSS", True, True, "IN_FORCE", "2025-03-06T02:00:00.000000Z", False)),
        (8, ("FORMAL_LOSS", True, True, "IN_FORCE", None, False)),
        (99, ("ACTIVE", True, True, "REVOKED", None, False)),
    ],
)
def test_the_card_at_a_version(told: Onecard, version: int, expected: tuple[Any, ...]) -> None:
    found = told("history", SN, "--at-version", version, "--json").json
    assert card(found) == expected
    assert len(found["events"]) == min(version, 10)
    assert found["selection"] == {"at_version": version, "as_of": None, "recorded_as_of": None}
    assert len(found["card_sns"]) == 2
    assert bool(found["accounts"]) == (version >= 3)


@pytest.mark.parametrize(
    "instant, versions, expected",
    [
        ("2024-03-01T08:59:59.999999+08:00", [], (None, False, False, "NONE", None, False)),
        ("2024-03-01T01:00:00Z", [1], ("ISSUED", False, False, "NONE", None, False)),
        ("2025-02-20T00:00:00Z", [1, 2, 3, 4, 5, 7], ("ACTIVE", True, True, "IN_FORCE", None, False)),
        (
            "2025-03-01T10:00:00+08:00",
            [1, 2, 3, 4, 5, 6, 7],
            ("TEMPORARY_LOSS", True, True, "IN_FORCE", "2025-03-06T02:00:00.000000Z", False),
        ),
        ("2025-03-05T00:00:00Z", [1, 2, 3, 4, 5, 6, 7, 8], ("FORMAL_LOSS", True, True, "IN_FORCE", None, False)),
        ("2090-01-01T00:00:00Z", list(range(1, 11)), ("ACTIVE", True, True, "REVOKED", None, False)),
    ],
)
def test_the_card_as_of_an_instant(told: Onecard, instant: str, versions: list[int], expected: tuple[Any, ...]) -> None:
    found = told("history", SN, "--as-of", instant, "--json").json
    assert [event["card_version"] for event in found["events"]] == versions
    assert card(found) == expected
    assert len(found["card_sns"]) == 2


def test_a_temporary_loss_that_ran_out_reads_as_active(onecard: Onecard, tmp_path: Path) -> None:
    onecard("submit", write(tmp_path / "file", LIFE[0], LIFE[1], LIFE[5]), clock="2026-01-01T00:00:00Z")
    onecard("follow", "--until-caught-up")
    at = {
        instant: card(onecard("history", SN, "--as-of", instant, "--json").json)[::4]
        for instant in ("2025-03-06T01:59:59.999999Z", "2025-03-06T02:00:00Z")
    }
    assert list(at.values()) == [("TEMPORARY_LOSS", "2025-03-06T02:00:00.000000Z"), ("ACTIVE", None)]
    # Nothing but the timer's event makes that visible in the last recorded state.
    last = ("TEMPORARY_LOSS", "2025-03-06T02:00:00.000000Z")
    assert card(onecard("history", SN, "--json").json)[::4] == last


def test_what_was_known_at_an_instant(told: Onecard) -> None:
    found = told("history", SN, "--recorded-as-of", "2025-06-06T12:00:00Z", "--json").json
    assert [event["card_version"] for event in found["events"]] == [1, 2, 3, 4, 5, 6]
    assert card(found)[0] == "TEMPORARY_LOSS"
    assert found["selection"]["recorded_as_of"] == "2025-06-06T12:00:00.000000Z"
    assert told("history", SN, "--recorded-as-of", "2025-05-31T00:00:00Z", "--json").json["card"]["state"] is None


def test_accounts_are_those_of_the_selected_events(told: Onecard) -> None:
    found = told("history", SN, "--as-of", "2025-02-20T00:00:00Z", "--json").json
    assert found["accounts"] == [
        {
            "account": MEDICAL,
            "balance_fen": 1050,
            "debit_fen": 1050,
            "credit_fen": 0,
            "entries": 2,
            "last_position": 7,
        }
    ]
    everything = told("history", SN, "--json").json["accounts"]
    assert everything == told("balance", SN, "--json").json["accounts"]


def test_explain(told: Onecard) -> None:
    def posting(position: int, event: str, day: str, reference: str, amount: int, running: int) -> dict[str, Any]:
        return {
            "position": position,
            "card_version": position,
            "event": event,
            "occurred_at": f"{day}.000000Z",
            "reference": reference,
            "amount_fen": amount,
            "running_fen": running,
        }

    postings = [
        posting(3, "AccountContributed", "2025-01-10T01:00:00", "c1", 1000, 1000),
        posting(7, "AccountContributed", "2025-02-10T01:00:00", "late", 50, 1050),
        posting(10, "AccountWithdrawn", "2025-04-01T02:00:00", "out", -30, 1020),
    ]
    account = {"account": MEDICAL, "balance_fen": 1020, "postings": postings}
    assert told("explain", NEW_SN, "--json").json == {"accounts": [account], "card_id": CARD_ID, "position": 10}
    assert told("explain", NEW_SN, "--jsonl").lines == [account]
    assert "10.20" in told("explain", SN).stdout


def test_statement(told: Onecard) -> None:
    found = told("statement", SN, "--from", "2025-02-10", "--to", "2025-04-01", "--json").json
    line = {"submitter": "T1", "counter_accounts": [FUND]}
    withdrawn = found["accounts"][0]["lines"][1]["counter_accounts"]
    assert found == {
        "accounts": [
            {
                "account": MEDICAL,
                "opening_fen": 1000,
                "closing_fen": 1020,
                "debit_fen": 50,
                "credit_fen": 30,
                "lines": [
                    {
                        **line,
                        "business_date": "2025-02-10",
                        "occurred_at": "2025-02-10T01:00:00.000000Z",
                        "position": 7,
                        "event": "AccountContributed",
                        "amount_fen": 50,
                        "running_fen": 1050,
                        "reference": "late",
                    },
                    {
                        **line,
                        "business_date": "2025-04-01",
                        "occurred_at": "2025-04-01T02:00:00.000000Z",
                        "position": 10,
                        "event": "AccountWithdrawn",
                        "amount_fen": -30,
                        "running_fen": 1020,
                        "counter_accounts": withdrawn,
                        "reference": "out",
                    },
                ],
            }
        ],
        "card_id": CARD_ID,
        "from": "2025-02-10",
        "to": "2025-04-01",
        "position": 10,
    }
    assert told("statement", SN, "--from", "2025-01-01", "--to", "2025-01-09", "--json").json["accounts"] == []
    (after,) = told("statement", SN, "--from", "2025-05-01", "--to", "2025-05-01", "--jsonl").lines
    assert (after["opening_fen"], after["closing_fen"], after["lines"]) == (1020, 1020, [])
    assert "opening 10.00" in told("statement", SN, "--from", "2025-02-10", "--to", "2025-04-01").stdout


def test_other_streams_have_histories_too(onecard: Onecard, tmp_path: Path) -> None:
    onecard("submit", GOLDEN / "E13.jsonl", "--receipts", tmp_path / "receipts", clock="2026-01-01T00:00:00Z")
    onecard("follow", "--until-caught-up")
    stream = stream_id_of("budget", _budget(onecard))
    found = onecard("history", stream, "--json").json
    assert (found["card_id"], found["card_sns"], found["card"]) == (stream, [], None)
    assert found["events"][0]["event"] == "BudgetIssued"
    assert {account["account"].split(":")[0] for account in found["accounts"]} == {"budget"}
    assert onecard("history", stream).code == 0
    for question in (("balance",), ("explain",), ("statement", "--from", "2025-01-01", "--to", "2025-01-01")):
        ended = onecard(question[0], stream, *question[1:], "--json")
        assert (ended.code, ended.json["error"]["code"]) == (1, "card_unknown")


def _budget(onecard: Onecard) -> str:
    (name, *_) = [one["account"] for one in onecard("accounts", "--prefix", "budget:", "--json").json["accounts"]]
    return str(name).removeprefix("budget:").rpartition(":")[0]


def test_a_view_that_lags_answers_as_far_as_it_has_come(told: Onecard, tmp_path: Path) -> None:
    told("submit", write(tmp_path / "more", contribute("more", month="2025-05")), clock="2025-07-01T00:00:00Z")
    assert told("history", SN, "--json").json["position"] == 10
    assert len(told("history", SN, "--json").json["events"]) == 10
    told("follow", "audit", "--until-caught-up")
    assert len(told("history", SN, "--json").json["events"]) == 11
    # The balances have not come as far: the document says up to where both have.
    assert told("balance", SN, "--json").json["position"] == 10


def test_people_see_the_first_of_very_many_rows_and_the_sums_of_all(
    told: Onecard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit, "ROWS_FOR_PEOPLE", 2)
    assert "... and 8 more: take all of them by --jsonl." in told("history", NEW_SN).stdout
    assert "... and 1 more" in told("explain", NEW_SN).stdout
    statement = told("statement", NEW_SN, "--from", "2025-01-01", "--to", "2025-12-31").stdout
    explained = told("explain", NEW_SN, "--json").json["accounts"][0]
    assert "... and 1 more" in statement and f"closing {yuan(explained['balance_fen'])}" in statement
