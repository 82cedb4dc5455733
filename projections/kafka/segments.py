"""What a file of Kafka's holds, read from the disk while no broker runs that could be asked."""

import mmap
import re
import struct
from pathlib import Path

from kafka.record import MemoryRecords

# A batch begins with its first offset and the length of what follows.
_BATCH = struct.Struct(">qi")
_SMALLEST = 61


class Segment:
    """A file of batches, which may grow between two readings."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._place = 0

    def values(self, mark: re.Pattern[bytes]) -> list[bytes]:
        """The values of the records since the last reading in the batches where the mark occurs, in order.

        Markers of transactions have none. What is not whole ends the file, as a kill or a crash of the machine leaves
        it: Kafka cuts it off when it starts.
        """
        with self._path.open("rb") as file:
            if self._path.stat().st_size == 0:
                return []
            with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
                return self._read_on(content, mark)

    def _read_on(self, content: mmap.mmap, mark: re.Pattern[bytes]) -> list[bytes]:
        found: list[bytes] = []
        size = len(content)
        place = self._place
        while place + _BATCH.size <= size:
            end = place + _BATCH.size + _BATCH.unpack_from(content, place)[1]
            if end > size or end < place + _SMALLEST:
                break
            if mark.search(content, place, end):
                batch = MemoryRecords(content[place:end]).next_batch()
                if batch is None or not batch.validate_crc():
                    break
                if not batch.is_control_batch:
                    found.extend(record.value for record in batch)
            place = end
        self._place = place
        return found
