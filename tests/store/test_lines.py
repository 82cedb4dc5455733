"""The clearing tables of the store against a slow model, and that a cut-off reads what is new, not history."""

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.families.clearing.units import Unit
from ledger.store import cut_off, lines
from ledger.store.lines import STORE, Tables
from tests.fix_postgres import Databases
from tests.store.clearing_traffic import LIMIT, MONTHS, Traffic

PLAIN = Tables("clearing_")
DETAILED = Tables("other.view_clearing_", details=True)
ACTS = (
    "settle settle spend confirm confirm confirm confirm withdraw dispute keep hold void reverse"
    " deduct deduct deduct give_up"
).split()


@pytest.fixture(scope="module")
def connection(databases: Databases) -> Iterator[psycopg.Connection[Any]]:
    dsn = databases.create()
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("CREATE SCHEMA other")
        for tables in (PLAIN, DETAILED):
            connection.execute(lines.definition(tables))
        yield connection
    databases.drop(dsn)


def empty(connection: psycopg.Connection[Any]) -> None:
    for tables in (PLAIN, DETAILED):
        connection.execute(f"TRUNCATE {tables.lines}, {tables.units}, {tables.cycles}, {tables.rows}")


def write(cursor: psycopg.Cursor[Any], traffic: Traffic, lines_first: bool) -> None:
    units, fresh = traffic.take_changes()
    for tables in (PLAIN, DETAILED):
        if lines_first:
            lines.insert_lines(cursor, tables, fresh)
        lines.upsert_units(cursor, tables, units)
        if not lines_first:
            lines.insert_lines(cursor, tables, fresh)


def act(traffic: Traffic, chance: random.Random) -> None:
    name, day = chance.choice(ACTS), min(chance.randrange(150), chance.randrange(150))
    draw = chance.randrange
    if name in ("settle", "spend"):
        done = getattr(traffic, name)(day, draw)
    elif not traffic.units:
        return
    else:
        told = traffic.units[-1 - min(chance.randrange(len(traffic.units)), chance.randrange(len(traffic.units)))]
        more = {"reverse": (day,), "give_up": (day,), "deduct": (day, draw(90) + 1)}.get(name, ())
        done = getattr(traffic, name)(told, *more)
    if done:
        traffic.world.position += 1


@settings(max_examples=settings.default.max_examples // 2)  # type: ignore[union-attr]
@given(st.integers(0, 2**64), st.lists(st.sampled_from(MONTHS), min_size=1, unique=True).map(sorted))
def test_a_cut_off_takes_what_the_contract_says(
    connection: psycopg.Connection[Any], seed: int, months: list[str]
) -> None:
    chance = random.Random(seed)
    traffic = Traffic()
    empty(connection)
    cursor = connection.cursor()
    with psycopg.connect(connection.info.dsn, password=connection.info.password) as reading:
        for month in months:
            prepared = None
            for _ in range(chance.randrange(5, 40)):
                act(traffic, chance)
                if chance.random() < 0.2:
                    write(cursor, traffic, chance.random() < 0.5)
                    if prepared is None and chance.random() < 0.5:
                        prepared = lines.prepare(reading, PLAIN, month, LIMIT)
            write(cursor, traffic, False)
            expected = traffic.expected(month)
            assert lines.cut_off_table(cursor, PLAIN, month, LIMIT) == expected
            assert lines.cut_off_table(cursor, DETAILED, month, LIMIT) == expected
            if prepared is not None:
                assert lines.finish(cursor, prepared) == expected
                prepared.close()
            position = traffic.world.position
            assert traffic.cut_off(month) == expected
            traffic.world.position += 1
            for tables in (PLAIN, DETAILED):
                lines.store_cycle_rows(cursor, tables, month, expected, position)
    for month, _ in traffic.cut_offs:
        stored = lines.cycle_rows(cursor, PLAIN, month)
        assert lines.recomputed(cursor, PLAIN, month) == stored == lines.recomputed(cursor, DETAILED, month)
        taken = {f"{position}-{n}" for position, n in lines.taken_by(cursor, PLAIN, month)}
        assert taken == {line_id for line_id, cycle in traffic.taken.items() if cycle == month}


def test_a_unit_comes_back_as_it_was_written(connection: psycopg.Connection[Any]) -> None:
    empty(connection)
    cursor = connection.cursor()
    units = [
        ("settlement:S1", Unit(5, 20_000, 2, True, True, True, True, 7, 20_001, 9, "2025-01", 3)),
        ("spend:X1", Unit(6, 20_000, 1, True, touched=6)),
    ]
    lines.upsert_units(cursor, PLAIN, units)
    assert sorted(lines.load_units(cursor, PLAIN, ["spend:X1", "settlement:S1", "pass:none"])) == units
    units[1][1].confirmed = False
    lines.upsert_units(cursor, PLAIN, units[1:])
    assert lines.load_units(cursor, PLAIN, ["spend:X1"]) == units[1:]


def test_the_migration_makes_the_tables_the_code_expects() -> None:
    migration = Path(__file__).resolve().parents[2] / "ops" / "migrations" / "0002_clearing.sql"
    assert lines.definition(STORE) in migration.read_text()


def test_a_cut_off_reads_what_is_new_and_not_history(connection: psycopg.Connection[Any]) -> None:
    """Three years of 5,000 units a month, one in fifty corrected; then a month to be cut off."""
    empty(connection)
    connection.execute(f"""
        INSERT INTO {PLAIN.units} (unit_key, position, touched, business_date, lines, confirmed, corrected)
        SELECT 'settlement:S' || i, i, i, 19000 + i / 160, 1, true, i % 50 = 0 FROM generate_series(1, 180000) i
    """)
    connection.execute(f"""
        INSERT INTO {PLAIN.lines} SELECT i, 1, 0, 0, 0, 19000 + i / 160, 1, 'SETTLEMENT', 'MEDICAL', '34', '31', '310',
            '310112', 'settlement:S' || i, '310100', '{{100}}' FROM generate_series(1, 180000) i
    """)
    connection.execute(f"""
        INSERT INTO {PLAIN.lines} SELECT i + 1, 0, 0, 0, 7, 19000 + i / 160, 2, 'DEDUCTION', 'MEDICAL', '34', '31',
            '310', '310112', 'settlement:S' || i, '', '{{}}' FROM generate_series(50, 179950, 50) i
    """)
    for back in (2, 1):
        connection.execute(
            f"INSERT INTO {PLAIN.cycles} VALUES (%s, %s, %s, 0, 0, 0, 0, '')",
            (f"2025-0{7 - back}", 180_000 - back * 5_000, 19_000 + (180_000 - back * 5_000) // 160 - 10),
        )
    connection.execute(f"ANALYZE {PLAIN.lines}, {PLAIN.units}")
    cursor = connection.cursor()
    cut = cut_off.Cut(last=19_000 + 180_000 // 160 - 10, after=175_000, last_before=20_083, before=170_000)
    statement = cut_off._sums(cut_off.taken_lines(PLAIN))
    plan = "\n".join(row[0] for row in cursor.execute("EXPLAIN (ANALYZE) " + statement, cut.values()).fetchall())
    assert "Seq Scan" not in plan, plan
    read = connection.execute(
        f"SELECT count(*) FROM {PLAIN.units} WHERE touched > 175000 OR eligible_on > 20083"
    ).fetchone()
    assert read is not None and read[0] < 10_000
