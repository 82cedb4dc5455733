"""Vouchers: value that a programme puts on a card, redeemed at merchants, given back when it ends (contract 6.10).

Issued = redeemed + expired + what is left, for every voucher at every moment.
"""

from collections.abc import Iterable
from typing import ClassVar, Final

from ledger.core import fields as types
from ledger.core import rows
from ledger.core.decider import Accepts, Command, CommandType, Draft, Event, EventType
from ledger.core.fields import optional, required
from ledger.core.postings import Posting
from ledger.core.rejection import Rejected
from ledger.core.rows import Page, Row
from ledger.core.world import Name, World
from ledger.families.card.admission import IS_ACTIVE
from ledger.families.card.holder import ALL_BUT_CANCELLED, on_card
from ledger.families.service import merchant_days

# --- facts -----------------------------------------------------------------------------------------------------------


class Voucher(Row):
    """Key: voucher_id. `merchants`: how many it names; 0: any merchant takes it. It is used up when nothing is left."""

    kind: ClassVar[str] = "voucher"
    card_id: str
    province: str
    programme: str
    valid_from: int
    valid_to: int
    merchants: int
    left: int
    expired: bool = False


class MerchantPage(Page):
    """The merchants a voucher names."""

    kind: ClassVar[str] = "voucher_merchants"
    SIZE: ClassVar[int] = 50
    items: list[str]


class Redemption(Row):
    """A redemption_id used. Key: redemption_id."""

    kind: ClassVar[str] = "redemption"
    voucher_id: str


# --- evolution -------------------------------------------------------------------------------------------------------


def issued(world: World, event: Event, position: int) -> None:
    merchants = event["merchants"] or ()
    voucher = Voucher(
        card_id=event["card_id"],
        province=event["province"],
        programme=event["programme"],
        valid_from=event["valid_from"],
        valid_to=event["valid_to"],
        merchants=len(merchants),
        left=event["face_fen"],
    )
    world.add(event["voucher_id"], voucher)
    for count, merchant in enumerate(merchants):
        rows.append(world, MerchantPage, event["voucher_id"], count, merchant)


def redeemed(world: World, event: Event, position: int) -> None:
    world.add(event["redemption_id"], Redemption(event["voucher_id"]))
    world.edit(Voucher, event["voucher_id"]).left -= event["amount_fen"]
    merchant_days.redeemed(world, event)


def expired(world: World, event: Event, position: int) -> None:
    voucher = world.edit(Voucher, event["voucher_id"])
    voucher.left -= event["amount_fen"]
    voucher.expired = True


# --- decisions -------------------------------------------------------------------------------------------------------


def issue(command: Command, world: World) -> list[Draft]:
    if command["valid_from"] > command["valid_to"]:
        raise Rejected("period_invalid", "valid_from must not be later than valid_to", "valid_from")
    if world.get(Voucher, command["voucher_id"]) is not None:
        raise Rejected("voucher_exists", "this voucher_id is in use: choose another", "voucher_id")
    return [Draft("VoucherIssued", card_id=command.card_id)]


def require_live(command: Command, world: World) -> Voucher:
    """The voucher of this card that a command names, with something left."""
    voucher = world.get(Voucher, command["voucher_id"])
    if voucher is None or voucher.card_id != command.card_id:
        raise Rejected("voucher_unknown", "no such voucher on this card", "voucher_id")
    if voucher.expired:
        raise Rejected("voucher_expired", "the voucher has expired", "voucher_id")
    if not voucher.left:
        raise Rejected("voucher_used", "nothing is left of the voucher", "voucher_id")
    return voucher


def redeem(command: Command, world: World) -> list[Draft]:
    if world.get(Redemption, command["redemption_id"]) is not None:
        raise Rejected("redemption_exists", "this redemption_id is in use: choose another", "redemption_id")
    voucher = require_live(command, world)
    if command.bdate < voucher.valid_from:
        raise Rejected("voucher_not_valid_yet", "the voucher is not valid yet on the business date", "voucher_id")
    if command.bdate > voucher.valid_to:
        raise Rejected("voucher_expired", "the voucher was no longer valid on the business date", "voucher_id")
    if voucher.merchants and not is_named(world, command["voucher_id"], voucher.merchants, command["merchant"]):
        raise Rejected("merchant_not_allowed", "the voucher names other merchants", "merchant")
    if command["amount_fen"] > voucher.left:
        raise Rejected("insufficient_voucher", f"{voucher.left} fen are left of the voucher", "amount_fen")
    return [Draft("VoucherRedeemed", card_id=command.card_id)]


def is_named(world: World, voucher_id: str, count: int, merchant: str) -> bool:
    return any(named == merchant for _, named in rows.scan(world, MerchantPage, voucher_id, count))


def expire(command: Command, world: World) -> list[Draft]:
    voucher = require_live(command, world)
    if command.bdate <= voucher.valid_to:
        raise Rejected("voucher_not_expired", "the voucher is still valid on the business date", "voucher_id")
    derived = {"province": voucher.province, "programme": voucher.programme, "amount_fen": voucher.left}
    return [Draft("VoucherExpired", derived, command.card_id)]


def keys(command: Command, world: World) -> Iterable[Name]:
    yield Voucher, command["voucher_id"]


def keys_of_issue(command: Command, world: World) -> Iterable[Name]:
    yield Voucher, command["voucher_id"]
    yield from _pages(command["voucher_id"], len(command.get("merchants", ())))


def keys_of_redemption(command: Command, world: World) -> Iterable[Name]:
    yield Voucher, command["voucher_id"]
    yield Redemption, command["redemption_id"]
    yield from merchant_days.counting_keys(command["merchant"], command.bdate)


def keys_of_redemption_then(command: Command, world: World) -> Iterable[Name]:
    voucher = world.get(Voucher, command["voucher_id"])
    if voucher is not None:
        yield from _pages(command["voucher_id"], voucher.merchants)


def _pages(voucher_id: str, count: int) -> Iterable[Name]:
    for index in range(0, count, MerchantPage.SIZE):
        yield MerchantPage, MerchantPage.at(voucher_id, index)


# --- postings --------------------------------------------------------------------------------------------------------


def account(event: Event) -> str:
    return f"card:{event['card_id']}:vouchers"


def programme(event: Event) -> str:
    return f"programme:{event['province']}:{event['programme']}"


def post_issue(event: Event) -> Iterable[Posting]:
    yield account(event), event["face_fen"]
    yield programme(event), -event["face_fen"]


def post_redemption(event: Event) -> Iterable[Posting]:
    yield f"merchant:{event['merchant']}", event["amount_fen"]
    yield account(event), -event["amount_fen"]


def post_expiry(event: Event) -> Iterable[Posting]:
    yield programme(event), event["amount_fen"]
    yield account(event), -event["amount_fen"]


VOUCHER_ID: Final = required("voucher_id", types.identifier)
COMMANDS: Final = (
    CommandType(
        "IssueVoucher",
        "service",
        (
            VOUCHER_ID,
            required("province", types.province),
            required("programme", types.identifier),
            required("face_fen", types.amount),
            required("valid_from", types.day),
            required("valid_to", types.day),
            optional("merchants", types.list_of(types.identifier, 1, 100)),
        ),
        issue,
        card=True,
        person=True,
        states=Accepts(ALL_BUT_CANCELLED),
        keys=keys_of_issue,
    ),
    CommandType(
        "RedeemVoucher",
        "service",
        (
            VOUCHER_ID,
            required("redemption_id", types.identifier),
            required("merchant", types.identifier),
            required("merchant_area", types.area),
            required("amount_fen", types.amount),
        ),
        redeem,
        card=True,
        use="SERVICE",
        person=True,
        states=IS_ACTIVE,
        keys=keys_of_redemption,
        keys_then=keys_of_redemption_then,
    ),
    CommandType("ExpireVoucher", "service", (VOUCHER_ID,), expire, card=True, always=True, keys=keys),
)
EVENTS: Final = (
    EventType("VoucherIssued", "service", on_card, issued, post_issue),
    EventType("VoucherRedeemed", "service", on_card, redeemed, post_redemption),
    EventType("VoucherExpired", "service", on_card, expired, post_expiry),
)
