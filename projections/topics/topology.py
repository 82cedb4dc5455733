"""Names of the topics: one per privacy family and source, so that readers are let in by family and writers by source.

Beside them one small topic per source, on which its relay keeps how far it has published.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from schemas.files import FAMILIES

PARTITIONS = 12  # fixed for life: more of them would move streams to other partitions and break their order
_EVENTS = re.compile(rf"onecard\.({'|'.join(FAMILIES)})\.([a-z0-9][a-z0-9-]{{0,31}})\.events\.v1")
_RELAY = re.compile(r"onecard\.relay\.([a-z0-9][a-z0-9-]{0,31})\.v1")


@dataclass(frozen=True, slots=True)
class Topology:
    """The topics of every source; all event topics have the same number of partitions."""

    partitions: int = PARTITIONS
    families: tuple[str, ...] = FAMILIES

    def events(self, family: str, source: str) -> str:
        """The topic of one family's events; KeyError for a family there is none of."""
        if family not in self.families:
            raise KeyError(family)
        return f"onecard.{family}.{source}.events.v1"

    def all_events(self, source: str) -> list[str]:
        """The topics that together hold every event of a source, in order of family."""
        return [self.events(family, source) for family in self.families]

    def relay(self, source: str) -> str:
        """The topic of one partition with the progress of a source's relay."""
        return f"onecard.relay.{source}.v1"


def parse(topic: str) -> tuple[str, str] | None:
    """(family, source) of a topic of events; None for any other topic."""
    found = _EVENTS.fullmatch(topic)
    return (found[1], found[2]) if found else None


def source_of_relay(topic: str) -> str | None:
    """The source whose relay keeps its progress there; None for any other topic."""
    found = _RELAY.fullmatch(topic)
    return found[1] if found else None


def sources_among(topics: Iterable[str]) -> set[str]:
    """The sources that have a relay's topic among these."""
    return set(filter(None, map(source_of_relay, topics)))


def transactional_id(source: str) -> str:
    """The name under which a source's relay publishes, by which a second one fences the first."""
    return f"onecard-relay-{source}"
