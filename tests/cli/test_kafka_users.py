"""Who may do what on Kafka, and how each refusal is told: one line, within ten seconds, through what people use."""

import time
from pathlib import Path

import pytest
from confluent_kafka import Consumer, KafkaError

from ops.settings import Settings
from ops.topics.declared import load_declared
from projections.kafka.access import BrokerProblem
from projections.kafka.cluster import Cluster
from projections.kafka.publisher import Publisher
from projections.kafka.reader import Reader
from projections.topics.topology import Topology, transactional_id
from tests.fix_command import Onecard
from tests.fix_kafka import Kafka
from tests.house.tree import ROOT

LONGEST = 10.0
NOW_MS = 1_750_000_000_000


@pytest.fixture
def source(kafka: Kafka, onecard: Onecard, monkeypatch: pytest.MonkeyPatch) -> str:
    """A source whose topics and rights are as declared, with one record on each of two families."""
    name = kafka.source()
    log_in(monkeypatch, kafka, "admin")
    assert onecard("topics", "apply", "--source", name).code == 0
    with Publisher(kafka.access(f"relay-{name}"), transactional_id(name)) as publisher:
        publisher.begin()
        for family in ("transit", "medical"):
            publisher.send(Topology().events(family, name), 0, b"k" * 16, family.encode(), [], NOW_MS)
        publisher.commit()
    return name


def log_in(monkeypatch: pytest.MonkeyPatch, kafka: Kafka, user: str) -> None:
    """Let the command be this user."""
    assert kafka.broker is not None
    access = kafka.access(user)
    monkeypatch.setenv("ONECARD_KAFKA_BOOTSTRAP", access.bootstrap)
    monkeypatch.setenv("ONECARD_KAFKA_USER", user)
    monkeypatch.setenv("ONECARD_KAFKA_PASSWORD_FILE", str(kafka.broker.password_file(user)))


def refused(onecard: Onecard, *arguments: str) -> str:
    """The one line that this command is refused with, soon enough."""
    begun = time.monotonic()
    ended = onecard(*arguments)
    assert time.monotonic() - begun < LONGEST
    assert (ended.code, ended.stdout, ended.stderr.count("\n")) == (3, "", 1)
    return ended.stderr


def values(kafka: Kafka, user: str, topic: str) -> list[bytes | None]:
    with Reader(kafka.access(user)) as reader:
        reader.assign({(topic, 0): None})
        found = reader.poll(timeout_ms=5_000)
        return [record.value for records in found.values() for record in records]


def test_a_reader_of_transit_reads_transit_of_every_source_and_nothing_else(kafka: Kafka, source: str) -> None:
    transit, medical = (Topology().events(family, source) for family in ("transit", "medical"))
    assert values(kafka, "transit-reader", transit) == [b"transit"]
    for forbidden in (medical, Topology().relay(source)):
        with pytest.raises(BrokerProblem, match=rf"user transit-reader .*a right on {forbidden} is missing") as told:
            values(kafka, "transit-reader", forbidden)
        assert told.value.code == "not_allowed"
    assert values(kafka, "follower", medical) == [b"medical"]


def test_the_rights_of_the_file_are_enough_for_what_each_user_is_there_for(
    kafka: Kafka, onecard: Onecard, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = kafka.source()
    monkeypatch.setenv("ONECARD_SOURCE", source)
    log_in(monkeypatch, kafka, "admin")
    assert onecard("topics", "apply").code == 0
    onecard("submit", ROOT / "samples" / "first-day.jsonl")

    log_in(monkeypatch, kafka, f"relay-{source}")
    relayed = onecard("relay", "--until-caught-up", "--json")
    assert (relayed.code, relayed.json["followers"][0]["applied"]) == (0, 14)
    for arguments in (("verify", "--against", "topics"), ("restore-tail",)):
        assert onecard(*arguments).code == 0, arguments

    log_in(monkeypatch, kafka, "follower")
    followed = onecard("follow", "--until-caught-up", "--json")
    assert (followed.code, {one["applied"] for one in followed.json["followers"]}) == (0, {14})
    lag = onecard("lag", "--json")
    assert (lag.code, {one["behind"] for one in lag.json["followers"]}) == (0, {0})


def test_a_reader_writes_nothing_not_even_what_it_reads(kafka: Kafka, source: str) -> None:
    with pytest.raises(BrokerProblem) as told, Publisher(kafka.access("transit-reader"), "transit-reader") as publisher:
        publisher.begin()
        publisher.send(Topology().events("transit", source), 0, b"k" * 16, b"forged", [], NOW_MS)
        publisher.commit()
    assert told.value.code == "not_allowed"
    assert values(kafka, "transit-reader", Topology().events("transit", source)) == [b"transit"]


def test_one_provinces_relay_cannot_write_as_another(
    kafka: Kafka, source: str, onecard: Onecard, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = kafka.source()
    log_in(monkeypatch, kafka, "admin")
    assert onecard("topics", "apply", "--source", other).code == 0
    intruder = kafka.access(f"relay-{other}")
    for identity, topic in (
        (transactional_id(source), Topology().events("card", other)),
        (transactional_id(other), Topology().events("card", source)),
        (transactional_id(other), Topology().relay(source)),
    ):
        with pytest.raises(BrokerProblem) as told, Publisher(intruder, identity) as publisher:
            publisher.begin()
            publisher.send(topic, 0, b"k" * 16, b"forged", [], NOW_MS)
            publisher.commit()
        assert told.value.code == "not_allowed", (identity, topic)


def test_a_strangers_client_gets_the_same_answers(kafka: Kafka, source: str) -> None:
    access = kafka.access("transit-reader")
    consumer = Consumer(
        {
            "bootstrap.servers": access.bootstrap,
            "security.protocol": "SASL_PLAINTEXT",
            "sasl.mechanism": "SCRAM-SHA-512",
            "sasl.username": access.user,
            "sasl.password": access.password,
            "group.id": "transit-reader.sample",
            "auto.offset.reset": "earliest",
        }
    )
    try:
        consumer.subscribe([Topology().events("transit", source)])
        [message] = consumer.consume(1, timeout=20)
        assert message.value() == b"transit"
        consumer.commit(message, asynchronous=False)
        medical = Topology().events("medical", source)
        told = consumer.list_topics(medical, timeout=LONGEST).topics[medical].error
        assert told.code() == KafkaError.TOPIC_AUTHORIZATION_FAILED
    finally:
        consumer.close()


def test_a_wrong_password_is_told_in_one_line_that_names_the_settings(
    kafka: Kafka, source: str, onecard: Onecard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log_in(monkeypatch, kafka, "transit-reader")
    wrong = tmp_path / "password"
    wrong.write_text("hush-hush\n")
    monkeypatch.setenv("ONECARD_KAFKA_PASSWORD_FILE", str(wrong))
    for command in ("show", "plan", "apply"):
        line = refused(onecard, "topics", command, "--source", source)
        assert "refuses the login of user transit-reader" in line
        assert "ONECARD_KAFKA_USER" in line and "ONECARD_KAFKA_PASSWORD_FILE" in line and "hush" not in line


def test_an_unknown_user_is_told_as_a_wrong_password_is(
    kafka: Kafka, source: str, onecard: Onecard, monkeypatch: pytest.MonkeyPatch
) -> None:
    log_in(monkeypatch, kafka, "transit-reader")
    monkeypatch.setenv("ONECARD_KAFKA_USER", "nobody")
    assert "refuses the login of user nobody" in refused(onecard, "topics", "show", "--source", source)


def test_a_missing_right_is_told_in_one_line_that_names_it(
    kafka: Kafka, source: str, onecard: Onecard, monkeypatch: pytest.MonkeyPatch
) -> None:
    log_in(monkeypatch, kafka, "transit-reader")
    for command in ("plan", "apply"):
        line = refused(onecard, "topics", command, "--source", source)
        assert "does not let user transit-reader" in line, line
    shown = onecard("topics", "show", "--source", source, "--json")
    assert [one["name"] for one in shown.json["topics"]] == [Topology().events("transit", source)]


def test_the_relay_and_followers_are_told_of_unknown_topics_and_missing_rights_in_a_line(
    kafka: Kafka, source: str, onecard: Onecard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ONECARD_SOURCE", source)
    assert onecard("submit", ROOT / "samples" / "first-day.jsonl").stdout
    log_in(monkeypatch, kafka, "transit-reader")
    line = refused(onecard, "relay", "--until-caught-up")
    assert "does not let user transit-reader" in line and "`onecard topics apply`" in line
    stopped = onecard("follow", "balances", "--until-caught-up")
    assert (stopped.code, stopped.stderr.count("\n")) == (1, 1)
    assert "topic_forbidden" in stopped.stderr and "user transit-reader" in stopped.stderr

    with Cluster(kafka.access()) as cluster:
        cluster.delete([Topology().events("clearing", source)])
    log_in(monkeypatch, kafka, "admin")
    line = refused(onecard, "relay", "--until-caught-up")
    assert f"has no topic {Topology().events('clearing', source)}: run `onecard topics apply`" in line


def test_no_brokers_and_no_setting_are_told_in_one_line(
    kafka: Kafka, source: str, onecard: Onecard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ONECARD_KAFKA_BOOTSTRAP", "127.0.0.1:1")
    assert "No answer from Kafka at 127.0.0.1:1" in refused(onecard, "topics", "show", "--source", source)
    monkeypatch.delenv("ONECARD_KAFKA_BOOTSTRAP")
    assert "make kafka-up" in refused(onecard, "topics", "show", "--source", source)


def test_the_users_whom_the_file_names_are_the_ones_tested_here() -> None:
    declared = load_declared(Settings())
    assert declared.rights.readers == {"follower": ["*"], "transit-reader": ["transit"]}
    assert declared.writer("33") == "relay-33"
