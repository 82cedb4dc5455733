"""Every field of every event says what it means and how private it is; readers have nothing else to go by."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.house.tree import ROOT

CLASSES = {"plain", "pii", "sensitive"}


def schemas() -> list[Path]:
    return sorted((ROOT / "schemas").rglob("*.avsc"))


def fields(schema: Any, path: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """(where, field) of all fields of a schema, also of records inside unions, arrays and maps."""
    if isinstance(schema, list):
        for branch in schema:
            yield from fields(branch, path)
    elif isinstance(schema, dict):
        for field in schema.get("fields", []):
            where = f"{path}.{field.get('name')}"
            yield where, field
            yield from fields(field.get("type"), where)
        for inner in ("items", "values", "type"):
            if isinstance(schema.get(inner), list | dict):
                yield from fields(schema[inner], path)


def all_fields() -> Iterator[tuple[str, dict[str, Any]]]:
    for file in schemas():
        schema = json.loads(file.read_text(encoding="utf-8"))
        yield from fields(schema, file.relative_to(ROOT).as_posix())


def test_every_field_of_every_schema_is_documented() -> None:
    assert [where for where, field in all_fields() if not str(field.get("doc", "")).strip()] == []


def test_every_field_of_an_event_is_classified() -> None:
    unclassified = []
    for file in schemas():
        schema = json.loads(file.read_text(encoding="utf-8"))
        unclassified += [f"{file.name}.{f['name']}" for f in schema["fields"] if f.get("class") not in CLASSES]
    assert unclassified == []


def test_the_rule_sees_a_planted_offence() -> None:
    inner = {"type": "record", "name": "Line", "fields": [{"name": "silent", "type": "long"}]}
    planted = {
        "type": "record",
        "fields": [{"name": "lines", "doc": "Told.", "type": {"type": "array", "items": inner}}],
    }
    assert [where for where, field in fields(planted, "planted") if "doc" not in field] == ["planted.lines.silent"]
    assert len(schemas()) > 50, "the schemas are not where this test looks"
