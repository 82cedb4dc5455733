"""The arrays we make ourselves are what the server reads out of them."""

import uuid
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.store.arrays import BIGINTS, BYTES, TEXTS, UUIDS, Packed, bigints, byteas, column, texts, unnested, uuids
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


EDGES: dict[str, list[Any]] = {
    "bool": [False, True, None],
    "bytea": [b"", b"\0", bytes(range(256)), b"\xff" * 70_000, None],
    "bigint": [-(2**63), -1, 0, 2**63 - 1, None],
    "int": [-(2**31), -1, 0, 2**31 - 1, None],
    "text": [
        "",
        " ",
        "NULL",
        "{}",
        '{"a",b}',
        "\\",
        "\\N",
        "'",
        "\x1f",
        "\x7f",
        "社保卡",
        "\U0010ffff",
        "é" * 70_000,
        None,
    ],
    "uuid": ["0" * 8 + "-0000-0000-0000-" + "0" * 12, "f" * 8 + "-ffff-ffff-ffff-" + "f" * 12, None],
}


@pytest.mark.parametrize("kind", EDGES)
def test_the_ends_of_a_type_and_what_text_might_be_taken_for_come_back_as_they_were(
    connection: psycopg.Connection[Any], kind: str
) -> None:
    shown = kind if kind != "uuid" else "text"
    for values in ([], [None], EDGES[kind], EDGES[kind] * 1_000 if kind in ("bool", "int", "uuid") else EDGES[kind]):
        asked = f"SELECT %s::{kind}[]::{shown}[]".encode()
        assert connection.execute(asked, (column(kind, values),)).fetchone() == (values,)


@pytest.mark.parametrize("broken", [uuids(["00" * 15]), uuids(["00" * 17]), bigints([1])[:-1], byteas([b"a"]) + b"\0"])
def test_an_array_that_is_not_whole_is_refused_by_the_server_and_never_half_read(
    connection: psycopg.Connection[Any], broken: bytes
) -> None:
    """A stream's name of another length, or a count that is not that of the items, never becomes a row."""
    for kind in ("uuid", "bigint", "bytea"):
        with pytest.raises(psycopg.Error):
            connection.execute(f"SELECT %s::{kind}[]".encode(), (Packed(broken),))


@pytest.mark.parametrize(("kind", "value"), [("int", 2**31), ("bigint", -(2**63) - 1)])
def test_a_number_too_large_for_its_column_is_told_as_the_database_tells_it(kind: str, value: int) -> None:
    with pytest.raises(psycopg.DataError, match=f"{value} is no {kind}"):
        column(kind, [1, None, value])
