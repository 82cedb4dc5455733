"""`relay` and `restore-tail`: from the store to the topics, and back into a store that was restored too old."""

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from types import FrameType
from typing import Annotated, Any

import typer

from ledger.service.restoring import Busy, Restorer
from ops.cli.bars import bar
from ops.cli.opening import READER_ROLE, opened
from ops.cli.output import Json, answer, for_people, table, tell, unable
from ops.collector import expect_a_long_run
from ops.wiring import Ledger
from projections.feed.port import Broken
from projections.relay import incidents
from projections.relay.broker import Broker
from projections.relay.log import NAME, Log
from projections.relay.pause import pause
from projections.relay.relay import Relay
from projections.relay.restore import Tail
from projections.relay.start import Unready

ASK_AGAIN_MS = 200
PATIENCE_SECONDS = 1  # the server may not have noticed yet that a relay was killed


def relay(
    until_caught_up: Annotated[
        bool, typer.Option("--until-caught-up", help="End when nothing more is to be published.")
    ] = False,
    wait: Annotated[
        bool, typer.Option("--wait", help="If another relay of this store runs, wait and take over.")
    ] = False,
    as_json: Json = False,
) -> int:
    """Publish the log to Kafka.

    Every event goes once to the topic of its family, also what was recorded before Kafka was there. Until told to stop
    (Ctrl-C, SIGTERM), or until nothing more is to be published. One relay runs for a store.

    \b
    Example:
      onecard relay --until-caught-up
    """
    expect_a_long_run()
    with opened() as ledger, _stopping() as is_stopped:
        broker = Broker(ledger.access(), ledger.source)
        with closing(Log(ledger.source, ledger.connect(READER_ROLE))) as log:
            if not _locked(log, ledger, wait, is_stopped):
                return answer(_followed(0, 0, 0), as_json, _show_relayed)
            running = Relay(log, ledger.store_id, broker, ledger.topology, tell, lambda: _close_incident(ledger))
            began, reached, applied = _publish(ledger, log, running, until_caught_up, is_stopped)
    return answer(_followed(began, reached, applied), as_json, _show_relayed)


def _publish(
    ledger: Ledger, log: Log, running: Relay, until_caught_up: bool, is_stopped: Callable[[], bool]
) -> tuple[int, int, int]:
    """From which position to which, and how many events."""
    applied = reached = 0
    with bar("publishing", log.head() if until_caught_up else None) as show:
        try:
            for page in running.run(until_caught_up, is_stopped):
                applied += page.records
                reached = page.position
                show(reached)
        except Broken as broken:
            standing = log.head() if running.began is None else max(reached, running.began)
            with closing(ledger.connect()) as connection:
                incidents.opened(connection, ledger.source, standing, broken)
            raise
        except Unready as unready:
            unable(str(unready))
    began = running.began or 0
    return began, max(began, reached), applied


def _close_incident(ledger: Ledger) -> None:
    with closing(ledger.connect()) as connection:
        incidents.closed(connection, ledger.source)


def restore_tail(as_json: Json = False) -> int:
    """Give a restored store its end back.

    After a restore to an earlier point: the events it has lost are appended from its topics, with all that was written
    beside them. Before anybody submits.

    \b
    Example:
      onecard restore-tail
    """
    expect_a_long_run()
    with opened() as ledger, closing(Log(ledger.source, ledger.connect(READER_ROLE))) as log:
        access = ledger.access()
        if not _locked(log, ledger, False, lambda: False):
            return 0
        tail = Tail(log, ledger.store_id, Broker(access, ledger.source), ledger.topology)
        begun = reached = log.head()
        try:
            with Restorer(ledger.connect, ledger.config, ledger.keyring) as restorer:
                progress = tail.find()
                if progress is not None:
                    with closing(ledger.feed()) as feed, bar("restoring", progress.position) as show:
                        for reached in tail.restore(progress, restorer, feed.read):
                            show(reached)
        except Busy:
            unable("Somebody is submitting to this store: stop that, and restore the backup again if it recorded.")
        except Unready as unready:
            unable(str(unready))
    found = {"source": ledger.source, "from_position": begun, "to_position": reached, "restored": reached - begun}
    return answer(found, as_json, _show_restored)


def _locked(log: Log, ledger: Ledger, wait: bool, is_stopped: Callable[[], bool]) -> bool:
    """Step 1 of the relay; False if we were stopped while waiting."""
    until = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < until:
        if log.lock():
            return True
        pause(ASK_AGAIN_MS, is_stopped)
    if not wait:
        unable(
            f"Another relay of source {ledger.source} is running: one is enough. To stand by and take over when it"
            " ends, use `onecard relay --wait`."
        )
    tell(f"Another relay of source {ledger.source} is running: standing by.")
    while not is_stopped():
        if log.lock():
            return True
        pause(ASK_AGAIN_MS, is_stopped)
    return False


@contextmanager
def _stopping() -> Iterator[Callable[[], bool]]:
    """Ctrl-C and SIGTERM end the loop behind the page under way; a second one ends it at once, which loses nothing."""
    asked = False

    def stop(number: int, frame: FrameType | None) -> None:
        nonlocal asked
        if asked:
            raise KeyboardInterrupt
        asked = True

    before = {number: signal.signal(number, stop) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield lambda: asked
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _followed(began: int, reached: int, applied: int) -> dict[str, Any]:
    one = {"name": NAME, "from_position": began, "to_position": reached, "applied": applied}
    return {"followers": [one]}


def _show_relayed(found: dict[str, Any]) -> None:
    (one,) = found["followers"]
    with for_people() as console:
        rows = [(one["from_position"], one["to_position"], one["applied"])]
        console.print(table(("published from>", "to>", "events>"), rows))


def _show_restored(found: dict[str, Any]) -> None:
    with for_people() as console:
        if found["restored"]:
            console.print(
                f"Positions {found['from_position'] + 1} to {found['to_position']} of source {found['source']} are"
                " restored from the topics: run `onecard verify`, then start `onecard relay` and let submitters send"
                " again what they have no receipt for."
            )
        else:
            console.print(f"Nothing is missing: the topics hold no event behind position {found['to_position']}.")
