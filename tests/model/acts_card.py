"""Acts of the card family: what happens to cards, told so that most cards stay usable and every state is met."""

from collections.abc import Callable
from typing import Any

from tests.model.card import bank_active
from tests.model.presence import last_state
from tests.model.world import DAY, Command, World, card_number

Act = Callable[[World], Command]

RELATIONS = ["SPOUSE", "PARENT", "CHILD", "SIBLING", "GRANDPARENT", "GRANDCHILD", "GUARDIAN", "OTHER"]


def _new_number(world: World, province: str | None = None) -> str:
    if world.chance(0.04) and world.cards():
        return str(world.pick(world.numbers(world.pick(world.cards()))))
    world.serial += 1
    return f"{world.area(province)}D156000005{world.serial:016X}"


def _expiry(world: World) -> str:
    return world.day(-3, 0) if world.chance(0.05) else world.day(300, 3000)


def issue(world: World) -> Command:
    without = [
        person
        for person in world.people
        if not any(
            world.holder(card) == person and last_state(world.log, card) != "CANCELLED" for card in world.cards()
        )
    ]
    person = world.pick(without) if without and world.chance(0.9) else world.person()
    young = person[6:10] > "2006"
    guardian = world.pick([*world.people, None]) if young or world.chance(0.1) else None
    if world.chance(0.1):
        guardian = person
    at = world.now if world.chance(0.8) else world.instant(1.0)
    return world.command(
        "IssueCard",
        at,
        card_sn=_new_number(world),
        card_number=card_number(world.rng.randint(1, 9_999_999)),
        social_security_number=person,
        bank=world.pick(["ABC", "ICBC"]),
        bank_account=f"{world.rng.randrange(16**64):064x}",
        expires_on=_expiry(world),
        guardian=guardian,
    )


def issue_enterprise(world: World) -> Command:
    return world.command(
        "IssueEnterpriseCard",
        card_sn=_new_number(world),
        card_number=card_number(world.rng.randint(1, 9_999_999)),
        bank="CCB",
        bank_account=f"{world.rng.randrange(16**64):064x}",
        expires_on=_expiry(world),
        credit_code=world.pick(world.companies),
    )


def activate(world: World) -> Command:
    waiting = [card for card in [*world.cards(), *world.cards(False)] if last_state(world.log, card) == "ISSUED"]
    card = world.pick(waiting) if waiting and world.chance(0.9) else world.card()
    if card not in waiting and bank_active(world.log, card) and world.chance(0.85):
        return any_life_cycle(world)
    application = "SOCIAL_SECURITY" if world.chance(0.8 if card in waiting else 0.05) else "BANK"
    return world.on_card("ActivateCard", card, application=application)


def any_life_cycle(world: World) -> Command:
    """The step the card's state calls for, often enough the one that brings it back to use."""
    card = world.living_card()
    off = [one for one in world.cards() if last_state(world.log, one) not in ("ACTIVE", "CANCELLED")]
    if off and world.chance(0.6):
        card = world.pick(off)
    state = last_state(world.log, card) if world.chance(0.95) else world.pick(["ACTIVE", "LOCKED", "FORMAL_LOSS"])
    if state == "ISSUED":
        return activate(world) if world.chance(0.9) else cancel(world, card)
    steps: dict[str | None, list[Callable[[World, str], Command]]] = {
        "ACTIVE": [report_loss, report_loss, report_loss, lock, lock, replace, bank],
        "TEMPORARY_LOSS": [expire, expire, lift, report_loss],
        "FORMAL_LOSS": [replace, replace, lift],
        "LOCKED": [unlock, unlock, replace],
    }
    if state not in steps:
        return issue(world)
    if world.chance(0.05):
        return world.pick([replace, expire, lift, lock, unlock])(world, card)  # type: ignore[no-any-return]
    return world.pick(steps[state])(world, card)  # type: ignore[no-any-return]


def report_loss(world: World, card: str) -> Command:
    link = world.pick([None, None, True, False])
    return world.on_card("ReportLoss", card, kind=world.pick(["TEMPORARY", "TEMPORARY", "FORMAL"]), link_bank=link)


def lift(world: World, card: str) -> Command:
    return world.on_card("LiftLoss", card)


def expire(world: World, card: str) -> Command:
    return world.on_card("ExpireTemporaryLoss", card)


def lock(world: World, card: str) -> Command:
    return world.on_card("LockCard", card, reason=world.pick(["PIN_ERRORS", "RISK"]))


def unlock(world: World, card: str) -> Command:
    return world.on_card("UnlockCard", card)


def bank(world: World, card: str) -> Command:
    return world.on_card("ActivateCard", card, application="BANK")


def cancel(world: World, card: str) -> Command:
    reason = world.pick(["DEATH", "DEATH", "EMIGRATION", "OTHER"])
    died_on = world.day(-40, 1) if reason == "DEATH" else None
    return world.on_card("CancelCard", card, reason=reason, died_on=died_on)


def replace(world: World, card: str) -> Command:
    lost = last_state(world.log, card) == "FORMAL_LOSS"
    reason = "LOST" if lost != world.chance(0.1) else world.pick(["DAMAGED", "EXPIRED", "DATA_CHANGE"])
    new_bank: dict[str, Any] = {}
    if world.chance(0.4):
        new_bank = {"bank": "ABC", "bank_account": f"{world.rng.randrange(16**64):064x}"}
    new_number = _new_number(world, world.home(card))
    if world.chance(0.05):
        new_number = world.number(card)
    return world.on_card(
        "ReplaceCard",
        card,
        new_card_sn=new_number,
        new_card_number=card_number(world.rng.randint(1, 9_999_999)),
        expires_on=_expiry(world),
        reason=reason,
        **new_bank,
    )


def any_cancel(world: World) -> Command:
    """Rare: only where the country would not run out of cards."""
    card = world.card()
    living = [one for one in world.cards() if last_state(world.log, one) != "CANCELLED"]
    return cancel(world, card) if len(living) > 8 else issue(world)


def electronic(world: World) -> Command:
    card = world.card()
    history = world.log.on(card, "ElectronicCardIssued", "ElectronicCardRevoked")
    in_force = bool(history) and history[-1]["event"] == "ElectronicCardIssued"
    if in_force != world.chance(0.12):
        return world.on_card("RevokeElectronicCard", card, reason=world.pick(["HOLDER", "RISK", "REPLACED"]))
    level = "PAYMENT" if bank_active(world.log, card) or world.chance(0.3) else "IDENTITY"
    return world.on_card("IssueElectronicCard", card, level=level)


def _matters(world: World) -> list[str]:
    words = ["ALL", "CARD", "MEDICAL", "MEDICAL", "TRANSIT", "SERVICE"]
    return sorted({world.pick(words) for _ in range(world.rng.randint(1, 3))})


def delegate(world: World) -> Command:
    known = world.ids("DelegateAuthorised", "delegation_id")
    if known and world.chance(0.3):
        event = world.event("DelegateAuthorised")
        card = event["stream"] if event and world.chance(0.9) else world.card()
        return world.on_card("EndDelegation", card, delegation_id=event["delegation_id"] if event else "DX")
    card = world.pick(world.cards(False)) if world.chance(0.1) and world.cards(False) else world.card()
    return world.on_card(
        "AuthoriseDelegate",
        card,
        delegation_id=world.new_id("DG", known),
        delegate=world.holder(card) if world.chance(0.08) else world.person(),
        relation=world.pick(RELATIONS),
        matters=_matters(world),
        valid_from=world.day(-60, 20),
        valid_to=world.day(-5, 200),
    )


def agent(world: World) -> Command:
    companies = world.cards(False)
    card = world.pick(companies) if companies and world.chance(0.85) else world.card()
    return world.on_card(
        "AuthoriseAgent",
        card,
        delegation_id=world.new_id("DG", world.ids("AgentAuthorised", "delegation_id"), 0.1),
        agent=world.person(),
        matters=_matters(world),
        valid_from=world.day(-60, 20),
        valid_to=world.day(-5, 200),
    )


def entitlement(world: World) -> Command:
    granted = world.event("EntitlementGranted")
    if granted and world.chance(0.25):
        card = granted["stream"] if world.chance(0.85) else world.card()
        ended_on = world.day(-20, 30)
        return world.on_card("EndEntitlement", card, entitlement_id=granted["entitlement_id"], ended_on=ended_on)
    kind = world.pick(["TRANSIT_CONCESSION", "TRANSIT_CONCESSION", "TRANSIT_CONCESSION", "VENUE", "LIBRARY"])
    concession = world.pick(["STUDENT", "ELDERLY", "DISABLED"]) if kind == "TRANSIT_CONCESSION" else None
    return world.on_card(
        "GrantEntitlement",
        world.card(),
        entitlement_id=world.new_id("EN", world.ids("EntitlementGranted", "entitlement_id")),
        kind=kind,
        concession_class=concession,
        province=world.province(),
        valid_from=world.day(-200, 5),
        valid_to=world.day(-3, 300),
    )


def beginnings(world: World) -> list[Command]:
    """The first cards, so that a history does not open with a hundred unknown ones."""
    commands = []
    for _ in range(9):
        commands.append(issue(world))
        world.now += DAY // 48
    commands.append(issue_enterprise(world))
    return commands


ACTS: list[tuple[Act, int]] = [
    (issue, 6),
    (issue_enterprise, 1),
    (activate, 12),
    (any_life_cycle, 40),
    (any_cancel, 5),
    (electronic, 10),
    (delegate, 10),
    (agent, 5),
    (entitlement, 10),
]

LIFE_AND_ELECTRONIC = (
    "ActivateCard ReportLoss LiftLoss ReplaceCard LockCard UnlockCard CancelCard IssueElectronicCard"
    " RevokeElectronicCard IssueCard IssueEnterpriseCard"
).split()
