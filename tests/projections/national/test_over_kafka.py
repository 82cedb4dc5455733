"""Two provinces publish to one Kafka, each by a relay of its own; a nation follows both and is asked about both.

Real all the way: databases, broker, `onecard relay`, `onecard follow --source all`. Cards, settlements, line ids and
months have the same names in both provinces.
"""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import pytest

from ops.topics.declared import INSTALLED
from projections.kafka.reader import Reader
from projections.tracking import NotBuilt, position_of
from projections.views.registry import VIEWS
from tests.cli.lines import write
from tests.cli.test_national import CLOCK, MONTH, NATION, QUERIES, A, B, ledger
from tests.fix_command import Ended, Onecard, as_url
from tests.fix_kafka import PARTITIONS, Kafka, broker_of_ones_own
from tests.fix_postgres import Databases
from tests.house.tree import ROOT
from tests.projections.bills import Bills

pytestmark = pytest.mark.slow

COMMAND = "import sys; from ops.cli.main import main; sys.exit(main())"
NEW = "44"
PATIENCE_SECONDS = 90
MANY = 9_000


@pytest.fixture(scope="module")
def own() -> Iterator[Kafka]:
    """A broker of this file's own: who follows all sources follows everything there is on it."""
    with broker_of_ones_own() as own:
        yield own


@dataclass
class Country:
    """Three ledgers: `at(source)` is one's environment. What is started is ended with the test."""

    dsns: dict[str, str]
    kafka: Kafka
    topics: Path
    home: Path
    onecard: Onecard
    monkeypatch: pytest.MonkeyPatch
    started: list[subprocess.Popen[str]] = field(default_factory=list)

    def at(self, source: str, over_kafka: bool = True) -> dict[str, str]:
        return {
            "ONECARD_DATABASE_URL": as_url(self.dsns[source]),
            "ONECARD_SOURCE": source,
            "ONECARD_HOME": str(self.home),
            "ONECARD_KAFKA_BOOTSTRAP": self.kafka.local if over_kafka else "",
            "ONECARD_TOPICS": str(self.topics),
            "ONECARD_CLOCK": CLOCK,
        }

    def run(self, source: str, *arguments: object, over_kafka: bool = True) -> Ended:
        for name, value in self.at(source, over_kafka).items():
            self.monkeypatch.setenv(name, value)
        return self.onecard(*arguments)

    def start(self, source: str, *arguments: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-c", COMMAND, *arguments],
            env={**os.environ, **self.at(source)},
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.started.append(process)
        return process

    def tell(self, source: str, commands: list[dict[str, Any]]) -> None:
        ended = self.run(source, "submit", write(self.home / f"{source}.jsonl", *commands), "--json")
        assert ended.code == 0, ended.stderr

    def begin(self, source: str, commands: list[dict[str, Any]]) -> None:
        """A province that publishes for the first time."""
        self.tell(source, commands)
        self.kafka.adopt(source)
        applied = self.run(source, "topics", "apply")
        assert applied.code == 0, applied.stderr
        relayed = self.run(source, "relay", "--until-caught-up", "--json")
        assert relayed.code == 0 and relayed.json["followers"][0]["applied"] == self.head(source), relayed.stderr

    def head(self, source: str) -> int:
        with psycopg.connect(self.dsns[source]) as connection:
            row = connection.execute("SELECT max(notification_id) FROM ledger.events").fetchone()
            assert row is not None
            return int(row[0])

    def followed(self, source: str) -> int:
        """How far the nation's views have come with a source, the last of them."""
        with psycopg.connect(self.dsns[NATION]) as connection, suppress(NotBuilt):
            return min(position_of(connection, view.name, source)[1] for view in VIEWS)
        return 0


def settlements(name: str, count: int) -> list[dict[str, Any]]:
    """More of the card's, in July."""
    bills = Bills()
    for number in range(count):
        bills.settle(f"{name}{number}", "2025-07-02")
    return [{**one, "reference": f"{name}-{one['reference']}"} for one in bills.commands[3:]]


def until(happens: Callable[[], bool], what: str) -> None:
    end = time.monotonic() + PATIENCE_SECONDS
    while not happens():
        assert time.monotonic() < end, f"not within {PATIENCE_SECONDS} seconds: {what}"
        time.sleep(0.1)


@pytest.fixture
def country(
    own: Kafka, onecard: Onecard, databases: Databases, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Iterator[Country]:
    """Both provinces have booked a June and published it."""
    topics = tmp_path / "topics.toml"
    declared = INSTALLED.read_text("utf-8")
    topics.write_text(re.sub("^partitions = .*$", f"partitions = {PARTITIONS}", declared, flags=re.M), "utf-8")
    home = tmp_path / "home"
    home.mkdir()
    dsns = {source: databases.create() for source in (A, B, NATION)}
    made = Country(dsns, own, topics, home, onecard, monkeypatch)
    for source, fund in ((A, 700), (B, 500)):
        made.begin(source, ledger(fund))
    assert made.run(NATION, "status").code == 0
    yield made
    for process in made.started:
        process.kill()
        process.communicate()
    own.remove_topics()
    for dsn in dsns.values():
        databases.drop(dsn)


def assert_told_alike(country: Country) -> None:
    """The nation says of each province, over Kafka, the very bytes that the province says of itself, from its log."""
    for source in (A, B):
        assert country.run(source, "follow", "--until-caught-up", over_kafka=False).code == 0
        for query in QUERIES:
            own = country.run(source, *query, "--json", over_kafka=False)
            assert own.code == 0, own.stderr
            assert country.run(NATION, *query, "--source", source, "--json").stdout == own.stdout, query


def test_a_nation_follows_every_province_over_one_kafka(country: Country) -> None:
    ended = country.run(NATION, "follow", "--source", "all", "--until-caught-up", "--json")
    assert ended.code == 0, ended.stderr
    reached = {(one["source"], one["name"]): one["to_position"] for one in ended.json["followers"]}
    assert reached == {(source, view.name): country.head(source) for source in (A, B) for view in VIEWS}
    assert_told_alike(country)

    table = country.run(NATION, "clearing", "table", MONTH, "--source", "all", "--json").json
    assert (table["state"], table["rows"][0]["payable_fen"]) == ("CLOSED", 700 + 500 + 2 * 200)
    lines = country.run(NATION, "clearing", "lines", "--source", "all", "--jsonl").lines
    ids = {source: [one["line_id"] for one in lines if one["source"] == source] for source in (A, B)}
    assert ids[A] == ids[B]
    books = country.run(NATION, "trial-balance", "--source", "all", "--json")
    assert books.code == 0 and books.json["position"] == {source: country.head(source) for source in (A, B)}

    for source in (A, B, "all"):
        rebuilt = country.run(NATION, "rebuild", "--all", "--source", source, "--json")
        assert rebuilt.code == 0, rebuilt.stderr
        assert all(one["swapped"] and one["differences"] == 0 for one in rebuilt.json["rebuilt"])
    assert_told_alike(country)


def test_a_province_whose_relay_hangs_holds_up_nobody_else(country: Country, databases: Databases) -> None:
    nation = country.start(NATION, "follow", "--source", "all")
    until(lambda: all(country.followed(one) == country.head(one) for one in (A, B)), "the nation has caught up")

    began = country.head(A)
    country.tell(A, settlements("A", MANY))
    relay = country.start(A, "relay")
    until(lambda: hung_in_a_transaction(country, A, relay), "its relay was stopped inside a transaction")
    assert country.followed(A) < country.head(A)

    for number in range(3):
        country.tell(B, settlements(f"B{number}-", 10))
        assert country.run(B, "relay", "--until-caught-up").code == 0
        until(lambda: country.followed(B) == country.head(B), "the other province is followed on")
    country.dsns[NEW] = databases.create()
    country.begin(NEW, ledger(300))
    until(lambda: country.followed(NEW) == country.head(NEW), "a province that has just begun to publish is followed")
    hanging = country.followed(A)
    assert began <= hanging < country.head(A) and relay.poll() is None
    assert country.run(NATION, "trial-balance", "--source", "all", "--json").json["position"] == {
        A: hanging, B: country.head(B), NEW: country.head(NEW),
    }  # fmt: skip

    relay.send_signal(signal.SIGCONT)
    relay.send_signal(signal.SIGTERM)
    relay.communicate(timeout=PATIENCE_SECONDS)
    assert country.run(A, "relay", "--until-caught-up").code == 0
    until(lambda: country.followed(A) == country.head(A), "the hung province is followed on")
    nation.send_signal(signal.SIGTERM)
    _, told = nation.communicate(timeout=PATIENCE_SECONDS)
    assert (nation.returncode, "incident" in told) == (0, False), told
    assert_told_alike(country)


def hung_in_a_transaction(country: Country, source: str, relay: subprocess.Popen[str]) -> bool:
    """Stop the relay; let it run a moment more unless something that it sent is not committed yet."""
    assert relay.poll() is None, relay.communicate()
    relay.send_signal(signal.SIGSTOP)
    with closing(Reader(country.kafka.access())) as reader:
        places = [(topic, n) for topic in country.kafka.topology.all_events(source) for n in range(PARTITIONS)]
        if reader.stable_ends(places) != reader.high_watermarks(places):
            return True
    assert country.followed(source) < country.head(source), "it is done already: give it more to do"
    relay.send_signal(signal.SIGCONT)
    time.sleep(0.02)
    return False


def test_an_empty_store_that_bears_a_provinces_name_is_not_taken_for_its_ledger(
    country: Country, databases: Databases
) -> None:
    country.dsns["namesake"] = databases.create()
    environment = {**country.at("namesake"), "ONECARD_SOURCE": A}
    for name, value in environment.items():
        country.monkeypatch.setenv(name, value)
    ended = country.onecard("follow", "--source", "all", "--until-caught-up", "--json")
    assert ended.code == 3
    assert "ONECARD_SOURCE" in ended.json["error"]["message"]
