"""A void says of a settlement sent under a reference: it never was (contract 4.6).

It wins in both orders. If the settlement came first it is undone and has no clearing lines; if it comes later it is
refused in stage 2. Once a cycle has taken the settlement only a reversal can undo it.
"""

from collections.abc import Iterable, Iterator
from typing import Any, Final

from ledger.core import fields as types
from ledger.core.decider import Command, CommandType, Draft, Event, EventType
from ledger.core.fields import required
from ledger.core.postings import Posting
from ledger.core.rejection import Rejected
from ledger.core.world import Name, World
from ledger.families.card.holder import on_card
from ledger.families.clearing.units import Unit, cycle_of, edit_unit
from ledger.families.medical.reversal import negated, require_no_deductions
from ledger.families.medical.settlement import REVERSED, VOIDED, Settlement, Voided, post, undo, unit_key

NOTHING: Final[dict[str, Any]] = {
    "settlement_id": None,
    "effective": False,
    "institution": None,
    "home_province": None,
    "treatment_province": None,
    "insutype": None,
    "clr_type": None,
    "total_fen": 0,
    "funds": {},
    "account_fen": 0,
    "account_mutual_aid_fen": 0,
    "wallet_fen": 0,
    "cash_fen": 0,
    "hospital_fen": 0,
    "cleared_fen": 0,
    "cross_province": False,
    "wallet_cleared": {},
    "original_position": None,
}

# --- evolution -------------------------------------------------------------------------------------------------------


def voided(world: World, event: Event, position: int) -> None:
    world.add(f"{event['submitter']}:{event['voided_reference']}", Voided(position))
    if event["effective"] and undo(world, event["settlement_id"], VOIDED).lines:
        edit_unit(world, unit_key(event["settlement_id"]), position).voided = True


# --- decisions -------------------------------------------------------------------------------------------------------


def keys(command: Command, world: World) -> Iterator[Name]:
    yield Voided, f"{command.submitter}:{command['voided_reference']}"


def recalls(command: Command) -> Iterator[tuple[str, str]]:
    yield command.submitter, command["voided_reference"]


def keys_then(command: Command, world: World) -> Iterator[Name]:
    recorded = world.recorded(command.submitter, command["voided_reference"])
    if recorded is not None and recorded[0] == "MedicalSettled":
        yield Settlement, recorded[1]["settlement_id"]
        yield Unit, unit_key(recorded[1]["settlement_id"])


def void(command: Command, world: World) -> list[Draft]:
    reference = command["voided_reference"]
    if world.get(Voided, f"{command.submitter}:{reference}") is not None:
        raise Rejected("already_voided", "this reference was voided before", "voided_reference")
    recorded = world.recorded(command.submitter, reference)
    if recorded is None:
        return [Draft("MedicalVoided", NOTHING, command.card_id)]
    name, event, _ = recorded
    if name != "MedicalSettled":
        raise Rejected("not_a_settlement", "another command is recorded under this reference", "voided_reference")
    settlement_id = event["settlement_id"]
    settlement = world.get(Settlement, settlement_id)
    if settlement is None or settlement.card_id != command.card_id:
        raise Rejected("settlement_unknown", "the settlement is on another card", "card_sn")
    if settlement.state == REVERSED:
        raise Rejected("settlement_reversed", "it was reversed before", "voided_reference")
    if settlement.lines and cycle_of(world, unit_key(settlement_id)) is not None:
        raise Rejected("settlement_cut_off", "a cycle has taken it: use ReverseMedical", "voided_reference")
    require_no_deductions(settlement, "voided_reference")
    derived = {**negated(settlement), "settlement_id": settlement_id, "effective": True}
    return [Draft("MedicalVoided", derived, command.card_id)]


# --- postings --------------------------------------------------------------------------------------------------------


def post_void(event: Event) -> Iterable[Posting]:
    return post(event) if event["effective"] else ()


COMMANDS: Final = (
    CommandType(
        "VoidMedical",
        "medical",
        (
            required("voided_reference", types.reference),
            required("reason", types.one_of("TIMEOUT", "OPERATOR")),
        ),
        void,
        card=True,
        always=True,
        keys=keys,
        keys_then=keys_then,
        recalls=recalls,
    ),
)
EVENTS: Final = (EventType("MedicalVoided", "medical", on_card, voided, post_void),)
