"""Whether the controller still counts a node's broker among the living: read from the metadata log on its disk.

Nobody can be asked while nothing runs. Two kinds of records are understood, as Kafka's own message definitions have
them: RegisterBrokerRecord and BrokerRegistrationChangeRecord. A test lets Kafka's own tool read the same files.
"""

import io
import re
from collections.abc import Iterator
from pathlib import Path

from projections.kafka.segments import record_values

_METADATA = "__cluster_metadata-0"
_FRAME, _REGISTERED, _CHANGED = 1, 0, 17
_INT16, _INT32, _INT64, _UUID = 2, 4, 8, 16


def counts_as_alive(data: Path, node: int) -> bool:
    """Whether the last word of the metadata log about this node's broker is that it serves.

    Costs a look at each batch since the last snapshot but one: about a second after a week.
    """
    log = data / _METADATA
    # A log begins again after its snapshot, and both may be there for the same records: the log is newer.
    for files in (log.glob("*.log"), log.glob("*.checkpoint")):
        for file in sorted(files, reverse=True):
            if words := list(_words(file.read_bytes(), node)):
                return words[-1]
    return False


def _words(content: bytes, node: int) -> Iterator[bool]:
    """What a file says of the node, in its order: True that its broker serves, False that it does not."""
    frame = re.compile(rb"\x01[\x00\x11]." + re.escape(node.to_bytes(_INT32)), re.DOTALL)
    for value in record_values(content, frame):
        if (word := _word(_Fields(value), node)) is not None:
            yield word


def _word(fields: "_Fields", node: int) -> bool | None:
    """True, False, or None where a record is of something else."""
    frame, kind, version = fields.number(), fields.number(), fields.number()
    if frame != _FRAME or kind not in {_REGISTERED, _CHANGED} or fields.integer(_INT32) != node:
        return None
    return _registered(fields, version) if kind == _REGISTERED else _changed(fields)


def _registered(fields: "_Fields", version: int) -> bool:
    """In the log a broker begins fenced; a snapshot has it as it was."""
    fields.skip((1 if version >= 2 else 0) + _UUID + _INT64)
    for _ in range(fields.length()):
        fields.text(), fields.text()
        fields.skip(2 * _INT16)
        fields.tags()
    for _ in range(fields.length()):
        fields.text()
        fields.skip(2 * _INT16)
        fields.tags()
    fields.text()
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
