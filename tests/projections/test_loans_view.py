"""The view `loans` against the events told one by one, the accounts of libraries, and the golden example E19."""

from collections import Counter
from pathlib import Path

import pytest

from tests.cli.lines import CARD_ID, GOLDEN, write
from tests.fix_command import Onecard
from tests.fix_told import ToldHistory


def test_what_is_out_is_what_was_lent_and_not_returned(told_history: ToldHistory) -> None:
    lent = {event["loan_id"]: event for event in told_history.of("ItemBorrowed")}
    returned = {event["loan_id"]: event for event in told_history.of("ItemReturned")}
    rows = told_history.ask(
        "SELECT loan_id, state, card_id::text, item, library, due_on, returned_library, encode(returned_by, 'hex'),"
        " overdue_days FROM views.loans_loans_v1"
    )
    assert lent and {row[0] for row in rows} == set(lent)
    for loan_id, state, *found in rows:
        event, end = lent[loan_id], returned.get(loan_id)
        wanted = [event[name] for name in ("card_id", "item", "library", "due_on")]
        assert state == ("ON_LOAN" if end is None else "RETURNED")
        wanted += [None] * 3 if end is None else [end[name] for name in ("library", "acting_person", "overdue_days")]
        assert found == wanted, loan_id


def test_libraries_and_readers_count_the_same_loans(told_history: ToldHistory) -> None:
    lent, returned = told_history.of("ItemBorrowed"), told_history.of("ItemReturned")
    lender = {event["loan_id"]: event["library"] for event in lent}
    out = Counter(event["library"] for event in lent)
    out.subtract(lender[event["loan_id"]] for event in returned)
    others = Counter(event["library"] for event in returned if event["library"] != lender[event["loan_id"]])
    rows = told_history.ask("SELECT library, lent, out, back, back_for_others FROM views.loans_libraries_v1")
    assert sum(row[1] for row in rows) == len(lent) and sum(row[3] for row in rows) == len(returned)
    assert {row[0]: row[2] for row in rows if row[2]} == {library: count for library, count in out.items() if count}
    assert {row[0]: row[4] for row in rows if row[4]} == dict(others)
    ((lent_to_readers, out_to_readers),) = told_history.ask(
        "SELECT sum(lent)::bigint, sum(out)::bigint FROM views.loans_readers_v1"
    )
    assert (lent_to_readers, out_to_readers) == (len(lent), len(lent) - len(returned))


def test_fines_are_the_accounts_of_libraries(told_history: ToldHistory) -> None:
    for table, wanted in (("libraries", "library"), ("fines", "library")):
        column = "fine_fen" if table == "libraries" else "amount_fen"
        rows = told_history.ask(f"SELECT {wanted}, sum({column})::bigint FROM views.loans_{table}_v1 GROUP BY 1")
        assert {f"library:{name}": fen for name, fen in rows if fen} == told_history.balances("library:")
    for table in ("loans", "readers"):
        ((fen,),) = told_history.ask(f"SELECT sum(fine_fen)::bigint FROM views.loans_{table}_v1")
        assert fen == sum(told_history.balances("library:").values())


@pytest.fixture
def read(onecard: Onecard, tmp_path: Path) -> Onecard:
    """E19: lent in Hefei, returned late in Shanghai by nobody knows whom, fined there; then one item more."""
    onecard("submit", GOLDEN / "E19.jsonl", clock="2026-01-01T00:00:00Z")
    other = {"command": "BorrowItem", "submitter": "T1", "reference": "more", "loan_id": "L9", "library": "LIB-SH",
             "card_sn": "340000D15600000500000000000000B1", "library_area": "310100", "item": "BK1",
             "occurred_at": "2025-03-01T10:00:00+08:00", "due_on": "2025-03-31"}  # fmt: skip
    assert onecard("submit", write(tmp_path / "more", other)).code == 0
    onecard("follow", "--until-caught-up")
    return onecard


def test_a_loan_tells_where_it_was_lent_and_where_it_came_back(read: Onecard) -> None:
    found = read("loans", "list", "--card", CARD_ID, "--json").json
    assert found["position"] == 9
    assert found["loans"] == [
        {
            "loan_id": "L1", "state": "RETURNED", "card_id": CARD_ID, "item": "BK1", "library": "LIB-HF",
            "library_area": "340100", "lent_on": "2025-01-15", "lent_to": None, "due_on": "2025-02-10",
            "returned_on": "2025-02-12", "returned_library": "LIB-SH", "returned_area": "310100", "returned_by": None,
            "overdue_days": 2, "fines": 1, "fine_fen": 40, "position": 8,
        }
    ]  # fmt: skip
    assert read("loans", "list", "--returned-to", "LIB-SH", "--jsonl").lines == found["loans"]
    assert [one["loan_id"] for one in read("loans", "list", "--state", "ON_LOAN", "--jsonl").lines] == ["L9"]
    assert read("loans", "list", "--due-by", "2025-01-31", "--json").json["loans"] == []
    shown = read("loans", "list").stdout
    assert "L1" in shown and "LIB-SH" in shown and "0.40" in shown


def test_libraries_fines_and_readers_have_their_figures(read: Onecard) -> None:
    hefei, shanghai = read("loans", "libraries", "--jsonl").lines
    assert (hefei["lent"], hefei["out"], hefei["back"], hefei["fine_fen"]) == (1, 0, 0, 0)
    counts = ("lent", "out", "back", "back_for_others", "back_overdue", "fines", "fine_fen")
    assert [shanghai[name] for name in counts] == [1, 1, 1, 1, 1, 1, 40]
    (fine,) = read("loans", "fines", "--reason", "OVERDUE", "--jsonl").lines
    assert (fine["fine_id"], fine["loan_id"], fine["library"], fine["amount_fen"]) == ("F1", "L1", "LIB-SH", 40)
    (reader,) = read("loans", "readers", "--out", "1", "--jsonl").lines
    assert (reader["lent"], reader["out"], reader["last_lent_on"]) == (1, 1, "2025-03-01")
    assert "0.40" in read("loans", "libraries").stdout and "0.40" in read("loans", "fines").stdout
    assert CARD_ID in read("loans", "readers").stdout


def test_a_restricted_reader_is_in_sums_and_not_in_lists(read: Onecard, tmp_path: Path) -> None:
    before = read("loans", "libraries", "--json").json["libraries"]
    restrict = {"command": "RestrictProcessing", "submitter": "T1", "reference": "stop", "reason": "WITHDRAWN",
                "card_sn": "340000D15600000500000000000000A1", "occurred_at": "2025-04-01T10:00:00+08:00"}  # fmt: skip
    assert read("submit", write(tmp_path / "stop", restrict)).code == 0
    read("follow", "--until-caught-up")
    assert [one["loan_id"] for one in read("loans", "list", "--jsonl").lines] == ["L9"]
    assert read("loans", "fines", "--jsonl").stdout == ""
    assert [one["lent"] for one in read("loans", "readers", "--jsonl").lines] == [1]
    assert read("loans", "libraries", "--json").json["libraries"] == before


def test_a_nations_loans_are_those_of_each_ledger(read: Onecard) -> None:
    own = read("loans", "list", "--json").json
    (source,) = read("loans", "list", "--source", "all", "--json").json["position"]
    assert read("loans", "list", "--source", "all", "--json").json == {
        "loans": [{"source": source, **one} for one in own["loans"]],
        "position": {source: own["position"]},
    }


def test_what_cannot_be_asked_of_loans_is_refused(read: Onecard) -> None:
    for wrong in (["--state", "OUT"], ["--due-by", "soon"], ["--json", "--jsonl"], ["--library", "\udcff"]):
        assert read("loans", "list", *wrong).code == 2, wrong
    unknown = read("loans", "list", "--card", "nobody", "--json")
    assert (unknown.code, unknown.json["error"]["code"]) == (1, "card_unknown")
    assert read("loans", "list", "--card", "nobody", "--source", "all").code == 1
