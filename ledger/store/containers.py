"""Files of commands: JSON Lines, or an Avro object container whose records become lines on the way in.

Both are read as lines, so one path decides both. A record's nulls are left out (an absent field is null, contract 0.3)
and what Avro knows as instants, dates or uuids is written as the text a JSON command would hold.
"""

import io
import json
from collections.abc import Iterator
from datetime import date, datetime
from typing import Any, BinaryIO

import fastavro

from ledger.core.calendar import instant_of, instant_text

MAGIC = b"Obj\x01"
READ_AHEAD = 1 << 20
SYNC_BYTES = 16


class Damaged(Exception):
    """An Avro container that cannot be read (on); the message says from which record on."""


def open_commands(path: str) -> "io.BufferedReader[Any]":
    """The file's lines, to be closed by the caller. OSError or Damaged if it cannot be read from the start."""
    file = io.BufferedReader(io.FileIO(path), READ_AHEAD)
    try:
        if file.peek(len(MAGIC))[: len(MAGIC)] != MAGIC:
            return file
        return io.BufferedReader(_Lines(path, file), READ_AHEAD)
    except BaseException:
        file.close()
        raise


class _Lines(io.RawIOBase):
    """A container's records as JSON, one a line."""

    def __init__(self, path: str, file: BinaryIO) -> None:
        self._file = file
        self._path = path
        self._rest = b""
        try:
            reader = fastavro.reader(file)
        except Exception as error:
            raise Damaged(f"{path} begins like an Avro container, and its header cannot be read ({error!r})") from error
        if _last_bytes(path) != reader._header["sync"]:
            raise Damaged(f"{path} is an Avro container without its end: it was cut off, or is still being written")
        self._records: Iterator[Any] = iter(reader)
        self._read = 0

    def readable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._file.fileno()

    def readinto(self, buffer: Any) -> int:
        if not self._rest:
            self._rest = self._next_lines(len(buffer))
        count = min(len(buffer), len(self._rest))
        buffer[:count] = self._rest[:count]
        self._rest = self._rest[count:]
        return count

    def close(self) -> None:
        self._file.close()
        super().close()

    def _next_lines(self, wanted: int) -> bytes:
        lines: list[bytes] = []
        size = 0
        while size < wanted:
            try:
                record = next(self._records)
            except StopIteration:
                break
            except Exception as error:
                raise Damaged(f"{self._path} cannot be read after record {self._read} ({error!r})") from error
            self._read += 1
            lines.append(as_line(record))
            size += len(lines[-1])
        return b"".join(lines)


def _last_bytes(path: str) -> bytes:
    """Every block of a container ends with its sync marker. The library takes an end anywhere for the end."""
    with open(path, "rb") as file:
        file.seek(-SYNC_BYTES, io.SEEK_END)
        return file.read()


def as_line(record: Any) -> bytes:
    """One record as a line of JSON; what is no command is refused where every line is."""
    if isinstance(record, dict):
        record = {name: value for name, value in record.items() if value is not None}
    return json.dumps(record, ensure_ascii=False, separators=(",", ":"), default=_as_text).encode() + b"\n"


def _as_text(value: Any) -> str:
    if isinstance(value, datetime):
        return instant_text(instant_of(value)) if value.tzinfo is not None else value.isoformat()
    if isinstance(value, date):
        return value.isoformat()
    return value.hex() if isinstance(value, bytes) else str(value)
