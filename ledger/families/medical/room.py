"""The medical family: accounts, registrations, settlements and how they are undone, and family aid (contract 4)."""

from typing import Final

from ledger.core.decider import CommandType, EventType
from ledger.families.medical import account, registration, reversal, settlement, spend, transfer, voiding

COMMANDS: Final[tuple[CommandType, ...]] = (
    *account.COMMANDS,
    *registration.COMMANDS,
    *settlement.COMMANDS,
    *reversal.COMMANDS,
    *voiding.COMMANDS,
    *transfer.COMMANDS,
    *spend.COMMANDS,
)
EVENTS: Final[tuple[EventType, ...]] = (
    *account.EVENTS,
    *registration.EVENTS,
    *settlement.EVENTS,
    *reversal.EVENTS,
    *voiding.EVENTS,
    *transfer.EVENTS,
    *spend.EVENTS,
)
