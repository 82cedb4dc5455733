"""Which schema an id names: the committed registry, read-only and needing no server.

Framed bytes carry an id for ever, so `registry.lock` only ever grows: one JSON line per (subject, version) with the
SHA-256 of the whole schema (its identity) and the CRC-64-AVRO of its Parsing Canonical Form (a label that Avro tools
know; it does not pin meaning).
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from fastavro.schema import SchemaParseException, fingerprint, parse_schema, to_parsing_canonical_form

from schemas.files import ROOT, Definition, current_path, read, sha256_of, superseded_path

LOCK = "registry.lock"


@dataclass(frozen=True, slots=True)
class LockLine:
    """One registered version, as the lock states it."""

    id: int
    subject: str
    version: int
    sha256: str
    crc64: str

    @property
    def family(self) -> str:
        return self.subject.split(".")[1]

    @property
    def event(self) -> str:
        return self.subject.rsplit(".", 1)[1]

    def text(self) -> str:
        row = {
            "id": self.id,
            "subject": self.subject,
            "version": self.version,
            "sha256": self.sha256,
            "crc64": self.crc64,
        }
        return json.dumps(row)


@dataclass(frozen=True, slots=True)
class Registered:
    """One registered version together with its schema."""

    line: LockLine
    definition: Definition

    @property
    def id(self) -> int:
        return self.line.id

    @property
    def event(self) -> str:
        return self.line.event


class Registry:
    """Every registered version; ids and (subject, version) are unique."""

    def __init__(self, versions: Iterable[Registered]) -> None:
        self.versions: tuple[Registered, ...] = tuple(versions)
        self._by_id = {version.id: version for version in self.versions}
        self._latest: dict[str, Registered] = {}
        for version in self.versions:
            known = self._latest.get(version.event)
            if known is None or known.line.version < version.line.version:
                self._latest[version.event] = version
        if len(self._by_id) != len(self.versions):
            raise ValueError("an id is used twice in the registry")

    def by_id(self, schema_id: int) -> Registered | None:
        return self._by_id.get(schema_id)

    def latest(self, event: str) -> Registered:
        """The version in which an event of this name is written today; KeyError for a name that is no event's."""
        return self._latest[event]

    def events(self) -> tuple[str, ...]:
        """Every event name, in order of registration."""
        return tuple(self._latest)

    def of_event(self, event: str) -> list[Registered]:
        """All versions of one event, oldest first."""
        return sorted((one for one in self.versions if one.event == event), key=lambda one: one.line.version)


def crc64_of(definition: Definition) -> str:
    """CRC-64-AVRO of the Parsing Canonical Form, 16 hex digits."""
    return str(fingerprint(to_parsing_canonical_form(definition), "CRC-64-AVRO"))


class NotASchema(Exception):
    """What was brought to be compared is no Avro schema."""


def matching(versions: Iterable[Registered], text: str) -> Registered | None:
    """The version that a schema of somebody else's is: the very same one, else the newest that has the same bytes."""
    try:
        definition = json.loads(text)
        parse_schema(definition)
        crc64 = crc64_of(definition)
        sha256 = sha256_of(definition)
    except (SchemaParseException, ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise NotASchema(f"{type(error).__name__}: {error}"[:200]) from None
    newest_first = sorted(versions, key=lambda one: one.line.version, reverse=True)
    same = [one for one in newest_first if one.line.sha256 == sha256]
    alike = [one for one in newest_first if one.line.crc64 == crc64]
    return next(iter([*same, *alike]), None)


def new_line(schema_id: int, subject: str, version: int, definition: Definition) -> LockLine:
    return LockLine(schema_id, subject, version, sha256_of(definition), crc64_of(definition))


def read_lock(root: Path = ROOT) -> list[LockLine]:
    path = root / LOCK
    if not path.exists():
        return []
    return [LockLine(**json.loads(line)) for line in path.read_text(encoding="utf-8").splitlines()]


def latest_versions(lines: Iterable[LockLine]) -> dict[str, int]:
    """Subject -> number of its latest registered version."""
    found: dict[str, int] = {}
    for line in lines:
        found[line.subject] = max(line.version, found.get(line.subject, 0))
    return found


def path_of(line: LockLine, latest: int, root: Path = ROOT) -> Path:
    """Where the schema of a lock line lies, given the latest version of its subject."""
    if line.version == latest:
        return current_path(root, line.family, line.event)
    return superseded_path(root, line.family, line.event, line.version)


def load(root: Path = ROOT) -> Registry:
    lines = read_lock(root)
    latest = latest_versions(lines)
    return Registry(
        Registered(line, read(path_of(line, latest[line.subject], root), line.family).definition) for line in lines
    )


@cache
def registry() -> Registry:
    """The registry of this installation, read once."""
    return load()
