"""The world a decision sees: rows, the configuration, the clock's reading, and questions only the log can answer.

Rows come from a Source (the store, or a dictionary in tests) and are kept while decisions change them; what changed is
handed back for the appending transaction. The core never knows where rows live.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Protocol, TypeVar

from ledger.core.configuration import Configuration
from ledger.core.decider import Event
from ledger.core.identity import Keyring
from ledger.core.merkle import Tree
from ledger.core.rows import Row, Rows

R = TypeVar("R", bound=Row)
Name = tuple[type[Row], str]
# (submitter, reference), and (event name, event, position) first recorded under one
Reference = tuple[str, str]
Fact = tuple[str, Event, int]


class Source(Protocol):
    """Where rows and recorded facts come from. Implemented by `ledger.store` and by dictionaries in tests."""

    def load(self, names: Sequence[Name]) -> Iterable[tuple[Name, Row]]:
        """The rows that exist among `names`."""

    def recorded(self, keys: Sequence[Reference]) -> dict[Reference, Fact]:
        """What was first recorded under each of these references, where anything was."""

    def cut_off(self, month: str, limit: int) -> Any:
        """The clearing table a cut-off of `month` would take now (CutOffTable); alarms above `limit` deferrals."""

    def pair_totals(self, month: str) -> list[dict[str, Any]]:
        """Sorted {book, home, treatment, payable_fen} of a cycle that has been cut off, and its row count."""

    def grown(self, tree: Tree, after: int, through: int) -> Tree:
        """The tree with a leaf more for each event with `after` < position <= `through`."""

    def last_posted(self, card_ids: Sequence[str]) -> int | None:
        """Business date of the event recorded last, of those on these cards, that posts anything; None: none does."""


class Unasked:
    """A source for making rows again from events: nothing is there before them, and evolution asks the log nothing."""

    def load(self, names: Sequence[Name]) -> Iterable[tuple[Name, Row]]:
        return ()

    def recorded(self, keys: Sequence[Reference]) -> dict[Reference, Fact]:
        raise LookupError("evolution asks the log nothing")

    def cut_off(self, month: str, limit: int) -> Any:
        raise LookupError("evolution asks the log nothing")

    def pair_totals(self, month: str) -> list[dict[str, Any]]:
        raise LookupError("evolution asks the log nothing")

    def grown(self, tree: Tree, after: int, through: int) -> Tree:
        raise LookupError("evolution asks the log nothing")

    def last_posted(self, card_ids: Sequence[str]) -> int | None:
        raise LookupError("evolution asks the log nothing")


class World(Rows):
    """Rows in force plus what the serial rule needs: `now` (ledger clock), `position` of the next event."""

    __slots__ = (
        "_changed",
        "_recalled",
        "_source",
        "config",
        "foresee",
        "in_flight",
        "keyring",
        "now",
        "position",
        "rows",
        "taken",
    )  # fmt: skip

    def __init__(
        self, source: Source, config: Configuration, keyring: Keyring, now: int = 0, position: int = 0
    ) -> None:
        self._source = source
        self.config = config
        self.keyring = keyring
        self.now = now
        self.position = position
        self.rows: dict[Name, Row | None] = {}
        self._changed: dict[Name, int] = {}
        self.in_flight: dict[Reference, Fact] = {}  # decided but perhaps not committed yet
        self._recalled: dict[Reference, Fact | None] = {}
        self.foresee: Callable[[], None] | None = None  # asked before a row nobody announced is fetched alone
        self.taken: Any = None  # the last table asked for, to be stored with its CycleCutOff

    def load(self, names: Iterable[Name]) -> None:
        """Fetch many rows at once; absent ones are remembered as absent."""
        wanted = [name for name in dict.fromkeys(names) if name not in self.rows]
        if wanted:
            self.rows.update(dict.fromkeys(wanted))
            self.rows.update(self._source.load(wanted))

    def get(self, row_type: type[R], key: str) -> R | None:
        try:
            return self.rows[row_type, key]  # type: ignore[return-value]
        except KeyError:
            return self._fetched(row_type, key)

    def _fetched(self, row_type: type[R], key: str) -> R | None:
        """A row nobody announced."""
        foresee, self.foresee = self.foresee, None
        if foresee is not None:
            foresee()
            self.foresee = foresee
        self.load([(row_type, key)])
        return self.rows[row_type, key]  # type: ignore[return-value]

    def edit(self, row_type: type[R], key: str) -> R:
        row = self.get(row_type, key)
        if row is None:
            raise LookupError(f"no {row_type.kind} row {key}")
        self._changed[row_type, key] = self.position
        return row

    def add(self, key: str, row: R) -> R:
        row_type = type(row)
        if self.get(row_type, key) is not None:
            raise LookupError(f"{row.kind} row {key} exists")
        self.rows[row_type, key] = row
        self._changed[row_type, key] = self.position
        return row

    def edit_or_add(self, row_type: type[R], key: str) -> R:
        """For rows whose fields all have defaults: heads of streams, counters."""
        row = self.get(row_type, key)
        if row is None:
            row = self.rows[row_type, key] = row_type()
        self._changed[row_type, key] = self.position
        return row

    def take_changes(self) -> dict[Name, tuple[Row, int]]:
        """Rows changed since the last call, with the position of the event that changed each last."""
        changed, self._changed = self._changed, {}
        return {name: (self.rows[name], position) for name, position in changed.items()}  # type: ignore[misc]

    def recall(self, keys: Iterable[Reference]) -> None:
        """Look up at once what a batch will ask of `recorded`."""
        wanted = list(dict.fromkeys(keys))
        if wanted:
            self._recalled.update(dict.fromkeys(wanted))
            self._recalled.update(self._source.recorded(wanted))

    def recorded(self, submitter: str, reference: str) -> Fact | None:
        """What was first recorded under a submitter's reference."""
        key = (submitter, reference)
        if key in self.in_flight:
            return self.in_flight[key]
        if key not in self._recalled:
            self.recall([key])
        return self._recalled[key]

    def cut_off(self, month: str, limit: int) -> Any:
        self.taken = self._source.cut_off(month, limit)
        return self.taken

    def pair_totals(self, month: str) -> list[dict[str, Any]]:
        return self._source.pair_totals(month)

    def grown(self, tree: Tree, after: int, through: int) -> Tree:
        return self._source.grown(tree, after, through)

    def last_posted(self, card_ids: Sequence[str]) -> int | None:
        return self._source.last_posted(card_ids)
