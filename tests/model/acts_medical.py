"""Acts of the medical family: bills that balance (mostly), what undoes them, registrations, and family aid."""

from collections.abc import Callable
from typing import Any

from tests.model.aid import lots
from tests.model.formats import EMERGENCY, INPATIENT
from tests.model.medical import is_reversed, is_voided, registrations
from tests.model.presence import last_state
from tests.model.world import AREAS, DAY, SUBMITTERS, Command, World

Act = Callable[[World], Command]


def contribute(world: World) -> Command:
    card = world.card()
    return world.on_card(
        "ContributeAccount",
        card,
        home_area=world.area(world.home(card)),
        month=world.today[:7],
        source=world.pick(["EMPLOYEE", "EMPLOYER", "INTEREST"]),
        amount_fen=world.amount(6000),
    )


def withdraw(world: World) -> Command:
    card = world.card()
    balance = world.log.balance(f"card:{card}:medical_account")
    amount = balance if balance and world.chance(0.3) else world.amount(max(1, balance // 2 + 50))
    return world.on_card(
        "WithdrawAccount",
        card,
        home_area=world.area(world.home(card)),
        reason=world.pick(["TRANSFER", "CORRECTION"]),
        amount_fen=amount,
    )


def register(world: World) -> Command:
    card = world.card()
    long_term = world.chance(0.6)
    reasons = ["RETIRED", "RESIDENT", "STATIONED"] if long_term else ["REFERRAL", "EMERGENCY", "OTHER"]
    valid_from = world.day(-60, 40)
    valid_to = None
    if world.chance(0.4):
        low, high = world.pick([(-70, 100), (100, 400), (200, 400)])
        valid_to = world.day(low, high)
    return actor(
        world,
        world.on_card(
            "RegisterTreatment",
            card,
            registration_id=world.new_id("RG", world.ids("TreatmentRegistered", "registration_id")),
            kind="LONG_TERM" if long_term else "TEMPORARY",
            reason=world.pick(reasons),
            home_area=world.area(world.home(card) if world.chance(0.9) else None),
            treatment_area=world.area(
                world.pick(sorted({*AREAS} - {world.home(card)})) if world.chance(0.95) else None
            ),
            valid_from=valid_from,
            valid_to=valid_to,
        ),
    )


def end_registration(world: World) -> Command:
    known = world.event("TreatmentRegistered")
    card = known["stream"] if known and world.chance(0.9) else world.card()
    registration_id = known["registration_id"] if known and world.chance(0.95) else "RG-none"
    ended_on = world.day(-90, 20) if world.chance(0.5) else world.day(60, 400)
    return world.on_card("EndTreatmentRegistration", card, registration_id=registration_id, ended_on=ended_on)


def actor(world: World, command: Command) -> Command:
    """Now and then somebody else acts, or the electronic card is shown."""
    if world.chance(0.08):
        grants = world.log.of("DelegateAuthorised", "AgentAuthorised")
        grant = world.recent(grants)
        if grant and world.chance(0.5):
            command["card_sn"] = world.numbers(grant["stream"])[-1]
            command["acting_person"] = world.in_clear[grant.get("delegate") or grant["agent"]]
        else:
            command["acting_person"] = world.person()
    if world.chance(0.05):
        command["channel"] = "ELECTRONIC_CARD"
        shown = world.event("ElectronicCardIssued", 6)
        if shown and world.chance(0.6):
            command["card_sn"] = world.numbers(shown["stream"])[-1]
    return command


def _funds(world: World) -> dict[str, int]:
    kinds = world.pick([[], ["310100"], ["310100"], ["310100", "330100"], ["390100"], ["610100", "310300"]])
    return {kind: world.amount(2000) for kind in kinds}


def _account_part(world: World, card: str, home: str) -> tuple[int, int, int]:
    """(account, mutual aid, wallet) within what the card holds, or a little above."""
    own = world.log.balance(f"card:{card}:medical_account")
    family = sum(lot["left"] for lot in lots(world.log, card, "FAMILY_AID") if lot["province"] == home)
    wallet = sum(lot["left"] for lot in lots(world.log, card, "WALLET"))
    parts = []
    for holds in (own, family, wallet):
        part = world.rng.randint(0, holds) if holds and world.chance(0.6) else 0
        if world.chance(0.03):
            part = holds + world.rng.randint(1, 5)
        parts.append(part)
    return parts[0] + parts[1] + parts[2], parts[1] + parts[2], parts[2]


def _stay(world: World) -> dict[str, Any]:
    if not world.chance(0.3):
        return {}
    admitted = world.rng.randint(-30, -1)
    discharged = admitted + (world.rng.randint(0, 12) if world.chance(0.93) else -2)
    return {"admitted_on": world.day(admitted, admitted), "discharged_on": world.day(discharged, discharged)}


def settle(world: World) -> Command:
    card = world.card()
    home = world.home(card) if world.chance(0.92) else world.province()
    med_type = world.pick(["11", "11", "11", "11", "12", "12", "2101", "2102", *EMERGENCY])
    provinces = [one["treatment_province"] for one in registrations(world.log, card) if one["home_province"] == home]
    inpatient = med_type in INPATIENT or home == "32"
    area = world.area(world.pick(provinces or [home]) if inpatient and world.chance(0.85) else None)
    account, aid, wallet = _account_part(world, card, home)
    funds, cash, hospital = _funds(world), world.pick([0, 0, world.amount()]), world.pick([0, 0, 0, world.amount(200)])
    total = sum(funds.values()) + account + cash + hospital
    if world.chance(0.02):
        aid = account + 1
    if world.chance(0.02):
        wallet = aid + 1
    if total == 0:
        cash = total = world.amount()
    if world.chance(0.015):
        total += 1
    used = world.ids("MedicalSettled", "settlement_id") + world.ids("MedicalReversed", "reversal_id")
    command = world.on_card(
        "SettleMedical",
        card,
        settlement_id=world.new_id("S", used, 0.02),
        visit_id=world.fresh("V"),
        institution=f"H{area[:2]}0{world.rng.randint(1, 2)}",
        home_area=world.area(home),
        treatment_area=area,
        insutype=world.pick(["310", "310", "390"]),
        med_type=med_type,
        clr_type=world.pick(["310112", "310212", "11"]),
        total_fen=total,
        funds=funds,
        account_fen=account,
        account_mutual_aid_fen=aid,
        wallet_fen=wallet if wallet or world.chance(0.2) else None,
        cash_fen=cash,
        hospital_fen=hospital,
        emergency=world.pick([None, None, None, True, False]),
        third_party_liable=True if world.chance(0.015) else world.pick([None, False]),
        **_stay(world),
    )
    if world.voided_ahead and world.chance(0.025):
        command["submitter"], command["reference"] = world.pick(world.voided_ahead)
    return actor(world, command)


def _after(world: World, event: dict[str, Any] | None) -> int:
    """Mostly after the act it undoes; sometimes long after, sometimes before."""
    if event is None or world.chance(0.5):
        return world.now
    return int(min(world.now, event["occurred_at"] + world.rng.randint(-DAY, 20 * DAY)))


def standing(world: World, crossing: bool = False) -> dict[str, Any] | None:
    """A late settlement that nothing has undone."""
    found = [
        event
        for event in world.log.of("MedicalSettled")[-40:]
        if not is_reversed(world.log, event["settlement_id"])
        and not is_voided(world.log, event)
        and (event["cross_province"] or not crossing)
    ]
    one: dict[str, Any] | None = world.recent(found, 30)
    return one


def reverse(world: World) -> Command:
    settled = standing(world) if world.chance(0.85) else world.event("MedicalSettled", 40)
    card = settled["stream"] if settled and world.chance(0.95) else world.card()
    used = world.ids("MedicalReversed", "reversal_id") + world.ids("MedicalSettled", "settlement_id")
    return world.on_card(
        "ReverseMedical",
        card,
        _after(world, settled),
        settlement_id=settled["settlement_id"] if settled and world.chance(0.97) else "S-none",
        reversal_id=world.new_id("SR", used),
        reason=world.pick(["CANCELLED", "REFUND"]),
    )


def void(world: World) -> Command:
    """After the settlement, or ahead of one that may still come, or of something else altogether."""
    event = standing(world) if world.chance(0.85) else world.recent(world.log.events, 40)
    if event is None or world.chance(0.35):
        submitter, reference = world.pick(SUBMITTERS), world.fresh("late-")
        if world.voided_ahead and world.chance(0.1):
            submitter, reference = world.pick(world.voided_ahead)
        else:
            world.voided_ahead.append((submitter, reference))
        card = world.card()
    else:
        submitter, reference = event["submitter"], event["reference"]
        card = event["stream"] if event["event"] == "MedicalSettled" and world.chance(0.93) else world.card()
    command = world.on_card("VoidMedical", card, voided_reference=reference, reason=world.pick(["TIMEOUT", "OPERATOR"]))
    command["submitter"] = submitter
    return command


# Family aid


def transfer(world: World) -> Command:
    giver, receiver = world.card(), world.card()
    if giver == receiver and world.chance(0.8):
        receiver = world.card()
    if world.log.balance(f"card:{giver}:medical_account") < 100 and world.chance(0.7):
        return contribute(world)
    across = world.chance(0.5)
    giver_province = world.home(giver)
    receiver_province = world.province() if across else giver_province
    balance = world.log.balance(f"card:{giver}:medical_account")
    amount = world.rng.randint(1, max(1, balance // 2)) if world.chance(0.93) else balance + 1
    if world.chance(0.05):
        amount = world.pick([200_001, 50_001])
    return actor(
        world,
        world.on_card(
            "TransferFamilyAid",
            giver,
            transfer_id=world.new_id("T", world.ids("FamilyAidTransferred", "transfer_id")),
            receiver_card_sn=world.number(receiver),
            giver_area=world.area(giver_province),
            receiver_area=world.area(receiver_province),
            giver_insutype="310" if world.chance(0.95) else "390",
            relation=world.pick(["SPOUSE", "PARENT", "CHILD"]),
            amount_fen=amount,
        ),
    )


def many_transfers(world: World) -> Command:
    """Another transfer on the day and by the card of the last one across provinces, to reach the daily count."""
    last = world.recent(world.log.all("FamilyAidTransferred", purse="WALLET"), 2)
    if last is None:
        return transfer(world)
    command = transfer(world)
    command["card_sn"] = world.numbers(last["stream"])[-1]
    command["receiver_card_sn"] = world.numbers(last["receiver_card_id"])[-1]
    command["giver_area"], command["receiver_area"] = last["giver_area"], last["receiver_area"]
    command.update(giver_insutype="310", amount_fen=world.rng.randint(1, 3))
    command["occurred_at"] = world.text(last["occurred_at"])
    return command


def _received(world: World) -> str:
    """A card that has something left, mostly."""
    having = [card for card in world.cards() if any(lot["left"] > 0 for lot in lots(world.log, card))]
    usable = [card for card in having if last_state(world.log, card) == "ACTIVE"]
    return str(world.pick(usable) if usable and world.chance(0.9) else world.card())


def spend(world: World) -> Command:
    card = _received(world)
    held = [lot["purse"] for lot in lots(world.log, card) if lot["left"] > 0]
    purse = world.pick(held if held and world.chance(0.93) else ["FAMILY_AID", "WALLET"])
    left = sum(lot["left"] for lot in lots(world.log, card, purse))
    amount = world.rng.randint(1, left) if left and world.chance(0.9) else left + 1
    purchase = world.chance(0.6)
    area = world.area()
    used = world.ids("FamilyAidSpent", "spend_id") + world.ids("FamilyAidSpendReversed", "reversal_id")
    return actor(
        world,
        world.on_card(
            "SpendFamilyAid",
            card,
            spend_id=world.new_id("X", used, 0.05),
            purse=purse,
            purpose="PURCHASE" if purchase else "PREMIUM",
            spend_area=area,
            institution=f"P{area[:2]}" if purchase else None,
            fund_pay_type=None if purchase else "390100",
            amount_fen=amount,
        ),
    )


def reverse_spend(world: World) -> Command:
    spent = world.event("FamilyAidSpent")
    if spent and world.log.first("FamilyAidSpendReversed", spend_id=spent["spend_id"]) and world.chance(0.7):
        return spend(world)
    card = spent["stream"] if spent and world.chance(0.93) else world.card()
    used = world.ids("FamilyAidSpendReversed", "reversal_id") + world.ids("FamilyAidSpent", "spend_id")
    return world.on_card(
        "ReverseFamilyAidSpend",
        card,
        _after(world, spent),
        spend_id=spent["spend_id"] if spent and world.chance(0.95) else "X-none",
        reversal_id=world.new_id("XR", used, 0.1),
    )


def give_back(world: World) -> Command:
    received = world.event("FamilyAidReceived", 30)
    card = received["stream"] if received and world.chance(0.93) else world.card()
    transfer_id = received["transfer_id"] if received else "T-none"
    left = sum(lot["left"] for lot in lots(world.log, card) if lot["transfer_id"] == transfer_id)
    amount = world.rng.randint(1, left) if left and world.chance(0.85) else left + 1
    return world.on_card("ReturnFamilyAid", card, transfer_id=transfer_id, amount_fen=amount)


ACTS: list[tuple[Act, int]] = [
    (contribute, 14),
    (withdraw, 3),
    (register, 10),
    (end_registration, 4),
    (settle, 48),
    (reverse, 5),
    (void, 4),
    (transfer, 9),
    (many_transfers, 3),
    (spend, 8),
    (reverse_spend, 4),
    (give_back, 4),
]
