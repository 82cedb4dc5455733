"""An Avro object container of commands: one record a command, line = record number, the same outcomes as JSON Lines."""

import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import fastavro
import pytest

from ledger.store.containers import as_line, open_commands
from tests.cli.lines import activate, contribute, issue, write
from tests.fix_command import Onecard

TEXT = ["null", "string"]


def container(path: Path, *records: dict[str, Any], codec: str = "deflate", **types: Any) -> Path:
    """Records of nullable strings, or of these types."""
    names = sorted({name for record in records for name in record})
    fields = [{"name": name, "type": types.get(name, TEXT)} for name in names]
    schema = {"type": "record", "name": "Command", "fields": fields}
    with path.open("wb") as file:
        fastavro.writer(file, schema, records, codec=codec, sync_interval=200)
    return path


def test_a_container_is_answered_as_the_same_lines_are(onecard: Onecard, tmp_path: Path) -> None:
    records = [issue(), activate(), contribute(), contribute("c2", amount_fen=0), contribute("c3")]
    file = container(tmp_path / "commands.avro", *records, amount_fen=["null", "long"])
    ended = onecard("submit", file)
    assert ended.code == 1
    assert [(line["line"], line["position"]) for line in ended.lines] == [(1, 1), (2, 2), (3, 3), (5, 4)]
    reject = json.loads(ended.stderr.splitlines()[0])
    assert (reject["line"], reject["code"], reject["input"]) == (4, "out_of_range", contribute("c2", amount_fen=0))
    # The same commands as JSON are the same commands.
    again = onecard("submit", write(tmp_path / "lines", *records), "--json").json
    assert (again["recorded"], again["duplicate"], again["rejected"]) == (0, 4, 1)


def test_dates_and_instants_of_avro_are_those_of_commands(onecard: Onecard, tmp_path: Path) -> None:
    instant = {"type": "long", "logicalType": "timestamp-micros"}
    first = issue(occurred_at=datetime(2024, 3, 1, 1, 0, tzinfo=UTC), expires_on=date(2034, 2, 28))
    day = {"type": "int", "logicalType": "date"}
    file = container(tmp_path / "commands.avro", first, codec="null", occurred_at=instant, expires_on=day)
    assert onecard("submit", file, "--json").json["recorded"] == 1
    assert onecard("submit", write(tmp_path / "lines", issue()), "--json").json["duplicate"] == 1


def test_a_record_of_anything_is_a_line() -> None:
    assert as_line({"a": None, "b": b"\x01", "c": [None, 1]}) == b'{"b":"01","c":[null,1]}\n'
    assert as_line("just text\n") == b'"just text\\n"\n'


def test_a_damaged_container_is_told_and_what_came_before_stays(onecard: Onecard, tmp_path: Path) -> None:
    records = [issue(), activate(), *(contribute(f"c{n}", amount_fen=n + 1) for n in range(50))]
    whole = container(tmp_path / "whole.avro", *records, amount_fen=["null", "long"])
    middle = whole.stat().st_size * 2 // 3
    damaged = tmp_path / "damaged.avro"
    damaged.write_bytes(whole.read_bytes()[:middle] + bytes(64) + whole.read_bytes()[middle + 64 :])
    ended = onecard("submit", damaged, "--batch", 4, "--json")
    assert (ended.code, ended.json["error"]["code"]) == (2, "usage")
    assert "after record" in ended.json["error"]["message"]
    again = onecard("submit", whole, "--json").json
    assert again["recorded"] + again["duplicate"] == 52 and again["rejected"] == 0


def test_a_container_that_was_cut_off_is_not_begun(onecard: Onecard, tmp_path: Path) -> None:
    whole = container(tmp_path / "whole.avro", issue(), activate())
    cut = tmp_path / "cut.avro"
    cut.write_bytes(whole.read_bytes()[:-20])
    ended = onecard("submit", cut, "--json")
    assert (ended.code, ended.json["error"]["code"]) == (2, "usage")
    assert onecard("status", "--json").json["events"] == 0


@pytest.mark.parametrize("size", [1, 7, 65_536])
def test_lines_come_in_pieces_of_any_size(tmp_path: Path, size: int) -> None:
    records = [contribute(f"c{n}", amount_fen=n) for n in range(100)]
    path = container(tmp_path / "commands.avro", *records, amount_fen=["null", "long"])
    with open_commands(str(path)) as file:
        read = b"".join(iter(lambda: file.read(size), b""))
    assert [json.loads(line) for line in read.splitlines()] == records
