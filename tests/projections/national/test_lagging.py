"""A nation's views that have not come as far as an answer needs, that were altered, or follow what is not there."""

from collections.abc import Callable
from contextlib import closing
from itertools import islice
from pathlib import Path

import pytest

from projections import follow, incidents
from projections.feed.port import Broken
from projections.questions import audit, balances, clearing_lines, clearing_show, sources
from projections.questions.audit import Selection
from projections.questions.national import books
from projections.questions.national import clearing as national
from projections.questions.snapshot import Unknown
from projections.tracking import NotBuilt
from projections.views.audit import Audit
from projections.views.balances import Balances
from projections.views.clearing.view import Clearing
from tests.fix_stores import Store
from tests.model.histories import history
from tests.projections.national.asking import KEYS, listed, names, questions, streams
from tests.projections.national.nation import NATION, Nation

A, B = "31", "34"


@pytest.fixture
def nation(stores: Callable[[], Store], tmp_path: Path) -> Nation:
    """Both ledgers have built their own views; the nation only clearing and, of A, balances."""
    nation = Nation(stores, A, B)
    path = tmp_path / "lines"
    path.write_bytes(b"\n".join(history(1, 600)) + b"\n")
    for source in (A, B):
        nation.tell(source, path)
        nation.follow(source, views=[Clearing()])
    nation.follow(A, views=[Balances()])
    return nation


def audited(nation: Nation, source: str, pages: int, limit: int) -> int:
    """The nation's audit view brought a few pages on; where it stands."""
    position = 0
    with closing(nation.whole.connect()) as connection, closing(nation.feed(source)) as feed:
        steps = follow.follow(connection, [Audit()], feed, until_caught_up=True, limit=limit)
        for step in islice(steps, pages):
            position = step.position
    return position


def test_events_that_are_not_kept_yet_are_never_left_out_silently(nation: Nation) -> None:
    late = names(nation, A)[-1] if names(nation, A)[-1].startswith("S") else names(nation, A)[5]
    for expected in ("not built yet", "stands at position 10, and position"):
        with pytest.raises(NotBuilt, match=expected):
            nation.ask(lambda cursor: clearing_show.show(cursor, A, late, nation.config))
        audited(nation, A, 1, 10)
    nation.follow(A)
    found = nation.ask(lambda cursor: clearing_show.show(cursor, A, late, nation.config))
    assert found == nation.ask(lambda cursor: clearing_show.show(cursor, A, late, nation.config), A)


def test_a_history_goes_as_far_as_its_view(nation: Nation) -> None:
    nation.follow(B, views=[Audit()])
    reached = audited(nation, A, 4, 40)
    card = streams(nation, A)[0]
    found = nation.ask(lambda cursor: audit.history(cursor, A, card, Selection(), nation.config, KEYS))
    whole = nation.ask(lambda cursor: audit.history(cursor, B, card, Selection(), nation.config, KEYS))
    assert found["position"] == reached < whole["position"]
    assert found["events"] == [one for one in whole["events"] if one["position"] <= reached]


def test_the_nation_is_told_which_view_does_not_follow_which_ledger(nation: Nation) -> None:
    assert nation.ask(books.trial_balance)["position"].keys() == {A}
    nation.follow(views=[Audit()])
    with pytest.raises(NotBuilt, match=f"balances is not built yet of source {B}, but of {A}"):
        nation.ask(lambda cursor: books.balance(cursor, streams(nation, B)[0], nation.config, KEYS))
    with pytest.raises(NotBuilt, match="ask with --source"):
        nation.ask(lambda cursor: balances.trial_balance(cursor, NATION))


def test_a_mistyped_source_is_no_ledger_of_the_nation(nation: Nation) -> None:
    with closing(nation.whole.connect()) as connection:
        follow.prepare(connection, [Clearing()], "3l")
        before = nation.ask(lambda cursor: sources.every(cursor, "clearing"))
        assert before == [A, B, "3l"], "one that has published nothing yet"
        with connection.cursor() as cursor:
            incidents.open_one(cursor, "clearing", 1, "3l", 0, Broken("not known to this Kafka", "source_unknown"))
    assert nation.ask(lambda cursor: sources.every(cursor, "clearing")) == [A, B]
    with pytest.raises(Unknown) as unknown:
        nation.ask(lambda cursor: sources.one(cursor, NATION, "3l"))
    assert unknown.value.code == "source_unknown"
    every = clearing_lines.Wanted()
    found = nation.ask(lambda cursor: listed(national.Lines(cursor, every)))
    assert found["position"].keys() == {A, B} and found["count"] == sum(
        nation.ask(lambda cursor, one=one: questions(nation, A)["lines"](cursor, one))["count"] for one in (A, B)
    )


@pytest.mark.parametrize("damage", ["data || 'x'", "NULL", "set_byte(data, 30, get_byte(data, 30) # 1)"])
def test_kept_bytes_that_somebody_altered_are_never_shown(nation: Nation, damage: str) -> None:
    nation.follow()
    card = streams(nation, A)[0]
    ask = questions(nation, A)
    shown = nation.ask(lambda cursor: ask[f"history {card}"](cursor, A))
    change = f"UPDATE views.audit_v1 SET data = {damage} WHERE source = %s AND stream_id = %s AND card_version = 1"
    with nation.whole.connect() as connection:
        connection.execute(change, (A, card))  # type: ignore[arg-type]
    for question in (f"history {card}", f"balance {card}", f"statement {card}"):
        with pytest.raises(Broken, match=f"position {shown['events'][0]['position']}: .*rebuild audit --source {A}"):
            nation.ask(lambda cursor, name=question: ask[name](cursor, A))
    assert nation.ask(lambda cursor: ask[f"history {card}"](cursor, B))["card_id"] == card
