"""`restore-rows` as an operator meets it: after damage, after an upgrade, and where it cannot help."""

from pathlib import Path

import pytest

from tests.cli.lines import activate, contribute, issue, write
from tests.cli.test_verify import changed
from tests.fix_command import Onecard

OLDER = "UPDATE ledger.store SET rows_version = 0"
STALE = "UPDATE ledger.state SET revision = revision - 1 WHERE kind = 'card'"


@pytest.fixture
def card(tmp_path: Path) -> Path:
    return write(tmp_path / "card", issue(), activate())


def test_rows_are_put_right_and_told_to_programs_and_to_people(onecard: Onecard, dsn: str, card: Path) -> None:
    assert onecard("submit", card).code == 0
    whole = onecard("restore-rows")
    assert whole.code == 0 and "Every row is what the log makes of it up to position 2" in whole.stdout

    changed(dsn, STALE)
    told = onecard("restore-rows", "--json")
    assert told.code == 0 and told.json["ok"] is True
    assert (told.json["rows"], told.json["units"], told.json["position"]) == (1, 0, 2)
    assert [one["kind"] for one in told.json["put_right"]] == ["state_differs"]

    changed(dsn, STALE)
    shown = onecard("restore-rows")
    assert shown.code == 0 and "Put right 1 row and 0 clearing units" in shown.stdout
    assert onecard("verify").code == 0


def test_a_damaged_log_is_told_and_nothing_is_written(onecard: Onecard, dsn: str, card: Path) -> None:
    assert onecard("submit", card).code == 0
    changed(dsn, "UPDATE ledger.events SET state = state || '\\x00' WHERE notification_id = 2")
    changed(dsn, STALE)
    refused = onecard("restore-rows")
    assert refused.code == 1
    assert "Nothing was written" in refused.stdout and "findings A" in refused.stdout
    assert onecard("restore-rows", "--json").json["rows"] is None


def test_after_an_upgrade_that_keeps_rows_another_way_the_operator_is_led(
    onecard: Onecard, dsn: str, card: Path, tmp_path: Path
) -> None:
    assert onecard("submit", card).code == 0
    changed(dsn, OLDER)
    more = write(tmp_path / "more", contribute())

    refused = onecard("submit", more)
    assert refused.code == 3 and "onecard restore-rows" in refused.stderr
    assert "onecard restore-rows" in onecard("verify").stderr
    assert onecard("status").code == 0, "who only reads goes on"

    assert onecard("restore-rows").code == 0
    assert onecard("submit", more).code == 0
    assert onecard("verify").code == 0


@pytest.mark.parametrize(
    ("statement", "told"),
    [
        ("UPDATE ledger.state SET data = '\\xc1' WHERE kind = 'card'", "a row of kind card"),
        # A head of version 1, where the stream has two events: an array of some fields, the version first.
        ("UPDATE ledger.state SET data = set_byte(data, 3, 1) WHERE kind = 'card'", "already exists"),
    ],
)
def test_who_meets_a_damaged_row_is_led_to_what_puts_it_right(
    onecard: Onecard, dsn: str, card: Path, tmp_path: Path, statement: str, told: str
) -> None:
    assert onecard("submit", card).code == 0
    changed(dsn, statement)
    more = write(tmp_path / "more", contribute())

    met = onecard("submit", more)
    assert met.code == 3 and told in met.stderr and "Traceback" not in met.stderr
    assert "onecard verify" in met.stderr and "findings D" in met.stderr

    assert onecard("restore-rows").code == 0
    assert onecard("submit", more).code == 0
    assert onecard("verify").code == 0


def test_a_new_version_does_not_show_people_every_row_there_is(
    onecard: Onecard, dsn: str, card: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert onecard("submit", card).code == 0
    changed(dsn, STALE)
    changed(dsn, STALE.replace("'card'", "'card_spans'"))
    monkeypatch.setattr("ops.cli.restore_rows.MOST_SHOWN", 1)
    shown = onecard("restore-rows").stdout
    assert shown.count("state_differs") == 1 and "... and more: --json lists" in shown
