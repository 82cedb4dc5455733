"""`topics plan`, `apply` and `show` on a real Kafka: what is missing is made, what differs is repaired or refused."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from ops.topics.declared import INSTALLED
from projections.kafka.cluster import Cluster, Right
from tests.fix_command import Onecard
from tests.fix_kafka import Kafka, broker_of_ones_own


@pytest.fixture(scope="module")
def own() -> Iterator[Kafka]:
    """A broker of this file's own, since it takes away rights that others would need."""
    with broker_of_ones_own() as own:
        yield own


@pytest.fixture
def source(own: Kafka, onecard: Onecard, monkeypatch: pytest.MonkeyPatch) -> str:
    """A source without topics, which `onecard` is about; the administrator runs it, logged in by password."""
    assert own.broker is not None
    monkeypatch.setenv("ONECARD_KAFKA_BOOTSTRAP", own.broker.clients)
    monkeypatch.setenv("ONECARD_KAFKA_USER", "admin")
    monkeypatch.setenv("ONECARD_KAFKA_PASSWORD_FILE", str(own.broker.password_file("admin")))
    name = own.source()
    monkeypatch.setenv("ONECARD_SOURCE", name)
    return name


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A topics file of fewer partitions, which are made sooner, and of these tests' own to change."""
    file = tmp_path / "topics.toml"
    file.write_text(INSTALLED.read_text("utf-8").replace("partitions = 12", "partitions = 3"), "utf-8")
    monkeypatch.setenv("ONECARD_TOPICS", str(file))
    return file


@pytest.fixture
def cluster(own: Kafka) -> Iterator[Cluster]:
    with Cluster(own.access()) as cluster:
        yield cluster


def changed(file: Path, old: str, new: str) -> None:
    text = file.read_text("utf-8")
    assert old in text
    file.write_text(text.replace(old, new), "utf-8")


def test_what_is_declared_is_made_once_and_looks_as_declared(
    onecard: Onecard, own: Kafka, source: str, cluster: Cluster
) -> None:
    names = sorted(own.topics_of(source))
    planned = onecard("topics", "plan", "--json")
    assert (planned.code, planned.json["create"]) == (0, names)
    assert not set(names) & set(cluster.topics()), "planning makes nothing"

    made = onecard("topics", "apply", "--json")
    assert (made.code, made.json) == (0, {"created": names, "unchanged": [], "refused": []})
    found = cluster.topics()
    assert {found[name].partitions for name in own.topology.all_events(source)} == {12}
    assert found[own.topology.relay(source)].partitions == 1
    assert cluster.configs([names[0]])[names[0]]["retention.ms"] == "-1"

    again = onecard("topics", "apply", "--json")
    assert (again.code, again.json) == (0, {"created": [], "unchanged": names, "refused": []})
    nothing = onecard("topics", "plan", "--json").json
    assert [nothing[key] for key in ("create", "repair", "grant", "revoke", "refused")] == [[]] * 5


def test_without_a_named_source_the_stores_own_is_meant(
    onecard: Onecard, source: str, small: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    onecard("status")
    monkeypatch.delenv("ONECARD_SOURCE")
    assert f"onecard.card.{source}.events.v1" in onecard("topics", "plan", "--json").json["create"]
    assert (
        "onecard.card.elsewhere.events.v1"
        in onecard("topics", "plan", "--source", "elsewhere", "--json").json["create"]
    )


def test_another_number_of_partitions_is_refused_for_life_and_the_rest_is_made(
    onecard: Onecard, own: Kafka, source: str, small: Path, cluster: Cluster
) -> None:
    onecard("topics", "apply")
    changed(small, "partitions = 3", "partitions = 4")
    cluster.delete([own.topology.events("card", source)])
    ended = onecard("topics", "apply", "--json")
    assert ended.code == 1
    assert ended.json["created"] == [own.topology.events("card", source)]
    assert ended.json["unchanged"] == [own.topology.relay(source)]
    refused = {one["name"]: one["reason"] for one in ended.json["refused"]}
    assert refused.keys() == {*own.topology.all_events(source)} - {own.topology.events("card", source)}
    assert all(
        "has 3 partitions and is declared with 4: the number is fixed for life" in one for one in refused.values()
    )
    assert cluster.topics()[own.topology.events("transit", source)].partitions == 3


def test_a_topic_under_our_prefix_that_is_nobodys_is_named(
    onecard: Onecard, source: str, small: Path, cluster: Cluster
) -> None:
    onecard("topics", "apply")
    for stranger in ("onecard.transit.33.events.v2", "onecard.bus.33.events.v1", "bus.33"):
        cluster.create(stranger, 1, 1, {})
    try:
        ended = onecard("topics", "apply", "--json")
        assert (ended.code, len(ended.json["unchanged"])) == (1, 8)
        assert [one["name"] for one in ended.json["refused"]] == [
            "onecard.bus.33.events.v1",
            "onecard.transit.33.events.v2",
        ]
        assert "onecard.bus.33.events.v1 is no topic of a ledger" in onecard("topics", "plan").stdout
        changed(small, "partitions = 3", 'partitions = 3\nothers = ["onecard.bus.33.events.v1"]')
        assert len(onecard("topics", "apply", "--json").json["refused"]) == 1
    finally:
        cluster.delete(["onecard.transit.33.events.v2", "onecard.bus.33.events.v1", "bus.33"])


def test_a_setting_that_somebody_changed_is_shown_and_put_back(
    onecard: Onecard, own: Kafka, source: str, small: Path, cluster: Cluster
) -> None:
    onecard("topics", "apply")
    victim = own.topology.events("medical", source)
    cluster.alter_configs(victim, {"retention.ms": "604800000", "compression.type": None})
    planned = onecard("topics", "plan", "--json")
    assert planned.code == 0
    assert planned.json["repair"] == [
        {"name": victim, "setting": "compression.type", "found": "producer", "declared": "zstd"},
        {"name": victim, "setting": "retention.ms", "found": "604800000", "declared": "-1"},
    ]
    ended = onecard("topics", "apply", "--json")
    assert (ended.code, len(ended.json["unchanged"])) == (0, 7)
    assert f"repaired: {victim}: retention.ms was 604800000, is -1" in ended.stderr
    assert cluster.configs([victim])[victim]["retention.ms"] == "-1"
    assert len(onecard("topics", "apply", "--json").json["unchanged"]) == 8


def test_a_right_that_is_declared_no_more_is_taken_away_and_others_rights_stay(
    onecard: Onecard, own: Kafka, source: str, small: Path, cluster: Cluster
) -> None:
    onecard("topics", "apply")
    stolen = Right("User:relay-34", "WRITE", "TOPIC", own.topology.events("card", source))
    foreign = Right("User:other", "READ", "TOPIC", "onecards", "PREFIXED")
    neighbour = Right("User:relay-34", "WRITE", "TOPIC", "onecard.card.34.events.v1")
    cluster.create_acls([stolen, foreign, neighbour])
    changed(small, 'transit-reader = ["transit"]', 'bus-reader = ["transit"]')
    planned = onecard("topics", "plan", "--json").json
    assert planned["revoke"] == [
        f"relay-34 may WRITE topic {own.topology.events('card', source)}",
        "transit-reader may DESCRIBE, READ topic onecard.transit.*",
    ]
    assert planned["grant"] == [
        "bus-reader may DESCRIBE, READ topic onecard.transit.*",
        "bus-reader may READ group bus-reader.*",
    ]
    assert onecard("topics", "apply").code == 0
    granted = cluster.acls()
    assert {foreign, neighbour} <= granted and stolen not in granted
    assert not [right for right in granted if right.principal == "User:transit-reader" and right.resource == "TOPIC"]


def test_show_tells_what_lies_on_the_topics_of_one_source_or_of_all(
    onecard: Onecard, own: Kafka, source: str, small: Path
) -> None:
    assert "There are no topics here yet" in onecard("topics", "show").stdout
    onecard("topics", "apply")
    shown = onecard("topics", "show", "--json")
    assert shown.code == 0
    assert [one["name"] for one in shown.json["topics"]] == sorted(own.topics_of(source))
    nothing = {"records": 0, "first_offset": None, "last_offset": None}
    assert shown.json["topics"][0] == {"name": own.topology.events("benefit", source), "partitions": 3} | nothing
    onecard("topics", "apply", "--source", own.source())
    every = onecard("topics", "show", "--source", "all", "--json").json["topics"]
    assert len(every) > 8 and all(one["name"].startswith("onecard.") for one in every)
    people = onecard("topics", "show").stdout
    assert own.topology.relay(source) in people


def test_a_profile_that_the_brokers_cannot_keep_is_refused_before_anything_is_made(
    onecard: Onecard, own: Kafka, source: str, small: Path, cluster: Cluster
) -> None:
    ended = onecard("topics", "apply", "--profile", "production", "--json")
    assert (ended.code, ended.json["error"]["code"]) == (3, "environment")
    assert "Profile production keeps 3 replicas, and this Kafka has 1 broker" in ended.json["error"]["message"]
    unknown = onecard("topics", "apply", "--profile", "lab", "--json")
    assert (unknown.code, "There is no profile 'lab'" in unknown.json["error"]["message"]) == (3, True)
    assert not set(own.topics_of(source)) & set(cluster.topics())
    assert onecard("topics", "apply", "--source", "all", "--json").code == 2
