"""How a command comes to its ledger: settings from the environment, an open database, one snapshot for a question."""

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from contextvars import ContextVar
from typing import TypeVar

from ops.cli.output import FOUND, Problem, progress_told, tell
from ops.settings import Settings, load_settings
from ops.wiring import Ledger, open_ledger
from projections.questions import snapshot
from projections.questions.snapshot import Cursor

READER_ROLE = "onecard_reader"
T = TypeVar("T")
_lent: ContextVar[Settings | None] = ContextVar("lent", default=None)


@contextmanager
def lent(settings: Settings) -> Iterator[None]:
    """Commands run inside work with these settings instead of the environment's."""
    before = _lent.set(settings)
    try:
        yield
    finally:
        _lent.reset(before)


def settings_now() -> Settings:
    """What the environment names, or settings that were lent."""
    return _lent.get() or load_settings()


@contextmanager
def opened() -> Iterator[Ledger]:
    """The ledger that these settings name."""
    with open_ledger(settings_now(), progress_told, lambda message: tell(f"onecard: {message}")) as ledger:
        yield ledger


def asked(ledger: Ledger, question: Callable[[Cursor], T]) -> T:
    """A question's answer from one snapshot, as the role that may read and nothing more."""
    with closing(ledger.connect(READER_ROLE)) as connection:
        try:
            return snapshot.ask(connection, question)
        except snapshot.Unknown as unknown:
            raise Problem(FOUND, unknown.code, f"{unknown}.") from None
