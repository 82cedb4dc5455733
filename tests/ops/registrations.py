"""What a metadata log says of a broker, read by Kafka's own classes: the measure for our reading of the same files."""

import json
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ops.kafka.jars import jars, java
from tests.fix_kafka import program_files

READER = Path(__file__).with_name("Registrations.java")
LOG = "__cluster_metadata-0"
# A record as JSON, and where in the file its batch ends.
Record = tuple[int, dict[str, Any]]


def as_kafka_reads(*files: Path) -> list[list[Record]]:
    """The records in each file that name a broker."""
    classes = jars(program_files(), lambda _: None)
    words = ["-XX:TieredStopAtLevel=1", "-cp", f"{classes}/*", str(READER), *map(str, files)]
    done = subprocess.run([java(), *words], capture_output=True, text=True, check=True)
    found: list[list[Record]] = [[] for _ in files]
    for line in done.stdout.splitlines():
        file, end, record = line.split(" ", 2)
        if "brokerId" in (said := json.loads(record)):
            found[int(file)].append((int(end), said))
    return found


def fencings(records: Iterable[Record]) -> list[int]:
    """Each word about whether the broker serves, in order: True as it begins, -1 that it serves, 1 that it does not."""
    return [said["fenced"] for _, said in records if "fenced" in said]


def serves(records: Iterable[Record], until: int = sys.maxsize) -> bool:
    """The last word of the batches that are whole in so many bytes of the file."""
    serving = False
    for end, said in records:
        fenced = said.get("fenced", 0)
        if end > until:
            break
        if "endPoints" in said or said.keys() == {"brokerId", "brokerEpoch"}:
            serving = "endPoints" in said and not fenced
        elif fenced:
            serving = fenced < 0
    return serving
