"""Lines that must be refused, each for a reason from life: lost cards, empty purses, unbalanced bills, typing errors.

Every step returns one line marked Refused (or none when the day has not yet produced what it needs).
"""

from __future__ import annotations

import re
from collections.abc import Callable

from ops.simulate.cards import card_line, issue, top_up
from ops.simulate.medical import OUTPATIENT, PHARMACY, bill, reverse
from ops.simulate.people import SLOTS
from ops.simulate.transit import retry, tap_line
from ops.simulate.world import CONCESSION, INSIDE, USABLE, Refused, World

Step = Callable[[World], list[str]]
PLAIN = ',"emergency":false'  # such a bill is dated now, never days ago


def _refused_bill(w: World, old: str, new: str, sn: str = "") -> list[str]:
    """A home settlement with one thing changed."""
    i = w.card()
    if i < 0:
        return []
    home = w.people.homes[i % SLOTS]
    line, unit = bill(w, i, home, home, OUTPATIENT if w.bits(1) else PHARMACY, w.bits(16), PLAIN)
    w.account[i] += unit.own_fen
    line = line.replace(old, new, 1)
    if sn:
        line = line.replace(w.sn(i), sn, 1)
    return [Refused(line)]


def not_balanced(w: World) -> list[str]:
    return _refused_bill(w, '"hospital_fen":', '"hospital_fen":7')


def decimal_amount(w: World) -> list[str]:
    """Somebody's system writes yuan with decimals, as text."""
    lines = _refused_bill(w, "\n", "\n")
    return [Refused(re.sub('"cash_fen":[0-9]+', '"cash_fen":"12.50"', line)) for line in lines]


def unknown_scheme(w: World) -> list[str]:
    return _refused_bill(w, '"insutype":"3', '"insutype":"7')


def liable_third_party(w: World) -> list[str]:
    return _refused_bill(w, '"hospital_fen":', '"third_party_liable":true,"hospital_fen":')


def unknown_card(w: World) -> list[str]:
    return _refused_bill(w, "\n", "\n", w.people.sn(0xF0000000 + w.n))


def lost_card(w: World) -> list[str]:
    if not w.blocked:
        return []
    return _refused_bill(w, "\n", "\n", w.sn(w.blocked[w.below(len(w.blocked))]))


def retired_card(w: World) -> list[str]:
    if not w.retired:
        return []
    return _refused_bill(w, "\n", "\n", w.retired[w.below(len(w.retired))])


def dead_card(w: World) -> list[str]:
    if not w.dead:
        return []
    return _refused_bill(w, "\n", "\n", w.sn(w.dead[w.below(len(w.dead))]))


def cut_line(w: World) -> list[str]:
    """A transmission that broke off."""
    lines = _refused_bill(w, "\n", "\n")
    return [Refused(line[: 200 + w.below(60)] + "\n") for line in lines]


def cancelled_twice(w: World) -> list[str]:
    if not w.reversed_units:
        return []
    return [Refused(reverse(w, w.reversed_units[-1], "CANCELLED", w.now))]


def unregistered(w: World) -> list[str]:
    """An inpatient of another province whom nobody registered."""
    i = w.card()
    if i < 0 or w.registered[i]:
        return []
    home = w.people.homes[i % SLOTS]
    choices = w.destinations[home[:2]]
    if not choices:
        return []
    line, unit = bill(w, i, home, w.people.areas[choices[0]][0], OUTPATIENT, w.bits(16), PLAIN)
    w.account[i] += unit.own_fen
    line = line.replace('"med_type":"11"', '"med_type":"2101"', 1)
    return [Refused(line)]


def second_card(w: World) -> list[str]:
    """Somebody who holds a live card applies for another one."""
    i = w.card()
    if i < 0:
        return []
    line = issue(w, i, w.day0, w.sec)
    return [Refused(line.replace(w.people.sn(i), w.people.sn(i, 250), 1))]


def mistyped_person(w: World) -> list[str]:
    i = w.card()
    if i < 0:
        return []
    person = w.people.person(i)
    wrong = person[:16] + ("1" if person[16] != "1" else "2") + person[17]
    line = issue(w, i, w.day0, w.sec).replace(person, wrong, 1)
    return [Refused(line.replace(w.people.sn(i), w.people.sn(i, 251), 1))]


def empty_purse(w: World) -> list[str]:
    """A long rail ride that the chip cannot pay."""
    i = w.card(INSIDE)
    if i < 0:
        return []
    area = w.people.area(i)
    due = max(0, w.purse[i]) + 60_000
    return [_odd_tap(w, i, area, due, due, "ORDINARY", w.now)]


def no_concession(w: World) -> list[str]:
    i = w.card(INSIDE | CONCESSION)
    return [] if i < 0 else [_odd_tap(w, i, w.people.area(i), 200, 0, "DISABLED", w.now)]


def upload_before_tap(w: World) -> list[str]:
    i = w.card(INSIDE)
    return [] if i < 0 else [_odd_tap(w, i, w.people.area(i), 200, 200, "ORDINARY", w.stamp(w.day0 - 1, 3_000))]


def _odd_tap(w: World, i: int, area: str, due: int, paid: int, klass: str, uploaded: str) -> str:
    """A tap under a counter far ahead, so that it stands in no later tap's way."""
    how = '"terminal":"R001","tap_type":"SINGLE","mode":"RAIL"'
    money = (due, paid, klass, w.purse[i])
    line, _ = tap_line(w, w.sn(i), f"RAIL{area[:4]}", area, how, 900_000 + w.n, money, w.now, uploaded)
    return Refused(line)


def lost_card_top_up(w: World) -> list[str]:
    if not w.blocked:
        return []
    i = w.blocked[w.below(len(w.blocked))]
    operator = f"METRO{w.people.area(i)[:4]}"
    return [Refused(
        f'{{"command":"TopUpPurse","submitter":"{operator}","reference":"{operator}-{w.tag}-{w.next()}",'
        f'"occurred_at":"{w.now}","card_sn":"{w.sn(i)}","operator":"{operator}","amount_fen":5000}}\n'
    )]  # fmt: skip


def too_full(w: World) -> list[str]:
    """A top-up beyond what a purse may hold."""
    i = w.card()
    if i < 0 or w.purse[i] < 100:
        return []
    line = top_up(w, i, w.now, 99_950)
    w.purse[i] -= 99_950
    return [Refused(line)]


def other_content(w: World) -> list[str]:
    """A machine numbers two top-ups alike: the first counts, the second is refused."""
    i = w.card()
    if i < 0 or w.purse[i] > 20_000:
        return []
    line = top_up(w, i, w.now, 3_000)
    return [line, Refused(line.replace('"amount_fen":3000', '"amount_fen":5000', 1))]


def conflicting_tap(w: World) -> list[str]:
    """The same card and counter from another gate: a copied chip, or a broken clock."""
    if not w.recent_taps:
        return []
    line, reference = w.recent_taps[w.below(len(w.recent_taps))]
    line = line.replace(reference, f"{reference}-K{w.next()}", 1)
    return [Refused(line.replace('"terminal":"', '"terminal":"X', 1))]


def not_activated(w: World) -> list[str]:
    if not w.inactive:
        return []
    return _refused_bill(w, "\n", "\n", w.sn(w.inactive[w.below(len(w.inactive))]))


def too_generous(w: World) -> list[str]:
    """More than the wallet's rules let one gift be."""
    i = w.card()
    j = i + 1
    if i < 0 or j >= w.issued or not w.flags[j] & USABLE or w.people.area(i)[:2] == w.people.area(j)[:2]:
        return []
    return [Refused(card_line(
        w, "TransferFamilyAid", i, w.now,
        f',"transfer_id":"T{w.tag}{w.n}X","receiver_card_sn":"{w.sn(j)}","giver_area":"{w.people.area(i)}",'
        f'"receiver_area":"{w.people.area(j)}","giver_insutype":"310","relation":"SIBLING","amount_fen":260000',
    ))]  # fmt: skip


TAPS: tuple[Step, ...] = (
    retry, retry, conflicting_tap, empty_purse, no_concession, upload_before_tap, too_full, other_content,
)  # fmt: skip
BILLS: tuple[Step, ...] = (
    not_balanced, decimal_amount, unknown_scheme, liable_third_party, unknown_card, cut_line, cancelled_twice,
    unregistered,
)  # fmt: skip
CARDS: tuple[Step, ...] = (
    lost_card,
    retired_card,
    dead_card,
    second_card,
    mistyped_person,
    lost_card_top_up,
    not_activated,
    too_generous,
)
