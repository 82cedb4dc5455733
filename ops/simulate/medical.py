"""Settlements of the working day at home and across provinces, their cancellations and voids, and family aid.

The bill mix (5 % inpatient, 64 % outpatient, 4 % chronic, 27 % pharmacy) and the mean bills are those of the nation's
cross-province figures. Every settlement waits in a window where it can still be cancelled; when it leaves the window it
is final for the month and joins the list its treatment province will confirm.
"""

from __future__ import annotations

from ops.simulate.cards import card_line
from ops.simulate.people import SLOTS
from ops.simulate.world import (
    AIDED,
    DELEGATED,
    ELECTRONIC,
    GAVE,
    RECENT,
    STAYED,
    Refused,
    Unit,
    World,
    iso,
)

# med_type, clr_type suffix at home and across, least fen, spread (mean a third of it), fund percent by scheme
OUTPATIENT = ("11", "0111", "0112", 1_500, 33_000, 68, 50)
PHARMACY = ("41", "0411", "0412", 1_000, 29_400, 20, 10)
CHRONIC = ("14", "0111", "0112", 20_000, 212_000, 78, 65)
INPATIENT = ("2101", "0211", "0212", 150_000, 2_561_000, 72, 60)
RESCUE = ("1301", "0111", "0112", 8_000, 90_000, 66, 52)
KINDS = (OUTPATIENT,) * 648 + (PHARMACY,) * 273 + (CHRONIC,) * 45 + (INPATIENT,) * 52 + (RESCUE,) * 6
LARGE_BILL = 1_200_000
ENDED = 255


def settle(w: World) -> list[str]:
    """One settlement of the day, for some patients with the registration that must precede it."""
    i = w.card()
    if i < 0:
        return []
    dice = w.bits(60)
    home = w.people.homes[i % SLOTS]
    choices = w.destinations[home[:2]]
    area = home
    if choices and dice & 1023 < w.mix.cross_province:
        province = choices[(dice >> 10 & 255) * (dice >> 18 & 255) * len(choices) >> 16]
        cities = w.people.areas[province]
        area = cities[(dice >> 26 & 15) % len(cities)]
    kind = KINDS[dice >> 30 & 1023]
    lines: list[str] = []
    emergency = ""
    if kind is INPATIENT:
        if w.flags[i] & STAYED:
            kind = OUTPATIENT
        elif area is not home and w.registered[i] != 1 + w.provinces.index(area[:2]):
            if dice >> 40 & 7 == 0:
                emergency = ',"emergency":true'
            else:
                lines.append(register(w, i, home, area))
    line, unit = bill(w, i, home, area, kind, dice >> 40, emergency)
    lines.append(line)
    keep(w, unit)
    return lines


def keep(w: World, unit: Unit) -> None:
    w.recent.append(unit)
    if len(w.recent) > RECENT:
        finish(w, w.recent.popleft())


def finish(w: World, unit: Unit) -> None:
    """Past cancellation: its line (if it has one) is confirmed at the end of the month, but for a few special fates."""
    if unit.home == unit.treatment and (not unit.wallet_fen or unit.giver == unit.treatment):
        return
    if len(w.specials) < w.special_limit and unit.fund_fen and not unit.wallet_fen and w.bits(2) == 0:
        w.specials.append(unit)
        return
    w.confirm[unit.treatment].append(unit.number)
    w.owe_unit(unit)


def register(w: World, i: int, home: str, area: str) -> str:
    """A referral to another province, valid from three weeks ago so that the stay is covered."""
    w.registered[i] = 1 + w.provinces.index(area[:2])
    registration = f"R{w.tag}{w.n}"
    first = w.day0 - 21
    w.registrations.append((i, registration, first))
    reason = "REFERRAL" if w.bits(1) else "OTHER"
    return card_line(
        w, "RegisterTreatment", i, w.now,
        f',"registration_id":"{registration}","kind":"TEMPORARY","reason":"{reason}","home_area":"{home}",'
        f'"treatment_area":"{area}","valid_from":"{iso(first)}"',
    )  # fmt: skip


def bill(
    w: World, i: int, home: str, area: str, kind: tuple[str, str, str, int, int, int, int], dice: int, extra: str
) -> tuple[str, Unit]:
    """A balanced settlement: fund part by scheme, own part from the account while it lasts, cash for the rest."""
    med_type, at_home, across, least, spread, employee, resident = kind
    size = dice & 0xFFFF
    total = least + (spread * size * size >> 32)
    dice = w.bits(32)
    scheme = w.people.employee_scheme(i)
    fund = total * (employee if scheme else resident) // 100
    rest = total - fund
    hospital = min(rest, 350) if dice & 127 == 0 else 0
    rest -= hospital
    own = 0
    if scheme and w.account[i] > 0 and dice >> 7 & 3:
        own = min(w.account[i], rest if kind is PHARMACY else rest * 6 // 10)
        w.account[i] -= own
    main = "310100" if scheme else "390100"
    funds = f'"{main}":{fund}'
    stay = ""
    if kind is INPATIENT:
        w.flags[i] |= STAYED
        admitted = w.day0 - 3 - (dice >> 9 & 15)
        stay = f',"admitted_on":"{iso(admitted)}","discharged_on":"{w.today}"'
        if total > LARGE_BILL:
            second = fund // 5
            fund_main = fund - second
            funds = f'"{main}":{fund_main},"{"330100" if scheme else "390200"}":{second}'
    treatment, home_province = area[:2], home[:2]
    crossing = treatment != home_province
    places = w.pharmacies if kind is PHARMACY else w.hospitals
    institution = places[area][(dice >> 13 & 63) % 12]
    number = w.next()
    when = w.now
    flags = w.flags[i]
    if flags & (ELECTRONIC | DELEGATED):
        if flags & ELECTRONIC and dice >> 19 & 1:
            extra += ',"channel":"ELECTRONIC_CARD"'
        if flags & DELEGATED and dice >> 20 & 1:
            extra += f',"acting_person":"{w.people.person(w.people.adult(i))}"'
    elif not extra and dice >> 19 & 255 == 0 and not w.generation[i] and i < w.opened and not stay:
        when = w.stamp(w.day0 - 1 - (dice >> 27 & 3), w.sec)
    reference = f"{institution}{w.compact}{w.hms[w.sec].replace(':', '')}{number % 1_000_000:06d}"
    scheme_code = "310" if scheme else "390"
    cleared = fund + own if crossing else 0
    return (
        f'{{"command":"SettleMedical","submitter":"{institution}","reference":"{reference}","occurred_at":"{when}",'
        f'"card_sn":"{w.sn(i)}","settlement_id":"{w.settlement_id(treatment, number)}","visit_id":"V{w.tag}{number}",'
        f'"institution":"{institution}","home_area":"{home}","treatment_area":"{area}","insutype":"{scheme_code}",'
        f'"med_type":"{med_type}","clr_type":"{scheme_code[:2]}{across if crossing else at_home}","total_fen":{total},'
        f'"funds":{{{funds}}},"account_fen":{own},"account_mutual_aid_fen":0,"cash_fen":{rest - own},'
        f'"hospital_fen":{hospital}{stay}{extra}}}\n'
    ), Unit(number, i, treatment, home_province, reference, institution, own, cleared, "", 0, main, fund)


def undo(w: World) -> list[str]:
    """A recent settlement is cancelled, or voided after a timeout; sometimes the void comes before its settlement."""
    if len(w.recent) < 4:
        return []
    turn = w.bits(3)
    if turn == 0:
        return _void_first(w)
    place = w.below(len(w.recent))
    unit = w.recent[place]
    del w.recent[place]
    w.account[unit.card] += unit.own_fen
    if turn < 4:
        return [void(w, unit.card, unit.institution, unit.reference)]
    w.reversed_units.append(unit)
    reason = "CANCELLED" if turn < 7 else "REFUND"
    return [reverse(w, unit, reason, w.now)]


def void(w: World, i: int, institution: str, reference: str) -> str:
    return (
        f'{{"command":"VoidMedical","submitter":"{institution}","reference":"{institution}-V{w.tag}{w.next()}",'
        f'"occurred_at":"{w.now}","card_sn":"{w.sn(i)}","voided_reference":"{reference}","reason":"TIMEOUT"}}\n'
    )


def _void_first(w: World) -> list[str]:
    i = w.card()
    if i < 0:
        return []
    home = w.people.homes[i % SLOTS]
    line, unit = bill(w, i, home, home, OUTPATIENT, w.bits(16), "")
    w.account[i] += unit.own_fen
    return [void(w, i, unit.institution, unit.reference), Refused(line)]


def reverse(w: World, unit: Unit, reason: str, when: str) -> str:
    number = w.next()
    settlement = w.settlement_id(unit.treatment, unit.number)
    return (
        f'{{"command":"ReverseMedical","submitter":"{unit.institution}",'
        f'"reference":"{unit.institution}-X{w.tag}{number}","occurred_at":"{when}","card_sn":"{w.sn(unit.card)}",'
        f'"settlement_id":"{settlement}","reversal_id":"X{w.tag}{number}","reason":"{reason}"}}\n'
    )


def reside(w: World, i: int, when: str, day: int) -> str:
    """A pensioner who lives with the children in another province registers for the long term."""
    home = w.people.area(i)
    choices = w.destinations[home[:2]]
    province = choices[w.below(len(choices))]
    w.registered[i] = 1 + w.provinces.index(province)
    reason = "RETIRED" if w.bits(1) else "RESIDENT"
    return card_line(
        w, "RegisterTreatment", i, when,
        f',"registration_id":"R{w.tag}{w.n}","kind":"LONG_TERM","reason":"{reason}","home_area":"{home}",'
        f'"treatment_area":"{w.people.areas[province][0]}","valid_from":"{iso(day)}"',
    )  # fmt: skip


def end_registration(w: World) -> list[str]:
    if not w.registrations:
        return []
    i, registration, first = w.registrations.popleft()
    w.registered[i] = ENDED
    rest = f',"registration_id":"{registration}","ended_on":"{iso(max(first, w.day0 - 1))}"'
    return [card_line(w, "EndTreatmentRegistration", i, w.now, rest)]


def family_aid(w: World) -> list[str]:
    """A relative gives from the personal account, or a gift received earlier is spent, used in a bill or given back."""
    if len(w.aid) > 4 and w.bits(2):
        return _use_aid(w)
    if w.spends and w.bits(4) == 0:
        i, spend, giver, treatment, amount = w.spends.popleft()
        if giver != treatment:
            w.owe(giver, treatment, -amount)
        number = w.next()
        rest = f',"spend_id":"{spend}","reversal_id":"FX{w.tag}{number}"'
        return [card_line(w, "ReverseFamilyAidSpend", i, w.now, rest)]
    giver_card = _giver(w)
    if giver_card < 0:
        return []
    receiver = w.card(AIDED)
    across = w.bits(2) == 0
    step = 1 if across else len(w.provinces)
    for k in range(1, 9):
        candidate = giver_card + step * k
        if candidate < w.issued and w.flags[candidate] & (AIDED | 1) == 1:
            receiver = candidate
            break
    if receiver < 0 or receiver == giver_card:
        return []
    w.flags[giver_card] |= GAVE
    w.flags[receiver] |= AIDED
    amount = min(w.account[giver_card] // 2, 200_000)
    w.account[giver_card] -= amount
    giver_area, receiver_area = w.people.area(giver_card), w.people.area(receiver)
    purse = "FAMILY_AID" if giver_area[:2] == receiver_area[:2] else "WALLET"
    transfer = f"T{w.tag}{w.n}"
    w.aid.append((transfer, receiver, purse, giver_area[:2], amount))
    relation = ("SPOUSE", "PARENT", "CHILD", "GRANDPARENT")[w.bits(2)]
    return [card_line(
        w, "TransferFamilyAid", giver_card, w.now,
        f',"transfer_id":"{transfer}","receiver_card_sn":"{w.sn(receiver)}","giver_area":"{giver_area}",'
        f'"receiver_area":"{receiver_area}","giver_insutype":"310","relation":"{relation}","amount_fen":{amount}',
    )]  # fmt: skip


def _giver(w: World) -> int:
    """An employee with money in the account who has not given today, or -1."""
    for _ in range(12):
        i = w.card(GAVE)
        if i >= 0 and w.account[i] >= 4_000 and w.people.employee_scheme(i):
            return i
    return -1


def _use_aid(w: World) -> list[str]:
    transfer, i, purse, giver, amount = w.aid.popleft()
    turn = w.bits(3)
    if turn == 0 or not w.flags[i] & 1:
        back = amount if turn & 1 else amount // 2
        return [card_line(w, "ReturnFamilyAid", i, w.now, f',"transfer_id":"{transfer}","amount_fen":{back}')]
    home = w.people.area(i)
    choices = w.destinations[home[:2]]
    area = home
    if choices and w.bits(2) == 0:
        area = w.people.areas[choices[w.below(len(choices))]][0]
    if turn < 4:
        return [_aid_in_a_bill(w, i, home, area, purse, giver, amount)]
    spend = f"FS{w.tag}{w.n}"
    treatment = area[:2]
    if turn == 4:
        more = f'"purpose":"PREMIUM","spend_area":"{home}","fund_pay_type":"390100"'
        treatment = home[:2]
    else:
        shop = w.pharmacies[area][w.below(12)]
        more = f'"purpose":"PURCHASE","spend_area":"{area}","institution":"{shop}"'
    if giver != treatment:
        w.owe(giver, treatment, amount)
    w.spends.append((i, spend, giver, treatment, amount))
    rest = f',"spend_id":"{spend}","purse":"{purse}",{more},"amount_fen":{amount}'
    return [card_line(w, "SpendFamilyAid", i, w.now, rest)]


def _aid_in_a_bill(w: World, i: int, home: str, area: str, purse: str, giver: str, amount: int) -> str:
    """An outpatient bill whose account part is the relative's gift alone."""
    number = w.next()
    fund = amount
    cash = 1_000
    institution = w.hospitals[area][w.below(12)]
    crossing = area[:2] != home[:2]
    wallet = amount if purse == "WALLET" else 0
    reference = f"{institution}{w.compact}{w.hms[w.sec].replace(':', '')}{number % 1_000_000:06d}"
    cleared = fund + amount - wallet if crossing else 0
    keep(w, Unit(
        number, i, area[:2], home[:2], reference, institution, 0, cleared, giver if wallet else "", wallet, "390100",
        fund,
    ))  # fmt: skip
    return (
        f'{{"command":"SettleMedical","submitter":"{institution}","reference":"{reference}","occurred_at":"{w.now}",'
        f'"card_sn":"{w.sn(i)}","settlement_id":"{w.settlement_id(area[:2], number)}","visit_id":"V{w.tag}{number}",'
        f'"institution":"{institution}","home_area":"{home}","treatment_area":"{area}","insutype":"390",'
        f'"med_type":"11","clr_type":"{"390112" if crossing else "390111"}","total_fen":{fund + amount + cash},'
        f'"funds":{{"390100":{fund}}},"account_fen":{amount},"account_mutual_aid_fen":{amount},'
        f'"wallet_fen":{wallet},"cash_fen":{cash},"hospital_fen":0}}\n'
    )
