"""Stage 1: from a line of bytes to a Command, or the first code of shape that fails (contract 0.3, 0.5, 0.7).

The order of refusals is part of the contract, so the checks are written as one ordered walk over the command's table.
Most lines have nothing to refuse: those are read by `ledger.core.swift`, which says yes or nothing.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any, Final, NoReturn

import msgspec

from ledger.core import fields as types
from ledger.core.decider import Command, CommandType
from ledger.core.fields import Field, optional, required
from ledger.core.identity import Keyring
from ledger.core.nearest import nearest
from ledger.core.rejection import Rejected
from ledger.core.swift import Swift

LINE_LIMIT: Final = 65_536
BEYOND_64_BITS: Final = 1 << 80
AREAS_OF_USE: Final = (
    "treatment_area spend_area operating_area venue_area seller_area merchant_area library_area utility_area"
    " service_area province card_sn"
).split()
CHANNELS: Final = types.one_of("PHYSICAL_CARD", "ELECTRONIC_CARD", "COUNTER", "SELF_SERVICE", "MOBILE", "WEB", "FILE")
HEAD: Final = (
    required("submitter", types.identifier),
    required("reference", types.reference),
    required("occurred_at", types.instant),
)
CARD_SN: Final = required("card_sn", types.card_sn)
TAIL: Final = (
    optional("acting_person", types.person),
    optional("channel", CHANNELS),
)
SCHEME: Final = (optional("scheme", types.scheme), optional("scheme_item", types.identifier))
SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")
PERSON_RUN = re.compile(r"(?<![0-9])[0-9]{17}[0-9X](?![0-9X])")


def envelope(card: bool, own: tuple[Field, ...]) -> tuple[Field, ...]:
    """Fields of table 0.5 that a command takes, in its order. Scheme fields need a province of use (0.9)."""
    known = {field.name for field in own} | ({"card_sn"} if card else set())
    scheme = SCHEME if known.intersection(AREAS_OF_USE) else ()
    return HEAD + ((CARD_SN,) if card else ()) + TAIL + scheme


def province_of_use(command: Command) -> str:
    """First two digits of where a command is used: its area field, else its province, else its card_sn (0.9)."""
    for name in AREAS_OF_USE:
        found = command.get(name)
        if found is not None:
            return str(found)[:2]
    raise LookupError(f"{command.type.name} has no province of use")


def malformed(message: str) -> Rejected:
    return Rejected("malformed_json", message, "line")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise malformed("a key stands twice in one object: send each key once")
    return found


def _no_constant(name: str) -> NoReturn:
    raise malformed(f"{name} is not JSON")


def _clamped(digits: str) -> int:
    return int(digits) if len(digits) < 24 else BEYOND_64_BITS


_decode = json.JSONDecoder(object_pairs_hook=_unique, parse_constant=_no_constant).decode
_decode_huge = json.JSONDecoder(object_pairs_hook=_unique, parse_constant=_no_constant, parse_int=_clamped).decode
_canonical = msgspec.json.Encoder(order="sorted").encode


def read_object(raw: bytes) -> dict[str, Any]:
    """The JSON object on a line (without its LF); Rejected `malformed_json` otherwise."""
    if len(raw) > LINE_LIMIT:
        raise malformed(f"longer than {LINE_LIMIT} bytes: one command a line, each within the limit")
    try:
        line = raw.decode()
    except UnicodeDecodeError as error:
        raise malformed(f"not UTF-8 at byte {error.start}") from None
    try:
        found = _decoded(line)
        if SURROGATE.search(raw):
            json.dumps(found, ensure_ascii=False).encode()
    except json.JSONDecodeError as error:
        if line.startswith("\ufeff"):
            raise malformed("begins with a byte order mark: save the file as UTF-8 without one") from None
        raise malformed(f"not JSON at column {error.colno}: {error.msg}") from None
    except RecursionError:
        raise malformed("nested too deeply") from None
    except UnicodeEncodeError:
        raise malformed("a lone surrogate cannot be written as UTF-8") from None
    if type(found) is not dict:
        raise malformed("must be one JSON object")
    return found


def _decoded(line: str) -> Any:
    try:
        return _decode(line)
    except json.JSONDecodeError:
        raise
    except ValueError:  # a number of more digits than Python reads
        return _decode_huge(line)


class CommandTable:
    """All commands by name, prepared for shape checks."""

    def __init__(self, commands: Mapping[str, CommandType]) -> None:
        self.commands = commands
        self._walks = {name: _Walk(type) for name, type in commands.items()}
        self._swift = Swift({name: walk.fields for name, walk in self._walks.items()})

    def read(self, raw: bytes, keyring: Keyring) -> Command | None:
        """The command on a line nothing is wrong with; None if the line must be walked to know."""
        if len(raw) > LINE_LIMIT:
            return None
        parsed = self._swift.read(raw)
        if parsed is None:
            return None
        try:
            return self._walks[parsed["command"]].finished(parsed, keyring)
        except Rejected:
            return None

    def shape(self, found: dict[str, Any], keyring: Keyring) -> Command:
        """The command in a JSON object; Rejected with the first code of stage 1 that fails."""
        name = found.get("command")
        if name is None:
            raise Rejected("missing_field", "command is required", "command")
        if type(name) is not str:
            raise Rejected("wrong_type", "command must be a string", "command")
        walk = self._walks.get(name)
        if walk is None:
            known = nearest(name, self.commands)
            meant = f"; did you mean {known}?" if known else ""
            raise Rejected("unknown_command", f"no such command{meant}", "command")
        return walk.command(found, keyring)

    def person_fields(self, name: object) -> frozenset[str]:
        walk = self._walks.get(name) if isinstance(name, str) else None
        return walk.persons if walk else frozenset({"acting_person"})


class _Walk:
    """The ordered checks of one command."""

    def __init__(self, type: CommandType) -> None:
        self.type = type
        self.fields = envelope(type.card, type.fields) + type.fields
        self.checks = tuple((field.name, field.parse) for field in self.fields)
        self.required = tuple(field.name for field in self.fields if field.required)
        self.known = frozenset(field.name for field in self.fields) | {"command"}
        self.persons = frozenset(field.name for field in self.fields if field.is_person)

    def command(self, found: dict[str, Any], keyring: Keyring) -> Command:
        if None in found.values():
            found = {name: value for name, value in found.items() if value is not None}
        for name in self.required:
            if name not in found:
                raise Rejected("missing_field", f"{name} is required", name)
        if not self.known.issuperset(found):
            name = min(found.keys() - self.known)
            raise Rejected("unknown_field", f"{self.type.name} does not take this field", _short(_masked_string(name)))
        parsed = {"command": found["command"]}
        name = ""
        try:
            for name, parse in self.checks:
                if name in found:
                    parsed[name] = parse(found[name])
        except Rejected as rejected:
            raise Rejected(rejected.code, f"{name} {rejected.message}", name) from None
        return self.finished(parsed, keyring)

    def finished(self, parsed: dict[str, Any], keyring: Keyring) -> Command:
        """The command of fields that are right each for itself: what they must be together, persons keyed, digest."""
        if ("scheme" in parsed) != ("scheme_item" in parsed):
            absent = "scheme_item" if "scheme" in parsed else "scheme"
            raise Rejected("missing_field", "scheme and scheme_item go together", absent)
        for rule in self.type.shape:
            rule(parsed)
        births = {}
        for name in self.persons:
            if name in parsed:
                births[name] = types.birth_digits(parsed[name])
                parsed[name] = keyring.person(parsed[name])
        digest = hashlib.sha256(_canonical(parsed)).digest()
        card_sn = parsed.get("card_sn")
        return Command(self.type, parsed, digest, keyring.card_sn(card_sn) if card_sn else "", births)


def _short(text: str) -> str:
    return text if len(text) <= 64 else text[:61] + "..."


def _mask(value: str) -> str:
    return value[:6] + "********" + value[-4:]


def masked(found: Any, persons: frozenset[str]) -> Any:
    """A refused object as received but for its persons: first 6, eight `*`, last 4 (contract 0.6)."""
    if type(found) is dict:
        return {
            _masked_string(name): _masked_person(value) if name in persons else masked(value, persons)
            for name, value in found.items()
        }
    if type(found) is list:
        return [masked(value, persons) for value in found]
    return _masked_string(found) if type(found) is str else found


def _masked_string(text: str) -> str:
    return _mask(text) if types.PERSON.fullmatch(text) else text


def _masked_person(value: Any) -> Any:
    if value is None or type(value) in (bool, dict, list):
        return masked(value, frozenset())
    return _mask(str(value))


def masked_text(raw: bytes) -> str:
    """A refused line that is no object: as text, every number that could be a person's masked."""
    return PERSON_RUN.sub(lambda match: _mask(match[0]), raw.decode(errors="replace"))
