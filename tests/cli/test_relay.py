"""`relay` and `restore-tail` as an operator meets them: answers, refusals, and a whole restore drill."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from psycopg.conninfo import conninfo_to_dict

from ops.topics.declared import INSTALLED
from projections.relay.log import Log
from tests.cli.lines import activate, contribute, issue, write
from tests.fix_command import Onecard, as_url
from tests.fix_kafka import PARTITIONS, Kafka
from tests.fix_postgres import Databases
from tests.fix_stores import Store, soak
from tests.house.tree import ROOT
from tests.projections.relay.rig import Rig

NOTHING = {"name": "relay", "from_position": 0, "to_position": 0, "applied": 0}


@pytest.fixture
def source(kafka: Kafka, onecard: Onecard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A source without topics yet, over a broker that is set."""
    name = kafka.source()
    declared = tmp_path / "topics.toml"
    declared.write_text(INSTALLED.read_text("utf-8").replace("partitions = 12", f"partitions = {PARTITIONS}"), "utf-8")
    monkeypatch.setenv("ONECARD_TOPICS", str(declared))
    monkeypatch.setenv("ONECARD_SOURCE", name)
    monkeypatch.setenv("ONECARD_KAFKA_BOOTSTRAP", kafka.local)
    return name


@pytest.fixture
def topics(kafka: Kafka, source: str) -> list[str]:
    return kafka.make_topics(source)


@pytest.fixture
def restored(databases: Databases) -> Iterator[Callable[[str], str]]:
    """Makes copies of a database: a backup, put back later."""
    made: list[str] = []

    def copy(dsn: str) -> str:
        made.append(databases.create(str(conninfo_to_dict(dsn)["dbname"])))
        return made[-1]

    yield copy
    for dsn in made:
        databases.drop(dsn)


def use(monkeypatch: pytest.MonkeyPatch, dsn: str) -> None:
    monkeypatch.setenv("ONECARD_DATABASE_URL", as_url(dsn))


def day(folder: Path, name: str, numbers: range) -> Path:
    return write(folder / name, *(contribute(f"c{number}", amount_fen=number + 1) for number in numbers))


def test_missing_topics_are_told_with_what_makes_them(onecard: Onecard, source: str) -> None:
    ended = onecard("relay", "--until-caught-up", "--json")
    assert (ended.code, ended.json["error"]["code"]) == (3, "environment")
    assert "onecard topics apply" in ended.json["error"]["message"]


def test_topics_cut_otherwise_are_refused(onecard: Onecard, kafka: Kafka, source: str, tmp_path: Path) -> None:
    kafka.make_topics(source)
    (tmp_path / "topics.toml").write_text(INSTALLED.read_text("utf-8"), "utf-8")
    ended = onecard("relay", "--until-caught-up", "--json")
    assert ended.code == 3
    assert f"{PARTITIONS} partitions instead of 12" in ended.json["error"]["message"]


def test_what_was_recorded_before_kafka_is_published_once(onecard: Onecard, topics: list[str], tmp_path: Path) -> None:
    assert onecard("relay", "--until-caught-up", "--json").json == {"followers": [NOTHING]}
    onecard("submit", write(tmp_path / "cards", issue(), activate()), "--json")
    onecard("submit", day(tmp_path, "day", range(5)), "--json")
    ended = onecard("relay", "--until-caught-up", "--json")
    assert (ended.code, ended.stderr) == (0, "")
    assert ended.json == {"followers": [NOTHING | {"to_position": 7, "applied": 7}]}
    again = onecard("relay", "--until-caught-up", "--json")
    assert again.json == {"followers": [NOTHING | {"from_position": 7, "to_position": 7}]}
    assert "7" in onecard("relay", "--until-caught-up").stdout


def test_a_second_relay_is_refused_by_the_lock(onecard: Onecard, topics: list[str], source: str, dsn: str) -> None:
    onecard("relay", "--until-caught-up")
    with closing(Log(source, Store(dsn).connect())) as log:
        assert log.lock()
        ended = onecard("relay", "--until-caught-up", "--json")
        assert ended.code == 3
        assert "--wait" in ended.json["error"]["message"]
        tail = onecard("restore-tail", "--json")
        assert tail.code == 3
    assert onecard("relay", "--until-caught-up").code == 0


def process(*arguments: str) -> subprocess.Popen[str]:
    """`onecard` in a process of its own, with the environment of the test."""
    command = [sys.executable, "-c", "import sys; from ops.cli.main import main; sys.exit(main())", *arguments]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def wait_until(what: Callable[[], bool]) -> None:
    until = time.monotonic() + 60
    while not what():
        assert time.monotonic() < until
        time.sleep(0.1)


def relayed(onecard: Onecard) -> tuple[int, bool]:
    """Where the relay is, and whether it runs."""
    (found,) = [one for one in onecard("lag", "--json").json["followers"] if one["name"] == "relay"]
    return found["position"], found["running"]


@pytest.mark.slow
def test_it_publishes_as_events_come_and_the_one_that_stands_by_takes_over(
    onecard: Onecard, topics: list[str], tmp_path: Path
) -> None:
    onecard("submit", write(tmp_path / "cards", issue(), activate()), "--json")
    first = process("relay", "--json")
    try:
        wait_until(lambda: relayed(onecard) == (2, True))
        second = process("relay", "--wait", "--json")
        try:
            assert second.stderr is not None
            assert "standing by" in second.stderr.readline()
            onecard("submit", day(tmp_path, "monday", range(5)), "--json")
            wait_until(lambda: relayed(onecard) == (7, True))
            first.send_signal(signal.SIGTERM)
            out, err = first.communicate(timeout=60)
            assert (first.returncode, err) == (0, "")
            assert json.loads(out) == {"followers": [NOTHING | {"to_position": 7, "applied": 7}]}
            onecard("submit", day(tmp_path, "tuesday", range(5, 8)), "--json")
            wait_until(lambda: relayed(onecard) == (10, True))
            second.send_signal(signal.SIGINT)
            out, _ = second.communicate(timeout=60)
            assert second.returncode == 0
            assert json.loads(out)["followers"] == [NOTHING | {"from_position": 7, "to_position": 10, "applied": 3}]
        finally:
            second.kill()
    finally:
        first.kill()


@pytest.mark.slow
def test_kafka_turned_on_late_publishes_a_long_history(onecard: Onecard, topics: list[str], tmp_path: Path) -> None:
    lines = soak(2_000, 1_000_000)
    day_of_many = tmp_path / "day.jsonl"
    onecard("simulate", "--lines", lines, "--seed", 1, "--out", day_of_many)
    onecard("submit", day_of_many, "--receipts", tmp_path / "receipts", "--rejects", tmp_path / "rejects")
    head = onecard("status", "--json").json["head_position"]
    assert head > lines * 9 // 10
    ended = onecard("relay", "--until-caught-up", "--json")
    assert ended.json["followers"] == [NOTHING | {"to_position": head, "applied": head}]
    assert onecard("verify", "--against", "topics", "--json").code == 0


def test_the_restore_drill(
    onecard: Onecard,
    kafka: Kafka,
    topics: list[str],
    source: str,
    dsn: str,
    restored: Callable[[str], str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    onecard("submit", write(tmp_path / "cards", issue(), activate()), "--json")
    onecard("submit", day(tmp_path, "monday", range(10)), "--json")
    backup = restored(dsn)
    tuesday = day(tmp_path, "tuesday", range(10, 30))
    first = tmp_path / "receipts"
    onecard("submit", tuesday, "--receipts", first, "--json")
    assert onecard("relay", "--until-caught-up", "--json").json["followers"][0]["applied"] == 32

    use(monkeypatch, backup)
    refused = onecard("relay", "--until-caught-up", "--json")
    assert refused.code == 3
    assert "restore-tail" in refused.json["error"]["message"]
    (incident,) = onecard("incidents", "--json").json["incidents"]
    assert (incident["view"], incident["kind"], incident["position"]) == ("relay", "store_behind_topic", 12)
    resumed = onecard("incidents", "resume", incident["number"], "--json")
    assert (resumed.code, resumed.json["error"]["code"]) == (1, "incident_closed")

    done = onecard("restore-tail", "--json")
    assert (done.code, done.stderr) == (0, "")
    assert done.json == {"source": source, "from_position": 12, "to_position": 32, "restored": 20}
    assert onecard("verify", "--json").code == 0
    assert onecard("relay", "--until-caught-up").code == 0
    assert onecard("incidents", "--json").json["incidents"] == []

    again = tmp_path / "again"
    resubmitted = onecard("submit", tuesday, "--receipts", again, "--json")
    assert (resubmitted.code, resubmitted.json["duplicate"], resubmitted.json["recorded"]) == (0, 20, 0)
    assert again.read_text() == first.read_text().replace('"recorded"', '"duplicate"')
    onecard("submit", day(tmp_path, "wednesday", range(30, 35)), "--json")
    assert onecard("relay", "--until-caught-up", "--json").json["followers"][0]["applied"] == 5
    assert onecard("restore-tail", "--json").json["restored"] == 0
    Rig.of(kafka, Store(backup), topics=False, source=source).assert_published()


def test_rules_that_were_added_are_on_the_topics_and_come_back_from_them(
    onecard: Onecard,
    kafka: Kafka,
    topics: list[str],
    source: str,
    dsn: str,
    restored: Callable[[str], str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rules, entry = (
        tmp_path / "rules.toml",
        '[[entry]]\nkey = "transit.late_days"\neffective_from = 2025-01-01\nvalue = %d\n',
    )
    rules.write_text(entry % 1)
    monkeypatch.setenv("ONECARD_CONFIG", str(rules))
    onecard("submit", write(tmp_path / "cards", issue(), activate()), "--json")
    backup = restored(dsn)
    rules.write_text(entry % 1 + entry % 2)
    onecard("submit", day(tmp_path, "monday", range(3)), "--json")
    assert onecard("relay", "--until-caught-up", "--json").json["followers"][0]["applied"] == 6
    assert onecard("follow", "--until-caught-up").code == 0
    stream = onecard("config", "--json").json["store"]["stream_id"]
    (event,) = onecard("history", stream, "--json").json["events"]
    assert (event["event"], event["position"]) == ("ConfigurationExtended", 3)
    assert onecard("verify", "--against", "views,topics").code == 0

    use(monkeypatch, backup)
    assert len(onecard("config", "--json").json["pending"]) == 1
    assert onecard("restore-tail", "--json").json["restored"] == 4
    assert onecard("config", "--json").json["pending"] == []
    assert onecard("verify", "--against", "topics").code == 0
    resubmitted = onecard("submit", day(tmp_path, "monday", range(3)), "--json").json
    assert (resubmitted["duplicate"], onecard("status", "--json").json["head_position"]) == (3, 6)
    Rig.of(kafka, Store(backup), topics=False, source=source).assert_published()


def test_a_restored_store_that_has_recorded_anew_is_refused_for_good(
    onecard: Onecard,
    topics: list[str],
    dsn: str,
    restored: Callable[[str], str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    onecard("submit", write(tmp_path / "cards", issue(), activate()), "--json")
    backup = restored(dsn)
    onecard("submit", day(tmp_path, "tuesday", range(4)), "--json")
    onecard("relay", "--until-caught-up")
    use(monkeypatch, backup)
    for numbers in (range(4, 6), range(6, 9)):  # first shorter than what was published, then longer
        onecard("submit", day(tmp_path, f"other-{numbers.start}", numbers), "--json")
        assert onecard("relay", "--until-caught-up").code == 3
        ended = onecard("restore-tail", "--json")
        assert ended.code == 3
        assert "recorded anew" in ended.json["error"]["message"]
    assert onecard("incidents", "--json").json["incidents"][0]["kind"] == "store_differs"


def test_another_store_under_the_same_source_is_refused(
    onecard: Onecard,
    topics: list[str],
    databases: Databases,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    file = write(tmp_path / "cards", issue(), activate())
    onecard("submit", file, "--json")
    onecard("relay", "--until-caught-up")
    other = databases.create()
    try:
        use(monkeypatch, other)
        onecard("submit", file, "--json")
        for command in (("relay", "--until-caught-up"), ("restore-tail",)):
            ended = onecard(*command, "--json")
            assert ended.code == 3
            assert "another store" in ended.json["error"]["message"]
        assert [one["kind"] for one in onecard("incidents", "--json").json["incidents"]] == ["store_differs"]
    finally:
        databases.drop(other)
