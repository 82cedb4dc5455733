"""The other side's file against our settlements: every class and level, and a plain comparison of random files."""

import hashlib
import io
import random
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any

import pytest

from ledger.core.calendar import from_date
from projections.questions import reconciliation
from projections.questions.reconciliation import SUGGESTIONS, Comparison, reconcile
from projections.questions.reconciliation_file import Misformed
from projections.views.clearing.tables import set_of
from tests.fix_postgres import Databases
from tests.model.histories import CLOCK_MICROS
from tests.projections.bills import (
    HERE,
    THERE,
    TOTAL_HEADER,
    Bills,
    Fact,
    detail,
    random_bills,
    text,
    total,
    yuan,
)
from tests.projections.scene import SOURCE, Scene

JUNE = ("2025-06-01", "2025-06-30")


def days(first: str, last: str) -> tuple[int, int]:
    return from_date(date.fromisoformat(first)), from_date(date.fromisoformat(last))


def compared(
    scene: Scene, file: bytes, level: str = "L1_DETAILS", counterparty: str = HERE, period: tuple[str, str] = JUNE
) -> dict[str, Any]:
    with scene.connect() as connection:
        connection.autocommit = True
        return reconcile(connection, SOURCE, io.BytesIO(file), Comparison(level, counterparty, *days(*period)))[0]


def told(bills: Bills, scene: Scene) -> None:
    outcomes = scene.submit(bills.lines())
    assert not [outcome for outcome in outcomes if not hasattr(outcome, "position")], outcomes
    scene.follow()


@pytest.fixture(scope="module")
def june(databases: Databases) -> Iterator[tuple[Scene, dict[tuple[str, int], Fact]]]:
    """A of June; B of June reversed in June; C of May reversed in June; D voided; E at home; F of the last day."""
    dsn = databases.create()
    bills = Bills()
    bills.settle("A", "2025-06-02")
    bills.settle("B", "2025-06-03")
    bills.reverse("B", "2025-06-04")
    bills.settle("C", "2025-05-31")
    bills.reverse("C", "2025-06-01")
    bills.settle("D", "2025-06-05")
    bills.void("D", "2025-06-05")
    bills.settle("E", "2025-06-06", at=THERE)
    bills.settle("F", "2025-06-30", fund=0, clr_type="310212")
    with Scene(dsn, [], CLOCK_MICROS) as scene:
        told(bills, scene)
        yield scene, {(fact.setl_id, fact.flag): fact for fact in bills.facts}
    databases.drop(dsn)


Told = tuple[Scene, dict[tuple[str, int], Fact]]
COMPLETE = (("A", 0), ("B", 0), ("B", 1), ("C", 1), ("F", 0))


def rows(facts: dict[tuple[str, int], Fact], *names: tuple[str, int]) -> list[str]:
    return [detail(facts[name]) for name in names]


def classes(found: dict[str, Any]) -> dict[str | None, str]:
    return {one["setl_id"]: one["class"] for one in found["discrepancies"]}


def test_a_complete_file_matches(june: Told) -> None:
    scene, facts = june
    for ending in ("\n", "\r\n"):
        file = text(*rows(facts, *COMPLETE), ending=ending)
        assert compared(scene, file) == {
            "discrepancies": [], "level": "L1_DETAILS", "counterparty": HERE, "from": "2025-06-01", "to": "2025-06-30",
            "file_sha256": hashlib.sha256(file).hexdigest(), "rows_local": 5, "rows_centre": 5, "matched": 4,
            "only_local": 0, "only_centre": 0, "amount_diff": 0, "state_diff": 0, "duplicate_centre": 0,
            "receipt": None,
        }  # fmt: skip


def test_provinces_see_only_what_crosses_their_border(june: Told) -> None:
    scene, facts = june
    file = text(*rows(facts, *COMPLETE))
    assert compared(scene, file, "L2", "31")["matched"] == 4
    assert compared(scene, file, "L3", "34")["matched"] == 4
    assert compared(scene, file, "L3", "31")["only_centre"] == 4
    assert compared(scene, text(), "L2", "34")["rows_local"] == 0
    assert compared(scene, text(*rows(facts, ("E", 0))), counterparty=THERE)["matched"] == 1
    assert compared(scene, file, counterparty="31")["only_centre"] == 4


def test_a_discrepancy_shows_both_sides(june: Told) -> None:
    scene, facts = june
    wrong = detail(facts["B", 1], fund_pay_sumamt="-7.01", mdtrt_id="null")
    file = text(*rows(facts, ("A", 0)), wrong, *rows(facts, ("B", 0), ("C", 1), ("F", 0)))
    found = compared(scene, file)
    zero = {"refd_setl_flag": 0, "total_fen": 1000, "fund_fen": 700, "account_fen": 200, "visit_id": "V-B"}
    one = {"refd_setl_flag": 1, "total_fen": -1000, "fund_fen": -700, "account_fen": -200, "visit_id": "V-B"}
    assert found["discrepancies"] == [
        {
            "class": "AMOUNT_DIFF",
            "setl_id": "B",
            "file_lines": [3, 4],
            "local": [zero, one],
            "centre": [zero, {**one, "fund_fen": -701, "visit_id": None}],
            "suggestion": "OPEN_DISPUTE",
        }
    ]
    assert (found["matched"], found["amount_diff"]) == (3, 1)


@pytest.mark.parametrize("column", ["medfee_sumamt", "fund_pay_sumamt", "acct_pay", "mdtrt_id"])
def test_each_compared_column_can_differ(june: Told, column: str) -> None:
    scene, facts = june
    others = rows(facts, *COMPLETE[1:])
    assert classes(compared(scene, text(detail(facts["A", 0], **{column: "9.99"}), *others))) == {"A": "AMOUNT_DIFF"}


@pytest.mark.parametrize("column", ["psn_no", "setl_time", "msgid"])
def test_the_other_columns_are_only_reported(june: Told, column: str) -> None:
    scene, facts = june
    value = "2025-06-09 00:00:00" if column == "setl_time" else "another"
    file = text(detail(facts["A", 0], **{column: value}), *rows(facts, *COMPLETE[1:]))
    assert compared(scene, file)["discrepancies"] == []


def test_missing_rows_on_either_side(june: Told) -> None:
    scene, facts = june
    found = compared(scene, text(*rows(facts, ("A", 0), ("B", 0), ("C", 1))))
    assert classes(found) == {"B": "STATE_DIFF", "F": "ONLY_LOCAL"}
    assert [one["file_lines"] for one in found["discrepancies"]] == [[3], []]
    unknown = detail(facts["A", 0], setl_id="X\\t")
    assert classes(compared(scene, text(*rows(facts, *COMPLETE), unknown))) == {"X\\t": "ONLY_CENTRE"}


def test_a_repetition_is_found_even_if_every_row_is_right(june: Told) -> None:
    scene, facts = june
    found = compared(scene, text(*rows(facts, *COMPLETE, ("A", 0))))
    assert classes(found) == {"A": "DUPLICATE_CENTRE"}
    assert found["discrepancies"][0]["file_lines"] == [2, 7]
    assert (found["matched"], found["rows_centre"], found["duplicate_centre"]) == (3, 6, 1)
    assert len(found["discrepancies"][0]["centre"]) == 2
    twice = detail(facts["A", 0], setl_id="X")
    assert classes(compared(scene, text(*rows(facts, *COMPLETE), twice, twice))) == {"X": "DUPLICATE_CENTRE"}


def test_rows_without_an_id_stand_alone_and_first(june: Told) -> None:
    scene, facts = june
    refund, settled = (detail(facts["B", flag], setl_id="null") for flag in (1, 0))
    found = compared(scene, text(refund, *rows(facts, *COMPLETE[1:]), settled))
    assert [(one["setl_id"], one["class"], one["file_lines"]) for one in found["discrepancies"]] == [
        (None, "DUPLICATE_CENTRE", [2]), (None, "DUPLICATE_CENTRE", [7]), ("A", "ONLY_LOCAL", []),
    ]  # fmt: skip
    assert found["duplicate_centre"] == 2


def test_totals_are_compared_by_type_and_flag(june: Told) -> None:
    scene, _ = june
    right = [
        total("310/310112/0", 2000, 1400, 400, 2), total("310/310112/1", -2000, -1400, -400, 2),
        total("310/310212/0", 300, 0, 200, 1),
    ]  # fmt: skip

    def totals(*file: str) -> dict[str, Any]:
        return compared(scene, text(*file, header=TOTAL_HEADER), "L1_TOTALS")

    assert (totals(*right)["matched"], totals(*right)["discrepancies"]) == (3, [])
    count_differs = totals(total("310/310112/0", 2000, 1400, 400, 3), *right[1:])
    assert count_differs["discrepancies"] == [
        {
            "class": "AMOUNT_DIFF", "setl_id": "310/310112/0", "file_lines": [2], "suggestion": "OPEN_DISPUTE",
            "local": [{"refd_setl_flag": 0, "total_fen": 2000, "fund_fen": 1400, "account_fen": 400, "visit_id": None,
                       "setl_cnt": 2}],
            "centre": [{"refd_setl_flag": 0, "total_fen": 2000, "fund_fen": 1400, "account_fen": 400, "visit_id": None,
                        "setl_cnt": 3}],
        }
    ]  # fmt: skip
    more = totals(*right[1:], right[1], total("310/11/0", 1, 1, 0, 1), total("null/11/0", 1, 1, 0, 1))
    assert [(one["setl_id"], one["class"]) for one in more["discrepancies"]] == [
        (None, "DUPLICATE_CENTRE"), ("310/11/0", "ONLY_CENTRE"), ("310/310112/0", "ONLY_LOCAL"),
        ("310/310112/1", "DUPLICATE_CENTRE"),
    ]  # fmt: skip


# --- a plain comparison ----------------------------------------------------------------------------------------------


def plainly(local: Sequence[Fact], lines: Sequence[str]) -> dict[str, Any]:
    """The same comparison with two dictionaries and the table of classes read aloud."""
    ours: dict[str, dict[int, tuple[str, ...]]] = defaultdict(dict)
    for fact in local:
        ours[fact.setl_id][fact.flag] = (yuan(fact.total), yuan(fact.fund), yuan(fact.account), fact.visit_id)
    theirs: dict[str, list[tuple[int, tuple[str, ...]]]] = defaultdict(list)
    found: dict[str, str] = {}
    counts: Counter[str] = Counter()
    for line in lines:
        setl_id, visit, _, flag, *amounts = line.split("\t")[:7]
        if setl_id == "null":
            counts["duplicate_centre"] += 1
        else:
            theirs[setl_id].append((int(flag), (*amounts, visit)))
    for setl_id in ours.keys() | theirs.keys():
        rows_there = theirs[setl_id]
        flags = [flag for flag, _ in rows_there]
        if len(flags) != len(set(flags)):
            name = "DUPLICATE_CENTRE"
        elif setl_id not in ours:
            name = "ONLY_CENTRE"
        elif not rows_there:
            name = "ONLY_LOCAL"
        elif set(flags) != set(ours[setl_id]):
            name = "STATE_DIFF"
        elif any(
            row[:3] != ours[setl_id][flag][:3] or row[3] not in ("null", ours[setl_id][flag][3])
            for flag, row in rows_there
        ):
            name = "AMOUNT_DIFF"
        else:
            counts["matched"] += 1
            continue
        found[setl_id] = name
        counts[name.lower()] += 1
    return {
        "found": dict(sorted(found.items())),
        **{name: counts[name] for name in ("matched", *map(str.lower, SUGGESTIONS))},
    }


def spoiled(chance: random.Random, facts: Sequence[Fact]) -> list[str]:
    """The right file with rows lost, repeated, invented and changed."""
    lines = []
    for fact in facts:
        kind = chance.random()
        if kind < 0.1:
            continue
        other = {}
        if kind < 0.2:
            column = chance.choice(["medfee_sumamt", "acct_pay", "mdtrt_id", "setl_id", "refd_setl_flag"])
            other[column] = {"mdtrt_id": "null", "setl_id": chance.choice(["null", "X1"]), "refd_setl_flag": "1"}.get(
                column, "1.00"
            )
        lines.append(detail(fact, **other))
        if kind > 0.93:
            lines.append(detail(fact))
    chance.shuffle(lines)
    return lines


@pytest.mark.parametrize("seed", [1, 2])
def test_random_files_are_compared_as_by_hand(dsn: str, seed: int) -> None:
    chance = random.Random(seed)
    bills = random_bills(chance, 80)
    with Scene(dsn, [], CLOCK_MICROS) as scene:
        told(bills, scene)
        for level, counterparty in [("L1_DETAILS", HERE), ("L1_DETAILS", THERE), ("L2", "31"), ("L3", "34")]:
            for period in (JUNE, ("2025-05-15", "2025-07-15")):
                local = [fact for fact in bills.facts if fact.is_in(level, counterparty, *period)]
                lines = spoiled(chance, local)
                found = compared(scene, text(*lines), level, counterparty, period)
                expected = plainly(local, lines)
                named = {key: name for key, name in classes(found).items() if key is not None}
                assert named == expected.pop("found")
                assert {name: found[name] for name in expected} == expected
                assert (found["rows_local"], found["rows_centre"]) == (len(local), len(lines))


def test_nothing_is_left_behind_by_a_file_that_breaks_off(june: Told) -> None:
    scene, facts = june
    with scene.connect() as connection:
        connection.execute("CREATE UNLOGGED TABLE views.reconciling_1999999999 ()")
        connection.commit()
    with pytest.raises(Misformed):
        compared(scene, text(detail(facts["A", 0]), "x"))
    with scene.connect() as connection:
        left = connection.execute("SELECT relname FROM pg_class WHERE relname LIKE 'reconciling%'").fetchall()
    assert left == []


# --- many rows -------------------------------------------------------------------------------------------------------


def test_many_rows_are_joined_by_workers(june: Told) -> None:
    """A Parallel Hash Full Join is what makes a nation's month bearable: without workers it takes twice as long.

    PostgreSQL 15 has none; there it must at least be a hash join.
    """
    scene, _ = june
    own = set_of(1, 0)
    with scene.connect() as connection, connection.transaction(force_rollback=True):
        connection.execute(f"""
            INSERT INTO {own.named("bills")} SELECT i, 0, 3, 1, 1, 0, 0, 1, 0, 2, gen_random_uuid(), 20250 + i / 9000,
                0, false, '34', '31', '310', '310112', 'H1', 'V' || i, 'S' || i, '310100', '{{1}}'
            FROM generate_series(1, 150000) i
        """)
        connection.execute(
            f"CREATE TABLE views.other AS SELECT settlement_id AS key, flag, visit_id, position AS line, total_fen,"
            f" fund_fen, account_fen FROM {own.named('bills')}"
        )
        connection.execute(f"ANALYZE {own.named('bills')}, views.other")
        connection.execute(reconciliation.JOIN_SETTINGS)
        asked = Comparison("L2", "31", 20_000, 21_000)
        query = reconciliation.differing(asked.local(own), "views.other")
        plan = connection.execute("EXPLAIN (COSTS OFF) " + query, asked.values()).fetchall()
        join = "Parallel Hash Full Join" if connection.info.server_version >= 160_000 else "Hash Full Join"
    assert any(join in line for (line,) in plan), plan
