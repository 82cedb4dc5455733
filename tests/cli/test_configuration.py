"""What a longer ONECARD_CONFIG does to a store, as its operator meets it."""

from pathlib import Path

import psycopg
import pytest

from tests.fix_command import Onecard

ENTRY = """[[entry]]
key = "transit.late_days"
effective_from = {begins}
value = {value}
"""


def entries(dsn: str) -> int:
    with psycopg.connect(dsn) as connection:
        row = connection.execute("SELECT jsonb_array_length(configuration) FROM ledger.store").fetchone()
    assert row is not None
    return int(row[0])


def test_only_a_command_that_writes_extends_the_stores_configuration(
    onecard: Onecard, dsn: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    empty, longer = tmp_path / "empty.jsonl", tmp_path / "rules.toml"
    empty.write_bytes(b"")
    assert onecard("submit", empty).code == 0
    assert entries(dsn) == 0

    longer.write_text(ENTRY.format(begins="2025-01-01", value=10))
    monkeypatch.setenv("ONECARD_CONFIG", str(longer))
    assert onecard("status").code == 0
    assert entries(dsn) == 0
    assert onecard("submit", empty).code == 0
    assert entries(dsn) == 1

    longer.write_text(ENTRY.format(begins="2025-01-01", value=11))
    for command in (("status",), ("submit", empty)):
        refused = onecard(*command)
        assert refused.code == 3 and "the configuration differs" in refused.stderr
    assert entries(dsn) == 1
