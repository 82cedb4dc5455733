"""`follow` over topics, `incidents`, `rebuild --source` as an operator meets them."""

from typing import Any

import pytest

from projections.kafka.publisher import Publisher
from projections.kafka.reader import Reader
from projections.relay.page import Message
from projections.views.registry import VIEWS
from tests.fix_command import Onecard
from tests.fix_kafka import Kafka

FOREIGN = b"who am I"


@pytest.fixture
def published(unpublished: str, onecard: Onecard) -> str:
    """A source with a store, its relay has published everything."""
    assert onecard("relay", "--until-caught-up").code == 0
    return unpublished


def put(kafka: Kafka, source: str, *messages: Message) -> None:
    """Something that no relay has written."""
    with Publisher(kafka.access(), f"onecard-relay-{source}") as publisher:
        publisher.begin()
        for message in messages:
            publisher.send(*message)
        publisher.commit()


def foreign(kafka: Kafka, source: str) -> Message:
    return kafka.topology.events("transit", source), 1, b"k" * 16, FOREIGN, [("x", b"\xff")], 1


def test_views_follow_topics_when_kafka_is_set_and_the_log_when_it_is_not(
    published: str, onecard: Onecard, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended = onecard("follow", "--until-caught-up", "--json")
    assert ended.code == 0, ended.stderr
    head = onecard("status", "--json").json["head_position"]
    names = sorted(view.name for view in VIEWS)
    assert ended.json == {
        "followers": [{"name": name, "from_position": 0, "to_position": head, "applied": head} for name in names]
    }
    assert onecard("trial-balance", "--json").json["balanced"]
    monkeypatch.delenv("ONECARD_KAFKA_BOOTSTRAP")
    again = onecard("follow", "--until-caught-up", "--json").json["followers"]
    assert [(one["to_position"], one["applied"]) for one in again] == [(head, 0)] * len(VIEWS)
    assert onecard("verify", "--against", "views").code == 0


def test_an_incident_is_listed_explained_and_resumed_after_a_fix(
    published: str, kafka: Kafka, onecard: Onecard, monkeypatch: pytest.MonkeyPatch
) -> None:
    nothing = onecard("incidents", "--json")
    assert (nothing.code, nothing.json) == (0, {"incidents": []})
    assert "No view is stopped" in onecard("incidents").stdout
    put(kafka, published, foreign(kafka, published))
    ended = onecard("follow", "balances", "--until-caught-up")
    assert ended.code == 1 and "foreign_record" in ended.stderr and "onecard incidents show 1" in ended.stderr
    again = onecard("follow", "balances", "--until-caught-up")
    assert again.code == 1 and "stays stopped" in again.stderr

    (listed,) = onecard("incidents", "--json").json["incidents"]
    assert (listed["number"], listed["kind"], listed["view"], listed["state"]) == (
        1,
        "foreign_record",
        "balances",
        "OPEN",
    )
    assert listed["topic"] == kafka.topology.events("transit", published) and listed["partition"] == 1
    assert onecard("incidents", "--jsonl").lines == [listed]
    assert "balances" in onecard("incidents").stdout
    assert [onecard("incidents", *form).code for form in ([], ["--json"], ["--jsonl"], ["--all"])] == [1] * 4

    shown = onecard("incidents", "show", "1", "--json").json
    record = shown.pop("record")
    assert shown == listed
    assert bytes.fromhex(record["value"]) == FOREIGN and record["key"] == (b"k" * 16).hex()
    assert record["headers"] == [{"name": "x", "value": "\ufffd", "hex": "ff"}]
    assert record["place"]["problem"] and record["decoded"]["problem"]
    assert FOREIGN.hex() in onecard("incidents", "show", "1").stdout

    still = onecard("incidents", "resume", "1", "--json")
    assert (still.code, still.json["resumed"], still.json["kind"]) == (1, False, "foreign_record")
    monkeypatch.delenv("ONECARD_KAFKA_BOOTSTRAP")
    done = onecard("incidents", "resume", "1", "--json")
    assert (done.code, done.json["resumed"], done.json["message"]) == (0, True, None)
    assert onecard("incidents", "--json").json == {"incidents": []}
    every = onecard("incidents", "--all", "--json")
    assert (every.code, [one["state"] for one in every.json["incidents"]]) == (0, ["CLOSED"])
    closed = onecard("incidents", "resume", "1", "--json")
    assert (closed.code, closed.json["error"]["code"]) == (1, "incident_closed")
    unknown = onecard("incidents", "show", "9", "--json")
    assert (unknown.code, unknown.json["error"]["code"]) == (1, "incident_unknown")
    assert onecard("incidents", "resume", "9").code == 1


def test_an_event_in_an_incident_is_decoded(published: str, kafka: Kafka, onecard: Onecard) -> None:
    assert onecard("follow", "--until-caught-up").code == 0
    record = taken(kafka, kafka.topology.events("card", published))
    put(kafka, published, (record.topic, record.partition, record.key, record.value, record.headers, record.timestamp))
    assert onecard("follow", "audit", "--until-caught-up").code == 1
    shown = onecard("incidents", "show", "1", "--json").json
    assert shown["kind"] == "record_extra"
    decoded = shown["record"]["decoded"]
    assert decoded["event"] and decoded["data"] and decoded["problem"] is None
    assert shown["record"]["place"]["source"] == published
    assert decoded["event"] in onecard("incidents", "show", "1").stdout


def taken(kafka: Kafka, topic: str) -> Any:
    """The first record of a topic."""
    with Reader(kafka.access()) as reader:
        reader.assign({(topic, number): None for number in range(kafka.topology.partitions)})
        while True:
            for records in reader.poll(1_000).values():
                return records[0]


def test_an_unknown_source_is_an_incident_that_a_later_follower_looks_at_again(
    published: str, kafka: Kafka, onecard: Onecard
) -> None:
    source = kafka.source()
    for _ in range(3):
        ended = onecard("follow", "audit", "--source", source, "--until-caught-up")
        assert ended.code == 1 and "source_unknown" in ended.stderr and "onecard incidents show 1" in ended.stderr
    (listed,) = onecard("incidents", "--all", "--json").json["incidents"]
    assert (listed["number"], listed["state"], listed["resumed_at"]) == (1, "OPEN", None)
    kafka.make_topics(source)
    caught_up = onecard("follow", "audit", "--source", source, "--until-caught-up")
    assert caught_up.code == 0 and "source" not in caught_up.stdout
    assert onecard("incidents", "--json").json == {"incidents": []}


def test_a_share_of_the_work(published: str, onecard: Onecard, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = [view.name for view in VIEWS if not view.shareable]
    refused = onecard("follow", "--share", "1/2")
    assert refused.code == 2 and "clearing" in whole and "cannot be shared out" in refused.stderr
    assert onecard("follow", "audit", "--share", "3/2").code == 2
    assert "at most 3" in onecard("follow", "audit", "--share", "9/9").stderr
    for share in ("1/2", "2/2"):
        ended = onecard("follow", "audit", "balances", "--share", share, "--until-caught-up", "--json")
        assert ended.code == 0, ended.stderr
        assert {one["name"] for one in ended.json["followers"]} == {"audit", "balances"}
        if share == "1/2":
            assert onecard("follow", *whole, "--until-caught-up").code == 0
            verified = onecard("verify", "--against", "views", "--json")
            assert verified.code == 0, verified.json["findings"]
            assert onecard("rebuild", "balances", "--json").json["swapped"]
    head = onecard("status", "--json").json["head_position"]
    assert {one["position"] for one in onecard("lag", "--json").json["followers"] if one["name"] == "audit"} == {head}
    monkeypatch.delenv("ONECARD_KAFKA_BOOTSTRAP")
    assert onecard("follow", "audit", "--share", "1/2").code == 3
    assert onecard("follow", "--until-caught-up").code == 0
    assert onecard("verify", "--against", "views").code == 0


def test_another_source_needs_kafka(onecard: Onecard) -> None:
    ended = onecard("follow", "--source", "99", "--until-caught-up")
    assert ended.code == 3 and "ONECARD_KAFKA_BOOTSTRAP" in ended.stderr


def test_no_broker_ends_a_follower_that_is_to_end(
    onecard: Onecard, unreachable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ONECARD_KAFKA_BOOTSTRAP", unreachable)
    ended = onecard("follow", "--until-caught-up")
    assert ended.code == 3 and "ONECARD_KAFKA_BOOTSTRAP" in ended.stderr


def test_what_was_not_reached_is_no_ledger_of_the_nation_and_no_empty_one(
    onecard: Onecard, unreachable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ONECARD_KAFKA_BOOTSTRAP", unreachable)
    assert onecard("follow", "--until-caught-up").code == 3
    unbuilt = onecard("accounts", "--json")
    assert unbuilt.code == 3 and "is not built yet" in unbuilt.json["error"]["message"]

    monkeypatch.delenv("ONECARD_KAFKA_BOOTSTRAP")
    assert onecard("follow", "--until-caught-up").code == 0
    for brokers in (None, unreachable):
        if brokers is not None:
            monkeypatch.setenv("ONECARD_KAFKA_BOOTSTRAP", brokers)
        assert onecard("follow", "--source", "99", "--until-caught-up").code == 3
        unknown = onecard("accounts", "--source", "99", "--json")
        assert (unknown.code, unknown.json["error"]["code"]) == (1, "source_unknown")
        assert list(onecard("trial-balance", "--source", "all", "--json").json["position"]) == ["33"]
        assert onecard("incidents", "--json").json == {"incidents": []}
