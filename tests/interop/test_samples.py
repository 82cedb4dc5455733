"""The programs in samples/subscribers, built and run as docs/subscribing.md tells a stranger to."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.fix_kafka import Kafka
from tests.house.tree import ROOT
from tests.interop.programs import lines_of
from tests.interop.publication import Publication

SAMPLES = ROOT / "samples" / "subscribers"
Program = Callable[[str], str]


def built(language: str, tmp_path: Path, *command: str) -> Path:
    """A copy of a sample, with its build done."""
    folder = Path(shutil.copytree(SAMPLES / language, tmp_path / language, ignore=shutil.ignore_patterns("target")))
    ended = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=600, check=False)
    assert ended.returncode == 0, ended.stdout[-2000:] + ended.stderr[-2000:]
    return folder


def check(publication: Publication, lines: list[tuple[str, str, str]]) -> None:
    """Every record came once with its type, and what it says was decoded."""
    assert sorted((ce_id, ce_type) for ce_id, ce_type, _ in lines) == sorted(
        (one.id, one.type) for one in publication.records
    )
    said = {ce_id: text for ce_id, _, text in lines}
    for one in publication.records:
        assert one.event["submitter"] in said[one.id] and one.event["reference"] in said[one.id]


def parsed(lines: list[str]) -> list[tuple[str, str, str]]:
    documents = [json.loads(line) for line in lines]
    return [(one["id"], one["type"], json.dumps(one["event"])) for one in documents]


def test_the_python_sample_reads_every_family(
    kafka: Kafka, publication: Publication, registry_url: str, tmp_path: Path
) -> None:
    command = [sys.executable, SAMPLES / "python" / "subscribe.py", kafka.local, registry_url, *publication.topics]
    lines = lines_of(command, len(publication.records), tmp_path, tmp_path / "errors")
    check(publication, parsed(lines))


@pytest.mark.slow
def test_the_java_sample_reads_every_family(
    kafka: Kafka, publication: Publication, registry_url: str, tmp_path: Path, program: Program
) -> None:
    java, maven = program("java"), program("mvn")
    folder = built("java", tmp_path, maven, "-q", "-B", "package")
    command = [java, "-cp", "target/classes:target/lib/*", "Subscribe", kafka.local, registry_url, *publication.topics]
    lines = lines_of(command, len(publication.records), folder, tmp_path / "errors")
    check(publication, [(line.split("\t")[0], line.split("\t")[1], line) for line in lines])


@pytest.mark.slow
def test_the_go_sample_reads_every_family(
    kafka: Kafka, publication: Publication, registry_url: str, tmp_path: Path, program: Program
) -> None:
    folder = built("go", tmp_path, program("go"), "build", "-o", "subscribe", ".")
    command = [folder / "subscribe", kafka.local, registry_url, *publication.topics]
    lines = lines_of(command, len(publication.records), folder, tmp_path / "errors")
    check(publication, parsed(lines))


def test_kcat_reads_every_family(kafka: Kafka, publication: Publication, program: Program, tmp_path: Path) -> None:
    kcat = program("kcat")
    seen = []
    for topic in publication.topics:
        command = [kcat, "-C", "-b", kafka.local, "-t", topic, "-o", "beginning", "-e", "-q", "-f", "%S %h\\n"]
        ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
        for line in ended.stdout.splitlines():
            size, _, headers = line.partition(" ")
            found = dict(header.partition("=")[::2] for header in headers.split(","))
            seen.append((found["ce_id"], found["ce_type"], int(size)))
    assert sorted(seen) == sorted((one.id, one.type, len(one.value)) for one in publication.records)
