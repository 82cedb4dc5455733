"""Using the card as proof at a service point: a log-in, a gate, a queue, an application (contract 6.1).

Nothing is owed and no order between steps is enforced: the ledger keeps who used what, where and with what result.
"""

from typing import Final

from ledger.core import fields as types
from ledger.core.decider import Command, CommandType, Draft, EventType
from ledger.core.fields import optional, required
from ledger.core.provinces import province
from ledger.core.world import World
from ledger.families.card.admission import IS_ACTIVE
from ledger.families.card.holder import card_of, on_card

# --- decisions -------------------------------------------------------------------------------------------------------


def use_service(command: Command, world: World) -> list[Draft]:
    cross_province = province(command["service_area"]) != card_of(world, command.card_id).province
    return [Draft("ServiceUsed", {"cross_province": cross_province}, command.card_id)]


STEPS: Final = types.one_of(
    "IDENTITY", "LOGIN", "QUERY", "GATE", "QUEUE", "APPLICATION", "ACCEPTANCE", "COLLECTION"
)  # fmt: skip
COMMANDS: Final = (
    CommandType(
        "UseService",
        "service",
        (
            required("service_code", types.identifier),
            required("service_area", types.area),
            required("step", STEPS),
            required("result", types.one_of("SUCCESS", "FAILURE")),
            optional("matter_id", types.identifier),
            optional("package_id", types.identifier),
            optional("token_hash", types.digest),
        ),
        use_service,
        card=True,
        use="SERVICE",
        states=IS_ACTIVE,
    ),
)
EVENTS: Final = (EventType("ServiceUsed", "service", on_card),)
