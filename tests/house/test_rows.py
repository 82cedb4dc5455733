"""A store outlives the program that made it: rows are not kept another way without a new version of theirs."""

import hashlib
import json
from collections.abc import Iterator
from typing import Any

import msgspec

from ledger.core.rows import ROWS_VERSION, Row
from ledger.families import registry

# SHA-256 of what rows are made of, by version.
LAYOUTS = {1: "411df3253df6da9627759992e9d682c9c92acb8f2eee83afe4394cb4de29faf3"}


def rows(row_type: type[Row] = Row) -> Iterator[type[Row]]:
    for one in row_type.__subclasses__():
        if one.kind and one.__module__.startswith(registry.__package__):
            yield one
        yield from rows(one)


def undescribed(schema: Any) -> Any:
    """Without what is only told to people."""
    if isinstance(schema, dict):
        return {name: undescribed(value) for name, value in schema.items() if name != "description"}
    return [undescribed(one) for one in schema] if isinstance(schema, list) else schema


def layout() -> str:
    found = {one.kind: [one.__struct_fields__, undescribed(msgspec.json.schema(one))] for one in rows()}
    assert len(found) > 50
    return hashlib.sha256(json.dumps(found, sort_keys=True).encode()).hexdigest()


def test_rows_that_are_kept_another_way_have_a_new_version() -> None:
    """If fields of a row changed: raise ROWS_VERSION in ledger/core/rows.py and add the layout here. Keys, and what
    evolution writes into rows, are not seen from here: who changes these has to think of it."""
    assert LAYOUTS[ROWS_VERSION] == layout()
    assert max(LAYOUTS) == ROWS_VERSION and len(set(LAYOUTS.values())) == len(LAYOUTS)
