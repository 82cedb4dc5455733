"""The payment notice of a pair in a closed cycle: who pays whom how much (contract 7.8).

A negative pair is flipped or carried on, as its home province has it configured. What is carried is told from the
closed cycles before, back to the last one that flipped: usually none.
"""

from collections.abc import Iterable, Iterator
from typing import ClassVar, Final, NamedTuple

from ledger.core import fields as types
from ledger.core.calendar import last_day
from ledger.core.decider import Command, CommandType, Draft, Event, EventType
from ledger.core.fields import required
from ledger.core.rejection import Rejected
from ledger.core.rows import Row
from ledger.core.world import Name, World
from ledger.families.clearing.cycle import (
    Cycle,
    Pair,
    closed_before,
    cut_off_after,
    on_cycle,
    pair_name,
    require_closed,
)
from ledger.families.clearing.units import ALL, Calendar, latest_page

# --- facts -----------------------------------------------------------------------------------------------------------


class Notice(Row):
    """Key: notice_id. `home`, `treatment`: as in the table. `remitted_fen`: less what came back."""

    kind: ClassVar[str] = "notice"
    book: str
    home: str
    treatment: str
    payer: str
    payee: str
    amount_fen: int
    remitted_fen: int = 0


# --- evolution -------------------------------------------------------------------------------------------------------


def issued(world: World, event: Event, position: int) -> None:
    notice = Notice(
        event["book"], event["home"], event["treatment"], event["payer"], event["payee"], event["amount_fen"]
    )
    world.add(event["notice_id"], notice)


# --- questions -------------------------------------------------------------------------------------------------------


class Owed(NamedTuple):
    """What a pair owes in a closed cycle. `payer`, `payee`: None when nothing is to be paid now."""

    payable_fen: int
    brought_forward_fen: int
    payer: str | None
    payee: str | None

    @property
    def amount_fen(self) -> int:
        return abs(self.payable_fen + self.brought_forward_fen) if self.payer else 0


def owed(home: str, treatment: str, payable: int, brought: int, carries: bool) -> Owed:
    """n(c) of the contract and who pays it; `carries`: the cycle's policy for negative pairs is CARRY."""
    net = payable + brought
    if net > 0:
        return Owed(payable, brought, home, treatment)
    if net < 0 and not carries:
        return Owed(payable, brought, treatment, home)
    return Owed(payable, brought, None, None)


def is_set_off(net: int, later: Iterable[tuple[int, int | None]]) -> bool:
    """Whether what a cycle came to, below zero, was carried into the next notice of its pair, as its policy then was.

    `later`: of each cycle after it what the pair came to, and what its notice asked of the home province, or, below
    zero, of the treatment province, if one was issued.
    """
    with_it, without = net, 0
    for payable, asked in later:
        if asked is not None:
            return asked - payable == with_it != without
        with_it, without = min(0, with_it + payable), min(0, without + payable)
    return False


def notice_name(cycle: str, book: str, home: str, treatment: str) -> str:
    return f"{cycle}-{book}-{home}-{treatment}"


def carries(world: World, cycle: str, home: str) -> bool:
    """Whether a negative pair of `home` is carried on from a cycle rather than flipped."""
    policy: str = world.config.value("clearing.negative_pair", last_day(cycle), home)
    return policy == "CARRY"


def brought_forward(world: World, cycle: str, book: str, home: str, treatment: str) -> int:
    """What the closed cycles before have carried into this one: never positive.

    What a notice was issued for is to be paid and is not carried, also where the policy was dated back since.
    """
    chain: list[str] = []
    for earlier in reversed(closed_before(world, cycle)):
        if not carries(world, earlier, home):
            break
        chain.append(earlier)
    pairs = {earlier: pair_name(earlier, book, home, treatment) for earlier in chain}
    notices = {earlier: notice_name(earlier, book, home, treatment) for earlier in chain}
    world.load([*((Pair, name) for name in pairs.values()), *((Notice, name) for name in notices.values())])
    carried = 0
    for earlier in reversed(chain):
        if world.get(Notice, notices[earlier]) is not None:
            carried = 0
            continue
        pair = world.get(Pair, pairs[earlier])
        carried = min(0, carried + (pair.payable_fen if pair is not None else 0))
    return carried


def since(world: World, cycle: str, book: str, home: str, treatment: str) -> list[tuple[int, int | None]]:
    """What `is_set_off` asks of the cycles after one."""
    names = [
        (pair_name(m, book, home, treatment), notice_name(m, book, home, treatment))
        for m in cut_off_after(world, cycle)
    ]
    world.load(name for pair, notice in names for name in ((Pair, pair), (Notice, notice)))
    found = []
    for pair_key, notice_id in names:
        pair, notice = world.get(Pair, pair_key), world.get(Notice, notice_id)
        asked = None if notice is None else notice.amount_fen if notice.payer == home else -notice.amount_fen
        found.append((0 if pair is None else pair.payable_fen, asked))
    return found


# --- decisions -------------------------------------------------------------------------------------------------------


def issue(command: Command, world: World) -> list[Draft]:
    cycle, book, home, treatment = command["cycle"], command["book"], command["home"], command["treatment"]
    require_closed(world, cycle)
    pair = world.get(Pair, pair_name(cycle, book, home, treatment)) or Pair(0)
    brought = brought_forward(world, cycle, book, home, treatment)
    found = owed(home, treatment, pair.payable_fen, brought, carries(world, cycle, home))
    net = found.payable_fen + found.brought_forward_fen
    if found.payer is None or (net < 0 and is_set_off(net, since(world, cycle, book, home, treatment))):
        raise Rejected("nothing_to_notice", "nothing is owed, or it is carried forward", "cycle")
    notice_id = notice_name(cycle, book, home, treatment)
    if world.get(Notice, notice_id) is not None:
        raise Rejected("notice_exists", "the notice was issued before", "cycle")
    derived = {
        "notice_id": notice_id,
        "payable_fen": found.payable_fen,
        "brought_forward_fen": found.brought_forward_fen,
        "payer": found.payer,
        "payee": found.payee,
        "amount_fen": found.amount_fen,
    }
    return [Draft("NoticeIssued", derived)]


def keys(command: Command, world: World) -> Iterator[Name]:
    named = command["cycle"], command["book"], command["home"], command["treatment"]
    yield Cycle, command["cycle"]
    yield Calendar, ALL
    yield Pair, pair_name(*named)
    yield Notice, notice_name(*named)


def keys_then(command: Command, world: World) -> Iterator[Name]:
    return latest_page(world)


COMMANDS: Final = (
    CommandType(
        "IssueNotice",
        "clearing",
        (
            required("cycle", types.month),
            required("book", types.one_of("MEDICAL", "PASS")),
            required("home", types.province),
            required("treatment", types.province),
        ),
        issue,
        keys=keys,
        keys_then=keys_then,
    ),
)
EVENTS: Final = (EventType("NoticeIssued", "clearing", on_cycle, issued),)
