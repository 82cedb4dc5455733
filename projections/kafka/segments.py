"""What a file of Kafka's holds, read from the disk while no broker runs that could be asked."""

import re
import struct
from collections.abc import Iterator

from kafka.record import MemoryRecords

# A batch begins with its first offset and the length of what follows.
_BATCH = struct.Struct(">qi")
_SMALLEST = 61


def record_values(content: bytes, mark: re.Pattern[bytes]) -> Iterator[bytes]:
    """The values of the records in the batches where the mark occurs, in order; markers of transactions have none.

    What is not whole ends the file, as a kill or a crash of the machine leaves it: Kafka cuts it off when it starts.
    """
    place = 0
    while place + _BATCH.size <= len(content):
        end = place + _BATCH.size + _BATCH.unpack_from(content, place)[1]
        if end > len(content) or end < place + _SMALLEST:
            return
        if mark.search(content, place, end):
            batch = MemoryRecords(content[place:end]).next_batch()
            if batch is None or not batch.validate_crc():
                return
            if not batch.is_control_batch:
                yield from (record.value for record in batch)
        place = end
