"""A view that is built anew at once, by several processes, is row by row the one that was followed page by page."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
import pytest

from projections import follow, tracking
from projections.feed.log import LogFeed
from projections.feed.port import Broken
from projections.loading import crew as crews
from projections.loading.crew import Crew
from projections.rebuild import Rebuilt, UnderWay, rebuild, rebuild_together
from projections.views import balances
from projections.views.port import View
from projections.views.registry import VIEWS
from tests.fix_command import Onecard
from tests.fix_damage import CHANGE, SOURCE, followed, position_of, tampered
from tests.fix_stores import Store
from tests.house.tree import ROOT
from tests.model.histories import history

GOLDEN = ROOT / "samples" / "golden"
BY_NAME = {view.name: view for view in VIEWS}
KILLED = """
import sys
from projections.feed.log import LogFeed
from projections.loading.crew import Crew
from projections.rebuild import rebuild_together
from projections.views.registry import VIEWS
import psycopg

if __name__ == "__main__":
    dsn = sys.argv[1]
    connect = lambda: psycopg.connect(dsn, autocommit=True)
    for _ in rebuild_together(connect(), VIEWS, LogFeed("33", connect), crew=Crew(dsn, 3, 20)):
        print("page", flush=True)
"""


def tables_of(store: Store, view: str, version: int) -> dict[str, list[tuple[Any, ...]]]:
    """Rows of every table of a version, whatever order they came in."""
    names = store.ask(
        "SELECT tablename FROM pg_tables WHERE schemaname = 'views' AND tablename ~ %s ORDER BY 1",
        rf"^{view}(_[a-z_]+)?_v{version}(_|$)",
    )
    return {
        name.replace(f"_v{version}", ""): sorted(store.ask(f"SELECT * FROM views.{name}"), key=repr)
        for (name,) in names
    }


def indexes_of(store: Store, view: str, version: int) -> list[str]:
    found = store.ask(
        "SELECT indexdef FROM pg_indexes WHERE schemaname = 'views' AND tablename ~ %s",
        rf"^{view}(_[a-z_]+)?_v{version}(_|$)",
    )
    return sorted(definition.replace(f"_v{version}", "") for (definition,) in found)


def shape_of(store: Store, view: str, version: int) -> tuple[Any, ...]:
    return tables_of(store, view, version), indexes_of(store, view, version)


def rebuilt(
    store: Store, views: Sequence[View], crew: Crew, limit: int = follow.PAGE_RECORDS, force: bool = False
) -> list[Rebuilt]:
    with closing(store.connect()) as connection, closing(LogFeed(SOURCE, store.connect)) as feed:
        *_, results = rebuild_together(connection, views, feed, force, limit, crew)
    return results


def live_versions(store: Store) -> dict[str, int]:
    return dict(store.ask("SELECT view, version FROM views.live"))


def leftovers(store: Store) -> list[tuple[Any, ...]]:
    """Tables and tracking of versions that are not live."""
    tracked = store.ask("SELECT view, version FROM views.tracking EXCEPT SELECT view, version FROM views.live")
    parts = store.ask("SELECT tablename FROM pg_tables WHERE schemaname = 'views' AND tablename LIKE '%%parts'")
    return tracked + parts


# --- equal to what was followed --------------------------------------------------------------------------------------


@pytest.mark.parametrize("processes", [1, 2, 3])
@pytest.mark.parametrize("size", [7, 130, 100_000])
def test_every_view_rebuilt_is_the_view_followed(
    whole: Store, monkeypatch: pytest.MonkeyPatch, processes: int, size: int
) -> None:
    monkeypatch.setattr(balances, "MOST_ACCOUNTS", 50)
    before = {name: shape_of(whole, name, 1) for name in BY_NAME}
    assert all(tables and indexes for tables, indexes in before.values())
    results = rebuilt(whole, VIEWS, Crew(whole.dsn, processes, size))
    assert [(one.view, one.swapped, one.differences) for one in results] == [(view.name, True, []) for view in VIEWS]
    head = whole.positions()[-1]
    assert {(one.applied, one.position) for one in results} == {(head, head)}
    assert {name: shape_of(whole, name, 2) for name in BY_NAME} == before
    assert leftovers(whole) == []


@pytest.mark.parametrize("nth", range(3))
def test_random_histories(store: Store, tmp_path: Path, seed: int, nth: int) -> None:
    path = tmp_path / "history.jsonl"
    path.write_bytes(b"\n".join(history(seed + nth, 1_500)) + b"\n")
    store.submit(path)
    followed(store)
    before = {name: tables_of(store, name, 1) for name in BY_NAME}
    for view in VIEWS:
        (result,) = rebuilt(store, [view], Crew(store.dsn, 1, 300))
        assert (result.swapped, result.differences) == (True, []), (seed + nth, view.name)
    assert {name: tables_of(store, name, 2) for name in BY_NAME} == before, seed + nth


@pytest.mark.parametrize("example", sorted(GOLDEN.glob("E*.jsonl")), ids=lambda path: path.stem)
def test_golden_examples(store: Store, example: Path) -> None:
    store.submit(example)
    followed(store)
    before = {name: tables_of(store, name, 1) for name in BY_NAME}
    assert all(one.swapped for one in rebuilt(store, VIEWS, Crew(size=5)))
    assert {name: tables_of(store, name, 2) for name in BY_NAME} == before


def test_what_comes_while_a_view_is_rebuilt_is_caught_up(store: Store, tmp_path: Path) -> None:
    told = history(5, 800)
    for name, part in (("early", told[:500]), ("late", told[500:])):
        (tmp_path / name).write_bytes(b"\n".join(part) + b"\n")
    store.submit(tmp_path / "early")
    followed(store)
    with closing(store.connect()) as connection, closing(LogFeed(SOURCE, store.connect)) as feed:
        running = rebuild_together(connection, VIEWS, feed, crew=Crew(size=100), limit=30)
        next(running)
        store.submit(tmp_path / "late")
        followed(store)
        *_, results = running
    assert {one.position for one in results} == {store.positions()[-1]}
    assert all(one.swapped for one in results)


def test_an_empty_log(store: Store) -> None:
    followed(store)
    assert [one.swapped for one in rebuilt(store, VIEWS, Crew(store.dsn, 2))] == [True] * len(VIEWS)


# --- what is not right -----------------------------------------------------------------------------------------------

TAMPERING = {
    "balances": (
        "UPDATE views.balances_v1 SET debit_fen = debit_fen + 1 WHERE account LIKE 'card:%%'",
        "balance_differs",
    ),
    "audit": ("UPDATE views.audit_v1 SET amount_fen = 1 WHERE position = 3", "audit_differs"),
    "clearing": ("UPDATE views.clearing_v1_1_lines SET total_fen = total_fen + 1", "line_differs"),
}


@pytest.mark.parametrize("name", TAMPERING)
def test_a_view_that_differs_stays_unless_forced(whole: Store, name: str) -> None:
    statement, kind = TAMPERING[name]
    right = tables_of(whole, name, 1)
    tampered(whole, statement)
    (result,) = rebuilt(whole, [BY_NAME[name]], Crew(whole.dsn, 2, 100))
    assert not result.swapped and {one.kind for one in result.differences} == {kind}
    assert live_versions(whole)[name] == 1 and leftovers(whole) == []
    (result,) = rebuilt(whole, [BY_NAME[name]], Crew(whole.dsn, 2, 100), force=True)
    assert result.swapped and result.differences
    assert tables_of(whole, name, 2) == right


DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "unknown": lambda data: b"\0\xff\xff\xff\xff" + data[5:],
    "truncated": lambda data: data[:-3],
}


@pytest.mark.parametrize("processes", [1, 2])
@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("event", ["MedicalSettled", "SettlementsConfirmed"])
def test_damaged_bytes_stop_the_rebuild(whole: Store, event: str, damage: str, processes: int) -> None:
    position = position_of(whole, event, "max")
    ((data,),) = whole.ask("SELECT state FROM ledger.events WHERE notification_id = %s", position)
    tampered(whole, CHANGE, DAMAGES[damage](data), position)
    for views in ([BY_NAME["clearing"]], [BY_NAME["audit"]], VIEWS):
        with pytest.raises(Broken, match=f"position {position}: .*onecard verify"):
            rebuilt(whole, views, Crew(whole.dsn, processes, 50))
    assert set(live_versions(whole).values()) == {1}
    tampered(whole, CHANGE, data, position)
    assert all(one.swapped for one in rebuilt(whole, VIEWS, Crew(whole.dsn, processes, 50)))
    assert leftovers(whole) == []


@pytest.mark.parametrize("name", BY_NAME)
def test_a_hole_stops_the_rebuild_though_the_view_would_not_read_there(whole: Store, name: str) -> None:
    position = position_of(whole, "CardLocked")
    tampered(whole, "DELETE FROM ledger.events WHERE notification_id = %s", position)
    with pytest.raises(Broken, match="missing"):
        rebuilt(whole, [BY_NAME[name]], Crew(size=50))
    assert live_versions(whole)[name] == 1


# --- killed ----------------------------------------------------------------------------------------------------------


def children_of(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def wait_for(happens: Callable[[], bool], seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not happens():
        assert time.monotonic() < end, "it does not happen"
        time.sleep(0.02)


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="looks for children in /proc")
@pytest.mark.parametrize("pages", [1, 4, 12])
def test_a_rebuild_that_is_killed_takes_its_helpers_along_and_is_done_again(whole: Store, pages: int) -> None:
    before = {name: shape_of(whole, name, 1) for name in BY_NAME}
    with subprocess.Popen([sys.executable, "-c", KILLED, whole.dsn], stdout=subprocess.PIPE) as running:
        assert running.stdout is not None
        for _ in range(pages):
            assert running.stdout.readline() == b"page\n"
        helpers = children_of(running.pid)
        running.kill()
    wait_for(lambda: not any(Path(f"/proc/{helper}").exists() for helper in helpers))
    assert set(live_versions(whole).values()) == {1} and leftovers(whole)
    assert all(one.swapped for one in rebuilt(whole, VIEWS, Crew(whole.dsn, 2, 200)))
    assert {name: shape_of(whole, name, 2) for name in BY_NAME} == before
    assert leftovers(whole) == []


def killed_at_once(*_: Any) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def test_a_helper_that_is_killed_stops_the_rebuild(whole: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crews, "_help", killed_at_once)
    with pytest.raises(Broken, match="was killed"):
        rebuilt(whole, VIEWS, Crew(whole.dsn, 2, 100))
    assert set(live_versions(whole).values()) == {1}


def test_no_helper_outlives_a_rebuild_that_is_given_up(whole: Store) -> None:
    with closing(whole.connect()) as connection, closing(LogFeed(SOURCE, whole.connect)) as feed:
        running = rebuild_together(connection, VIEWS, feed, crew=Crew(whole.dsn, 3, 20))
        for _ in range(3):
            next(running)
        running.close()
    wait_for(lambda: sessions(whole) == 1)


def sessions(store: Store) -> int:
    ((count,),) = store.ask("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()")
    return int(count)


def test_a_view_that_was_never_built(store: Store) -> None:
    with pytest.raises(tracking.NotBuilt):
        rebuilt(store, VIEWS, Crew())


def test_one_view_yields_its_own_result(whole: Store) -> None:
    with closing(whole.connect()) as connection, closing(LogFeed(SOURCE, whole.connect)) as feed:
        seen: Iterator[Rebuilt] = rebuild(connection, BY_NAME["audit"], feed, crew=Crew(size=100))
        positions = [one.position for one in seen]
    assert positions == sorted(positions) and positions[-1] == whole.positions()[-1]


def test_the_databases_errors_reach_the_one_who_asked(whole: Store) -> None:
    wrong = psycopg.conninfo.make_conninfo(whole.dsn, password="no", user="nobody-of-this-name")
    with pytest.raises(Broken, match="nobody-of-this-name"):
        rebuilt(whole, VIEWS, Crew(wrong, 2, 100))


def test_all_views_from_the_command_line(onecard: Onecard, tmp_path: Path) -> None:
    assert onecard("rebuild").code == onecard("rebuild", "audit", "--all").code == 2
    path = tmp_path / "history.jsonl"
    path.write_bytes(b"\n".join(history(3, 200)) + b"\n")
    onecard("submit", path)
    onecard("follow", "--until-caught-up")
    ended = onecard("rebuild", "--all", "--json")
    assert ended.code == 0
    assert [(one["view"], one["to_version"], one["swapped"]) for one in ended.json["rebuilt"]] == [
        (view.name, 2, True) for view in VIEWS
    ]
    assert onecard("rebuild", "--all").stdout.count("is live now") == len(VIEWS)


def test_a_rebuild_remembers_when_its_last_event_was_recorded(store: Store, tmp_path: Path) -> None:
    """Or whoever follows over topics would read them from their beginnings."""
    (tmp_path / "told").write_bytes(b"".join(line + b"\n" for line in history(3, 60)))
    store.submit(tmp_path / "told")
    followed(store)
    stood = "SELECT view, recorded_at FROM views.tracking ORDER BY 1"
    right = store.ask(stood)
    assert all(recorded_at for _, recorded_at in right)
    with closing(store.connect()) as connection, closing(LogFeed(SOURCE, store.connect)) as feed:
        *_, results = rebuild_together(connection, VIEWS, feed)
    assert all(one.swapped for one in results) and store.ask(stood) == right


def test_a_view_is_rebuilt_by_one_process_at_a_time(store: Store, tmp_path: Path) -> None:
    (tmp_path / "told").write_bytes(b"".join(line + b"\n" for line in history(3, 60)))
    store.submit(tmp_path / "told")
    followed(store)
    with closing(store.connect()) as one, closing(store.connect()) as two:
        with closing(LogFeed(SOURCE, store.connect)) as feed, closing(LogFeed(SOURCE, store.connect)) as other:
            first = rebuild(one, BY_NAME["balances"], feed)
            next(first)
            with pytest.raises(UnderWay, match="balances is being rebuilt by another process"):
                next(rebuild(two, BY_NAME["balances"], other))
            *_, aside = rebuild(two, BY_NAME["audit"], other)
            *_, result = first
            *_, again = rebuild(two, BY_NAME["balances"], other)
    assert aside.swapped and result.swapped and again.swapped
