"""`onecard serve` as it is started and stopped, and the metrics of a ledger that follows topics."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from confluent_kafka import Producer
from prometheus_client.parser import text_string_to_metric_families

from ops.api import look as looking
from ops.api.app import make_app
from ops.api.look import Look, Looker
from ops.api.metrics import add_metrics
from ops.api.subjects import Subjects
from ops.api.watch import Seen, Watch
from ops.settings import load_settings
from schemas.registry import registry
from tests.fix_command import Onecard
from tests.fix_kafka import Kafka
from tests.fix_published import PARTITIONS
from tests.ops.api.connections import is_let_go

PROGRAM = "import sys; from ops.cli.main import main; sys.exit(main(sys.argv[1:]))"
Samples = dict[tuple[str, frozenset[tuple[str, str]]], int]


@contextmanager
def served(*arguments: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A running server and its address."""
    command = [sys.executable, "-c", PROGRAM, "serve", "--port", "0", *arguments]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=os.environ.copy()) as process:
        assert process.stderr is not None
        told = process.stderr.readline()
        try:
            assert "http://" in told, told + process.stderr.read()
            yield process, told.split()[4]
        finally:
            process.kill()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_in_order_when_told_to_though_a_client_stays_connected(number: signal.Signals) -> None:
    with served("--schemas-only") as (process, address), httpx.Client(base_url=address) as client:
        assert client.get("/schemas/ids/1").status_code == 200
        begun = time.monotonic()
        process.send_signal(number)
        assert process.wait(20) == 0
        assert time.monotonic() - begun < 10
        assert process.stderr is not None and process.stderr.read() == ""


def test_a_request_under_way_gets_its_answer() -> None:
    with served("--schemas-only") as (process, address):
        host, _, port = address.removeprefix("http://").partition(":")
        body = b'{"schema":"\\"string\\""}'
        head = f"POST /subjects/onecard.card.v1.CardIssued HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n"
        with socket.create_connection((host, int(port)), timeout=10) as connection:
            connection.sendall(head.encode() + body[:5])
            time.sleep(0.3)
            process.send_signal(signal.SIGTERM)
            time.sleep(0.3)
            connection.sendall(body[5:])
            answer = connection.makefile("rb").readline()
        assert answer.startswith(b"HTTP/1.1 404")
        assert process.wait(20) == 0


def test_a_port_that_is_taken_is_told_in_a_sentence(onecard: Onecard) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        ended = onecard("serve", "--schemas-only", "--port", str(taken.getsockname()[1]))
    assert ended.code == 3
    assert "Address already in use" in ended.stderr and "--port" in ended.stderr


def test_schemas_are_served_while_the_database_is_down_and_no_secret_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    monkeypatch.setenv("ONECARD_HOME", str(home))
    monkeypatch.setenv("ONECARD_DATABASE_URL", "postgresql://nobody@127.0.0.1:1/nothing")
    with served() as (_, address), httpx.Client(base_url=address) as client:
        assert client.get("/schemas/ids/1").status_code == 200
        assert client.get("/health/live").status_code == 200
        checks = _eventually(client, 503)["checks"]
        assert checks["database"] == {"ok": False, "reason": "does not answer"}
        assert 'onecard_up{part="database"} 0.0' in client.get("/metrics").text
    assert not (home / "secret").exists()


def test_it_becomes_ready_with_a_ledger(onecard: Onecard, dsn: str, tmp_path: Path) -> None:
    onecard("submit", tmp_path / "nothing")
    onecard("status")
    with served() as (_, address), httpx.Client(base_url=address) as client:
        assert _eventually(client, 200)["checks"]["database"] == {"ok": True}
        assert 'onecard_head_position{source="33"} 0.0' in client.get("/metrics").text
        assert is_let_go(dsn)


def test_with_kafka_it_becomes_ready_and_lets_go_of_the_brokers_in_the_end(onecard: Onecard, unpublished: str) -> None:
    onecard("relay", "--until-caught-up")
    with served() as (process, address), httpx.Client(base_url=address) as client:
        checks = _eventually(client, 200)["checks"]
        assert checks["database"] == checks["kafka"] == {"ok": True}
        assert f'onecard_relay_position{{source="{unpublished}"}} 46.0' in client.get("/metrics").text
        process.terminate()
        assert process.wait(20) == 0
        assert process.stderr is not None and process.stderr.read() == ""


def _eventually(client: httpx.Client, status: int) -> dict[str, dict[str, object]]:
    """What `/health/ready` says once it has been looked."""
    until = time.monotonic() + 30
    while time.monotonic() < until:
        answer = client.get("/health/ready")
        if answer.json()["looked_at"]:
            assert answer.status_code == status, answer.text
            return dict(answer.json())
        time.sleep(0.1)
    raise AssertionError("nobody looked")


# --- metrics over topics -------------------------------------------------------------------------------------------


class Once(Watch):
    """A watch that has looked once."""

    def __init__(self, look: Look) -> None:
        self._seen = Seen(look, 0)

    def seen(self) -> Seen:
        return self._seen


def scraped(looker: Looker) -> Samples:
    subjects = Subjects(registry())
    app = make_app(subjects)
    add_metrics(app, subjects, Once(looker.look()), looker.parts)
    from fastapi.testclient import TestClient

    answer = TestClient(app).get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    return {
        (sample.name, frozenset(sample.labels.items())): int(sample.value)
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def value(samples: Samples, name: str, **labels: str) -> int:
    return samples[name, frozenset(labels.items())]


def total(samples: Samples, name: str, **labels: str) -> int:
    return sum(found for (one, said), found in samples.items() if one == name and labels.items() <= set(said))


def test_metrics_have_the_names_that_people_alert_on(onecard: Onecard, dsn: str, unpublished: str) -> None:
    head = onecard("status", "--json").json["head_position"]
    onecard("relay", "--until-caught-up")
    onecard("follow", "audit", "--until-caught-up")
    looker = Looker(load_settings(), dsn)
    samples = scraped(looker)
    looker.close()
    assert value(samples, "onecard_up", part="kafka") == value(samples, "onecard_up", part="database") == 1
    assert value(samples, "onecard_head_position", source=unpublished) == head
    assert value(samples, "onecard_relay_position", source=unpublished) == head
    assert total(samples, "kafka_consumergroup_lag", consumergroup="onecard-audit") == 0
    assert total(samples, "kafka_consumergroup_lag", consumergroup="onecard-balances") == head
    assert total(samples, "kafka_consumergroup_lag_sum", consumergroup="onecard-balances") == head
    assert total(samples, "onecard_follower_behind_events", follower="balances") == head
    assert total(samples, "onecard_follower_position", follower="relay") == head
    topic = f"onecard.medical.{unpublished}.events.v1"
    places = {frozenset(said) for name, said in samples if name == "kafka_topic_partition_current_offset"}
    assert len(places) == 7 * PARTITIONS + 1
    assert total(samples, "kafka_topic_partition_current_offset", topic=topic) > 0
    assert total(samples, "onecard_topic_partition_undecided_offsets") == 0
    assert value(samples, "onecard_hanging_transactions") == 0


def test_a_partition_that_ends_in_an_open_transaction_is_seen(
    onecard: Onecard, dsn: str, kafka: Kafka, unpublished: str
) -> None:
    onecard("relay", "--until-caught-up")
    topic = kafka.topology.events("transit", unpublished)
    producer = Producer({"bootstrap.servers": kafka.local, "transactional.id": f"open-{unpublished}", "log_level": 0})
    producer.init_transactions(30)
    producer.begin_transaction()
    producer.produce(topic, value=b"not committed", partition=1)
    producer.flush(10)
    looker = Looker(load_settings(), dsn)
    samples = scraped(looker)
    looker.close()
    producer.abort_transaction(10)
    assert value(samples, "onecard_topic_partition_undecided_offsets", topic=topic, partition="1") == 1
    assert total(samples, "onecard_topic_partition_undecided_offsets") == 1


def test_what_was_not_read_is_counted_by_offsets(
    onecard: Onecard, dsn: str, unpublished: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    head = onecard("status", "--json").json["head_position"]
    onecard("relay", "--until-caught-up")
    monkeypatch.setattr(looking, "MOST_READ", 1)
    looker = Looker(load_settings(), dsn)
    samples = scraped(looker)
    looker.close()
    assert head <= total(samples, "kafka_consumergroup_lag", consumergroup="onecard-balances") <= head + 7 * PARTITIONS


def test_brokers_that_are_gone_are_told_and_the_rest_goes_on(
    onecard: Onecard, dsn: str, unpublished: str, own_broker: Kafka, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ONECARD_KAFKA_BOOTSTRAP", own_broker.local)
    looker = Looker(load_settings(), dsn)
    assert looker.look().problems == {}, "topics that are not made yet are no fault of the brokers"
    own_broker.kill()
    look = looker.look()
    assert look.problems == {"kafka": "unreachable"} and look.account is not None
    samples = scraped(looker)
    assert value(samples, "onecard_up", part="kafka") == 0
    assert total(samples, "onecard_follower_behind_events", follower="balances") > 0
    own_broker.revive()
    assert looker.look().problems == {}, "it is reached again without a restart"
    looker.close()
