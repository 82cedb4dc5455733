"""Acts of governance: seals, records of access, restrictions, erasures, links of persons, items of schemes."""

from tests.model.acts_service import Act
from tests.model.governance import MEMBERS, cards_of
from tests.model.presence import holder, is_restricted, last_state
from tests.model.world import Command, World

ITEMS = ["transit", "medical.1", "library"]


def seal_log(world: World) -> Command:
    return world.command("SealLog", world.now, seal_id=world.new_id("SL", world.ids("LogSealed", "seal_id"), 0.1))


def seal_again(world: World) -> Command:
    """Right after a seal there is nothing to seal."""
    last = world.log.events[-1]["event"] if world.log.events else ""
    if last != "LogSealed":
        world.say(world.command("SealLog", world.now, seal_id=world.fresh("SL")))
    return world.command("SealLog", world.now, seal_id=world.fresh("SL"))


def record_access(world: World) -> Command:
    return world.on_card(
        "RecordAccess",
        world.pick([*world.cards(), *world.cards(personal=False)]),
        access_id=world.new_id("AC", world.ids("AuditAccessed", "access_id")),
        accessor=world.pick(["auditor-1", "clerk.7"]),
        purpose="inspection",
        query=world.pick(["BALANCE", "HISTORY", "EXPORT"]),
        from_province=world.province(),
        records=world.rng.randint(0, 20),
    )


def restrict(world: World) -> Command:
    """Seldom a card in use: a history must go on. Cancelled cards and those of people who hold several go first."""
    cards = world.cards()
    gone = [card for card in cards if last_state(world.log, card) == "CANCELLED"]
    card = world.pick(gone) if gone and world.chance(0.8) else world.pick([*cards, *world.cards(personal=False)])
    return world.on_card("RestrictProcessing", card, world.now, reason=world.pick(["WITHDRAWN", "COURT"]))


def destroy(world: World) -> Command:
    """Mostly for somebody whose cards are all restricted."""
    restricted = [card for card in world.cards() if is_restricted(world.log, card)]
    ready = [
        card
        for card in restricted
        if all(is_restricted(world.log, one["stream"]) for one in cards_of(world.log, holder(world.log, card)))
    ]
    card = world.pick(ready) if ready and world.chance(0.8) else world.card()
    return world.on_card("DestroyPersonKey", card, world.now, authority="archive office")


def restrict_the_rest(world: World) -> Command:
    """The next card of somebody of whom one is restricted already."""
    for card in world.cards():
        if is_restricted(world.log, card):
            for issue in cards_of(world.log, holder(world.log, card)):
                if not is_restricted(world.log, issue["stream"]):
                    return world.on_card("RestrictProcessing", issue["stream"], world.now, reason="WITHDRAWN")
    return restrict(world)


def reach_a_restricted_card(world: World) -> Command:
    restricted = [card for card in world.cards() if is_restricted(world.log, card)]
    card = world.pick(restricted) if restricted else world.card()
    name, fields = world.pick(
        [
            ("UnlockCard", {}),
            ("TopUpPurse", {"operator": "OP31", "amount_fen": 100}),
            ("ContributeAccount", {"home_area": "340100", "month": "2025-01", "source": "INTEREST", "amount_fen": 5}),
        ]
    )
    return world.on_card(name, card, world.now, **fields)


def link(world: World) -> Command:
    one, other = world.person(), world.person()
    known = world.event("PersonRecordsLinked")
    if known is not None and world.chance(0.2):
        one, other = world.in_clear[known["other_person"]], world.in_clear[known["person"]]
    return world.command(
        "LinkPersonRecords",
        link_id=world.new_id("LK", world.ids("PersonRecordsLinked", "link_id")),
        person=one,
        other_person=other,
        reason="same face",
    )


def unlink(world: World) -> Command:
    known = world.event("PersonRecordsLinked")
    link_id = known["link_id"] if known is not None and world.chance(0.93) else "none-such"
    return world.command("UnlinkPersonRecords", link_id=link_id, reason="another face")


def enable(world: World) -> Command:
    scheme = world.pick(["YRD", "YRD", "YRD", "JJJ"])
    return world.command(
        "EnableSchemeItem",
        item_scheme=scheme,
        item=world.pick(ITEMS),
        province=world.pick(MEMBERS[scheme]) if world.chance(0.93) else world.province(),
        valid_from=world.day(-200, 0),
        valid_to=world.pick([None, world.day(-220, 200), world.day(0, 60)]),
    )


ACTS: list[tuple[Act, int]] = [
    (seal_log, 4),
    (seal_again, 1),
    (record_access, 8),
    (restrict, 3),
    (restrict_the_rest, 2),
    (destroy, 4),
    (reach_a_restricted_card, 3),
    (link, 6),
    (unlink, 4),
    (enable, 8),
]
