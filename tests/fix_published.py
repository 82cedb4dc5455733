"""A store with a month in it and a Kafka with topics for it; what is on the topics is up to the test."""

from pathlib import Path

import pytest

from ops.topics.declared import INSTALLED
from tests.fix_command import Onecard
from tests.fix_kafka import PARTITIONS as PARTITIONS
from tests.fix_kafka import Kafka
from tests.house.tree import ROOT

CLOCK = "2026-01-01T00:00:00Z"
MONTH = ROOT / "samples" / "golden" / "E01.jsonl"


@pytest.fixture
def new_source(kafka: Kafka, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A source of this test's own, with few partitions; the environment is about it from now on."""
    source = kafka.source()
    declared = tmp_path / "topics.toml"
    declared.write_text(INSTALLED.read_text("utf-8").replace("partitions = 12", f"partitions = {PARTITIONS}"), "utf-8")
    monkeypatch.setenv("ONECARD_SOURCE", source)
    monkeypatch.setenv("ONECARD_TOPICS", str(declared))
    return source


@pytest.fixture
def unpublished(
    new_source: str, kafka: Kafka, onecard: Onecard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> str:
    """The source of such a store; `onecard` and the environment are about it and that Kafka from now on."""
    assert onecard("submit", MONTH, "--receipts", tmp_path / "receipts", clock=CLOCK).code in (0, 1)
    kafka.make_topics(new_source)
    monkeypatch.setenv("ONECARD_KAFKA_BOOTSTRAP", kafka.local)
    return new_source
