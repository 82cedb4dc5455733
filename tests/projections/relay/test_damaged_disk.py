"""Whether anything is published must be known before everything is: a broker's damaged disk is no reason to guess."""

from collections.abc import Iterable, Mapping
from types import SimpleNamespace
from typing import Any, cast

import pytest

from projections.kafka.reader import Corrupt, Partition, Truncated
from projections.relay.log import Log
from projections.relay.start import Refused, check_store
from projections.topics.topology import Topology


class Damaged:
    """A reader of partitions that hold something nobody can read."""

    def __init__(self, damage: Exception) -> None:
        self._damage = damage

    def beginning_offsets(self, places: Iterable[Partition]) -> dict[Partition, int]:
        return dict.fromkeys(places, 0)

    def stable_ends(self, places: Iterable[Partition]) -> dict[Partition, int]:
        return dict.fromkeys(places, 3)

    def assign(self, starts: Mapping[Partition, int]) -> None:
        return

    def position(self, place: Partition) -> int:
        return 0

    def poll(self, timeout_ms: int, max_records: int) -> dict[Partition, Any]:
        raise self._damage


@pytest.mark.parametrize(
    ("damage", "kind"),
    [(Corrupt("t", 0, 2, "its checksum differs"), "undecodable"), (Truncated("t", 0, 2), "topic_truncated")],
)
def test_topics_that_cannot_be_read_are_an_incident_of_the_relay(damage: Exception, kind: str) -> None:
    log = cast(Log, SimpleNamespace(source="33"))
    with pytest.raises(Refused, match="Whether anything is published cannot be told") as refused:
        check_store(None, log, "a store", cast(Any, Damaged(damage)), Topology(3))
    assert refused.value.kind == kind
    assert refused.value.evidence is not None and refused.value.evidence.offset == 2
