"""Taps of the working day: pairs of entry and exit, flat fares, concessions, other cities, late uploads, retries.

The chip's balance and counter are followed per card, so `balance_after_fen` is a true chain; the few fares corrected
later break it, as they do in life.
"""

from __future__ import annotations

from collections.abc import Iterator

from ops.simulate.cards import top_up
from ops.simulate.people import ELDERLY, SLOTS
from ops.simulate.world import CONCESSION, INSIDE, Journey, Refused, World

TRAVEL_SECONDS = 1_800
TIMEOUT_SECONDS = 16_200
MAXIMUM_FARE = 900
LAST_UPLOAD = 86_340


def fare(due: int, klass: str) -> int:
    """What the chip pays of a fare."""
    return due if klass == "ORDINARY" else 0 if klass == "ELDERLY" else due // 2


def tap_line(
    w: World, sn: str, operator: str, area: str, how: str, counter: int, money: tuple[int, int, str, int], when: str,
    uploaded: str,
) -> tuple[str, str]:  # fmt: skip
    """A tap and its reference; `how` holds the members that tell entry, exit and single apart."""
    reference = f"{operator}-{w.tag}-{w.next()}"
    due, paid, klass, balance = money
    return (
        f'{{"command":"TapTransit","submitter":"{operator}","reference":"{reference}","occurred_at":"{when}",'
        f'"card_sn":"{sn}","operator":"{operator}",{how},"operating_area":"{area}","counter":{counter},'
        f'"fare_due_fen":{due},"paid_fen":{paid},"concession_class":"{klass}","balance_after_fen":{balance},'
        f'"uploaded_at":"{uploaded}"}}\n'
    ), reference


def ride(w: World) -> list[str]:
    """A holder boards: a metro entry (its exit follows half an hour later) or a flat bus fare."""
    dice = w.bits(40)
    i = w.card(INSIDE)
    if i < 0:
        return []
    if dice & 7 == 0:  # frequent riders: an eighth of the boardings on a sixteenth of the cards
        favourite = w.below(w.issued // 16 + 1)
        if w.flags[favourite] & (INSIDE | 1) == 1:
            i = favourite
    home = w.people.homes[i % SLOTS]
    area = home if dice >> 3 & 15 else w.all_areas[(dice >> 7 & 0xFFFF) % len(w.all_areas)]
    klass = "ORDINARY"
    if w.flags[i] & CONCESSION and area[:2] == home[:2]:
        klass = "ELDERLY" if w.group[i] == ELDERLY else "STUDENT"
    lines = []
    if w.purse[i] < 1_000:
        lines.append(top_up(w, i, w.now, 2_000 * (1 + (dice >> 23 & 3))))
    w.counter[i] += 1
    counter = w.counter[i]
    if dice >> 25 & 7 < 5:
        operator = f"METRO{area[:4]}"
        station = dice >> 28 & 31
        how = (
            f'"terminal":"G{station:02d}{dice >> 33 & 7}","tap_type":"ENTRY","mode":"METRO",'
            f'"line":"L{1 + (station & 7)}","station":"ST{station:03d}"'
        )
        w.flags[i] |= INSIDE
        w.pending_exits.append(Journey(w.sec, i, w.sn(i), operator, area, counter, station, klass))
        uploaded = w.at(min(w.sec + 40, LAST_UPLOAD))
        money = (0, 0, klass, w.purse[i])
        line, reference = tap_line(w, w.sn(i), operator, area, how, counter, money, w.now, uploaded)
    else:
        operator = f"BUS{area[:4]}"
        paid = fare(200, klass)
        w.purse[i] -= paid
        _cross(w, home, area, paid)
        how = f'"terminal":"B{dice >> 28 & 255:03d}","tap_type":"SINGLE","mode":"BUS","line":"R{dice >> 36 & 15}"'
        money = (200, paid, klass, w.purse[i])
        late = dice >> 20 & 7 == 0 and dice >> 33 & 7 == 0 and len(w.delayed) < w.delayed_limit
        days = 1 + (dice >> 30 & 3) if late else 0
        uploaded = w.stamp(w.day0 + days, 12_600) if late else w.at(min(w.sec + 900, LAST_UPLOAD))
        line, reference = tap_line(w, w.sn(i), operator, area, how, counter, money, w.now, uploaded)
        w.operators[operator] = area
        if late:
            w.delayed.append((days, line))
            return lines
        if dice >> 30 & 63 == 0 and paid == 200 and home[:4] == area[:4]:
            w.recent_bus.append((i, w.sn(i), operator, counter, paid))
    if len(w.recent_taps) < 128:
        w.recent_taps.append((line, reference))
    else:
        w.recent_taps[dice >> 33 & 127] = (line, reference)
    lines.append(line)
    return lines


def _cross(w: World, home: str, area: str, paid: int) -> None:
    if home != area and (key := w.crossing.get((home, area))):
        w.transit[key] = w.transit.get(key, 0) + paid


def leave(w: World) -> str | None:
    """The exit of the longest journey under way, or nothing where the holder slipped out without a tap."""
    journey = w.pending_exits.popleft()
    i = journey.card
    w.flags[i] &= ~INSIDE
    w.counter[i] += 1
    dice = w.bits(24)
    w.operators[journey.operator] = journey.area
    if dice & 127 == 0 and w.purse[i] >= MAXIMUM_FARE:
        w.purse[i] -= fare(MAXIMUM_FARE, journey.klass)
        w.missing.append((journey, w.counter[i]))
        return None
    line, reference = _exit(w, journey, w.counter[i], 0)
    if dice >> 7 & 15 == 0 and w.recent_taps:
        w.recent_taps[(dice >> 11 & 127) % len(w.recent_taps)] = (line, reference)
    return line


def _exit(w: World, journey: Journey, counter: int, late_days: int) -> tuple[str, str]:
    dice = w.bits(24)
    i = journey.card
    due = 300 + 100 * (dice & 3) + 100 * (dice >> 2 & 1)
    paid = fare(due, journey.klass)
    w.purse[i] -= paid
    _cross(w, w.people.homes[i % SLOTS], journey.area, paid)
    there = (journey.station + 1 + (dice >> 3 & 15)) & 31
    how = (
        f'"terminal":"G{there:02d}{dice >> 7 & 7}","tap_type":"EXIT","mode":"METRO","line":"L{1 + (there & 7)}",'
        f'"station":"ST{there:03d}","entry_counter":{journey.entry_counter}'
    )
    out = min(journey.entered + 480 + (dice >> 10) % 1_260, LAST_UPLOAD)
    uploaded = w.stamp(w.day0 + late_days, 14_400) if late_days else w.at(min(out + 1_500, LAST_UPLOAD))
    money = (due, paid, journey.klass, w.purse[i])
    return tap_line(w, journey.sn, journey.operator, journey.area, how, counter, money, w.at(out), uploaded)


def correct_missing(w: World) -> list[str]:
    """The maximum fare for an entry without an exit; for some the exit arrives after all, days later."""
    journey, exit_counter = w.missing.popleft()
    home = w.people.homes[journey.card % SLOTS]
    paid = fare(MAXIMUM_FARE, journey.klass)
    _cross(w, home, journey.area, paid)
    moment = journey.entered + TIMEOUT_SECONDS
    when = w.stamp(w.day0 + moment // 86_400, moment % 86_400)
    fares = (MAXIMUM_FARE, paid)
    line = _correction(w, journey.sn, journey.operator, journey.entry_counter, "MISSING_EXIT", fares, when)
    if w.bits(2) == 0 and len(w.late_exits) < 500:
        w.purse[journey.card] += paid
        _cross(w, home, journey.area, -paid)
        w.late_exits.append(_exit(w, journey, exit_counter, 2)[0])
    return [line]


def _correction(w: World, sn: str, operator: str, counter: int, reason: str, fares: tuple[int, int], when: str) -> str:
    number = w.next()
    return (
        f'{{"command":"CorrectFare","submitter":"{operator}","reference":"{operator}-{w.tag}-{number}",'
        f'"occurred_at":"{when}","card_sn":"{sn}","correction_id":"C{w.tag}{number}","operator":"{operator}",'
        f'"counter":{counter},"reason":"{reason}","fare_due_fen":{fares[0]},"paid_fen":{fares[1]}}}\n'
    )


def complaint(w: World) -> list[str]:
    """A bus fare is put right after a complaint: half of it comes back."""
    if not w.recent_bus:
        return []
    i, sn, operator, counter, paid = w.recent_bus.popleft()
    w.purse[i] += paid // 2
    reason = "COMPLAINT" if w.bits(1) else "OPERATOR_ERROR"
    return [_correction(w, sn, operator, counter, reason, (paid // 2, paid // 2), w.now)]


def retry(w: World) -> list[str]:
    """An operator's system uploads a tap again under a new reference: refused, `tap_duplicate`."""
    if not w.recent_taps:
        return []
    line, reference = w.recent_taps[w.below(len(w.recent_taps))]
    return [Refused(line.replace(reference, f"{reference}-R{w.next()}", 1))]


def closing(w: World) -> Iterator[str]:
    """The night and the days after: corrections, late exits, day closes, the buses' late uploads."""
    while w.missing:
        yield from correct_missing(w)
    for operator, area in sorted(w.operators.items()):
        yield (
            f'{{"command":"CloseTransitDay","submitter":"{operator}","reference":"{operator}-{w.tag}-{w.next()}",'
            f'"occurred_at":"{w.stamp(w.day0 + 1, 14_400)}","operator":"{operator}","operating_area":"{area}",'
            f'"day":"{w.today}"}}\n'
        )
    for _day, line in sorted(w.delayed, key=lambda item: item[0]):
        yield line
    yield from w.late_exits
