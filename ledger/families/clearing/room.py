"""The clearing family: its commands and events, gathered for the registry."""

from typing import Final

from ledger.core.decider import CommandType, EventType
from ledger.families.clearing import (
    audit,
    confirmation,
    cycle,
    dispute,
    notice,
    prepayment,
    reconciliation,
    remittance,
)  # fmt: skip

COMMANDS: Final[tuple[CommandType, ...]] = (
    *confirmation.COMMANDS,
    *audit.COMMANDS,
    *reconciliation.COMMANDS,
    *dispute.COMMANDS,
    *cycle.COMMANDS,
    *notice.COMMANDS,
    *remittance.COMMANDS,
    *prepayment.COMMANDS,
)
EVENTS: Final[tuple[EventType, ...]] = (
    *confirmation.EVENTS,
    *audit.EVENTS,
    *reconciliation.EVENTS,
    *dispute.EVENTS,
    *cycle.EVENTS,
    *notice.EVENTS,
    *remittance.EVENTS,
    *prepayment.EVENTS,
)
