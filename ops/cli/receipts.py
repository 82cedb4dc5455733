"""What `submit` writes for each line: a receipt or a reject, as queries.md section 1 has them, and the sums of a run.

Receipts are written by hand because there are many and their parts are plain; rejects keep the numbers of the input
exactly as they came, and no person's number in them (contract 0.6).
"""

import json
from collections import Counter
from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from typing import Any, Final

import msgspec

from ledger.core.rejection import Rejected
from ledger.core.shape import masked, masked_text
from ledger.families.registry import TABLE
from ledger.service.batch import Receipt
from ledger.service.run import Answered, InputLine

WIDEST: Final = 2**63
_encode = msgspec.json.Encoder(decimal_format="number").encode


def _whole(digits: str) -> int | Decimal:
    return int(digits) if len(digits) < 4_000 else Decimal(digits)


def _fraction(digits: str) -> Decimal | msgspec.Raw:
    try:
        return Decimal(digits)
    except InvalidOperation:  # an exponent of 20 digits
        return msgspec.Raw(digits.encode())


_exactly = json.JSONDecoder(parse_float=_fraction, parse_int=_whole).decode


class Tally:
    """What became of the lines so far."""

    def __init__(self, files: Sequence[str]) -> None:
        self._openings = [f'{{"file":{json.dumps(name)},"line":' for name in files] if len(files) > 1 else ['{"line":']
        self.codes: Counter[str] = Counter()
        self.recorded = 0
        self.duplicate = 0
        self.first_position: int | None = None
        self.last: tuple[int, str, str] | None = None  # position, submitter, reference of the command recorded last

    @property
    def lines(self) -> int:
        return self.recorded + self.duplicate + self.codes.total()

    def take(self, answered: Sequence[Answered]) -> tuple[bytes, bytes]:
        """Count the lines of a batch; their receipts and their rejects."""
        receipts: list[str] = []
        rejects: list[bytes] = []
        openings = self._openings
        for one in answered:
            line, outcome = one.input, one.outcome
            opening = f"{openings[line.file if len(openings) > 1 else 0]}{line.number},"
            if isinstance(outcome, Receipt):
                receipts.append(opening + self._receipt(line, outcome))
            else:
                self.codes[outcome.code] += 1
                rejects.append(opening.encode() + _encode(reject(line, outcome))[1:] + b"\n")
        return "".join(receipts).encode(), b"".join(rejects)

    def _receipt(self, line: InputLine, receipt: Receipt) -> str:
        command = line.line.command
        assert command is not None
        reference = command.reference
        if receipt.status == "recorded":
            self.recorded += 1
            if self.first_position is None:
                self.first_position = receipt.position
            self.last = (receipt.position, command.submitter, reference)
        else:
            self.duplicate += 1
        if '"' in reference or "\\" in reference:
            reference = json.dumps(reference)[1:-1]
        return (
            f'"submitter":"{command.submitter}","reference":"{reference}","status":"{receipt.status}",'
            f'"card_id":"{receipt.card_id}","card_version":{receipt.card_version},"position":{receipt.position}}}\n'
        )


def reject(line: InputLine, rejected: Rejected) -> dict[str, Any]:
    """A refused line without its number: who sent it, why it is refused, what it said."""
    found = line.found or {}
    submitter, reference = found.get("submitter"), found.get("reference")
    return {
        "submitter": submitter if isinstance(submitter, str) else None,
        "reference": reference if isinstance(reference, str) else None,
        "code": rejected.code,
        "message": _with_field(rejected),
        "input": masked_text(line.raw) if line.found is None else _as_received(line),
    }


def _with_field(rejected: Rejected) -> str:
    """The message, and the field where it does not name it: an unknown one may be a person's number."""
    if rejected.field in rejected.message:
        return rejected.message
    return f"{masked_text(rejected.field.encode())}: {rejected.message}"


def _as_received(line: InputLine) -> Any:
    """The object with its persons masked; as text where it is nested too deeply to be looked through."""
    assert line.found is not None
    try:
        return _encodable(masked(_exactly(line.raw.decode()), TABLE.person_fields(line.found.get("command"))))
    except RecursionError:
        return masked_text(line.raw)


def _encodable(value: Any) -> Any:
    """Whole numbers beyond 64 bits as decimals, which the encoder writes digit by digit."""
    if type(value) is int:
        return value if -WIDEST <= value < WIDEST else Decimal(value)
    if type(value) is dict:
        return {name: _encodable(one) for name, one in value.items()}
    if type(value) is list:
        return [_encodable(one) for one in value]
    return value
