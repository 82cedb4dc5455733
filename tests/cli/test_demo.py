"""`demo`: the same day gives the same books, the story's figures are those of the contract, the store is its own."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from shlex import quote
from typing import Any

import pytest

from ops.demo.begun import Begun, program
from ops.kafka.broker import Broker
from ops.scenarios.story import SAMPLES, stories
from projections.kafka.cluster import Cluster
from projections.topics.topology import parse
from tests.fix_command import Onecard
from tests.fix_kafka import Kafka, program_files
from tests.house.tree import ROOT

GOLDEN = ROOT / "samples" / "golden" / "E01.expected.json"
KEYS = {"seed", "commands", "recorded", "rejected", "cards", "trial_balance", "cycle", "verify", "seconds"}


def played(onecard: Onecard, tmp_path: Path, *arguments: object) -> tuple[dict[str, Any], bytes]:
    """The demo's document without what depends on the machine's speed, and the receipts it got."""
    ended = onecard("demo", *arguments, "--json")
    assert ended.code == 0, ended.stdout + ended.stderr
    document = ended.json
    assert document.keys() == KEYS
    assert type(document.pop("seconds")) is int
    return document, (tmp_path / "home" / "demo" / "receipts.jsonl").read_bytes()


def test_the_same_day_gives_the_same_receipts_and_tables_and_another_seed_others(
    onecard: Onecard, tmp_path: Path
) -> None:
    document, receipts = played(onecard, tmp_path, "--events", 1500, "--seed", 4)
    assert played(onecard, tmp_path, "--events", 1500, "--seed", 4) == (document, receipts)
    assert (document["seed"], document["commands"]) == (4, 1500)
    assert document["cards"] > 0 and document["recorded"] > document["rejected"] > 0
    assert document["verify"]["ok"] and document["verify"]["findings"] == []
    assert document["trial_balance"]["balanced"]
    assert document["cycle"]["state"] == "CLOSED" and document["cycle"]["rows"]

    other, other_receipts = played(onecard, tmp_path, "--events", 1500, "--seed", 5)
    assert other["cycle"] != document["cycle"] and other_receipts != receipts


def test_a_demo_teaches_the_commands_and_says_where_everything_is(onecard: Onecard, tmp_path: Path) -> None:
    ended = onecard("demo", "--events", 1500)
    assert ended.code == 0, ended.stderr
    home = tmp_path / "home" / "demo"
    for typed in (
        f"$ onecard submit {home}/day.jsonl --receipts {home}/receipts.jsonl",
        "$ onecard follow --until-caught-up",
        "$ onecard clearing table 2025-06",
        "$ onecard verify --against views",
        "unset ONECARD_DATABASE_URL",
        f"export ONECARD_HOME={home}",
        "books nothing twice, and what was refused is refused again",
        "For your own store:\n",
        f"export ONECARD_HOME={tmp_path / 'home'}\n  export ONECARD_DATABASE_URL=",
    ):
        assert typed in ended.stdout, typed
    for told in ("What was recorded", "What was refused", "Three balances", "One card's life", "CardReplaced",
                 "31 Shanghai", "Prepayments between provinces", "nothing differs"):  # fmt: skip
        assert told in ended.stdout, told


@pytest.mark.parametrize("own", ["my own", None])
def test_what_a_demo_says_to_type_next_runs_as_it_is_printed(tmp_path: Path, own: str | None) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("ONECARD_")}
    environment["PATH"] = os.defpath
    if own is not None:
        environment |= {"ONECARD_HOME": own, "ONECARD_SOURCE": "44", "ONECARD_CLOCK": "2026-01-01T08:00:00+08:00"}
    installed = Path(sys.executable).with_name("onecard")

    def run(*command: str | Path) -> str:
        ended = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=300)
        assert ended.returncode in (0, 1) and "not found" not in ended.stderr, ended.stderr
        return ended.stdout

    told = run(installed, "demo", "--events", "300").partition("Now you\n")[2]
    typed = [line for line in told.splitlines() if line.startswith("  ") and "your-commands" not in line]
    assert sum(str(installed) in line for line in typed) == 7
    ran = run(
        "sh", "-c", "\n".join(f"{line} || test $? -eq 1 || exit 9" for line in typed)
        + '\necho "[$ONECARD_HOME|$ONECARD_SOURCE|$ONECARD_CLOCK]"',
    )  # fmt: skip
    back = f"{tmp_path / own}|44|2026-01-01T00:00:00.000000Z" if own else "||"
    assert "--help" in ran and '"line":' not in ran and ran.endswith(f"[{back}]\n")


def test_a_password_is_not_repeated_by_what_is_typed_next() -> None:
    home, database = "export ONECARD_HOME='my own'", "ONECARD_DATABASE_URL"
    for url, is_told in (
        ("postgresql://me@there:5432/books", True),
        ("postgresql://me:secret@there/books", False),
        ("postgresql://there/books?user=me&password=secret", False),
        ("postgresql://there/books?nonsense", False),
    ):
        begun = Begun("onecard", "my own", {database: url, "ONECARD_SOURCE": "44"})
        told = [f"export {database}={quote(url)}"] if is_told else []
        assert begun.back() == [home, *told, "export ONECARD_SOURCE=44"]
        assert begun.secret == ([] if is_told else [database])


def test_the_smallest_demo_says_nothing_that_cannot_be_typed_and_counts_as_people_do(onecard: Onecard) -> None:
    ended = onecard("demo", "--events", 1)
    assert ended.code == 0, ended.stderr
    assert "1 event of " in ended.stdout
    assert not re.search(r"\b1 (more )?[a-z]+s\b", ended.stdout)
    assert "CARD\n" not in ended.stdout and "onecard clearing table 2025-06" in ended.stdout


def test_a_program_is_named_as_it_can_be_typed_from_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    installed = tmp_path / "bin" / "onecard"
    installed.parent.mkdir()
    installed.touch(0o755)
    monkeypatch.setattr(sys, "argv", [str(installed)])
    monkeypatch.setenv("PATH", os.defpath)
    for here, typed in ((tmp_path, "bin/onecard"), (tmp_path / "bin", "./onecard"), (Path("/"), str(installed)[1:])):
        monkeypatch.chdir(here)
        assert program() == typed
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert program() == str(installed)
    monkeypatch.setenv("PATH", str(installed.parent))
    assert program() == "onecard"


def test_the_golden_month_tells_the_figures_of_the_contract(onecard: Onecard, tmp_path: Path) -> None:
    document, _ = played(onecard, tmp_path, "--scenario", "golden-month")
    expected = json.loads(GOLDEN.read_text("utf-8"))["tables"]["2025-06"]
    assert document["seed"] is None
    assert document["cycle"]["table_digest"] == expected["table_digest"]
    assert document["cycle"]["payable_fen"] == 610_450 + 41_000

    shown = " ".join(onecard("demo", "--scenario", "golden-month").stdout.split())
    for told in (
        "34 Anhui pays 31 Shanghai 6,104.50 paid",
        "31 Shanghai pays 34 Anhui 410.00 paid",
        "34 Anhui 31 Shanghai 8,000.00 76.3 % YELLOW, raised",
        "2025-06-30T15:59:50.000000Z, which is 2025-06-30 23:59:50 in China",
        "belongs to 2025-06 (business date 2025-06-30); cycle 2025-07 took it",
    ):
        assert told in shown, told


def test_a_story_is_told_with_every_figure_beside_the_one_by_hand(onecard: Onecard) -> None:
    ended = onecard("demo", "--scenario", "pension")
    assert ended.code == 0, ended.stderr
    shown = " ".join(ended.stdout.split())
    for told in (
        "One goes to a man who worked in Anhui and lives in Zhejiang",
        "$ onecard payouts overpayments who has to give back how much.",
        "46 line_card_cancelled line_id Between approval and payment",
        "7,047.00 7,047.00 rightly credited",
        "All 11 agree.",
        "and nothing differs",
    ):
        assert told in shown, told


def test_a_story_without_a_month_has_no_table_in_its_document(onecard: Onecard, tmp_path: Path) -> None:
    document, _ = played(onecard, tmp_path, "--scenario", "pension")
    assert (document["cycle"], document["commands"], document["rejected"]) == (None, 54, 8)


def test_a_figure_that_is_not_as_by_hand_ends_the_demo_with_1(
    onecard: Onecard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    story = shutil.copytree(SAMPLES / "pension", tmp_path / "samples" / "pension") / "scenario.toml"
    story.write_text(story.read_text("utf-8").replace("value = 704700", "value = 704701"), "utf-8")
    monkeypatch.setattr("ops.cli.demo.stories", lambda: stories(tmp_path / "samples"))
    ended = onecard("demo", "--scenario", "pension")
    assert ended.code == 1
    shown = " ".join(ended.stdout.split())
    assert "7,047.00 7,047.01 rightly credited" in shown and "1 of 11 differ." in shown


def test_scenarios_can_be_listed(onecard: Onecard) -> None:
    listed = onecard("demo", "--scenario", "list")
    assert listed.code == 0
    assert all(name in listed.stdout for name in (*stories(), "golden-month"))
    assert onecard("demo", "--scenario", "list", "--json").code == 2


def test_an_unknown_scenario_is_answered_by_the_known_ones(onecard: Onecard) -> None:
    ended = onecard("demo", "--scenario", "no-such-month")
    assert ended.code == 2
    assert "golden-month: June 2025" in ended.stderr and "pension: Pensions: paid" in ended.stderr


def test_without_samples_a_stranger_is_told_where_they_are(
    onecard: Onecard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ops.cli.demo.SAMPLES", tmp_path / "samples")
    monkeypatch.setattr("ops.cli.demo.stories", lambda: stories(tmp_path / "samples"))
    ended = onecard("demo", "--scenario", "pension")
    assert ended.code == 2
    assert "read from a checkout of onecard-ledger" in ended.stderr


def test_a_scenario_has_its_own_commands(onecard: Onecard) -> None:
    assert onecard("demo", "--scenario", "golden-month", "--seed", 2).code == 2


def test_a_folder_that_no_demo_made_is_left_alone(onecard: Onecard, tmp_path: Path) -> None:
    precious = tmp_path / "home" / "demo" / "precious"
    precious.parent.mkdir(parents=True)
    precious.write_text("mine")
    ended = onecard("demo", "--events", 10)
    assert ended.code == 3
    assert "that no `onecard demo` made" in ended.stderr
    assert precious.read_text() == "mine"


def test_the_demo_leaves_the_users_own_store_alone(onecard: Onecard) -> None:
    assert onecard("demo", "--events", 200, "--json").code == 0
    assert onecard("status", "--json").json["events"] == 0


def test_the_same_day_over_topics_leads_to_the_same_books(
    onecard: Onecard, tmp_path: Path, kafka: Kafka, monkeypatch: pytest.MonkeyPatch
) -> None:
    over_the_log, _ = played(onecard, tmp_path, "--events", 1500, "--seed", 4)
    monkeypatch.setenv("ONECARD_KAFKA_BOOTSTRAP", kafka.local)
    over_topics, _ = played(onecard, tmp_path, "--events", 1500, "--seed", 4, "--kafka")
    with Cluster(kafka.access()) as cluster:
        [source] = {found[1] for topic in cluster.topics() if (found := parse(topic)) and found[1].startswith("demo-")}
    kafka.adopt(source)
    assert over_topics["verify"].pop("against") == ["topics", "views"] and over_the_log["verify"].pop("against")
    assert over_topics["verify"].pop("checked")["records"] == over_the_log["verify"].pop("checked")["events"]
    assert over_topics == over_the_log


def test_a_demo_over_topics_brings_a_broker_of_its_own_and_stops_it(
    onecard: Onecard, tmp_path: Path, broker: Kafka
) -> None:
    (tmp_path / "home" / "kafka").mkdir(parents=True)
    (tmp_path / "home" / "kafka" / "lib").symlink_to(program_files())
    ended = onecard("demo", "--events", 300, "--kafka")
    assert ended.code == 0, ended.stderr
    for told in ("$ onecard topics apply", "$ onecard relay --until-caught-up", "What was published",
                 "$ onecard verify --against topics,views", "records on topics, and nothing differs",
                 "onecard.transit.33.events.v1", "The broker is stopped and its topics are kept"):  # fmt: skip
        assert told in ended.stdout, told
    assert Broker(tmp_path / "home" / "demo").pid() is None
    assert (tmp_path / "home" / "demo" / "kafka" / "data" / "onecard.transit.33.events.v1-0").is_dir()
