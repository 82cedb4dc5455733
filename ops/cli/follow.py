"""`follow`: the views kept up with the log or the topics."""

import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from operator import itemgetter
from types import FrameType
from typing import Annotated, Any, NoReturn

import typer

from ops.cli.bars import bar
from ops.cli.opening import opened
from ops.cli.output import Json, answer, for_people, refuse, tell, watched
from ops.cli.sources import Source, listed
from ops.collector import expect_a_long_run
from ops.following import Following
from ops.wiring import Ledger
from projections.follow import Step
from projections.followers import Running, follow_sources, persistently
from projections.questions.sources import ALL
from projections.shares import NotShared, Share, refuse_unshared
from projections.views.port import View
from projections.views.registry import VIEWS


@dataclass
class _Report:
    """What was applied, by source and view."""

    begun: dict[tuple[str, str], int] = field(default_factory=dict)
    reached: dict[tuple[str, str], int] = field(default_factory=dict)
    applied: dict[tuple[str, str], int] = field(default_factory=dict)
    is_stopped: bool = False
    show: Callable[[int], None] = lambda _: None

    def begin(self, source: str, positions: dict[str, int]) -> None:
        for view, position in positions.items():
            self.begun.setdefault((source, view), position)
            self.reached.setdefault((source, view), position)
            self.applied.setdefault((source, view), 0)

    def told(self, source: str, step: Step) -> None:
        if step.incident is not None:
            self.is_stopped = True
            tell(f"onecard: {str(step.incident).rstrip('.')}. See `onecard incidents show {step.incident.number}`.")
            return
        for view in step.views:
            self.applied[source, view] += step.records
            self.reached[source, view] = max(step.position, self.reached[source, view])
        self.show(step.position)

    def document(self, with_source: bool) -> dict[str, Any]:
        """By view, then source."""
        return {
            "followers": [
                {
                    **({"source": source} if with_source else {}),
                    "name": view,
                    "from_position": self.begun[source, view],
                    "to_position": self.reached[source, view],
                    "applied": self.applied[source, view],
                }
                for source, view in sorted(self.begun, key=lambda one: (one[1], one[0]))
            ]
        }


def follow(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[VIEW]...", help=f"Of {', '.join(sorted(view.name for view in VIEWS))}. Default: every view."
        ),
    ] = None,
    source: Source = None,
    share: Annotated[
        str | None, typer.Option(metavar="K/N", help="Only the k-th of n parts of the partitions (over topics).")
    ] = None,
    until_caught_up: Annotated[
        bool, typer.Option("--until-caught-up", help="End when nothing more is to be applied.")
    ] = False,
    as_json: Json = False,
) -> int:
    """Keep the views up with the log or the topics.

    With ONECARD_KAFKA_BOOTSTRAP set the views follow topics, else the log; both lead to the same views, and may take
    turns. Until told to stop (Ctrl-C, SIGTERM), or until nothing more is to be applied. Exit 1 if an incident stops a
    view: `onecard incidents` says why. A source that Kafka does not have is one; `onecard incidents forget` takes back
    a mistyped one.

    \b
    Example:
      onecard follow --until-caught-up
    """
    views = chosen(names or [])
    expect_a_long_run()
    report = _Report()
    running = Running(report.told, tell, until_caught_up)
    with opened() as ledger:
        following = Following(ledger, views, _shared(share, views, ledger), running, report.begin)
        try:
            with _stoppable():
                if source == ALL:
                    follow_sources(following.steps, following.discovered, running)
                else:
                    _follow_one(following, source or ledger.source, report)
        except KeyboardInterrupt:
            pass  # the ordinary end of a loop without one: a page under way was rolled back
        except NotShared as refused:
            refuse(f"{refused}.")
    stopped = report.is_stopped or following.is_stopped
    return answer(report.document(source == ALL), as_json, _show_followed, ok=not stopped)


def _follow_one(following: Following, source: str, report: _Report) -> None:
    """In this thread, so that Ctrl-C ends it at once."""
    running = following.running
    head = following.known_head(source) if watched() and running.until_caught_up else None
    with bar("applying", head) as report.show:
        for step in persistently(partial(following.steps, source), running, source):
            running.tell(source, step)


def _shared(text: str | None, views: Sequence[View], ledger: Ledger) -> Share | None:
    if text is None:
        return None
    try:
        share = Share.of_text(text)
        refuse_unshared(views)
        share.partitions(ledger.topology.partitions)
    except NotShared as refused:
        refuse(f"{refused}.")
    ledger.access()
    return share


def chosen(names: Sequence[str]) -> list[View]:
    """The views of these names; all of them for none."""
    known = {view.name: view for view in VIEWS}
    for name in names:
        if name not in known:
            refuse(f"{name!r} is no view: there are {', '.join(sorted(known))}.")
    return [known[name] for name in dict.fromkeys(names)] or list(VIEWS)


@contextmanager
def _stoppable() -> Iterator[None]:
    """An operator's stop ends the loop as Ctrl-C does."""

    def stop(number: int, frame: FrameType | None) -> NoReturn:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _show_followed(found: dict[str, Any]) -> None:
    columns = ("view", "from>", "to>", "applied>")
    with for_people() as console:
        console.print(
            listed(columns, found["followers"], itemgetter("name", "from_position", "to_position", "applied"))
        )
