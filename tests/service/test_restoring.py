"""A store that lost its end gets it back from bytes: the same rows, lines, tables and receipts as if never lost."""

from collections.abc import Callable, Iterator
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from psycopg.conninfo import conninfo_to_dict

from ledger.core.configuration import Configuration
from ledger.families.registry import COMMANDS, EVENTS
from ledger.service import batch, restoring
from ledger.service.batch import Receipt
from ledger.service.content import FIRST_EVENT, says_the_same
from ledger.service.recording import record
from ledger.service.restoring import Busy, Lost, Restorer, Unfit
from ledger.store import codec
from tests.fix_postgres import Databases
from tests.fix_stores import WRITER_ROLE, Store, assert_same, told
from tests.model.histories import tell
from tests.model.world import World

OTHER = "00000000-0000-0000-0000-000000000000"
LINES, FEW = 2_400, 500
BUDGET = (
    '{"command":"IssueBudget","submitter":"T1","reference":"%s","occurred_at":"2025-06-15T08:00:00%s",'
    '"province":"34","programme":"grain","amount_fen":%d,"document":"皖财社〔2025〕12号"}\n'
)
CUT_OFF = (
    '{"command":"CutOffCycle","submitter":"T1","reference":"c1","occurred_at":"2025-06-16T08:00:00Z",'
    '"cycle":"2025-05"}\n'
)


@pytest.fixture
def copied(databases: Databases) -> Iterator[Callable[[Store], Store]]:
    """Makes a copy of a store, as a backup would give it back."""
    made: list[str] = []

    def copy(store: Store) -> Store:
        made.append(databases.create(str(conninfo_to_dict(store.dsn)["dbname"])))
        return Store(made[-1])

    yield copy
    for dsn in made:
        databases.drop(dsn)


def restorer(store: Store) -> Restorer:
    return Restorer(lambda: store.connect(WRITER_ROLE), Configuration.load(store.config), store.keyring())


def lost(store: Store, after: int) -> list[Lost]:
    return store.ask(
        "SELECT notification_id, originator_id::text, state FROM ledger.events WHERE notification_id > %s ORDER BY 1",
        after,
    )


def restored(store: Store, tail: list[Lost]) -> int:
    with restorer(store) as restoring_:
        *_, reached = restoring_.append(tail)
    return reached


def without_digests(written: dict[str, list[Any]]) -> dict[str, list[Any]]:
    return written | {"submissions": [(*row[:2], *row[3:]) for row in written["submissions"]]}


@cache
def world_of(seed: int, count: int) -> World:
    return tell(seed, count)


def ahead_of_two_in_one_commit(seed: int, count: int, cut: int) -> int:
    """The first cut from this one on behind which no cut-off is among the next two commands: it is committed alone."""
    outcomes = world_of(seed, count).outcomes
    recorded = [(at, one.command) for at, one in enumerate(outcomes) if at >= cut and one.status == "recorded"]
    return next(at for (at, name), (_, after) in pairwise(recorded) if "CutOffCycle" not in (name, after))


def parts(folder: Path, seed: int, cut: int, count: int = LINES) -> tuple[Path, Path]:
    lines = world_of(seed, count).lines
    first, second = folder / "first.jsonl", folder / "second.jsonl"
    first.write_bytes(b"\n".join(lines[:cut]) + b"\n")
    second.write_bytes(b"\n".join(lines[cut:]) + b"\n")
    return first, second


@pytest.mark.parametrize("cut", [0, LINES // 3, LINES - 200])
def test_a_restored_end_is_as_if_it_had_never_been_lost(
    store: Store, copied: Callable[[Store], Store], tmp_path: Path, seed: int, cut: int
) -> None:
    first, second = parts(tmp_path, seed, cut)
    store.submit(first)
    backup = copied(store)
    head = len(backup.positions())
    outcomes = store.submit(second)
    assert restored(backup, lost(store, head)) == len(store.positions())
    assert_same(without_digests(backup.written()), without_digests(store.written()))
    for before, again in zip(outcomes, backup.submit(second), strict=True):
        if isinstance(before, Receipt):
            assert isinstance(again, Receipt), again
            assert again.status == "duplicate"
            assert told([again]) == told([before])


def test_a_crash_between_two_commits_leaves_a_shorter_tail(
    store: Store, copied: Callable[[Store], Store], tmp_path: Path, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(restoring, "EVENTS_A_COMMIT", 3)
    first, second = parts(tmp_path, seed, FEW - 150, FEW)
    store.submit(first)
    backup = copied(store)
    head = len(backup.positions())
    store.submit(second)
    while head < len(store.positions()):
        with restorer(backup) as begun:
            for _, reached in zip(range(20), begun.append(lost(store, head)), strict=False):
                head = reached
        assert head == len(backup.positions())
    assert_same(without_digests(backup.written()), without_digests(store.written()))


def test_other_content_under_a_restored_reference_is_refused(
    store: Store, copied: Callable[[Store], Store], tmp_path: Path
) -> None:
    first, second = tmp_path / "first.jsonl", tmp_path / "second.jsonl"
    first.write_text(BUDGET % ("r0", "Z", 1), "utf-8")
    second.write_text(BUDGET % ("r1", "Z", 2), "utf-8")
    store.submit(first)
    backup = copied(store)
    (receipt,) = store.submit(second)
    restored(backup, lost(store, head := len(backup.positions())))
    assert backup.positions() == store.positions() == [*range(1, head + 2)]
    again = tmp_path / "again.jsonl"
    again.write_text(
        BUDGET % ("r1", "Z", 2)
        + BUDGET % ("r1", "+00:00", 2)
        + BUDGET % ("r1", "Z", 3)
        + BUDGET % ("r1", "+08:00", 2)
        + (BUDGET % ("r1", "Z", 2)).replace("}", ',"channel":"FILE"}')
        + (BUDGET % ("r1", "Z", 2)).replace("grain", "other"),
        "utf-8",
    )
    same, spelt_otherwise, *others = backup.submit(again)
    assert told([same, spelt_otherwise]) == told([receipt, receipt])
    assert [getattr(one, "code", one) for one in others] == ["reference_reused"] * 4


def test_an_event_says_everything_that_its_command_said(
    store: Store, tmp_path: Path, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    unlike: dict[str, Any] = {}

    def compared(command: Any, drafts: Any, world: Any, recorded_at: int) -> Any:
        recorded = record(command, drafts, world, recorded_at)
        name, event = codec.decode(recorded[0].data)
        if not says_the_same(command, name, event):
            unlike[command.type.name] = name, event, command.fields
        return recorded

    monkeypatch.setattr(batch, "record", compared)
    store.submit(*parts(tmp_path, seed, LINES // 2))
    assert unlike == {}


def test_nobody_restores_while_somebody_decides(store: Store) -> None:
    with restorer(store), pytest.raises(Busy), restorer(store):
        pass
    with restorer(store):
        pass


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (lambda tail: tail[1:], "is missing"),
        (lambda tail: [tail[0], *tail[2:]], "is missing"),
        (lambda tail: [tail[0], (tail[1][0], OTHER, tail[1][2]), *tail[2:]], "does not belong to stream"),
        (lambda tail: [tail[0], (tail[1][0], tail[1][1], b"\x00\x00"), *tail[2:]], "not framed"),
        (lambda tail: [tail[0], (tail[1][0], *tail[0][1:]), *tail[2:]], "does not follow"),
    ],
)
def test_what_does_not_follow_is_not_appended(
    store: Store, copied: Callable[[Store], Store], tmp_path: Path, seed: int, damage: Any, reason: str
) -> None:
    first, second = parts(tmp_path, seed, ahead_of_two_in_one_commit(seed, FEW, FEW - 150), FEW)
    store.submit(first)
    backup = copied(store)
    head = len(backup.positions())
    store.submit(second)
    with pytest.raises(Unfit, match=reason), restorer(backup) as begun:
        list(begun.append(damage(lost(store, head))))
    assert len(backup.positions()) == head


def test_a_cut_off_ahead_of_what_does_not_follow_is_appended_and_the_rest_follows_it(
    store: Store, copied: Callable[[Store], Store], tmp_path: Path
) -> None:
    first, second = tmp_path / "first.jsonl", tmp_path / "second.jsonl"
    first.write_text(BUDGET % ("r0", "Z", 1), "utf-8")
    second.write_text(CUT_OFF + BUDGET % ("r1", "Z", 2), "utf-8")
    store.submit(first)
    backup = copied(store)
    head = len(backup.positions())
    store.submit(second)
    cut_off, budget = lost(store, head)
    with pytest.raises(Unfit, match="does not belong to stream"), restorer(backup) as begun:
        list(begun.append([cut_off, (budget[0], OTHER, budget[2])]))
    assert lost(backup, head) == [cut_off]
    assert restored(backup, [budget]) == len(store.positions())
    assert_same(without_digests(backup.written()), without_digests(store.written()))


def test_every_command_names_the_event_it_records() -> None:
    message = "a command was added or removed: name its first event in ledger/service/content.py"
    assert set(FIRST_EVENT) == set(COMMANDS), message
    assert set(FIRST_EVENT.values()) <= set(EVENTS) and len(set(FIRST_EVENT.values())) == len(FIRST_EVENT)
