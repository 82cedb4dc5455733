"""The timeline of a card's states against the slowest reading of the contract: every instant, every state."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as some

from ledger.core.configuration import Configuration
from ledger.core.world import World
from ledger.families.card.holder import (
    ACTIVE,
    FORMAL_LOSS,
    LOCKED,
    TEMPORARY_LOSS,
    Card,
    Span,
    enter,
    span_at,
    state_at,
)
from tests.families.given import KEYRING, Memory

# (steps of time since the entry before, state, steps a temporary loss lasts)
ENTRIES = some.lists(
    some.tuples(
        some.integers(0, 3), some.sampled_from([ACTIVE, FORMAL_LOSS, LOCKED, TEMPORARY_LOSS]), some.integers(0, 4)
    ),
    min_size=1,
    max_size=120,
)
Entered = list[tuple[int, str, int | None]]


def entered(entries: list[tuple[int, str, int]]) -> tuple[World, Entered]:
    world = World(Memory(), Configuration(), KEYRING, 0, 1)
    world.add("c", Card())
    known: Entered = []
    since = 100
    for step, state, lasts in entries:
        since += step
        expires = since + lasts if state == TEMPORARY_LOSS else None
        enter(world, "c", state, since, expires)
        known.append((since, state, expires))
    return world, known


def naive_state(known: Entered, instant: int) -> str | None:
    found = None
    for since, state, expires in known:
        if since <= instant:
            found = ACTIVE if expires is not None and expires <= instant else state
    return found


def naive_run(known: Entered, instant: int) -> int:
    """Walk back while no instant was ACTIVE; integers are all the instants there are."""
    while naive_state(known, instant - 1) not in (ACTIVE, None):
        instant -= 1
    return instant


@given(ENTRIES)
def test_the_state_at_any_instant_is_that_of_a_plain_walk_through_all_entries(entries: list) -> None:
    world, known = entered(entries)
    card = world.edit(Card, "c")

    for instant in range(98, known[-1][0] + 8):
        assert state_at(world, "c", card, instant) == naive_state(known, instant)


@given(ENTRIES)
def test_a_run_starts_after_the_last_instant_at_which_the_card_was_active(entries: list) -> None:
    world, known = entered(entries)
    card = world.edit(Card, "c")

    for instant in range(known[0][0], known[-1][0] + 8):
        span = span_at(world, "c", card, instant)
        assert isinstance(span, Span)
        if span.at(instant) != ACTIVE:
            assert span.run == naive_run(known, instant)


@given(ENTRIES)
def test_what_follows_joins_a_run_only_if_the_run_reaches_it(entries: list) -> None:
    world, known = entered(entries)
    card = world.edit(Card, "c")

    for retirement in range(known[-1][0], known[-1][0] + 6):
        blocked = card.span.run_reaching(retirement)
        assert (retirement if blocked is None else blocked) == naive_run(known, retirement)


def test_a_hundred_states_are_found_in_pages_of_their_own() -> None:
    world, known = entered([(1, ACTIVE if number % 2 else LOCKED, 0) for number in range(100)])

    assert world.edit(Card, "c").spans == 100
    for (since, state, _), _ in pairwise(known):
        assert state_at(world, "c", world.edit(Card, "c"), since) == state
