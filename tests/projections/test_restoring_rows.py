"""`restore-rows` makes what decisions remember again from the log, whatever was done to it, and from nothing else."""

import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
import pytest

from ledger.core.configuration import Configuration
from ledger.core.rows import ROWS_VERSION
from ledger.service.batch import Receipt
from ledger.store import identity
from ledger.store.lease import Lease
from ledger.store.source import StoreSource
from projections.verification import rederive, rows
from projections.verification.rows import Restored, restore
from tests.fix_damage import extended, found, identified, position_of, quiet, rewritten, tampered, tampering
from tests.fix_stores import Store, assert_same
from tests.house.tree import ROOT
from tests.model.histories import CLOCK_MICROS, SECRET, history
from tests.projections.scene import Scene
from tests.service.test_cut_off_ahead import bills, cut_off, last, taken

# A restore whose last statement takes very long.
SLEEPING = """
import sys
from ledger.core.configuration import Configuration
from projections.verification import rows
from tests.fix_stores import Store
store = Store(sys.argv[1])
rows.identity.note_rows = lambda cursor: cursor.execute("SELECT pg_sleep(600)")
rows.restore(store.connect(), Configuration.load(store.config), store.keyring(), id)
"""
ASLEEP = "SELECT true FROM pg_stat_activity WHERE query LIKE '%pg_sleep(600)%' AND pid <> pg_backend_pid()"
ALL_ROWS = "SELECT xmin::text, kind, key FROM ledger.state ORDER BY kind, key"
ALL_UNITS = "SELECT xmin::text, unit_key FROM ledger.clearing_units ORDER BY unit_key"


def restored(damaged: Store, progress: Callable[[int], None] = quiet) -> Restored:
    with closing(damaged.connect()) as connection:
        return restore(connection, Configuration.load(damaged.config), damaged.keyring(), progress)


# Statement, finding, rows and units that have to be written.
DAMAGE = [
    ("UPDATE ledger.state SET revision = revision - 1 WHERE kind = 'card'", "state_differs", "card", None),
    (
        "UPDATE ledger.state AS one SET data = other.data FROM ledger.state AS other WHERE one.kind = 'settlement'"
        " AND other.kind = 'settlement' AND other.key = (SELECT min(key) FROM ledger.state WHERE kind = 'settlement')"
        " AND one.key = (SELECT max(key) FROM ledger.state WHERE kind = 'settlement')",
        "state_differs",
        1,
        None,
    ),
    ("DELETE FROM ledger.state WHERE kind = 'budget'", "state_missing", "budget", None),
    ("INSERT INTO ledger.state VALUES ('card', 'nobody', 1, '\\x90')", "state_extra", 1, None),
    ("UPDATE ledger.clearing_units SET confirmed = NOT confirmed, corrected = true", "unit_differs", None, "all"),
    ("DELETE FROM ledger.clearing_units WHERE lines > 0", "unit_differs", None, "lines > 0"),
    ("INSERT INTO ledger.clearing_units (unit_key, touched) VALUES ('nothing', 3)", "unit_differs", None, 1),
]


@pytest.mark.parametrize(("statement", "kind", "row_count", "unit_count"), DAMAGE)
def test_rows_and_units_are_what_they_were_before_the_damage(
    whole: Store, statement: str, kind: str, row_count: int | str | None, unit_count: int | str | None
) -> None:
    before = whole.written()
    if isinstance(row_count, str):
        row_count = sum(row[0] == row_count for row in before["state"])
    if isinstance(unit_count, str):
        condition = "true" if unit_count == "all" else unit_count
        unit_count = whole.ask(f"SELECT count(*) FROM ledger.clearing_units WHERE {condition}")[0][0]
    tampered(whole, statement)
    assert kind in {one.kind for one in found(whole)}

    done = restored(whole)

    assert (done.rows, done.units) == (row_count or 0, unit_count or 0) != (0, 0), "and only what differed is written"
    assert_same(whole.written(), before)
    assert found(whole) == []
    told = done.as_json()
    assert told["ok"] and told["findings"] == []
    assert kind in {one["kind"] for one in told["put_right"]}


def test_everything_decisions_remember_can_be_lost_however_little_is_kept_in_memory(
    whole: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rederive, "ROWS_IN_MEMORY", 40)
    monkeypatch.setattr("projections.verification.log.PAGE_EVENTS", 17)
    before = whole.written()
    tampered(whole, "DELETE FROM ledger.state")
    tampered(whole, "DELETE FROM ledger.clearing_units")

    done = restored(whole)

    assert (done.rows, done.units) == (len(before["state"]), len(before["clearing_units"]))
    assert_same(whole.written(), before)


def test_where_nothing_differs_nothing_is_written(whole: Store) -> None:
    before = whole.ask(ALL_ROWS), whole.ask(ALL_UNITS)
    done = restored(whole)
    assert (done.rows, done.units, done.as_json()["ok"]) == (0, 0, True)
    assert (whole.ask(ALL_ROWS), whole.ask(ALL_UNITS)) == before


def test_an_empty_store_has_no_rows_to_restore(blank: Store) -> None:
    assert restored(blank).as_json() == {
        "ok": True, "position": 0, "rows": 0, "units": 0, "put_right": [], "findings": [],
    }  # fmt: skip


@pytest.mark.parametrize("event", ["CardIssued", "MedicalSettled"])
def test_from_a_damaged_log_nothing_is_made(whole: Store, event: str) -> None:
    """An event that says something else gives other rows, and these must not become the truth."""
    rewritten(whole, position_of(whole, event), lambda told: told.update(channel="COUNTER"))
    tampered(whole, "UPDATE ledger.state SET revision = revision - 1 WHERE kind = 'card'")
    before = whole.written()

    told = restored(whole).as_json()

    assert not told["ok"] and told["rows"] is None and told["units"] is None and told["put_right"] == []
    assert "chain_broken" in {one["kind"] for one in told["findings"]}
    assert_same(whole.written(), before)


def test_beside_clearing_lines_that_the_log_does_not_make_nothing_is_made(whole: Store) -> None:
    tampered(whole, "UPDATE ledger.clearing_lines SET total_fen = total_fen + 1")
    tampered(whole, "DELETE FROM ledger.clearing_units")
    before = whole.written()

    told = restored(whole).as_json()

    assert told["rows"] is None and "line_differs" in {one["kind"] for one in told["findings"]}
    assert_same(whole.written(), before)


@pytest.mark.parametrize("receipts", ["as they were", "gone with it"])
def test_a_log_that_has_lost_its_end_is_not_made_the_truth(whole: Store, receipts: str) -> None:
    """Its chains are whole; rows, and perhaps receipts, are all that still tells of what was lost."""
    last = len(whole.positions()) - 20
    tampered(whole, "DELETE FROM ledger.events WHERE notification_id > %s", last)
    with tampering(whole) as connection:
        connection.execute("DELETE FROM ledger.clearing_lines WHERE position > %s", (last,))
        if receipts == "gone with it":
            connection.execute("DELETE FROM ledger.submissions WHERE position > %s", (last,))
    before = whole.written()

    told = restored(whole).as_json()

    assert told["rows"] is None
    kinds = {one["kind"] for one in told["findings"]} - rows.RESTORABLE
    assert kinds == {"position_gap"} | ({"submission_missing"} if receipts == "as they were" else set())
    assert_same(whole.written(), before)


def test_what_changes_no_row_does_not_stand_in_the_way(whole: Store) -> None:
    """Otherwise one lost receipt would keep a province from every later version of the program."""
    tampered(whole, "DELETE FROM ledger.submissions WHERE position = 1")
    tampered(whole, "DELETE FROM ledger.state WHERE kind = 'card'")

    told = restored(whole).as_json()

    assert told["rows"] > 0 and not told["ok"]
    assert {one["kind"] for one in told["findings"]} == {"submission_extra"}
    assert {one.kind for one in found(whole)} == {"submission_extra"}


def test_killed_amid_a_long_statement_it_holds_nobody_up(whole: Store) -> None:
    """The server would go on with the statement, and the lease be held until its end."""
    tampered(whole, "DELETE FROM ledger.state WHERE kind = 'card'")
    before = whole.written()
    working = subprocess.Popen([sys.executable, "-c", SLEEPING, whole.dsn], cwd=ROOT)
    with closing(whole.connect()) as watching:
        while not watching.execute(ASLEEP).fetchone():
            assert working.poll() is None
            time.sleep(0.05)
        working.kill()
        working.wait()
        Lease(watching).take()
    assert_same(whole.written(), before)


def test_a_restore_that_ends_half_way_leaves_everything_as_it_was(
    whole: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    tampered(whole, "DELETE FROM ledger.state WHERE kind = 'card'")
    before = whole.written()

    class Killed(BaseException):
        pass

    def kill(cursor: object) -> None:
        raise Killed

    monkeypatch.setattr(rows.identity, "note_rows", kill)
    with pytest.raises(Killed):
        restored(whole)
    assert_same(whole.written(), before)
    monkeypatch.undo()
    assert restored(whole).rows


def test_who_submits_waits_and_decides_by_the_right_rows(whole: Store, tmp_path: Path) -> None:
    """Deciding by the damaged rows would take the heads of streams to be older than they are."""
    path = tmp_path / "more.jsonl"
    path.write_bytes(b"\n".join(history(7, 200)) + b"\n")
    tampered(whole, "DELETE FROM ledger.state")
    submitting = threading.Thread(target=whole.submit, args=(path,))
    seen: list[bool] = []

    def progress(position: int) -> None:
        if not seen:
            submitting.start()
        submitting.join(0.2)
        seen.append(submitting.is_alive())

    head = len(whole.positions())
    assert restored(whole, progress).rows
    submitting.join()

    assert seen and all(seen), "it waited as long as rows were made"
    assert len(whole.positions()) > head
    assert found(whole) == []


@pytest.mark.parametrize(("version", "advice"), [(ROWS_VERSION - 1, "restore-rows"), (ROWS_VERSION + 1, "upgrade")])
def test_a_store_whose_rows_are_kept_another_way_is_not_decided_upon(
    whole: Store, tmp_path: Path, version: int, advice: str
) -> None:
    path = tmp_path / "more.jsonl"
    path.write_bytes(b"\n".join(history(7, 50)) + b"\n")
    with tampering(whole) as connection:
        connection.execute("UPDATE ledger.store SET rows_version = %s", (version,))
    before = whole.written()

    with pytest.raises(identity.StoreMismatch, match=advice):
        whole.submit(path)
    assert_same(whole.written(), before)

    if version > ROWS_VERSION:
        with pytest.raises(identity.StoreMismatch, match=advice):
            restored(whole)
        assert_same(whole.written(), before)
        return
    assert restored(whole).as_json()["ok"]
    whole.submit(path)
    assert found(whole) == []


def test_a_cut_off_that_read_damaged_units_before_its_turn_takes_what_was_put_right(
    dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it read is older than what was put right, and no position tells these units."""
    made = bills()
    prepare = StoreSource.prepare_cut_off

    def prepared(self: StoreSource, connection: psycopg.Connection[Any], month: str, limit: int) -> None:
        prepare(self, connection, month, limit)
        assert restored(store).units == 2

    with Scene(dsn, [], CLOCK_MICROS, SECRET) as scene:
        store = Store(dsn, config=())
        identified(store)
        scene.submit(made.lines())
        tampered(store, "UPDATE ledger.clearing_units SET confirmed = false WHERE confirmed")
        monkeypatch.setattr(StoreSource, "prepare_cut_off", prepared)
        cut_off(made)
        (outcome,) = scene.submit(last(made, 1))
        assert isinstance(outcome, Receipt)
        assert taken(scene) == {"A", "B"}
    assert found(store) == []


def test_a_list_of_rules_does_not_grow_on_rows_that_changed_while_it_waited(
    blank: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A newer program made the rows again while this one waited for its turn."""
    take = Lease.take

    def taken_late(self: Lease) -> None:
        take(self)
        tampered(blank, "UPDATE ledger.store SET rows_version = %s", ROWS_VERSION + 1)

    monkeypatch.setattr(Lease, "take", taken_late)
    with pytest.raises(identity.StoreMismatch, match="upgrade"):
        extended(blank, {"key": "card.guardian_below_age", "scope": "33", "effective_from": "2027-01-01", "value": 17})
    assert blank.positions() == []
