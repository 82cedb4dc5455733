"""What the database itself refuses, whoever asks: the writer's role and the owner alike."""

import threading
import time
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from ledger.core.configuration import Configuration
from ledger.core.identity import Keyring
from ledger.store import identity, state
from ledger.store.identity import StoreMismatch
from ops import migrate as migrating
from ops.migrate import migrate
from ops.problems import EnvironmentProblem
from tests.fix_stores import WRITER_ROLE, Store
from tests.service.rivals import Rivals

Stores = Callable[[], Store]
CHANGES = (
    "UPDATE ledger.{} SET {} = {}",
    "DELETE FROM ledger.{}",
    "TRUNCATE ledger.{} CASCADE",
)
COLUMN = {"events": "topic", "submissions": "reference", "clearing_lines": "kind"}
EVENT = """
    INSERT INTO ledger.events (originator_id, originator_version, topic, state, notification_id)
    SELECT gen_random_uuid(), 1, 'T', '', p FROM unnest(%s::bigint[]) p
"""


def filled(store: Store, tmp_path: Path) -> Store:
    rivals = Rivals()
    rivals.card()
    path = tmp_path / "cards.jsonl"
    path.write_bytes(b"".join(line + b"\n" for line in rivals.before))
    store.submit(path)
    return store


@pytest.mark.parametrize("table", COLUMN)
@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.split()[0])
@pytest.mark.parametrize("role", [WRITER_ROLE, "onecard_reader", None], ids=["writer", "reader", "owner"])
def test_what_was_recorded_cannot_be_changed(
    store: Store, tmp_path: Path, table: str, change: str, role: str | None
) -> None:
    filled(store, tmp_path)
    before = store.written()
    with store.connect(role) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege) as refused:
        connection.execute(change.format(table, COLUMN[table], COLUMN[table]))  # type: ignore[arg-type]
    if role is None:
        assert "append-only" in str(refused.value)
    assert store.written() == before


def test_the_writer_may_do_nothing_but_append(store: Store) -> None:
    for statement in (
        "ALTER TABLE ledger.events DISABLE TRIGGER ALL",
        "DROP TABLE ledger.events",
        "UPDATE ledger.store SET source = 'x'",
        "DELETE FROM ledger.state",
        "DELETE FROM ledger.lease",
        "SELECT * FROM views.tracking",
        "CREATE TABLE ledger.more (n int)",
        "SET session_replication_role = replica",
        "BEGIN; LOCK TABLE ledger.events IN SHARE ROW EXCLUSIVE MODE",
    ):
        with store.connect(WRITER_ROLE) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute(statement)  # type: ignore[arg-type]


@pytest.mark.parametrize("positions", [[2], [1, 3], [1, 2, 4], [0]], ids=str)
def test_a_hole_in_the_positions_is_refused(store: Store, positions: list[int]) -> None:
    with store.connect(WRITER_ROLE) as connection:
        with pytest.raises(psycopg.errors.CheckViolation):
            connection.execute(EVENT, (positions,))
        connection.execute(EVENT, ([1, 2],))
        with pytest.raises(psycopg.errors.CheckViolation):
            connection.execute(EVENT, ([4],))
        with pytest.raises(psycopg.errors.UniqueViolation):
            connection.execute(EVENT, ([2, 3],))
        connection.execute(EVENT, ([3],))


def test_an_append_with_another_lease_number_is_refused(store: Store) -> None:
    with store.connect(WRITER_ROLE) as connection:
        number = connection.execute("SELECT ledger.take_lease()").fetchone()
        assert number is not None
        for other in (number[0] - 1, number[0] + 1, 0):
            with pytest.raises(psycopg.errors.LockNotAvailable):
                connection.execute("SELECT ledger.begin_append(%s)", (other,))
        connection.execute("SELECT ledger.begin_append(%s)", number)


def test_a_row_over_four_kilobytes_is_refused_on_both_sides(store: Store) -> None:
    from ledger.families.clearing.units import Unit

    with pytest.raises(state.RowTooLarge):
        state.encoded("unit", "k", 1, Unit(cycle="x" * 4_096))
    with store.connect(WRITER_ROLE) as connection, connection.cursor() as cursor:
        state.upsert(cursor, [("unit", "k", 1, b"x" * 4_096)])
        with pytest.raises(psycopg.errors.CheckViolation):
            state.upsert(cursor, [("unit", "k", 2, b"x" * 4_097)])


def test_a_transaction_that_only_reads_never_delays_an_append(store: Store, tmp_path: Path) -> None:
    """A long report, a backup and a vacuum that is not allowed to finish."""
    with store.connect() as reading, store.connect() as other:
        reading.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
        reading.execute("SELECT count(*) FROM ledger.events, ledger.state")
        other.execute("BEGIN")
        other.execute("LOCK TABLE ledger.events, ledger.state, ledger.submissions IN SHARE UPDATE EXCLUSIVE MODE")
        begun = time.monotonic_ns()
        filled(store, tmp_path)
        assert time.monotonic_ns() - begun < 5_000_000_000
        reading.execute("ROLLBACK")
        other.execute("ROLLBACK")


# --- migrations and identity -----------------------------------------------------------------------------------------


def test_migrations_started_by_many_at_once_are_applied_once(dsn: str) -> None:
    applied: list[list[str]] = []
    threads = [threading.Thread(target=lambda: applied.append(migrate(dsn))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(map(len, applied)) == [0, 0, 0, len(migrating.migrations())]


def test_a_migration_changed_after_it_was_applied_is_refused(dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    migrate(dsn)
    ours = migrating.migrations()
    changed = migrating.Migration(ours[1].number, ours[1].name, ours[1].text + "\n-- kinder words\n")
    monkeypatch.setattr(migrating, "migrations", lambda: [ours[0], changed, *ours[2:]])
    with pytest.raises(EnvironmentProblem, match="was changed after it was applied"):
        migrate(dsn)


def test_a_database_of_a_newer_program_is_refused(dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    migrate(dsn)
    ours = migrating.migrations()
    monkeypatch.setattr(migrating, "migrations", lambda: ours[:-1])
    with pytest.raises(EnvironmentProblem, match="newer"):
        migrate(dsn)


def test_a_migration_that_fails_leaves_nothing_of_itself(dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    ours = migrating.migrations()
    broken = migrating.Migration(len(ours) + 1, "9999_broken", "CREATE TABLE ledger.half (n int); SELECT 1 / 0;")
    monkeypatch.setattr(migrating, "migrations", lambda: [*ours, broken])
    with pytest.raises(psycopg.errors.DivisionByZero):
        migrate(dsn)
    monkeypatch.setattr(migrating, "migrations", lambda: ours)
    assert migrate(dsn) == []
    assert Store(dsn).ask("SELECT to_regclass('ledger.half')") == [(None,)]


def entry(value: int) -> dict[str, object]:
    return {"key": "transit.late_days", "scope": "*", "effective_from": "2025-01-01", "value": value}


def test_a_store_keeps_to_its_source_secret_and_configuration(store: Store) -> None:
    config, keyring = Configuration.load([entry(5)]), Keyring(b"a secret of this store")
    with store.connect() as connection:
        made = identity.check(connection, None, "33", config, keyring)
        assert identity.check(connection, "33", "44", config, keyring) == made
        with pytest.raises(StoreMismatch, match="source"):
            identity.check(connection, "34", "33", config, keyring)
        with pytest.raises(StoreMismatch, match="secret"):
            identity.check(connection, None, "33", config, Keyring(b"the secret of another"))
        for other in ([], [entry(6)], [entry(6), entry(5)]):
            with pytest.raises(StoreMismatch, match="configuration"):
                identity.check(connection, None, "33", Configuration.load(other), keyring)
        assert identity.check(connection, None, "33", config, keyring) == made

        longer = Configuration.load([entry(5), entry(7)])
        assert identity.check(connection, None, "33", longer, keyring) == made
        assert identity.check(connection, None, "33", config, keyring) == made


def test_a_store_made_by_many_at_once_has_one_identity(store: Store) -> None:
    keyring = Keyring(b"a secret of this store")
    found: list[str] = []

    def make() -> None:
        with store.connect() as connection:
            found.append(identity.check(connection, None, "33", Configuration(), keyring).store_id)

    threads = [threading.Thread(target=make) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 6 and len(set(found)) == 1
