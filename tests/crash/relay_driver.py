"""A relay process to be killed: publishes until it is level, and may end itself by kill -9 at a chosen step.

    python -m tests.crash.relay_driver DSN SOURCE BOOTSTRAP PARTITIONS PAGE STEP MOMENT

STEP: `open`, `begin`, `send` or `commit` of the publisher, or `page` of the log; MOMENT as in `tests.crash.driver`.
"""

import sys
import time

from projections.kafka.access import Access
from projections.kafka.publisher import Publisher
from projections.relay import relay as relaying
from projections.relay.broker import Broker
from projections.relay.log import Log
from projections.topics.topology import Topology
from tests.crash.driver import deadly
from tests.fix_stores import Store

PATIENCE_SECONDS = 20


def relay(dsn: str, source: str, bootstrap: str, partitions: str, page: str, step: str, moment: str) -> None:
    whose = Log if step == "page" else Publisher
    setattr(whose, step, deadly(getattr(whose, step), moment))
    relaying.MOST_RECORDS = int(page)  # type: ignore[misc]
    store = Store(dsn)
    ((store_id,),) = store.ask("SELECT store_id::text FROM ledger.store")
    log = Log(source, store.connect("onecard_reader"))
    until = time.monotonic() + PATIENCE_SECONDS
    while not log.lock():  # the server may not have noticed yet that the one before was killed
        assert time.monotonic() < until, "the lock stays taken"
        time.sleep(0.02)
    broker = Broker(Access(bootstrap, client_id="onecard-test"), source)
    running = relaying.Relay(
        log, store_id, broker, Topology(int(partitions)), lambda told: print(told, file=sys.stderr)
    )
    for done in running.run(until_caught_up=True):
        print(done.position, flush=True)


if __name__ == "__main__":
    relay(*sys.argv[1:])
