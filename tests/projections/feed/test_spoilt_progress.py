"""A relay's topic that cannot be read stops its own source with an incident, and not the process that follows many."""

from typing import Any, cast

import pytest

from projections.feed.port import Broken
from projections.feed.share import ShareFeed
from projections.feed.topic import TopicFeed
from projections.kafka.access import Access
from projections.kafka.reader import Corrupt, Truncated
from projections.topics.topology import Topology

SPOILT = (
    (Corrupt("onecard.relay.33.v1", 0, 7, "its checksum differs"), "undecodable"),
    (Truncated("onecard.relay.33.v1", 0, 7), "topic_truncated"),
)


class Tail:
    """Of a topic whose disk has lost something."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    def newest(self) -> None:
        raise self._error


@pytest.mark.parametrize(("error", "kind"), SPOILT)
def test_a_progress_that_cannot_be_read_is_broken(error: Exception, kind: str) -> None:
    access, topology = Access("nowhere:1"), Topology(3)
    feed, share = TopicFeed(access, topology, "33"), ShareFeed(access, topology, "33", [0])
    feed._opened._tail = share._opened._tail = cast(Any, (None, Tail(error)))
    for one in (feed, share):
        with pytest.raises(Broken, match="how far source 33 is published cannot be read") as broken:
            one.head()
        assert broken.value.kind == kind
