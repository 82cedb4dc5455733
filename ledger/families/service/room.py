"""The service family: its commands and events, gathered for the registry."""

from typing import Final

from ledger.core.decider import CommandType, EventType
from ledger.families.service import (
    library,
    merchant,
    merchant_days,
    pass_revenue,
    passes,
    policy_fund,
    student,
    use,
    utility,
    venue,
    voucher,
)

ROOM: Final = (
    use, merchant, merchant_days, venue, library, passes, pass_revenue, utility, voucher, student, policy_fund
)  # fmt: skip
COMMANDS: Final[tuple[CommandType, ...]] = tuple(command for file in ROOM for command in file.COMMANDS)
EVENTS: Final[tuple[EventType, ...]] = tuple(event for file in ROOM for event in file.EVENTS)
