"""When a month of the nation is open, cut off and closed; and the other side's file against several ledgers at once."""

import io
from collections.abc import Callable
from contextlib import closing
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from ledger.core.calendar import from_date
from projections.questions import clearing, reconciliation
from projections.questions.national import clearing as national
from projections.questions.national import store
from projections.questions.reconciliation import SUGGESTIONS, Comparison
from projections.questions.sources import ALL
from tests.fix_stores import Store
from tests.projections.bills import HERE, THERE, TOTAL_HEADER, Bills, Fact, detail, text, total
from tests.projections.national.nation import Nation, without_source

A, B, IDLE = "31", "34", "35"
JUNE = "2025-06"
POSITIONS = (from_date(date(2025, 6, 1)), from_date(date(2025, 6, 30)))


class Office:
    """Commands for the ledgers of a nation, told and followed as they are given."""

    def __init__(self, nation: Nation, folder: Path) -> None:
        self.nation = nation
        self.bills = {source: Bills() for source in nation.provinces}
        self._told = dict.fromkeys(nation.provinces, 0)
        self._folder = folder

    def confirm(self, source: str, *names: str) -> None:
        self.bills[source].say("ConfirmSettlements", "2025-07-01", treatment_province="31", settlement_ids=list(names))
        del self.bills[source].commands[-1]["card_sn"]

    def cycle(self, command: str, source: str, month: str) -> None:
        self.bills[source].say(command, "2025-09-01", cycle=month)
        del self.bills[source].commands[-1]["card_sn"]

    def tell(self) -> None:
        for source, bills in self.bills.items():
            path = self._folder / f"{source}-{self._told[source]}"
            path.write_bytes(b"".join(line + b"\n" for line in bills.lines()[self._told[source] :]))
            self._told[source] = len(bills.commands)
            outcomes = self.nation.provinces[source].submit(path)
            assert all(hasattr(one, "position") for one in outcomes), outcomes
        self.nation.follow()

    def table(self, month: str = JUNE) -> dict[str, Any]:
        return self.nation.ask(lambda cursor: national.table(cursor, month, self.nation.config))

    def part(self, source: str, month: str = JUNE) -> dict[str, Any]:
        return self.nation.ask(lambda cursor: clearing.table(cursor, source, month, self.nation.config))

    def cycles(self) -> dict[str, str]:
        found = self.nation.ask(lambda cursor: store.status(cursor, self.nation.config))
        return {one["cycle"]: one["state"] for one in found["cycles"]}


@pytest.fixture
def office(stores: Callable[[], Store], tmp_path: Path) -> Office:
    """In A and B a settlement of June that is agreed, under one name; a third ledger has cards and no settlement."""

    def made() -> Store:
        store = stores()
        store.config = ()
        return store

    office = Office(Nation(made, A, B, IDLE), tmp_path)
    for source, fund in ((A, 700), (B, 500)):
        office.bills[source].settle("X", "2025-06-02", fund=fund)
        office.confirm(source, "X")
    office.tell()
    return office


# --- months ----------------------------------------------------------------------------------------------------------


def test_a_month_that_nobody_has_cut_off_is_a_preview(office: Office) -> None:
    found = office.table()
    assert (found["state"], found["line_count"], found["table_digest"]) == ("OPEN", 2, None)
    assert found["payable_fen"] == 700 + 500 + 2 * 200
    assert found["cut_off_position"] == {A: None, B: None}
    assert len(found["rows"]) == 1 and found["rows"][0]["count"] == 2


def test_a_month_is_closed_when_it_is_in_every_ledger_that_has_it(office: Office) -> None:
    before = office.table()
    for command, source, state in (
        ("CutOffCycle", A, "OPEN"),
        ("CloseCycle", A, "OPEN"),
        ("CutOffCycle", B, "CUT_OFF"),
        ("CloseCycle", B, "CLOSED"),
    ):
        office.cycle(command, source, JUNE)
        office.tell()
        found = office.table()
        assert found["state"] == state == office.cycles()[JUNE], (command, source)
        assert found["rows"] == before["rows"]
        assert (found["table_digest"] is None) == (state == "OPEN")
    assert found["cut_off_position"] == {one: office.part(one)["cut_off_position"] for one in (A, B)}
    assert found["table_digest"] not in {office.part(one)["table_digest"] for one in (A, B)}
    assert IDLE in found["position"] and IDLE not in found["cut_off_position"]


def test_a_ledger_that_only_has_lines_to_defer_keeps_the_month_open(office: Office) -> None:
    office.bills[IDLE].settle("late", "2025-06-20")
    for command in ("CutOffCycle", "CloseCycle"):
        for source in (A, B):
            office.cycle(command, source, JUNE)
    office.tell()
    found = office.table()
    assert (found["state"], found["line_count"], found["deferred_count"]) == ("OPEN", 2, 1)
    assert found["cut_off_position"][IDLE] is None


def test_a_ledger_that_went_past_a_month_does_not_have_it(office: Office) -> None:
    office.bills[IDLE].settle("july", "2025-07-02")
    office.confirm(IDLE, "july")
    office.cycle("CutOffCycle", IDLE, "2025-07")
    office.bills[IDLE].settle("late", "2025-06-20")  # of June, and only a month after July can take it
    for command in ("CutOffCycle", "CloseCycle"):
        for source in (A, B):
            office.cycle(command, source, JUNE)
    office.tell()
    found = office.table()
    assert (found["state"], found["line_count"]) == ("CLOSED", 2)
    assert office.cycles() == {JUNE: "CLOSED", "2025-07": "CUT_OFF"}


def test_notices_of_a_closed_ledger_are_shown_while_another_lags(office: Office) -> None:
    for command in ("CutOffCycle", "CloseCycle"):
        office.cycle(command, A, JUNE)
    office.tell()
    found = office.nation.ask(lambda cursor: national.notices(cursor, JUNE, office.nation.config))
    assert [(one["source"], one["amount_fen"]) for one in found["notices"]] == [(A, 900)]
    assert found["state"] == "OPEN"
    net = office.nation.ask(lambda cursor: national.net(cursor, JUNE, office.nation.config))
    assert [one["net_fen"] for one in net["pairs"]] == [900]


# --- the other side's file -------------------------------------------------------------------------------------------


def compared(
    office: Office, file: bytes, source: str = ALL, level: str = "L1_DETAILS", at: str = HERE
) -> dict[str, Any]:
    with closing(office.nation.whole.connect()) as connection:
        return reconciliation.reconcile(connection, source, io.BytesIO(file), Comparison(level, at, *POSITIONS))[0]


def facts(office: Office, name: str) -> dict[str, Fact]:
    return {source: fact for source, bills in office.bills.items() for fact in bills.facts if fact.setl_id == name}


@pytest.fixture
def filed(office: Office) -> Office:
    office.bills[A].settle("only-a", "2025-06-03")
    office.bills[B].settle("only-b", "2025-06-04", fund=900)
    office.bills[B].reverse("only-b", "2025-06-05")
    office.bills[IDLE].settle("elsewhere", "2025-06-05", at=THERE)
    office.tell()
    return office


def rows(office: Office, *names: str) -> list[str]:
    return [
        detail(fact)
        for name in names
        for bills in office.bills.values()
        for fact in bills.facts
        if fact.setl_id == name
    ]


def test_a_file_of_all_ledgers_matches_and_each_ledger_finds_the_rest_foreign(filed: Office) -> None:
    file = text(*rows(filed, "only-a", "only-b", "X"))
    whole = compared(filed, file)
    assert (whole["discrepancies"], whole["matched"], whole["rows_local"], whole["rows_centre"]) == ([], 4, 5, 5)
    parts = {source: compared(filed, file, source) for source in (A, B, IDLE)}
    assert sum(part["rows_local"] for part in parts.values()) == whole["rows_local"]
    assert {one["class"] for one in parts[A]["discrepancies"]} == {"ONLY_CENTRE", "DUPLICATE_CENTRE"}
    assert all("source" not in one for part in parts.values() for one in part["discrepancies"])
    for level, at in (("L2", "31"), ("L3", "34")):
        assert compared(filed, file, level=level, at=at)["matched"] == 4


def test_a_discrepancy_of_several_ledgers_says_whose_it_is(filed: Office) -> None:
    wrong = detail(facts(filed, "only-b")[B], fund_pay_sumamt="9.01")
    found = compared(filed, text(wrong, *rows(filed, "X"), detail(Fact("alien", 0, HERE, "2025-06-02", "V", 1, 1, 0))))
    assert [(one["source"], one["setl_id"], one["class"]) for one in found["discrepancies"]] == [
        (None, "alien", "ONLY_CENTRE"), (A, "only-a", "ONLY_LOCAL"), (B, "only-b", "STATE_DIFF"),
    ]  # fmt: skip
    assert found["matched"] == 2 and sum(found[name.lower()] for name in SUGGESTIONS) == 3
    own = compared(filed, text(wrong), B)
    (mine,) = [one for one in own["discrepancies"] if one["setl_id"] == "only-b"]
    assert without_source(found["discrepancies"], B) == [mine]


@pytest.mark.parametrize(
    ("given", "classes"),
    [
        ((A, B), {}),
        ((A,), {B: "ONLY_LOCAL"}),
        ((B,), {A: "ONLY_LOCAL"}),
        ((), {A: "ONLY_LOCAL", B: "ONLY_LOCAL"}),
        ((A, A, B), {A: "DUPLICATE_CENTRE"}),
        ((A, B, B), {A: "DUPLICATE_CENTRE"}),
        ((A, A), {B: "AMOUNT_DIFF"}),
    ],
)
def test_an_id_of_two_ledgers_is_compared_with_each(
    office: Office, given: tuple[str, ...], classes: dict[str, str]
) -> None:
    both = facts(office, "X")
    found = compared(office, text(*(detail(both[source]) for source in given)))
    assert {one["source"]: one["class"] for one in found["discrepancies"]} == classes
    assert (found["matched"], found["rows_local"]) == (2 - len(classes), 2)


def test_totals_of_several_ledgers_are_added_up(filed: Office) -> None:
    lines = [fact for bills in filed.bills.values() for fact in bills.facts if fact.institution == HERE]
    sums = {
        flag: [sum(getattr(one, name) for one in lines if one.flag == flag) for name in ("total", "fund", "account")]
        for flag in (0, 1)
    }
    counts = {flag: sum(one.flag == flag for one in lines) for flag in (0, 1)}
    file = [total(f"310/310112/{flag}", *sums[flag], counts[flag]) for flag in (0, 1)]
    assert compared(filed, text(*file, header=TOTAL_HEADER), level="L1_TOTALS")["matched"] == 2
    file[0] = total("310/310112/0", *sums[0], counts[0] + 1)
    (one,) = compared(filed, text(*file, header=TOTAL_HEADER), level="L1_TOTALS")["discrepancies"]
    assert (one["source"], one["class"], one["local"][0]["setl_cnt"]) == (None, "AMOUNT_DIFF", counts[0])
