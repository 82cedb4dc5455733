"""Verify compares every view with one made again from the log, where the view stands, and leaves nothing behind."""

from pathlib import Path

import pytest

from tests.fix_damage import LINES, checked, found, found_in_views, tampered
from tests.fix_stores import Store
from tests.model.histories import history

VIEW_DAMAGED = [
    ("UPDATE {t} SET debit_fen = debit_fen + 1 WHERE {first}", "balances_v1", "account", "balance_differs"),
    ("UPDATE {t} SET entries = entries + 1 WHERE {first}", "balances_v1", "account", "balance_differs"),
    ("DELETE FROM {t} WHERE {first}", "balances_v1", "account", "account_missing"),
    ("INSERT INTO {t} VALUES ('33', 'fund:99:x', 0, 1, 1, 2, 3)", "balances_v1", "account", "account_extra"),
    ("DELETE FROM {t} WHERE {first}", "audit_v1", "position", "audit_missing"),
    ("UPDATE {t} SET amount_fen = coalesce(amount_fen, 0) + 1 WHERE {first}", "audit_v1", "position", "audit_differs"),
    ("UPDATE {t} SET position = 1000000 + position WHERE {first}", "audit_v1", "position", "audit_extra"),
    ("DELETE FROM {t} WHERE {first}", "audit_card_sns_v1", "position", "audit_missing"),
    ("UPDATE {t} SET n = n + 7 WHERE {first}", "clearing_v1_1_lines", "position", "line_differs"),
    ("UPDATE {t} SET disputed = NOT disputed WHERE {first}", "clearing_v1_1_units", "unit_key", "line_differs"),
    ("UPDATE {t} SET total_fen = 1 + total_fen WHERE {first}", "clearing_v1_1_bills", "position", "line_differs"),
    ("UPDATE {t} SET count = 1 + count WHERE {first}", "clearing_v1_1_rows", "cycle, home", "table_differs"),
    ("DELETE FROM {t} WHERE {first}", "clearing_v1_1_cycles", "cycle", "table_differs"),
]


@pytest.mark.parametrize(("damage", "table", "key", "kind"), VIEW_DAMAGED)
def test_damage_in_a_view_is_found(whole: Store, damage: str, table: str, key: str, kind: str) -> None:
    first = f"ctid = (SELECT ctid FROM views.{table} ORDER BY {key} LIMIT 1)"
    tampered(whole, damage.format(t=f"views.{table}", first=first))
    findings = found_in_views(whole)
    assert kind in {one.kind for one in findings}
    assert len(findings) <= 2
    assert found(whole) == [], "the store is whole"


def test_a_view_that_lags_is_compared_where_it_stands(whole: Store, tmp_path: Path) -> None:
    path = tmp_path / "more.jsonl"
    path.write_bytes(b"\n".join(history(1, LINES + 300)[LINES:]) + b"\n")
    whole.submit(path)
    assert checked(whole).position > LINES // 2
    assert found_in_views(whole) == []
    tampered(whole, "UPDATE views.tracking SET position = position + 5 WHERE view = 'audit'")
    assert {one.kind for one in found_in_views(whole)} == {"audit_missing"}


def test_a_view_ahead_of_its_log_is_not_called_right(whole: Store) -> None:
    tampered(whole, "UPDATE views.tracking SET position = position + 5 WHERE view = 'balances'")
    assert [(one.kind, one.subject) for one in found_in_views(whole)] == [("view_not_compared", "balances")]
