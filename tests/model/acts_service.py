"""Acts of the service family: counters, shops, parks, libraries, bills, vouchers, schools, policy money."""

from collections.abc import Callable
from typing import Any

from tests.model.presence import last_state
from tests.model.service import loan_of, remaining
from tests.model.state import Event
from tests.model.world import DAY, HOUR, Command, World

Act = Callable[[World], Command]

MERCHANTS = ["M1", "M2", "SHOP-3"]
VENUES = ["PARK1", "PARK2", "MUSEUM"]
LIBRARIES = ["LIB-SH", "LIB-HF"]
UTILITIES = ["WATER1", "POWER1"]
PROGRAMMES = ["grain", "elder", "tourism"]


def _after(world: World, event: Event) -> int:
    """Soon after something happened; now and then before it."""
    if world.chance(0.03):
        return int(event["occurred_at"]) - HOUR
    return min(world.now, int(event["occurred_at"]) + world.rng.randint(0, 20 * DAY))


def _stream(world: World, event: Event) -> str:
    """The card an event is on; sometimes another."""
    return world.card() if world.chance(0.04) else str(event["stream"])


def _anything(world: World, event: Event | None, used: str) -> Event:
    """An event to refer to, or something nobody recorded."""
    return event or {used: "none-such", "stream": world.card(), "occurred_at": world.now, "amount_fen": 1}


def _acting(world: World, card: str) -> dict[str, Any]:
    """Who acts: nobody is named, the holder, a delegate or agent, or a stranger; or an electronic card is shown."""
    named = world.log.on(card, "DelegateAuthorised", "AgentAuthorised")
    if named and world.chance(0.15):
        delegation = world.pick(named)
        key = delegation.get("delegate") or delegation.get("agent")
        return {"acting_person": world.in_clear.get(key) or world.person()}
    if world.chance(0.1):
        return {"acting_person": world.holder(card)}
    if world.chance(0.03):
        return {"acting_person": world.person()}
    return {"channel": "ELECTRONIC_CARD"} if world.chance(0.05) else {}


def use_service(world: World) -> Command:
    card = world.card()
    return world.on_card(
        "UseService",
        card,
        service_code=world.pick(["SOC-01", "SOC-02"]),
        service_area=world.area(),
        step=world.pick(["IDENTITY", "QUEUE", "APPLICATION", "ACCEPTANCE"]),
        result=world.pick(["SUCCESS", "FAILURE"]),
        matter_id=world.pick([None, "MT1"]),
        token_hash=world.pick([None, "ab" * 32]),
        **_acting(world, card),
    )


def pay_merchant(world: World) -> Command:
    card, price = world.card(), world.amount()
    discount = world.rng.randint(0, price) if world.chance(0.4) else 0
    return world.on_card(
        "PayMerchant",
        card,
        payment_id=world.new_id(
            "PM", [*world.ids("MerchantPaid", "payment_id"), *world.ids("UtilityPaid", "payment_id")]
        ),
        merchant=world.pick(MERCHANTS),
        merchant_area=world.area(),
        price_fen=price + (1 if world.chance(0.03) else 0),
        paid_fen=price - discount,
        discount_fen=discount,
        funder=world.pick(PROGRAMMES) if discount else None,
        **_acting(world, card),
    )


def _refund_id(world: World) -> str:
    used = [*world.ids("MerchantRefunded", "refund_id"), *world.ids("UtilityRefunded", "refund_id")]
    return world.new_id("RF", used)


def refund_merchant(world: World) -> Command:
    payment = _anything(world, world.event(world.pick(["MerchantPaid"] * 12 + ["UtilityPaid"])), "payment_id")
    paid, discount = payment.get("paid_fen", 1), payment.get("discount_fen", 0)
    parts = world.pick([(paid, discount), (paid // 2, discount // 2), (paid, 0), (paid + 1, 0), (0, 0), (0, discount)])
    return world.on_card(
        "RefundMerchant",
        _stream(world, payment),
        _after(world, payment),
        refund_id=_refund_id(world),
        payment_id=payment["payment_id"],
        paid_fen=parts[0],
        discount_fen=parts[1],
    )


def close_merchant_day(world: World) -> Command:
    at = world.now if world.chance(0.9) else world.instant(1)
    return world.command(
        "CloseMerchantDay",
        at,
        merchant=world.pick(MERCHANTS),
        merchant_area=world.area(),
        day=world.day(-20, 1) if world.chance(0.5) else world.day(-3, -1),
    )


def grant_for_venues(world: World) -> Command:
    return world.on_card(
        "GrantEntitlement",
        world.card(),
        entitlement_id=world.fresh("EN"),
        kind=world.pick(["VENUE", "ELDER_CARE", "STUDENT", "LIBRARY"]),
        province=world.pick(["34", "31", "33"]),
        valid_from=world.day(-100, 0),
        valid_to=world.day(30, 300),
    )


def enter_venue(world: World) -> Command:
    grants = [event for event in world.log.of("EntitlementGranted") if event["kind"] != "TRANSIT_CONCESSION"]
    grant = world.recent(grants, 20) if world.chance(0.6) else None
    card = _stream(world, grant) if grant else world.card()
    area = world.area(grant["province"] if grant and world.chance(0.9) else None)
    due = world.pick([0, world.amount(), world.amount()])
    paid = world.rng.randint(0, due) if grant or world.chance(0.05) else due
    return world.on_card(
        "EnterVenue",
        card,
        entry_id=world.new_id("EV", world.ids("VenueEntered", "entry_id")),
        venue=world.pick(VENUES),
        venue_area=area,
        group_size=world.pick([None, 2]),
        price_due_fen=due,
        price_paid_fen=paid + (1 if world.chance(0.03) else 0),
        entitlement_id=grant["entitlement_id"] if grant else world.pick([None, None, "none-such"]),
        **_acting(world, card),
    )


def borrow_item(world: World) -> Command:
    card = world.card()
    return world.on_card(
        "BorrowItem",
        card,
        loan_id=world.new_id("LN", world.ids("ItemBorrowed", "loan_id")),
        library=world.pick(LIBRARIES),
        library_area=world.area(),
        item=f"BOOK-{world.rng.randint(1, 12)}",
        due_on=world.day(-3, 40),
        **_acting(world, card),
    )


def return_item(world: World) -> Command:
    lent = [loan for loan in world.log.of("ItemBorrowed")[-30:] if loan_of(world.log, loan["item"]) is loan]
    loan = world.recent(lent)
    item = loan["item"] if loan and world.chance(0.9) else f"BOOK-{world.rng.randint(1, 14)}"
    at = _after(world, loan) if loan else world.now
    where = {"library": world.pick(LIBRARIES), "library_area": world.area()}
    return world.command("ReturnItem", at, **where, item=item)


def charge_fine(world: World) -> Command:
    loan = _anything(world, world.event("ItemBorrowed"), "loan_id")
    return world.on_card(
        "ChargeFine",
        _stream(world, loan),
        fine_id=world.new_id("FN", world.ids("FineCharged", "fine_id")),
        loan_id=loan["loan_id"],
        library=world.pick(LIBRARIES),
        library_area=world.area(),
        amount_fen=world.amount(),
        reason=world.pick(["OVERDUE", "DAMAGED", "LOST"]),
    )


def pay_utility(world: World) -> Command:
    card = world.card()
    return world.on_card(
        "PayUtility",
        card,
        payment_id=world.new_id(
            "PU", [*world.ids("UtilityPaid", "payment_id"), *world.ids("MerchantPaid", "payment_id")]
        ),
        utility=world.pick(UTILITIES),
        utility_area=world.area(),
        account_hash=world.pick(["aa", "bb", "cc"]) * 32,
        bill_month=world.today[:7],
        amount_fen=world.amount(),
        **_acting(world, card),
    )


def refund_utility(world: World) -> Command:
    payment = _anything(world, world.event(world.pick(["UtilityPaid"] * 12 + ["MerchantPaid"])), "payment_id")
    return world.on_card(
        "RefundUtility",
        _stream(world, payment),
        _after(world, payment),
        payment_id=payment["payment_id"],
        refund_id=_refund_id(world),
    )


def issue_voucher(world: World) -> Command:
    return world.on_card(
        "IssueVoucher",
        world.living_card(),
        voucher_id=world.new_id("V", world.ids("VoucherIssued", "voucher_id")),
        province=world.province(),
        programme=world.pick(PROGRAMMES),
        face_fen=world.amount(),
        valid_from=world.day(-20, 5),
        valid_to=world.day(0, 150) if world.chance(0.95) else world.day(-40, -21),
        merchants=world.pick([None, None, ["M1"], ["M1", "M2"]]),
    )


def _voucher(world: World) -> Event:
    """Mostly one that can be redeemed today."""
    known = world.log.of("VoucherIssued")[-30:]
    live = [
        voucher
        for voucher in known
        if remaining(world.log, voucher) > 0
        and last_state(world.log, voucher["stream"]) == "ACTIVE"
        and voucher["valid_from"] <= world.today <= voucher["valid_to"]
    ]
    return _anything(world, world.recent(live if live and world.chance(0.85) else known), "voucher_id")


def redeem_voucher(world: World) -> Command:
    voucher = _voucher(world)
    left = remaining(world.log, voucher) if "face_fen" in voucher else 1
    card = _stream(world, voucher)
    return world.on_card(
        "RedeemVoucher",
        card,
        voucher_id=voucher["voucher_id"],
        redemption_id=world.new_id("RD", world.ids("VoucherRedeemed", "redemption_id")),
        merchant=world.pick(MERCHANTS),
        merchant_area=world.area(),
        amount_fen=max(1, world.pick([left, left // 2, left // 3, left + 1])),
        **_acting(world, card),
    )


def expire_voucher(world: World) -> Command:
    over = [one for one in world.log.of("VoucherIssued") if one["valid_to"] < world.today and remaining(world.log, one)]
    voucher = world.pick(over[-8:]) if over and world.chance(0.6) else _voucher(world)
    return world.on_card("ExpireVoucher", _stream(world, voucher), world.now, voucher_id=voucher["voucher_id"])


def set_student_status(world: World) -> Command:
    return world.on_card(
        "SetStudentStatus",
        world.living_card(),
        school=world.pick(["SCHOOL-1", "SCHOOL-2"]),
        status=world.pick(["ENROLLED", "SUSPENDED", "GRADUATED", "LEFT"]),
        valid_from=world.day(-30, 0),
        valid_to=world.pick([None, world.day(-40, 300)]),
    )


def credit_policy_fund(world: World) -> Command:
    firms = world.cards(personal=False)
    card = world.pick(firms) if firms and world.chance(0.93) else world.card()
    budget = world.event("BudgetIssued") or {"province": "34", "programme": "grain"}
    return world.on_card(
        "CreditPolicyFund",
        card,
        grant_id=world.new_id("GR", world.ids("PolicyFundCredited", "grant_id")),
        province=budget["province"],
        programme=budget["programme"],
        amount_fen=world.amount(),
        bank_transaction=world.fresh("TX"),
    )


ACTS: list[tuple[Act, int]] = [
    (use_service, 10),
    (pay_merchant, 12),
    (refund_merchant, 8),
    (close_merchant_day, 5),
    (grant_for_venues, 3),
    (enter_venue, 8),
    (borrow_item, 9),
    (return_item, 8),
    (charge_fine, 4),
    (pay_utility, 7),
    (refund_utility, 5),
    (issue_voucher, 8),
    (redeem_voucher, 14),
    (expire_voucher, 5),
    (set_student_status, 3),
    (credit_policy_fund, 4),
]
