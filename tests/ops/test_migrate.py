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
