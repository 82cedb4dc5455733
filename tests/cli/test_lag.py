"""`lag` over topics: views, their shares and the relay, each partition, and a transaction that never ends."""

import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
import pytest
from confluent_kafka import Producer

from ops.api.health import readiness
from ops.api.look import Looker
from ops.api.subjects import Subjects
from ops.api.watch import Seen
from ops.settings import load_settings
from projections import presence
from projections.questions import brokers
from projections.shares import CLAIMS
from projections.views.registry import VIEWS
from schemas.registry import registry
from tests.cli.lines import GOLDEN
from tests.fix_command import Onecard, as_url
from tests.fix_kafka import Kafka
from tests.fix_planting import fill
from tests.fix_postgres import Databases
from tests.fix_published import CLOCK, PARTITIONS
from tests.fix_stores import Store
from tests.projections.feed.planting import Planting

VIEW_NAMES = sorted(view.name for view in VIEWS)


@pytest.fixture
def head(unpublished: str, onecard: Onecard) -> int:
    return int(onecard("status", "--json").json["head_position"])


def followers(onecard: Onecard, *more: str) -> dict[str, Any]:
    found = onecard("lag", "--json", *more)
    assert found.code == 0, found.stderr
    assert set(found.json) - {"partitions", "hanging_transactions"} == {"head_position", "followers"}
    for one in found.json["followers"]:
        assert set(one) - {"source"} == {"name", "share", "feed", "position", "behind", "running"}
    return {f"{one['name']} {one['share']}": one for one in found.json["followers"]}


def test_the_relay_is_a_follower_of_the_log_and_views_follow_topics(
    onecard: Onecard, unpublished: str, head: int
) -> None:
    found = followers(onecard)
    assert list(found) == sorted([f"{name} 1/1" for name in VIEW_NAMES] + ["relay 1/1"])
    assert {one["feed"] for name, one in found.items() if name != "relay 1/1"} == {"topics"}
    assert found["relay 1/1"] == {
        "name": "relay", "share": "1/1", "feed": "log", "position": 0, "behind": head, "running": False,
    }  # fmt: skip
    assert onecard("relay", "--until-caught-up").code == 0
    relayed = followers(onecard)
    assert (relayed["relay 1/1"]["position"], relayed["relay 1/1"]["behind"]) == (head, 0)
    assert {one["behind"] for name, one in relayed.items() if name != "relay 1/1"} == {head}
    assert onecard("follow", "--until-caught-up").code == 0
    assert {one["behind"] for one in followers(onecard).values()} == {0}


def test_each_partition_is_counted_exactly(onecard: Onecard, unpublished: str, head: int) -> None:
    onecard("relay", "--until-caught-up")
    onecard("follow", "balances", "--until-caught-up")
    found = onecard("lag", "--partitions", "--json", clock="2026-01-01T00:10:00Z").json
    assert found["hanging_transactions"] == []
    rows = [one for one in found["partitions"] if one["topic"]]
    assert len(rows) == len(VIEW_NAMES) * 7 * PARTITIONS
    assert all(one["exact"] for one in rows)
    assert {one["behind"] for one in rows if one["name"] == "balances"} == {0}
    for name in VIEW_NAMES:
        if name != "balances":
            mine = [one for one in rows if one["name"] == name]
            assert sum(one["behind"] for one in mine) == head
            assert {one["behind_seconds"] for one in mine if one["behind"]} == {600}
            assert all((one["behind"] == 0) == (one["last_position"] == 0) for one in mine)
    shown = onecard("lag", "--partitions").stdout
    assert f"onecard.medical.{unpublished}.events.v1" in shown and "balances" in shown


def test_half_applied_partitions_count_what_is_left(onecard: Onecard, unpublished: str, dsn: str, head: int) -> None:
    onecard("relay", "--until-caught-up")
    onecard("follow", "--until-caught-up")
    applied = head // 2
    with psycopg.connect(dsn) as connection:
        connection.execute("UPDATE views.tracking SET position = %s WHERE view = 'audit'", (applied,))
    rows = [one for one in onecard("lag", "--partitions", "--json").json["partitions"] if one["name"] == "audit"]
    assert sum(one["behind"] for one in rows) == head - applied
    assert {one["position"] for one in rows} == {applied}


def test_shares_are_followers_and_one_that_nobody_drives_is_missed(
    onecard: Onecard, unpublished: str, dsn: str, head: int
) -> None:
    onecard("relay", "--until-caught-up")
    for share in ("1/2", "2/2"):
        assert onecard("follow", "balances", "--share", share, "--until-caught-up").code == 0
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("UPDATE views.tracking SET position = 1 WHERE view = 'balances'")
        connection.execute("DELETE FROM views.shares")
        connection.execute(
            "INSERT INTO views.shares SELECT 'balances', 1, %s, number, 3, CASE number WHEN 1 THEN 2 ELSE %s END, 0"
            " FROM generate_series(0, 2) AS number",
            (unpublished, head),
        )
        for partition in (0, 2):
            name = f"balances:{unpublished}:{partition}"
            connection.execute("SELECT pg_advisory_lock(%s, hashtext(%s))", (CLAIMS, name))
        found = followers(onecard)
    assert (found["balances 1/2"]["position"], found["balances 1/2"]["running"]) == (head, True)
    assert (found["balances 2/2"]["position"], found["balances 2/2"]["running"]) == (2, False)
    assert "balances 1/1" not in found
    assert "balances 1/1" in followers(onecard), "nobody shares any more"


def test_who_runs_is_seen_while_he_runs(onecard: Onecard, unpublished: str, dsn: str) -> None:
    with psycopg.connect(dsn, autocommit=True) as connection:
        presence.announce(connection, [presence.whole("audit", unpublished), "relay"])
        presence.announce(connection, [presence.whole("balances", "another")])
        found = followers(onecard)
    assert {name for name, one in found.items() if one["running"]} == {"audit 1/1", "relay 1/1"}


def test_of_every_source_the_followers_name_theirs(onecard: Onecard, unpublished: str, head: int) -> None:
    onecard("relay", "--until-caught-up")
    onecard("follow", "--until-caught-up")
    found = onecard("lag", "--source", "all", "--json").json
    assert found["head_position"] == {unpublished: head}
    assert {one["source"] for one in found["followers"]} == {unpublished}


def test_of_a_ledger_that_is_kept_elsewhere_the_topics_tell_how_far_it_is(
    onecard: Onecard, kafka: Kafka, unpublished: str, head: int, databases: Databases, monkeypatch: pytest.MonkeyPatch
) -> None:
    onecard("relay", "--until-caught-up")
    here = databases.create()
    monkeypatch.setenv("ONECARD_DATABASE_URL", as_url(here))
    monkeypatch.setenv("ONECARD_SOURCE", kafka.source())
    assert onecard("follow", "audit", "--source", unpublished, "--until-caught-up").code == 0
    found = followers(onecard, "--source", unpublished)
    assert list(found) == [f"{name} 1/1" for name in VIEW_NAMES], "its relay is another ledger's to watch"
    assert {name: one["behind"] for name, one in found.items()} == {
        f"{name} 1/1": 0 if name == "audit" else head for name in VIEW_NAMES
    }
    onecard("follow", "balances", "--source", unpublished, "--until-caught-up")
    with psycopg.connect(here) as connection:
        connection.execute("UPDATE views.tracking SET position = 1 WHERE view = 'balances'")
    shown = onecard("lag", "--source", unpublished, "--partitions", clock="2026-01-01T00:01:00Z").stdout
    assert f"The head of source {unpublished} is at position {head}." in shown
    line = next(line for line in shown.splitlines() if line.startswith(("balances", f"{unpublished}  balances")))
    assert f"{head - 1}" in line.split() and "60" in line.split()
    databases.drop(here)


def test_a_source_whose_progress_is_spoilt_is_told_and_hides_no_other_one(
    onecard: Onecard,
    unpublished: str,
    dsn: str,
    head: int,
    stores: Callable[[], Store],
    tmp_path: Path,
    plant: Callable[[Store], Planting],
) -> None:
    onecard("relay", "--until-caught-up")
    spoilt = plant(fill(stores(), tmp_path, 5, 60))
    spoilt.publish()
    for source in (unpublished, spoilt.source):
        assert onecard("follow", "--source", source, "--until-caught-up").code == 0
    spoilt.send([(spoilt.kafka.topology.relay(spoilt.source), 0, b"x", b"{}", [], 1)])
    for more in ((), ("--partitions",)):
        ended = onecard("lag", "--source", "all", "--json", *more)
        assert ended.code == 0 and ended.json["head_position"] == {unpublished: head, spoilt.source: spoilt.position}
        assert {one["source"] for one in ended.json["followers"]} == {unpublished, spoilt.source}
        assert f"of source {spoilt.source} Kafka does not tell everything" in ended.stderr
        assert ended.stderr.count("\n") == 1
    shown = onecard("lag", "--source", spoilt.source).stdout
    assert f"position {spoilt.position}, as far as the views here know" in " ".join(shown.split())
    assert onecard("lag").stderr == ""

    looker = Looker(load_settings(), dsn)
    with closing(looker):
        look = looker.look()
    assert look.problems == {} and look.account is not None
    document, is_ready = readiness(Subjects(registry()), Seen(look, 0), looker.parts)
    assert is_ready and document["source_problems"] == {spoilt.source: "failed"}
    assert set(look.account.published) == {unpublished}


def test_brokers_that_do_not_answer_are_told_in_one_line(
    onecard: Onecard, unreachable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    onecard("status")
    monkeypatch.setenv("ONECARD_KAFKA_BOOTSTRAP", unreachable)
    ended = onecard("lag")
    assert (ended.code, ended.stdout, ended.stderr.count("\n")) == (3, "", 1)
    assert "ONECARD_KAFKA_BOOTSTRAP" in ended.stderr


def test_a_transaction_that_never_ends_is_reported_with_what_to_do(
    onecard: Onecard, kafka: Kafka, unpublished: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    topic = kafka.topology.events("transit", unpublished)
    name = f"forgotten-{unpublished}"
    producer = Producer({"bootstrap.servers": kafka.local, "transactional.id": name, "log_level": 0})
    producer.init_transactions(30)
    producer.begin_transaction()
    producer.produce(topic, value=b"never committed", partition=2)
    producer.flush(10)
    assert onecard("lag").stderr == "", "it may still be under way"
    monkeypatch.setattr(brokers, "LONGEST_TRANSACTION_SECONDS", 0)
    ended = onecard("lag", "--partitions", "--json")
    assert ended.code == 0
    (found,) = [
        one for one in ended.json["hanging_transactions"] if one["transactional_id"] == f"forgotten-{unpublished}"
    ]
    assert found["partitions"] == [{"topic": topic, "partition": 2}]
    assert f"{name} has been open for" in ended.stderr and "kafka-transactions.sh" in ended.stderr
    producer.abort_transaction(10)
    again = onecard("lag", "--partitions", "--json").json["hanging_transactions"]
    assert name not in [one["transactional_id"] for one in again]


def test_a_follower_sees_whose_transaction_hangs_by_the_rights_that_are_declared(
    onecard: Onecard, kafka: Kafka, unpublished: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert kafka.broker is not None
    relay, follower = kafka.access(f"relay-{unpublished}"), kafka.access("follower")
    applied = onecard("topics", "apply")
    assert applied.code == 0, applied.stderr
    producer = Producer(
        {
            "bootstrap.servers": relay.bootstrap,
            "security.protocol": "SASL_PLAINTEXT",
            "sasl.mechanism": "SCRAM-SHA-512",
            "sasl.username": relay.user,
            "sasl.password": relay.password,
            "transactional.id": f"onecard-relay-{unpublished}",
            "log_level": 0,
        }
    )
    producer.init_transactions(30)
    producer.begin_transaction()
    producer.produce(kafka.topology.events("card", unpublished), value=b"never committed", partition=0)
    producer.flush(10)
    monkeypatch.setenv("ONECARD_KAFKA_BOOTSTRAP", follower.bootstrap)
    monkeypatch.setenv("ONECARD_KAFKA_USER", "follower")
    monkeypatch.setenv("ONECARD_KAFKA_PASSWORD_FILE", str(kafka.broker.password_file("follower")))
    monkeypatch.setattr(brokers, "LONGEST_TRANSACTION_SECONDS", 0)
    ended = onecard("lag", "--partitions", "--json")
    assert ended.code == 0, ended.stderr
    found = [one["transactional_id"] for one in ended.json["hanging_transactions"]]
    assert found == [f"onecard-relay-{unpublished}"]
    producer.abort_transaction(10)


def test_without_topics_it_says_that_nothing_is_published(
    onecard: Onecard, kafka: Kafka, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    onecard("submit", GOLDEN / "E01.jsonl", "--receipts", tmp_path / "receipts", clock=CLOCK)
    monkeypatch.setenv("ONECARD_KAFKA_BOOTSTRAP", kafka.local)
    found = followers(onecard)
    assert found["relay 1/1"]["position"] == 0 < found["relay 1/1"]["behind"]


def test_a_follower_that_runs_is_seen_and_gone_when_it_is_killed(onecard: Onecard, unpublished: str) -> None:
    program = "import sys; from ops.cli.main import main; sys.exit(main(['follow', 'audit']))"
    with subprocess.Popen([sys.executable, "-c", program]) as process:
        seen = _eventually(lambda: followers(onecard)["audit 1/1"]["running"])
        process.kill()
    assert seen
    assert _eventually(lambda: not followers(onecard)["audit 1/1"]["running"])


def _eventually(question: Callable[[], bool]) -> bool:
    until = time.monotonic() + 60
    while not question():
        if time.monotonic() > until:
            return False
    return True
