"""What topics.toml declares, and what it must not be able to declare."""

import tomllib
from pathlib import Path

import pytest

from ops.problems import EnvironmentProblem
from ops.settings import Settings
from ops.topics.declared import INSTALLED, Declared, load_declared
from projections.kafka.cluster import Right
from projections.topics.topology import PARTITIONS
from schemas.files import FAMILIES


@pytest.fixture
def declared() -> Declared:
    return load_declared(Settings())


def test_the_installed_file_declares_what_the_product_is_built_for(declared: Declared) -> None:
    assert declared.partitions == declared.topology.partitions == PARTITIONS == 12
    topics = declared.topics("33", declared.profiles["laptop"])
    assert len(topics) == len(FAMILIES) + 1
    relay = topics.pop("onecard.relay.33.v1")
    assert (relay.partitions, relay.configs["cleanup.policy"]) == (1, "compact")
    for topic in topics.values():
        assert topic.partitions == 12
        assert topic.configs["cleanup.policy"] == "delete"
        assert topic.configs["retention.ms"] == topic.configs["retention.bytes"] == "-1"
        assert topic.configs["message.timestamp.type"] == "CreateTime"
        assert topic.configs["message.timestamp.after.max.ms"] == str(2**63 - 1)
        assert topic.configs["unclean.leader.election.enable"] == "false"


def test_production_differs_from_a_laptop_in_replicas_and_nothing_else(declared: Declared) -> None:
    assert set(declared.profiles) == {"laptop", "production"}
    laptop, production = (declared.topics("33", declared.profiles[name]) for name in ("laptop", "production"))
    assert laptop.keys() == production.keys()
    for name in laptop:
        assert (laptop[name].replication, production[name].replication) == (1, 3)
        assert laptop[name].partitions == production[name].partitions
        differing = {key for key in laptop[name].configs if laptop[name].configs[key] != production[name].configs[key]}
        assert laptop[name].configs.keys() == production[name].configs.keys()
        assert differing == {"min.insync.replicas"}
        assert production[name].configs["min.insync.replicas"] == "2"


def test_a_writer_writes_the_topics_of_its_source_and_no_others(declared: Declared) -> None:
    written = {right for right in declared.rights_of("33") if right.operation == "WRITE"}
    assert {right.principal for right in written} == {"User:relay-33"}
    assert all(right.pattern == "LITERAL" for right in written)
    topics = {right.name for right in written if right.resource == "TOPIC"}
    assert topics == {*declared.topology.all_events("33"), "onecard.relay.33.v1"}
    assert {right.name for right in written - {r for r in written if r.resource == "TOPIC"}} == {"onecard-relay-33"}


def test_a_reader_of_a_family_gets_its_prefix_and_no_more(declared: Declared) -> None:
    read = {right for right in declared.rights_of("33") if right.principal == "User:transit-reader"}
    assert read == {
        Right("User:transit-reader", "READ", "TOPIC", "onecard.transit.", "PREFIXED"),
        Right("User:transit-reader", "DESCRIBE", "TOPIC", "onecard.transit.", "PREFIXED"),
        Right("User:transit-reader", "READ", "GROUP", "transit-reader.", "PREFIXED"),
    }


def test_who_follows_everything_sees_the_relays_transactions_and_cannot_publish_as_one(declared: Declared) -> None:
    found = {right for right in declared.rights_of("33") if right.principal == "User:follower"}
    transactions = [right for right in found if right.resource == "TRANSACTIONAL_ID"]
    assert transactions == [Right("User:follower", "DESCRIBE", "TRANSACTIONAL_ID", "onecard-relay-", "PREFIXED")]
    assert {right.operation for right in found} == {"READ", "DESCRIBE"}


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("partitions = 12", "partitions = 0", r"partitions: Input should be greater than or equal to 1"),
        ("partitions = 12", "partition = 12", r"partitions: Field required"),
        ("partitions = 12", "partitions = 12\nspare = 1", r"spare: Extra inputs are not permitted"),
        (
            '"relay-{source}"',
            '"relay"',
            r"rights\.writer: must hold \{source\} once, or one province could write as .*",
        ),
        ('"relay-{source}"', '"{x}-{source}"', r"rights\.writer: must hold \{source\} once, or .*"),
        ('["transit"]', '["bus"]', r"rights\.readers: transit-reader is to read 'bus', which is no family: card, .*"),
        ("partitions = 12", "partitions = ", r".* cannot be read: .*"),
    ],
)
def test_a_file_that_makes_no_sense_is_told_in_one_sentence(tmp_path: Path, old: str, new: str, sentence: str) -> None:
    text = INSTALLED.read_text(encoding="utf-8")
    assert old in text
    file = tmp_path / "topics.toml"
    file.write_text(text.replace(old, new), encoding="utf-8")
    with pytest.raises(EnvironmentProblem, match=sentence):
        load_declared(Settings(topics=file))


def test_a_file_of_ones_own_takes_the_place_of_the_installed_one(tmp_path: Path) -> None:
    file = tmp_path / "topics.toml"
    file.write_text(INSTALLED.read_text(encoding="utf-8").replace("partitions = 12", "partitions = 96"))
    assert load_declared(Settings(topics=file)).topology.partitions == 96
    assert tomllib.loads(file.read_text(encoding="utf-8"))["partitions"] == 96
