"""Random histories of three ledgers that share names: each part as its own ledger tells it, and what they add up to."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from ledger.families.clearing.table import TableRow, table_digest
from projections.questions import balances, clearing, clearing_lines, clearing_show, sources, store
from projections.questions.audit import Selection
from projections.questions.national import books, cards
from projections.questions.national import clearing as national
from projections.questions.national import store as national_store
from projections.questions.national.show import show
from projections.questions.snapshot import Cursor, Unknown
from projections.tracking import NotBuilt
from projections.verification import views
from projections.views.registry import VIEWS
from tests.fix_damage import quiet
from tests.fix_postgres import Databases
from tests.fix_stores import Store
from tests.model.histories import history
from tests.projections.national.asking import KEYS, NEVER_CUT_OFF, answer, listed, months, names, questions, streams
from tests.projections.national.nation import NATION, Nation, without_source

A, B, C = "31", "34", "a-b"
SOURCES = [A, B, C]
HOME_34 = clearing.Wanted(book="MEDICAL", home="34")


@pytest.fixture(scope="module")
def nation(databases: Databases, migrated: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nation]:
    """A and B were told lines that begin alike, so they share cards, settlements, cycles and positions; C others."""
    made: list[str] = []

    def make() -> Store:
        made.append(databases.create(migrated))
        return Store(made[-1])

    nation = Nation(make, *SOURCES)
    folder = tmp_path_factory.mktemp("nation")
    told = history(1, 1_500)
    for source, lines in ((A, told), (B, told[:1_100]), (C, history(2, 1_000))):
        path = folder / source
        path.write_bytes(b"\n".join(lines) + b"\n")
        nation.tell(source, path)
    nation.follow()
    yield nation
    for dsn in made:
        databases.drop(dsn)


def parts(nation: Nation, question: Callable[[Cursor, str], Any]) -> dict[str, Any]:
    """What each ledger says in its own database."""
    return {source: answer(nation, question, source, of=source) for source in SOURCES}


def heads(nation: Nation) -> dict[str, int]:
    return {source: made.positions()[-1] for source, made in nation.provinces.items()}


# --- parts -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("source", SOURCES)
def test_the_nation_says_of_a_ledger_what_the_ledger_says_of_itself(nation: Nation, source: str) -> None:
    asked = questions(nation, source)
    assert len(asked) > 100
    said = Counter[str]()
    for name, question in asked.items():
        here, there = answer(nation, question, source), answer(nation, question, source, of=source)
        assert here == there, name
        said[name.split()[0]] += not isinstance(here, str)
    assert min(said.values()) >= 1, said


def test_ledgers_share_names_of_different_things(nation: Nation) -> None:
    assert len(set(names(nation, A)) & set(names(nation, B))) > 10
    assert len(set(streams(nation, A)) & set(streams(nation, B))) > 5
    lines = {
        source: {one["line_id"] for one in said["lines"]} for source, said in parts(nation, every_line(nation)).items()
    }
    assert lines[A] & lines[B] and lines[A] & lines[C]
    cut = [
        {month for (month,) in nation.provinces[one].ask("SELECT cycle FROM ledger.clearing_cycles")} for one in SOURCES
    ]
    assert cut[0] & cut[1] & cut[2]


def every_line(nation: Nation) -> Callable[[Cursor, str], Any]:
    return questions(nation, A)["lines"]


# --- sums ------------------------------------------------------------------------------------------------------------


def test_accounts_of_all_ledgers_stand_by_account_and_source(nation: Nation) -> None:
    whole = nation.ask(lambda cursor: listed(books.Accounts(cursor, None), "accounts"))
    found = parts(nation, lambda cursor, one: listed(balances.Accounts(cursor, one, None), "accounts"))
    assert whole["accounts"] == sorted(whole["accounts"], key=lambda one: (one["account"], one["source"]))
    for source, said in found.items():
        assert without_source(whole["accounts"], source) == said["accounts"]
    assert len(whole["accounts"]) == sum(len(said["accounts"]) for said in found.values())
    assert whole["debit_fen"] == sum(said["debit_fen"] for said in found.values())
    assert whole["position"] == heads(nation)
    some = nation.ask(lambda cursor: listed(books.Accounts(cursor, "clearing:"), "accounts"))
    assert some["accounts"] == [one for one in whole["accounts"] if one["account"].startswith("clearing:")] != []


def test_the_trial_balance_is_the_sum_and_its_invariants_hold_in_each_ledger(nation: Nation) -> None:
    whole = nation.ask(books.trial_balance)
    found = parts(nation, balances.trial_balance)
    for key in ("accounts", "entries", "debit_fen", "credit_fen", "balance_fen"):
        assert whole[key] == sum(said[key] for said in found.values())
    sums: dict[str, Counter[str]] = defaultdict(Counter)
    for said in found.values():
        for group in said["groups"]:
            sums[group["kind"]].update({key: value for key, value in group.items() if key != "kind"})
    assert whole["groups"] == [{"kind": kind, **group} for kind, group in sorted(sums.items())]
    assert whole["balanced"] and all(one["holds"] for one in whole["invariants"])
    assert [one["name"] for one in whole["invariants"]] == [one["name"] for one in found[A]["invariants"]]


def test_what_one_ledger_lacks_and_another_has_too_much_does_not_balance(nation: Nation) -> None:
    change = "UPDATE views.balances_v1 SET debit_fen = debit_fen {} 5 WHERE source = '{}' AND account = ("
    change += "SELECT min(account) FROM views.balances_v1 WHERE source = '{}' AND account LIKE 'clearing:%%')"
    with nation.whole.connect() as connection, connection.transaction(force_rollback=True):
        for sign, source in (("+", A), ("-", C)):
            connection.execute(change.format(sign, source, source))  # type: ignore[arg-type]
        with connection.cursor() as cursor:
            found = books.trial_balance(cursor)
    assert (found["balance_fen"], found["balanced"]) == (0, False)
    broken = {one["name"]: one["differences"] for one in found["invariants"] if not one["holds"]}
    assert {(one["source"], one["difference_fen"]) for one in broken["zero_sum"]} == {(A, 5), (C, -5)}
    assert {one["source"] for one in broken["clearing_advance"]} == {A, C}


def test_lines_of_all_ledgers_stand_by_source(nation: Nation) -> None:
    def asked(**wanted: Any) -> dict[str, Any]:
        return nation.ask(lambda cursor: listed(national.Lines(cursor, clearing_lines.Wanted(**wanted))))

    whole, found = asked(), parts(nation, every_line(nation))
    assert whole["lines"] == [{"source": source, **line} for source in SOURCES for line in found[source]["lines"]]
    assert (whole["count"], whole["amount_fen"]) == (
        sum(said["count"] for said in found.values()), sum(said["amount_fen"] for said in found.values()),
    )  # fmt: skip
    assert len({(line["source"], line["line_id"]) for line in whole["lines"]}) == whole["count"]
    assert whole["position"] == heads(nation)
    for state in clearing_lines.STATES:
        assert asked(state=state)["lines"] == [line for line in whole["lines"] if line["state"] == state]
    for month in [*months(nation), NEVER_CUT_OFF]:
        assert asked(cycle=month)["lines"] == [line for line in whole["lines"] if line["cycle"] == month]


def summed(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows added up by key, without the product's own sums."""
    key_of = ("cycle", "book", "home", "treatment", "insutype", "clr_type")
    made: dict[tuple[Any, ...], dict[str, Any]] = {}
    for row in rows:
        key = tuple(row[name] for name in key_of)
        kept = made.setdefault(
            key, {**dict.fromkeys(row, 0), **dict(zip(key_of, key, strict=True)), "funds": Counter()}
        )
        for name, value in row.items():
            if name == "funds":
                kept["funds"].update(value)
            elif name not in key_of:
                kept[name] += value
    for row in made.values():
        row["funds"] = {type: amount for type, amount in sorted(row["funds"].items()) if amount}
    return [made[key] for key in sorted(made)]


def test_the_table_of_the_nation_is_the_sum_of_its_ledgers_rows_by_key(nation: Nation) -> None:
    states = set()
    for month in [*months(nation), NEVER_CUT_OFF]:
        whole = nation.ask(lambda cursor, month=month: national.table(cursor, month, nation.config))
        found = parts(nation, lambda cursor, one, month=month: clearing.table(cursor, one, month, nation.config))
        having = {one: said for one, said in found.items() if said["state"] != "OPEN" or one in whole["after_position"]}
        assert whole["rows"] == summed([row for said in having.values() for row in said["rows"]]), month
        for key in ("line_count", "deferred_count", "alarm_count", "deduction_fen", "payable_fen"):
            assert whole[key] == sum(said[key] for said in having.values()), (month, key)
        for key in ("after_position", "cut_off_position"):
            assert whole[key] == {one: said[key] for one, said in having.items()}
        every = {said["state"] for said in having.values()} or {"OPEN"}
        assert whole["state"] == next(state for state in national.STATES if state in every)
        digest = None if whole["state"] == "OPEN" else table_digest(TableRow(**row) for row in whole["rows"])
        assert whole["table_digest"] == digest
        assert whole["position"] == heads(nation)
        states.add(whole["state"])
        some = nation.ask(lambda cursor, month=month: national.table(cursor, month, nation.config, HOME_34))
        assert some["rows"] == [row for row in whole["rows"] if (row["book"], row["home"]) == ("MEDICAL", "34")]
        assert (some["table_digest"], some["line_count"]) == (whole["table_digest"], whole["line_count"])
    assert "CLOSED" in states


def test_notices_and_nets_of_the_nation(nation: Nation) -> None:
    several = 0
    for month in months(nation):
        whole = nation.ask(lambda cursor, month=month: national.notices(cursor, month, nation.config))
        found = parts(nation, lambda cursor, one, month=month: clearing.notices(cursor, one, month, nation.config))
        for source, said in found.items():
            assert without_source(whole["notices"], source) == said["notices"]
        several += len({one["source"] for one in whole["notices"]}) > 1
        table = nation.ask(lambda cursor, month=month: national.table(cursor, month, nation.config))
        assert whole["state"] == table["state"]
        owed = Counter[tuple[str, str, str]]()
        for said in parts(nation, lambda c, one, month=month: clearing.table(c, one, month, nation.config)).values():
            if said["state"] != "OPEN":
                owed.update({(row["book"], row["home"], row["treatment"]): 0 for row in said["rows"]})
                for row in said["rows"]:
                    owed[row["book"], row["home"], row["treatment"]] += row["payable_fen"]
        net = nation.ask(lambda cursor, month=month: national.net(cursor, month, nation.config))
        pairs = {(one["book"], one["a"], one["b"]): (one["a_owes_b_fen"], one["b_owes_a_fen"]) for one in net["pairs"]}
        assert pairs == {
            (book, *sorted(sides)): (owed[book, min(sides), max(sides)], owed[book, max(sides), min(sides)])
            for book, *sides in owed
        }
    assert several
    with pytest.raises(Unknown, match="never cut off"):
        nation.ask(lambda cursor: national.net(cursor, NEVER_CUT_OFF, nation.config))


# --- one thing -------------------------------------------------------------------------------------------------------


def test_a_name_that_several_ledgers_use_is_shown_of_each(nation: Nation) -> None:
    for name in sorted(set(names(nation, A)) | set(names(nation, C))):
        whole = nation.ask(lambda cursor, name=name: show(cursor, name, nation.config))
        found = parts(nation, lambda cursor, one, name=name: clearing_show.show(cursor, one, name, nation.config))
        known = {source: said for source, said in found.items() if not isinstance(said, str)}
        single, *lists = (
            ("settlement", "lines", "events") if "settlement" in whole else ("notice", "rows", "remittances")
        )
        assert whole[single] == {source: said[single] for source, said in known.items()}, name
        for part in lists:
            for source, said in known.items():
                assert without_source(whole[part], source) == said[part]
    with pytest.raises(Unknown) as unknown:
        nation.ask(lambda cursor: show(cursor, "no-such-thing", nation.config))
    assert unknown.value.code == "settlement_unknown"


def test_a_card_or_stream_is_found_in_every_ledger_that_knows_it(nation: Nation) -> None:
    several = 0
    for stream in streams(nation, A):
        own = questions(nation, A)[f"history {stream}"]
        known = {source: said for source, said in parts(nation, own).items() if not isinstance(said, str)}
        whole = nation.ask(lambda cursor, at=stream: cards.history(cursor, at, Selection(), nation.config, KEYS))
        for name in ("card_id", "card"):
            assert whole[name] == {source: said[name] for source, said in known.items()}
        for name in ("events", "card_sns", "accounts"):
            for source, said in known.items():
                assert without_source(whole[name], source) == said[name]
        assert whole["position"] == heads(nation)
        several += len(known) > 1
    assert several


def test_balances_explanations_and_statements_of_a_card(nation: Nation) -> None:
    ((card, _), *_) = nation.provinces[C].ask(
        "SELECT stream_id::text, count(*) FROM views.audit_v1 WHERE family = 'medical' GROUP BY 1 ORDER BY 2 DESC"
    )
    own = nation.ask(lambda cursor: balances.balance(cursor, C, card, nation.config, KEYS), C)
    whole = nation.ask(lambda cursor: books.balance(cursor, card, nation.config, KEYS))
    assert without_source(whole["accounts"], C) == own["accounts"] != []
    assert (whole["card_id"][C], whole["card_sn"][C], whole["state"][C]) == (card, own["card_sn"], own["state"])
    by_number = nation.ask(lambda cursor: books.balance(cursor, own["card_sn"], nation.config, KEYS))
    assert by_number == whole
    for ask in (cards.explain, lambda cursor, name: cards.statement(cursor, name, 0, 40_000)):
        said = nation.ask(lambda cursor, ask=ask: ask(cursor, card))
        assert said["card_id"][C] == card and said["accounts"] and said["position"] == heads(nation)
    with pytest.raises(Unknown) as unknown:
        nation.ask(lambda cursor: cards.explain(cursor, "340000D15600000500000000000000FF"))
    assert unknown.value.code == "card_unknown"


# --- the store as a whole --------------------------------------------------------------------------------------------


def test_status_counts_what_is_known_of_each_ledger(nation: Nation) -> None:
    whole = nation.ask(lambda cursor: national_store.status(cursor, nation.config))
    found = parts(nation, store.status)
    for source, said in found.items():
        here = nation.ask(lambda cursor, one=source: national_store.status_of(cursor, one, nation.config))
        assert here == said
    for key in ("events", "streams", "cards"):
        assert whole[key] == sum(said[key] for said in found.values())
    assert whole["head_position"] == heads(nation)
    assert [(one["position"], one["behind"]) for one in whole["views"]] == [(heads(nation), 0)] * len(VIEWS)
    for one in whole["cycles"]:
        table = nation.ask(lambda cursor, one=one: national.table(cursor, one["cycle"], nation.config))
        assert table["state"] == one["state"]
    own = nation.ask(lambda cursor: national_store.status_of(cursor, NATION, nation.config))
    assert (own["source"], own["events"], own["cycles"]) == (NATION, 0, [])


def test_only_foreign_events_are_kept_in_the_view(nation: Nation) -> None:
    for source, made in nation.provinces.items():
        kept = nation.whole.ask("SELECT position, data FROM views.audit_v1 WHERE source = %s ORDER BY 1", source)
        assert kept == made.ask("SELECT notification_id, state FROM ledger.events ORDER BY 1")
        assert made.ask("SELECT count(*) FROM views.audit_v1 WHERE data IS NOT NULL") == [(0,)]


def test_verifying_a_nations_own_views_is_not_misled_by_others(nation: Nation) -> None:
    with pytest.raises(NotBuilt):
        nation.ask(lambda cursor: views.require_built(cursor.connection, NATION))
    for source, made in nation.provinces.items():
        with made.connect() as connection:
            assert views.check(connection, source, quiet) == []


def test_a_source_that_nobody_follows_is_unknown_and_one_not_followed_by_a_view_is_told(nation: Nation) -> None:
    assert nation.ask(lambda cursor: sources.one(cursor, NATION, None)) == NATION
    assert nation.ask(lambda cursor: sources.one(cursor, NATION, A)) == A
    with pytest.raises(Unknown, match="31, 34, a-b, nation") as unknown:
        nation.ask(lambda cursor: sources.one(cursor, NATION, "99"))
    assert unknown.value.code == "source_unknown"
    with pytest.raises(NotBuilt):
        nation.ask(lambda cursor: balances.trial_balance(cursor, NATION))
