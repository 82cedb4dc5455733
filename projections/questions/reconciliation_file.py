"""The other side's file: strict to the byte, so that a line misread is never taken for a discrepancy (queries.md 5).

Read in bounded memory; its SHA-256 is that of exactly the bytes that were compared.
"""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, Final, NamedTuple

DETAIL_COLUMNS: Final = (
    "setl_id mdtrt_id psn_no refd_setl_flag medfee_sumamt fund_pay_sumamt acct_pay setl_time msgid".split()
)
TOTAL_COLUMNS: Final = "insutype clr_type refd_setl_flag medfee_sumamt fund_pay_sumamt acct_pay setl_cnt".split()
TOTALS: Final = "L1_TOTALS"
LONGEST_LINE: Final = 65_536
AMOUNT: Final = re.compile(rb"(-?)([0-9]{1,14})\.([0-9]{2})")
INSTANT: Final = re.compile(rb"[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}")
COUNT: Final = re.compile(rb"[0-9]{1,18}")
CONTROL: Final = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")
NULL: Final = b"null"


class Misformed(Exception):
    """The file breaks the format; the message names the line."""

    def __init__(self, line: int, message: str) -> None:
        super().__init__(f"line {line}: {message}")


class Row(NamedTuple):
    """A row as compared. `key`: setl_id, or insutype/clr_type/flag of totals; None where the file says null."""

    line: int
    key: bytes | None
    flag: int
    visit_id: bytes | None
    total_fen: int
    fund_fen: int
    account_fen: int
    settlements: int


@dataclass(slots=True)
class File:
    """A file to be read once; `sha256` is right when all rows were read."""

    stream: BinaryIO
    level: str
    sha256: str = ""

    def rows(self) -> Iterator[Row]:
        digest = hashlib.sha256()
        columns = TOTAL_COLUMNS if self.level == TOTALS else DETAIL_COLUMNS
        read = _total if self.level == TOTALS else _detail
        number = 0
        while line := self.stream.readline(LONGEST_LINE + 1):
            digest.update(line)
            number += 1
            if len(line) > LONGEST_LINE:
                raise Misformed(number, f"longer than {LONGEST_LINE} bytes")
            line = line.removesuffix(b"\n").removesuffix(b"\r")
            fields = line.split(b"\t")
            if number == 1:
                _check_header(fields, columns)
                continue
            if len(fields) != len(columns):
                raise Misformed(number, f"{len(fields)} fields where {len(columns)} are due, divided by TAB")
            if CONTROL.search(line):
                raise Misformed(number, "control characters")
            _check_text(line, number)
            for column, field in zip(columns, fields, strict=True):
                if not field:
                    raise Misformed(number, f"{column} is empty: an absent value is written null")
            yield read(fields, number)
        if number == 0:
            raise Misformed(1, f"the column names are missing: {' '.join(columns)}")
        self.sha256 = digest.hexdigest()


def _check_header(fields: list[bytes], columns: list[str]) -> None:
    if fields != [column.encode() for column in columns]:
        if fields[0].startswith(b"\xef\xbb\xbf"):
            raise Misformed(1, "begins with a byte order mark: write UTF-8 without")
        raise Misformed(1, f"must name exactly these columns, divided by TAB: {' '.join(columns)}")


def _check_text(line: bytes, number: int) -> None:
    if not line.isascii():
        try:
            line.decode()
        except UnicodeDecodeError:
            raise Misformed(number, "not UTF-8") from None


def _detail(fields: list[bytes], number: int) -> Row:
    setl_id, visit, _, flag, total, fund, account, moment, _ = fields
    if moment != NULL and not INSTANT.fullmatch(moment):
        raise Misformed(number, "setl_time is not YYYY-MM-DD hh:mm:ss")
    return Row(
        number,
        None if setl_id == NULL else setl_id,
        _flag(flag, number),
        None if visit == NULL else visit,
        _fen(total, "medfee_sumamt", number),
        _fen(fund, "fund_pay_sumamt", number),
        _fen(account, "acct_pay", number),
        1,
    )


def _total(fields: list[bytes], number: int) -> Row:
    insutype, clr_type, flag, total, fund, account, count = fields
    if not COUNT.fullmatch(count):
        raise Misformed(number, "setl_cnt is not a count")
    key = None if NULL in (insutype, clr_type) else b"/".join((insutype, clr_type, flag))
    return Row(
        number,
        key,
        _flag(flag, number),
        None,
        _fen(total, "medfee_sumamt", number),
        _fen(fund, "fund_pay_sumamt", number),
        _fen(account, "acct_pay", number),
        int(count),
    )


def _flag(text: bytes, number: int) -> int:
    if text not in (b"0", b"1"):
        raise Misformed(number, "refd_setl_flag is neither 0 nor 1")
    return int(text)


def _fen(text: bytes, column: str, number: int) -> int:
    found = AMOUNT.fullmatch(text)
    if found is None:
        raise Misformed(number, f"{column} is not an amount with exactly two decimals")
    fen = int(found[2] + found[3])
    return -fen if found[1] else fen
