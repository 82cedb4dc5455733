"""What is recorded of a chip by the counts it showed: its taps, and what was loaded in between.

One tap asks for several counts: its own, the one before, its entry's. They mostly lie close together, so some
consecutive counts are one row.
"""

from typing import ClassVar, Final

import msgspec

from ledger.core.provinces import city
from ledger.core.rows import Row
from ledger.core.world import World

# Of an ENTRY's journey.
OPEN: Final = "OPEN"
CLOSED: Final = "CLOSED"
TIMED_OUT: Final = "TIMED_OUT"

# --- facts -----------------------------------------------------------------------------------------------------------


class Tap(Row):
    """A recorded tap as it was sent, its effective fare, and of an ENTRY the journey's state."""

    operator: str
    terminal: str
    operating_area: str
    tap_type: str
    mode: str
    line: str | None
    station: str | None
    entry_counter: int | None
    fare_due_fen: int
    paid_fen: int
    concession_class: str
    balance_after_fen: int | None
    occurred_at: int
    due: int
    paid: int
    journey: str
    inter_city: bool

    @property
    def use_city(self) -> str:
        return city(self.operating_area)


_read = msgspec.msgpack.Decoder(Tap).decode
_write = msgspec.msgpack.Encoder().encode


class Counts(Row):
    """`SIZE` consecutive counts of a chip (key: sn_key#page); by count its tap, and fen loaded while it was shown.

    Taps stay written until one is asked for: most of a page is only carried along.
    """

    kind: ClassVar[str] = "chip_counts"
    SIZE: ClassVar[int] = 8
    taps: dict[int, msgspec.Raw] = msgspec.field(default_factory=dict)
    loaded: dict[int, int] = msgspec.field(default_factory=dict)

    @classmethod
    def at(cls, sn_key: str, counter: int) -> str:
        """Key of the page that holds a count of a chip."""
        return f"{sn_key}#{counter // cls.SIZE}"

    def tap(self, counter: int) -> Tap | None:
        """A copy: `keep` it for a change to last."""
        written = self.taps.get(counter)
        return None if written is None else _read(written)

    def add(self, counter: int, tap: Tap) -> None:
        """A tap that is not recorded yet, else LookupError."""
        if counter in self.taps:
            raise LookupError(f"a tap is recorded at count {counter}")
        self.keep(counter, tap)

    def keep(self, counter: int, tap: Tap) -> None:
        self.taps[counter] = msgspec.Raw(_write(tap))


# --- evolution -------------------------------------------------------------------------------------------------------


def edit_counts(world: World, sn_key: str, counter: int) -> Counts:
    """The page of a count, to be changed."""
    return world.edit_or_add(Counts, Counts.at(sn_key, counter))


def set_fare(world: World, sn_key: str, counter: int, due: int, paid: int, journey: str = "") -> None:
    """The fare in effect of a recorded tap, and where its journey stands if that changes, too; LookupError if it is
    not recorded, or its journey has its exit."""
    counts = edit_counts(world, sn_key, counter)
    tap = counts.tap(counter)
    if tap is None:
        raise LookupError(f"no tap is recorded at count {counter}")
    if journey and tap.journey == CLOSED:
        raise LookupError(f"the journey that begins at count {counter} has its exit")
    tap.due, tap.paid, tap.journey = due, paid, journey or tap.journey
    counts.keep(counter, tap)


# --- questions -------------------------------------------------------------------------------------------------------


def counts_of(world: World, sn_key: str, counter: int) -> Counts | None:
    """The page of a count, if it holds any."""
    return world.get(Counts, Counts.at(sn_key, counter))


def is_tapped(world: World, sn_key: str, counter: int) -> bool:
    """Whether a tap is recorded at a count."""
    counts = counts_of(world, sn_key, counter)
    return counts is not None and counter in counts.taps


def tap_at(world: World, sn_key: str, counter: int) -> Tap | None:
    """The tap recorded at a count, if one is."""
    counts = counts_of(world, sn_key, counter)
    return None if counts is None else counts.tap(counter)
