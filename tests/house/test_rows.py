"""A store outlives the program that made it: rows are not kept another way without a new version of theirs."""

import hashlib
import json
from collections.abc import Iterator
from typing import Any

import msgspec

from ledger.core.identity import NO_DIGEST
from ledger.core.rows import ROWS_VERSION, Row, StreamRow
from ledger.families import registry
from ledger.families.governance.seal import LastSeal
from tests.families.clearing.scene import Tables
from tests.families.given import Ledger
from tests.house.tree import ROOT

# SHA-256 of what rows are made of, by version.
LAYOUTS = {1: "a119ee4e5d2f844c5241602f503f9048ba094a1950d5c87a4407ae9d505ea882"}

# SHA-256 of every row that the golden examples lead to, by version.
MADE = {1: "2a590f2308d71c4718e21a2c726cbe3b620402cbf108fb4f9083ee7a5670ccea"}
GOLDEN = ROOT / "samples" / "golden"


def rows(row_type: type[Row] = Row) -> Iterator[type[Row]]:
    for one in row_type.__subclasses__():
        if one.__module__.startswith(registry.__package__):
            yield one
        yield from rows(one)


def undescribed(schema: Any) -> Any:
    """Without what is only told to people."""
    if isinstance(schema, dict):
        return {name: undescribed(value) for name, value in schema.items() if name != "description"}
    return [undescribed(one) for one in schema] if isinstance(schema, list) else schema


def layout() -> str:
    """Of rows, and of what stands in them."""
    found = {
        one.kind or one.__name__: [
            one.__struct_fields__,
            undescribed(msgspec.json.schema(one)),
            getattr(one, "SIZE", 0),
        ]
        for one in rows()
    }
    assert len(found) > 50
    return hashlib.sha256(json.dumps(found, sort_keys=True).encode()).hexdigest()


def made() -> tuple[str, int]:
    """Of all rows but for digests of events, which change with the schema; and of how many kinds there are some."""
    kinds: set[str] = set()
    found: list[str] = []
    for example in sorted(GOLDEN.glob("E*.jsonl")):
        ledger = Ledger(now=json.loads(example.with_suffix(".expected.json").read_text("utf-8"))["clock"])
        Tables(ledger)
        for line in example.read_bytes().splitlines():
            ledger.submit_line(line)
        for (row_type, key), data in ledger.memory.rows.items():
            fields = msgspec.msgpack.decode(data)
            if issubclass(row_type, StreamRow):
                fields[row_type.__struct_fields__.index("digest")] = NO_DIGEST
            if row_type is not LastSeal:
                kinds.add(row_type.kind)
                found.append(json.dumps([example.stem, row_type.kind, key, fields]))
    return hashlib.sha256("\n".join(sorted(found)).encode()).hexdigest(), len(kinds)


def test_rows_of_other_fields_have_a_new_version() -> None:
    """If fields of a row changed: raise ROWS_VERSION in ledger/core/rows.py and add what is told here."""
    assert LAYOUTS[ROWS_VERSION] == layout()
    assert max(LAYOUTS) == ROWS_VERSION and len(set(LAYOUTS.values())) == len(LAYOUTS)


def test_rows_that_evolution_makes_otherwise_have_a_new_version() -> None:
    """If keys or contents of rows changed: the same. What no golden example meets is not seen from here: who changes
    that has to think of it."""
    digest, kinds = made()
    assert MADE[ROWS_VERSION] == digest
    assert max(MADE) == ROWS_VERSION and kinds > 40
