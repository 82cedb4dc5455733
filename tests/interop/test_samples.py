"""The programs in samples/subscribers, built and run as docs/subscribing.md tells a stranger to."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from uuid import UUID

import pytest

from tests.fix_kafka import Kafka
from tests.house.tree import ROOT
from tests.interop.programs import ended, lines_of
from tests.interop.publication import Publication, publish_spoilt

SAMPLES = ROOT / "samples" / "subscribers"
Program = Callable[[str], str]
Line = tuple[str, str, str]
Sample = tuple[Path, list[str | Path]]


@pytest.fixture(scope="module", params=["python", "java", "go"])
def sample(request: pytest.FixtureRequest, program: Program, tmp_path_factory: pytest.TempPathFactory) -> Sample:
    """A copy of a sample that has been built, and the command that runs it there."""
    language: str = request.param
    folder = tmp_path_factory.mktemp("sample") / language
    shutil.copytree(SAMPLES / language, folder, ignore=shutil.ignore_patterns("target"))
    if language == "python":
        return folder, [sys.executable, "subscribe.py"]
    if language == "java":
        java = program("java")
        _built(folder, program("mvn"), "-q", "-B", "package")
        return folder, [java, "-cp", "target/classes:target/lib/*", "Subscribe"]
    _built(folder, program("go"), "build", "-o", "subscribe", ".")
    return folder, [folder / "subscribe"]


def _built(folder: Path, *command: str) -> None:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]


def parsed(line: str) -> Line:
    """(ce_id, ce_type, what the event says) of a line of any of the programs."""
    if line.startswith("{"):
        found = json.loads(line)
        return found["id"], found["type"], json.dumps(found["event"])
    ce_id, ce_type, event = line.split("\t")
    return ce_id, ce_type, event


@pytest.mark.slow
def test_it_reads_every_event_of_every_family_once(
    sample: Sample, kafka: Kafka, publication: Publication, registry_url: str, tmp_path: Path
) -> None:
    folder, command = sample
    asked = [*command, kafka.local, registry_url, f"readers.{publication.source}", *publication.topics]
    lines = [parsed(line) for line in lines_of(asked, len(publication.records), folder, tmp_path / "errors")]
    assert sorted((ce_id, ce_type) for ce_id, ce_type, _ in lines) == sorted(
        (one.id, one.type) for one in publication.records
    )
    said = {ce_id: event for ce_id, _, event in lines}
    for one in publication.records:
        assert one.event["submitter"] in said[one.id] and one.event["reference"] in said[one.id]
        if folder.name == "python":
            event = json.loads(said[one.id])
            assert str(UUID(event.get("card_id") or event["stream_id"])) in said[one.id]
            assert len(bytes.fromhex(event["prev_digest"])) == 32


@pytest.mark.slow
def test_it_drops_what_comes_again_and_stops_where_a_record_is_missing(
    sample: Sample, kafka: Kafka, registry_url: str, tmp_path: Path
) -> None:
    first, second, _, fourth = publish_spoilt(kafka)
    folder, command = sample
    asked = [*command, kafka.local, registry_url, f"readers.{first.topic}", first.topic]
    code, lines, errors = ended(asked, folder, tmp_path / "errors")
    assert [parsed(line)[0] for line in lines] == [first.id, second.id]
    assert code > 0 and "missing" in errors and str(fourth.position) in errors


def test_kcat_reads_every_family(kafka: Kafka, publication: Publication, program: Program, tmp_path: Path) -> None:
    kcat = program("kcat")
    seen = []
    for topic in publication.topics:
        command = [kcat, "-C", "-b", kafka.local, "-t", topic, "-o", "beginning", "-e", "-q", "-f", "%S %h\\n"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
        for line in done.stdout.splitlines():
            size, _, headers = line.partition(" ")
            found = dict(header.partition("=")[::2] for header in headers.split(","))
            seen.append((found["ce_id"], found["ce_type"], int(size)))
    assert sorted(seen) == sorted((one.id, one.type, len(one.value)) for one in publication.records)
