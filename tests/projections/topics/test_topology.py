"""Names of topics say family and source, and are read back."""

import pytest

from projections.topics.topology import Topology, parse, source_of_relay
from schemas.files import FAMILIES


def test_there_is_one_topic_a_family_and_one_of_the_relay() -> None:
    topology = Topology()
    assert topology.partitions == 12
    assert topology.events("card", "33") == "onecard.card.33.events.v1"
    assert [parse(topic) for topic in topology.all_events("cn-hb")] == [(family, "cn-hb") for family in FAMILIES]
    assert topology.relay("33") == "onecard.relay.33.v1"
    assert source_of_relay("onecard.relay.33.v1") == "33"


def test_a_family_nobody_knows_has_no_topic() -> None:
    with pytest.raises(KeyError):
        Topology().events("weather", "33")


@pytest.mark.parametrize(
    "topic",
    [
        "onecard.card.33.events.v2",
        "onecard.weather.33.events.v1",
        "onecard.card.33.34.events.v1",
        "onecard.card..events.v1",
        "onecard.card.33.events.v1\n",
        "xonecard.card.33.events.v1",
        "onecard.relay.33.v1",
        "__consumer_offsets",
    ],
)
def test_other_topics_are_not_taken_for_ours(topic: str) -> None:
    assert parse(topic) is None


@pytest.mark.parametrize("topic", ["onecard.relay.v1", "onecard.relay.33.v1.x", "onecard.card.33.events.v1"])
def test_other_topics_are_not_taken_for_a_relays(topic: str) -> None:
    assert source_of_relay(topic) is None
