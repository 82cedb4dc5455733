"""Status of a student at a school: a record that no rule looks at; the last one per school stands (contract 6.11)."""

from typing import Final

from ledger.core import fields as types
from ledger.core.decider import Accepts, Command, CommandType, Draft, EventType
from ledger.core.fields import optional, required
from ledger.core.rejection import Rejected
from ledger.core.world import World
from ledger.families.card.holder import ALL_BUT_CANCELLED, on_card

# --- decisions -------------------------------------------------------------------------------------------------------


def set_status(command: Command, world: World) -> list[Draft]:
    if command.get("valid_to") is not None and command["valid_to"] < command["valid_from"]:
        raise Rejected("period_invalid", "valid_to must not be earlier than valid_from", "valid_to")
    return [Draft("StudentStatusSet", card_id=command.card_id)]


COMMANDS: Final = (
    CommandType(
        "SetStudentStatus",
        "service",
        (
            required("school", types.identifier),
            required("status", types.one_of("ENROLLED", "SUSPENDED", "GRADUATED", "LEFT")),
            required("valid_from", types.day),
            optional("valid_to", types.day),
        ),
        set_status,
        card=True,
        person=True,
        states=Accepts(ALL_BUT_CANCELLED),
    ),
)
EVENTS: Final = (EventType("StudentStatusSet", "service", on_card),)
