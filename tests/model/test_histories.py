"""The histories must be worth reading: the same for one seed, neither all refused nor all accepted, and balanced."""

from collections import Counter

from tests.model.histories import CLOCK_MICROS, CONFIG, SECRET, tell
from tests.model.ledger import Model

LINES = 1_000


def test_the_same_seed_tells_the_same_history() -> None:
    assert tell(7, LINES).lines == tell(7, LINES).lines
    assert tell(7, LINES).lines != tell(8, LINES).lines


def test_a_fresh_model_answers_a_history_as_the_world_that_told_it() -> None:
    world = tell(7, LINES)
    model = Model(CLOCK_MICROS, CONFIG, SECRET)

    answers = [model.submit_line(line) for line in world.lines]

    assert answers == world.outcomes
    assert model.accounts() == world.model.accounts()


def test_a_history_is_mixed_and_its_books_balance() -> None:
    world = tell(9, LINES)

    shares = Counter(outcome.status for outcome in world.outcomes)
    assert LINES * 0.1 < shares["rejected"] < LINES * 0.45
    assert sum(account["balance_fen"] for account in world.model.accounts()) == 0
    assert {"malformed_json", "bad_format"} <= {outcome.code for outcome in world.outcomes}
