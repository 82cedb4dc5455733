"""Whether what was published can be read for ever: every version of an event by every other, in both directions.

The store keeps version 1 for ever, and readers we do not know upgrade when they like, so the rule is FULL_TRANSITIVE
by record name. Avro's own checker answers whether bytes can be read; it does not see that microseconds became
milliseconds, that fen became yuan, or that a symbol will be read as another. Those rules are added here.
"""

import json
import warnings
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

import avro.schema
from avro.compatibility import ReaderWriterCompatibilityChecker, SchemaCompatibilityType
from avro.errors import IgnoredLogicalType

from schemas.files import ROOT, Definition, SchemaFile, current_files, history_files, read, sha256_of
from schemas.registry import LockLine, crc64_of, latest_versions, path_of, read_lock

CLASSES = ("plain", "pii", "sensitive")
ABSENT = object()


@dataclass(frozen=True, slots=True)
class Finding:
    """One broken rule."""

    subject: str
    rule: str
    detail: str


def check(root: Path = ROOT) -> list[Finding]:
    """Every finding about the schemas under `root`, by subject; none when readers are safe."""
    lines = read_lock(root)
    current = current_files(root)
    findings = [*_ids(lines), *_registered(lines, current, root)]
    for file in current:
        findings += _described(file)
        versions = _versions(file, history_files(root))
        for (old_number, old), (new_number, new) in combinations(versions, 2):
            findings += _compared(file.subject, old_number, old, new_number, new)
    return sorted(set(findings), key=lambda finding: (finding.subject, finding.rule, finding.detail))


def _versions(file: SchemaFile, history: dict[tuple[str, int], SchemaFile]) -> list[tuple[int, Definition]]:
    old = sorted((number, kept.definition) for (event, number), kept in history.items() if event == file.event)
    return [*old, (old[-1][0] + 1 if old else 1, file.definition)]


def _ids(lines: list[LockLine]) -> Iterator[Finding]:
    """An id names one version for ever; ids and versions count up without a hole."""
    counted = Counter(line.id for line in lines)
    for line in lines:
        if counted[line.id] > 1:
            yield Finding(line.subject, "id_reused", f"id {line.id} names {counted[line.id]} versions")
    if not any(count > 1 for count in counted.values()):
        for expected, line in enumerate(lines, 1):
            if line.id != expected:
                yield Finding(line.subject, "id_out_of_order", f"id {line.id} stands where {expected} should")
                break
    versions: Counter[str] = Counter()
    for line in lines:
        versions[line.subject] += 1
        if line.version != versions[line.subject]:
            yield Finding(line.subject, "version_out_of_order", f"version {line.version}, not {versions[line.subject]}")


def _registered(lines: list[LockLine], current: list[SchemaFile], root: Path) -> Iterator[Finding]:
    """What the lock says of a version is true of its file, and every file is in the lock."""
    latest = latest_versions(lines)
    for file in current:
        if file.subject not in latest:
            yield Finding(file.subject, "not_registered", "no line in registry.lock")
    for line in lines:
        path = path_of(line, latest[line.subject], root)
        if not path.exists():
            yield Finding(line.subject, "version_removed", f"version {line.version} (id {line.id}) has no file")
            continue
        definition = read(path, line.family).definition
        if (line.sha256, line.crc64) != (sha256_of(definition), crc64_of(definition)):
            yield Finding(line.subject, "version_changed", f"version {line.version} (id {line.id}) was edited")


def _described(file: SchemaFile) -> Iterator[Finding]:
    """Every field says what it means and how private it is, every enum has a way out for old readers."""
    if not file.definition.get("doc", "").strip():
        yield Finding(file.subject, "undocumented", "the record")
    for path, field in fields_of(file.definition).items():
        if not str(field.get("doc", "")).strip():
            yield Finding(file.subject, "undocumented", path)
        if field.get("class") not in CLASSES:
            yield Finding(file.subject, "unclassified", f"{path}: {field.get('class')}")
        enum = enum_of(field["type"])
        if enum and enum.get("default") not in enum["symbols"]:
            yield Finding(file.subject, "enum_without_default", path)


def _compared(subject: str, old_number: int, old: Definition, new_number: int, new: Definition) -> Iterator[Finding]:
    pair = f"versions {old_number} and {new_number}"
    for reader_number, reader, writer_number, writer in (
        (new_number, new, old_number, old),
        (old_number, old, new_number, new),
    ):
        if reason := unreadable(reader, writer):
            yield Finding(subject, "unreadable", f"version {reader_number} cannot read {writer_number}: {reason}")
    before, after = fields_of(old), fields_of(new)
    for path, field in before.items():
        if path not in after:
            if "default" not in field:
                yield Finding(subject, "field_removed", f"{path} is gone between {pair} and had no default")
            continue
        yield from _field_changes(subject, f"{path} between {pair}", field, after[path])
    for path, field in after.items():
        if path not in before and "default" not in field:
            yield Finding(subject, "field_added_without_default", f"{path} between {pair}")


def _field_changes(subject: str, where: str, old: Definition, new: Definition) -> Iterator[Finding]:
    if old.get("unit") != new.get("unit"):
        yield Finding(subject, "unit_changed", f"{where}: {old.get('unit')} to {new.get('unit')}")
    if logical_types(old["type"]) != logical_types(new["type"]):
        change = f"{logical_types(old['type'])} to {logical_types(new['type'])}"
        yield Finding(subject, "logical_type_changed", f"{where}: {change}")
    if "default" in old and old["default"] != new.get("default", ABSENT):
        yield Finding(subject, "default_changed", f"{where}: it was {json.dumps(old['default'])}")
    old_enum, new_enum = enum_of(old["type"]), enum_of(new["type"])
    if old_enum and new_enum:
        if added := sorted(set(new_enum["symbols"]) - set(old_enum["symbols"])):
            if old_enum.get("default") not in old_enum["symbols"]:
                yield Finding(subject, "symbol_added_without_default", f"{where}: {', '.join(added)}")
        if removed := sorted(set(old_enum["symbols"]) - set(new_enum["symbols"])):
            yield Finding(subject, "symbol_removed", f"{where}: {', '.join(removed)}")


def unreadable(reader: Definition, writer: Definition) -> str:
    """Why Avro cannot resolve the writer's bytes to the reader's schema; empty when it can."""
    with warnings.catch_warnings():
        # A uuid of 16 bytes is Avro 1.12; this library still expects text and reads the plain bytes, which is enough.
        warnings.simplefilter("ignore", IgnoredLogicalType)
        reading, writing = (avro.schema.parse(json.dumps(schema)) for schema in (reader, writer))
    result = ReaderWriterCompatibilityChecker().get_compatibility(reading, writing)
    if result.compatibility is SchemaCompatibilityType.compatible:
        return ""
    return f"{', '.join(sorted(result.messages))} at {', '.join(sorted(result.locations))}"


def fields_of(definition: Definition, prefix: str = "") -> dict[str, Definition]:
    """Every field by its path, also those of records inside lists."""
    found: dict[str, Definition] = {}
    for field in definition["fields"]:
        path = prefix + field["name"]
        found[path] = field
        inner = field["type"].get("items") if isinstance(field["type"], dict) else None
        if isinstance(inner, dict) and inner["type"] == "record":
            found |= fields_of(inner, f"{path}[].")
    return found


def enum_of(kind: Any) -> Definition | None:
    """The enum a type is, may be, or is a list of."""
    if isinstance(kind, list):
        return next((enum for branch in kind if (enum := enum_of(branch))), None)
    if isinstance(kind, dict):
        return kind if kind["type"] == "enum" else enum_of(kind.get("items"))
    return None


def logical_types(kind: Any) -> list[str]:
    """The logical types of a type and its branches, in order."""
    if isinstance(kind, list):
        return [name for branch in kind for name in logical_types(branch)]
    return [kind["logicalType"]] if isinstance(kind, dict) and "logicalType" in kind else []
