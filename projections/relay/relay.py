"""The relay: copies the log onto the topics, in order, a Kafka transaction a page. Steps, and what a crash leaves:

 1. Take the relay's lock on the store; another relay waits or is refused.       Nothing: the lock dies with us.
 2. Look that all topics are there.                                              Nothing.
 3. Open the transactional producer: fences every relay before us, and ends what it left open, committed or aborted.
                                                                                 Nothing.
 4. Read the progress to the high watermark, once no transaction is open there.  Nothing.
 5. Compare with the store: its id, and the digest of its event at that position; refuse, or go on from there. Nothing.
 6. Read a page of the log, whole commands, and make records of it.              Nothing.
 7. Begin a transaction; send the page and, last, the new progress.
        An open transaction that nobody reads past. Step 3 of the next relay aborts it at once, or the broker after its
        timeout; the page is sent again.
 8. Read the next page meanwhile: fails if the connection that holds the lock is lost, and then nothing is committed.
                                                                                 The same as 7.
 9. Flush, check every future, commit.
        Either nothing (as 7) or the page together with its progress. Which of them it was is never guessed: after a
        failure here step 4 finds out.
10. Wait for NOTIFY, or go on while there is more.                               Nothing: everything is committed.

Fenced at 7 or 9 means that another relay has passed step 3: we end and never open a producer again. A lost connection
to the store ends us too. Any other failure: the producer is thrown away, and after a pause all goes on from step 2.
"""

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import Final

from projections.kafka.access import BrokerProblem
from projections.kafka.publisher import Fenced
from projections.kafka.reader import Reader
from projections.relay.broker import Broker
from projections.relay.log import Log
from projections.relay.page import Pages
from projections.relay.pause import pause
from projections.relay.progress import Progress
from projections.relay.start import check_store, check_topics, settled_progress
from projections.topics.topology import Topology

MOST_RECORDS: Final = 5_000  # larger pages gain nothing; with little to do a page is what has come meanwhile
WAIT_SECONDS: Final = 1
PAUSES_MS: Final = (200, 500, 1_000, 2_000, 5_000, 10_000)
# What another try does not mend.
FINAL: Final = frozenset({"login_refused", "not_allowed", "topic_unknown"})


@dataclass(frozen=True, slots=True)
class Published:
    """What one transaction did."""

    position: int
    records: int


class Relay:
    """`tell`: a sentence for people when something fails and is tried again. `ready`: called when nothing is wrong."""

    def __init__(
        self,
        log: Log,
        store_id: str,
        broker: Broker,
        topology: Topology,
        tell: Callable[[str], None],
        ready: Callable[[], None] = lambda: None,
    ) -> None:
        self._log = log
        self._store_id = store_id
        self._broker = broker
        self._topology = topology
        self._tell = tell
        self._ready = ready
        self._pages = Pages(store_id, log.source, topology)
        self.began: int | None = None  # the first position we found, for the report

    def run(self, until_caught_up: bool, is_stopped: Callable[[], bool] = lambda: False) -> Iterator[Published]:
        """Steps 2 to 10, again after failures; the lock (step 1) is held already."""
        failures = 0
        while not is_stopped():
            try:
                for done in self._publish(until_caught_up, is_stopped):
                    failures = 0
                    yield done
                return
            except Fenced:
                raise
            except BrokerProblem as problem:
                never_began = self.began is None
                if problem.code in FINAL or never_began or (until_caught_up and failures >= len(PAUSES_MS)):
                    raise
                pause_ms = PAUSES_MS[min(failures, len(PAUSES_MS) - 1)]
                failures += 1
                self._tell(f"relay: {problem} Trying again.")
                pause(pause_ms, is_stopped)

    def _publish(self, until_caught_up: bool, is_stopped: Callable[[], bool]) -> Iterator[Published]:
        with closing(self._broker.publisher()) as publisher:
            with closing(self._broker.reader()) as reader:
                check_topics(reader, self._topology, self._log.source)
                publisher.open()
                progress = self._begin(reader)
            rows = self._log.page(progress.position, MOST_RECORDS)
            while not is_stopped():
                if rows:
                    page = self._pages.page(rows, progress)
                    publisher.begin(message[:2] for message in page.messages)
                    for message in page.messages:
                        publisher.send(*message)
                    publisher.deliver()
                    rows = self._log.page(page.progress.position, MOST_RECORDS)
                    publisher.commit()
                    progress = page.progress
                    yield Published(progress.position, page.records)
                elif until_caught_up:
                    return
                else:
                    self._log.wait(WAIT_SECONDS)
                    rows = self._log.page(progress.position, MOST_RECORDS)

    def _begin(self, reader: Reader) -> Progress:
        """Steps 4 and 5: where to go on."""
        progress = settled_progress(reader, self._topology, self._log.source)
        check_store(progress, self._log, self._store_id, reader, self._topology)
        found = progress or self._pages.nothing()
        if self.began is None:
            self.began = found.position
            self._ready()
        return found
