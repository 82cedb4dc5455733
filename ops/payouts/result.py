"""The bank's result file: each of its lines says that a payout line was paid or came back, and becomes a command.

The reference is made of the batch, the line, its attempt and the result, so the same word of the bank is booked once
however many files repeat it. What the commands themselves do not carry (the amount of a return, the attempt, the
currency) is compared here, so that a bank that speaks of another payment is refused and not believed.
"""

import csv
import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, BinaryIO, Final

import psycopg

from ledger.core import fields
from ledger.core.fields import Parse
from ledger.core.identity import Keyring
from ledger.core.rejection import Rejected
from ledger.core.rows import Row
from ledger.core.shape import LINE_LIMIT
from ledger.core.world import Name
from ledger.families.benefit.payout import PayoutLine, line_key
from ledger.families.registry import TABLE
from ledger.service.batch import Line
from ledger.service.run import Answered, Form, InputLine
from ledger.store.state import Asked
from ops.payouts.instruction import CURRENCY

SUBMITTER: Final = "onecard-payouts"
COLUMNS: Final = (
    "batch_id", "line_id", "attempt", "result", "amount_fen", "currency", "reason", "bank_transaction", "occurred_at",
)  # fmt: skip
HEADER: Final = ",".join(COLUMNS)
PAID, RETURNED = "PAID", "RETURNED"
LONGEST_REFERENCE: Final = 128
MARK: Final = b"\xef\xbb\xbf"


class NoResultFile(Exception):
    """The file does not begin as a result file does."""


class Body:
    """A result file whose header was read and is shown as a blank line, so that lines keep their numbers."""

    def __init__(self, file: BinaryIO) -> None:
        first = file.readline(LINE_LIMIT)
        if first.removeprefix(MARK).rstrip(b"\r\n") != HEADER.encode():
            raise NoResultFile(f"its first line must be {HEADER}")
        self._file = file
        self._rest = b"\n"

    def read(self, size: int) -> bytes:
        """As of a file; first what stands for the header."""
        if self._rest and size > 0:
            rest, self._rest = self._rest, b""
            return rest
        return self._file.read(size)


class Results(Form):
    """Lines of a result file as commands. `connect` gives a connection to read from, `close` ends it."""

    def __init__(self, connect: Callable[[], psycopg.Connection[Any]]) -> None:
        self._connect = connect
        self._connection: psycopg.Connection[Any] | None = None

    def shaped(self, raw: bytes, sequence: int, keyring: Keyring) -> tuple[dict[str, Any] | None, Line]:
        """The line after its shape check; it is shown as it came, so there is no object."""
        try:
            return None, Line(sequence, TABLE.shape(command_of(row_of(raw)), keyring))
        except Rejected as rejected:
            return None, Line(sequence, None, rejected.kept())

    def screen(self, lines: Sequence[InputLine]) -> None:
        """Refuse lines that speak of another amount or attempt than their payout line's. Unknown ones are left to the
        decision, which has codes for them."""
        rows = [(line, row_of(line.raw)) for line in lines if line.line.command is not None]
        names = [(PayoutLine, line_key(row["batch_id"], row["line_id"])) for _, row in rows]
        found = self._found(list(dict.fromkeys(names))) if names else {}
        for (line, row), name in zip(rows, names, strict=True):
            known = found.get(name)
            refusal = _contradiction(known, row) if isinstance(known, PayoutLine) else None
            if refusal is not None:
                line.line.command, line.line.rejected = None, refusal

    def _found(self, names: Sequence[Name]) -> dict[Name, Row]:
        """Rows by name, on a fresh connection if the one we had is gone."""
        if self._connection is not None:
            try:
                return dict(Asked(self._connection, names).found())
            except psycopg.OperationalError:
                self.close()
        self._connection = self._connect()
        return dict(Asked(self._connection, names).found())

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def _contradiction(line: PayoutLine, row: Mapping[str, Any]) -> Rejected | None:
    if row["attempt"] != line.retry_count:
        return Rejected("attempt_differs", f"the instruction says attempt {line.retry_count}", "attempt")
    if row["amount_fen"] != line.net_fen:
        return Rejected("amount_differs", f"the line's net amount is {line.net_fen} fen", "amount_fen")
    return None


def row_of(raw: bytes) -> dict[str, Any]:
    """The cells of a line under their names, numbers as numbers, an empty cell left out; Rejected if it is no row."""
    if len(raw) > LINE_LIMIT:
        raise _malformed(f"longer than {LINE_LIMIT} bytes")
    try:
        (cells,) = csv.reader([raw.decode().removesuffix("\r")], strict=True)
    except UnicodeDecodeError as error:
        raise _malformed(f"not UTF-8 at byte {error.start}") from None
    except (csv.Error, ValueError) as error:
        raise _malformed(f"not CSV: {error}") from None
    if len(cells) != len(COLUMNS):
        raise _malformed(f"{len(cells)} cells, not {len(COLUMNS)}")
    row: dict[str, Any] = {name: cell for name, cell in zip(COLUMNS, cells, strict=True) if cell}
    for name, parse in CHECKS.items():
        if name not in row:
            raise Rejected("missing_field", f"{name} is required", name)
        try:
            row[name] = parse(row[name])
        except Rejected as rejected:
            raise Rejected(rejected.code, f"{name} {rejected.message}", name) from None
    if row["result"] == PAID and "reason" in row:
        raise Rejected("unknown_field", "reason is only taken of a return", "reason")
    return row


def command_of(row: Mapping[str, Any]) -> dict[str, Any]:
    """CreditBenefit or ReturnBenefit, as anybody might submit it."""
    names = ("batch_id", "line_id", "bank_transaction", "occurred_at")
    command = {name: row[name] for name in names if name in row}
    command |= {"submitter": SUBMITTER, "reference": reference_of(row)}
    if row["result"] == PAID:
        return command | {"command": "CreditBenefit", "amount_fen": row["amount_fen"]}
    return command | {"command": "ReturnBenefit"} | ({"reason": row["reason"]} if "reason" in row else {})


def reference_of(row: Mapping[str, Any]) -> str:
    """One reference for each result of each attempt; of long names their digest, since a reference has 128 characters.

    The two kinds cannot meet: the readable one has a colon between its names.
    """
    named = f"{row['batch_id']}:{row['line_id']}"
    readable = f"{row['result']}:{named}:{row['attempt']}"
    if len(readable) <= LONGEST_REFERENCE:
        return readable
    return f"{row['result']}:{hashlib.sha256(named.encode()).hexdigest()}:{row['attempt']}"


def once_each(answered: Iterator[list[Answered]]) -> Iterator[list[Answered]]:
    """A line that repeats one of the same run is no retry but a file that says something twice."""
    for some in answered:
        for one in some:
            if one.repeats_this_run:
                one.outcome = Rejected(
                    "line_twice", "this result was imported since the import began, mostly by a line before", "line_id"
                )
        yield some


def _malformed(message: str) -> Rejected:
    return Rejected("malformed_line", f"{message}: a line has {len(COLUMNS)} cells, {HEADER}", "line")


def _whole(parse: Parse) -> Parse:
    """A whole number in digits alone, then as `parse` has it."""

    def digits(value: str) -> Any:
        if not (value.isascii() and value.isdigit()) or (value[0] == "0" and value != "0"):
            raise fields.bad_format("a whole number in digits, without sign, comma, point or leading zero")
        return parse(int(value[:20]))

    return digits


# In this order; what is not here is checked as a field of the command.
CHECKS: Final[dict[str, Parse]] = {
    "batch_id": fields.identifier,
    "line_id": fields.identifier,
    "attempt": _whole(fields.count),
    "result": fields.one_of(PAID, RETURNED),
    "amount_fen": _whole(fields.amount),
    "currency": fields.one_of(CURRENCY),
}
