"""The transit family: its commands and events, gathered for the registry."""

from typing import Final

from ledger.core.decider import CommandType, EventType
from ledger.families.transit import days, fares, purse, taps

COMMANDS: Final[tuple[CommandType, ...]] = (*purse.COMMANDS, *taps.COMMANDS, *fares.COMMANDS, *days.COMMANDS)
EVENTS: Final[tuple[EventType, ...]] = (*purse.EVENTS, *taps.EVENTS, *fares.EVENTS, *days.EVENTS)
