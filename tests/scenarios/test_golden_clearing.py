"""Tables and notices of every golden example that cuts a month off, asked of the command line."""

from pathlib import Path

import pytest

from tests.fix_command import Onecard
from tests.scenarios.test_golden import EXAMPLES, expected, submitted

CUT_OFF = [example for example in EXAMPLES if expected(example)["tables"]]


def test_some_examples_cut_months_off() -> None:
    assert {"E01", "E09", "E10", "E11", "E25", "E26"} <= set(CUT_OFF)


@pytest.mark.parametrize("example", CUT_OFF)
def test_tables_and_notices_of_the_golden_example(onecard: Onecard, example: str, tmp_path: Path) -> None:
    wanted = expected(example)
    submitted(onecard, example, tmp_path)
    onecard("follow", "--until-caught-up")

    for month, table in wanted["tables"].items():
        assert onecard("clearing", "table", month, "--json").json == table
        assert onecard("clearing", "table", month, "--jsonl").lines == table["rows"]
        assert onecard("clearing", "table", month).code == 0
    for month, notices in wanted["notices"].items():
        assert onecard("clearing", "notices", month, "--json").json == notices
        assert onecard("clearing", "notices", month, "--jsonl").lines == notices["notices"]
        assert onecard("clearing", "notices", month).code == 0
        for notice in notices["notices"]:
            shown = onecard("clearing", "show", notice["notice_id"], "--json").json
            assert shown["notice"] == notice
            assert sum(row["payable_fen"] for row in shown["rows"]) == notice["payable_fen"]
    assert onecard("rebuild", "clearing", "--json").json["differences"] == 0
