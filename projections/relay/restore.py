"""`restore-tail`: the end that a store lost when it was restored to an earlier point, from the topics back into it.

Steps, and what a crash leaves behind:
 1. Take the relay's lock and the decider lease: nobody publishes, nobody decides.   Nothing: both die with us.
 2. Open the relay's producer and close it: a relay of the store that was lost, should one still run somewhere, is
    fenced, and what it left open is committed or aborted.                            Nothing.
 3. Read the progress; compare the store's id, and its last event with the same one on the topics: the store must be an
    earlier point of this very history, nothing recorded since.                       Nothing.
 4. Read the topics behind the head, merged by position; append (`ledger.service.restoring`).
                                                                                      A shorter tail: begin again.
 5. Compare the digest of the last event with the progress.                           A whole store.
What had been recorded but not published is lost to the store, and comes again when its submitters send it again.
"""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from typing import Final

from ledger.service.restoring import Lost, Restorer, Unfit
from projections.feed.port import Record
from projections.relay.broker import Broker
from projections.relay.log import Log
from projections.relay.progress import Progress
from projections.relay.start import Refused, check_topics, settled_progress
from projections.topics.topology import Topology

PAGE: Final = 5_000
# Reads the source's topics: (after, limit, nothing behind `after` was recorded before) -> records in order.
Read = Callable[[int, int, int], Sequence[Record]]


class Tail:
    """Found by `find`; `restore` appends it. `log` holds the relay's lock."""

    def __init__(self, log: Log, store_id: str, broker: Broker, topology: Topology) -> None:
        self._log = log
        self._store_id = store_id
        self._broker = broker
        self._topology = topology

    def find(self) -> Progress | None:
        """Steps 2 and 3, as far as the progress tells; None if nothing is missing."""
        topic = self._topology.relay(self._log.source)
        with closing(self._broker.reader()) as reader:
            check_topics(reader, self._topology, self._log.source)
            with closing(self._broker.publisher()) as publisher:
                publisher.open()
            progress = settled_progress(reader, self._topology, self._log.source)
        if progress is None:
            return None
        if progress.store_id != self._store_id:
            raise Refused(
                "store_differs",
                f"The topics of source {self._log.source} hold events of another store ({progress.store_id}): restore"
                " that store from its backup.",
                topic,
            )
        head = self._log.head()
        if head >= progress.position and self._log.digest_at(progress.position) != progress.digest:
            raise Refused("store_differs", _recorded_since(progress.position), topic)
        return progress if head < progress.position else None

    def restore(self, progress: Progress, restorer: Restorer, read: Read) -> Iterator[int]:
        """Steps 4 and 5; the position reached, after each commit."""
        topic = self._topology.relay(self._log.source)
        try:
            yield from restorer.append(self._lost(restorer.head, progress.position, read))
        except Unfit as unfit:
            raise Refused("store_differs", f"The topics do not continue this store: {unfit}.", topic) from None
        if self._log.digest_at(progress.position) != progress.digest:
            raise Refused("store_differs", f"Position {progress.position} is not what the relay published.", topic)

    def _lost(self, head: int, last: int, read: Read) -> Iterator[Lost]:
        """The bytes behind the head, once the event at the head is seen to be the same on both sides."""
        after, since = max(0, head - 1), self._log.recorded_at(head)
        checked = head == 0
        while after < last:
            records = read(after, min(PAGE, last - after), since)
            if not records:
                raise Unfit(f"position {after + 1} is not on the topics")
            for record in records:
                if checked:
                    yield record.position, record.stream_id, record.data
                elif hashlib.sha256(record.data).hexdigest() != self._log.digest_at(head):
                    raise Unfit(_recorded_since(head).removesuffix("."))
                checked = True
            after = records[-1].position
            since = records[-1].recorded_at


def _recorded_since(position: int) -> str:
    return (
        f"At position {position} the store holds another event than its topics: it has recorded anew since it was"
        " restored. Restore it again from the same backup, run this before anybody submits, and let submitters send"
        " their files again."
    )
