"""The card family: its commands and events, gathered for the registry."""

from typing import Final

from ledger.core.decider import CommandType, EventType
from ledger.families.card import delegation, electronic, entitlement, issue, lifecycle

COMMANDS: Final[tuple[CommandType, ...]] = (
    *issue.COMMANDS,
    *lifecycle.COMMANDS,
    *electronic.COMMANDS,
    *delegation.COMMANDS,
    *entitlement.COMMANDS,
)
EVENTS: Final[tuple[EventType, ...]] = (
    *issue.EVENTS,
    *lifecycle.EVENTS,
    *electronic.EVENTS,
    *delegation.EVENTS,
    *entitlement.EVENTS,
)
