"""A broker for as long as it is needed, beside the database that is embedded in the same way."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ops.kafka.broker import NAME, Broker
from ops.processes import Progress
from ops.sharing import shared_server


@contextmanager
def embedded_broker(home: Path, lib: Path, progress: Progress) -> Iterator[Broker]:
    """Keep a broker in the home directory running inside the block; `lib` is where its program files are kept."""
    broker = Broker(home, lib, "brief")
    with shared_server(broker, home, NAME, progress):
        yield broker
