"""The swift reader of lines says what the ordered walk says, or nothing."""

import json
import random

import pytest

from ledger.core.decider import Command
from ledger.core.identity import Keyring
from ledger.core.rejection import Rejected
from ledger.core.shape import envelope, read_object
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
# What a field may be said to be: values of every type at and beyond its bounds, and spellings that readers take apart.
SAID = (
    *b"0 -0 -1 1.0 -0.0 1e0 1E2 10e-1 01 +1 .5 1. 0x1 NaN Infinity true True null [] {}".split(),
    *b"2147483647 2147483648 10000000000000 10000000000001 1e13".split(),
    *b"9223372036854775807 9223372036854775808 18446744073709551616 -9223372036854775809".split(),
    *(b"9" * 30, b"9" * 5_000, b"1" + b"0" * 400),
    *b'"" "a" "A" "a:b" "-a" "_a" "a_.-" "\\u0031" "\\ud800" "\\ud83d\\ude00" "a\\n" "\\u0000"'.split(),
    *(b'" "', b'"a "', b'" a"', b'"a\t"', b'"a\n"', b'"a\x00"', b'"\x7f"', b'"\xff"', b'"\xed\xa0\x80"', b'"\xc0\x80"'),
    *(
        f'"{text}"'.encode()
        for text in ("\x80", "\x85", "\xa0", "\u2028", "\ufeff", "\xe9", "\uff11", "\u0661", "\U0001f600")
    ),
    *(f'"{text}"'.encode() for one in "x\u6c49\U0001f600" for text in (one * 64, one * 65, one * 128, one * 129)),
    *(f'"{text}"'.encode() for one in "x\u6c49\U0001f600" for text in (one * 500, one * 501)),
    *b'["ALL"] ["ALL","ALL"] ["ALL",1] ["ALL",null] ["X"] [["ALL"]] [{}] ["ALL",]'.split(),
    *b'{"310100":1} {"310100":1,"310100":1} {"310100":0} {"310100":1.0} {"310100":null} {"9":1} {"a":{"b":1}}'.split(),
    *b'{"390100":1,"310100":2} {"310100":1,"390100":"1"} {"\\u003310100":1}'.split(),
    *b'"2025-02-29" "2024-02-29" "2025-06-31" "1999-12-31" "2100-01-01" "0000-02-29" "0000-02-30" "20250101"'.split(),
    *b'"2025-1-1" "2025-W01-1" "2025-01" "2025-00" "2025-13" "1999-12" "2100-01" "0000-01"'.split(),
    *(
        f'"2025-01-01T00:00:00{end}"'.encode()
        for end in "Z z .Z .1Z .1234567Z ,1Z .123456+14:00 +14:01 -14:00 +15:00 +0800 +08 +08:60 -00:00 \\n".split()
    ),
    *b'"2025-01-01t00:00:00Z" "2025-01-01T24:00:00Z" "2025-01-01T00:60:00Z" "2025-01-01T00:00:60Z"'.split(),
    *b'"2025-01-01T00:00Z" "2025-01-01T00:00:5Z" "2025-02-29T00:00:00Z" "0000-02-29T00:00:00Z"'.split(),
    *b'"0000-02-30T00:00:00Z" "0001-01-01T00:00:00+14:00" "9999-12-31T23:59:59-14:00"'.split(),
    *b'"2000-01-01T07:59:59.999999+08:00" "2000-01-01T08:00:00+08:00" "2099-12-31T23:59:59-00:01"'.split(),
    *b'"2100-01-01T07:59:59.999999+08:00" "2100-01-01T08:00:00+08:00"'.split(),
    *b'"340101196001010014" "34010119600101001X" "340101196002300014" "110101190002290010"'.split(),
    *(
        b'"%bD15600000500000000000000%b"' % ends
        for ends in ((b"340000", b"A1"), (b"340000", b"a1"), (b"170000", b"A1"))
    ),
    *b'"340100" "990100" "34010" "34" "16" "3" "A00000011" "A00000012" "91350100M000100Y43" "310" "311" "11"'.split(),
    *(b'"' + one * 64 + b'"' for one in (b"a", b"A", b"g")),
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


def test_both_agree_on_every_field_of_every_command_however_it_is_said(seed: int) -> None:
    chance = random.Random(seed)
    longest: dict[str, dict[str, object]] = {}
    for command in map(_object, LINES):
        name = str(command.get("command"))
        if name in TABLE.commands and len(command) > len(longest.get(name, {})):
            longest[name] = command
    assert longest.keys() == TABLE.commands.keys()
    taken = 0
    for name, command in longest.items():
        told = {field: json.dumps(value, ensure_ascii=False).encode() for field, value in command.items()}
        own = TABLE.commands[name].fields
        for field in {one.name for one in (*envelope(TABLE.commands[name].card, own), *own)}:
            for said_to_be in chance.sample(SAID, soak(5, len(SAID))):
                fields = (b'"%b":%b' % (key.encode(), value) for key, value in {**told, field: said_to_be}.items())
                taken += assert_agree(b"{" + b",".join(fields) + b"}")
    assert taken > 100


def _object(raw: bytes) -> dict[str, object]:
    try:
        return read_object(raw)
    except Rejected:
        return {}
