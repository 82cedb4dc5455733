"""The headers of a record: CloudEvents' binary mode, and where the record stands in its ledger.

`prev_position` is the position of the record before it in the same topic-partition (0 for the first): who may read one
family only sees positions with gaps, and still notices a record that is missing. No header holds anything personal:
headers are not covered by the rights on fields.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from ledger.core.calendar import SECOND, instant_text
from ledger.store import codec

NAMES: Final = (
    "ce_specversion",
    "ce_id",
    "ce_type",
    "ce_source",
    "ce_time",
    "content-type",
    "position",
    "prev_position",
)
Headers = list[tuple[str, bytes]]
_SPECVERSION = ("ce_specversion", b"1.0")
_CONTENT_TYPE = ("content-type", b"application/avro")
_SOURCE_PREFIX = "/onecard/"
_SECONDS: Final = 86_400  # of a day


class Foreign(ValueError):
    """A record that no relay of ours has written: its headers are not ours, or contradict each other."""


@dataclass(frozen=True, slots=True)
class Stamp:
    """Where a record stands: its ledger, its position there, and the position before it in its topic-partition."""

    source: str
    position: int
    prev_position: int


def _to_the_second(second: int) -> str:
    day, second = divmod(second, _SECONDS)
    return _date(day) + _clock(second)


@lru_cache(maxsize=1_024)
def _date(day: int) -> str:
    return instant_text(day * _SECONDS * SECOND)[:10]


@lru_cache(maxsize=_SECONDS)
def _clock(second: int) -> str:
    """Events of a day are read partition by partition, so any of its seconds may come next."""
    return instant_text(second * SECOND)[10:20]


@lru_cache(maxsize=1_024)
def _type_header(frame: bytes) -> tuple[str, bytes]:
    return "ce_type", codec.subject_of(frame).encode()


def headers_of(source: str, position: int, prev_position: int, data: bytes, occurred_at: int | None = None) -> Headers:
    """The headers of the event at `position`; codec.Undecodable if its bytes are no event of ours."""
    if occurred_at is None:
        occurred_at = codec.instants_of(data)[0]
    second, micros = divmod(occurred_at, SECOND)
    return [
        _SPECVERSION,
        ("ce_id", b"%b/%d" % (source.encode(), position)),
        _type_header(data[: codec.HEADER_BYTES]),
        ("ce_source", b"/onecard/" + source.encode()),
        ("ce_time", f"{_to_the_second(second)}{micros:06d}Z".encode()),
        _CONTENT_TYPE,
        ("position", b"%d" % position),
        ("prev_position", b"%d" % prev_position),
    ]


def stamp_of(headers: Sequence[tuple[str, bytes | None]]) -> Stamp:
    """What the headers say of a record's place; Foreign with a reason if they are not ours. Others may come besides."""
    found = dict(headers)
    if len(found) != len(headers):
        twice = next(name for number, (name, _) in enumerate(headers) if name in [one for one, _ in headers[:number]])
        raise Foreign(f"header {twice} comes twice")
    text: dict[str, str] = {}
    for name in NAMES:
        value = found.get(name)
        if value is None:
            raise Foreign(f"header {name} is missing")
        try:
            text[name] = value.decode()
        except UnicodeDecodeError:
            raise Foreign(f"header {name} is not UTF-8") from None
    position, prev_position = _number(text, "position"), _number(text, "prev_position")
    source = text["ce_source"].removeprefix(_SOURCE_PREFIX)
    if (text["ce_specversion"], text["content-type"]) != ("1.0", "application/avro"):
        raise Foreign("headers ce_specversion and content-type must be 1.0 and application/avro")
    if text["ce_source"] != _SOURCE_PREFIX + source or text["ce_id"] != f"{source}/{position}":
        raise Foreign(f"headers ce_source {text['ce_source']!r}, ce_id {text['ce_id']!r} and position do not agree")
    if prev_position >= position:
        raise Foreign(f"prev_position {prev_position} is not before position {position}")
    return Stamp(source, position, prev_position)


def _number(text: dict[str, str], name: str) -> int:
    """A position as we write it: decimal digits, no sign, no leading zero, at most 64 bits."""
    value = text[name]
    if len(value) < 20 and value.isascii() and value.isdigit() and (value == "0" or value[0] != "0"):
        return int(value)
    raise Foreign(f"header {name} is {value[:40]!r}, which is no position")
