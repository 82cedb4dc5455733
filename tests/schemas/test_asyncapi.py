"""The AsyncAPI document says what the code does: the same topics, headers, ids and files."""

import tomllib
from typing import Any

import pytest
import yaml

from projections.topics.envelope import NAMES
from projections.topics.topology import Topology
from schemas import asyncapi
from schemas.files import ROOT, current_files
from schemas.generate import TOPICS
from schemas.registry import read_lock, registry


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return dict(yaml.safe_load((ROOT / "asyncapi.yaml").read_text(encoding="utf-8")))


def test_channels_are_the_topics_that_the_relay_writes(document: dict[str, Any]) -> None:
    topology = Topology()
    expected = {family: topology.events(family, "{source}") for family in topology.families}
    found = {name: channel["address"] for name, channel in document["channels"].items()}
    assert found == {**expected, "relay": topology.relay("{source}")}


def test_each_event_is_on_the_channel_of_its_family_and_nowhere_else(document: dict[str, Any]) -> None:
    found = {(name, event) for name, channel in document["channels"].items() for event in channel["messages"]} - {
        ("relay", "progress")
    }
    assert found == {(file.family, file.event) for file in current_files()}


def test_each_message_names_its_schema_and_every_id_it_may_come_under(document: dict[str, Any]) -> None:
    for file in current_files():
        message = document["components"]["messages"][file.event]
        assert message["name"] == file.subject
        assert (ROOT / message["payload"]["schema"]["$ref"]).resolve() == ROOT / file.family / f"{file.event}.avsc"
        ids = [version.id for version in registry().of_event(file.event)]
        assert (message["x-schema-id"], message["x-schema-ids"]) == (ids[-1], sorted(ids))


def test_the_headers_are_those_that_are_sent(document: dict[str, Any]) -> None:
    headers = document["components"]["messageTraits"]["event"]["headers"]
    assert tuple(headers["required"]) == tuple(headers["properties"]) == NAMES


def test_what_operators_declare_is_what_the_document_says() -> None:
    topics = tomllib.loads(TOPICS.read_text(encoding="utf-8"))
    topics["partitions"] = 5
    text = asyncapi.render(current_files(), read_lock(), topics)
    assert {one["bindings"]["kafka"]["partitions"] for one in yaml.safe_load(text)["channels"].values()} == {5, 1}
