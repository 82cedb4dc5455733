"""Broken lines: a good command is taken and one thing about its shape is made wrong, sometimes two."""

import copy
from collections.abc import Callable
from typing import Any

from tests.model.commands import OWN_FIELDS, fields_of
from tests.model.shape import MAX_LINE_BYTES
from tests.model.world import OTHER_PARTIES, Command, World

WRONG_TYPES: list[Any] = [True, 1, "1", 1.5, [], {}, ["x"], 10**25, -1, "", 1e3]
BAD_TEXT: dict[str, list[Any]] = {
    "id": ["a:b", "", "x" * 65, " a", "-a", "a\n", "名"],
    "ref": ["", "a b", "x" * 129, "é"],
    "text": ["", "x" * 501, "a\u0007", "a\u0085", "字" * 501, "x" * 501 + "\n"],
    "hash": ["AB" * 32, "ab" * 31, "ab" * 32 + "\n", ""],
    "card_sn": ["340000d15600000500000000000000a1", "990000D156000005" + "0" * 16, "340000D156000006" + "0" * 16],
    "card_number": ["A00000012", "a00000011", "A0000001", "A00000011 "],
    "person": ["340101196001010015", "340101196013010010", "34010119600101001X ", "340101196002300015", "1"],
    "credit_code": ["91350100M000100Y44", "91350100M000100Y4", "91350100M000100I43"],
    "amount": [0, -1, 10**13 + 1, 10**30, 100.0],
    "amount0": [-1, 10**13 + 1, 2**63],
    "signed": [10**13 + 1, -(10**13) - 1],
    "count": [-1, 2147483648],
    "count1": [0, 2147483648],
    "bool": ["true", 0],
    "date": [
        "2025-02-29",
        "1999-12-31",
        "2100-01-01",
        "2025-1-1",
        "2025-13-01",
        "0000-02-29",
        "0000-00-01",
        "20250101",
    ],
    "month": ["2025-13", "1999-12", "2100-01", "2025-1", "0000-12"],
    "instant": [
        "2025-01-10T09:00:00",
        "2025-01-10 09:00:00Z",
        "2025-01-10T24:00:00Z",
        "2025-01-10T09:00:60Z",
        "2025-01-10T09:00:00+15:00",
        "2025-01-10T09:00:00+08:60",
        "2025-01-10T09:00:00+14:01",
        "2025-01-10T09:00:00.1234567Z",
        "2025-02-30T09:00:00Z",
        "1999-12-31T23:59:59Z",
        "2000-01-01T00:00:00+00:01",
        "9999-12-31T23:59:59-14:00",
        "0000-01-01T00:00:00Z",
        "2025-01-10t09:00:00z",
    ],
    "area": ["3401", "990100", "3401000", "34010a"],
    "province": ["99", "3", "340", "ab"],
    "city": ["310", "31010", "31a1"],
    "year": ["1999", "2100", "20255"],
    "funds": [{"310200": 1}, {"310100": 0}, {"310100": "1"}, {"310100": None}, {"zz": 1, "310100": 0}],
    "funds1": [{}, {"310101": 5}, {"310100": 0}, {str(number): 1 for number in range(21)}],
    "ids": [[], ["a", "a"], ["a", "a", 1], ["a", None], [f"s{number}" for number in range(101)], ["a:b"]],
    "matters": [[], ["ALL", "ALL"], ["all"], ["ALL", 1], ["ALL", "CARD", "MEDICAL", "TRANSIT", "SERVICE", "X"]],
}
UNKNOWN_WORDS = ["", "nothing", "ACTIVE ", "999", "310200"]


def _form(world: World, command: Command) -> tuple[str, str]:
    name, form, _ = world.pick(fields_of(command["command"]))
    return name, form


def _bad_value(world: World, command: Command) -> None:
    name, form = _form(world, command)
    command[name] = copy.deepcopy(world.pick(BAD_TEXT.get(form, UNKNOWN_WORDS)))


def _wrong_type(world: World, command: Command) -> None:
    name, _ = _form(world, command)
    command[name] = copy.deepcopy(world.pick(WRONG_TYPES))


def _missing(world: World, command: Command) -> None:
    required = [name for name, _, needed in fields_of(command["command"]) if needed]
    name = world.pick(["command", *required, *required])
    if world.chance(0.5):
        command[name] = None
    else:
        command.pop(name, None)


def _unknown_field(world: World, command: Command) -> None:
    extra = ["note", "card_sn", "province", "scheme_item", "scheme", "amount_fen", "COMMAND", "wallet_fen"]
    command.setdefault(world.pick(extra), world.pick(["x", 1, {}]))


def _unknown_command(world: World, command: Command) -> None:
    command["command"] = world.pick(["Nothing", "issueCard", "", 5, ["IssueCard"], "SettleMedical "])


def _scheme(world: World, command: Command) -> None:
    command["scheme"] = world.pick(["YRD", "YRD", "JJJ", "XXX"])
    if world.chance(0.7):
        command["scheme_item"] = world.pick(["transit", "medical.1"])


def _condition(world: World, command: Command) -> None:
    """A field that depends on another is dropped, or given where it has no place."""
    for name in ("died_on", "bank", "bank_account", "concession_class", "admitted_on", "discharged_on", "institution"):
        if name in command and command["command"] != "IssueCard":
            command.pop(name)
            return
    added: dict[str, dict[str, Any]] = {
        "CancelCard": {"died_on": "2025-01-01"},
        "ReplaceCard": {"bank": "ABC"},
        "GrantEntitlement": {"concession_class": "ELDERLY"},
        "SettleMedical": {"discharged_on": "2025-01-01"},
        "SpendFamilyAid": {"institution": "H1", "fund_pay_type": "390100"},
        "TapTransit": {"entry_counter": 1, "tap_type": "SINGLE"},
        "RecordRemittance": {"notice_id": None, "issue_city": "3401"},
        "RegisterTreatment": {"reason": "OTHER", "kind": "LONG_TERM"},
    }
    command.update(added.get(command["command"], {"channel": "PIGEON"}))


def _party(world: World, command: Command) -> None:
    for name, form, _ in fields_of(command["command"]):
        if form in ("area", "province", "card_sn") and name in command:
            command[name] = str(world.pick([*OTHER_PARTIES, "99", "00"])) + str(command[name])[2:]


Fault = Callable[[World, Command], None]
FAULTS: list[tuple[Fault, int]] = [
    (_bad_value, 40),
    (_wrong_type, 12),
    (_missing, 10),
    (_unknown_field, 8),
    (_unknown_command, 4),
    (_scheme, 8),
    (_condition, 12),
    (_party, 3),
]


def broken(world: World, command: Command) -> bytes:
    """The bytes of a line whose shape is (almost surely) refused."""
    command = copy.deepcopy(command)
    if world.chance(0.1):
        return _no_object(world, world.write(command))
    for _ in range(2 if world.chance(0.15) else 1):
        faults, weights = zip(*FAULTS, strict=True)
        world.rng.choices(faults, weights)[0](world, command)
        if not isinstance(command.get("command"), str) or command["command"] not in OWN_FIELDS:
            break
    return world.write(command)


def _no_object(world: World, good: bytes) -> bytes:
    kind = world.rng.randint(0, 9)
    if kind == 0:
        return good[:-1]
    if kind == 1:
        return b"[]"
    if kind == 2:
        return good[:-1] + b',"submitter":"twice"}'
    if kind == 3:
        return b"\xef\xbb\xbf" + good
    if kind == 4:
        return good[:-1] + b',"note":NaN}'
    if kind == 5:
        return good[:-1] + b',"note":"\xff"}'
    if kind == 6:
        return good[:-1] + b',"note":"\\ud800"}'
    if kind == 7:
        return good[:-1] + b',"note":{"a":1,"a":2}}'
    if kind == 8 and world.chance(0.2):
        return good[:-1] + b" " * (MAX_LINE_BYTES + 1 - len(good)) + b"}"
    return good[:-1] + b',"note":"tab\there"}'
