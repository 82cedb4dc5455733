"""Whether the controller still counts a node's broker among the living: read from the metadata log on its disk.

Nobody can be asked while nothing runs. Three kinds of records are understood, as Kafka's own message definitions have
them: RegisterBrokerRecord, UnregisterBrokerRecord and BrokerRegistrationChangeRecord. A test lets Kafka's own classes
read the same files.
"""

import contextlib
import io
import re
from pathlib import Path

from projections.kafka.segments import Segment

_METADATA = "__cluster_metadata-0"
_FRAME, _REGISTERED, _UNREGISTERED, _CHANGED = 1, 0, 1, 17
_INT16, _INT32, _INT64, _UUID = 2, 4, 8, 16


class Registration:
    """What the metadata log in a data directory says of one node's broker, as far as it is written."""

    def __init__(self, data: Path, node: int) -> None:
        self._log = data / _METADATA
        self._node = node
        kinds = bytes((_REGISTERED, _UNREGISTERED, _CHANGED))
        # Where a record about this node may begin: its frame and kind, any version, the node.
        self._mark = re.compile(rb"\x01[%b].%b" % (re.escape(kinds), re.escape(node.to_bytes(_INT32))), re.DOTALL)
        self._segments: dict[Path, Segment] = {}
        self._words: dict[Path, bool] = {}

    def counts_as_alive(self) -> bool:
        """Whether the last word about the broker is that it serves. Each asking reads what was written since the last.

        The first costs a look at each batch: about a second after a week.
        """
        # A log goes on where a snapshot ends, and may still hold what is in it: its word is never the older one.
        for files in (self._log.glob("*.log"), self._log.glob("*.checkpoint")):
            for path in sorted(files, reverse=True):
                with contextlib.suppress(FileNotFoundError):  # the controller removes what is old
                    self._read(path)
                if path in self._words:
                    return self._words[path]
        return False

    def _read(self, path: Path) -> None:
        segment = self._segments.setdefault(path, Segment(path))
        for value in segment.values(self._mark):
            if (word := _word(_Fields(value), self._node)) is not None:
                self._words[path] = word


def _word(fields: "_Fields", node: int) -> bool | None:
    """True, False, or None where a record is of something else."""
    frame, kind, version = fields.number(), fields.number(), fields.number()
    if frame != _FRAME or kind not in {_REGISTERED, _UNREGISTERED, _CHANGED} or fields.integer(_INT32) != node:
        return None
    if kind == _UNREGISTERED:
        return False
    return _registered(fields, version) if kind == _REGISTERED else _changed(fields)


def _registered(fields: "_Fields", version: int) -> bool:
    """In the log a broker begins fenced; a snapshot has it as it was."""
    fields.skip((1 if version >= 2 else 0) + _UUID + _INT64)
    for texts in (2, 1):  # an endpoint has a name and a host, a feature a name; both two numbers then
        for _ in range(fields.length()):
            for _ in range(texts):
                fields.text()
            fields.skip(2 * _INT16)
            fields.tags()
    fields.text()  # the rack
    return fields.integer(1) == 0


def _changed(fields: "_Fields") -> bool | None:
    """Tag 0: 1 that it is fenced, -1 that it is so no longer, 0 (or left out) that nothing changed in this."""
    fields.skip(_INT64)
    fenced = int.from_bytes(fields.tags().get(0, b"\0"), signed=True)
    return None if fenced == 0 else fenced < 0


class _Fields:
    """The fields of one record in Kafka's compact form, read in order."""

    def __init__(self, value: bytes) -> None:
        self._rest = io.BytesIO(value)

    def integer(self, size: int) -> int:
        return int.from_bytes(self._rest.read(size), signed=True)

    def number(self) -> int:
        """An unsigned number of seven bits a byte, the lowest first."""
        result, shift, more = 0, 0, True
        while more:
            byte = self.integer(1) & 0xFF
            result |= (byte & 0x7F) << shift
            shift, more = shift + 7, byte >= 0x80
        return result

    def length(self) -> int:
        """How many things follow; of what is not there (null), none."""
        return max(0, self.number() - 1)

    def text(self) -> bytes:
        return self._rest.read(self.length())

    def tags(self) -> dict[int, bytes]:
        return {self.number(): self._rest.read(self.number()) for _ in range(self.number())}

    def skip(self, size: int) -> None:
        self._rest.seek(size, io.SEEK_CUR)
