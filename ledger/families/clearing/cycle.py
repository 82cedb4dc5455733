"""A clearing cycle: everything recorded so far and agreed, cut off once and closed once (contract 7.6, 7.7).

A cut-off is a barrier: it is decided alone, against a table that the store makes from lines and units. What it took
never changes afterwards; what it left behind belongs to a later cycle.
"""

from collections.abc import Iterator
from typing import ClassVar, Final

from ledger.core import fields as types
from ledger.core import rows
from ledger.core.calendar import last_day
from ledger.core.decider import Command, CommandType, Draft, Event, EventType, StreamName
from ledger.core.fields import optional, required
from ledger.core.rejection import Rejected
from ledger.core.rows import Row, StreamRow
from ledger.core.world import Name, World
from ledger.families.clearing.prepayment_account import Prepayment, balance_of, pair_of
from ledger.families.clearing.table import positive_medical
from ledger.families.clearing.units import ALL, Calendar, CutOff, CutOffs

# --- facts -----------------------------------------------------------------------------------------------------------


class Cycle(StreamRow):
    """Key: month. The row exists once the cycle was cut off. `position`: of its CycleCutOff."""

    kind: ClassVar[str] = "cycle"
    closed: bool = False
    position: int = 0
    row_count: int = 0
    table_digest: str = ""


class Pair(Row):
    """What a closed cycle makes one province owe another (key: cycle:book:home:treatment).

    `base_fen`: balance of the pair's prepayment when the cycle was closed; 0 for book PASS.
    """

    kind: ClassVar[str] = "cycle_pair"
    payable_fen: int
    base_fen: int = 0


def on_cycle(event: Event) -> StreamName:
    return Cycle, event["cycle"]


def pair_name(cycle: str, book: str, home: str, treatment: str) -> str:
    return f"{cycle}:{book}:{home}:{treatment}"


# --- evolution -------------------------------------------------------------------------------------------------------


def cut_off(world: World, event: Event, position: int) -> None:
    cycle = world.edit(Cycle, event["cycle"])
    cycle.position = position
    cycle.row_count = event["row_count"]
    cycle.table_digest = event["table_digest"]
    calendar = world.edit_or_add(Calendar, ALL)
    rows.append(world, CutOffs, ALL, calendar.count, CutOff(event["cycle"], position))
    calendar.count += 1


def closed(world: World, event: Event, position: int) -> None:
    world.edit(Cycle, event["cycle"]).closed = True
    names = [pair_name(event["cycle"], pair["book"], pair["home"], pair["treatment"]) for pair in event["pairs"]]
    world.load((Pair, name) for name in names)
    world.load((Prepayment, pair_of(pair)) for pair in event["pairs"])
    for name, pair in zip(names, event["pairs"], strict=True):
        medical = pair["book"] == "MEDICAL"
        base = balance_of(world, pair["home"], pair["treatment"]) if medical else 0
        world.add(name, Pair(pair["payable_fen"], base))


# --- questions -------------------------------------------------------------------------------------------------------


def last_cut_off(world: World) -> CutOff | None:
    calendar = world.get(Calendar, ALL)
    if calendar is None or not calendar.count:
        return None
    found: CutOff = rows.item_at(world, CutOffs, ALL, calendar.count - 1)
    return found


def closed_before(world: World, month: str) -> list[str]:
    """The closed cycles before a closed one, in order: only the last cycle of all can be open."""
    calendar = world.get(Calendar, ALL)
    cut_offs = rows.scan(world, CutOffs, ALL, calendar.count if calendar else 0)
    return [cut_off.month for _, cut_off in cut_offs if cut_off.month < month]


def cut_off_after(world: World, month: str) -> list[str]:
    """The cycles after a closed one, in order; the last of them may be open."""
    calendar = world.get(Calendar, ALL)
    cut_offs = rows.scan(world, CutOffs, ALL, calendar.count if calendar else 0)
    return [cut_off.month for _, cut_off in cut_offs if cut_off.month > month]


def require_closed(world: World, month: str) -> Cycle:
    cycle = world.get(Cycle, month)
    if cycle is None:
        raise Rejected("cycle_unknown", f"{month} was never cut off", "cycle")
    if not cycle.closed:
        raise Rejected("cycle_not_closed", f"{month} is cut off but not closed yet", "cycle")
    return cycle


# --- decisions -------------------------------------------------------------------------------------------------------


def cut_off_cycle(command: Command, world: World) -> list[Draft]:
    month = command["cycle"]
    known = world.get(Cycle, month)
    if known is not None:
        code = "cycle_closed" if known.closed else "cycle_cut_off"
        raise Rejected(code, f"{month} was cut off before", "cycle")
    last = last_cut_off(world)
    if last is not None:
        previous = world.get(Cycle, last.month)
        if previous is not None and not previous.closed:
            raise Rejected("previous_cycle_open", f"close {last.month} first", "cycle")
        if month <= last.month:
            raise Rejected("cycle_out_of_order", f"{last.month} is closed already", "cycle")
    if command.bdate <= last_day(month):
        raise Rejected("cycle_not_over", f"{month} still runs on the business date", "cycle")
    table = world.cut_off(month, world.config.value("clearing.max_deferrals", command.bdate))
    derived = {
        "after_position": last.position if last is not None else 0,
        "line_count": table.line_count,
        "row_count": table.row_count,
        "deferred_count": table.deferred_count,
        "alarm_count": table.alarm_count,
        "table_digest": table.table_digest,
    }
    return [Draft("CycleCutOff", derived)]


def close_cycle(command: Command, world: World) -> list[Draft]:
    month = command["cycle"]
    cycle = world.get(Cycle, month)
    if cycle is None:
        raise Rejected("cycle_unknown", f"{month} was never cut off", "cycle")
    if cycle.closed:
        raise Rejected("cycle_closed", f"{month} was closed before", "cycle")
    if command.get("table_digest", cycle.table_digest) != cycle.table_digest:
        raise Rejected("table_digest_differs", f"the table's digest is {cycle.table_digest}", "table_digest")
    pairs = world.pair_totals(month)
    derived = {
        "table_digest": cycle.table_digest,
        "row_count": cycle.row_count,
        "payable_fen": positive_medical(pairs),
        "pairs": pairs,
    }
    return [Draft("CycleClosed", derived)]


def keys(command: Command, world: World) -> Iterator[Name]:
    yield Cycle, command["cycle"]
    yield Calendar, ALL


COMMANDS: Final = (
    CommandType("CutOffCycle", "clearing", (required("cycle", types.month),), cut_off_cycle, keys=keys, alone=True),
    CommandType(
        "CloseCycle",
        "clearing",
        (required("cycle", types.month), optional("table_digest", types.digest)),
        close_cycle,
        keys=keys,
    ),
)
EVENTS: Final = (
    EventType("CycleCutOff", "clearing", on_cycle, cut_off),
    EventType("CycleClosed", "clearing", on_cycle, closed),
)
