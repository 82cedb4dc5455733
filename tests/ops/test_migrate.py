"""What a migration cannot bring along, it refuses with a sentence."""

import psycopg
import pytest

from ops.migrate import migrate
from ops.problems import EnvironmentProblem


def test_a_store_whose_taps_were_kept_otherwise_is_refused_before_a_tap_can_be_recorded_twice(dsn: str) -> None:
    migrate(dsn)
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("DELETE FROM onecard.migrations WHERE number >= 8")
        connection.execute("INSERT INTO ledger.state VALUES ('tap', 'a chip:1', 1, '')")

    for _ in ("now", "and every time"):
        with pytest.raises(EnvironmentProblem, match="submit its files again, in order, into a new"):
            migrate(dsn)


def test_alarms_of_cut_offs_that_a_view_has_kept_are_brought_along(dsn: str) -> None:
    migrate(dsn)
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("DELETE FROM onecard.migrations WHERE number >= 10")
        connection.execute("CREATE TABLE views.clearing_v1_1_cycles (cycle text, deferred_count int, alarm_count int)")
        connection.execute("CREATE TABLE views.clearing_v1_1_calendar (cycle text, decided_on int NOT NULL)")
        connection.execute("INSERT INTO views.clearing_v1_1_calendar VALUES ('a', 9), ('b', 9), ('c', 9)")
        connection.execute("INSERT INTO views.clearing_v1_1_cycles VALUES ('a', 3, 0), ('b', 3, 3), ('c', 3, 1)")
        for _ in ("once", "and not again"):
            migrate(dsn)
            connection.execute("DELETE FROM onecard.migrations WHERE number >= 10")
        kept = connection.execute("SELECT cycle, alarms_above FROM views.clearing_v1_1_calendar ORDER BY 1").fetchall()
    assert kept == [("a", None), ("b", 0), ("c", 2)]
