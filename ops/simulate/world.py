"""What the simulation remembers while it runs: a few bytes a card, a window of recent facts, sums for the clearing.

The generator must know enough to write commands a ledger accepts (a purse that holds the fare, a settlement not yet
reversed) and nothing more. Per card that is a few small array cells; everything else about a holder is computed.
"""

from __future__ import annotations

import random
from array import array
from collections import deque
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from hashlib import sha256
from typing import NamedTuple

from ops.simulate.mixes import Mix
from ops.simulate.people import People
from ops.simulate.places import hospitals, inter_city, pharmacies

USABLE, INSIDE, ELECTRONIC, STAYED, AIDED, GAVE, CONCESSION, DELEGATED, BANKED, CANCELLED, BUSY = (
    1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024,
)  # fmt: skip
DAY_HOURS = (2, 6, 9, 10, 8, 7, 6, 6, 6, 7, 7, 9, 10, 7, 5, 4, 3, 2)
FIRST_HOUR = 5
QUANTILES = 1024
RECENT = 600
WINDOW = 32


class Refused(str):
    """A line that the ledger must refuse; never resubmitted, so that every resubmission is answered `duplicate`."""


class Unit(NamedTuple):
    """A settlement as later commands need it."""

    number: int
    card: int
    treatment: str
    home: str
    reference: str
    institution: str
    own_fen: int
    cleared_fen: int
    giver: str
    wallet_fen: int
    fund_type: str
    fund_fen: int


class Journey(NamedTuple):
    """A metro journey under way."""

    entered: int
    card: int
    sn: str
    operator: str
    area: str
    entry_counter: int
    station: int
    klass: str


@dataclass
class Batch:
    """A payout batch between the days before, the working day and the days after."""

    number: int
    province: str
    programme: str
    kind: str
    period: str
    bank: str
    maker: int
    members: array[int]
    live: list[bool]
    returned: list[int] = field(default_factory=list)
    stopped: list[int] = field(default_factory=list)
    paid: int = 0


class Street:
    """What happened lately: payments, bills, loans, vouchers and passes, each with its card."""

    def __init__(self) -> None:
        self.payments: deque[tuple[str, int, int, int]] = deque(maxlen=WINDOW)
        self.bills: deque[tuple[str, int]] = deque(maxlen=WINDOW)
        self.loans: deque[tuple[str, str, int]] = deque(maxlen=WINDOW)
        self.vouchers: deque[tuple[str, int, int]] = deque(maxlen=WINDOW)
        self.passes: deque[tuple[str, int]] = deque(maxlen=WINDOW)
        self.old_passes: list[tuple[str, int]] = []
        self.links: deque[str] = deque(maxlen=WINDOW)
        self.merchants: dict[str, str] = {}


@cache
def iso(ordinal: int) -> str:
    return date.fromordinal(ordinal).isoformat()


class World:
    """One run: its dice, its clock, its cards and its books."""

    def __init__(self, lines: int, seed: int, provinces: tuple[str, ...], start: date, mix: Mix) -> None:
        self.lines, self.seed, self.provinces, self.mix = lines, seed, provinces, mix
        self.bits = random.Random(seed).getrandbits
        self.people = People(seed, provinces, 1 if lines < 5_000 else 2 if lines < 50_000 else 3, start.year)
        self.tag = self.people.tag
        self.n = 0
        self.emitted = 0
        self._places(lines)
        self._calendar(start)
        self._cards(max(16, lines * mix.cards_per_10000 // 10_000))
        # windows on what happened lately
        self.recent: deque[Unit] = deque()
        self.recent_taps: list[tuple[str, str]] = []
        self.recent_bus: deque[tuple[int, str, str, int, int]] = deque(maxlen=64)
        self.pending_exits: deque[Journey] = deque()
        self.missing: deque[tuple[Journey, int]] = deque()
        self.late_exits: list[str] = []
        self.delayed: list[tuple[int, str]] = []
        self.delayed_limit = min(20_000, lines // 80)
        self.cases: deque[tuple[str, int]] = deque()
        self.blocked: list[int] = []
        self.lost: list[int] = []
        self.retired: list[str] = []
        self.inactive: deque[int] = deque(maxlen=64)
        self.dead: deque[int] = deque()
        self.aid: deque[tuple[str, int, str, str, int]] = deque()
        self.spends: deque[tuple[int, str, str, str, int]] = deque(maxlen=64)
        self.transfers: deque[tuple[int, str, int]] = deque(maxlen=64)
        self.registrations: deque[tuple[int, str, int]] = deque(maxlen=64)
        self.delegations: deque[tuple[int, str]] = deque(maxlen=64)
        self.entitlements: deque[tuple[int, str]] = deque(maxlen=64)
        self.reversed_units: deque[Unit] = deque(maxlen=16)
        self.batches: list[Batch] = []
        self.credits_left = 0
        # sums for the clearing
        self.confirm: dict[str, array[int]] = {p: array("q") for p in provinces}
        self.specials: list[Unit] = []
        self.special_limit = max(8, min(240, lines // 2_000))
        self.pairs: dict[tuple[str, str], int] = {}
        self.transit: dict[tuple[str, str], int] = {}
        self.prepaid: dict[tuple[str, str], int] = {}
        self.operators: dict[str, str] = {}
        self.street = Street()

    def _places(self, lines: int) -> None:
        areas = [area for p in self.provinces for area in self.people.areas[p]]
        self.all_areas = tuple(areas)
        self.hospitals = {area: hospitals(area) for area in areas}
        self.pharmacies = {area: pharmacies(area) for area in areas}
        self.crossing = {
            (home, area): (home[:4], area[:4]) for home in areas for area in areas if inter_city(home, area)
        }
        width = max(1, min(len(self.provinces) - 1, lines // 3_000))
        self.destinations: dict[str, tuple[str, ...]] = {}
        for k, home in enumerate(self.provinces):
            others = self.provinces[:k] + self.provinces[k + 1 :]
            self.destinations[home] = others[:width]

    def _calendar(self, start: date) -> None:
        self.day0 = start.toordinal()
        self.month = f"{start:%Y-%m}"
        following = date(start.year + start.month // 12, start.month % 12 + 1, 1)
        self.next_month = f"{following:%Y-%m}"
        self.next_first = following.toordinal()
        self.last_day = self.next_first - 1
        after = date(following.year + following.month // 12, following.month % 12 + 1, 1)
        self.third_month = f"{after:%Y-%m}"
        self.third_first = after.toordinal()
        self.year = start.year
        self.today = iso(self.day0)
        self.compact = self.today.replace("-", "")
        self.hms = tuple(f"{s // 3600:02d}:{s // 60 % 60:02d}:{s % 60:02d}" for s in range(86_400))
        bounds = [0]
        for weight in DAY_HOURS:
            bounds.append(bounds[-1] + weight)
        self._quantiles = []
        for q in range(QUANTILES + 1):
            part = q * bounds[-1]
            hour = max(h for h in range(len(DAY_HOURS)) if bounds[h] * QUANTILES <= part)
            inside = (part - bounds[hour] * QUANTILES) * 3600 // (DAY_HOURS[hour] * QUANTILES)
            self._quantiles.append((FIRST_HOUR + hour) * 3600 + inside)
        self._quantiles.append(self._quantiles[-1])
        self.planned = 1
        self.sec = FIRST_HOUR * 3600
        self.now = self.stamp(self.day0, self.sec)

    def _cards(self, size: int) -> None:
        self.size = size
        self.issued = 0
        self.opened = 0
        self.flags = array("H", bytes(2 * size))
        self.group = array("B", bytes(size))
        self.generation = array("B", bytes(size))
        self.registered = array("B", bytes(size))
        self.purse = array("i", bytes(4 * size))
        self.counter = array("i", bytes(4 * size))
        self.account = array("i", bytes(4 * size))

    # -- clock

    def stamp(self, ordinal: int, sec: int) -> str:
        return f"{iso(ordinal)}T{self.hms[sec]}+08:00"

    def at(self, sec: int) -> str:
        """An instant of the working day."""
        return f"{self.today}T{self.hms[sec]}+08:00"

    def advance(self, done: int) -> None:
        """Set the clock by the share of the working day that is written."""
        scaled = done * QUANTILES
        q = min(scaled // self.planned, QUANTILES)
        low = self._quantiles[q]
        high = self._quantiles[q + 1]
        self.sec = low + (high - low) * (scaled % self.planned) // self.planned if high > low else low
        self.now = f"{self.today}T{self.hms[self.sec]}+08:00"

    # -- dice

    def below(self, n: int) -> int:
        return self.bits(32) * n >> 32

    def card(self, unwanted: int = 0) -> int:
        """Any issued card in use that has none of the unwanted marks."""
        flags, issued = self.flags, self.issued
        mask = unwanted | USABLE
        i = self.bits(32) * issued >> 32
        for _ in range(issued):
            if flags[i] & mask == USABLE:
                return i
            i = (i + 1) % issued
        raise RuntimeError("the simulation has no card left in use")

    # -- names

    def next(self) -> int:
        self.n += 1
        return self.n

    def sn(self, i: int) -> str:
        return self.people.sn(i, self.generation[i])

    def sha(self, text: str) -> str:
        return sha256(f"{self.tag} {text}".encode()).hexdigest()

    def settlement_id(self, treatment: str, number: int) -> str:
        return f"S{treatment}{self.tag}{number:09d}"

    def owe(self, home: str, treatment: str, amount_fen: int) -> None:
        """An amount the cut-off will take for a pair."""
        self.pairs[home, treatment] = self.pairs.get((home, treatment), 0) + amount_fen

    def owe_unit(self, unit: Unit) -> None:
        if unit.home != unit.treatment:
            self.owe(unit.home, unit.treatment, unit.cleared_fen)
        if unit.wallet_fen and unit.giver != unit.treatment:
            self.owe(unit.giver, unit.treatment, unit.wallet_fen)
