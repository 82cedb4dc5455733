"""The swift reader of lines says what the ordered walk says, or nothing."""

import json
import random

import pytest

from ledger.core.decider import Command
from ledger.core.identity import Keyring
from ledger.core.rejection import Rejected
from ledger.core.shape import read_object
from ledger.families.registry import TABLE
from tests.fix_stores import soak
from tests.model.histories import history

KEYRING = Keyring(b"k" * 32)
LINES = history(17, soak(1_200, 6_000))
PIECES = (
    *(rb'" , : { } [ ] \ \" \u0041 \ud800 0 1 9 -1 1.0 1e2 -0 00 null true NaN "a":1 ,"a":1 "command" "" :"').split(),
    *(b" ", b"\t", b"\r", b"\x0b", b"\x00", b"\x7f", b"\xff", b"\xed\xa0\x80", b"\xc3\xa9", b"\xef\xbb\xbf"),
    *(b"9" * 20, b"9" * 400, b"0000", b"2000", b"0229", b"310000"),
)


def walked(raw: bytes) -> Command | Rejected:
    try:
        return TABLE.shape(read_object(raw), KEYRING)
    except Rejected as rejected:
        return rejected.kept()


def said(command: Command) -> tuple[object, ...]:
    types = [(name, type(value)) for name, value in sorted(command.fields.items())]
    return command.type, command.fields, types, command.digest, command.sn_key, command.births


def assert_agree(raw: bytes) -> bool:
    """Whether the swift reader took the line."""
    swift = TABLE.read(raw, KEYRING)
    if swift is not None:
        found = walked(raw)
        assert isinstance(found, Command), (raw, found)
        assert said(swift) == said(found), raw
    return swift is not None


def changed(chance: random.Random, raw: bytes) -> bytes:
    """The line with a few bytes put in, taken out or moved."""
    for _ in range(chance.choice((1, 1, 1, 2, 3))):
        start = chance.randrange(len(raw) + 1)
        end = min(len(raw), start + chance.choice((0, 0, 1, 1, 2, 8)))
        piece = chance.choice(PIECES)
        if chance.random() < 0.2:
            begun = chance.randrange(len(raw) + 1)
            piece = raw[begun : begun + chance.randint(1, 30)]
        raw = raw[:start] + piece + raw[end:]
    return raw


def retold(chance: random.Random, found: dict[str, object]) -> bytes:
    """The same object in another order and spelling, with a field said twice, left out, nothing or unknown."""
    fields = list(found.items())
    chance.shuffle(fields)
    other = chance.choice(fields)
    fault = chance.randrange(7)
    if fault == 0:
        fields.append((other[0], chance.choice(fields)[1]))
    elif fault == 1:
        fields.remove(other)
    elif fault == 2:
        fields.append((chance.choice(("note", "card_sn", "scheme", "acting_person", "channel", "")), None))
    elif fault == 3:
        fields[fields.index(other)] = (other[0], chance.choice((None, True, 0, -1, 1.0, "", [], {}, "x" * 70, 10**14)))
    before, after = chance.choice(("", " ", "\t")), chance.choice(("", " ", "  "))
    ascii_only = chance.random() < 0.3
    told = [f"{json.dumps(name)}{before}:{after}{json.dumps(value, ensure_ascii=ascii_only)}" for name, value in fields]
    return ("{" + f"{after},{before}".join(told) + "}").encode()


def test_the_swift_reader_takes_every_line_whose_shape_is_right_and_that_has_no_escapes_or_nulls() -> None:
    right = [raw for raw in LINES if isinstance(walked(raw), Command)]
    plain = [raw for raw in right if b"\\" not in raw and b"null" not in raw]

    assert len(plain) > len(right) * 0.8 > len(LINES) * 0.5
    assert all(assert_agree(raw) for raw in plain)


def test_the_swift_reader_never_takes_a_line_that_the_walk_refuses() -> None:
    assert not any(assert_agree(raw) for raw in LINES if isinstance(walked(raw), Rejected))


@pytest.mark.parametrize("seed", range(2))
def test_both_agree_on_lines_with_bytes_changed(seed: int) -> None:
    chance = random.Random(seed)
    taken = sum(assert_agree(changed(chance, chance.choice(LINES))) for _ in range(soak(10_000, 1_500_000)))

    assert taken > 100


@pytest.mark.parametrize("seed", range(2))
def test_both_agree_on_lines_told_otherwise(seed: int) -> None:
    chance = random.Random(seed)
    objects = [command for command in map(_object, LINES) if command]
    taken = sum(assert_agree(retold(chance, chance.choice(objects))) for _ in range(soak(5_000, 700_000)))

    assert taken > 100


def _object(raw: bytes) -> dict[str, object]:
    try:
        return read_object(raw)
    except Rejected:
        return {}
