"""`follow`, `rebuild`, `lag`, `status`, `schemas`, `simulate`: the documents of queries.md section 6."""

import tomllib
from pathlib import Path

import psycopg
import pytest

from projections.views.registry import VIEWS
from tests.cli.lines import GOLDEN, SN, activate, contribute, issue, write
from tests.fix_command import Onecard
from tests.house.tree import ROOT

NAMES = sorted(view.name for view in VIEWS)


def test_follow_says_what_it_applied(onecard: Onecard, tmp_path: Path) -> None:
    onecard("submit", write(tmp_path / "file", issue(), activate()))
    assert onecard("follow", "balances", "--until-caught-up", "--json").json == {
        "followers": [{"name": "balances", "from_position": 0, "to_position": 2, "applied": 2}]
    }
    onecard("submit", write(tmp_path / "more", contribute()))
    followers = onecard("follow", "--until-caught-up", "--json").json["followers"]
    assert [one["name"] for one in followers] == NAMES
    assert {one["name"]: one["applied"] for one in followers} == {**dict.fromkeys(NAMES, 3), "balances": 1}
    assert {one["to_position"] for one in followers} == {3}


def test_lag_counts_what_is_still_to_be_applied(onecard: Onecard, tmp_path: Path) -> None:
    onecard("submit", write(tmp_path / "file", issue(), activate()))
    onecard("follow", "balances", "--until-caught-up")
    found = onecard("lag", "--json").json
    assert found["head_position"] == 2
    follower = {"share": "1/1", "feed": "log", "position": 0, "behind": 2, "running": False}
    assert found["followers"] == [
        {**follower, "name": name, **({"position": 2, "behind": 0} if name == "balances" else {})} for name in NAMES
    ]
    assert onecard("lag").code == 0


def test_status_of_an_empty_store(onecard: Onecard) -> None:
    ended = onecard("status", "--json", clock="2026-01-01T08:00:00+08:00")
    assert ended.json == {
        "source": "33",
        "mode": {"database": "server", "kafka": False},
        "head_position": 0,
        "events": 0,
        "streams": 0,
        "cards": 0,
        "views": [{"name": name, "version": None, "position": 0, "behind": 0} for name in NAMES],
        "cycles": [],
        "last_seal": None,
        "clock": "2026-01-01T00:00:00.000000Z",
    }


def test_the_version_is_told_by_its_option_and_to_people_by_status(onecard: Onecard) -> None:
    told = f"onecard-ledger {tomllib.loads((ROOT / 'pyproject.toml').read_text('utf-8'))['project']['version']}"
    asked = onecard("--version")
    assert (asked.code, asked.stdout, asked.stderr) == (0, f"{told}\n", "")
    assert onecard("status").stdout.startswith(f"{told}.\n")


def test_status_tells_whether_kafka_is_set_and_asks_it_nothing(
    onecard: Onecard, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "no Kafka" in onecard("status").stdout
    monkeypatch.setenv("ONECARD_KAFKA_BOOTSTRAP", "127.0.0.1:1")  # nobody listens there
    assert onecard("status", "--json").json["mode"]["kafka"] is True
    assert "views follow topics" in onecard("status").stdout


def test_status_counts_streams_cards_and_cycles(onecard: Onecard, dsn: str, tmp_path: Path) -> None:
    for example in ("E01", "E13"):
        onecard(
            "submit", GOLDEN / f"{example}.jsonl", "--receipts", tmp_path / "receipts", clock="2026-01-01T00:00:00Z"
        )
    onecard("follow", "--until-caught-up")
    found = onecard("status", "--json").json
    with psycopg.connect(dsn) as connection:
        counts = connection.execute(
            "SELECT count(*), count(DISTINCT originator_id), count(*) FILTER (WHERE topic LIKE '%CardIssued')"
            " FROM ledger.events"
        ).fetchone()
    assert (found["events"], found["streams"], found["cards"]) == counts
    assert [one["cycle"] for one in found["cycles"]] == ["2025-04", "2025-05", "2025-06", "2025-07"]
    assert {one["state"] for one in found["cycles"]} <= {"CUT_OFF", "CLOSED"}
    assert {(one["version"], one["behind"]) for one in found["views"]} == {(1, 0)}
    assert "The log was never sealed" in onecard("status").stdout


def test_rebuild_puts_the_same_view_in_place(onecard: Onecard, tmp_path: Path) -> None:
    onecard("submit", GOLDEN / "E01.jsonl", "--receipts", tmp_path / "receipts", clock="2026-01-01T00:00:00Z")
    onecard("follow", "--until-caught-up")
    head = onecard("status", "--json").json["head_position"]
    before = onecard("accounts", "--json").json
    for name in NAMES:
        ended = onecard("rebuild", name, "--json")
        assert (ended.code, ended.json) == (
            0,
            {
                "view": name,
                "from_version": 1,
                "to_version": 2,
                "applied": head,
                "position": head,
                "swapped": True,
                "differences": 0,
            },
        )
    assert onecard("accounts", "--json").json == before
    assert {one["version"] for one in onecard("status", "--json").json["views"]} == {2}


def test_rebuild_keeps_a_view_that_differs_unless_forced(onecard: Onecard, dsn: str, tmp_path: Path) -> None:
    onecard("submit", write(tmp_path / "file", issue(), activate(), contribute()))
    onecard("follow", "--until-caught-up")
    with psycopg.connect(dsn) as connection:
        connection.execute("UPDATE views.balances_v1 SET debit_fen = debit_fen + 1 WHERE account LIKE 'card:%'")
    ended = onecard("rebuild", "balances", "--json")
    assert (ended.code, ended.json["swapped"], ended.json["differences"]) == (1, False, 1)
    assert "balance_differs" in ended.stderr
    assert onecard("trial-balance").code == 1
    ended = onecard("rebuild", "balances", "--force", "--json")
    assert (ended.json["swapped"], ended.json["differences"]) == (True, 1)
    assert onecard("trial-balance").code == 0


LAYOUTS = ("DROP TABLE views.loans_fines_v1", "ALTER TABLE views.loans_fines_v1 DROP COLUMN reason")
OLDER = {
    "balances": ("ALTER TABLE views.balances_v1 RENAME entries TO postings", "balances", f"balance {SN}"),
    "audit": ("ALTER TABLE views.audit_v1 DROP COLUMN event", "audit", f"explain {SN}"),
    "names of cards": ("DROP TABLE views.audit_card_sns_v1", "audit", f"history {SN}"),
    "a column more": ("ALTER TABLE views.clearing_v1_1_lines ADD was text", "clearing", None),
    "alerts": ("DROP TABLE views.clearing_v1_1_alerts", "clearing", None),
    "lines": ("ALTER TABLE views.clearing_v1_1_lines RENAME home TO owing", "clearing", "clearing lines"),
}


@pytest.mark.parametrize("named", OLDER)
def test_a_view_of_the_books_that_another_version_made_is_told_and_made_anew(
    onecard: Onecard, dsn: str, tmp_path: Path, named: str
) -> None:
    older, view, question = OLDER[named]
    onecard("submit", ROOT / "samples" / "first-day.jsonl", write(tmp_path / "day.jsonl", issue()))
    onecard("follow", "--until-caught-up")
    with psycopg.connect(dsn) as connection:
        connection.execute(older)
    if question is not None:
        asked = onecard(*question.split(), "--json")
        assert asked.code == 3 and "onecard rebuild VIEW --force" in asked.json["error"]["message"], asked
    findings = onecard("verify", "--against", "views", "--json").json["findings"]
    assert [one["kind"] for one in findings] == ["layout_differs"] and findings[0]["subject"].startswith(view)
    kept = onecard("rebuild", view, "--json")
    assert (kept.code, kept.json["swapped"], kept.json["differences"]) == (1, False, 1)
    assert onecard("rebuild", view, "--force").code == 0
    assert question is None or onecard(*question.split(), "--json").code == 0
    assert onecard("verify", "--against", "views").code == 0
    with psycopg.connect(dsn) as connection:
        left = connection.execute(
            "SELECT tablename FROM pg_tables WHERE tablename LIKE %s", (f"{view}%v1%",)
        ).fetchall()
    assert left == []


@pytest.mark.parametrize("older", LAYOUTS)
def test_a_view_that_another_version_of_the_program_made_is_told_and_made_anew(
    onecard: Onecard, dsn: str, tmp_path: Path, older: str
) -> None:
    onecard("submit", write(tmp_path / "day.jsonl", issue()))
    onecard("follow", "--until-caught-up")
    with psycopg.connect(dsn) as connection:
        connection.execute(older)
    asked = onecard("loans", "fines", "--json")
    assert asked.code == 3 and "onecard rebuild VIEW --force" in asked.json["error"]["message"]
    (finding,) = onecard("verify", "--against", "views", "--json").json["findings"]
    assert (finding["kind"], finding["subject"]) == ("layout_differs", "loans_fines")
    kept = onecard("rebuild", "loans", "--json")
    assert (kept.code, kept.json["swapped"], kept.json["differences"]) == (1, False, 1)
    assert onecard("rebuild", "loans", "--force").code == 0
    assert onecard("loans", "fines", "--json").json["fines"] == []
    assert onecard("verify", "--against", "views").code == 0


def test_schemas_are_listed_and_checked(onecard: Onecard) -> None:
    found = onecard("schemas", "list", "--json").json["schemas"]
    assert [one["id"] for one in found] == list(range(1, len(found) + 1))
    assert set(found[0]) == {"id", "subject", "version", "event", "family", "sha256", "crc64"}
    assert onecard("schemas", "list", "--jsonl").lines == found
    assert (onecard("schemas", "check", "--json").json, onecard("schemas", "check").code) == (
        {"ok": True, "findings": []},
        0,
    )


def test_simulated_commands_are_the_same_for_the_same_seed(onecard: Onecard, tmp_path: Path) -> None:
    out = tmp_path / "day.jsonl"
    ended = onecard("simulate", "--lines", 300, "--seed", 5, "--out", out, "--json")
    assert (ended.code, ended.json["lines"]) == (0, 300)
    assert onecard("simulate", "--lines", 300, "--seed", 5).stdout == out.read_text("utf-8")
    assert onecard("submit", out, "--rejects", tmp_path / "rejects", "--json").json["lines"] == 300
