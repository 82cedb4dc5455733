"""The order of the story: cards and prepayments, the payouts prepared, the working day, the days after, the clearing.

A run writes exactly the lines asked for. The day ends when what is left is enough for everything that must still
follow; the few lines left over are interest credited to personal accounts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date

from ops.simulate import cards, clearing, medical, payouts, refusals, services, transit
from ops.simulate.mixes import MIXES
from ops.simulate.people import ELDERLY, SLOTS
from ops.simulate.places import CITIES
from ops.simulate.world import USABLE, World

PROVINCES = ("31", "32", "33", "34", "11", "44", "51")
START = date(2025, 6, 18)
RESUBMITTED_OF_1024 = 11
WINDOW = 512


class Simulation:
    """An iterable of lines, each ending in LF, with a tally of what was written so far."""

    def __init__(
        self, lines: int, seed: int, *, provinces: tuple[str, ...] = PROVINCES, start: date = START, mix: str = "day"
    ) -> None:
        if lines < 1:
            raise ValueError("a simulation needs at least one line")
        if mix not in MIXES:
            raise ValueError(f"unknown mix {mix!r}: one of {', '.join(MIXES)}")
        if not provinces or len(set(provinces)) != len(provinces) or not set(provinces) <= set(CITIES):
            raise ValueError("provinces must be different parties of the clearing, such as 31 or 34")
        self.world = World(lines, seed, tuple(provinces), start, MIXES[mix])
        self.refused = 0
        self.resubmitted = 0

    def __iter__(self) -> Iterator[bytes]:
        """The story, with a hundredth of its lines sent a second time; exactly as many lines as asked for."""
        w = self.world
        recent: list[str] = []
        for phase in (_opening(w), _day(w)):
            for line in phase:
                if w.emitted >= w.lines:
                    return
                w.emitted += 1
                refused = type(line) is not str
                self.refused += refused
                yield line.encode()
                dice = w.bits(20)
                if refused:
                    pass
                elif len(recent) < WINDOW:
                    recent.append(line)
                else:
                    recent[dice & WINDOW - 1] = line
                if dice >> 10 < RESUBMITTED_OF_1024 and recent and w.emitted < w.lines:
                    w.emitted += 1
                    self.resubmitted += 1
                    yield recent[w.below(len(recent))].encode()
        rest = list(_after(w))
        for line in [*_interest(w, w.lines - w.emitted - len(rest)), *rest]:
            if w.emitted >= w.lines:
                return
            w.emitted += 1
            self.refused += type(line) is not str
            yield line.encode()


def _opening(w: World) -> Iterator[str]:
    if w.mix.clearing:
        yield from clearing.prepayments(w)
    if w.mix.administration:
        yield from cards.enterprises(w)
    yield from cards.opening(w)
    w.opened = w.issued
    if w.mix.clearing:
        yield from _residents(w)
    if w.mix.services:
        yield from services.beginnings(w)
    payouts.plan(w)
    yield from payouts.before(w)


def _residents(w: World) -> Iterator[str]:
    """Pensioners who live in another province register a month before the day."""
    for i in range(w.opened):
        home = w.people.homes[i % SLOTS][:2]
        if w.group[i] == ELDERLY and w.flags[i] & USABLE and i % 16 == 3 and w.destinations[home]:
            yield medical.reside(w, i, w.stamp(w.day0 - 28, 32_400 + i % 30_000), w.day0 - 28)


def _day(w: World) -> Iterator[str]:
    """Step by step from five in the morning to eleven at night."""
    credits = payouts.credits(w)
    step = _steps(w)
    begun = w.emitted
    w.planned = max(1, w.lines - begun - _reserve(w) + w.credits_left)
    credits_of_1024 = w.credits_left * 1_400 // w.planned + 1
    stride = 1 if w.lines < 20_000 else 16 if w.lines < 200_000 else 64
    steps = 0
    while steps % stride or w.emitted + _reserve(w) < w.lines:
        steps += 1
        w.advance(w.emitted - begun)
        while w.pending_exits and w.pending_exits[0].entered + transit.TRAVEL_SECONDS <= w.sec:
            if (line := transit.leave(w)) is not None:
                yield line
        if w.missing and w.missing[0][0].entered + transit.TIMEOUT_SECONDS <= w.sec:
            yield from transit.correct_missing(w)
        dice = w.bits(20)
        if w.credits_left and dice >> 10 < credits_of_1024 and (line := next(credits, None)) is not None:
            yield line
        yield from step[dice & 1023](w)
    yield from credits
    while w.pending_exits:
        if (line := transit.leave(w)) is not None:
            yield line


def _reserve(w: World) -> int:
    """How many lines must still follow when the day ends now; an upper bound."""
    if not (w.mix.clearing or w.batches):
        return 0
    lines = w.credits_left * 82 // 80 + len(w.pending_exits) + 2 * len(w.missing) + len(w.late_exits) + len(w.delayed)
    lines += len(w.operators) + 2 * len(w.cases) + 2 * len(w.lost) + 2
    if w.batches:
        lines += sum(14 + 2 * len(b.returned) for b in w.batches) + w.credits_left // 30
    if w.mix.services:
        lines += services.reserve(w)
    if w.mix.clearing:
        lines += (sum(map(len, w.confirm.values())) + len(w.recent)) // clearing.PER_CONFIRMATION
        lines += 2 * len(w.provinces) + 6 * len(w.pairs) + 4 * len(w.specials) + 30
    return lines


def _steps(w: World) -> tuple[Callable[[World], list[str]], ...]:
    """What each of the 1,024 faces of the day's die does."""
    mix = w.mix
    wrong: tuple[Callable[[World], list[str]], ...] = ()
    if mix.taps:
        wrong += refusals.TAPS
    if mix.settlements:
        wrong += refusals.BILLS
    if mix.administration:
        wrong += refusals.CARDS
    faces: list[Callable[[World], list[str]]] = []
    faces += [transit.ride] * mix.taps + [medical.settle] * mix.settlements
    faces += [medical.family_aid] * mix.family_aid + [cards.life_cycle] * mix.life_cycle
    faces += [services.everyday] * mix.services
    faces += [wrong[k % len(wrong)] for k in range(mix.refusals)]
    seldom: list[Callable[[World], list[str]]] = [_credit_interest]
    if mix.settlements:
        seldom += [medical.undo] * 6 + [medical.end_registration]
    if mix.administration:
        seldom += [transit.complaint]
    faces += [seldom[k % len(seldom)] for k in range(1_024 - len(faces))]
    return tuple(faces)


def _credit_interest(w: World) -> list[str]:
    return list(_interest(w, 1))


def _interest(w: World, lines: int) -> Iterator[str]:
    """Interest for personal accounts: what fills a day that has lines to spare.

    Only for cards never replaced: a replacement of the days after may be known already, but is not written yet.
    """
    for _ in range(lines):
        i = w.card()
        while w.generation[i]:
            i = w.card()
        yield cards.contribute(w, i, w.now, w.month, 100 + w.below(4_000), "INTEREST")


def _after(w: World) -> Iterator[str]:
    """The days after, the rest of the month, and the next month's clearing."""
    while w.recent:
        medical.finish(w, w.recent.popleft())
    if w.mix.taps and w.mix.clearing:
        yield from transit.closing(w)
    w.now = w.stamp(w.day0 + 1, 36_000)
    while w.cases:
        yield from cards.end_case(w, *w.cases.popleft())
    for i in w.lost:
        yield cards.card_line(w, "ExpireTemporaryLoss", i, w.stamp(w.day0 + 6, 50_000))
    if w.batches:
        yield from payouts.after(w)
    if w.mix.services:
        yield from services.closing(w)
    if w.mix.clearing:
        yield from clearing.month_end(w)
