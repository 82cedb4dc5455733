"""Cards before and on the working day: issue, activation, loss, replacement, electronic cards, delegations.

A case that is begun (a loss, a lock) is ended by a later step, so the day shows both halves at their own times.
"""

from __future__ import annotations

from collections.abc import Iterator

from ops.simulate.people import CHILD, ELDERLY, STUDENT, WORKER, credit_code
from ops.simulate.places import BANKS
from ops.simulate.world import (
    AIDED,
    BANKED,
    BUSY,
    CANCELLED,
    CONCESSION,
    DELEGATED,
    ELECTRONIC,
    INSIDE,
    USABLE,
    World,
    iso,
)

OPENING_FIRST, OPENING_SPAN, CHUNK = 450, 420, 50
ENTERPRISE = 0xE0000000


def issue(w: World, i: int, ordinal: int, sec: int) -> str:
    """The line that issues card i; the holder's age decides about a guardian."""
    p = w.people
    guardian = f',"guardian":"{p.person(p.adult(i))}"' if w.group[i] == CHILD else ""
    submitter = f"HRSS{p.area(i)[:4]}"
    return (
        f'{{"command":"IssueCard","submitter":"{submitter}","reference":"{submitter}-{w.tag}-{w.next()}",'
        f'"occurred_at":"{w.stamp(ordinal, sec)}","card_sn":"{p.sn(i)}","card_number":"{p.number(i)}",'
        f'"social_security_number":"{p.person(i)}","bank":"{p.bank(i)}","bank_account":"{p.bank_account(i)}",'
        f'"expires_on":"{iso(ordinal + 3651)}"{guardian}}}\n'
    )


def card_line(w: World, command: str, i: int, when: str, rest: str = "") -> str:
    """A line of the card office about card i."""
    submitter = f"HRSS{w.people.area(i)[:4]}"
    return (
        f'{{"command":"{command}","submitter":"{submitter}","reference":"{submitter}-{w.tag}-{w.next()}",'
        f'"occurred_at":"{when}","card_sn":"{w.sn(i)}"{rest}}}\n'
    )


def contribute(w: World, i: int, when: str, month: str, amount_fen: int, source: str) -> str:
    w.account[i] += amount_fen
    area = w.people.area(i)
    return (
        f'{{"command":"ContributeAccount","submitter":"YB{area[:4]}","reference":"YB{area[:4]}-{w.tag}-{w.next()}",'
        f'"occurred_at":"{when}","card_sn":"{w.sn(i)}","channel":"FILE","home_area":"{area}","month":"{month}",'
        f'"source":"{source}","amount_fen":{amount_fen}}}\n'
    )


def top_up(w: World, i: int, when: str, amount_fen: int) -> str:
    w.purse[i] += amount_fen
    operator = f"METRO{w.people.area(i)[:4]}"
    return (
        f'{{"command":"TopUpPurse","submitter":"{operator}","reference":"{operator}-{w.tag}-{w.next()}",'
        f'"occurred_at":"{when}","card_sn":"{w.sn(i)}","channel":"SELF_SERVICE","operator":"{operator}",'
        f'"amount_fen":{amount_fen},"after_counter":{w.counter[i]}}}\n'
    )


def opening(w: World) -> Iterator[str]:
    """The months before: every card but those kept for the day itself."""
    initial = w.size - (w.size // 40 if w.mix.administration else 0)
    chunks = (initial + CHUNK - 1) // CHUNK
    for chunk in range(chunks):
        day = w.day0 - OPENING_FIRST + OPENING_SPAN * chunk // chunks
        cards = range(chunk * CHUNK, min(initial, chunk * CHUNK + CHUNK))
        for order, i in enumerate(cards):
            w.group[i] = w.people.group(i)
            yield issue(w, i, day, 32_400 + order * 120)
        w.issued = cards.stop
        for order, i in enumerate(cards):
            if w.mix.administration and w.bits(8) == 0:
                w.inactive.append(i)
                continue
            w.flags[i] |= USABLE
            when = w.stamp(day, 46_800 + order * 60)
            yield card_line(w, "ActivateCard", i, when, ',"application":"SOCIAL_SECURITY"')
            if w.bits(10) < w.mix.bank:
                w.flags[i] |= BANKED
                yield card_line(w, "ActivateCard", i, w.stamp(day, 50_400 + order * 60), ',"application":"BANK"')
        yield from _equip(w, cards, day + 1)


def _equip(w: World, cards: range, day: int) -> Iterator[str]:
    """What people do with a new card in its first days."""
    mix, month = w.mix, iso(day)[:7]
    for order, i in enumerate(cards):
        if not w.flags[i] & USABLE:
            continue
        sec = 30_000 + order * 240
        dice = w.bits(30)
        if w.people.employee_scheme(i) and dice & 1023 < mix.contribution * 3 // 2:
            source = "EMPLOYER" if dice >> 28 & 1 else "EMPLOYEE"
            yield contribute(w, i, w.stamp(day, sec), month, 20_000 + (dice >> 10 & 1023) * 70, source)
        if dice >> 20 & 1023 < mix.top_up:
            yield top_up(w, i, w.stamp(day, sec + 60), 2_000 * (1 + (dice & 3)))
        more = w.bits(30)
        if more & 1023 < mix.electronic:
            level = "PAYMENT" if w.flags[i] & BANKED else "IDENTITY"
            w.flags[i] |= ELECTRONIC
            yield card_line(w, "IssueElectronicCard", i, w.stamp(day, sec + 120), f',"level":"{level}"')
        if mix.taps and w.group[i] in (ELDERLY, STUDENT) and more >> 10 & 1:
            yield grant(w, i, w.stamp(day, sec + 180), day)
        if mix.administration and w.group[i] == ELDERLY and more >> 11 & 31 == 0:
            yield delegate(w, i, w.stamp(day, sec + 240), day)


def grant(w: World, i: int, when: str, day: int) -> str:
    """A concession of transit in the holder's own province, for two years."""
    w.flags[i] |= CONCESSION
    entitlement = f"E{w.tag}{w.n}"
    w.entitlements.append((i, entitlement))
    kind = "ELDERLY" if w.group[i] == ELDERLY else "STUDENT"
    return card_line(
        w, "GrantEntitlement", i, when,
        f',"entitlement_id":"{entitlement}","kind":"TRANSIT_CONCESSION","concession_class":"{kind}",'
        f'"province":"{w.people.area(i)[:2]}","valid_from":"{iso(day)}","valid_to":"{iso(day + 730)}"',
    )  # fmt: skip


def delegate(w: World, i: int, when: str, day: int) -> str:
    """The holder lets a child (the next adult of the numbering) use the card for medical matters."""
    w.flags[i] |= DELEGATED
    delegation = f"D{w.tag}{w.n}"
    w.delegations.append((i, delegation))
    return card_line(
        w, "AuthoriseDelegate", i, when,
        f',"delegation_id":"{delegation}","delegate":"{w.people.person(w.people.adult(i))}","relation":"CHILD",'
        f'"matters":["MEDICAL","CARD"],"valid_from":"{iso(day)}","valid_to":"{iso(day + 1095)}"',
    )  # fmt: skip


def enterprises(w: World) -> Iterator[str]:
    """A few enterprise cards with their agents."""
    p = w.people
    for k in range(max(1, min(40, w.lines // 20_000))):
        i = ENTERPRISE + k
        area, day = p.area(i), w.day0 - 200 + k
        submitter = f"HRSS{area[:4]}"
        code = credit_code(f"91{area}MA{int(w.tag, 16) % 10_000:04d}{k % 1000:03d}")
        yield (
            f'{{"command":"IssueEnterpriseCard","submitter":"{submitter}",'
            f'"reference":"{submitter}-{w.tag}-{w.next()}","occurred_at":"{w.stamp(day, 36_000)}",'
            f'"card_sn":"{p.sn(i)}","card_number":"{p.number(i)}","credit_code":"{code}",'
            f'"bank":"{BANKS[k % len(BANKS)]}","bank_account":"{p.bank_account(i)}",'
            f'"expires_on":"{iso(day + 3651)}"}}\n'
        )
        for command, sec, rest in (
            ("ActivateCard", 37_000, '"application":"SOCIAL_SECURITY"'),
            ("ActivateCard", 37_100, '"application":"BANK"'),
            (
                "AuthoriseAgent", 38_000,
                f'"delegation_id":"G{w.tag}{w.n}","agent":"{p.person(i)}","matters":["ALL"],'
                f'"valid_from":"{iso(day)}","valid_to":"{iso(day + 1095)}"',
            ),
        ):  # fmt: skip
            yield (
                f'{{"command":"{command}","submitter":"{submitter}","reference":"{submitter}-{w.tag}-{w.next()}",'
                f'"occurred_at":"{w.stamp(day, sec)}","card_sn":"{p.sn(i)}",{rest}}}\n'
            )


def life_cycle(w: World) -> list[str]:
    """One step in the life of a card: end a case that waits, or begin something new."""
    if len(w.cases) > 6 + w.size // 400 or (w.cases and w.bits(1)):
        return end_case(w, *w.cases.popleft())
    kind = w.bits(5)
    if kind < 7 and w.issued < w.size:
        return _new_holder(w)
    i = w.card(INSIDE | BUSY)
    if i < 0:
        return []
    if kind < 12:
        temporary = kind < 10
        _block(w, i)
        w.cases.append(("TEMPORARY" if temporary else "FORMAL", i))
        rest = f',"kind":"{"TEMPORARY" if temporary else "FORMAL"}"' + (',"link_bank":true' if kind == 11 else "")
        return [card_line(w, "ReportLoss", i, w.now, rest)]
    if kind < 15:
        _block(w, i)
        w.cases.append(("LOCKED", i))
        return [card_line(w, "LockCard", i, w.now, f',"reason":"{"RISK" if kind == 12 else "PIN_ERRORS"}"')]
    if kind < 17:
        return _cancel(w, i, "DEATH" if kind == 15 else "EMIGRATION")
    if kind < 20:
        return [replace(w, i, "DAMAGED" if kind < 19 else "DATA_CHANGE", w.now)]
    if kind < 24:
        return _electronic(w, i)
    if kind < 26 and w.delegations:
        holder, delegation = w.delegations.popleft()
        w.flags[holder] &= ~DELEGATED
        return [card_line(w, "EndDelegation", holder, w.now, f',"delegation_id":"{delegation}"')]
    if kind < 27 and len(w.entitlements) > 4:
        holder, entitlement = w.entitlements.popleft()
        w.flags[holder] &= ~CONCESSION
        rest = f',"entitlement_id":"{entitlement}","ended_on":"{iso(w.day0 + 1)}"'
        return [card_line(w, "EndEntitlement", holder, w.now, rest)]
    if w.group[i] == WORKER or w.flags[i] & CONCESSION:
        return [] if w.flags[i] & DELEGATED else [delegate(w, i, w.now, w.day0)]
    return [grant(w, i, w.now, w.day0)]


def _new_holder(w: World) -> list[str]:
    i = w.issued
    w.issued += 1
    w.group[i] = w.people.group(i)
    w.flags[i] |= USABLE | BUSY
    start = w.sec
    return [
        issue(w, i, w.day0, start),
        card_line(w, "ActivateCard", i, w.at(start), ',"application":"SOCIAL_SECURITY"'),
        top_up(w, i, w.at(start), 5_000),
    ]


def _block(w: World, i: int) -> None:
    w.flags[i] = w.flags[i] & ~USABLE | BUSY
    w.blocked.append(i)


def _unblock(w: World, i: int) -> None:
    w.flags[i] |= USABLE
    w.blocked.remove(i)


def end_case(w: World, kind: str, i: int) -> list[str]:
    if kind == "LOCKED":
        _unblock(w, i)
        return [card_line(w, "UnlockCard", i, w.now)]
    if kind == "FORMAL":
        line = replace(w, i, "LOST", w.now)
        _unblock(w, i)
        return [line]
    turn = w.bits(3)
    if turn < 4:
        _unblock(w, i)
        return [card_line(w, "LiftLoss", i, w.now)]
    if turn < 6:
        w.cases.append(("FORMAL", i))
        return [card_line(w, "ReportLoss", i, w.now, ',"kind":"FORMAL"')]
    w.lost.append(i)  # stays lost: it expires in the days after, and shows refusals until then
    return []


def replace(w: World, i: int, reason: str, when: str) -> str:
    """A new chip on the same card: the electronic card falls, the counter begins anew, the purse stays."""
    new = w.generation[i] + 1
    line = card_line(
        w, "ReplaceCard", i, when,
        f',"new_card_sn":"{w.people.sn(i, new)}","new_card_number":"{w.people.number(i, new)}",'
        f'"expires_on":"{iso(w.day0 + 3651)}","reason":"{reason}"',
    )  # fmt: skip
    w.retired.append(w.sn(i))
    w.generation[i] = new
    w.counter[i] = 0
    w.flags[i] = w.flags[i] & ~ELECTRONIC | BUSY
    return line


def _cancel(w: World, i: int, reason: str) -> list[str]:
    w.flags[i] = w.flags[i] & ~(USABLE | ELECTRONIC) | BUSY | CANCELLED | AIDED
    died = f',"died_on":"{iso(w.day0 - 2)}"' if reason == "DEATH" else ""
    lines = [card_line(w, "CancelCard", i, w.now, f',"reason":"{reason}"{died}')]
    w.dead.append(i)
    if w.account[i] > 0:
        rest = f',"home_area":"{w.people.area(i)}","reason":"{reason}","amount_fen":{w.account[i]}'
        w.account[i] = 0
        lines.append(card_line(w, "WithdrawAccount", i, w.now, rest))
    return lines


def _electronic(w: World, i: int) -> list[str]:
    w.flags[i] ^= ELECTRONIC
    if w.flags[i] & ELECTRONIC:
        level = "PAYMENT" if w.flags[i] & BANKED else "IDENTITY"
        return [card_line(w, "IssueElectronicCard", i, w.now, f',"level":"{level}"')]
    return [card_line(w, "RevokeElectronicCard", i, w.now, ',"reason":"HOLDER"')]
