"""The clearing view says what the second model says, wherever it is asked, and the same when it is built anew."""

import random
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from ledger.core.configuration import Configuration
from ledger.core.identity import Keyring
from ledger.core.rejection import Rejected
from ledger.service.extending import SUBMITTER, extend
from ledger.store import identity
from projections import tracking
from projections.feed.port import Broken, Page
from projections.questions import clearing
from projections.rebuild import rebuild
from projections.views.clearing import tables
from projections.views.clearing.tables import set_of
from tests.model.histories import CLOCK_MICROS, CONFIG, SECRET, tell
from tests.model.ledger import Model
from tests.projections.bills import THERE, Bills
from tests.projections.scene import SOURCE, VIEWS, Scene, without_position

LINES = 1_500
RULES: list[tuple[str, str, list[Any]]] = [
    *(("clearing.negative_pair", province, ["FLIP", "CARRY"]) for province in ("31", "32", "33", "34")),
    ("clearing.max_deferrals", "*", [0, 1, 2, 5]),
]
EXTENDED = {"submitter": SUBMITTER, "reference": "configuration", "bdate": "2025-06-30", "digest": ""}
MONTHS = [f"{year}-{month:02}" for year in (2024, 2025) for month in range(1, 13)]


def agree(scene: Scene, model: Model, chance: random.Random) -> None:
    """Every document of the view is the model's."""
    lines = model.lines()
    assert scene.lines() == lines
    cycles = model.cycles()
    for month in [*cycles, *chance.sample(MONTHS, 4)]:
        assert without_position(scene.table(month)) == model.table(month), month
        assert without_position(scene.notices(month)) == model.notices(month), month
        assert scene.lines(cycle=month) == [line for line in lines if line["cycle"] == month]
    for state in ("OPEN", "CONFIRMED", "CUT_OFF", "CLOSED"):
        assert scene.lines(state=state) == [line for line in lines if line["state"] == state]
    waiting = [line for line in lines if line["deferrals"] and line["cycle"] is None]
    assert scene.lines(deferred=True) == waiting
    medical = [line for line in lines if line["book"] == "MEDICAL"]
    assert scene.lines(home="34", book="MEDICAL") == [line for line in medical if line["home"] == "34"]
    passes = [line for line in lines if line["book"] == "PASS"]
    assert scene.lines(treatment="31", book="PASS") == [line for line in passes if line["treatment"] == "31"]
    for name in {line["settlement_id"] for line in chance.sample(lines, min(len(lines), 5))}:
        shown = scene.show(name)
        assert shown["lines"] == [line for line in lines if line["settlement_id"] == name]
        assert {line["position"] for line in shown["lines"]} <= {event["position"] for event in shown["events"]}
        assert all(name in str(event["data"]) for event in shown["events"])
    for cycle in cycles[-1:]:
        owed = sum(row["payable_fen"] for row in model.table(cycle)["rows"])
        assert sum(pair["a_owes_b_fen"] + pair["b_owes_a_fen"] for pair in scene.net(cycle)["pairs"]) == owed


def told_further(scene: Scene, model: Model, told: list[bytes], size: int) -> list[bytes]:
    """So many lines more, told to ledger and model; the lines that are left."""
    scene.submit(told[:size])
    for line in told[:size]:
        model.submit_line(line)
    return told[size:]


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_view_agrees_with_the_second_model_at_any_time(dsn: str, seed: int) -> None:
    chance = random.Random(seed)
    told = tell(seed, LINES).lines
    model = Model(CLOCK_MICROS, CONFIG, SECRET)
    with Scene(dsn, CONFIG, CLOCK_MICROS, SECRET) as scene:
        while told:
            told = told_further(scene, model, told, chance.randrange(100, 600))
            scene.follow(limit=chance.choice([7, 50, 5_000]))
            agree(scene, model, chance)
        *_, rebuilt = rebuild(scene.following, VIEWS[0], scene.feed, limit=400)
        assert (rebuilt.swapped, rebuilt.differences) == (True, [])
        assert rebuilt.view == "clearing" and scene.feed.source == SOURCE
        agree(scene, model, chance)


@pytest.mark.parametrize("seed", [9])
def test_what_was_said_stays_when_rules_are_dated_back(dsn: str, seed: int) -> None:
    chance = random.Random(seed)
    told = tell(seed, LINES).lines
    model = Model(CLOCK_MICROS, config_entries=list(CONFIG), secret=SECRET)
    with Scene(dsn, CONFIG, CLOCK_MICROS, SECRET) as scene:
        with closing(scene.connect()) as connection:
            identity.check(connection, SOURCE, SOURCE, Configuration.load(CONFIG), Keyring(SECRET))
        while told:
            told = told_further(scene, model, told, chance.randrange(100, 400))
            dated_back = [
                {"key": key, "scope": scope, "effective_from": "2020-01-01", "value": chance.choice(values)}
                for key, scope, values in chance.sample(RULES, 4)
            ]
            model.log.config_entries = [*model.log.config_entries, *dated_back]
            scene.config = Configuration.load(model.log.config_entries)
            with closing(scene.connect()) as connection:
                extend(connection, scene.config, Keyring(SECRET), CLOCK_MICROS)
            model.log.append("configuration:ledger", "ConfigurationExtended", EXTENDED, {}, {})
            scene.follow()
            agree(scene, model, chance)
        *_, rebuilt = rebuild(scene.following, VIEWS[0], scene.feed, limit=400)
        assert (rebuilt.swapped, rebuilt.differences) == (True, [])
        agree(scene, model, chance)


def test_a_notice_stays_and_is_not_asked_for_twice_when_the_policy_before_it_is_dated_back(dsn: str) -> None:
    """A bill of May is reversed in June, which carries it to July, whose notice asks for it."""
    policy = [{"key": "clearing.negative_pair", "scope": "34", "effective_from": f"2025-{month}-01", "value": value}
              for month, value in (("06", "CARRY"), ("07", "FLIP"), ("06", "FLIP"))]  # fmt: skip
    made = Bills()
    made.settle("A", "2025-05-02")
    made.say("ConfirmSettlements", "2025-06-01", treatment_province="31", settlement_ids=["A"])
    made.reverse("A", "2025-06-02")
    for month, day in (("2025-05", "2025-08-02"), ("2025-06", "2025-08-03"), ("2025-07", "2025-08-04")):
        made.say("CutOffCycle", day, cycle=month)
        made.say("CloseCycle", day, cycle=month)
    made.say("IssueNotice", "2025-08-05", cycle="2025-07", book="MEDICAL", home="34", treatment="31")
    for command in made.commands[4:]:
        if command["command"] != "ReverseMedical":
            del command["card_sn"]
    with Scene(dsn, policy[:2], CLOCK_MICROS) as scene:
        assert not [one for one in scene.submit(made.lines()) if isinstance(one, Rejected)]
        scene.follow()
        june, july = (scene.notices(month)["notices"] for month in ("2025-06", "2025-07"))
        assert [(one["payable_fen"], one["payer"]) for one in june] == [(-900, None)]
        assert [(one["brought_forward_fen"], one["payer"], one["amount_fen"]) for one in july] == [(-900, "31", 900)]

        scene.config = Configuration.load(policy)
        assert scene.notices("2025-06")["notices"] == june
        assert scene.notices("2025-07")["notices"] == july
        assert scene.show("2025-07-MEDICAL-34-31")["notice"] == july[0]


@pytest.fixture
def bills() -> Bills:
    """A, confirmed, between provinces; B at home; June cut off."""
    made = Bills()
    made.settle("A", "2025-06-02")
    made.settle("B", "2025-06-02", at=THERE)
    made.say("ConfirmSettlements", "2025-07-01", treatment_province="31", settlement_ids=["A"])
    del made.commands[-1]["card_sn"]
    made.say("CutOffCycle", "2025-07-02", cycle="2025-06")
    del made.commands[-1]["card_sn"]
    return made


@pytest.fixture
def cut_off(dsn: str, bills: Bills) -> Iterator[Scene]:
    """The view has everything before the cut-off, the log has the cut-off too."""
    with Scene(dsn, [], CLOCK_MICROS) as scene:
        lines = bills.lines()
        scene.submit(lines[:-1])
        scene.follow()
        scene.submit(lines[-1:])
        yield scene


def test_a_table_that_the_lines_do_not_give_stops_the_view(cut_off: Scene) -> None:
    own = set_of(1, 1)
    cut_off.following.execute(f"UPDATE {own.lines} SET account_fen = account_fen + 1")  # type: ignore[arg-type]
    with pytest.raises(Broken, match=r"position 7: the lines of cycle 2025-06 .* \(table_digest"):
        cut_off.follow()
    still = cut_off.resume().still
    assert still is not None and still.kind == "table_differs"
    cut_off.following.execute(f"UPDATE {own.lines} SET account_fen = account_fen - 1")  # type: ignore[arg-type]
    assert cut_off.resume().still is None
    cut_off.follow()
    assert cut_off.table("2025-06")["line_count"] == 1


def test_an_event_about_an_unknown_unit_stops_the_view(cut_off: Scene, bills: Bills) -> None:
    cut_off.follow()
    cut_off.following.execute(f"DELETE FROM {set_of(1, 1).units}")  # type: ignore[arg-type]
    bills.reverse("A", "2025-07-03")
    cut_off.submit(bills.lines()[-1:])
    with pytest.raises(Broken, match="position 8 made settlement A owe"):
        cut_off.follow()


def test_a_rebuild_finds_what_was_altered(cut_off: Scene) -> None:
    cut_off.follow()
    own = set_of(1, 1)
    for statement in (
        f"UPDATE {own.lines} SET home = '35'",
        f"UPDATE {own.units} SET confirmed = false",
        f"DELETE FROM {own.named('bills')} WHERE settlement_id = 'B'",
        f"UPDATE {own.rows} SET payable_fen = 0",
    ):
        cut_off.following.execute(statement)  # type: ignore[arg-type]
    *_, rebuilt = rebuild(cut_off.following, VIEWS[0], cut_off.feed)
    assert not rebuilt.swapped
    assert {(one.kind, one.subject) for one in rebuilt.differences} == {
        ("line_differs", "lines 4-1"),
        ("line_differs", "units settlement:A"),
        ("line_differs", "bills B"),
        ("table_differs", "rows 2025-06 MEDICAL 34 31 310 310112"),
    }


def test_sources_are_kept_apart_and_an_unseen_one_is_empty(cut_off: Scene) -> None:
    cut_off.follow()
    connection = cut_off.following
    with connection.transaction(), connection.cursor() as cursor:
        for source in ("a-1", "a-" + "x" * 30):
            assert tables.find(cursor, 1, source) == set_of(1, tables.EMPTY)
            VIEWS[0].apply(cursor, 1, Page(source, cut_off.feed.read(0, 100)))
            tracking.add(cursor, "clearing", 1, source)
        tracking.add(cursor, "clearing", 1, "unseen")
    for source, lines in (("33", 1), ("a-1", 1), ("a-" + "x" * 30, 1), ("unseen", 0)):
        found = cut_off.ask(lambda cursor, source=source: clearing.table(cursor, source, "2025-06", cut_off.config))
        assert (found["line_count"], found["state"]) == (lines, "CUT_OFF" if lines else "OPEN")
    with connection.transaction(), connection.cursor() as cursor:
        VIEWS[0].drop(cursor, 1)
    left = connection.execute("SELECT count(*) FROM pg_tables WHERE tablename LIKE 'clearing_v%'").fetchone()
    assert left == (0,)


def test_a_month_that_was_passed_shows_nothing_of_what_a_later_one_took(dsn: str) -> None:
    """A, reversed in July, was taken by July without ever being agreed: a preview of June does not defer it."""
    bills = Bills()
    bills.settle("A", "2025-06-02")
    bills.reverse("A", "2025-07-02")
    bills.say("CutOffCycle", "2025-08-01", cycle="2025-07")
    del bills.commands[-1]["card_sn"]
    with Scene(dsn, [], CLOCK_MICROS) as scene:
        scene.submit(bills.lines())
        scene.follow()
        assert scene.table("2025-07")["line_count"] == 2
        june = scene.table("2025-06")
        assert (june["state"], june["line_count"], june["deferred_count"]) == ("OPEN", 0, 0)
