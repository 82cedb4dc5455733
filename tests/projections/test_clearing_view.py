"""The clearing view says what the second model says, wherever it is asked, and the same when it is built anew."""

import random

import pytest

from projections.rebuild import rebuild
from tests.model.histories import CLOCK_MICROS, CONFIG, SECRET, tell
from tests.model.ledger import Model
from tests.projections.scene import SOURCE, VIEWS, Scene, without_position

LINES = 1_500
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
    assert scene.lines(home="34", book="MEDICAL") == [line for line in lines if line["home"] == "34"]
    assert scene.lines(treatment="31", book="PASS") == []


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_view_agrees_with_the_second_model_at_any_time(dsn: str, seed: int) -> None:
    chance = random.Random(seed)
    told = tell(seed, LINES).lines
    model = Model(CLOCK_MICROS, CONFIG, SECRET)
    with Scene(dsn, CONFIG, CLOCK_MICROS, SECRET) as scene:
        while told:
            size = chance.randrange(100, 600)
            part, told = told[:size], told[size:]
            scene.submit(part)
            for line in part:
                model.submit_line(line)
            scene.follow(limit=chance.choice([7, 50, 5_000]))
            agree(scene, model, chance)
        *_, rebuilt = rebuild(scene.following, VIEWS[0], scene.feed, limit=400)
        assert (rebuilt.swapped, rebuilt.differences) == (True, [])
        assert rebuilt.view == "clearing" and scene.feed.source == SOURCE
        agree(scene, model, chance)
