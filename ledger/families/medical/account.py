"""The holder's personal medical account: what flows in, and what leaves it other than for care (contract 4.1).

Care and family aid draw on it in `settlement` and `transfer`; its balance stands in the card's row.
"""

from collections.abc import Iterable
from typing import Final

from ledger.core import fields as types
from ledger.core.decider import Accepts, Command, CommandType, Draft, Event, EventType
from ledger.core.fields import required
from ledger.core.identity import card_id_of
from ledger.core.postings import Posting
from ledger.core.provinces import PERSONAL_ACCOUNT_FUND, province
from ledger.core.rejection import Rejected
from ledger.core.world import World
from ledger.families.card.holder import ALL_BUT_CANCELLED, Card, card_id_named, card_of, on_card

# --- facts -----------------------------------------------------------------------------------------------------------


def medical_account(card_id: str) -> str:
    return f"card:{card_id}:medical_account"


def card_expected(command: Command, world: World) -> str:
    """Before stage 4: the card whose rows the command will need, so that they can be loaded for a whole batch."""
    return card_id_named(world, command["card_sn"], command.sn_key) or card_id_of(command["card_sn"])


# --- evolution -------------------------------------------------------------------------------------------------------


def contributed(world: World, event: Event, position: int) -> None:
    world.edit(Card, event["card_id"]).medical_account += event["amount_fen"]


def withdrawn(world: World, event: Event, position: int) -> None:
    world.edit(Card, event["card_id"]).medical_account -= event["amount_fen"]


# --- decisions -------------------------------------------------------------------------------------------------------


def require_account(card: Card, amount: int, field: str) -> None:
    """Stage 7: the card's medical account holds `amount`."""
    balance = card.medical_account
    if balance < amount:
        raise Rejected("insufficient_medical_account", f"the medical account holds {balance} fen, not {amount}", field)


def contribute(command: Command, world: World) -> list[Draft]:
    return [Draft("AccountContributed", card_id=command.card_id)]


def withdraw(command: Command, world: World) -> list[Draft]:
    require_account(card_of(world, command.card_id), command["amount_fen"], "amount_fen")
    return [Draft("AccountWithdrawn", card_id=command.card_id)]


# --- postings --------------------------------------------------------------------------------------------------------


def post_contribution(event: Event) -> Iterable[Posting]:
    yield medical_account(event["card_id"]), event["amount_fen"]
    yield f"fund:{province(event['home_area'])}:{PERSONAL_ACCOUNT_FUND}", -event["amount_fen"]


def post_withdrawal(event: Event) -> Iterable[Posting]:
    yield medical_account(event["card_id"]), -event["amount_fen"]
    yield f"fund:{province(event['home_area'])}:{PERSONAL_ACCOUNT_FUND}", event["amount_fen"]


SOURCES: Final = types.one_of("EMPLOYEE", "EMPLOYER", "INTEREST", "SUBSIDY", "TRANSFER")
REASONS: Final = types.one_of("DEATH", "EMIGRATION", "TRANSFER", "CORRECTION")
COMMANDS: Final = (
    CommandType(
        "ContributeAccount",
        "medical",
        (
            required("home_area", types.area),
            required("month", types.month),
            required("source", SOURCES),
            required("amount_fen", types.amount),
        ),
        contribute,
        card=True,
        person=True,
        always=True,
        states=Accepts(ALL_BUT_CANCELLED),
    ),
    CommandType(
        "WithdrawAccount",
        "medical",
        (required("home_area", types.area), required("reason", REASONS), required("amount_fen", types.amount)),
        withdraw,
        card=True,
        person=True,
        always=True,
    ),
)
EVENTS: Final = (
    EventType("AccountContributed", "medical", on_card, contributed, post_contribution),
    EventType("AccountWithdrawn", "medical", on_card, withdrawn, post_withdrawal),
)
