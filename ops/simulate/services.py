"""Everyday services on the working day, and the governance around them: shops, parks, libraries, passes, vouchers.

Every step answers lines that will be recorded. What is given back or brought back comes from a short window of what
happened lately; a few passes were bought long before, so that their prices are split among provinces on the day.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from ops.simulate.cards import ENTERPRISE, card_line
from ops.simulate.people import SLOTS
from ops.simulate.world import CANCELLED, USABLE, World, iso

SCHEMES = {"YRD": ("31", "32", "33", "34"), "JJJ": ("11", "12", "13"), "CY": ("50", "51"), "HGG": ("44", "45", "46")}
LONG_AGO = 449  # days before: the first cards are a day old then, and a year's pass has ended by the day
OLD_PASSES = 4
LINES_AFTER = 8

Step = Callable[[World], list[str]]


def _where(w: World, i: int) -> str:
    """Mostly at home, sometimes in another of the simulated provinces."""
    return w.all_areas[w.below(len(w.all_areas))] if w.bits(2) == 0 else w.people.homes[i % SLOTS]


def _id(w: World, kind: str) -> str:
    return f"{kind}{w.tag}{w.next()}"


def office(w: World, command: str, when: str, rest: str) -> str:
    """A line that names no card."""
    return (
        f'{{"command":"{command}","submitter":"SCHEME","reference":"SCHEME-{w.tag}-{w.next()}",'
        f'"occurred_at":"{when}",{rest}}}\n'
    )


# --- before the day --------------------------------------------------------------------------------------------------


def beginnings(w: World) -> Iterator[str]:
    """Items of schemes switched on, policy money for an enterprise, passes bought long ago and used since."""
    day = w.day0 - LONG_AGO
    for scheme, members in SCHEMES.items():
        for province in members:
            if province in w.provinces:
                rest = f'"item_scheme":"{scheme}","item":"library","province":"{province}","valid_from":"{iso(day)}"'
                yield office(w, "EnableSchemeItem", w.stamp(day, 30_000), rest)
    province = w.provinces[0]
    line = f'"province":"{province}","programme":"jobs"'
    rest = f'{line},"amount_fen":5000000,"document":"jobs {w.year}"'
    yield office(w, "IssueBudget", w.stamp(w.day0 - 30, 31_000), rest)
    own = f'"card_sn":"{w.people.sn(ENTERPRISE)}","grant_id":"{_id(w, "GR")}",{line}'
    rest = f'{own},"amount_fen":800000,"bank_transaction":"{_id(w, "TX")}"'
    yield office(w, "CreditPolicyFund", w.stamp(w.day0 - 20, 31_000), rest)
    for i in [one for one in range(min(w.opened, 24)) if w.flags[one] & USABLE][:OLD_PASSES]:
        yield from _old_pass(w, i, day)


def _old_pass(w: World, i: int, day: int) -> Iterator[str]:
    pass_id, seller = _id(w, "PASS"), w.people.homes[i % SLOTS]
    rest = f',"pass_id":"{pass_id}","product":"YEAR","seller":"TOUR{seller}","seller_area":"{seller}","price_fen":19900'
    yield card_line(w, "PurchasePass", i, w.stamp(day, 60_000), rest)
    yield card_line(w, "ActivatePass", i, w.stamp(day, 60_100), f',"pass_id":"{pass_id}"')
    for visit in range(3):
        area = w.all_areas[(i + visit * 3) % len(w.all_areas)]
        where = f',"pass_id":"{pass_id}","venue":"PARK{area}","venue_area":"{area}"'
        yield card_line(w, "UsePass", i, w.stamp(day + 1 + visit, 36_000), where)
    w.street.old_passes.append((pass_id, i))


# --- the day ---------------------------------------------------------------------------------------------------------


def counter(w: World) -> list[str]:
    i = w.card()
    area = _where(w, i)
    step = ("IDENTITY", "QUEUE", "APPLICATION", "COLLECTION")[w.bits(2)]
    rest = f',"service_code":"SVC-{w.bits(4)}","service_area":"{area}","step":"{step}","result":"SUCCESS"'
    lines = [card_line(w, "UseService", i, w.now, rest)]
    if w.bits(3) == 0:
        own = f',"access_id":"{_id(w, "AC")}","accessor":"clerk-{area}","purpose":"counter","query":"BALANCE"'
        lines.append(card_line(w, "RecordAccess", i, w.now, f'{own},"from_province":"{area[:2]}","records":4'))
    return lines


def shop(w: World) -> list[str]:
    i = w.card()
    area, price = _where(w, i), 200 + w.bits(13)
    merchant, payment = f"SHOP{area}", _id(w, "PM")
    discount = price // 10 if w.bits(1) else 0
    funder = ',"funder":"tourism"' if discount else ""
    rest = f',"payment_id":"{payment}","merchant":"{merchant}","merchant_area":"{area}","price_fen":{price}'
    w.street.merchants[merchant] = area
    w.street.payments.append((payment, i, price - discount, discount))
    rest += f',"paid_fen":{price - discount},"discount_fen":{discount}{funder}'
    return [card_line(w, "PayMerchant", i, w.now, rest)]


def bring_back(w: World) -> list[str]:
    if not w.street.payments:
        return []
    payment, i, paid, discount = w.street.payments.popleft()
    rest = f',"refund_id":"{_id(w, "RF")}","payment_id":"{payment}","paid_fen":{paid},"discount_fen":{discount}'
    return [card_line(w, "RefundMerchant", i, w.now, rest)]


def park(w: World) -> list[str]:
    i = w.card()
    area = _where(w, i)
    rest = f',"entry_id":"{_id(w, "EV")}","venue":"PARK{area}","venue_area":"{area}","price_due_fen":3000'
    if w.bits(1):
        return [card_line(w, "EnterVenue", i, w.now, f'{rest},"price_paid_fen":3000')]
    entitlement = _id(w, "EN")
    own = f',"entitlement_id":"{entitlement}","kind":"VENUE","province":"{area[:2]}","valid_from":"{w.today}"'
    granted = card_line(w, "GrantEntitlement", i, w.now, f'{own},"valid_to":"{iso(w.day0 + 365)}"')
    entered = card_line(w, "EnterVenue", i, w.now, f'{rest},"price_paid_fen":0,"entitlement_id":"{entitlement}"')
    return [granted, entered]


def library(w: World) -> list[str]:
    i = w.card()
    area, loan, item = _where(w, i), _id(w, "LN"), _id(w, "BOOK")
    scheme = next((name for name, members in SCHEMES.items() if area[:2] in members), None)
    under = f',"scheme":"{scheme}","scheme_item":"library"' if scheme else ""
    rest = f',"loan_id":"{loan}","library":"LIB{area}","library_area":"{area}","item":"{item}"{under}'
    w.street.loans.append((loan, item, i))
    return [card_line(w, "BorrowItem", i, w.now, f'{rest},"due_on":"{iso(w.day0 + 30)}"')]


def bring_a_book_back(w: World) -> list[str]:
    if not w.street.loans:
        return []
    loan, item, i = w.street.loans.popleft()
    area = _where(w, i)
    where = f'"library":"LIB{area}","library_area":"{area}"'
    lines = [office(w, "ReturnItem", w.now, f'{where},"item":"{item}"')]
    if w.bits(1):
        own = f',"fine_id":"{_id(w, "FN")}","loan_id":"{loan}",{where},"amount_fen":500,"reason":"DAMAGED"'
        lines.append(card_line(w, "ChargeFine", i, w.now, own))
    return lines


def bill(w: World) -> list[str]:
    i = w.card()
    area, payment = w.people.homes[i % SLOTS], _id(w, "PU")
    own = f',"payment_id":"{payment}","utility":"WATER{area[:4]}","utility_area":"{area}"'
    own += f',"account_hash":"{w.sha(payment)}","bill_month":"{w.month}","amount_fen":{800 + w.bits(12)}'
    w.street.bills.append((payment, i))
    return [card_line(w, "PayUtility", i, w.now, own)]


def give_a_bill_back(w: World) -> list[str]:
    if not w.street.bills:
        return []
    payment, i = w.street.bills.popleft()
    return [card_line(w, "RefundUtility", i, w.now, f',"payment_id":"{payment}","refund_id":"{_id(w, "RF")}"')]


def voucher(w: World) -> list[str]:
    """Issued, and redeemed at once in part; the rest waits in the window."""
    i = w.card()
    area, voucher_id = w.people.homes[i % SLOTS], _id(w, "VC")
    own = f',"voucher_id":"{voucher_id}","province":"{area[:2]}","programme":"elder","face_fen":2000'
    issued = card_line(
        w, "IssueVoucher", i, w.now, f'{own},"valid_from":"{w.today}","valid_to":"{iso(w.day0 + w.bits(1))}"'
    )
    amount = 500 + w.bits(9)
    w.street.vouchers.append((voucher_id, i, 2_000 - amount))
    merchant = f"SHOP{area}"
    w.street.merchants[merchant] = area
    rest = f',"voucher_id":"{voucher_id}","redemption_id":"{_id(w, "RD")}","merchant":"{merchant}"'
    rest += f',"merchant_area":"{area}","amount_fen":{amount}'
    return [issued, card_line(w, "RedeemVoucher", i, w.now, rest)]


def tour(w: World) -> list[str]:
    """A pass bought and activated on the day, or given back."""
    i = w.card()
    area, pass_id = _where(w, i), _id(w, "PASS")
    rest = f',"pass_id":"{pass_id}","product":"YEAR","seller":"TOUR{area}","seller_area":"{area}","price_fen":19900'
    bought = card_line(w, "PurchasePass", i, w.now, rest)
    named = f',"pass_id":"{pass_id}"'
    if w.bits(2) == 0:
        return [bought, card_line(w, "RefundPass", i, w.now, named)]
    where = f'{named},"venue":"PARK{area}","venue_area":"{area}"'
    return [
        bought,
        card_line(w, "ActivatePass", i, w.now, named),
        card_line(w, "UsePass", i, w.now, where),
    ]


def end_a_pass(w: World) -> list[str]:
    if not w.street.old_passes:
        return []
    pass_id, i = w.street.old_passes.pop()
    return [card_line(w, "ExpirePass", i, w.now, f',"pass_id":"{pass_id}"')]


def school(w: World) -> list[str]:
    i = w.card()
    own = f',"school":"SCHOOL{w.people.homes[i % SLOTS]}","status":"ENROLLED","valid_from":"{w.today}"'
    return [card_line(w, "SetStudentStatus", i, w.now, own)]


def records(w: World) -> list[str]:
    """Two numbers found to be of one person, or found not to be after all."""
    if w.street.links and w.bits(1):
        return [office(w, "UnlinkPersonRecords", w.now, f'"link_id":"{w.street.links.popleft()}","reason":"a mistake"')]
    link = _id(w, "LK")
    w.street.links.append(link)
    one, other = w.people.person(0xD0000000 + w.n), w.people.person(0xD8000000 + w.n)
    own = f'"link_id":"{link}","person":"{one}","other_person":"{other}","reason":"an old number"'
    return [office(w, "LinkPersonRecords", w.now, own)]


STEPS: tuple[Step, ...] = (
    counter, shop, shop, park, library, bill, voucher, tour, bring_back, bring_a_book_back, give_a_bill_back, school,
    end_a_pass, records,
)  # fmt: skip


def everyday(w: World) -> list[str]:
    """One of the day's services."""
    return STEPS[w.below(len(STEPS))](w)


# --- after the day ---------------------------------------------------------------------------------------------------


def reserve(w: World) -> int:
    """How many lines `closing` may write."""
    return len(w.street.merchants) + len(w.street.vouchers) + LINES_AFTER


def closing(w: World) -> Iterator[str]:
    """Merchants close the day, vouchers run out, somebody's data is restricted, and the log is sealed."""
    for merchant, area in w.street.merchants.items():
        own = f'"merchant":"{merchant}","merchant_area":"{area}","day":"{w.today}"'
        yield office(w, "CloseMerchantDay", w.stamp(w.day0 + 1, 20_000), own)
    for voucher_id, i, left in w.street.vouchers:
        if left and not w.generation[i]:
            yield card_line(w, "ExpireVoucher", i, w.stamp(w.day0 + 3, 20_000), f',"voucher_id":"{voucher_id}"')
    gone = next((i for i in range(w.issued) if w.flags[i] & CANCELLED and not w.generation[i]), None)
    if gone is not None:
        yield card_line(w, "RestrictProcessing", gone, w.stamp(w.day0 + 4, 30_000), ',"reason":"PURPOSE_DONE"')
    yield office(w, "SealLog", w.stamp(w.day0 + 4, 80_000), f'"seal_id":"SEAL{w.tag}"')
