"""schemas/asyncapi.yaml is what AsyncAPI's own parser accepts, and what a broker has after `onecard topics apply`."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from ops.settings import Settings
from ops.topics.declared import INSTALLED, Declared, load_declared
from ops.topics.plan import apply_plan, plan_for
from projections.kafka.cluster import Cluster
from schemas.files import ROOT, current_files
from tests.fix_kafka import Kafka

DOCUMENT = ROOT / "asyncapi.yaml"
CHECK = Path(__file__).parent / "asyncapi"
WARNING = 1


@pytest.fixture(scope="module")
def channels() -> dict[str, Any]:
    return dict(yaml.safe_load(DOCUMENT.read_text(encoding="utf-8"))["channels"])


@pytest.fixture(scope="module")
def parser(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The official parser, installed by npm; a skip that says so where it cannot be had."""
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("NO NPM, NOT TESTED: asyncapi.yaml is checked by the official parser where npm is installed")
    folder = tmp_path_factory.mktemp("asyncapi")
    for name in ("package.json", "check.js"):
        shutil.copy(CHECK / name, folder)
    install = [npm, "install", "--no-audit", "--no-fund", "--loglevel", "error"]
    try:
        ended = subprocess.run(install, cwd=folder, capture_output=True, text=True, timeout=240, check=False)
    except subprocess.TimeoutExpired:
        pytest.skip("NPM TAKES TOO LONG, NOT TESTED: asyncapi.yaml is checked by the official parser")
    if ended.returncode:
        pytest.skip(f"NPM CANNOT INSTALL, NOT TESTED: {ended.stderr.strip()[-300:]}")
    return folder


def checked(parser: Path, document: Path) -> Any:
    command = ["node", "check.js", str(document)]
    ended = subprocess.run(command, cwd=parser, capture_output=True, text=True, timeout=120, check=True)
    return json.loads(ended.stdout)


@pytest.mark.slow
def test_the_official_parser_accepts_the_document_with_its_schemas_and_bindings(parser: Path) -> None:
    found = checked(parser, DOCUMENT)
    assert [one for one in found["told"] if one["severity"] <= WARNING] == []
    assert set(found["found"]["messages"]) == {file.subject for file in current_files()} | {"onecard.relay.progress"}
    assert len(found["found"]["channels"]) == 8


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("asyncapi.yaml", "action: send", "action: shout"),
        ("asyncapi.yaml", "        partitions: 12", "        partition: 12"),
        ("asyncapi.yaml", "./card/CardIssued.avsc", "./card/CardFramed.avsc"),
        ("card/CardIssued.avsc", '"type": "record"', '"type": "recording"'),
    ],
)
def test_the_official_parser_sees_a_planted_mistake(
    parser: Path, tmp_path: Path, name: str, old: str, new: str
) -> None:
    tree = Path(shutil.copytree(ROOT, tmp_path / "schemas", ignore=shutil.ignore_patterns("__pycache__", "*.py")))
    text = (tree / name).read_text(encoding="utf-8")
    assert old in text
    (tree / name).write_text(text.replace(old, new), encoding="utf-8")
    assert any(one["severity"] < WARNING for one in checked(parser, tree / "asyncapi.yaml")["told"])


def test_a_broker_has_the_topics_of_the_document(kafka: Kafka, channels: dict[str, Any]) -> None:
    declared = load_declared(Settings(topics=INSTALLED))
    source = kafka.source()
    with Cluster(kafka.access()) as cluster:
        plan = plan_for(cluster, declared, source, declared.profiles["laptop"])
        plan.grant, plan.revoke = [], []
        assert list(apply_plan(cluster, plan))
        for topic, binding in bindings(channels, source).items():
            assert cluster.topics()[topic].partitions == binding["partitions"]
            configs = cluster.configs([topic])[topic]
            for name, value in binding["topicConfiguration"].items():
                assert configs[name] == (",".join(value) if isinstance(value, list) else str(value)), (topic, name)


def test_production_keeps_as_many_copies_as_the_document_says(channels: dict[str, Any]) -> None:
    declared: Declared = load_declared(Settings(topics=INSTALLED))
    wanted = declared.topics("33", declared.profiles["production"])
    found = bindings(channels, "33")
    assert {name: topic.replication for name, topic in wanted.items()} == {
        name: binding["replicas"] for name, binding in found.items()
    }


def bindings(channels: dict[str, Any], source: str) -> dict[str, Any]:
    """Topic of this source -> what the document says of it; channel and binding name the same topic."""
    for channel in channels.values():
        assert channel["address"] == channel["bindings"]["kafka"]["topic"]
    return {
        channel["address"].replace("{source}", source): channel["bindings"]["kafka"] for channel in channels.values()
    }
