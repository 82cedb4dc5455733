"""The room of benefits: budgets, payout batches, their lines, and what is paid wrongly."""

from ledger.core.decider import CommandType, EventType
from ledger.families.benefit import bank, batch, budget, disclosure, line, offset, overpayment, reissue

FILES = (budget, batch, line, disclosure, bank, reissue, overpayment, offset)
COMMANDS: tuple[CommandType, ...] = tuple(command for file in FILES for command in file.COMMANDS)
EVENTS: tuple[EventType, ...] = tuple(event for file in FILES for event in file.EVENTS)
