"""Golden months lived by two ledgers instead of one: the nation's tables are those of the golden examples.

Each province's ledger is told what concerns its cards and pairs; both cut off and close every month.
"""

import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from projections.questions import clearing
from projections.questions.national import clearing as national
from tests.fix_stores import Store
from tests.projections.national.nation import Nation
from tests.scenarios.test_golden import GOLDEN, expected
from tests.scenarios.test_golden_clearing import CUT_OFF

HERE, THERE = "34", "31"
AT_BOTH = ("CutOffCycle", "CloseCycle")


def shared_out(example: str) -> dict[str, list[dict[str, Any]]]:
    """The lines of an example for the ledger of Anhui, whose cards are insured there, and for that of all others."""
    told: dict[str, list[dict[str, Any]]] = {HERE: [], THERE: []}
    homes: dict[str, str] = {}
    for raw in (GOLDEN / f"{example}.jsonl").read_text("utf-8").splitlines():
        line = json.loads(raw)
        line.pop("table_digest", None)  # that of one ledger's table is not that of a part of it
        if line["command"] in AT_BOTH:
            for lines in told.values():
                lines.append(line)
        elif line["command"] == "ConfirmSettlements":
            for ledger, lines in told.items():
                own = [one for one in line["settlement_ids"] if homes.get(one, HERE) == ledger]
                if own:
                    lines.append({**line, "settlement_ids": own})
        else:
            ledger = _ledger(line, homes)
            if line["command"] == "SettleMedical":
                homes[line["settlement_id"]] = ledger
            told[ledger].append(line)
    return told


def _ledger(line: dict[str, Any], homes: dict[str, str]) -> str:
    """Whose line it is: by card, by home province of a pair, by settlement."""
    of_pair = (line.get("notice_id") or "").split("-")[-2:]
    home = line.get("card_sn") or line.get("home") or of_pair[0]
    if not home:
        return homes.get(line.get("settlement_id", ""), HERE)
    return HERE if home.startswith(HERE) else THERE


@pytest.fixture
def nation(stores: Callable[[], Store], tmp_path: Path, request: pytest.FixtureRequest) -> Nation:
    example = request.param

    def made() -> Store:
        clock = datetime.fromisoformat(expected(example)["clock"])
        store = stores()
        store.config, store.clock = (), lambda: int(clock.timestamp()) * 1_000_000
        return store

    nation = Nation(made, HERE, THERE)
    for source, lines in shared_out(example).items():
        path = tmp_path / source
        path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
        nation.tell(source, path)
    nation.follow()
    return nation


@pytest.mark.parametrize(("nation", "example"), [(one, one) for one in CUT_OFF], indirect=["nation"])
def test_the_nations_table_is_that_of_one_ledger_with_all_lines(nation: Nation, example: str) -> None:
    wanted = expected(example)
    assert wanted["tables"]
    for month, table in wanted["tables"].items():
        found = nation.ask(lambda cursor, month=month: national.table(cursor, month, nation.config))
        positions = ("position", "after_position", "cut_off_position")
        assert {key: value for key, value in found.items() if key not in positions} == {
            key: value for key, value in table.items() if key not in positions
        }
        assert found["cut_off_position"].keys() == {HERE, THERE}
    for month, notices in wanted["notices"].items():
        found = nation.ask(lambda cursor, month=month: national.notices(cursor, month, nation.config))
        assert [{key: value for key, value in one.items() if key != "source"} for one in found["notices"]] == (
            notices["notices"]
        )


def test_both_ledgers_of_the_first_example_have_a_part_in_it(tmp_path: Path) -> None:
    told = shared_out("E01")
    assert all(any(line["command"] == "SettleMedical" for line in lines) for lines in told.values())


@pytest.mark.parametrize("nation", ["E01"], indirect=True)
def test_a_month_is_as_far_as_the_last_ledger_that_has_it(nation: Nation) -> None:
    parts = {
        source: nation.ask(lambda cursor, one=source: clearing.table(cursor, one, "2025-06", nation.config))
        for source in (HERE, THERE)
    }
    assert {part["state"] for part in parts.values()} == {"CLOSED"}
    assert sum(part["payable_fen"] > 0 for part in parts.values()) == 2
