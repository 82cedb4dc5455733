"""Money that really moved between provinces, or cities, for what was owed; and its way back (contract 7.9).

A remittance is undone whole and once by a RETURN, which exchanges payer and payee; so one rule posts both: whoever is
the debtor of the pair reduces what is owed by paying.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Any, ClassVar, Final

from ledger.core import fields as types
from ledger.core.decider import Command, CommandType, Draft, Event, EventType, StreamName, needed_only
from ledger.core.fields import matching, optional, required
from ledger.core.postings import Posting, owed
from ledger.core.rejection import Rejected
from ledger.core.rows import StreamRow
from ledger.core.world import Name, World
from ledger.families.clearing.notice import Notice
from ledger.families.clearing.prepayment_account import Prepayment, draw_down, pair_key, require_balance
from ledger.families.transit.obligation import CityPair, move, pair_balance
from ledger.families.transit.obligation import pair_key as city_pair_key

TRANSFER: Final = "TRANSFER"
PREPAYMENT: Final = "PREPAYMENT"
RETURN: Final = "RETURN"
PREFIX: Final = {"MEDICAL": "", "PASS": "pass_", "TRANSIT": "transit_"}

# --- facts -----------------------------------------------------------------------------------------------------------


class Remittance(StreamRow):
    """Key: remittance_id. The row exists once it is recorded. `home`, `treatment`: the cities for book TRANSIT."""

    kind: ClassVar[str] = "remittance"
    book: str = ""
    method: str = ""
    notice_id: str | None = None
    home: str = ""
    treatment: str = ""
    payer: str = ""
    payee: str = ""
    amount_fen: int = 0
    returned: bool = False


def on_remittance(event: Event) -> StreamName:
    return Remittance, event["remittance_id"]


# --- evolution -------------------------------------------------------------------------------------------------------


def recorded(world: World, event: Event, position: int) -> None:
    remittance = world.edit(Remittance, event["remittance_id"])
    remittance.book = event["book"]
    remittance.method = event["method"]
    remittance.notice_id = event["notice_id"]
    remittance.home = event["home"]
    remittance.treatment = event["treatment"]
    remittance.payer = event["payer"]
    remittance.payee = event["payee"]
    remittance.amount_fen = event["amount_fen"]
    if event["returned_remittance_id"] is not None:
        world.edit(Remittance, event["returned_remittance_id"]).returned = True
    if event["notice_id"] is not None:
        sign = -1 if event["method"] == RETURN else 1
        world.edit(Notice, event["notice_id"]).remitted_fen += sign * event["amount_fen"]
    else:
        move(world, event["home"], event["treatment"], reduction(event))
    drawn = drawn_down(event)
    if drawn:
        world.edit(Prepayment, pair_key(event["home"], event["treatment"])).balance -= drawn


def reduction(event: Event) -> int:
    """What the remittance adds to what home owes treatment: minus its amount when home pays."""
    amount: int = event["amount_fen"]
    return -amount if event["payer"] == event["home"] else amount


def drawn_down(event: Event) -> int:
    """What the remittance takes out of the prepayment; a RETURN of one that did puts it back."""
    amount: int = event["amount_fen"]
    if event["method"] == PREPAYMENT:
        return amount
    return -amount if event["returned_method"] == PREPAYMENT else 0


# --- decisions -------------------------------------------------------------------------------------------------------


def record(command: Command, world: World) -> list[Draft]:
    if world.get(Remittance, command["remittance_id"]) is not None:
        raise Rejected("remittance_exists", "this remittance_id was used before", "remittance_id")
    if command["method"] == RETURN:
        return _bring_back(command, world)
    return _pay_cities(command, world) if command["book"] == "TRANSIT" else _pay_notice(command, world)


def _pay_notice(command: Command, world: World) -> list[Draft]:
    notice = world.get(Notice, command["notice_id"])
    if notice is None or notice.book != command["book"]:
        raise Rejected("notice_unknown", "no such notice is recorded in this book", "notice_id")
    by_prepayment = command["method"] == PREPAYMENT
    if by_prepayment and (command["book"] != "MEDICAL" or notice.payer != notice.home):
        message = "only what home owes by a medical notice is paid from its prepayment"
        raise Rejected("prepayment_not_applicable", message, "method")
    left = notice.amount_fen - notice.remitted_fen
    if command["amount_fen"] > left:
        raise Rejected("remittance_exceeds_owed", f"only {left} fen of the notice are still owed", "amount_fen")
    if by_prepayment:
        require_balance(world, notice.home, notice.treatment, command["amount_fen"])
    return [_draft(notice.home, notice.treatment, notice.payer, notice.payee, None)]


def _pay_cities(command: Command, world: World) -> list[Draft]:
    if command["method"] == PREPAYMENT:
        raise Rejected("prepayment_not_applicable", "transit has no prepayment", "method")
    issue, use = command["issue_city"], command["use_city"]
    balance = pair_balance(world, issue, use)
    if command["amount_fen"] > abs(balance):
        raise Rejected("remittance_exceeds_owed", f"only {abs(balance)} fen are still owed", "amount_fen")
    payer, payee = (issue, use) if balance > 0 else (use, issue)
    return [_draft(issue, use, payer, payee, None)]


def _bring_back(command: Command, world: World) -> list[Draft]:
    undone = world.get(Remittance, command["returned_remittance_id"])
    if undone is None or not _is_of(undone, command):
        raise Rejected(
            "remittance_unknown",
            "no such remittance of this notice or pair of cities is recorded",
            "returned_remittance_id",
        )
    if undone.returned or undone.method == RETURN:
        raise Rejected("remittance_returned", "it was returned before, or is itself a return", "returned_remittance_id")
    if command["amount_fen"] != undone.amount_fen:
        raise Rejected("amount_differs", f"a return is whole: {undone.amount_fen} fen", "amount_fen")
    return [_draft(undone.home, undone.treatment, undone.payee, undone.payer, undone.method)]


def _is_of(remittance: Remittance, command: Command) -> bool:
    """Whether a remittance has the command's book and its notice or cities."""
    if remittance.book != command["book"] or remittance.notice_id != command.get("notice_id"):
        return False
    cities = command.get("issue_city"), command.get("use_city")
    return remittance.book != "TRANSIT" or cities == (remittance.home, remittance.treatment)


def _draft(home: str, treatment: str, payer: str, payee: str, returned_method: str | None) -> Draft:
    derived: dict[str, Any] = {
        "home": home,
        "treatment": treatment,
        "payer": payer,
        "payee": payee,
        "returned_method": returned_method,
    }
    return Draft("RemittanceRecorded", derived)


def keys(command: Command, world: World) -> Iterator[Name]:
    yield Remittance, command["remittance_id"]
    if "returned_remittance_id" in command.fields:
        yield Remittance, command["returned_remittance_id"]
    if "notice_id" in command.fields:
        yield Notice, command["notice_id"]
    if command["book"] == "TRANSIT":
        yield CityPair, city_pair_key(command["issue_city"], command["use_city"])


def keys_then(command: Command, world: World) -> Iterator[Name]:
    notice = world.get(Notice, command["notice_id"]) if "notice_id" in command.fields else None
    if notice is not None and notice.book == "MEDICAL":
        yield Prepayment, pair_key(notice.home, notice.treatment)


# --- postings --------------------------------------------------------------------------------------------------------


def post(event: Event) -> Iterable[Posting]:
    home, treatment = event["home"], event["treatment"]
    yield from owed(PREFIX[event["book"]], home, treatment, reduction(event))
    yield from draw_down(home, treatment, drawn_down(event))


def _returns(fields: dict[str, Any]) -> bool:
    return bool(fields["method"] == RETURN)


def _has_notice(fields: dict[str, Any]) -> bool:
    return fields["book"] in ("MEDICAL", "PASS")


def _has_cities(fields: dict[str, Any]) -> bool:
    return bool(fields["book"] == "TRANSIT")


def _moves_money(fields: dict[str, Any]) -> bool:
    return fields["method"] in (TRANSFER, RETURN)


CITY: Final = matching(re.compile(r"[0-9]{4}"), "a city code of 4 digits")
COMMANDS: Final = (
    CommandType(
        "RecordRemittance",
        "clearing",
        (
            required("remittance_id", types.identifier),
            required("book", types.one_of("MEDICAL", "PASS", "TRANSIT")),
            required("method", types.one_of(TRANSFER, PREPAYMENT, RETURN)),
            optional("returned_remittance_id", types.identifier),
            optional("notice_id", types.identifier),
            optional("issue_city", CITY),
            optional("use_city", CITY),
            required("amount_fen", types.amount),
            optional("bank_transaction", types.identifier),
            required("paid_on", types.day),
        ),
        record,
        shape=(
            needed_only("returned_remittance_id", _returns, "with method RETURN"),
            needed_only("notice_id", _has_notice, "with book MEDICAL or PASS"),
            needed_only("issue_city", _has_cities, "with book TRANSIT"),
            needed_only("use_city", _has_cities, "with book TRANSIT"),
            needed_only("bank_transaction", _moves_money, "with method TRANSFER or RETURN"),
        ),
        keys=keys,
        keys_then=keys_then,
    ),
)
EVENTS: Final = (EventType("RemittanceRecorded", "clearing", on_remittance, recorded, post),)
