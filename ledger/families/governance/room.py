"""The governance family: its commands and events, gathered for the registry."""

from typing import Final

from ledger.core.decider import CommandType, EventType
from ledger.families.governance import access, configuration, erasure, links, restriction, scheme_items, seal

ROOM: Final = (seal, access, restriction, erasure, links, scheme_items, configuration)
COMMANDS: Final[tuple[CommandType, ...]] = tuple(command for file in ROOM for command in file.COMMANDS)
EVENTS: Final[tuple[EventType, ...]] = tuple(event for file in ROOM for event in file.EVENTS)
