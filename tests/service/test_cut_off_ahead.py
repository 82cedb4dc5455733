"""A cut-off is read before the lease is taken; what others record meanwhile is in its table all the same."""

from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest

from ledger.core.rejection import Rejected
from ledger.service.batch import Receipt
from ledger.store import lines as store_lines
from ledger.store import source
from ledger.store.source import StoreSource
from tests.model.histories import CLOCK_MICROS
from tests.projections.bills import Bills
from tests.projections.scene import Scene

Meanwhile = Callable[[Callable[[psycopg.Connection[Any]], object]], None]


@pytest.fixture
def finished(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How often a prepared cut-off was finished, as a list that grows."""
    counted: list[int] = []
    finish = store_lines.finish

    def counting(cursor: Any, prepared: Any) -> Any:
        table = finish(cursor, prepared)
        counted.append(1)
        return table

    monkeypatch.setattr(store_lines, "finish", counting)
    return counted


@pytest.fixture
def meanwhile(monkeypatch: pytest.MonkeyPatch) -> Iterator[Meanwhile]:
    """Something that happens after the preparation of a cut-off and before its decision."""
    prepare = StoreSource.prepare_cut_off

    def plant(act: Callable[[psycopg.Connection[Any]], object]) -> None:
        def prepared(self: StoreSource, connection: psycopg.Connection[Any], month: str, limit: int) -> None:
            prepare(self, connection, month, limit)
            act(connection)

        monkeypatch.setattr(StoreSource, "prepare_cut_off", prepared)

    yield plant


def bills() -> Bills:
    made = Bills()
    for name in "ABCD":
        made.settle(name, "2025-06-02")
    confirm(made, "ConfirmSettlements", "A", "B")
    return made


def confirm(made: Bills, command: str, *names: str) -> None:
    made.say(command, "2025-07-01", treatment_province="31", settlement_ids=list(names))
    del made.commands[-1]["card_sn"]


def cut_off(made: Bills) -> None:
    made.say("CutOffCycle", "2025-07-03", cycle="2025-06")
    del made.commands[-1]["card_sn"]


def last(made: Bills, count: int) -> list[bytes]:
    return made.lines()[-count:]


def taken(scene: Scene) -> set[str]:
    """What the cut-off took, by a view that makes the table again and stops if it differs."""
    scene.follow()
    return {line["settlement_id"] for line in scene.lines(cycle="2025-06")}


def test_what_is_recorded_meanwhile_counts(dsn: str, finished: list[int], meanwhile: Meanwhile) -> None:
    made = bills()
    with Scene(dsn, [], CLOCK_MICROS) as scene, Scene(dsn, [], CLOCK_MICROS) as other:
        scene.submit(made.lines())
        confirm(made, "WithdrawConfirmation", "A")
        confirm(made, "ConfirmSettlements", "C")
        made.settle("E", "2025-06-09")
        confirm(made, "ConfirmSettlements", "E")
        more = last(made, 4)
        meanwhile(lambda _: other.submit(more))
        cut_off(made)
        (outcome,) = scene.submit(last(made, 1))
        assert isinstance(outcome, Receipt)
        assert finished == [1]
        assert taken(scene) == {"B", "C", "E"}


def test_what_is_withdrawn_to_the_last_bill_meanwhile_leaves_no_row(dsn: str, meanwhile: Meanwhile) -> None:
    made = bills()
    with Scene(dsn, [], CLOCK_MICROS) as scene, Scene(dsn, [], CLOCK_MICROS) as other:
        scene.submit(made.lines())
        confirm(made, "WithdrawConfirmation", "A", "B")
        more = last(made, 1)
        meanwhile(lambda _: other.submit(more))
        cut_off(made)
        scene.submit(last(made, 1))
        assert taken(scene) == set()
        with scene.connect() as connection:
            assert connection.execute("SELECT * FROM ledger.clearing_rows").fetchall() == []


def test_a_snapshot_that_is_lost_is_read_again(dsn: str, finished: list[int], meanwhile: Meanwhile) -> None:
    made = bills()
    with Scene(dsn, [], CLOCK_MICROS) as scene, scene.connect() as killer:
        scene.submit(made.lines())
        meanwhile(lambda one: killer.execute("SELECT pg_terminate_backend(%s)", (one.info.backend_pid,)))
        confirm(made, "ConfirmSettlements", "D")
        cut_off(made)
        assert all(isinstance(outcome, Receipt) for outcome in scene.submit(last(made, 2)))
        assert taken(scene) == {"A", "B", "D"}


def test_many_changes_are_read_into_another_snapshot(
    dsn: str, finished: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(source, "MOST_CHANGED", -1)
    prepared: list[int] = []
    prepare = store_lines.prepare
    monkeypatch.setattr(store_lines, "prepare", lambda *given: prepared.append(1) or prepare(*given))
    made = bills()
    with Scene(dsn, [], CLOCK_MICROS) as scene:
        cut_off(made)
        scene.submit(made.lines())
        assert (len(prepared), finished) == (source.PREPARATIONS, [1])
        assert taken(scene) == {"A", "B"}


def test_a_cut_off_that_is_repeated_or_refused_leaves_nothing_open(dsn: str) -> None:
    made = bills()
    with Scene(dsn, [], CLOCK_MICROS) as scene:
        cut_off(made)
        scene.submit(made.lines())
        again = last(made, 1)
        cut_off(made)
        first, second = scene.submit([*again, *last(made, 1)])
        assert isinstance(first, Receipt) and first.status == "duplicate"
        assert getattr(second, "code", None) == "cycle_cut_off"
        with scene.connect() as connection:
            row = connection.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE state = 'idle in transaction'"
                " AND datname = current_database()"
            ).fetchone()
    assert row == (0,)


def test_a_retried_cut_off_reads_nothing(dsn: str, finished: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    made = bills()
    with Scene(dsn, [], CLOCK_MICROS) as scene:
        cut_off(made)
        scene.submit(made.lines())
        monkeypatch.setattr(store_lines, "prepare", lambda *given: pytest.fail("read for nothing"))
        cut_off(made)
        retried, late = scene.submit(last(made, 2))
        assert isinstance(retried, Receipt) and retried.status == "duplicate"
        assert isinstance(late, Rejected) and late.code == "cycle_cut_off"
        assert finished == [1]
