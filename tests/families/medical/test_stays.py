"""The windows of stays say the same as a look at every stay that counts."""

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.core.configuration import Configuration
from ledger.core.rows import ROW_LIMIT
from ledger.core.world import World
from ledger.families.medical import stays
from ledger.families.medical.stays import WINDOW, Stays
from tests.families.given import KEYRING, Memory

DAYS = st.integers(min_value=10_957, max_value=10_957 + 3 * WINDOW)
LENGTHS = st.sampled_from([0, 0, 1, 1, 2, 5, 30, 200, WINDOW, 2 * WINDOW + 1])
Stay = tuple[int, int]
STAYS = st.tuples(DAYS, LENGTHS).map(lambda stay: (stay[0], stay[0] + stay[1]))


def empty_world() -> World:
    return World(Memory(), Configuration(), KEYRING, 0, 1)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(STAYS, st.booleans()), max_size=60), st.lists(STAYS, max_size=20))
def test_overlaps_are_those_of_a_naive_scan(arrivals: list[tuple[Stay, bool]], asked: list[Stay]) -> None:
    world = empty_world()
    counting: list[Stay] = []

    def overlaps(stay: Stay) -> bool:
        return any(start < stay[1] and stay[0] < end for start, end in counting)

    for stay, leaves in arrivals:
        assert stays.overlaps(world, "card", "H1", *stay) == overlaps(stay)
        if not overlaps(stay):
            stays.enter(world, "card", "H1", *stay)
            counting.append(stay)
        if leaves and counting:
            gone = counting.pop(len(counting) // 2)
            stays.leave(world, "card", "H1", *gone)
    for stay in asked:
        assert stays.overlaps(world, "card", "H1", *stay) == overlaps(stay)
    for gone in counting:
        stays.leave(world, "card", "H1", *gone)
    assert all(row == Stays() for row, _ in world.take_changes().values())


def test_a_full_window_is_within_the_limit() -> None:
    world = empty_world()
    first = 180 * WINDOW
    for day in range(first, first + WINDOW):
        stays.enter(world, "card", "H1", day, day + 1)
        stays.enter(world, "card", "H1", day, day)
    window = world.edit(Stays, "card:H1:180")
    window.moments = dict.fromkeys(window.moments, 2**32 - 1)
    assert len(window.nights) == len(window.moments) == WINDOW
    assert len(msgspec.msgpack.encode(window)) <= ROW_LIMIT
