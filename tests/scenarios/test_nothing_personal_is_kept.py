"""After a day of commands the database, read as text and as bytes, holds nobody's number and not the secret.

Persons enter in commands only. What is searched is everything PostgreSQL holds of the ledger: every table of every
schema of ours, events included, with the state rows' and events' bytes in hex and as they are.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from ops.simulate import write_commands
from tests.fix_command import Onecard

FIELDS = re.compile(
    rb'"(?:social_security_number|guardian|acting_person|delegate|agent|beneficiary|payee|household_head)"'
    rb':"([0-9]{17}[0-9X])"'
)
PERSON = re.compile(rb"(?=([0-9]{17}[0-9X]))")
PERSON_IN_HEX = re.compile(rb"(?=((?:3[0-9]){17}(?:3[0-9]|58)))")
OURS = "SELECT schemaname, tablename FROM pg_tables WHERE schemaname IN ('ledger', 'views', 'onecard')"


def persons_in(path: Path) -> set[bytes]:
    """Every social security number in a file of commands."""
    return set(FIELDS.findall(path.read_bytes()))


def numbers_in(held: bytes) -> set[bytes]:
    """Everything that could be one, wherever it begins, also where bytes are shown in hex."""
    return {*PERSON.findall(held), *(bytes.fromhex(one.decode()) for one in PERSON_IN_HEX.findall(held))}


def everything(connection: psycopg.Connection) -> Iterator[tuple[str, bytes]]:
    """(table, all its rows as text; bytea columns as hex, then as the bytes themselves)."""
    for schema, table in connection.execute(OURS).fetchall():
        with connection.cursor() as cursor:
            name = sql.Identifier(schema, table)
            for form in ("text", "binary"):
                with cursor.copy(sql.SQL("COPY {} TO STDOUT (FORMAT {})").format(name, sql.SQL(form))) as copy:
                    yield f"{schema}.{table}", b"".join(bytes(part) for part in copy)


def test_the_database_holds_no_persons_number_and_not_the_secret(onecard: Onecard, dsn: str, tmp_path: Path) -> None:
    day = tmp_path / "day.jsonl"
    write_commands(day, 4_000, 11)
    persons = persons_in(day)
    assert len(persons) > 100
    answer = onecard("submit", str(day), "--rejects", str(tmp_path / "rejects"), "--json")
    assert json.loads(answer.stdout)["recorded"] > 3_000
    assert onecard("follow", "--until-caught-up").code == 0
    secret = (tmp_path / "home" / "secret").read_bytes()
    seen = 0
    with psycopg.connect(dsn) as connection:
        for table, held in everything(connection):
            seen += len(held)
            assert secret not in held and secret.hex().encode() not in held, table
            told = persons & numbers_in(held)
            assert not told, f"{table} holds {len(told)} social security numbers"
    assert seen > 1_000_000
    shown = (tmp_path / "rejects").read_bytes() + answer.stdout.encode() + answer.stderr.encode()
    assert not persons & numbers_in(shown)


@pytest.mark.parametrize("kept", [b"110101199003070011", b"9110101199003070011,", b"110101199003070011".hex().encode()])
def test_the_search_finds_a_number_that_is_there(kept: bytes) -> None:
    assert b"110101199003070011" in numbers_in(kept)
