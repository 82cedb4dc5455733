"""What is measured on: a durable store of its own with issued cards, and the endless working day of the simulation.

The opening of the day (cards, contributions, payouts prepared) is submitted first and not measured. Everything
after it names cards at random among all of them, so a batch finds hardly any of its cards in memory.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import BinaryIO, Final

from ledger.service.run import submit_files
from ledger.store.recorder import History
from ops.cli.receipts import Tally
from ops.problems import EnvironmentProblem
from ops.simulate import MIXES, START, simulate
from ops.wiring import Ledger

BATCH: Final = 500
SEED: Final = 1
RATES: Final = (500, 1_000, 2_000)  # lines a second that come in evenly
DURABLE: Final = ("fsync", "synchronous_commit", "full_page_writes")
ON_THE_DAY: Final = f'"occurred_at":"{START.isoformat()}T'.encode()


@dataclass(frozen=True, slots=True)
class Scale:
    """How much of everything is measured how often.

    `lines` a file (or two files for two processes), `runs` files; `chunk` events a stretch followed, `chunks` stretches
    of which the first warms up; `small`: (lines a batch, batches); `replayed` events of one card; `passes` over
    everything there is; `writes` to the disk; `seconds` of events coming in evenly; `payout_lines` of one batch.
    """

    cards: int
    lines: int
    runs: int
    chunk: int
    chunks: int
    small: tuple[tuple[int, int], ...]
    replayed: int
    passes: int
    writes: int
    seconds: int = 1
    payout_lines: int = 20

    @property
    def day_lines(self) -> int:
        """As many as all measurements together take, and a few more."""
        written = (self.runs + 1 + self.passes + 1) * self.lines
        small = self.passes * sum(size * count for size, count in self.small)
        evenly = sum(RATES) * (self.seconds + 1)
        stretches = 3 * self.chunk * self.chunks
        return max(written, stretches) + self.lines + small + evenly + 10 * BATCH

    @property
    def simulated(self) -> int:
        """Lines of a simulation with so many cards, and more if the day would be too short: it is over half of them."""
        return max(self.cards * 10_000 // MIXES["day"].cards_per_10000, 2 * self.day_lines)


FULL: Final = Scale(22_000, 40_000, 3, 10_000, 4, ((1, 300), (10, 150), (50, 100)), 10_000, 3, 400, 12, 1_000_000)
QUICK: Final = Scale(4_000, 6_000, 2, 2_000, 4, ((1, 60), (10, 30), (50, 20)), 2_000, 3, 100, 4, 20_000)


class Rig:
    """The store under test; hands out the day's lines. `first`: position where the day begins; `latest`: the lines of
    the last file, without those that are broken on purpose."""

    def __init__(self, ledger: Ledger, folder: Path, scale: Scale) -> None:
        self.ledger = ledger
        self.scale = scale
        self.cards = 0
        self.folder = folder
        self._traffic: Iterator[bytes] = simulate(scale.simulated, SEED)
        self._files = 0
        self.first = 0
        self.latest: list[bytes] = []

    def open_the_day(self) -> None:
        """Issue the cards and everything else that must be there before the day."""
        opening: list[bytes] = []
        for line in self._traffic:
            if ON_THE_DAY in line:
                self._traffic = chain([line], self._traffic)
                break
            opening.append(line)
            self.cards += line.startswith(b'{"command":"IssueCard"')
        self.submit(self.file(opening))
        self.first = self.head()

    def lines(self, count: int) -> list[bytes]:
        """The day's next lines."""
        found = list(islice(self._traffic, count))
        if len(found) < count:
            raise EnvironmentProblem("The simulated day is over before everything is measured: ask for more --cards.")
        return found

    def file(self, lines: list[bytes]) -> Path:
        self._files += 1
        path = self.folder / f"lines-{self._files}.jsonl"
        path.write_bytes(b"".join(lines))
        self.latest = [line for line in lines if is_json(line)]
        return path

    def submit(self, path: Path) -> None:
        submit(self.ledger, path)

    def head(self) -> int:
        with self.ledger.connect() as connection:
            return History(connection).head()

    def grow(self, events: int) -> None:
        """Have at least so many events of the day in the log."""
        while (missing := self.first + events - self.head()) > 0:
            self.submit(self.file(self.lines(max(missing, BATCH))))


def submit(ledger: Ledger, path: Path) -> None:
    """As `onecard submit` does it: receipts and rejects rendered, and dropped."""
    tally = Tally([path.name])
    with ledger.writer() as writer, path.open("rb") as file:

        def opened() -> Iterator[BinaryIO]:
            file.seek(0)
            yield file

        for answered in submit_files(writer, opened, ledger.keyring, BATCH):
            tally.take(answered)
    if tally.codes.total() * 5 > tally.lines:
        raise RuntimeError(f"too much of the traffic was refused to be a day: {tally.codes.most_common(3)}")


def is_json(line: bytes) -> bool:
    """Whether it is not one of those that the simulation breaks on purpose."""
    try:
        json.loads(line)
    except ValueError:
        return False
    return True


def durable_settings(ledger: Ledger) -> dict[str, str]:
    """The server's settings that make a commit safe; a problem unless all of them are on."""
    with ledger.connect() as connection:
        found = {}
        for name in DURABLE:
            row = connection.execute(f"SHOW {name}").fetchone()
            found[name] = str(row[0]) if row else "unknown"
    if set(found.values()) != {"on"}:
        said = ", ".join(f"{name} = {value}" for name, value in found.items())
        raise EnvironmentProblem(f"Figures of a store that may lose commits mean nothing: {said}.")
    return found
