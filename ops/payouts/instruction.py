"""The bank instruction of a batch that was sent: one row a line, as the batch's own events and rows say.

It is a function of what can no longer change (lines are stopped and cut before a batch is sent), so it is the same
file whenever it is written. It names no person and no account number, because the ledger knows neither: the account
is the keyed hash under which it was registered, and the line's id leads the paying office to its own list.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import psycopg

from ledger.core.decider import Event
from ledger.core.identity import stream_id_of
from ledger.families.benefit.payout import STOPPED, Batch, PayoutLine, line_key
from ledger.store import codec
from ledger.store.state import Asked
from projections.questions.naming import quoted

COLUMNS: Final = (
    "application_id", "batch_id", "line_id", "attempt", "bank", "bank_account", "card_province", "programme", "kind",
    "period", "amount_fen", "currency",
)  # fmt: skip
CURRENCY: Final = "CNY"
LINES: Final = ("PayoutLineAdded", "BenefitReissued")
EVENTS_AFTER_SENDING: Final = 8
PAGE: Final = 2_000
ENDING = """
    SELECT state FROM ledger.events WHERE originator_id = %s ORDER BY originator_version DESC LIMIT %s
"""
FOLLOWING = """
    SELECT originator_version, state FROM ledger.events
    WHERE originator_id = %s AND originator_version > %s ORDER BY originator_version LIMIT %s
"""


class NoInstruction(Exception):
    """There is nothing to write: `code` says why."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class TotalsDiffer(Exception):
    """The lines do not sum to what BatchSent told: the store contradicts itself."""


@dataclass
class Instruction:
    """The lines of a sent batch, to be taken once; `count` and `net_fen` grow while they are."""

    connection: psycopg.Connection[Any]
    batch_id: str
    batch: Batch
    sent: Event
    count: int = 0
    net_fen: int = 0

    def rows(self) -> Iterator[bytes]:
        """The file, header first, a page at a time. TotalsDiffer at the end if the lines are not those that were sent.

        Identifiers and codes hold neither commas nor quotes, so nothing needs quoting.
        """
        yield ",".join(COLUMNS).encode() + b"\n"
        after = 0
        while page := self._page(after):
            after = page[-1][0]
            yield self._written(page)
        if (self.count, self.net_fen) != (self.sent["line_count"], self.sent["net_fen"]):
            raise TotalsDiffer(
                f"batch {self.batch_id} has {self.count} lines of {self.net_fen} fen, and {self.sent['line_count']} of"
                f" {self.sent['net_fen']} were sent"
            )

    def _page(self, after: int) -> list[tuple[int, bytes]]:
        stream = stream_id_of(Batch.kind, self.batch_id)
        return self.connection.execute(FOLLOWING, (stream, after, PAGE), binary=True).fetchall()

    def _written(self, page: list[tuple[int, bytes]]) -> bytes:
        events = [codec.decode(data)[1] for _, data in page if codec.name_of(data) in LINES]
        names = [(PayoutLine, line_key(self.batch_id, event["line_id"])) for event in events]
        found = dict(Asked(self.connection, names).found()) if names else {}
        text = []
        for event, name in zip(events, names, strict=True):
            line = found[name]
            assert isinstance(line, PayoutLine)
            if line.outcome != STOPPED:
                self.count += 1
                self.net_fen += line.net_fen
                text.append(self._row(event, line))
        return "".join(text).encode()

    def _row(self, event: Event, line: PayoutLine) -> str:
        batch = self.batch
        return (
            f"{self.sent['application_id']},{self.batch_id},{event['line_id']},{line.retry_count},{batch.bank},"
            f"{event['bank_account']},{event['card_province']},{batch.programme},{batch.benefit},{batch.period},"
            f"{line.net_fen},{CURRENCY}\n"
        )


def instruction_of(connection: psycopg.Connection[Any], batch_id: str) -> Instruction:
    """The instruction of a batch; NoInstruction if there is no such batch, or nothing of it was sent."""
    found = dict(Asked(connection, [(Batch, batch_id)]).found())
    batch = found.get((Batch, batch_id))
    if not isinstance(batch, Batch):
        raise NoInstruction("batch_unknown", f"No payout batch is known by {quoted(batch_id, 'id')} in the log.")
    ending = connection.execute(ENDING, (stream_id_of(Batch.kind, batch_id), EVENTS_AFTER_SENDING), binary=True)
    for (data,) in ending.fetchall():
        if codec.name_of(data) == "BatchSent":
            return Instruction(connection, batch_id, batch, codec.decode(data)[1])
    raise NoInstruction("batch_not_sent", f"Batch {batch_id} is {batch.state} and was not sent to its bank.")
