"""The arrays we make ourselves are what the server reads out of them."""

import uuid
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.store.arrays import BIGINTS, BYTES, TEXTS, UUIDS, bigints, byteas, column, texts, unnested, uuids
from tests.fix_postgres import Databases

LONG = st.integers(-(2**63), 2**63 - 1)
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "bool": st.booleans(),
    "bytea": st.binary(max_size=20),
    "bigint": LONG,
    "int": st.integers(-(2**31), 2**31 - 1),
    "text": st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=20),
    "uuid": st.uuids().map(str),
}


@pytest.fixture(scope="module")
def connection(databases: Databases) -> Iterator[psycopg.Connection[Any]]:
    dsn = databases.create()
    with psycopg.connect(dsn, autocommit=True) as connection:
        yield connection
    databases.drop(dsn)


@settings(max_examples=50, deadline=None)
@given(
    rows=st.lists(st.tuples(st.uuids(), LONG, st.binary(max_size=9_000), st.integers(0, 99)), min_size=1, max_size=9)
)
def test_columns_side_by_side_are_the_rows(
    connection: psycopg.Connection[Any], rows: list[tuple[uuid.UUID, int, bytes, int]]
) -> None:
    ids, numbers, data, names = zip(*rows, strict=True)
    asked = f"SELECT {unnested(UUIDS, BIGINTS, BYTES, TEXTS)}"
    given = uuids(list(map(str, ids))), bigints(numbers), byteas(data), texts(map(str, names))

    answered = connection.execute(asked.encode(), given).fetchall()

    assert answered == list(zip(ids, numbers, data, map(str, names), strict=True))


@pytest.mark.parametrize("kind", VALUES)
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_a_column_keeps_its_values_and_its_nulls(
    connection: psycopg.Connection[Any], kind: str, data: st.DataObject
) -> None:
    values = data.draw(st.lists(st.none() | VALUES[kind], max_size=9))
    shown = kind if kind != "uuid" else "text"

    row = connection.execute(f"SELECT %s::{kind}[]::{shown}[]".encode(), (column(kind, values),)).fetchone()

    assert row == (values,)


@pytest.mark.parametrize(("kind", "value"), [("int", 2**31), ("bigint", -(2**63) - 1)])
def test_a_number_too_large_for_its_column_is_told_as_the_database_tells_it(kind: str, value: int) -> None:
    with pytest.raises(psycopg.DataError, match=f"{value} is no {kind}"):
        column(kind, [1, None, value])
