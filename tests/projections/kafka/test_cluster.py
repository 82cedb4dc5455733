"""Administration does what it says or raises: several answers of the client hold their failure inside."""

import time
from dataclasses import replace

import pytest
from kafka import errors

from projections.kafka.access import BrokerProblem
from projections.kafka.cluster import Cluster, Right, Topic
from projections.kafka.publisher import Publisher
from tests.fix_kafka import Kafka
from tests.projections.kafka.book import send, until_gone


@pytest.fixture
def topic(kafka: Kafka) -> str:
    """Not made yet."""
    return kafka.topology.events("card", kafka.source())


def right(user: str, topic: str, operation: str = "READ") -> Right:
    return Right(f"User:{user}", operation, "TOPIC", topic)


def test_a_topic_is_made_as_asked_and_ready_to_use(kafka: Kafka, topic: str) -> None:
    with Cluster(kafka.access()) as cluster:
        cluster.create(topic, 3, 1, {"retention.ms": "-1", "cleanup.policy": "delete"})

        assert cluster.topics()[topic] == Topic(topic, 3, 1)
        assert cluster.require([topic]) == {topic: 3}
        configs = cluster.configs([topic])[topic]
        assert (configs["retention.ms"], configs["cleanup.policy"]) == ("-1", "delete")
        assert cluster.nodes() == 1

    until_gone(kafka, topic)


def test_a_topic_that_exists_is_not_made_again(kafka: Kafka, topic: str) -> None:
    with Cluster(kafka.access()) as cluster:
        cluster.create(topic, 3, 1, {})
        with pytest.raises(BrokerProblem, match="TopicAlreadyExists"):
            cluster.create(topic, 3, 1, {})


def test_more_replicas_than_brokers_are_refused(kafka: Kafka, topic: str) -> None:
    with Cluster(kafka.access()) as cluster, pytest.raises(BrokerProblem, match="InvalidReplicationFactor"):
        cluster.create(topic, 3, 3, {})


def test_a_setting_is_changed_and_taken_back_and_others_stay(kafka: Kafka, topic: str) -> None:
    with Cluster(kafka.access()) as cluster:
        cluster.create(topic, 1, 1, {"retention.ms": "-1"})
        cluster.alter_configs(topic, {"max.message.bytes": "2000000"})
        assert cluster.configs([topic])[topic]["max.message.bytes"] == "2000000"
        cluster.alter_configs(topic, {"max.message.bytes": None})
        configs = cluster.configs([topic])[topic]
        assert configs["max.message.bytes"] != "2000000" and configs["retention.ms"] == "-1"


@pytest.mark.parametrize("configs", [{"max.message.bytes": "many"}, {"no.such.setting": "1"}])
def test_a_setting_that_makes_no_sense_is_refused(kafka: Kafka, topic: str, configs: dict[str, str]) -> None:
    with Cluster(kafka.access()) as cluster:
        cluster.create(topic, 1, 1, {})
        with pytest.raises(BrokerProblem):
            cluster.alter_configs(topic, configs)


def test_settings_of_an_unknown_topic_are_not_taken_for_none(kafka: Kafka) -> None:
    with Cluster(kafka.access()) as cluster:
        with pytest.raises(BrokerProblem) as caught:
            cluster.configs(["onecard.nothing.v1"])
        assert caught.value.code == "topic_unknown"
        with pytest.raises(BrokerProblem) as caught:
            cluster.delete(["onecard.nothing.v1"])
        assert caught.value.code == "topic_unknown"


def test_rights_are_granted_listed_and_taken_away(kafka: Kafka, topic: str) -> None:
    wanted = {right("onecard-reader-k1", topic), Right("User:x", "WRITE", "TRANSACTIONAL_ID", topic, "PREFIXED")}
    with Cluster(kafka.access()) as cluster:
        cluster.create_acls(wanted)
        assert {one for one in cluster.acls() if one.name == topic} == wanted
        cluster.delete_acls(wanted)
        assert {one for one in cluster.acls() if one.name == topic} == set()


def test_a_right_is_granted_once_the_broker_that_is_asked_knows_of_it(
    kafka: Kafka, topic: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A broker under load hears of it a moment after the controller has answered."""
    wanted = {right("onecard-reader-k1", topic)}
    with Cluster(replace(kafka.access(), reaching_ms=1_000)) as cluster:
        told = iter([set(), set(), wanted, wanted, wanted, set()])
        monkeypatch.setattr(cluster, "acls", lambda: next(told))
        cluster.create_acls(wanted)
        cluster.delete_acls(wanted)
        assert next(told, None) is None, "it asked until it was told so"
        monkeypatch.setattr(cluster, "acls", set)
        with pytest.raises(BrokerProblem, match="does not show the rights that were granted yet: run the same again"):
            cluster.create_acls(wanted)
        monkeypatch.undo()
        cluster.delete_acls(wanted)


def test_a_right_that_nobody_has_cannot_be_taken_away(kafka: Kafka, topic: str) -> None:
    with Cluster(kafka.access()) as cluster, pytest.raises(BrokerProblem):
        cluster.delete_acls([right("nobody", topic)])


def test_a_right_that_the_brokers_refuse_is_told(kafka: Kafka, topic: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The brokers refuse no right that our words can express, so the answer is put in the client's mouth."""
    with Cluster(kafka.access()) as cluster:
        answer = {"succeeded": [], "failed": [errors.InvalidRequestError]}
        monkeypatch.setattr(cluster._admin, "create_acls", lambda acls: answer)
        with pytest.raises(BrokerProblem, match="InvalidRequest"):
            cluster.create_acls([right("x", topic)])
        monkeypatch.setattr(cluster._admin, "create_acls", lambda acls: {"succeeded": [], "failed": []})
        with pytest.raises(BrokerProblem, match="0 of 1"):
            cluster.create_acls([right("x", topic)])
        monkeypatch.setattr(cluster._admin, "alter_configs", lambda resources, raise_on_unknown: {})
        with pytest.raises(BrokerProblem, match="no answer"):
            cluster.alter_configs(topic, {"retention.ms": "-1"})


def test_whoever_may_not_administer_is_told_so_by_every_act(kafka: Kafka, topic: str) -> None:
    with Cluster(kafka.access()) as cluster:
        cluster.create(topic, 1, 1, {})
    with Cluster(kafka.access("onecard-stranger-k1")) as stranger:
        acts = [
            lambda: stranger.create("onecard.strange.v1", 1, 1, {}),
            lambda: stranger.alter_configs(topic, {"retention.ms": "1"}),
            lambda: stranger.configs([topic]),
            lambda: stranger.require([topic]),
            lambda: stranger.acls(),
            lambda: stranger.create_acls([right("onecard-stranger-k1", topic)]),
            lambda: stranger.delete_acls([right("onecard-stranger-k1", topic)]),
            lambda: stranger.set_password("admin", "mine now"),
        ]
        for act in acts:
            with pytest.raises(BrokerProblem) as caught:
                act()
            assert caught.value.code == "not_allowed", (acts.index(act), caught.value)
            assert "mine now" not in str(caught.value)
        assert topic not in stranger.topics()
        with pytest.raises(BrokerProblem):
            stranger.delete([topic])
        # Apache Kafka 4.3 does not answer this at all.
        with pytest.raises(BrokerProblem):
            stranger.users()


def test_a_user_is_made_and_given_another_password(kafka: Kafka) -> None:
    with Cluster(kafka.access()) as cluster:
        cluster.set_password("onecard-made-k1", "first password")
        cluster.set_password("onecard-made-k1", "second password")
        assert "onecard-made-k1" in cluster.users()


def test_a_transaction_hangs_once_it_is_old_and_is_listed_with_its_age(kafka: Kafka, source: str) -> None:
    name = f"onecard-relay-{source}"
    with Publisher(kafka.access(), name) as publisher, Cluster(kafka.access()) as cluster:
        publisher.begin()
        send(publisher, kafka.topology.events("card", source), [b"value"])
        publisher._settle()

        (found,) = [one for one in cluster.hanging_transactions(longest_ms=0) if one["transactional_id"] == name]
        assert 0 <= found["age_ms"] < 60_000
        assert name not in [one["transactional_id"] for one in cluster.hanging_transactions(longest_ms=900_000)]

        publisher.commit()
        deadline = time.monotonic() + 5
        while name in [one["transactional_id"] for one in cluster.hanging_transactions(longest_ms=0)]:
            assert time.monotonic() < deadline  # its markers are written after the commit has returned
